/**
 * What is wrong with a selection, at which character, and what was probably meant.
 *
 * Expressions that are well-formed and select nothing are no mistake; `Selection` tells of those.
 */
import * as Schema from "effect/Schema"

const nearestNames = Schema.Array(Schema.String)

/** `nearest` are the names that look most alike, best first; empty when none does. */
export const Problem = Schema.TaggedUnion({
  UnknownAsset: { key: Schema.String, nearest: nearestNames },
  UnknownAttribute: { attribute: Schema.String, nearest: nearestNames, known: Schema.Array(Schema.String) },
  UnknownFunction: { function: Schema.String, known: Schema.Array(Schema.String) },
  /** Of an attribute that has only the values `known`. */
  UnknownValue: { attribute: Schema.String, value: Schema.String, known: Schema.Array(Schema.String) },
  /** `found` is empty at the end of the expression. */
  Unexpected: { found: Schema.String, expected: Schema.Array(Schema.String) },
  /** A quote or a parenthesis without its end; `missing` is what would close it. */
  Unclosed: { missing: Schema.String }
})
export type Problem = typeof Problem.Type

/** An expression that means nothing; `position` counts characters from 0. */
export class SelectionError extends Schema.TaggedError<SelectionError>()("SelectionError", {
  expression: Schema.String,
  position: Schema.Int,
  problem: Problem
}) {
  override get message(): string {
    const { column, line } = excerpt(this.expression, this.position)
    return [show(this.problem), `  ${line}`, `  ${" ".repeat(column)}^`].join("\n")
  }
}

/** At most three of `names` that differ from `word` in few characters, best first. */
export const nearest = (word: string, names: Iterable<string>): ReadonlyArray<string> => {
  const wanted = word.toLowerCase().replaceAll("-", "_")
  const limit = Math.max(2, Math.floor(wanted.length / 3))
  return Array.from(names)
    .filter((name) => name !== "" && Math.abs(name.length - wanted.length) <= limit)
    .map((name) => ({ name, distance: distance(wanted, name) }))
    .filter((candidate) => candidate.distance <= limit && candidate.distance < candidate.name.length)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((candidate) => candidate.name)
}

/** `; did you mean users?`, or nothing where nothing looks alike. */
export const suggestion = (nearest: ReadonlyArray<string>): string =>
  nearest.length === 0 ? "" : `; did you mean ${either(nearest)}?`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const show = (problem: Problem): string =>
  Problem.match(problem, {
    UnknownAsset: ({ key, nearest }) => {
      const [asset = ""] = nearest
      return asset !== "" && key.startsWith(`${asset}/`)
        ? `${clip(key)} is a partition: select ${asset}, with --partition ${clip(key.slice(asset.length + 1))}`
        : `no asset is called "${clip(key)}"${suggestion(nearest)}`
    },
    UnknownAttribute: ({ attribute, known, nearest }) =>
      `there is no attribute "${clip(attribute)}"${nearest.length > 0 ? suggestion(nearest) : `; there are ${known.join(", ")}`}`,
    UnknownFunction: ({ function: name, known }) => `"${clip(name)}" is no function; expected ${either(known)}`,
    UnknownValue: ({ attribute, known, value }) =>
      `"${clip(value)}" is no value of ${attribute}:; expected ${either(known)}`,
    Unexpected: ({ expected, found }) =>
      `${found === "" ? "the selection ends too early" : `"${clip(found)}" cannot stand here`}; expected ${either(expected.map(quoted))}`,
    Unclosed: ({ missing }) => `this is never closed; expected ${quoted(missing)}`
  })

/** What is to be written as it is here stands apart from what only describes it. */
const quoted = (expected: string) =>
  expected === '"' ? "'\"'" : /^(\W|and|or|not)$/.test(expected) ? `"${expected}"` : expected

/** `a`, `a or b`, `a, b or c`. */
const either = (names: ReadonlyArray<string>): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`

const clip = (text: string) => (text.length <= 60 ? text : `${text.slice(0, 59)}…`)

const before = 80
const after = 40

/** The surroundings of a position on one line; what would move the caret is blank. */
const excerpt = (expression: string, position: number): { readonly line: string; readonly column: number } => {
  const start = position > before ? position - before : 0
  const end = Math.min(expression.length, position + after)
  const [head, tail] = [start > 0 ? "…" : "", end < expression.length ? "…" : ""]
  const line = `${head}${expression.slice(start, end)}${tail}`.replaceAll(/[\s\p{Cc}]/gu, " ")
  return { line, column: head.length + position - start }
}

/** Levenshtein (1966): insertions, deletions and substitutions of one character. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
