/**
 * What a request lets a plan touch: which assets and partitions may get steps, and which do so whatever their status.
 *
 * What is to be done within it is the plan's.
 */
import * as Result from "effect/Result"
import * as AssetGraph from "./AssetGraph.ts"
import type { BackfillRequest } from "./Event.ts"
import * as KeySpan from "./KeySpan.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import { type PlanError, type Problem, refuse } from "./PlanError.ts"
import * as Selection from "./Selection.ts"
import * as SelectionFacts from "./SelectionFacts.ts"
import * as Staleness from "./Staleness.ts"

/** What a person, a schedule or a backfill asks for. */
export interface Request {
  /** Expressions; none for everything. */
  readonly selection: ReadonlyArray<string>
  /** One key, or a range, see `KeyRange`, that limit what is planned of partitioned assets. */
  readonly partition?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Instead of these an expression, see `Partition.select`; of each partitioned asset the slices that it names. */
  readonly partitions?: string | undefined
  /** Leaves alone what was published before. */
  readonly only?: "Missing" | undefined
  /** Nothing but the targets of a backfill; what of them there is no more is left out. */
  readonly targets?: BackfillRequest["targets"] | undefined
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
    const named = yield* partitionsWithin(graph, assessments, chosen, request)
    return {
      chosen,
      forced: request.force ? selected : nothing,
      rechecked: request.recheck ? chosen : nothing,
      unmatched,
      within: targetsWithin(assessments.lineage, request.targets, statusWithin(assessments, request.only, named))
    }
  })

/** The slices that recorded ranges of keys name, ascending; those that are there. */
export const indexesOf = (
  lineage: Lineage,
  asset: string,
  ranges: ReadonlyArray<string> | null
): ReadonlyArray<number> => {
  const { partitions } = lineage.graph.nodes.get(asset)!.asset
  if (partitions === undefined || ranges === null) return partitions === undefined && ranges === null ? [0] : []
  const indexes = new Set<number>()
  for (const range of ranges) {
    // Most of many are single keys; an expression is held against every key there is.
    const single = lineage.index({ asset, partition: range })
    if (single !== -1) indexes.add(single)
    else for (const index of Partition.selectRecorded(partitions, lineage.moment, range)) indexes.add(index)
  }
  return Array.from(indexes).sort((a, b) => a - b)
}

/** A request for more, and how its partitions are said on a command line. */
export interface Wider {
  readonly request: Request
  readonly flags: ReadonlyArray<string>
}

/** Requests that may have what assets `without` something lack, the one that asks for least first, for all partitions last. */
export const widened = (request: Request, without: ReadonlySet<string>): ReadonlyArray<Wider> => {
  const { from, only, partition, partitions, targets, to, ...rest } = request
  const others = request.selection.filter((text) => !without.has(text))
  const selection = Array.from(new Set([...others, ...Array.from(without, (asset) => `+${asset}`)]))
  const whole: Wider = { request: { ...rest, selection }, flags: [] }
  if ([only, partitions, targets].some((limit) => limit !== undefined)) return [whole]
  const limited = [{ partition, from, to }, { to: to ?? partition }].map((limits) => ({
    request: { ...whole.request, ...limits },
    flags: Object.entries(limits).flatMap(([name, key]) => (key === undefined ? [] : [`--${name}`, key]))
  }))
  return [...limited.filter(({ flags }) => flags.length > 0), whole]
}

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
  const { partition, partitions } = request
  const isSpan = KeySpan.isNamed(request)
  if (!isSpan && partitions === undefined) return Result.succeed(() => everySlice)
  if (isSpan && partitions !== undefined) return refuse({ _tag: "PartitionsAndRange" })
  const partitioned = Array.from(chosen, (key) => graph.nodes.get(key)!.asset).filter(KeySpan.isPartitioned)
  if (partitioned.length === 0) return refuse({ _tag: "NotPartitioned" })
  if (partitions !== undefined) return expressionWithin(assessments.lineage, partitioned, partitions)
  const span = KeySpan.make(assessments.lineage, partitioned, request)
  if (Result.isFailure(span)) return Result.fail(span.failure)
  if (span.success.lacking !== undefined) return refuse(span.success.lacking)
  if (partition === undefined) return Result.succeed(span.success.within)
  const problems = partitioned.flatMap((asset) => problemOf(asset, assessments, partition) ?? [])
  // A wide selection leaves out what cannot be computed; an asset that is named with its partition is refused.
  const refused = problems.find((problem) => request.selection.includes(problem.asset))
  if (refused !== undefined) return refuse(refused)
  if (problems.length === partitioned.length) return refuse(problems[0]!)
  return Result.succeed(span.success.within)
}

/** What an expression names of each asset; one that no asset has such partitions for is refused. */
const expressionWithin = (
  lineage: Lineage,
  partitioned: ReadonlyArray<KeySpan.Partitioned>,
  expression: string
): Result.Result<Scope["within"], PlanError> => {
  const masks = new Map<string, Uint8Array>()
  let unknown: Problem | undefined
  for (const { key: asset, partitions } of partitioned) {
    const named = Partition.select(partitions, lineage.moment, expression)
    if (Result.isSuccess(named)) masks.set(asset, maskOf(lineage.size(asset), named.success))
    else {
      const { _tag, ...problem } = named.failure
      unknown ??= { _tag: "BadPartitions", asset, expression, ...problem }
      if (_tag === "Malformed") return refuse({ _tag: "BadPartitions", asset, expression, ...problem })
    }
  }
  if (masks.size === 0) return refuse(unknown!)
  return Result.succeed((asset) => {
    if (lineage.keys(asset) === undefined) return everySlice
    const mask = masks.get(asset)
    return mask === undefined ? noSlice : (index) => mask[index] === 1
  })
}

/** Of assets that are computed together, where one of them has the status. */
const statusWithin = (
  { lineage, slices }: Staleness.Assessments,
  only: Request["only"],
  within: Scope["within"]
): Scope["within"] => {
  if (only === undefined) return within
  return (asset) => {
    const isWithin = within(asset)
    const all = together(lineage, asset).map((key) => slices.get(key)!.codes)
    return (index) => all.some((codes) => codes[index] === Staleness.codes[only]) && isWithin(index)
  }
}

/** Of assets that are computed together, the targets of any. */
const targetsWithin = (lineage: Lineage, targets: Request["targets"], within: Scope["within"]): Scope["within"] => {
  if (targets === undefined) return within
  const masks = new Map<string, Uint8Array>()
  return (asset) => {
    const isWithin = within(asset)
    const mask = masks.get(asset) ?? maskOf(lineage.size(asset), indexesOfAll(lineage, asset, targets))
    masks.set(asset, mask)
    return (index) => mask[index] === 1 && isWithin(index)
  }
}

const indexesOfAll = (lineage: Lineage, asset: string, targets: BackfillRequest["targets"]) =>
  together(lineage, asset).flatMap((key) => {
    const ranges = targets[key]
    return ranges === undefined ? [] : indexesOf(lineage, key, ranges)
  })

const together = ({ graph }: Lineage, asset: string) => [asset, ...AssetGraph.togetherWith(graph, asset)]

const noSlice = () => false

const maskOf = (size: number, indexes: ReadonlyArray<number>): Uint8Array => {
  const mask = new Uint8Array(size)
  for (const index of indexes) mask[index] = 1
  return mask
}

/** Why a partition of an asset cannot be computed. */
export const problemOf = (
  { key: asset, partitions }: KeySpan.Partitioned,
  assessments: Staleness.Assessments,
  partition: string
): Extract<Problem, { readonly partition: string }> | undefined => {
  const unknown = KeySpan.problemOf(assessments.lineage, { key: asset, partitions }, partition)
  if (unknown !== undefined) return unknown
  const assessment = Staleness.get(assessments, { asset, partition })
  if (assessment === undefined) return { _tag: "EndedPartition", asset, partition }
  return assessment.frozen ? { _tag: "FrozenPartition", asset, partition } : undefined
}
