/**
 * Slices of an asset: how an asset is cut, and the keys its slices have.
 *
 * Says nothing about which slices are published, nor which slices another asset needs: that is `Mapping`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as KeyExpression from "./KeyExpression.ts"
import * as Keys from "./Keys.ts"
import * as TimeWindows from "./TimeWindows.ts"

/** One slice of an asset, or the whole of an asset without partitions (`null`). */
export const Key = Schema.NullOr(Schema.String)
export type Key = typeof Key.Type

export interface Ref {
  readonly asset: string
  readonly partition: Key
}

/** Keys that are known when the asset is declared. */
export interface Fixed<out K extends string = string> {
  readonly _tag: "Fixed"
  readonly keys: ReadonlyArray<K>
}

/** Keys that are kept in the database and come and go; assets that name the same set share it. */
export interface Dynamic<out N extends string = string> {
  readonly _tag: "Dynamic"
  readonly name: N
}

/** One slice for every combination of keys. A key is the keys of the dimensions in the order declared, joined by `|`. */
export interface Product<out D extends Dimensions = Dimensions> {
  readonly _tag: "Product"
  readonly dimensions: D
}

export type Dimension = TimeWindows.TimeWindows | Fixed | Dynamic
export type Dimensions = Readonly<Record<string, Dimension>>
export type Partitioning = Dimension | Product
export type Kind = TimeWindows.Grain | "fixed" | "dynamic" | "product"
export const kinds: ReadonlyArray<Kind> = [
  "hourly",
  "daily",
  "weekly",
  "monthly",
  "cron",
  "fixed",
  "dynamic",
  "product"
]
export { ranges, windowAt } from "./Keys.ts"
export type { Keys } from "./Keys.ts"
export type { TimeWindows } from "./TimeWindows.ts"

/** The text of a key, as far as types can tell. */
export type KeyOf<P> = P extends Fixed<infer K> ? K : string

/** The keys of a product's dimensions by name; of other partitionings there is nothing by name. */
export type KeysOf<P> = P extends Product<infer D> ? { readonly [N in keyof D]: KeyOf<D[N]> } : {}

/** The names of a product's dimensions; those of another partitioning are any, as it may be a dimension itself. */
export type DimensionOf<P extends Partitioning> = P extends Product<infer D> ? keyof D : string

/** `start` inclusive, `end` exclusive; a time zone is an IANA name, UTC unless said otherwise. */
export interface Span {
  readonly start: string
  readonly end?: string
  readonly timezone?: string
}

/** Hours of the clock. Keys are their begin, `2026-03-29T01:00Z`, with the offset where the zone is not UTC. */
export const hourly = (options: Span): TimeWindows.TimeWindows<"hourly"> => timeWindows("hourly", options)

/** Calendar days. Keys are `2026-03-29`. */
export const daily = (options: Span): TimeWindows.TimeWindows<"daily"> => timeWindows("daily", options)

/** Weeks from Monday, or from another `weekday`. Keys are their first day. */
export const weekly = (
  options: Span & { readonly weekday?: TimeWindows.Weekday }
): TimeWindows.TimeWindows<"weekly"> => ({
  ...timeWindows("weekly", options),
  weekday: options.weekday ?? "monday"
})

/** Calendar months. Keys are `2026-03`. */
export const monthly = (options: Span): TimeWindows.TimeWindows<"monthly"> => timeWindows("monthly", options)

/**
 * Windows from each moment of a cron expression to the next. Keys are their begin, as of hours. A time of the clock that
 * comes twice when clocks are set back begins one window, or two if the expression names every hour.
 */
export const cron = (options: Span & { readonly cron: string }): TimeWindows.TimeWindows<"cron"> => ({
  ...timeWindows("cron", options),
  cron: options.cron
})

/** These keys, in this order. */
export const fixed = <const K extends string>(keys: ReadonlyArray<K>): Fixed<K> => ({ _tag: "Fixed", keys })

/** The keys kept in the database under this name. */
export const dynamic = <const N extends string>(name: N): Dynamic<N> => ({ _tag: "Dynamic", name })

/** Every combination of the keys of these dimensions. */
export const product = <const D extends Dimensions>(dimensions: D): Product<D> => ({ _tag: "Product", dimensions })

/** `a/2025-01-31`, or `a` for an asset without partitions. */
export const show = (ref: Ref): string => (ref.partition === null ? ref.asset : `${ref.asset}/${ref.partition}`)

/** A text that two different refs never share. */
export const id = (ref: Ref): string => `${ref.asset}\u001f${ref.partition ?? ""}`

/** What partitionings come to at one moment. Partitionings that say the same share their keys. */
export class Moment {
  readonly now: number
  readonly dynamic: ReadonlyMap<string, ReadonlyArray<string>>
  readonly removed: ReadonlyMap<string, ReadonlyMap<string, number>>
  private readonly known = new Map<Partitioning, Keys.Keys>()
  private readonly byContent = new Map<string, Keys.Keys>()

  /**
   * `now` in milliseconds since the epoch, `dynamic` the keys in force by the name of their set, `removed` those that are
   * so no longer, each with the log position of its removal.
   */
  constructor(
    now: number,
    dynamic: ReadonlyMap<string, ReadonlyArray<string>> = new Map(),
    removed: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map()
  ) {
    this.now = now
    this.dynamic = dynamic
    this.removed = removed
  }

  keys(self: Partitioning): Keys.Keys {
    const known = this.known.get(self)
    if (known !== undefined) return known
    const content = JSON.stringify(self)
    const keys = this.byContent.get(content) ?? this.make(self)
    this.known.set(self, keys)
    this.byContent.set(content, keys)
    return keys
  }

  /** The keys in a slice's key that a dynamic partitioning has no longer, each with the log position of its removal. */
  removedIn(self: Partitioning, key: string): ReadonlyArray<{ readonly key: string; readonly position: number }> {
    const dimensions: ReadonlyArray<Dimension> = self._tag === "Product" ? Object.values(self.dimensions) : [self]
    const parts = self._tag === "Product" ? key.split(Keys.separator) : [key]
    return dimensions.flatMap((dimension, at) => {
      const position = dimension._tag === "Dynamic" ? this.removed.get(dimension.name)?.get(parts[at] ?? "") : undefined
      return position === undefined ? [] : [{ key: parts[at]!, position }]
    })
  }

  private make(self: Partitioning): Keys.Keys {
    switch (self._tag) {
      case "TimeWindows":
        return TimeWindows.keys(self, this.now)
      case "Fixed":
        return Keys.make(self.keys)
      case "Dynamic":
        return Keys.make(this.dynamic.get(self.name) ?? [])
      case "Product":
        return Keys.product(Object.entries(self.dimensions).map(([name, dimension]) => [name, this.keys(dimension)]))
    }
  }
}

/** Whether `key` has the form of a key, of a slice that exists or not. */
export const isKey = (self: Partitioning, key: string): boolean => {
  switch (self._tag) {
    case "TimeWindows":
      return TimeWindows.window(self, key) !== undefined
    case "Fixed":
      return self.keys.includes(key)
    case "Dynamic":
      return problemOfKey(key) === undefined
    case "Product": {
      const parts = key.split(Keys.separator)
      const dimensions = Object.values(self.dimensions)
      return parts.length === dimensions.length && dimensions.every((dimension, at) => isKey(dimension, parts[at]!))
    }
  }
}

/** The window of time of a slice; of a product that of its time dimension. `undefined` without one. */
export const window = (self: Partitioning, key: string): TimeWindows.Window | undefined => {
  if (self._tag === "TimeWindows") return TimeWindows.window(self, key)
  if (self._tag !== "Product") return undefined
  const parts = key.split(Keys.separator)
  for (const [at, dimension] of Object.values(self.dimensions).entries()) {
    if (dimension._tag === "TimeWindows") return TimeWindows.window(dimension, parts[at] ?? "")
  }
  return undefined
}

/** Whether the window of `key` has ended at `now`; never, without a window. */
export const hasEnded = (self: Partitioning, key: string, now: number): boolean => {
  const found = window(self, key)
  return found !== undefined && found.end <= now
}

/** Whether slices have windows of time. */
export const isTimed = (self: Partitioning): boolean =>
  self._tag === "TimeWindows" ||
  (self._tag === "Product" && Object.values(self.dimensions).some((dimension) => dimension._tag === "TimeWindows"))

/** Whether the database keeps some of the keys. */
export const isDynamic = (self: Partitioning): boolean =>
  self._tag === "Dynamic" ||
  (self._tag === "Product" && Object.values(self.dimensions).some((dimension) => dimension._tag === "Dynamic"))

export const kind = (self: Partitioning): Kind => {
  switch (self._tag) {
    case "TimeWindows":
      return self.grain
    case "Fixed":
      return "fixed"
    case "Dynamic":
      return "dynamic"
    case "Product":
      return "product"
  }
}

/** `daily from 2025-01-01`, for people. */
export const describe = (self: Partitioning): string => {
  switch (self._tag) {
    case "TimeWindows":
      return TimeWindows.describe(self)
    case "Fixed":
      return `fixed: ${self.keys.join(", ")}`
    case "Dynamic":
      return `dynamic "${self.name}"`
    case "Product":
      return Object.entries(self.dimensions)
        .map(([name, dimension]) => `${name} (${describe(dimension)})`)
        .join(" x ")
  }
}

/** What is wrong with a declaration, in words. */
export const problems = (self: Partitioning): ReadonlyArray<string> => {
  switch (self._tag) {
    case "TimeWindows":
      return TimeWindows.problems(self).map((problem) => `${self.grain} partitions: ${problem}`)
    case "Fixed":
      return problemsOfFixed(self.keys).map((problem) => `fixed partitions: ${problem}`)
    case "Dynamic": {
      const problem = problemOfKey(self.name)
      return problem === undefined ? [] : [`dynamic partitions: the name ${problem}`]
    }
    case "Product":
      return problemsOfProduct(self.dimensions)
  }
}

/** The keys of the dimensions of a product's slice by name; nothing for slices of other assets. */
export const split = (self: Partitioning | undefined, key: Key): Readonly<Record<string, string>> => {
  if (self?._tag !== "Product" || key === null) return {}
  const parts = key.split(Keys.separator)
  return Object.fromEntries(Object.keys(self.dimensions).map((name, at) => [name, parts[at]!]))
}

/** Why a text cannot be a key, or `undefined`. */
export const problemOfKey = (key: string): string | undefined => {
  if (key === "") return "is empty"
  const unfit = /[|,=*\s\p{Cc}]|\.\./u.exec(key)
  return unfit === null ? undefined : `${JSON.stringify(key)} has ${JSON.stringify(unfit[0])} in it`
}

/**
 * The indexes of the slices that an expression names, ascending: keys, ranges `a..b`, `a..` and `..b`, periods such as
 * `2026-01`, wildcards, commas to add, and `day=2026-01 region=eu` for products. `KeyExpression` has the whole of it.
 */
export const select = (
  self: Partitioning,
  moment: Moment,
  expression: string
): Result.Result<ReadonlyArray<number>, KeyExpression.Problem> =>
  KeyExpression.select(moment.keys(self), axesOf(self, moment, "Problem"), expression)

/** Likewise of an expression that was recorded: those of its slices that there still are. */
export const selectRecorded = (self: Partitioning, moment: Moment, expression: string): ReadonlyArray<number> =>
  Result.getOrElse(
    KeyExpression.select(moment.keys(self), axesOf(self, moment, "Nothing"), expression),
    (): ReadonlyArray<number> => []
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const axesOf = (
  self: Partitioning,
  moment: Moment,
  unknown: KeyExpression.Axis["unknown"]
): ReadonlyArray<KeyExpression.Axis> => {
  const dimensions: Dimensions = self._tag === "Product" ? self.dimensions : { partition: self }
  return Object.entries(dimensions).map(([name, dimension]) => ({
    name,
    keys: moment.keys(dimension),
    period: (text) => (dimension._tag === "TimeWindows" ? TimeWindows.period(dimension, text) : undefined),
    unknown
  }))
}

const timeWindows = <G extends TimeWindows.Grain>(
  grain: G,
  { end = undefined, start, timezone = "UTC" }: Span
): TimeWindows.TimeWindows<G> => ({
  _tag: "TimeWindows",
  grain,
  start,
  end: end ?? null,
  timezone,
  weekday: null,
  cron: null
})

const problemsOfFixed = (keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (keys.length === 0) return ["there are no keys"]
  const seen = new Set<string>()
  const twice = keys.find((key) => seen.size === seen.add(key).size)
  return [
    ...keys.flatMap((key) => problemOfKey(key) ?? []).map((problem) => `a key ${problem}`),
    ...(twice === undefined ? [] : [`the key "${twice}" is there twice`])
  ]
}

const problemsOfProduct = (dimensions: Dimensions): ReadonlyArray<string> => {
  const entries = Object.entries(dimensions)
  const timed = entries.filter(([, dimension]) => dimension._tag === "TimeWindows").map(([name]) => name)
  return [
    ...(entries.length === 0 ? ["product of partitions: there are no dimensions"] : []),
    ...(timed.length > 1
      ? [
          `product of partitions: only one dimension can be time, not ${timed.join(" and ")}, since a slice has one window; ` +
            `cut by one of them, and make the other a fixed or dynamic dimension`
        ]
      : []),
    // Names that are numbers would come before the others, whatever the order they are declared in.
    ...entries
      .filter(([name]) => !/^[a-z][\w-]*$/i.test(name))
      .map(
        ([name]) =>
          `product of partitions: a dimension is called by a letter and letters, digits, - and _, not "${name}"`
      ),
    ...entries.flatMap(([name, dimension]) => problems(dimension).map((problem) => `dimension "${name}": ${problem}`))
  ]
}
