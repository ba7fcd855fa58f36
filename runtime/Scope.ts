/**
 * What a request lets a plan touch: which assets and partitions may get steps, and which do so whatever their status.
 *
 * What is to be done within it is the plan's.
 */
import * as Result from "effect/Result"
import type * as Asset from "./Asset.ts"
import * as AssetGraph from "./AssetGraph.ts"
import * as Partition from "./Partition.ts"
import { type PlanError, type Problem, refuse } from "./PlanError.ts"
import * as Selection from "./Selection.ts"
import * as SelectionFacts from "./SelectionFacts.ts"
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
  /** Parts of the selection that no asset answers to. */
  readonly unmatched: ReadonlyArray<Selection.Unmatched>
  /** Whether a slice of an asset, by its number, may be touched. */
  readonly within: (asset: string) => (index: number) => boolean
}

/** Refuses partitions that are none, or that cannot be computed although their asset is named. */
export const make = (
  graph: AssetGraph.AssetGraph,
  assessments: Staleness.Assessments,
  request: Request
): Result.Result<Scope, PlanError | Selection.SelectionError> =>
  Result.gen(function* () {
    const facts = SelectionFacts.make(assessments)
    const { keys: selected, unmatched } = yield* Selection.evaluate(graph, request.selection, facts)
    for (const asset of selected) {
      const others = AssetGraph.togetherWith(graph, asset).filter((other) => !selected.has(other))
      if (others.length === 0) continue
      return yield* refuse({ _tag: "ComputedTogether", asset, others, selection: [...request.selection, ...others] })
    }
    const chosen = request.recheck ? withUpstream(graph, selected) : selected
    return {
      chosen,
      forced: request.force ? selected : nothing,
      rechecked: request.recheck ? chosen : nothing,
      unmatched,
      within: yield* partitionsWithin(graph, assessments, chosen, request)
    }
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const nothing: ReadonlySet<string> = new Set()

const withUpstream = (graph: AssetGraph.AssetGraph, selected: ReadonlySet<string>): ReadonlySet<string> => {
  const reached = new Set(selected)
  for (const key of graph.order.toReversed()) {
    if (!reached.has(key)) continue
    for (const { asset, versioned } of graph.nodes.get(key)!.deps) if (versioned) reached.add(asset)
    // They read the same, so that nothing above them is missed by those that come later in the graph.
    for (const other of AssetGraph.togetherWith(graph, key)) reached.add(other)
  }
  return reached
}

const everySlice = () => true

/** Which partitions the request lets the plan touch; naming one that cannot be computed is refused. */
const partitionsWithin = (
  graph: AssetGraph.AssetGraph,
  assessments: Staleness.Assessments,
  chosen: ReadonlySet<string>,
  request: Request
): Result.Result<Scope["within"], PlanError> => {
  const { from, partition, to } = request
  const named = [partition, from, to].filter((key) => key !== undefined)
  if (named.length === 0) return Result.succeed(() => everySlice)
  if (partition !== undefined && named.length > 1) return refuse({ _tag: "PartitionAndRange" })
  const partitioned = Array.from(chosen, (key) => graph.nodes.get(key)!.asset).filter(isPartitioned)
  if (partitioned.length === 0) return refuse({ _tag: "NotPartitioned" })
  for (const key of named) {
    if (partitioned.some((asset) => Partition.isKey(asset.partitions, key))) continue
    const { key: asset, partitions } = partitioned[0]!
    return refuse({ _tag: "BadPartition", key, asset, partitioning: Partition.describe(partitions) })
  }
  if (partition === undefined) return spanWithin(assessments, partitioned, from, to)
  const problems = partitioned.flatMap((asset) => problemOf(asset, assessments, partition) ?? [])
  // A wide selection leaves out what cannot be computed; an asset that is named with its partition is refused.
  const refused = problems.find((problem) => request.selection.includes(problem.asset))
  if (refused !== undefined) return refuse(refused)
  if (problems.length === partitioned.length) return refuse(problems[0]!)
  return Result.succeed((asset) => {
    const keys = assessments.lineage.keys(asset)
    if (keys === undefined) return everySlice
    const only = keys.indexOf(partition)
    return (index) => index === only
  })
}

/** Time windows that lie between the start of one window and the end of another; other keys from one to another. */
const spanWithin = (
  { lineage }: Staleness.Assessments,
  partitioned: ReadonlyArray<Partitioned>,
  from: string | undefined,
  to: string | undefined
): Result.Result<Scope["within"], PlanError> => {
  const windowOf = (key: string | undefined) =>
    partitioned.flatMap(({ partitions }) =>
      key !== undefined && Partition.isKey(partitions, key) ? (Partition.window(partitions, key) ?? []) : []
    )[0]
  const start = windowOf(from)?.start ?? -Infinity
  const end = windowOf(to)?.end ?? Infinity
  const isReversed = (keys: Partition.Keys) => {
    const [first, last] = [indexIn(keys, from, 0), indexIn(keys, to, keys.size - 1)]
    return first > last && last !== -1
  }
  if (start >= end || partitioned.some(({ key }) => isReversed(lineage.keys(key)!))) {
    return refuse({ _tag: "RangeReversed", from: from!, to: to! })
  }
  return Result.succeed((asset) => {
    const keys = lineage.keys(asset)
    const { partitions } = lineage.graph.nodes.get(asset)!.asset
    if (keys === undefined || partitions === undefined) return everySlice
    if (Partition.isTimed(partitions)) {
      return (index) => {
        const window = Partition.windowAt(keys, index)!
        return window.start >= start && window.end <= end
      }
    }
    const [first, last] = [indexIn(keys, from, 0), indexIn(keys, to, keys.size - 1)]
    return (index) => first !== -1 && first <= index && index <= last
  })
}

const indexIn = (keys: Partition.Keys, key: string | undefined, otherwise: number) =>
  key === undefined ? otherwise : keys.indexOf(key)

type Partitioned = Asset.Any & { readonly partitions: Partition.Partitioning }

export const isPartitioned = (asset: Asset.Any): asset is Partitioned => asset.partitions !== undefined

/** Why a partition of an asset cannot be computed. */
export const problemOf = (
  { key: asset, partitions }: Partitioned,
  assessments: Staleness.Assessments,
  partition: string
): Extract<Problem, { readonly partition: string }> | undefined => {
  const { all } = assessments.lineage.keys(asset)!
  if (assessments.lineage.index({ asset, partition }) === -1) {
    const span = all.length === 0 ? null : { first: all[0]!, last: all[all.length - 1]! }
    return { _tag: "UnknownPartition", asset, partition, partitioning: Partition.describe(partitions), span }
  }
  const assessment = Staleness.get(assessments, { asset, partition })
  if (assessment === undefined) return { _tag: "EndedPartition", asset, partition }
  return assessment.frozen ? { _tag: "FrozenPartition", asset, partition } : undefined
}
