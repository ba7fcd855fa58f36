/**
 * Which declaration a name stands for inside a piece of code.
 *
 * Names at the top of a file are not looked into here: they are what pieces refer to each other by.
 */
import { children, declarators, isFunction, isNode, nameOf, type Node } from "./CodeTree.ts"

/** What a name stands for. */
export interface Binding {
  readonly name: string
  /** Of a variable, function or class; parameters and loop variables get their values from outside. */
  readonly declaration: Node | undefined
  readonly scope: Scope
}

export interface Scope {
  readonly parent: Scope | undefined
  readonly bindings: Map<string, Binding>
}

/** What a name stands for; `undefined` for one from outside of all scopes. */
export const find = (name: string, scope: Scope | undefined): Binding | undefined => {
  for (let at = scope; at !== undefined; at = at.parent) {
    const binding = at.bindings.get(name)
    if (binding !== undefined) return binding
  }
  return undefined
}

/** The scope that a node opens for what is in it; the one it stands in for most. */
export const inside = (node: Node, scope: Scope | undefined): Scope | undefined => {
  if (isFunction(node)) return ofFunction(node, scope)
  switch (node.type) {
    case "ClassExpression":
      return named(node, scope)
    case "CatchClause":
      return declare(scope, values(boundNames(node["param"])))
    case "BlockStatement":
    case "StaticBlock":
      return ofBlock(children(node["body"]), scope)
    case "SwitchStatement":
      return ofBlock(
        children(node["cases"]).flatMap((each) => children(each["consequent"])),
        scope
      )
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement": {
      const header = children(node["init"] ?? node["left"]).filter(({ type }) => type === "VariableDeclaration")
      const names = header.flatMap(declarators).flatMap(({ id }) => boundNames(id))
      return declare(scope, values(names))
    }
    default:
      return scope
  }
}

/** The names that a pattern binds. */
export const boundNames = (pattern: unknown, found: Array<string> = []): ReadonlyArray<string> => {
  if (!isNode(pattern)) return found
  if (pattern.type === "Identifier") found.push(nameOf(pattern))
  else if (pattern.type === "AssignmentPattern") boundNames(pattern["left"], found)
  else if (pattern.type === "RestElement") boundNames(pattern["argument"], found)
  else if (pattern.type === "Property") boundNames(pattern["value"], found)
  else if (pattern.type === "TSParameterProperty") boundNames(pattern["parameter"], found)
  else for (const part of children(pattern["elements"] ?? pattern["properties"])) boundNames(part, found)
  return found
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ofFunction = (node: Node, scope: Scope | undefined): Scope => {
  const outer = node.type === "FunctionExpression" ? named(node, scope) : scope
  const parameters = children(node["params"]).flatMap((parameter) => boundNames(parameter))
  const inner = declare(outer, values(parameters))
  for (const name of hoisted(node["body"])) if (!inner.bindings.has(name)) bind(inner, name, undefined)
  return inner
}

const declare = (parent: Scope | undefined, names: Iterable<readonly [string, Node | undefined]>): Scope => {
  const scope: Scope = { parent, bindings: new Map() }
  for (const [name, declaration] of names) bind(scope, name, declaration)
  return scope
}

const bind = (scope: Scope, name: string, declaration: Node | undefined) =>
  scope.bindings.set(name, { name, declaration, scope })

const values = (names: ReadonlyArray<string>) => names.map((name) => [name, undefined] as const)

const named = (node: Node, scope: Scope | undefined): Scope | undefined =>
  isNode(node["id"]) ? declare(scope, values([nameOf(node["id"])])) : scope

const ofBlock = (statements: ReadonlyArray<Node>, parent: Scope | undefined): Scope =>
  declare(
    parent,
    statements.flatMap((statement): ReadonlyArray<readonly [string, Node | undefined]> => {
      if (statement.type === "VariableDeclaration") {
        return declarators(statement).flatMap((declarator) =>
          boundNames(declarator.id).map((name) => [name, declarator] as const)
        )
      }
      return /^(Function|Class)Declaration$/.test(statement.type) && isNode(statement["id"])
        ? [[nameOf(statement["id"]), statement] as const]
        : []
    })
  )

/** The names of `var`s in a body, wherever they stand in it. */
const hoisted = (node: unknown, found: Array<string> = []): ReadonlyArray<string> => {
  if (Array.isArray(node)) for (const each of node) hoisted(each, found)
  if (!isNode(node) || isFunction(node)) return found
  if (node.type === "VariableDeclaration" && node["kind"] === "var") {
    for (const { id } of declarators(node)) boundNames(id, found)
  }
  if (/Statement|Clause|Case|Declaration$/.test(node.type))
    for (const value of Object.values(node)) hoisted(value, found)
  return found
}
