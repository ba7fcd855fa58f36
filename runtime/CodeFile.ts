/**
 * One source file as code versions see it: what it declares at its top, piece by piece, and what each piece refers to.
 *
 * A function of the file's text alone, so that it can be kept by content; reading and keeping is `CodeCache`'s.
 */
import type * as Parser from "rolldown/utils"
import * as CodeScope from "./CodeScope.ts"
import * as CodeSyntax from "./CodeSyntax.ts"
import type { Ref } from "./CodeSyntax.ts"
import * as CodeTree from "./CodeTree.ts"
import type { Node } from "./CodeTree.ts"
import * as Version from "./Version.ts"

/** A line and a column, both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Where something starts, and where it has ended: line and column of each. */
export type Range = readonly [startLine: number, startColumn: number, endLine: number, endColumn: number]

/** One declaration at the top of a file, or a statement there. */
export interface Piece {
  readonly hash: string
  readonly refs: ReadonlyArray<Ref>
  readonly at: Range
  /** Statements that go with it because they may change its value. */
  readonly statements?: ReadonlyArray<string>
}

/** What a call of a function of `Asset` is given. */
export interface Given {
  readonly hash: string
  readonly refs: ReadonlyArray<Ref>
  /** Parameters and loop variables around the call that it uses. */
  readonly free: ReadonlyArray<string>
}

export interface CodeFile {
  readonly pieces: Readonly<Record<string, Piece>>
  /** The piece that binds a name, where it is called otherwise. */
  readonly names: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Ref>>
  /** Modules of which everything is exported. */
  readonly stars: ReadonlyArray<string>
  /** By the position that a stack names, `line:column`. */
  readonly given: Readonly<Record<string, Given>>
}

/** Where a file is not TypeScript. */
export interface Mistake extends Position {
  readonly message: string
}

export const isCode = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path)

export const position = ({ column, line }: Position): string => `${line}:${column}`

/** Whether a position is in a piece. */
export const isWithin = ({ at }: Piece, { column, line }: Position): boolean => {
  const [startLine, startColumn, endLine, endColumn] = at
  const hasStarted = line > startLine || (line === startLine && column >= startColumn)
  return hasStarted && (line < endLine || (line === endLine && column < endColumn))
}

/** `path` tells the language. */
export const make = ({ parseSync }: typeof Parser, path: string, source: string): CodeFile | Mistake => {
  const lang = /\.[cm]?ts$/.test(path) ? "ts" : path.endsWith(".tsx") ? "tsx" : path.endsWith(".jsx") ? "jsx" : "js"
  const { errors, program } = parseSync(path, source, {
    lang,
    sourceType: "module",
    astType: "ts",
    preserveParens: false
  })
  const positions = positionsIn(source)
  const [error] = errors
  if (error !== undefined) return { message: error.message, ...positions(error.labels[0]?.start ?? 0) }
  const summary = new Summary(positions)
  const body = program.body as unknown as ReadonlyArray<Node>
  for (const statement of body) summary.bind(statement)
  for (const statement of body) summary.statement(statement)
  return summary.file()
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

class Summary {
  private readonly positions: (offset: number) => Position
  private readonly topLevel = new Map<string, Extract<Ref, readonly ["Local" | "Import", ...unknown[]]>>()
  private readonly names: Record<string, string> = {}
  private readonly pieces: Record<string, Mutable<Piece>> = {}
  private readonly exports: Record<string, Ref> = {}
  private readonly stars: Array<string> = []
  private readonly given: Record<string, Given> = {}
  private readonly changing: Array<{ readonly statement: string; readonly changed: ReadonlySet<string> }> = []

  constructor(positions: (offset: number) => Position) {
    this.positions = positions
  }

  file(): CodeFile {
    for (const { changed, statement } of this.changing) {
      for (const name of changed) {
        const piece = this.pieces[this.names[name] ?? name]
        if (piece !== undefined) piece.statements = [...(piece.statements ?? []), statement]
      }
    }
    const { exports, given, names, pieces, stars } = this
    return { pieces, names, exports, stars, given }
  }

  /** First of all, which names there are. */
  bind(statement: Node) {
    if (statement.type === "ImportDeclaration") return this.imports(statement)
    const declaration = declarationOf(statement)
    if (declaration === undefined || CodeTree.isErased(declaration)) return
    if (declaration.type === "VariableDeclaration") {
      for (const { id } of CodeTree.declarators(declaration)) this.bindAll(CodeScope.boundNames(id))
    } else if (CodeTree.isNode(declaration["id"])) this.bindAll([CodeTree.nameOf(declaration["id"])])
  }

  statement(statement: Node) {
    if (statement.type === "ImportDeclaration" || CodeTree.isErased(statement)) return
    if (statement.type === "ExportAllDeclaration") return this.exportsAll(statement)
    if (statement.type === "ExportNamedDeclaration") this.exported(statement)
    const declaration = declarationOf(statement)
    if (statement.type === "ExportDefaultDeclaration") {
      const name = declaration === undefined ? "*default" : CodeTree.nameOf(declaration["id"] as Node)
      this.exports["default"] = ["Local", name]
      if (declaration === undefined) {
        this.piece(name, [statement["declaration"] as Node])
      }
    }
    if (declaration !== undefined) return this.declaration(declaration)
    if (!/^(Export|Empty)/.test(statement.type)) this.effect(statement)
  }

  private declaration(declaration: Node) {
    if (CodeTree.isErased(declaration)) return
    if (declaration.type === "VariableDeclaration") {
      for (const declarator of CodeTree.declarators(declaration)) {
        const name = CodeScope.boundNames(declarator.id)[0]
        if (name !== undefined) this.piece(name, [declarator])
      }
    } else if (declaration.type === "ClassDeclaration") this.class(declaration)
    else this.piece(CodeTree.nameOf(declaration["id"] as Node), [declaration])
  }

  /**
   * Of a class that extends another, such as a service's, what is static is apart: whoever names the service does not
   * name its layers.
   */
  private class(node: Node) {
    const name = CodeTree.nameOf(node["id"] as Node)
    const body = node["body"] as Node
    const members = CodeTree.children(body["body"])
    const key = (member: Node) => (member["static"] === true ? CodeTree.keyName(member, "key") : undefined)
    const apart = CodeTree.isNode(node["superClass"]) ? members.filter((member) => key(member) !== undefined) : []
    this.piece(name, [{ ...node, body: { ...body, body: members.filter((member) => !apart.includes(member)) } }])
    const statics = apart.map((member) => `${name}.${key(member)!}`)
    apart.forEach((member, index) => {
      const all = CodeTree.mentionsThis(member) ? statics : []
      this.piece(
        statics[index]!,
        [member],
        [name, ...all].map((name): Ref => ["Local", name])
      )
    })
  }

  /** Kept with what it may change: that is assigned to, given away, or has a method called. */
  private effect(statement: Node) {
    const name = `*${this.changing.length}`
    this.changing.push({ statement: name, changed: changedBy(statement) })
    this.piece(name, [statement])
  }

  private piece(name: string, nodes: ReadonlyArray<Node>, more: ReadonlyArray<Ref> = []) {
    const { calls, code } = CodeSyntax.print(nodes, this.topLevel)
    const [start, end] = [this.positions(nodes[0]!.start), this.positions(nodes[0]!.end)]
    const at = [start.line, start.column, end.line, end.column] as const
    this.pieces[name] = { hash: Version.hash("piece", [code.text]), refs: [...code.refs, ...more], at }
    for (const call of calls) {
      const { free, refs, text } = CodeSyntax.printArguments(call, this.topLevel)
      const callee = call.call["callee"] as Node
      const at = position(this.positions((callee["property"] as Node).start))
      this.given[at] = { hash: Version.hash("given", [text]), refs, free }
    }
  }

  private bindAll(names: ReadonlyArray<string>) {
    for (const name of names) {
      this.topLevel.set(name, ["Local", name])
      if (name !== names[0]) this.names[name] = names[0]!
    }
  }

  private imports(statement: Node) {
    if (statement["importKind"] === "type") return
    const from = sourceOf(statement)
    for (const specifier of CodeTree.children(statement["specifiers"])) {
      if (specifier["importKind"] === "type") continue
      const name =
        specifier.type === "ImportNamespaceSpecifier"
          ? "*"
          : specifier.type === "ImportDefaultSpecifier"
            ? "default"
            : exportName(specifier["imported"])
      this.topLevel.set(exportName(specifier["local"]), ["Import", name, from])
    }
  }

  private exportsAll(statement: Node) {
    if (statement["exportKind"] === "type") return
    const from = sourceOf(statement)
    if (statement["exported"] === null) this.stars.push(from)
    else this.exports[exportName(statement["exported"])] = ["Import", "*", from]
  }

  private exported(statement: Node) {
    if (statement["exportKind"] === "type") return
    const declaration = declarationOf(statement)
    if (declaration !== undefined && !CodeTree.isErased(declaration)) {
      const names =
        declaration.type === "VariableDeclaration"
          ? CodeTree.declarators(declaration).flatMap(({ id }) => CodeScope.boundNames(id))
          : [CodeTree.nameOf(declaration["id"] as Node)]
      for (const name of names) this.exports[name] = ["Local", name]
    }
    for (const specifier of CodeTree.children(statement["specifiers"])) {
      if (specifier["exportKind"] === "type") continue
      const name = exportName(specifier["local"])
      const ref: Ref | undefined = CodeTree.isNode(statement["source"])
        ? ["Import", name, sourceOf(statement)]
        : this.topLevel.get(name)
      if (ref !== undefined) this.exports[exportName(specifier["exported"])] = ref
    }
  }
}

const declarationOf = (statement: Node): Node | undefined => {
  if (/^Export(Named|Default)Declaration$/.test(statement.type)) {
    const declaration = statement["declaration"]
    if (!CodeTree.isNode(declaration)) return undefined
    if (statement.type === "ExportNamedDeclaration") return declaration
    return declaration.type.endsWith("Declaration") && CodeTree.isNode(declaration["id"]) ? declaration : undefined
  }
  return /^(Variable|Function|Class|TSEnum|TSModule)Declaration$/.test(statement.type) ? statement : undefined
}

const sourceOf = (statement: Node) => String((statement["source"] as Node)["value"])

const exportName = (name: unknown): string =>
  CodeTree.isNode(name) ? String(name.type === "Literal" ? name["value"] : name["name"]) : ""

/** Names that a statement may change the values of. */
const changedBy = (node: unknown, found = new Set<string>()): ReadonlySet<string> => {
  if (Array.isArray(node)) for (const each of node) changedBy(each, found)
  if (!CodeTree.isNode(node)) return found
  const change = (target: unknown) => {
    if (!CodeTree.isNode(target)) return
    if (target.type === "Identifier") found.add(CodeTree.nameOf(target))
    else if (target.type === "MemberExpression") change(target["object"])
    else for (const name of CodeScope.boundNames(target)) found.add(name)
  }
  if (node.type === "AssignmentExpression") change(node["left"])
  if (node.type === "UpdateExpression" || node["operator"] === "delete") change(node["argument"])
  if (node.type === "CallExpression" && !CodeTree.isAssetCall(node)) {
    const callee = node["callee"] as Node
    if (callee.type === "MemberExpression") change(callee["object"])
    for (const argument of CodeTree.children(node["arguments"])) if (argument.type === "Identifier") change(argument)
  }
  for (const value of Object.values(node)) changedBy(value, found)
  return found
}

const positionsIn = (source: string): ((offset: number) => Position) => {
  const starts = [0]
  for (let at = source.indexOf("\n"); at !== -1; at = source.indexOf("\n", at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - starts[low]! + 1 }
  }
}
