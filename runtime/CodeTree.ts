/**
 * The syntax tree of TypeScript as oxc parses it, and what one asks of its nodes.
 *
 * Which name stands for what is `CodeScope`'s.
 */

/** A node of an ESTree that oxc parsed from TypeScript. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** Whether nothing is left of it once types are gone. */
export const isErased = (node: Node): boolean =>
  node["declare"] === true ||
  erasedTypes.has(node.type) ||
  // An overload of a method.
  (node.type === "MethodDefinition" && isErased(node["value"] as Node))

/** Whether it is a call of a function of `Asset` or `MultiAsset`, such as `Asset.make(…)`. */
export const isAssetCall = (node: Node): boolean => node.type === "CallExpression" && isAssetFunction(node["callee"])

/** `make` of `Asset.make(…)`. */
export const functionName = (call: Node): string | undefined => {
  const callee = call["callee"]
  return isNode(callee) ? keyName(callee, "property") : undefined
}

/** Whether code means the object that it belongs to. */
export const mentionsThis = (node: unknown): boolean =>
  Array.isArray(node)
    ? node.some(mentionsThis)
    : isNode(node) && (node.type === "ThisExpression" || Object.values(node).some(mentionsThis))

export const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

export const children = (value: unknown): ReadonlyArray<Node> =>
  Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []

export const nameOf = (identifier: Node): string => String(identifier["name"])

/** What a statement such as `const a = 1, b = 2` declares. */
export const declarators = (node: Node) =>
  children(node["declarations"]) as ReadonlyArray<Node & { readonly id: Node; readonly init: Node | null }>

/** The name of a property that is not computed. */
export const keyName = (node: Node, field: "key" | "property"): string | undefined => {
  const key = node[field]
  if (!isNode(key)) return undefined
  if (key.type === "Literal" && typeof key["value"] === "string") return key["value"]
  return node["computed"] === true || (key.type !== "Identifier" && key.type !== "PrivateIdentifier")
    ? undefined
    : `${key.type === "Identifier" ? "" : "#"}${nameOf(key)}`
}

/** The names of `a.b.c`, and nothing of what is more than that. */
export const path = (node: Node): ReadonlyArray<string> => {
  if (node.type === "Identifier") return [nameOf(node)]
  if (node.type !== "MemberExpression") return []
  const property = keyName(node, "property")
  const before = path(node["object"] as Node)
  return property === undefined || before.length === 0 ? [] : [...before, property]
}

/** The value of a string that holds no expressions. */
export const text = (node: Node | undefined): string | undefined => {
  if (node?.type === "Literal" && typeof node["value"] === "string") return node["value"]
  if (node?.type !== "TemplateLiteral" || children(node["expressions"]).length > 0) return undefined
  return (children(node["quasis"])[0]!["value"] as { readonly cooked: string }).cooked
}

/** Whether it is `import.meta.url`. */
export const isImportMetaUrl = (node: Node | undefined): boolean =>
  node?.type === "MemberExpression" &&
  keyName(node, "property") === "url" &&
  isNode(node["object"]) &&
  node["object"].type === "MetaProperty"

/** An expression without what only the compiler reads of it. */
export const unwrapped = (node: Node): Node => (wrappers.has(node.type) ? unwrapped(node["expression"] as Node) : node)

export const isFunction = ({ type }: Node): boolean =>
  type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression"

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const wrappers = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "ParenthesizedExpression"
])

const erasedTypes = new Set([
  "EmptyStatement",
  "TSInterfaceDeclaration",
  "TSTypeAliasDeclaration",
  "TSDeclareFunction",
  "TSAbstractMethodDefinition",
  "TSAbstractPropertyDefinition",
  "TSAbstractAccessorProperty",
  "TSEmptyBodyFunctionExpression",
  "TSIndexSignature"
])

const isAssetFunction = (callee: unknown): boolean => {
  if (!isNode(callee) || callee.type !== "MemberExpression") return false
  const { object } = callee as Node & { readonly object: Node }
  const name = object.type === "Identifier" ? nameOf(object) : keyName(object, "property")
  return name === "Asset" || name === "MultiAsset"
}
