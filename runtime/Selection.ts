/**
 * Which assets a person means: expressions over the graph and the assets they name.
 *
 * A selection says nothing about status; what of it has to be materialized is decided by `Plan`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AssetGraph } from "./AssetGraph.ts"

/** What is wrong at a character: a word that is no asset, or a sign that cannot stand there. */
export const Problem = Schema.TaggedUnion({
  /** `nearest` are the keys that look most alike, best first; empty when none does. */
  UnknownAsset: { key: Schema.String, nearest: Schema.Array(Schema.String) },
  Unexpected: { found: Schema.String, expected: Schema.Array(Schema.String) }
})
export type Problem = typeof Problem.Type

/** An expression that selects nothing that exists; `position` counts characters from 0. */
export class SelectionError extends Schema.TaggedError<SelectionError>()("SelectionError", {
  expression: Schema.String,
  position: Schema.Int,
  problem: Problem
}) {
  override get message(): string {
    return [show(this.problem), `  ${this.expression}`, `  ${" ".repeat(this.position)}^`].join("\n")
  }
}

/**
 * The union of what the expressions select, in the order of the graph; everything when there are none.
 *
 * `x`, `*`, `+x` (what `x` needs before it can run: what it reads and what it follows), `x+` (what may change when `x`
 * does: what reads it), and with a number as many levels of either: `2+x+1`.
 */
export const resolve = (
  graph: AssetGraph,
  expressions: ReadonlyArray<string>
): Result.Result<ReadonlySet<string>, SelectionError> =>
  Result.gen(function* () {
    if (expressions.length === 0) return new Set(graph.order)
    const selected = new Set<string>()
    for (const text of expressions) {
      for (const key of select(graph, yield* parse(graph, text))) selected.add(key)
    }
    return new Set(graph.order.filter((key) => selected.has(key)))
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** `upstream` and `downstream` are numbers of levels; infinite without a number. */
interface Expression {
  readonly keys: ReadonlyArray<string>
  readonly upstream: number
  readonly downstream: number
}

interface Token {
  readonly kind: "depth" | "name" | "+" | "*" | "other" | "end"
  readonly text: string
  readonly position: number
}

const select = (graph: AssetGraph, expression: Expression): Iterable<string> => [
  ...reach(expression.keys, expression.upstream, (key) => {
    const node = graph.nodes.get(key)!
    return [...node.deps.map((edge) => edge.asset), ...node.after]
  }),
  ...reach(expression.keys, expression.downstream, (key) => graph.nodes.get(key)!.dependents)
]

const reach = (start: ReadonlyArray<string>, levels: number, next: (key: string) => ReadonlyArray<string>) => {
  const found = new Set(start)
  let frontier = start
  for (let level = 0; level < levels && frontier.length > 0; level++) {
    const further: Array<string> = []
    for (const key of frontier.flatMap(next)) {
      if (found.has(key)) continue
      found.add(key)
      further.push(key)
    }
    frontier = further
  }
  return found
}

const operand = ["an asset", "*"]

const parse = (graph: AssetGraph, text: string): Result.Result<Expression, SelectionError> => {
  const tokens = tokenize(text)
  let at = 0
  const peek = () => tokens[at]!
  const take = (kind: Token["kind"]) => (peek().kind === kind ? tokens[at++] : undefined)
  const fail = (token: Token, problem: Problem) =>
    Result.fail(new SelectionError({ expression: text, position: token.position, problem }))
  const unexpected = (...expected: ReadonlyArray<string>) =>
    fail(peek(), { _tag: "Unexpected", found: peek().text, expected })

  const above = take("depth")
  const plusBefore = take("+")
  if (above !== undefined && plusBefore === undefined) return unexpected("+")
  const star = take("*")
  const name = star ?? take("name")
  if (name === undefined) return plusBefore === undefined ? unexpected(...operand, "+") : unexpected(...operand)
  if (star === undefined && !graph.nodes.has(name.text)) {
    return fail(name, { _tag: "UnknownAsset", key: name.text, nearest: nearest(name.text, graph.order) })
  }
  const plusAfter = take("+")
  const below = plusAfter && take("depth")
  if (peek().kind !== "end") {
    return plusAfter === undefined ? unexpected("+", "the end") : unexpected("a number of levels", "the end")
  }
  return Result.succeed({
    keys: star === undefined ? [name.text] : graph.order,
    upstream: levels(plusBefore, above),
    downstream: levels(plusAfter, below)
  })
}

const levels = (plus: Token | undefined, depth: Token | undefined) =>
  plus === undefined ? 0 : depth === undefined ? Infinity : Number(depth.text)

// Names are read more widely than keys are declared, so that `Listen-History` is one unknown word with a suggestion.
const patterns = { depth: /\d+/y, name: /[A-Za-z_][\w-]*/y, "+": /\+/y, "*": /\*/y, other: /./suy } as const

const tokenize = (text: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  let position = 0
  while (position < text.length) {
    if (/\s/.test(text[position]!)) {
      position++
      continue
    }
    for (const kind of ["depth", "name", "+", "*", "other"] as const) {
      const pattern = patterns[kind]
      pattern.lastIndex = position
      const found = pattern.exec(text)
      if (found === null) continue
      tokens.push({ kind, text: found[0], position })
      position += found[0].length
      break
    }
  }
  tokens.push({ kind: "end", text: "", position: text.length })
  return tokens
}

const show = (problem: Problem): string =>
  Problem.match(problem, {
    UnknownAsset: ({ key, nearest }) =>
      `no asset is called "${key}"${nearest.length === 0 ? "" : `; did you mean ${nearest.join(" or ")}?`}`,
    Unexpected: ({ found, expected }) =>
      `${found === "" ? "the selection ends too early" : `"${found}" cannot stand here`}; expected ${expected.join(" or ")}`
  })

const nearest = (word: string, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const wanted = word.toLowerCase().replaceAll("-", "_")
  const limit = Math.max(2, Math.floor(wanted.length / 3))
  return keys
    .filter((key) => Math.abs(key.length - wanted.length) <= limit)
    .map((key) => ({ key, distance: distance(wanted, key) }))
    .filter((candidate) => candidate.distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((candidate) => candidate.key)
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
