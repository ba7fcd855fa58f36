/**
 * What a run will do and why, decided before anything is done.
 *
 * A plan is a value: `explain` and the executor read the same one. This module leaves out the doing.
 */
import * as Result from "effect/Result"
import type { AssetGraph, Edge, Node } from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import * as Partition from "./Partition.ts"
import { type PlanError, refuse } from "./PlanError.ts"
import * as Reason from "./Reason.ts"
import type { Request } from "./Scope.ts"
import * as Scope from "./Scope.ts"
import type { SelectionError } from "./Selection.ts"
import * as Staleness from "./Staleness.ts"

export type { Request } from "./Scope.ts"

/** Everything that is not Current. */
export const everything: Request = { selection: [], recheck: false, force: false, accept: [] }

/** `Certain`: no earlier step can make it unnecessary. `Conditional`: decided once its dependencies have settled. */
export type Certainty = "Certain" | "Conditional"

export interface Step extends Partition.Ref {
  readonly certainty: Certainty
  readonly reasons: ReadonlyArray<Reason.Reason>
  /** Indexes of the plan's steps whose values it reads. */
  readonly after: ReadonlyArray<number>
  /** Indexes of the plan's steps that only go first. */
  readonly follows: ReadonlyArray<number>
}

/** A selected slice that is Maybe only through ancestors that are not selected; those are named, nearest first. */
export interface UpstreamNotSelected extends Partition.Ref {
  readonly ancestors: ReadonlyArray<string>
}

/** A selected asset that reads, directly or not, a dependency none of whose partitions has begun. */
export interface NothingToRead {
  readonly asset: string
  readonly dependency: string
}

export interface AcceptedCheck {
  readonly asset: string
  readonly check: string
}

export interface Plan {
  /** Milliseconds since the epoch: the time of every decision, and of every step of the run. */
  readonly at: number
  readonly selection: ReadonlyArray<string>
  /** Dependencies first. */
  readonly steps: ReadonlyArray<Step>
  readonly upstreamNotSelected: ReadonlyArray<UpstreamNotSelected>
  readonly nothingToRead: ReadonlyArray<NothingToRead>
  readonly accepted: ReadonlyArray<AcceptedCheck>
}

/**
 * The steps that make the selection Current at `now`, given the ancestors that are not selected.
 *
 * A selected slice gets a step when it is Missing or Stale, forced, a source asked to be rechecked, or when something
 * it reads gets one. Frozen slices never do.
 */
export const make = (
  graph: AssetGraph,
  catalog: Catalog.Catalog,
  request: Request,
  now: number
): Result.Result<Plan, PlanError | SelectionError> =>
  Result.gen(function* () {
    const assessments = Staleness.assess(graph, catalog, now)
    const scope = yield* Scope.make(graph, assessments, request, now)
    const { nothingToRead, steps } = yield* stepsOf(graph, catalog, assessments, scope, request)
    return {
      at: now,
      selection: request.selection,
      steps: steps.all,
      upstreamNotSelected: upstreamNotSelected(graph, assessments, scope, steps),
      nothingToRead,
      accepted: yield* acceptedChecks(graph, steps, request)
    }
  })

/** One line a step, then what is left out and why. */
export const explain = (plan: Plan): ReadonlyArray<string> => {
  const leftOut = plan.upstreamNotSelected.length + plan.nothingToRead.length
  if (plan.steps.length === 0 && leftOut === 0) return ["Everything is Current"]
  const width = plan.steps.reduce((width, step) => Math.max(width, Partition.show(step).length), 0)
  return [
    ...plan.steps.map(
      (step) => `${Partition.show(step).padEnd(width)}  ${step.certainty.padEnd(11)}  ${reasonsInWords(step)}`
    ),
    ...Map.groupBy(plan.upstreamNotSelected, (entry) => `${entry.asset} ${entry.ancestors.join(" ")}`)
      .values()
      .map(notSelectedInWords),
    ...plan.nothingToRead.map(
      ({ asset, dependency }) => `${asset} is left out: it depends on ${dependency}, no partition of which has begun`
    )
  ]
}

/** What `plan --json` prints. */
export const toJson = (plan: Plan) => ({
  steps: plan.steps.map(({ asset, certainty, partition, reasons }) => ({ asset, partition, certainty, reasons })),
  upstreamNotSelected: plan.upstreamNotSelected,
  nothingToRead: plan.nothingToRead
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Steps so far, found by slice, or all those of an asset. */
class Steps {
  readonly all: Array<Step> = []
  private readonly ofAssets = new Map<string, Array<number>>()
  private readonly ofSlices = new Map<string, Map<Partition.Key, ReadonlyArray<number>>>()

  add(step: Step): void {
    const index = this.all.push(step) - 1
    const known = this.ofAssets.get(step.asset)
    if (known === undefined) this.ofAssets.set(step.asset, [index])
    else known.push(index)
    if (step.partition === null) return
    const slices = this.ofSlices.get(step.asset)
    if (slices === undefined) this.ofSlices.set(step.asset, new Map([[step.partition, [index]]]))
    else slices.set(step.partition, [index])
  }

  of(asset: string): ReadonlyArray<number> {
    return this.ofAssets.get(asset) ?? none
  }

  at(asset: string, partition: Partition.Key): ReadonlyArray<number> {
    return partition === null ? this.of(asset) : (this.ofSlices.get(asset)?.get(partition) ?? none)
  }

  read(edge: Edge, partition: Partition.Key): ReadonlyArray<number> {
    return edge.mapping._tag === "All" ? this.of(edge.asset) : this.at(edge.asset, sliceOf(edge, partition))
  }
}

const none: ReadonlyArray<number> = []

const sliceOf = (edge: Edge, partition: Partition.Key) => (edge.mapping._tag === "Whole" ? null : partition)

const stepsOf = (
  graph: AssetGraph,
  catalog: Catalog.Catalog,
  assessments: Staleness.Assessments,
  scope: Scope.Scope,
  request: Request
): Result.Result<{ readonly steps: Steps; readonly nothingToRead: ReadonlyArray<NothingToRead> }, PlanError> => {
  const steps = new Steps()
  const unbegun = new Map<string, string>()
  const lacking: Array<Partition.Ref & { readonly dependency: string }> = []
  for (const [asset, slices] of assessments.slices) {
    if (!scope.chosen.has(asset)) continue
    const node = graph.nodes.get(asset)!
    for (const [partition, assessment] of slices) {
      if (assessment.frozen || !scope.within(partition)) continue
      const planned = node.deps.filter((edge) => steps.read(edge, partition).length > 0)
      const reasons = reasonsOf(node, assessment, planned, scope)
      if (reasons.length === 0) continue
      const dependency = missingDependency(node, partition, catalog, steps)
      if (dependency !== undefined) {
        const root = assessments.slices.get(dependency)!.size === 0 ? dependency : unbegun.get(dependency)
        if (root !== undefined) {
          unbegun.set(asset, root)
          continue
        }
        lacking.push({ asset, partition, dependency })
      }
      const undoable = new Set(planned.map((edge) => edge.asset))
      steps.add({
        asset,
        partition,
        certainty: reasons.some((reason) => isCertain(reason, undoable)) ? "Certain" : "Conditional",
        reasons,
        after: flatten(planned.map((edge) => steps.read(edge, partition))),
        follows: flatten(node.after.map((other) => followed(graph, catalog, steps, other, partition)))
      })
    }
  }
  const first = lacking[0]
  if (first === undefined) {
    return Result.succeed({
      steps,
      nothingToRead: Array.from(unbegun, ([asset, dependency]) => ({ asset, dependency }))
    })
  }
  const without = new Set(lacking.map((slice) => slice.asset))
  const selection = Array.from(
    new Set([...request.selection.filter((text) => !without.has(text)), ...Array.from(without, (asset) => `+${asset}`)])
  )
  return refuse({ _tag: "MissingDependency", ...first, selection })
}

const reasonsOf = (
  node: Node,
  assessment: Staleness.Assessment,
  planned: ReadonlyArray<Edge>,
  scope: Scope.Scope
): ReadonlyArray<Reason.Reason> => {
  const reasons: Array<Reason.Reason> = assessment.status === "Missing" ? [{ _tag: "Missing" }] : [...assessment.causes]
  if (scope.forced.has(node.asset.key)) reasons.push({ _tag: "Forced" })
  if (node.deps.length === 0 && scope.rechecked.has(node.asset.key)) reasons.push({ _tag: "RecheckRequested" })
  for (const edge of planned) reasons.push({ _tag: "DependencyPlanned", dependency: edge.asset })
  return reasons
}

/** A dependency that is planned may change back, and what it changed is undone with it. */
const isCertain = (reason: Reason.Reason, planned: ReadonlySet<string>): boolean =>
  reason._tag === "DependencyChanged" ? !planned.has(reason.dependency) : reason._tag !== "DependencyPlanned"

const missingDependency = (
  node: Node,
  partition: Partition.Key,
  catalog: Catalog.Catalog,
  steps: Steps
): string | undefined => {
  const isPublished = (edge: Edge) =>
    edge.mapping._tag === "All"
      ? Catalog.slices(catalog, edge.asset).size > 0
      : Catalog.get(catalog, { asset: edge.asset, partition: sliceOf(edge, partition) }) !== undefined
  const missing = node.deps.find((edge) => steps.read(edge, partition).length === 0 && !isPublished(edge))
  if (missing !== undefined) return missing.asset
  return node.after.find((other) => steps.of(other).length === 0 && Catalog.slices(catalog, other).size === 0)
}

// Where both are cut alike a slice follows the one of its key; following all would be quadratic in the partitions. When
// that one is not planned and nothing was ever published, whichever comes is what it has to wait for.
const followed = (
  graph: AssetGraph,
  catalog: Catalog.Catalog,
  steps: Steps,
  other: string,
  partition: Partition.Key
): ReadonlyArray<number> => {
  if (partition === null || graph.nodes.get(other)!.asset.partitions === undefined) return steps.of(other)
  const same = steps.at(other, partition)
  return same.length === 0 && Catalog.slices(catalog, other).size === 0 ? steps.of(other) : same
}

// The one list is shared, so that many slices that read all partitions of one asset do not each copy it.
const flatten = (lists: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  lists.length === 1 ? lists[0]! : lists.flat()

const upstreamNotSelected = (
  graph: AssetGraph,
  assessments: Staleness.Assessments,
  scope: Scope.Scope,
  steps: Steps
): ReadonlyArray<UpstreamNotSelected> => {
  const entries: Array<UpstreamNotSelected> = []
  for (const [asset, slices] of assessments.slices) {
    if (!scope.chosen.has(asset)) continue
    for (const [partition, assessment] of slices) {
      if (assessment.status !== "Maybe" || !scope.within(partition)) continue
      if (steps.at(asset, partition).length > 0) continue
      entries.push({ asset, partition, ancestors: undecidedAncestors(graph, assessments, scope, { asset, partition }) })
    }
  }
  return entries
}

/** The assets above a slice that keep it from being decided and that have slices outside the scope, nearest first. */
const undecidedAncestors = (
  graph: AssetGraph,
  assessments: Staleness.Assessments,
  scope: Scope.Scope,
  slice: Partition.Ref
): ReadonlyArray<string> => {
  const ancestors = new Set<string>()
  const slices = new Map([[Partition.id(slice), slice]])
  for (const { asset, partition } of slices.values()) {
    for (const edge of graph.nodes.get(asset)!.deps) {
      const above = assessments.slices.get(edge.asset)!
      for (const key of edge.mapping._tag === "All" ? above.keys() : [sliceOf(edge, partition)]) {
        if (above.get(key)!.status === "Current") continue
        if (!scope.chosen.has(edge.asset) || !scope.within(key)) ancestors.add(edge.asset)
        const ref = { asset: edge.asset, partition: key }
        slices.set(Partition.id(ref), ref)
      }
    }
  }
  return Array.from(ancestors)
}

const acceptedChecks = (
  graph: AssetGraph,
  steps: Steps,
  request: Request
): Result.Result<ReadonlyArray<AcceptedCheck>, PlanError> =>
  Result.all(request.accept.map((accept) => acceptedCheck(graph, steps, accept)))

const acceptedCheck = (graph: AssetGraph, steps: Steps, accept: string): Result.Result<AcceptedCheck, PlanError> => {
  const colon = accept.indexOf(":")
  if (colon === -1) return refuse({ _tag: "BadAccept", accept })
  const asset = accept.slice(0, colon)
  const name = accept.slice(colon + 1)
  const checks = graph.nodes.get(asset)?.asset.checks
  if (checks === undefined) return refuse({ _tag: "AcceptOutsidePlan", asset, check: name })
  const check = checks.find((check) => check.name === name)
  if (check === undefined) {
    const known = checks.filter((check) => check.blocking).map((check) => check.name)
    return refuse({ _tag: "UnknownCheck", asset, check: name, known })
  }
  if (!check.blocking) return refuse({ _tag: "CheckNotBlocking", asset, check: name })
  if (steps.of(asset).length === 0) return refuse({ _tag: "AcceptOutsidePlan", asset, check: name })
  return Result.succeed({ asset, check: name })
}

/** Of a certain step that something it reads may change too is no news. */
const reasonsInWords = ({ certainty, reasons }: Step) =>
  reasons
    .filter((reason) => certainty === "Conditional" || reason._tag !== "DependencyPlanned")
    .map(Reason.show)
    .join(", ")

const notSelectedInWords = (entries: ReadonlyArray<UpstreamNotSelected>) => {
  const { ancestors, asset } = entries[0]!
  const what = entries.length === 1 ? Partition.show(entries[0]!) : `${asset} (${entries.length} partitions)`
  const rest = ancestors.length > 5 ? ` and ${ancestors.length - 5} more` : ""
  return `${what} is left out: it depends on ${ancestors.slice(0, 5).join(", ")}${rest}, not selected; try +${asset}`
}
