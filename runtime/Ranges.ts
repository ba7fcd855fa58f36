/**
 * That one step of an asset may compute many neighbouring partitions at once, as its declaration says.
 *
 * Which ones a step takes is planned by `PlanSteps`; what is staged and published of them is the IO manager's.
 */
import type * as Partition from "./Partition.ts"

export interface Ranges {
  /** Partitions that one step takes at most. */
  readonly most: number
}

/** How an asset is cut whose body takes many partitions at once; made by `ranges`. */
export interface Ranged<out P extends Partition.Partitioning> extends Ranges {
  readonly _tag: "Ranged"
  readonly partitions: P
}

/** How an asset is cut, whether its body takes one partition or many. */
export type Cut<C> = C extends Ranged<infer P> ? P : C

export type Any = Ranged<Partition.Partitioning>

/**
 * Says that the body takes many partitions at once, neighbours of which a step was planned: it gets `step.partitions` and
 * of what it reads by partition all that they need, and its value is published as one: not at all if a blocking check fails
 * for any of them. At most `most` in one step.
 */
export const ranges = <P extends Partition.Partitioning>(
  partitions: P,
  { most = 10_000 }: { readonly most?: number } = {}
): Ranged<P> => ({ _tag: "Ranged", partitions, most })

export const isRanged = (cut: Partition.Partitioning | Any | undefined): cut is Any => cut?._tag === "Ranged"

/** Why the steps of an asset take one partition each, in words; `undefined` where they may take many. */
export const refusal = (asset: {
  readonly ranges: Ranges | undefined
  readonly partitions: Partition.Partitioning | undefined
  readonly unrepeatable: boolean
  readonly io: { readonly refusesRanges: string | undefined }
}): string | undefined => {
  if (asset.partitions === undefined) return "it has no partitions"
  if (asset.unrepeatable) return "its source forgets, so there is never more to ask for than the partition that is open"
  if (asset.io.refusesRanges !== undefined) return asset.io.refusesRanges
  return asset.ranges === undefined ? "its body computes one partition at a time: see Asset.ranges" : undefined
}
