/**
 * What a selection says, as a value, and its text.
 *
 * Texts are read by `SelectionParser`; which assets an expression means is found by `Selection`.
 */

/** The parts of a text between its wildcards, each of which stands for anything; one part has to match as it is. */
export type Pattern = readonly [string, ...ReadonlyArray<string>]

/** Attributes that have values of all kinds. */
export const openAttributes = ["key", "group", "tag", "kind", "owner", "check", "partitions"] as const
export type OpenAttribute = (typeof openAttributes)[number]

/** Attributes that have only these values. */
export const vocabulary = {
  is: ["external"],
  status: ["missing", "stale", "maybe", "current"],
  changed: ["code", "config", "dependency"]
} as const
export type Vocabulary = { readonly [A in keyof typeof vocabulary]: (typeof vocabulary)[A][number] }

export const fixedAttributes = Object.keys(vocabulary) as ReadonlyArray<keyof Vocabulary>

export const attributes: ReadonlyArray<string> = [...openAttributes, ...fixedAttributes]

/** Words that combine expressions, in any case; a key that is one has to be quoted. */
export const reserved: ReadonlySet<string> = new Set(["and", "or", "not"])

/** Where a term stands in its text: characters from 0, the end exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A name that stands alone. */
export interface Key extends Span {
  readonly _tag: "Key"
  readonly key: Pattern
}

/** `null` is `<null>`: no value at all. */
export interface Has extends Span {
  readonly _tag: "Has"
  readonly attribute: Exclude<OpenAttribute, "tag">
  readonly value: Pattern | null
}

/** Any value, when `value` is undefined; the empty one, when it is null. `null` as `name`: no tags at all. */
export interface Tag extends Span {
  readonly _tag: "Tag"
  readonly name: Pattern | null
  readonly value: Pattern | null | undefined
}

/** An attribute with one of its fixed values. */
export type Is = {
  readonly [A in keyof Vocabulary]: Span & {
    readonly _tag: "Is"
    readonly attribute: A
    readonly value: Vocabulary[A]
  }
}[keyof Vocabulary]

export type Operand = Key | Has | Tag | Is

/** `up` and `down` are numbers of levels; infinite for all. */
export type Operator =
  | { readonly _tag: "Reach"; readonly up: number; readonly down: number }
  | { readonly _tag: "Sinks" | "Roots" | "Not" | "And" | "Or" }

/**
 * Operators after what they operate on, so that whoever reads it needs no deeper stack of calls however deep it goes.
 * Its text is kept for messages; the spans of operands refer to it.
 */
export interface Expression {
  readonly text: string
  readonly terms: ReadonlyArray<Operand | Operator>
}

/** A text that parses to an expression of the same meaning. */
export const print = ({ terms }: Expression): string => {
  const printed: Array<{ readonly text: string; readonly strength: number }> = []
  const within = (strength: number): string => {
    const inner = printed.pop()!
    return inner.strength < strength ? `(${inner.text})` : inner.text
  }
  const push = (strength: number, text: string) => printed.push({ strength, text })
  for (const term of terms) {
    switch (term._tag) {
      case "Or":
      case "And": {
        const strength = term._tag === "Or" ? 1 : 2
        const right = within(strength)
        push(strength, `${within(strength)} ${term._tag.toLowerCase()} ${right}`)
        break
      }
      case "Not":
        push(3, `not ${within(3)}`)
        break
      case "Reach":
        push(4, `${above(term.up)}${within(5)}${below(term.down)}`)
        break
      case "Sinks":
      case "Roots":
        push(5, `${term._tag.toLowerCase()}(${within(0)})`)
        break
      default:
        push(5, printOperand(term))
    }
  }
  return within(0)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const printOperand = (operand: Operand): string => {
  switch (operand._tag) {
    case "Key":
      return printPattern(operand.key)
    case "Has":
      return `${operand.attribute}:${printValue(operand.value)}`
    case "Tag":
      return `tag:${printValue(operand.name)}${operand.value === undefined ? "" : `=${printValue(operand.value)}`}`
    case "Is":
      return `${operand.attribute}:${operand.value}`
  }
}

const printValue = (value: Pattern | null): string => (value === null ? "<null>" : printPattern(value))

const printPattern = (pattern: Pattern): string => {
  const plain = pattern.join("*")
  // A star between the parts of a pattern is a wildcard; one within a part has to be escaped.
  const isPlain =
    /^[a-z_*][a-z0-9_*]*$/i.test(plain) &&
    !pattern.some((part) => part.includes("*")) &&
    !reserved.has(plain.toLowerCase())
  return isPlain ? plain : `"${pattern.map((part) => part.replaceAll(/["\\*]/g, "\\$&")).join("*")}"`
}

// Beyond this a number of levels is printed in a notation that is not read; no graph is as deep.
const above = (levels: number) => (levels === 0 ? "" : levels > Number.MAX_SAFE_INTEGER ? "+" : `${levels}+`)

const below = (levels: number) => (levels === 0 ? "" : levels > Number.MAX_SAFE_INTEGER ? "+" : `+${levels}`)
