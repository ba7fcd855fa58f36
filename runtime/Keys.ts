/**
 * The keys that the slices of an asset have at one moment, in order, each with its index.
 *
 * What they are keys of is said by `Partition`.
 */

export interface Keys {
  /** Time windows oldest first, other keys as declared. */
  readonly all: ReadonlyArray<string>
  readonly size: number
  /** -1 for a key that is none of these. */
  readonly indexOf: (key: string) => number
  /** Of time windows: the start of each and the end of the last, in milliseconds since the epoch. */
  readonly bounds: ReadonlyArray<number> | undefined
  /** Of products: the keys of each dimension. The last dimension varies fastest. */
  readonly dimensions: ReadonlyArray<Dimension> | undefined
}

export interface Dimension {
  readonly name: string
  readonly keys: Keys
  /** How far apart two slices are that differ by one in this dimension. */
  readonly stride: number
}

/** Keys in the order given. */
export const make = (all: ReadonlyArray<string>): Keys => {
  const index = lazily(() => indexed(all))
  return { all, size: all.length, indexOf: (key) => index().get(key) ?? -1, bounds: undefined, dimensions: undefined }
}

/** Keys of windows of time, written when they are first asked for. */
export const ofWindows = (bounds: ReadonlyArray<number>, write: () => ReadonlyArray<string>): Keys => {
  const all = lazily(write)
  const index = lazily(() => indexed(all()))
  return {
    get all() {
      return all()
    },
    size: Math.max(0, bounds.length - 1),
    indexOf: (key) => index().get(key) ?? -1,
    bounds,
    dimensions: undefined
  }
}

/** Joins the keys of products. */
export const separator = "|"

/** Every combination of keys, written in the order of the dimensions. */
export const product = (factors: ReadonlyArray<readonly [name: string, keys: Keys]>): Keys => {
  let stride = 1
  const dimensions = factors
    .toReversed()
    .map(([name, keys]) => {
      const dimension = { name, keys, stride }
      stride *= keys.size
      return dimension
    })
    .reverse()
  const all = lazily(() =>
    dimensions.reduce<ReadonlyArray<string>>(
      (heads, { keys }, at) =>
        at === 0 ? keys.all : heads.flatMap((head) => keys.all.map((key) => head + separator + key)),
      []
    )
  )
  return {
    get all() {
      return all()
    },
    size: dimensions.length === 0 ? 0 : stride,
    indexOf: (key) => {
      const parts = key.split(separator)
      if (parts.length !== dimensions.length) return -1
      let index = 0
      for (const [at, { keys, stride }] of dimensions.entries()) {
        const own = keys.indexOf(parts[at]!)
        if (own < 0) return -1
        index += own * stride
      }
      return index
    },
    bounds: undefined,
    dimensions
  }
}

/**
 * Neighbours merged: `2026-01-01..2026-01-31`, and `2026-02-03` for one alone; of products `day=2026-01-01..2026-01-31
 * region=eu`, without dimensions that are there whole, and `*` for everything. The indexes ascend.
 */
export const ranges = (self: Keys, indexes: Iterable<number>): ReadonlyArray<string> => {
  if (self.dimensions === undefined) return runsOf(self, indexes)
  const own = ({ keys, name }: Dimension, at: ReadonlyArray<number>) =>
    at.length === keys.size ? [] : [`${name}=${runsOf(keys, at).join(",")}`]
  return boxes(self.dimensions, Array.from(indexes), own).map((parts) => parts.join(" ") || "*")
}

/**
 * Likewise, in a way that goes on to name just these slices when keys come and go: keys that are no time one by one, and
 * of products every dimension.
 */
export const lasting = (self: Keys, indexes: Iterable<number>): ReadonlyArray<string> => {
  const listed = (keys: Keys, at: Iterable<number>) =>
    keys.bounds === undefined ? Array.from(at, (index) => keys.all[index]!) : runsOf(keys, at)
  if (self.dimensions === undefined) return listed(self, indexes)
  const own = ({ keys, name }: Dimension, at: ReadonlyArray<number>) => [`${name}=${listed(keys, at).join(",")}`]
  return boxes(self.dimensions, Array.from(indexes), own).map((parts) => parts.join(" "))
}

/** The index, in one dimension, of a slice of a product. */
export const coordinate = ({ keys, stride }: Dimension, index: number): number => Math.floor(index / stride) % keys.size

/** The keys that are windows of time, of a product those of its time dimension; `undefined` without any. */
export const timeOf = (self: Keys): Dimension | undefined =>
  self.bounds === undefined
    ? self.dimensions?.find(({ keys }) => keys.bounds !== undefined)
    : { name: "", keys: self, stride: 1 }

/** The window of time of a slice, of a product that of its time dimension; `undefined` without one. Takes no parsing. */
export const windowAt = (self: Keys, index: number): { readonly start: number; readonly end: number } | undefined => {
  if (self.bounds !== undefined) return { start: self.bounds[index]!, end: self.bounds[index + 1]! }
  const time = timeOf(self)
  return time === undefined ? undefined : windowAt(time.keys, coordinate(time, index))
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const runsOf = (self: Keys, indexes: Iterable<number>): ReadonlyArray<string> => {
  const runs: Array<[first: number, last: number]> = []
  for (const index of indexes) {
    const run = runs.at(-1)
    if (run?.[1] === index - 1) run[1] = index
    else runs.push([index, index])
  }
  // Of keys that are no time, few people know what lies between two.
  const least = self.bounds === undefined ? 2 : 1
  return runs.flatMap(([first, last]) =>
    last - first < least ? self.all.slice(first, last + 1) : [`${self.all[first]!}..${self.all[last]!}`]
  )
}

/** Slices of a product as few combinations of ranges: those that are alike in the later dimensions go together. */
const boxes = (
  [dimension, ...rest]: ReadonlyArray<Dimension>,
  indexes: ReadonlyArray<number>,
  write: (dimension: Dimension, at: ReadonlyArray<number>) => ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<string>> => {
  if (dimension === undefined) return [[]]
  const inner = new Map<number, Array<number>>()
  for (const index of indexes) {
    const at = coordinate(dimension, index)
    const own = inner.get(at)
    if (own === undefined) inner.set(at, [index])
    else own.push(index)
  }
  const alike = new Map<string, { readonly boxes: ReadonlyArray<ReadonlyArray<string>>; readonly at: Array<number> }>()
  for (const [at, own] of inner) {
    const found = boxes(rest, own, write)
    const content = JSON.stringify(found)
    const known = alike.get(content)
    if (known === undefined) alike.set(content, { boxes: found, at: [at] })
    else known.at.push(at)
  }
  return Array.from(alike.values()).flatMap(({ at, boxes }) => {
    const own = write(dimension, at)
    return boxes.map((box) => [...own, ...box])
  })
}

const indexed = (all: ReadonlyArray<string>) => {
  const index = new Map<string, number>()
  for (let at = 0; at < all.length; at++) index.set(all[at]!, at)
  return index
}

const lazily = <A extends object>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => (made ??= make())
}
