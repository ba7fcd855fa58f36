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

/** Keys in the order given, and the bounds of their windows if they have any. */
export const make = (all: ReadonlyArray<string>, bounds?: ReadonlyArray<number>): Keys => {
  const index = lazily(() => indexed(all))
  return {
    all,
    size: all.length,
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

/** The index, in one dimension, of a slice of a product. */
export const coordinate = ({ keys, stride }: Dimension, index: number): number => Math.floor(index / stride) % keys.size

/** Neighbours merged: `2026-01-01..2026-01-31`, and `2026-02-03` for one alone. The indexes ascend. */
export const ranges = (self: Keys, indexes: Iterable<number>): ReadonlyArray<string> => {
  const runs: Array<[first: number, last: number]> = []
  for (const index of indexes) {
    const run = runs.at(-1)
    if (run?.[1] === index - 1) run[1] = index
    else runs.push([index, index])
  }
  return runs.map(([first, last]) => (first === last ? self.all[first]! : `${self.all[first]!}..${self.all[last]!}`))
}

/** The indexes that ranges come to, ascending, each once; what is no key any more is left out. */
export const indexes = (self: Keys, ranges: Iterable<string>): ReadonlyArray<number> => {
  const found = new Set<number>()
  for (const range of ranges) {
    const [first, last] = range.split("..") as [string, string | undefined]
    const from = self.indexOf(first)
    const to = last === undefined ? from : self.indexOf(last)
    for (let index = from; index !== -1 && index <= to; index++) found.add(index)
  }
  return Array.from(found).sort((a, b) => a - b)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const indexed = (all: ReadonlyArray<string>) => {
  const index = new Map<string, number>()
  for (let at = 0; at < all.length; at++) index.set(all[at]!, at)
  return index
}

const lazily = <A extends object>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => (made ??= make())
}
