/**
 * What a backfill has to bring up to date, and what of that is done, failed or left.
 *
 * Pure: requests become plans by `Plan.make` as all others do. When they are carried out is no matter of this module.
 */
import * as Result from "effect/Result"
import type { AssetGraph } from "./AssetGraph.ts"
import * as BackfillHistory from "./BackfillHistory.ts"
import type { Catalog } from "./Catalog.ts"
import type { BackfillRequest, Failure } from "./Event.ts"
import * as Keys from "./Keys.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import * as Plan from "./Plan.ts"
import { PlanError } from "./PlanError.ts"
import * as Scope from "./Scope.ts"

/** What a person asks for. */
export interface Asked extends Pick<Plan.Request, "selection" | "from" | "to" | "partitions"> {
  readonly which: BackfillRequest["which"]
  readonly concurrency: number | null
}

/** As the planner takes it; assets without partitions are planned as usual. */
export const toPlan = ({ from, partitions, selection, to, which }: Asked): Plan.Request => ({
  selection,
  from,
  to,
  partitions,
  only: which === "Missing" ? "Missing" : undefined,
  recheck: false,
  force: which === "All",
  accept: []
})

/** A plan; or what it lacks, with the command that would work: with the flags it was asked with, where they are enough. */
export const plan = (graph: AssetGraph, catalog: Catalog, asked: Plan.Request, now: number) =>
  Result.mapError(Plan.make(graph, catalog, asked, now), (error) => {
    if (error._tag !== "PlanError" || !("selection" in error.problem)) return error
    const { targets, ...limits } = asked
    const isEnough = Result.isSuccess(Plan.make(graph, catalog, { ...limits, selection: error.problem.selection }, now))
    const whole = "flags" in error.problem ? error.problem.flags : []
    const flags = targets !== undefined ? whole : [...(isEnough ? limitsOf(asked) : whole), ...whichOf(asked, isEnough)]
    return new PlanError({ problem: { ...error.problem, flags }, command: "assets backfill" })
  })

/** Fixes what there is to do, so that it is the same whenever the backfill goes on: the slices of its first plan. */
export const request = (
  { concurrency, selection, which }: Asked,
  plan: Plan.Plan,
  lineage: Lineage
): BackfillRequest => {
  const targets: Record<string, ReadonlyArray<string> | null> = {}
  let slices = 0
  for (const [asset, blocks] of Map.groupBy(plan.blocks, (block) => block.asset)) {
    const indexes = blocks.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at))
    const keys = lineage.keys(asset)
    targets[asset] = keys === undefined ? null : Keys.lasting(keys, indexes)
    slices += indexes.length
  }
  return { selection, which, targets, slices, concurrency }
}

/**
 * `Done`: published, verified or cut off. `Skipped`: something that it reads failed. `Left`: still to do. `Current`: it
 * was Current by other means when the backfill went on for the last time, whatever had become of it before.
 */
export const outcomes = ["Done", "Failed", "Skipped", "Left", "Current"] as const
export type Outcome = (typeof outcomes)[number]

/** Slices that failed by the same error. */
export interface Failed {
  readonly asset: string
  /** Ranges of keys; `null` for an asset without partitions. */
  readonly partitions: ReadonlyArray<string> | null
  readonly slices: number
  readonly error: Failure
}

/** What became of every slice that a backfill has to bring up to date, of those there still are. */
export class Tally {
  private readonly lineage: Lineage
  /** By asset and slice, an index into `outcomes`; `none` for what is no target. */
  private readonly found = new Map<string, Uint8Array>()
  private readonly errors = new Map<string, Map<number, Failure>>()

  constructor(
    lineage: Lineage,
    { request, runs, status }: Pick<BackfillHistory.History, "request" | "runs" | "status">,
    told: ReadonlyArray<BackfillHistory.Outcome>
  ) {
    this.lineage = lineage
    const untold = status === "Succeeded" || status === "Failed" ? "Current" : "Left"
    // What the last run did not tell of had no step in it.
    const isOver = ({ runId }: BackfillHistory.Outcome) =>
      status === "Succeeded" || (status === "Failed" && runId !== runs.at(-1))
    for (const [asset, ranges] of Object.entries(request.targets)) {
      if (!lineage.graph.nodes.has(asset)) continue
      const found = new Uint8Array(lineage.size(asset)).fill(none)
      for (const index of Scope.indexesOf(lineage, asset, ranges)) found[index] = outcomes.indexOf(untold)
      this.found.set(asset, found)
    }
    for (const outcome of told) if (isDone(outcome) || !isOver(outcome)) this.tell(outcome)
  }

  /** In the order of the graph. */
  get assets(): ReadonlyArray<string> {
    return this.lineage.graph.order.filter((asset) => this.found.has(asset))
  }

  counts(asset: string): Readonly<Record<Outcome, number>> {
    const counts = { Done: 0, Failed: 0, Skipped: 0, Left: 0, Current: 0 }
    for (const code of this.found.get(asset)!) if (code !== none) counts[outcomes[code]!] += 1
    return counts
  }

  /** The slices of an asset that came to one of these outcomes, as ranges of keys; `null` without partitions. */
  ranges(asset: string, ...of: ReadonlyArray<Outcome>): ReadonlyArray<string> | null {
    const keys = this.lineage.keys(asset)
    return keys === undefined ? null : Keys.ranges(keys, this.indexes(asset, of))
  }

  /** In the order of the graph, slices with one error together. */
  get failures(): ReadonlyArray<Failed> {
    return this.assets.flatMap((asset) => {
      const failed = this.indexes(asset, ["Failed"]).flatMap((index) => {
        const error = this.errors.get(asset)?.get(index)
        return error === undefined ? [] : [{ index, error }]
      })
      const keys = this.lineage.keys(asset)
      return Array.from(
        Map.groupBy(failed, ({ error }) => `${error._tag} ${error.message}`).values(),
        (alike): Failed => ({
          asset,
          partitions:
            keys === undefined
              ? null
              : Keys.ranges(
                  keys,
                  alike.map(({ index }) => index)
                ),
          slices: alike.length,
          error: alike[0]!.error
        })
      )
    })
  }

  /** What is not done: what failed is tried again. */
  get rest(): BackfillRequest["targets"] {
    const undone = this.assets.filter((asset) => this.indexes(asset, open).length > 0)
    return Object.fromEntries(undone.map((asset) => [asset, this.ranges(asset, ...open)]))
  }

  private indexes(asset: string, of: ReadonlyArray<Outcome>): ReadonlyArray<number> {
    const codes = of.map((outcome) => outcomes.indexOf(outcome))
    const indexes: Array<number> = []
    this.found.get(asset)!.forEach((code, index) => codes.includes(code) && indexes.push(index))
    return indexes
  }

  private tell({ asset, error, partition, status }: BackfillHistory.Outcome): void {
    const found = this.found.get(asset)
    const outcome = outcomeOf(status)
    if (found === undefined || outcome === undefined) return
    for (const index of slicesOf(this.lineage, { asset, partition })) {
      if (found[index] === none) continue
      found[index] = outcomes.indexOf(outcome)
      if (error === null) continue
      const errors = this.errors.get(asset)
      if (errors === undefined) this.errors.set(asset, new Map([[index, error]]))
      else errors.set(index, error)
    }
  }
}

/** The slices that a step is for: of one that covers a range, all of it. */
export const slicesOf = (lineage: Lineage, ref: Partition.Ref): ReadonlyArray<number> => {
  const index = lineage.index(ref)
  if (index !== -1) return [index]
  return ref.partition === null ? [] : Scope.indexesOf(lineage, ref.asset, [ref.partition])
}

/**
 * The request that what is left of a backfill is planned by; of what is already Current only if all was asked for. By the
 * keys of assets, since what a selection such as `status:stale` comes to changes on the way.
 */
export const remaining = ({ request }: Pick<BackfillHistory.History, "request">, tally: Tally): Plan.Request => {
  const targets = tally.rest
  return { selection: tally.assets, targets, recheck: false, force: request.which === "All", accept: [] }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The flags by which partitions were asked for. */
const limitsOf = ({ from, partitions, to }: Plan.Request): ReadonlyArray<string> =>
  Object.entries({ from, to, partitions }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))

/** Likewise which of them; what was published before may have to be computed, too. */
const whichOf = ({ force, only }: Plan.Request, isEnough: boolean): ReadonlyArray<string> => [
  ...(only !== undefined && isEnough ? ["--missing"] : []),
  ...(force ? ["--all"] : [])
]

const none = 255

const open: ReadonlyArray<Outcome> = ["Failed", "Skipped", "Left"]

const isDone = ({ status }: BackfillHistory.Outcome) => BackfillHistory.outcomes.done.includes(status)

const outcomeOf = (status: BackfillHistory.Outcome["status"]): Outcome | undefined => {
  const { done, failed, skipped } = BackfillHistory.outcomes
  if (done.includes(status)) return "Done"
  if (failed.includes(status)) return "Failed"
  return skipped.includes(status) ? "Skipped" : undefined
}
