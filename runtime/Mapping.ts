/**
 * Which slices of a dependency a slice needs: the ways to say it, whether they fit, and the slices they come to.
 *
 * How assets are cut is said by `Partition`. Which of the slices are published is known to `Catalog`.
 */
import * as Keys from "./Keys.ts"
import * as Overlap from "./Overlap.ts"
import type { End, Range } from "./Overlap.ts"
import * as Partition from "./Partition.ts"
import * as PartitionFit from "./PartitionFit.ts"

export type Mapping =
  /** The slice of the same key. */
  | { readonly _tag: "Identity" }
  /** Every slice. */
  | { readonly _tag: "All" }
  /** The whole of a dependency that has no partitions. */
  | { readonly _tag: "Whole" }
  /** The newest slice of time windows, the last one of other keys. */
  | { readonly _tag: "Last" }
  /**
   * Every window that overlaps the own one once its start is moved by `startOffset` and its end by `endOffset`, counted in
   * own windows. What lies before the first window or after the last is left out. Of products along their time, with the
   * same keys in dimensions that both have.
   */
  | { readonly _tag: "Windows"; readonly startOffset: number; readonly endOffset: number }
  /** By own key. */
  | { readonly _tag: "Fixed"; readonly upstream: Readonly<Record<string, ReadonlyArray<string>>> }
  /** Those that have the same key in a dimension of a product; `many` when the dependency is one. */
  | { readonly _tag: "Dimension"; readonly dimension: string; readonly many: boolean }
  /** By a function of the own key; keys that are none are left out. */
  | { readonly _tag: "Custom"; readonly upstream: (key: string) => ReadonlyArray<string> }
  /** The asset's own slice so many windows earlier, with the same keys in other dimensions. */
  | { readonly _tag: "Previous"; readonly offset: number }

export type { End, Range } from "./Overlap.ts"

/**
 * The slices of `up` that each slice of `down` needs, as ranges in ascending order; an asset without partitions has one
 * slice, of index 0. What is computed once is linear in the number of keys, what is asked in the length of the answer.
 */
export const upstream = (mapping: Mapping, down: End, up: End): ((index: number) => ReadonlyArray<Range>) => {
  switch (mapping._tag) {
    case "Whole":
      return always(0, 1)
    case "All":
      return always(0, up.keys!.size)
    case "Last":
      return always(up.keys!.size - 1, up.keys!.size)
    case "Identity": {
      const same = aligned(down.keys!, up.keys!)
      return (index) => single(same(index))
    }
    case "Windows":
      return Overlap.ranges(mapping, down, up)
    case "Dimension":
      return alongDimension(mapping.dimension, down.keys!, up.keys!)
    case "Fixed":
      // A key may be called as what every object has.
      return (index) => {
        const key = down.keys!.all[index]!
        return Object.hasOwn(mapping.upstream, key) ? found(mapping.upstream[key]!, up.keys!) : nothing
      }
    case "Custom":
      return (index) => found(mapping.upstream(down.keys!.all[index]!), up.keys!)
    case "Previous":
      return earlier(mapping.offset, down)
  }
}

/** Whether the body is given all the slices as one; otherwise it is given a slice, of `Previous` perhaps none. */
export const isMany = (mapping: Mapping): boolean => {
  switch (mapping._tag) {
    case "All":
    case "Windows":
    case "Fixed":
    case "Custom":
      return true
    case "Dimension":
      return mapping.many
    case "Identity":
    case "Whole":
    case "Last":
    case "Previous":
      return false
  }
}

/** What a dependency means of which nothing is said. Where nothing fits it is `Identity`, and `problems` says why not. */
export const between = (down: Partition.Partitioning | undefined, up: Partition.Partitioning | undefined): Mapping => {
  if (up === undefined) return { _tag: "Whole" }
  if (down === undefined) return { _tag: "All" }
  if (Overlap.isAcrossGrains(down, up)) return { _tag: "Windows", startOffset: 0, endOffset: 0 }
  const product = up._tag === "Product" ? up : down
  if (product._tag === "Product" && (up._tag !== "Product" || down._tag !== "Product")) {
    const fitting = Object.keys(product.dimensions).filter((name) =>
      product === up
        ? PartitionFit.isAlike(down, product.dimensions[name]!)
        : PartitionFit.isAlike(product.dimensions[name]!, up)
    )
    if (fitting.length === 1) return { _tag: "Dimension", dimension: fitting[0]!, many: product === up }
  }
  return { _tag: "Identity" }
}

/** Why a mapping does not fit, in words that call the dependency by name; empty when it does. */
export const problems = (
  mapping: Mapping,
  down: Partition.Partitioning | undefined,
  up: Partition.Partitioning | undefined,
  name: string
): ReadonlyArray<string> => {
  if (mapping._tag === "Previous") return problemsOfPrevious(mapping.offset, down)
  if (up === undefined || mapping._tag === "Whole") {
    return up === undefined && mapping._tag === "Whole" ? [] : [`"${name}" has no partitions to choose from`]
  }
  if (mapping._tag === "All" || mapping._tag === "Last") return []
  if (down === undefined) return [`it has no partitions of its own that could say which of "${name}" are needed`]
  switch (mapping._tag) {
    case "Identity":
      return PartitionFit.isAlike(down, up) ? PartitionFit.problemsOfSpans(down, up, name) : [unsaid(down, up, name)]
    case "Windows":
      return Overlap.problems(mapping, down, up, name)
    case "Dimension":
      return problemsOfDimension(mapping.dimension, down, up, name)
    case "Fixed":
      return problemsOfFixed(mapping.upstream, down, up, name)
    case "Custom":
      return []
  }
}

/** Which partitions of a dependency a slice reads, in words; empty when it has none. */
export const describe = (mapping: Mapping): string => {
  switch (mapping._tag) {
    case "Whole":
      return ""
    case "Identity":
      return "the same partition"
    case "All":
      return "all partitions"
    case "Last":
      return "the last partition"
    case "Windows":
      return `what lies within ${windowsInWords(mapping.startOffset, mapping.endOffset)}`
    case "Fixed":
      return "partitions that are declared for each"
    case "Dimension":
      return `the same ${mapping.dimension}`
    case "Custom":
      return "partitions found by a function"
    case "Previous":
      return `the partition ${mapping.offset} before`
  }
}

/** Whether two mappings say the same; functions are the same only if they are one. */
export const equals = (self: Mapping, that: Mapping): boolean =>
  self._tag === "Custom" && that._tag === "Custom"
    ? self.upstream === that.upstream
    : JSON.stringify(self) === JSON.stringify(that)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Windows from one to another, counted from an asset's own. */
const windowsInWords = (start: number, end: number): string => {
  const away = (offset: number) => `${Math.abs(offset)} ${offset < 0 ? "before" : "after"}`
  if (start === 0 && end === 0) return "its own window"
  if (start === 0 || end === 0) return `its own window and the ${away(start || end)}`
  if (start < 0 && end > 0) return `its own window, the ${away(start)} and the ${away(end)}`
  return start === end
    ? `the window ${away(start)} its own`
    : `the windows from ${Math.abs(start)} to ${away(end)} its own`
}

const nothing: ReadonlyArray<Range> = []

const always = (from: number, to: number) => {
  const ranges: ReadonlyArray<Range> = from >= 0 && from < to ? [[from, to]] : nothing
  return () => ranges
}

const single = (index: number): ReadonlyArray<Range> => (index < 0 ? nothing : [[index, index + 1]])

/** The index in `up` of the slice that has the key of a slice of `down`; negative when there is none. */
const aligned = (down: Keys.Keys, up: Keys.Keys): ((index: number) => number) => {
  if (down === up) return (index) => index
  if (down.dimensions !== undefined && up.dimensions !== undefined) {
    const parts = down.dimensions.map((own, at) => ({
      own,
      other: up.dimensions![at]!,
      same: aligned(own.keys, up.dimensions![at]!.keys)
    }))
    return (index) => {
      let sum = 0
      for (const { other, own, same } of parts) {
        const at = same(Keys.coordinate(own, index))
        if (at < 0) return -1
        sum += at * other.stride
      }
      return sum
    }
  }
  if (down.bounds === undefined || up.bounds === undefined) return (index) => up.indexOf(down.all[index]!)
  // Windows of one kind follow each other alike, so that they are a constant number of places apart.
  const first = down.bounds[0] ?? Infinity
  const shift = Overlap.countBefore(up.bounds, first) - Overlap.countBefore(down.bounds, up.bounds[0] ?? Infinity)
  return (index) => (index + shift < up.size ? index + shift : -1)
}

const alongDimension = (name: string, down: Keys.Keys, up: Keys.Keys): ((index: number) => ReadonlyArray<Range>) => {
  const own = dimensionOf(name, down)
  const other = dimensionOf(name, up)
  const same = aligned(own.keys, other.keys)
  return (index) => {
    const at = same(Keys.coordinate(own, index))
    if (at < 0) return nothing
    const ranges: Array<Range> = []
    const block = other.stride * other.keys.size
    for (let from = at * other.stride; from < up.size; from += block) ranges.push([from, from + other.stride])
    return ranges
  }
}

/** What has no dimensions is one itself. */
const dimensionOf = (name: string, keys: Keys.Keys): Keys.Dimension =>
  keys.dimensions?.find((dimension) => dimension.name === name) ?? { name, keys, stride: 1 }

const found = (keys: ReadonlyArray<string>, up: Keys.Keys): ReadonlyArray<Range> => {
  const indexes = Array.from(new Set(keys), (key) => up.indexOf(key)).filter((index) => index >= 0)
  const ranges: Array<[number, number]> = []
  for (const index of indexes.sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last?.[1] === index) last[1] = index + 1
    else ranges.push([index, index + 1])
  }
  return ranges
}

const earlier = (offset: number, { keys }: End): ((index: number) => ReadonlyArray<Range>) => {
  const time = keys!.dimensions?.find((dimension) => dimension.keys.bounds !== undefined)
  if (time === undefined) return (index) => single(index - offset)
  return (index) => (Keys.coordinate(time, index) < offset ? nothing : single(index - offset * time.stride))
}

const unsaid = (down: Partition.Partitioning, up: Partition.Partitioning, name: string) =>
  `nothing says which partitions of "${name}" (${Partition.describe(up)}) one of its own needs (${Partition.describe(down)})`

const problemsOfDimension = (
  dimension: string,
  down: Partition.Partitioning,
  up: Partition.Partitioning,
  name: string
): ReadonlyArray<string> => {
  if (down._tag !== "Product" && up._tag !== "Product") {
    return [`neither its own partitions nor those of "${name}" have a dimension "${dimension}"`]
  }
  const own = down._tag === "Product" ? down.dimensions[dimension] : down
  const other = up._tag === "Product" ? up.dimensions[dimension] : up
  if (own === undefined) return [`its partitions have no dimension "${dimension}"`]
  if (other === undefined) return [`the partitions of "${name}" have no dimension "${dimension}"`]
  return PartitionFit.isAlike(own, other) ? PartitionFit.problemsOfSpans(own, other, name) : [unsaid(own, other, name)]
}

const problemsOfFixed = (
  upstream: Readonly<Record<string, ReadonlyArray<string>>>,
  down: Partition.Partitioning,
  up: Partition.Partitioning,
  name: string
): ReadonlyArray<string> => {
  const mapped = Object.keys(upstream)
  const missing = down._tag === "Fixed" ? down.keys.filter((key) => !mapped.includes(key)) : []
  const strange = mapped.filter((key) => !Partition.isKey(down, key))
  const needed = new Set(Object.values(upstream).flat())
  return [
    ...missing.map((key) => `nothing says which partitions of "${name}" its partition ${key} needs`),
    ...strange.map((key) => `it has no partition ${key} that could need some of "${name}"`),
    ...Array.from(needed)
      .filter((key) => !Partition.isKey(up, key))
      .map((key) => `"${name}" has no partition ${key}`)
  ]
}

const problemsOfPrevious = (offset: number, own: Partition.Partitioning | undefined): ReadonlyArray<string> => {
  if (own === undefined) return ["it has no partitions, so none that are earlier"]
  if (!Partition.isTimed(own))
    return [`only partitions by time have earlier ones, its own are ${Partition.describe(own)}`]
  return Number.isInteger(offset) && offset > 0
    ? []
    : [`it reads itself ${offset} partitions earlier: a whole number from 1 is needed`]
}
