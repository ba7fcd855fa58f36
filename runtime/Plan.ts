/**
 * What a run will do and why, decided before anything is done.
 *
 * A plan is a value: `PlanReport` and the executor read the same one. This module leaves out the doing.
 */
import * as Result from "effect/Result"
import * as AssetGraph from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import * as Keys from "./Keys.ts"
import * as LeftOut from "./LeftOut.ts"
import type { Lineage, Reading } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import { type PlanError, refuse } from "./PlanError.ts"
import * as PlanSteps from "./PlanSteps.ts"
import type * as Reason from "./Reason.ts"
import type { Request } from "./Scope.ts"
import * as Scope from "./Scope.ts"
import type { SelectionError, Unmatched } from "./Selection.ts"
import * as Staleness from "./Staleness.ts"

export type { UpstreamNotSelected } from "./LeftOut.ts"
export type { Block, Certainty, Step } from "./PlanSteps.ts"
export type { Request } from "./Scope.ts"

/** Everything that is not Current. */
export const everything: Request = { selection: [], recheck: false, force: false, accept: [] }

/** A selected asset that reads, directly or not, a dependency none of whose partitions has begun, or the last of which is none. */
export interface NothingToRead {
  readonly asset: string
  readonly dependency: string
}

/** Slices that are asked for whatever their status and cannot be computed again, as ranges of keys. */
export interface Frozen {
  readonly asset: string
  readonly partitions: ReadonlyArray<string>
  readonly slices: number
}

export interface AcceptedCheck {
  readonly asset: string
  readonly check: string
}

export interface Plan {
  /** Milliseconds since the epoch: the time of every decision, and of every step of the run. */
  readonly at: number
  /** The keys of dynamic partitionings, for every step of the run. */
  readonly dynamic: Catalog.Catalog["dynamic"]
  readonly removed: Catalog.Catalog["removed"]
  readonly selection: ReadonlyArray<string>
  /** How many assets the selection has. */
  readonly assets: number
  /** Parts of the selection that no asset answers to. */
  readonly unmatched: ReadonlyArray<Unmatched>
  /** What there is to do, dependencies first. */
  readonly blocks: ReadonlyArray<PlanSteps.Block>
  /** The blocks in single steps; there may be millions, so they are made when they are first asked for. */
  readonly steps: ReadonlyArray<PlanSteps.Step>
  readonly upstreamNotSelected: ReadonlyArray<LeftOut.UpstreamNotSelected>
  readonly nothingToRead: ReadonlyArray<NothingToRead>
  readonly frozen: ReadonlyArray<Frozen>
  readonly accepted: ReadonlyArray<AcceptedCheck>
}

/**
 * The steps that make the selection Current at `now`, given the ancestors that are not selected.
 *
 * A selected slice gets a step when it is Missing or Stale, forced, a source asked to be rechecked, or when something
 * it reads gets one. Frozen slices never do.
 */
export const make = (
  graph: AssetGraph.AssetGraph,
  catalog: Catalog.Catalog,
  request: Request,
  now: number
): Result.Result<Plan, PlanError | SelectionError> =>
  Result.gen(function* () {
    const assessments = Staleness.assess(graph, catalog, now)
    const planner = yield* Planner.visited(assessments, catalog, request)
    const { lacks, scope } = planner
    if (lacks !== undefined) {
      const wider = Scope.widened(request, planner.without)
      const works = ({ request }: Scope.Wider) => {
        const planned = Planner.visited(assessments, catalog, request)
        return Result.isSuccess(planned) && planned.success.lacks === undefined
      }
      const { flags, request: other } = wider.find(works) ?? wider.at(-1)!
      return yield* refuse({ _tag: "MissingDependency", ...lacks, selection: other.selection, flags })
    }
    const steps = stepsOf(planner.blocks, assessments.lineage, catalog)
    const plan: Plan = {
      at: now,
      dynamic: catalog.dynamic,
      removed: catalog.removed,
      selection: request.selection,
      assets: scope.chosen.size,
      unmatched: scope.unmatched,
      blocks: planner.blocks,
      get steps() {
        return steps()
      },
      upstreamNotSelected: LeftOut.make(assessments, scope, (asset, index) => planner.isPlanned(asset, index)),
      nothingToRead: planner.nothingToRead(),
      frozen: planner.frozen,
      accepted: yield* acceptedChecks(graph, planner, request)
    }
    return plan
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const stepsOf = (blocks: ReadonlyArray<PlanSteps.Block>, lineage: Lineage, catalog: Catalog.Catalog) => {
  const unpublished = new Set(lineage.graph.order.filter((asset) => Catalog.slices(catalog, asset).size === 0))
  let steps: ReadonlyArray<PlanSteps.Step> | undefined
  return () => (steps ??= PlanSteps.make(blocks, lineage, unpublished))
}

/** Visits the assets of a scope, dependencies first, and gathers what has to be done. */
class Planner {
  readonly blocks: Array<PlanSteps.Block> = []
  readonly frozen: Array<Frozen> = []
  private readonly assessments: Staleness.Assessments
  private readonly lineage: Lineage
  private readonly catalog: Catalog.Catalog
  readonly scope: Scope.Scope
  /** By asset, a 1 for every slice that has a step. */
  private readonly planned = new Map<string, Uint8Array>()
  /** Assets below one none of whose partitions has begun, and that one. */
  private readonly unbegun = new Map<string, string>()
  /** Assets that want something which was never published and is not planned either, and the first such want. */
  readonly without = new Set<string>()
  lacks: (Partition.Ref & { readonly dependency: string; readonly dependencyPartition: Partition.Key }) | undefined

  constructor(assessments: Staleness.Assessments, catalog: Catalog.Catalog, scope: Scope.Scope) {
    this.assessments = assessments
    this.lineage = assessments.lineage
    this.catalog = catalog
    this.scope = scope
  }

  static visited(
    assessments: Staleness.Assessments,
    catalog: Catalog.Catalog,
    request: Request
  ): Result.Result<Planner, PlanError | SelectionError> {
    const { graph } = assessments.lineage
    return Result.map(Scope.make(graph, assessments, request), (scope) => {
      const planner = new Planner(assessments, catalog, scope)
      for (const asset of graph.order) if (scope.chosen.has(asset)) planner.visit(asset)
      return planner
    })
  }

  isPlanned(asset: string, index: number): boolean {
    return this.planned.get(asset)?.[index] === 1
  }

  hasSteps(asset: string): boolean {
    return this.planned.has(asset)
  }

  nothingToRead(): ReadonlyArray<NothingToRead> {
    return Array.from(this.unbegun, ([asset, dependency]) => ({ asset, dependency }))
  }

  visit(asset: string): void {
    const { assessments, lineage, scope } = this
    const own = assessments.slices.get(asset)!
    const node = lineage.graph.nodes.get(asset)!
    const readings = lineage.readings(asset)
    const within = scope.within(asset)
    const { external } = node.asset
    if (external !== undefined && external.observe === undefined) return
    const insists = isForced(node, scope) || isRechecked(node, scope)
    const others = AssetGraph.togetherWith(lineage.graph, asset).map((key) => ({
      slices: assessments.slices.get(key)!,
      reasons: [{ _tag: "ComputedTogether", with: key }] as const
    }))
    const isCurrent = [own, ...others.map(({ slices }) => slices)].every((all) => all.counts.Current === all.existing)
    if (isCurrent && !insists && readings.every(({ edge }) => !edge.versioned || !this.planned.has(edge.asset))) return

    const planned = new Uint8Array(own.codes.length)
    const block = new BlockBuilder((from, to, causes, moving) => {
      const reasons = reasonsOf(
        node,
        causes,
        readings.filter((_, at) => moving[at] === 1),
        scope
      )
      this.blocks.push({ asset, from, to, partitions: lineage.span(asset, from, to), ...reasons })
    })
    const moving = new Uint8Array(readings.length)
    const frozen: Array<number> = []
    // Of the asset itself, the slices before the one in hand.
    this.planned.set(asset, planned)
    for (let index = 0; index < planned.length; index++) {
      const code = own.codes[index]!
      if (code === Staleness.codes.absent || !within(index)) continue
      if (own.isFrozen(index)) {
        if (insists) frozen.push(index)
        continue
      }
      let moves = false
      for (let at = 0; at < readings.length; at++) {
        moving[at] = readings[at]!.edge.versioned && this.isRead(readings[at]!, index) ? 1 : 0
        moves ||= moving[at] === 1
      }
      const other = isDue(code) ? undefined : others.find(({ slices }) => isDue(slices.codes[index]!))
      if (!isDue(code) && other === undefined && !insists && !moves) continue
      if (this.isWithout(node, readings, index)) continue
      planned[index] = 1
      const causes = code === Staleness.codes.Missing ? missing : own.causes.get(index)
      block.add(index, causes ?? other?.reasons ?? none, moving)
    }
    block.end()
    if (block.isEmpty) this.planned.delete(asset)
    const keys = lineage.keys(asset)
    if (keys !== undefined && frozen.length > 0) {
      this.frozen.push({ asset, partitions: Keys.ranges(keys, frozen), slices: frozen.length })
    }
  }

  /** Whether something that a slice reads has a step. */
  private isRead({ edge, isAll, one, ranges }: Reading, index: number): boolean {
    const planned = this.planned.get(edge.asset)
    if (planned === undefined) return false
    if (isAll) return true
    if (one !== undefined) return planned[one(index)] === 1
    return ranges(index).some(([from, to]) => planned.subarray(from, to).includes(1))
  }

  /** Whether a slice cannot be computed, for want of something that it reads or follows; remembers what it wants. */
  private isWithout(node: AssetGraph.Node, readings: ReadonlyArray<Reading>, index: number): boolean {
    const asset = node.asset.key
    const lacking = readings.find((reading) => this.lacksOf(reading, index) !== undefined)
    const dependency =
      lacking?.edge.asset ?? node.after.find((other) => !this.planned.has(other) && !this.isThere(other))
    if (dependency === undefined) return false
    const { codes, existing } = this.assessments.slices.get(dependency)!
    const isNowhere = existing === 0 || (lacking?.one !== undefined && isAbsent(codes, lacking.one(index)))
    const root = isNowhere ? dependency : this.unbegun.get(dependency)
    if (root !== undefined) {
      this.unbegun.set(asset, root)
      return true
    }
    this.without.add(asset)
    const missing = (lacking && this.lacksOf(lacking, index)) ?? -1
    const dependencyPartition = missing === -1 ? null : this.lineage.key(dependency, missing)
    this.lacks ??= { asset, partition: this.lineage.key(asset, index), dependency, dependencyPartition }
    return false
  }

  /**
   * The first slice of a dependency that a slice lacks, -1 for all of them. All slices of an asset are as many as there
   * are; of named ones each has to be there, and the last is always one.
   */
  private lacksOf({ edge, isAll, one, ranges }: Reading, index: number): number | undefined {
    const { codes, counts, existing } = this.assessments.slices.get(edge.asset)!
    const planned = this.planned.get(edge.asset)
    if (isAll) return planned === undefined && counts.Missing === existing ? -1 : undefined
    const lacksOne = (at: number) => codes[at] === Staleness.codes.Missing && planned?.[at] !== 1
    if (one !== undefined) {
      const at = one(index)
      return lacksOne(at) || (edge.mapping._tag === "Last" && isAbsent(codes, at)) ? at : undefined
    }
    for (const [from, to] of ranges(index)) for (let at = from; at < to; at++) if (lacksOne(at)) return at
    return undefined
  }

  private isThere(asset: string): boolean {
    return Staleness.isThere(this.lineage, this.catalog, asset)
  }
}

const none: ReadonlyArray<never> = []

const isDue = (code: number) => code === Staleness.codes.Missing || code === Staleness.codes.Stale
const isAbsent = (slices: Uint8Array, at: number) => at === -1 || slices[at] === Staleness.codes.absent

const missing: ReadonlyArray<Reason.Reason> = [{ _tag: "Missing" }]

/** Gathers neighbouring slices that are planned for the same reasons. */
class BlockBuilder {
  isEmpty = true
  private readonly build: (from: number, to: number, causes: ReadonlyArray<Reason.Reason>, moving: Uint8Array) => void
  private causes: ReadonlyArray<Reason.Reason> = none
  private moving = new Uint8Array(0)
  private from = -1
  private to = -1

  constructor(build: BlockBuilder["build"]) {
    this.build = build
  }

  /** Equal lists of causes are one list. */
  add(index: number, causes: ReadonlyArray<Reason.Reason>, moving: Uint8Array): void {
    if (index === this.to && causes === this.causes && isSame(moving, this.moving)) {
      this.to++
      return
    }
    this.end()
    this.isEmpty = false
    this.from = index
    this.to = index + 1
    this.causes = causes
    this.moving = moving.slice()
  }

  end(): void {
    if (this.from === -1) return
    this.build(this.from, this.to, this.causes, this.moving)
    this.from = -1
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

const reasonsOf = (
  node: AssetGraph.Node,
  causes: ReadonlyArray<Reason.Reason>,
  moving: ReadonlyArray<Reading>,
  scope: Scope.Scope
): Pick<PlanSteps.Block, "certainty" | "reasons"> => {
  const reasons = [...causes]
  if (isForced(node, scope)) reasons.push({ _tag: "Forced" })
  if (isRechecked(node, scope)) reasons.push({ _tag: "RecheckRequested" })
  for (const { edge } of moving) reasons.push({ _tag: "DependencyPlanned", dependency: edge.asset })
  const undoable = new Set(moving.map(({ edge }) => edge.asset))
  const certainty = reasons.some((reason) => isCertain(reason, undoable)) ? "Certain" : "Conditional"
  return { certainty, reasons }
}

/** Force is about what is computed. */
const isForced = ({ asset }: AssetGraph.Node, scope: Scope.Scope): boolean =>
  asset.external === undefined && scope.forced.has(asset.key)

/** A source may read its own past. */
const isRechecked = ({ asset, deps }: AssetGraph.Node, scope: Scope.Scope): boolean =>
  scope.rechecked.has(asset.key) && deps.every((edge) => edge.asset === asset.key)

/** A dependency that is planned may change back, and what it changed is undone with it. */
const isCertain = (reason: Reason.Reason, planned: ReadonlySet<string>): boolean =>
  reason._tag === "DependencyChanged"
    ? !planned.has(reason.dependency)
    : reason._tag !== "DependencyPlanned" && reason._tag !== "ComputedTogether"

const acceptedChecks = (
  graph: AssetGraph.AssetGraph,
  planner: Planner,
  request: Request
): Result.Result<ReadonlyArray<AcceptedCheck>, PlanError> =>
  Result.all(request.accept.map((accept) => acceptedCheck(graph, planner, accept)))

const acceptedCheck = (
  graph: AssetGraph.AssetGraph,
  planner: Planner,
  accept: string
): Result.Result<AcceptedCheck, PlanError> => {
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
  if (!planner.hasSteps(asset)) return refuse({ _tag: "AcceptOutsidePlan", asset, check: name })
  return Result.succeed({ asset, check: name })
}
