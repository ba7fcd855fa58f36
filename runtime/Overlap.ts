/**
 * Which slices lie in a stretch of windows around one's own, along the time of either side.
 *
 * Either side may be a product with a dimension of time: its slices are read along that one, those of the same key in
 * dimensions that both have, and all of what the reader does not have. Other ways to need slices are said by `Mapping`.
 */
import * as Keys from "./Keys.ts"
import * as Partition from "./Partition.ts"
import * as PartitionFit from "./PartitionFit.ts"
import * as TimeWindows from "./TimeWindows.ts"

/** One end of a dependency: how it is cut, and its keys at one moment. `undefined` without partitions. */
export interface End {
  readonly partitions: Partition.Partitioning | undefined
  readonly keys: Keys.Keys | undefined
}

/** Half-open, in indexes of the keys of the dependency. */
export type Range = readonly [from: number, to: number]

/** Counted in windows of the reader. */
export interface Offsets {
  readonly startOffset: number
  readonly endOffset: number
}

/** The slices of `up` that each slice of `down` needs, as ranges in ascending order. */
export const ranges = (offsets: Offsets, down: End, up: End): ((index: number) => ReadonlyArray<Range>) => {
  const [own, other] = [Keys.timeOf(down.keys!)!, Keys.timeOf(up.keys!)!]
  const windows = timeOf(down.partitions!)!
  const overlapping = alongTime(offsets, windows, own.keys, other.keys)
  const others = up.keys!.dimensions
  if (others === undefined) {
    return (index) => {
      const range = overlapping(Keys.coordinate(own, index))
      return range === undefined ? nothing : [range]
    }
  }
  const spans = others.map((dimension) => {
    const { keys, name } = dimension
    if (dimension === other) return (index: number) => overlapping(Keys.coordinate(own, index))
    const shared = down.keys!.dimensions?.find((mine) => mine !== own && mine.name === name)
    if (shared === undefined) return (): Range => [0, keys.size]
    const same = Array.from(shared.keys.all, (key) => keys.indexOf(key))
    return (index: number): Range | undefined => {
      const at = same[Keys.coordinate(shared, index)]!
      return at === -1 ? undefined : [at, at + 1]
    }
  })
  return (index) =>
    combined(
      others,
      spans.map((span) => span(index))
    )
}

/**
 * Whether two assets are cut by windows of different grains and otherwise alike, so that the windows that overlap are what
 * a slice needs of which nothing is said.
 */
export const isAcrossGrains = (down: Partition.Partitioning, up: Partition.Partitioning): boolean => {
  const [own, other] = [timeOf(down), timeOf(up)]
  if (own === undefined || other === undefined || own.grain === other.grain) return false
  if (down._tag !== "Product" || up._tag !== "Product") return true
  const shared = sharedOf(down, up)
  const isWhole = [down, up].every(({ dimensions }) => Object.keys(dimensions).length === shared.length + 1)
  return isWhole && shared.every(([, mine, theirs]) => PartitionFit.isAlike(mine, theirs))
}

/** Why a stretch of windows cannot be read, in words that call the dependency by name; empty when it can. */
export const problems = (
  { endOffset, startOffset }: Offsets,
  down: Partition.Partitioning,
  up: Partition.Partitioning,
  name: string
): ReadonlyArray<string> => {
  const [own, other] = [timeOf(down), timeOf(up)]
  if (own === undefined || other === undefined) {
    return [
      `windows of "${name}" are for partitions by time on both sides: ` +
        `it has ${Partition.describe(up)}, its own are ${Partition.describe(down)}`
    ]
  }
  const unlike = sharedOf(down, up).filter(([, mine, theirs]) => !PartitionFit.isAlike(mine, theirs))
  if (unlike.length > 0) {
    return unlike.map(
      ([dimension, mine, theirs]) =>
        `windows of "${name}" are of one ${dimension} each, which it has as ${Partition.describe(theirs)} ` +
        `and its own have as ${Partition.describe(mine)}`
    )
  }
  if (!Number.isInteger(startOffset) || !Number.isInteger(endOffset) || startOffset > endOffset) {
    return [`windows of "${name}" go from ${startOffset} to ${endOffset}: whole numbers in ascending order are needed`]
  }
  return startOffset === 0 && endOffset === 0 ? PartitionFit.problemsOfSpans(own, other, name) : []
}

/** How many of the ascending numbers are below a limit. */
export const countBefore = (numbers: ReadonlyArray<number>, limit: number): number => {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const nothing: ReadonlyArray<Range> = []

const timeOf = (self: Partition.Partitioning): TimeWindows.TimeWindows | undefined =>
  [self, ...(self._tag === "Product" ? Object.values(self.dimensions) : [])].find((part) => part._tag === "TimeWindows")

/** The dimensions, apart from time, that both products have. */
const sharedOf = (down: Partition.Partitioning, up: Partition.Partitioning) => {
  if (down._tag !== "Product" || up._tag !== "Product") return []
  return Object.entries(down.dimensions).flatMap(([name, mine]) => {
    const theirs = up.dimensions[name]
    const isTime = mine === timeOf(down) || theirs === timeOf(up)
    return theirs === undefined || (isTime && mine._tag === theirs._tag) ? [] : [[name, mine, theirs] as const]
  })
}

/** The windows that overlap each one of `down`, once its start and end are moved; `undefined` for none. */
const alongTime = (
  { endOffset, startOffset }: Offsets,
  windows: TimeWindows.TimeWindows,
  down: Keys.Keys,
  up: Keys.Keys
): ((index: number) => Range | undefined) => {
  const own = down.bounds!
  const other = up.bounds!
  if (own.length === 0 || other.length === 0) return () => undefined
  const reach = Math.max(Math.abs(startOffset), Math.abs(endOffset))
  const before = TimeWindows.previous(windows, own[0]!, reach)
  const bounds = [...before, ...own]
  for (let added = 0; added < reach; added++) bounds.push(TimeWindows.next(windows, bounds.at(-1)!))
  return (index) => {
    const start = bounds[before.length + index + startOffset] ?? -Infinity
    const end = bounds[before.length + index + 1 + endOffset]!
    const from = Math.max(0, countBefore(other, start + 1) - 1)
    const to = Math.min(up.size, countBefore(other, end))
    return from < to ? [from, to] : undefined
  }
}

/** The slices of a product that lie in a range of each of its dimensions. */
const combined = (
  dimensions: ReadonlyArray<Keys.Dimension>,
  spans: ReadonlyArray<Range | undefined>
): ReadonlyArray<Range> => {
  let ranges: ReadonlyArray<Range> = [[0, 1]]
  for (const [at, { keys }] of dimensions.entries()) {
    const span = spans[at]
    if (span === undefined || keys.size === 0) return nothing
    const [first, end] = span
    if (first === 0 && end === keys.size) {
      ranges = ranges.map(([from, to]) => [from * keys.size, to * keys.size])
      continue
    }
    ranges = ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from }, (_, unit): Range => {
        const base = (from + unit) * keys.size
        return [base + first, base + end]
      })
    )
  }
  return ranges
}
