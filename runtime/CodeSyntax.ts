/**
 * Source code without what does not matter of it: types, comments, white space, and the names of locals.
 *
 * What a piece of code refers to outside of itself is listed beside it; where that leads is `CodeSlice`'s business.
 */
import * as CodeScope from "./CodeScope.ts"
import type { Binding, Scope } from "./CodeScope.ts"
import * as CodeSql from "./CodeSql.ts"
import {
  children,
  functionName,
  isAssetCall,
  isErased,
  isFunction,
  isImportMetaUrl,
  isNode,
  keyName,
  nameOf,
  type Node,
  path,
  text,
  unwrapped
} from "./CodeTree.ts"

/** Something outside a piece of code: a top-level name of its file, an import of its file, or a file that it names. Short, because
 * tens of thousands of them are kept. */
export type Ref =
  | readonly [tag: "Local", name: string]
  /** `*` for a whole module. */
  | readonly [tag: "Import", name: string, from: string]
  | readonly [tag: "File", url: string]

/** A piece of code in canonical form; it names its references by their number. */
export interface Code {
  readonly text: string
  readonly refs: ReadonlyArray<Ref>
  /** Parameters and loop variables around the piece that it uses, in the order of use. */
  readonly free: ReadonlyArray<string>
}

/** The names at the top of a file, and where the imported ones are from. */
export type TopLevel = ReadonlyMap<string, Extract<Ref, readonly ["Local" | "Import", ...unknown[]]>>

/** What is told of a call of a function of `Asset`, such as `Asset.make`. */
export interface AssetCall {
  readonly call: Node
  /** The names that are in force around it. */
  readonly scope: Scope | undefined
}

/** The canonical form of `nodes`, and the calls of functions of `Asset` within. */
export const print = (
  nodes: ReadonlyArray<Node>,
  topLevel: TopLevel
): { readonly code: Code; readonly calls: ReadonlyArray<AssetCall> } => {
  const printer = new Printer(topLevel, undefined)
  for (const node of nodes) printer.node(node, undefined)
  return { code: printer.code(), calls: printer.calls }
}

/** The canonical form of what is given to a call of a function of `Asset`: of `Asset.make`, all but the key. */
export const printArguments = ({ call, scope }: AssetCall, topLevel: TopLevel): Code => {
  const printer = new Printer(topLevel, scope)
  const given = children(call["arguments"])
  const isKeyed = functionName(call) !== "dependsOnCode" && given.length > 1
  for (const node of isKeyed ? given.slice(1) : given) printer.options(node, scope)
  printer.declarationsAround()
  return printer.code()
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Fields that say nothing about what code does. */
const idle = new Set(
  `type start end range loc parent raw shorthand definite readonly typeAnnotation typeParameters typeArguments returnType
  superTypeArguments implements accessibility override abstract importKind exportKind`.split(/\s+/)
)

/**
 * Properties of an asset's options that are no part of how its value is made. Descriptions within a schema are, because a
 * body may use them, such as in what it asks of a language model.
 */
const aside = new Set(["description", "codeVersion", "partitions"])

class Printer {
  readonly calls: Array<AssetCall> = []
  private readonly topLevel: TopLevel
  private readonly around: ReadonlySet<Scope>
  private readonly out: Array<string> = []
  private readonly refs: Array<Ref> = []
  private readonly refNumbers = new Map<string, number>()
  private readonly locals = new Map<Binding, number>()
  private readonly free: Array<string> = []
  private readonly declared: Array<Binding> = []
  /** Inside `io`, whose schema and place are known from the asset itself. */
  private inIo = false

  constructor(topLevel: TopLevel, around: Scope | undefined) {
    this.topLevel = topLevel
    const scopes = new Set<Scope>()
    for (let scope = around; scope !== undefined; scope = scope.parent) scopes.add(scope)
    this.around = scopes
  }

  code(): Code {
    return { text: this.out.join(""), refs: this.refs, free: this.free }
  }

  /** The code behind the names around the piece that it uses, each once. */
  declarationsAround() {
    for (const { declaration, scope } of this.declared) {
      this.out.push("|")
      this.node(declaration!, scope)
    }
  }

  node(node: Node, scope: Scope | undefined): void {
    if (isErased(node)) return
    const bare = unwrapped(node)
    if (bare !== node) return this.node(bare, scope)
    switch (node.type) {
      case "Identifier":
      case "JSXIdentifier":
        return this.name(nameOf(node), scope)
      case "Literal":
        return void this.out.push(literal(node))
      case "TemplateElement":
        return void this.out.push(JSON.stringify((node["value"] as { raw: string }).raw.replaceAll("\r\n", "\n")))
      case "MemberExpression":
        return this.member(node, scope)
      case "TaggedTemplateExpression":
        return this.tagged(node, scope)
      case "NewExpression":
        return this.made(node, scope)
      case "ImportExpression":
        return this.imported(node, scope)
      case "CallExpression":
        return this.call(node, scope)
      case "MetaProperty":
      case "LabeledStatement":
      case "BreakStatement":
      case "ContinueStatement":
        return this.labelled(node, scope)
    }
    return this.fields(node, CodeScope.inside(node, scope))
  }

  private fields(node: Node, scope: Scope | undefined): void {
    this.out.push(node.type, "{")
    for (const [field, value] of Object.entries(node)) {
      if (idle.has(field) || value === null || value === undefined || value === false) continue
      if (field === "optional" && node.type !== "MemberExpression" && node.type !== "CallExpression") continue
      if (Array.isArray(value) && value.length === 0) continue
      if (field === "kind" && (value === "let" || value === "const")) continue
      if (field === "id" && isFunction(node) && node.type !== "FunctionDeclaration") continue
      this.out.push(field, ":")
      const key = field === "key" ? keyName(node, "key") : undefined
      if (key !== undefined) this.out.push(JSON.stringify(key))
      else if (Array.isArray(value)) this.list(value, scope)
      else if (isNode(value)) this.node(value, scope)
      else this.out.push(JSON.stringify(value))
      this.out.push(",")
    }
    this.out.push("}")
  }

  private list(values: ReadonlyArray<unknown>, scope: Scope | undefined) {
    this.out.push("[")
    for (const value of values) {
      if (isNode(value) && (isErased(value) || isThis(value))) continue
      if (isNode(value)) this.node(value, scope)
      else this.out.push("-")
      this.out.push(";")
    }
    this.out.push("]")
  }

  private name(name: string, scope: Scope | undefined): void {
    const binding = CodeScope.find(name, scope)
    if (binding !== undefined) return this.local(binding)
    const ref = this.topLevel.get(name)
    if (ref === undefined) this.out.push(name)
    else this.ref(ref)
  }

  private local(binding: Binding) {
    let number = this.locals.get(binding)
    if (number === undefined) {
      this.locals.set(binding, (number = this.locals.size))
      if (this.around.has(binding.scope) && binding.declaration !== undefined) this.declared.push(binding)
    }
    const isFree = this.around.has(binding.scope) && binding.declaration === undefined
    if (isFree && !this.inIo && !this.free.includes(binding.name)) this.free.push(binding.name)
    this.out.push(`$${number}`)
  }

  private ref(ref: Ref) {
    const id = JSON.stringify(ref)
    let number = this.refNumbers.get(id)
    if (number === undefined) {
      this.refNumbers.set(id, (number = this.refs.length))
      this.refs.push(ref)
    }
    this.out.push(`@${number}`)
  }

  /** Of a name from outside, its members are part of the reference: it may stand for a module. */
  private member(node: Node, scope: Scope | undefined): void {
    const [root, ...members] = path(node)
    const ref = root === undefined || CodeScope.find(root, scope) !== undefined ? undefined : this.topLevel.get(root)
    if (ref !== undefined) {
      const isModule = ref[0] === "Import" && ref[1] === "*"
      const name = [...(isModule ? [] : [ref[1]]), ...members.slice(0, 3)].join(".")
      this.ref(ref[0] === "Local" ? ["Local", name] : ["Import", name, ref[2]])
      for (const member of isModule ? members.slice(1) : members) this.out.push(`.${member}`)
      return
    }
    const property = keyName(node, "property")
    this.out.push("Member{")
    this.node(node["object"] as Node, scope)
    this.out.push(node["optional"] === true ? "?." : ".")
    if (property !== undefined) this.out.push(JSON.stringify(property))
    else this.node(node["property"] as Node, scope)
    this.out.push("}")
  }

  /** What is tagged `sql` is read as SQL is. */
  private tagged(node: Node, scope: Scope | undefined): void {
    const { quasi, tag } = node as Node & Record<"quasi" | "tag", Node>
    const quasis = children(quasi["quasis"])
    const parts = quasis.map((part) => (part["value"] as { readonly cooked: string | null }).cooked)
    const isSql = tag.type === "Identifier" && nameOf(tag) === "sql" && parts.every((part) => part !== null)
    if (!isSql) return this.fields(node, scope)
    const canonical = CodeSql.canonicalTemplate(parts).map((raw, at) => ({ ...quasis[at], value: { raw } }))
    return this.fields({ ...node, quasi: { ...quasi, quasis: canonical } }, scope)
  }

  /** `new URL("…", import.meta.url)` is the file that it names. */
  private made(node: Node, scope: Scope | undefined): void {
    const [path, base] = children(node["arguments"])
    const { callee } = node as Node & { readonly callee: Node }
    const url = callee.type === "Identifier" && nameOf(callee) === "URL" ? text(path) : undefined
    if (url === undefined || !isImportMetaUrl(base)) return this.fields(node, scope)
    this.ref(["File", url])
  }

  private imported(node: Node, scope: Scope | undefined): void {
    const from = text(node["source"] as Node)
    if (from === undefined) return this.fields(node, scope)
    this.out.push("import ")
    this.ref(["Import", "*", from])
  }

  private call(node: Node, scope: Scope | undefined): void {
    const { callee } = node as Node & { readonly callee: Node }
    const given = children(node["arguments"])
    if (isAssetCall(node)) {
      this.calls.push({ call: node, scope })
      this.out.push(`Asset.${functionName(node)}[`)
      for (const argument of given) this.options(argument, scope)
      return void this.out.push("]")
    }
    if (callee.type !== "MemberExpression" || keyName(callee, "property") !== "pipe") return this.fields(node, scope)
    // How an asset is run is no part of how its value is made.
    const others = given.filter((argument) => !isAssetCall(argument))
    for (const call of given) if (!others.includes(call)) this.calls.push({ call, scope })
    if (others.length === 0) return this.node(callee["object"] as Node, scope)
    return this.fields({ ...node, arguments: others }, scope)
  }

  private labelled(node: Node, scope: Scope | undefined): void {
    const { label, meta, property } = node as Node & Record<"label" | "meta" | "property", Node | null>
    this.out.push(node.type, ...[label, meta, property].map((each) => (each ? ` ${nameOf(each)}` : "")))
    for (const body of children(node["body"])) this.node(body, scope)
  }

  /** The options of `Asset.make`, or what another of its functions is given. */
  options(node: Node, scope: Scope | undefined): void {
    if (node.type !== "ObjectExpression") return this.node(node, scope)
    for (const property of children(node["properties"])) {
      const key = keyName(property, "key")
      if (key !== undefined && aside.has(key)) continue
      this.inIo = key === "io"
      this.node(property, scope)
      this.inIo = false
    }
  }
}

const literal = (node: Node): string => {
  if (isNode(node["regex"]) || typeof node["regex"] === "object") return JSON.stringify(node["regex"])
  if (typeof node["bigint"] === "string") return `${node["bigint"]}n`
  return JSON.stringify(node["value"])
}

/** The parameter that only says what type `this` has. */
const isThis = (node: Node) => node.type === "Identifier" && nameOf(node) === "this"
