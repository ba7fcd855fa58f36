/**
 * Which slices of assets are meant by one partition key, or by a range from one key to another.
 *
 * What may be done to those slices is asked elsewhere; expressions over keys are `KeyExpression`'s.
 */
import * as Result from "effect/Result"
import type * as Asset from "./Asset.ts"
import * as Catalog from "./Catalog.ts"
import * as KeyRange from "./KeyRange.ts"
import * as Keys from "./Keys.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import { type PlanError, type Problem, refuse } from "./PlanError.ts"

/** One key, or a range of keys, both ends inclusive; a range may be open at one end. */
export interface Named {
  readonly partition?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Assets, and which of their partitions. */
export interface Choice {
  readonly selected: ReadonlySet<string>
  readonly named: Named
}

export interface KeySpan {
  /** Of an asset without partitions everything, of another one the slices, by their number, that are meant. */
  readonly within: (asset: string) => (index: number) => boolean
  /** Whether a slice is meant, which need not be one any more; never that of an asset without partitions. */
  readonly has: (ref: Partition.Ref) => boolean
  /** Why none of the assets has a slice in the range now. */
  readonly lacking: Problem | undefined
}

export type Partitioned = Asset.Any & { readonly partitions: Partition.Partitioning }

export const isPartitioned = (asset: Asset.Any): asset is Partitioned => asset.partitions !== undefined

/** Whether anything is meant but all there is. */
export const isNamed = ({ from, partition, to }: Named): boolean => (partition ?? from ?? to) !== undefined

/** Refuses what is no key of any of these assets; whether there are such slices is asked by `problemOf`. */
export const make = (
  lineage: Lineage,
  assets: ReadonlyArray<Partitioned>,
  { from, partition, to }: Named
): Result.Result<KeySpan, PlanError> => {
  const [first] = assets
  if (first === undefined) return refuse({ _tag: "NotPartitioned" })
  if (partition !== undefined && (from ?? to) !== undefined) return refuse({ _tag: "PartitionAndRange" })
  if (partition === undefined) return between(lineage, assets, { from, to })
  if (assets.some(({ partitions }) => Partition.isKey(partitions, partition))) {
    return Result.succeed(one(lineage, partition))
  }
  const { key: asset, partitions } = first
  const example = lineage.keys(asset)!.all[0] ?? null
  return refuse({ _tag: "BadPartition", key: partition, asset, partitioning: Partition.describe(partitions), example })
}

/** Why an asset has no such slice, or not yet. */
export const problemOf = (
  lineage: Lineage,
  { key: asset, partitions }: Pick<Partitioned, "key" | "partitions">,
  partition: string
): Extract<Problem, { readonly _tag: "UnknownPartition" }> | undefined => {
  if (lineage.index({ asset, partition }) !== -1) return undefined
  const { all } = lineage.keys(asset)!
  const span = all.length === 0 ? null : { first: all[0]!, last: all[all.length - 1]! }
  const kept = Partition.isDynamic(partitions)
    ? { removed: lineage.moment.removedIn(partitions, partition).map(({ key }) => key), some: all.slice(0, 3) }
    : {}
  return { _tag: "UnknownPartition", asset, partition, partitioning: Partition.describe(partitions), span, ...kept }
}

/**
 * Which published slices of the selected assets are meant: all of them where nothing is named. Refuses a key that names
 * nothing that is or was a partition of theirs.
 */
export const published = (
  lineage: Lineage,
  catalog: Catalog.Catalog,
  { named, selected }: Choice
): Result.Result<KeySpan["has"], PlanError> =>
  Result.gen(function* () {
    if (!isNamed(named)) return () => true
    const { from, partition, to } = named
    const assets = Array.from(selected, (key) => lineage.graph.nodes.get(key)!.asset).filter(isPartitioned)
    if (partition !== undefined && (from ?? to) === undefined) {
      // Also of an asset that is cut in another way by now.
      const isPublished = assets.some(({ key }) => Catalog.slices(catalog, key).has(partition))
      if (isPublished) return one(lineage, partition).has
    }
    const { has, lacking } = yield* make(lineage, assets, named)
    if (partition !== undefined) {
      const problems = assets.map((asset) => problemOf(lineage, asset, partition))
      return problems[0] !== undefined && !problems.includes(undefined) ? yield* refuse(problems[0]) : has
    }
    const isPublished = assets.some(({ key }) => Catalog.slices(catalog, key).values().some(has))
    return lacking !== undefined && !isPublished ? yield* refuse(lacking) : has
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const everySlice = () => true
const noSlice = () => false

const one = (lineage: Lineage, partition: string): KeySpan => ({
  within: (asset) => {
    const keys = lineage.keys(asset)
    if (keys === undefined) return everySlice
    const only = keys.indexOf(partition)
    return (index) => index === only
  },
  has: (ref) => ref.partition === partition,
  lacking: undefined
})

/** What of each asset lies between two ends; nothing of one to which an end says nothing, unless that is all of them. */
const between = (
  lineage: Lineage,
  assets: ReadonlyArray<Partitioned>,
  ends: KeyRange.Ends
): Result.Result<KeySpan, PlanError> => {
  const { graph, moment } = lineage
  let told = assets
  for (const flag of ["from", "to"] as const) {
    const key = ends[flag]
    if (key === undefined) continue
    const takers = told.filter(({ partitions }) => KeyRange.isEnd(partitions, moment, key))
    if (takers.length === 0) return refuse(badEnd(lineage, told[0]!, flag, key))
    told = takers
  }
  const { from = null, to = null } = ends
  if (told.some(({ partitions }) => KeyRange.isReversed(partitions, moment, ends))) {
    return refuse({ _tag: "RangeReversed", from: from!, to: to! })
  }
  const ranges = new Map(told.map(({ key, partitions }) => [key, KeyRange.make(partitions, moment, ends)]))
  const { key: asset, partitions } = told[0]!
  const next = KeyRange.nextTo(ranges.get(asset)!)
  const isEmpty = Array.from(ranges.values()).every(KeyRange.isEmpty)
  return Result.succeed({
    lacking: isEmpty
      ? { _tag: "EmptyRange", asset, partitioning: Partition.describe(partitions), from, to, next }
      : undefined,
    within: (asset) => {
      if (!isPartitioned(graph.nodes.get(asset)!.asset)) return everySlice
      const range = ranges.get(asset)
      return range === undefined ? noSlice : (index) => KeyRange.has(range, index)
    },
    has: ({ asset, partition }) => {
      const { partitions } = graph.nodes.get(asset)!.asset
      if (partition === null || partitions === undefined || !ranges.has(asset)) return false
      return KeyRange.hasKey(partitions, moment, ends, partition)
    }
  })
}

const badEnd = (
  { moment }: Lineage,
  { key: asset, partitions }: Partitioned,
  flag: "from" | "to",
  key: string
): Problem => {
  const example = Keys.timeOf(moment.keys(partitions))?.keys.all[0] ?? moment.keys(partitions).all[0] ?? null
  const timed = Partition.isTimed(partitions)
  return { _tag: "BadEnd", asset, partitioning: Partition.describe(partitions), flag, key, example, timed }
}
