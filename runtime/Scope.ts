/**
 * What a request lets a plan touch: which assets and partitions may get steps, and which do so whatever their status.
 *
 * What is to be done within it is the plan's.
 */
import * as Result from "effect/Result"
import type * as Asset from "./Asset.ts"
import type { AssetGraph } from "./AssetGraph.ts"
import * as Partition from "./Partition.ts"
import { type PlanError, type Problem, refuse } from "./PlanError.ts"
import * as Selection from "./Selection.ts"
import * as Staleness from "./Staleness.ts"

/** What a person, a schedule or a backfill asks for. */
export interface Request {
  /** Expressions; none for everything. */
  readonly selection: ReadonlyArray<string>
  /** One key, or a range of keys, both ends inclusive, that limit what is planned of partitioned assets. */
  readonly partition?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Adds the sources that the selection reaches and everything between. */
  readonly recheck: boolean
  /** Computes what is selected whether Current or not. */
  readonly force: boolean
  /** `ASSET:CHECK`: failures of blocking checks that count as seen for this run. */
  readonly accept: ReadonlyArray<string>
}

export interface Scope {
  readonly chosen: ReadonlySet<string>
  readonly forced: ReadonlySet<string>
  readonly rechecked: ReadonlySet<string>
  readonly within: (partition: Partition.Key) => boolean
}

/** Refuses partitions that are none, or that cannot be computed although their asset is named. */
export const make = (
  graph: AssetGraph,
  assessments: Staleness.Assessments,
  request: Request,
  now: number
): Result.Result<Scope, PlanError | Selection.SelectionError> =>
  Result.gen(function* () {
    const selected = yield* Selection.resolve(graph, request.selection)
    const chosen = request.recheck ? withUpstream(graph, selected) : selected
    return {
      chosen,
      forced: request.force ? selected : nothing,
      rechecked: request.recheck ? chosen : nothing,
      within: yield* partitionsWithin(graph, assessments, chosen, request, now)
    }
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const nothing: ReadonlySet<string> = new Set()

const withUpstream = (graph: AssetGraph, selected: ReadonlySet<string>): ReadonlySet<string> => {
  const reached = new Set(selected)
  for (const key of graph.order.toReversed()) {
    if (reached.has(key)) for (const edge of graph.nodes.get(key)!.deps) reached.add(edge.asset)
  }
  return reached
}

/** Which partitions the request lets the plan touch; naming one that cannot be computed is refused. */
const partitionsWithin = (
  graph: AssetGraph,
  assessments: Staleness.Assessments,
  chosen: ReadonlySet<string>,
  request: Request,
  now: number
): Result.Result<Scope["within"], PlanError> => {
  const { from, partition, to } = request
  const named = [partition, from, to].filter((key) => key !== undefined)
  if (named.length === 0) return Result.succeed(() => true)
  if (partition !== undefined && named.length > 1) return refuse({ _tag: "PartitionAndRange" })
  const partitioned = Array.from(chosen, (key) => graph.nodes.get(key)!.asset).filter(isPartitioned)
  if (partitioned.length === 0) return refuse({ _tag: "NotPartitioned" })
  for (const key of named) {
    if (!partitioned.some((asset) => Partition.isKey(asset.partitions, key)))
      return refuse({ _tag: "BadPartition", key })
  }
  if (from !== undefined && to !== undefined && from > to) return refuse({ _tag: "RangeReversed", from, to })
  if (partition === undefined) {
    return Result.succeed((key) => key === null || ((from ?? key) <= key && key <= (to ?? key)))
  }
  const problems = partitioned.flatMap((asset) => problemOf(asset, assessments, partition, now) ?? [])
  // A wide selection leaves out what cannot be computed; an asset that is named with its partition is refused.
  const refused = problems.find((problem) => request.selection.includes(problem.asset))
  if (refused !== undefined) return refuse(refused)
  if (problems.length === partitioned.length) return refuse(problems[0]!)
  return Result.succeed((key) => key === null || key === partition)
}

type Partitioned = Asset.Any & { readonly partitions: Partition.Partitioning }

const isPartitioned = (asset: Asset.Any): asset is Partitioned => asset.partitions !== undefined

const problemOf = (
  { key: asset, partitions }: Partitioned,
  assessments: Staleness.Assessments,
  partition: string,
  now: number
): Extract<Problem, { readonly partition: string }> | undefined => {
  const keys = new Partition.Moment(now).keys(partitions)
  if (keys.indexOf(partition) < 0) {
    return { _tag: "UnknownPartition", asset, partition, first: keys.all[0] ?? "", last: keys.all.at(-1) ?? "" }
  }
  const assessment = Staleness.get(assessments, { asset, partition })
  if (assessment === undefined) return { _tag: "EndedPartition", asset, partition }
  return assessment.frozen ? { _tag: "FrozenPartition", asset, partition } : undefined
}
