/**
 * Expressions that name some of the slices of an asset, as people write them.
 *
 *     2026-01-31                    one key
 *     2026-01-01..2026-01-31        a range, both ends included; either end may be left out
 *     2026-01, 2026-02-03           a year, month or day stands for the time windows that begin in it; commas add
 *     2026-*-01, eu-*, *            wildcards
 *     day=2026-01 region=eu,us      of a product: keys by dimension, all of a dimension that is not named
 *     2026-01-31|eu                 of a product: one key of each dimension
 *     day=2026-01-01; region=us     semicolons add
 *
 * Ranges of keys that are no time go by the order of the keys. What keys there are is said by `Partition`.
 */
import * as Result from "effect/Result"
import * as Keys from "./Keys.ts"
import type * as TimeWindows from "./TimeWindows.ts"

/** The dimension of a product, or all there is of an asset without dimensions. */
export interface Axis {
  readonly name: string
  readonly keys: Keys.Keys
  /** The time that a text stands for, such as a key of a window that need not exist; `undefined` for other texts. */
  readonly period: (text: string) => TimeWindows.Window | undefined
  /** What a term comes to that names none of the keys: a problem, or nothing where keys may have gone since it was written. */
  readonly unknown: "Problem" | "Nothing"
}

/**
 * What is wrong with the part of an expression that begins at `at`, from 0. `Unknown` when it is well formed and there is
 * no such slice.
 */
export interface Problem {
  readonly _tag: "Malformed" | "Unknown"
  readonly part: string
  readonly at: number
  readonly detail: string
}

/** The indexes of the slices that an expression names, ascending, each once. */
export const select = (
  keys: Keys.Keys,
  axes: ReadonlyArray<Axis>,
  expression: string
): Result.Result<ReadonlyArray<number>, Problem> =>
  Result.gen(function* () {
    const chosen = new Uint8Array(keys.size)
    for (const alternative of pieces({ text: expression, at: 0 }, ";")) {
      const masks =
        keys.dimensions === undefined ? [yield* maskOf(axes[0]!, alternative)] : yield* box(axes, alternative)
      choose(chosen, axes, masks)
    }
    const indexes: Array<number> = []
    for (let index = 0; index < chosen.length; index++) if (chosen[index] === 1) indexes.push(index)
    return indexes
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Piece {
  readonly text: string
  readonly at: number
}

/** One byte for each key of an axis: 1 where it is named. */
type Mask = Uint8Array

/** What stands between separators, without the blanks around it. */
const pieces = ({ at, text }: Piece, separator: string): ReadonlyArray<Piece> => {
  const found: Array<Piece> = []
  let from = at
  for (const raw of text.split(separator)) {
    found.push({ text: raw.trim(), at: from + (raw.length - raw.trimStart().length) })
    from += raw.length + separator.length
  }
  return found
}

const malformed = ({ at, text }: Piece, detail: string) =>
  Result.fail<Problem>({ _tag: "Malformed", part: text, at, detail })

const unknown = ({ at, text }: Piece, { keys }: Axis) => {
  const range = keys.size === 0 ? "there is none yet" : `they go from ${keys.all[0]!} to ${keys.all.at(-1)!}`
  return Result.fail<Problem>({ _tag: "Unknown", part: text, at, detail: `no partition is called so: ${range}` })
}

const choose = (chosen: Uint8Array, axes: ReadonlyArray<Axis>, masks: ReadonlyArray<Mask>, depth = 0, base = 0) => {
  if (depth === axes.length) {
    chosen[base] = 1
    return
  }
  const mask = masks[depth]!
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] === 1) choose(chosen, axes, masks, depth + 1, base * mask.length + at)
  }
}

/** `day=2026-01 region=eu`, or `2026-01-31|eu`: what is named of each axis. */
const box = (axes: ReadonlyArray<Axis>, alternative: Piece): Result.Result<ReadonlyArray<Mask>, Problem> =>
  Result.gen(function* () {
    const words = Array.from(alternative.text.matchAll(/\S+/g), ({ 0: text, index }) => ({
      text,
      at: alternative.at + index
    }))
    const names = axes.map((axis) => axis.name)
    if (words.length === 0) return yield* malformed(alternative, `nothing is named: say which ${names.join(" or ")}`)
    const [only] = words
    if (words.length === 1 && !only!.text.includes("=")) return yield* corner(axes, only!)
    const masks = new Map<string, Mask>()
    for (const word of words) {
      const equals = word.text.indexOf("=")
      if (equals < 0) return yield* malformed(word, `of which dimension? Say ${names.join("=, or ")}= before it`)
      const name = word.text.slice(0, equals)
      const axis = axes.find((axis) => axis.name === name)
      if (axis === undefined) return yield* malformed(word, `there is no dimension "${name}", only ${names.join(", ")}`)
      if (masks.has(name)) return yield* malformed(word, `"${name}" is there twice: add keys with a comma`)
      masks.set(name, yield* maskOf(axis, { text: word.text.slice(equals + 1), at: word.at + equals + 1 }))
    }
    return axes.map((axis) => masks.get(axis.name) ?? everything(axis))
  })

const corner = (axes: ReadonlyArray<Axis>, word: Piece): Result.Result<ReadonlyArray<Mask>, Problem> =>
  Result.gen(function* () {
    if (word.text === "*") return axes.map(everything)
    const parts = pieces(word, Keys.separator)
    if (parts.length !== axes.length || word.text.includes("..")) {
      const example = axes.map(({ keys, name }) => `${name}=${keys.all[0] ?? "..."}`).join(" ")
      return yield* malformed(word, `this asset has dimensions: say for example ${example}`)
    }
    const masks: Array<Mask> = []
    for (const [index, part] of parts.entries()) masks.push(yield* maskOf(axes[index]!, part))
    return masks
  })

const everything = ({ keys }: Axis): Mask => new Uint8Array(keys.size).fill(1)

/** Terms between commas. */
const maskOf = (axis: Axis, piece: Piece): Result.Result<Mask, Problem> =>
  Result.gen(function* () {
    const mask = new Uint8Array(axis.keys.size)
    for (const term of pieces(piece, ",")) {
      const named = spansOf(axis, term)
      if (Result.isFailure(named) && named.failure._tag === "Unknown" && axis.unknown === "Nothing") continue
      for (const { first, last } of yield* named) mask.fill(1, first, last + 1)
    }
    return mask
  })

const spansOf = (axis: Axis, term: Piece): Result.Result<ReadonlyArray<Span>, Problem> =>
  Result.gen(function* () {
    const spans = yield* term.text.includes("*") ? matching(axis, term) : between(axis, term)
    return spans.every(({ first, last }) => first > last) ? yield* unknown(term, axis) : spans
  })

/** Indexes of keys, both included; of nothing, `first` is one more than `last`. */
interface Span {
  readonly first: number
  readonly last: number
}

const matching = ({ keys }: Axis, term: Piece): Result.Result<ReadonlyArray<Span>, Problem> => {
  if (term.text.includes("..")) return malformed(term, "a range has no wildcards")
  const matches = glob(term.text)
  return Result.succeed(keys.all.flatMap((key, index) => (matches(key) ? [{ first: index, last: index }] : [])))
}

/** Takes each literal where it comes first, which is enough and takes linear time. */
const glob = (pattern: string): ((key: string) => boolean) => {
  const [head, ...rest] = pattern.split("*") as [string, ...Array<string>]
  const tail = rest.pop()!
  return (key) => {
    if (!key.startsWith(head) || !key.endsWith(tail)) return false
    let at = head.length
    for (const literal of rest) {
      const found = key.indexOf(literal, at)
      if (found < 0) return false
      at = found + literal.length
    }
    return at <= key.length - tail.length
  }
}

const between = (axis: Axis, term: Piece): Result.Result<ReadonlyArray<Span>, Problem> =>
  Result.gen(function* () {
    const [from, to, more] = pieces(term, "..")
    if (to === undefined) return [yield* spanOf(axis, term)]
    if (more !== undefined) return yield* malformed(term, "a range has two ends")
    if (from!.text === "" && to.text === "") return yield* malformed(term, "a range has at least one end")
    const { first } = from!.text === "" ? { first: 0 } : yield* spanOf(axis, from!)
    const { last } = to.text === "" ? { last: axis.keys.size - 1 } : yield* spanOf(axis, to)
    if (first > last + 1 || (first > last && isThere(axis, from!) && isThere(axis, to))) {
      return yield* malformed(term, "its end comes before its start")
    }
    return [{ first, last }]
  })

const isThere = ({ keys }: Axis, { text }: Piece) => keys.indexOf(text) >= 0

/** What one key stands for. Of time it may be one that does not exist, which lies between those that do. */
const spanOf = (axis: Axis, key: Piece): Result.Result<Span, Problem> => {
  const { all, bounds } = axis.keys
  if (key.text === "") return malformed(key, "a key is missing here")
  const index = axis.keys.indexOf(key.text)
  if (index >= 0) return Result.succeed({ first: index, last: index })
  if (bounds === undefined) return unknown(key, axis)
  const period = axis.period(key.text)
  if (period === undefined) {
    return malformed(key, `neither a key, such as ${all[0] ?? "2026-01-31"}, nor a year, month or day`)
  }
  const before = (time: number) => {
    const at = bounds.findIndex((begin, index) => begin >= time || index === all.length)
    return Math.max(0, at)
  }
  return Result.succeed({ first: before(period.start), last: before(period.end) - 1 })
}
