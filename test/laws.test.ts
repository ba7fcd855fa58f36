import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import * as External from "../runtime/External.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import type * as Reason from "../runtime/Reason.ts"
import * as Selection from "../runtime/Selection.ts"
import * as Staleness from "../runtime/Staleness.ts"
import * as Version from "../runtime/Version.ts"
import { type Asked, type Declaration, Declarations, History, type Moment, RandomProject } from "./RandomProject.ts"
import type { Simulation } from "./Simulation.ts"

interface Life {
  readonly settled: boolean
  readonly declarations: ReadonlyArray<Declaration>
  readonly history: ReadonlyArray<Moment>
}

/** A life may start with everything Current, so that what happens then matters, and ends with a request for everything. */
const live = (
  { declarations, history, settled }: Life,
  onStep: (simulation: Simulation, asked: Asked | undefined) => void
) => {
  const project = new RandomProject(declarations)
  if (settled) onStep(project.simulation, project.ask(Plan.everything))
  for (const { change, request } of history) {
    project.change(change)
    onStep(project.simulation, undefined)
    if (request !== null) onStep(project.simulation, project.ask(project.requestOf(request)))
  }
  onStep(project.simulation, project.ask(Plan.everything))
}

/** What must hold of every plan; the law executes it. */
const everyPlan = (law: (simulation: Simulation, plan: Plan.Plan, request: Plan.Request) => void) => (life: Life) =>
  live(life, (simulation, asked) => {
    if (asked !== undefined && Result.isSuccess(asked.answer)) law(simulation, asked.answer.success, asked.request)
  })

/** What must hold after everything that happens. */
const everyMoment = (law: (simulation: Simulation) => void) => (life: Life) =>
  live(life, (simulation, asked) => {
    if (asked !== undefined && Result.isSuccess(asked.answer)) simulation.execute(asked.answer.success)
    law(simulation)
  })

// -----------------------------------------------------------------------------
// laws
// -----------------------------------------------------------------------------

const executingLeavesNothingToPlan = (simulation: Simulation, plan: Plan.Plan, request: Plan.Request) => {
  simulation.execute(plan)
  assert.deepStrictEqual(simulation.request(again(simulation, request)).steps, [])
}

/** Given the ancestors that are not selected: what they leave open is Maybe, and a further plan names them. */
const executingMakesTheSelectionCurrent = (simulation: Simulation, plan: Plan.Plan, request: Plan.Request) => {
  simulation.execute(plan)
  const leftOut = simulation.request(again(simulation, request)).upstreamNotSelected
  const open = leftOut.map(Partition.show)
  const assessments = simulation.assess()
  for (const asset of chosenBy(simulation, request)) {
    for (const [partition, { status }] of Staleness.entries(assessments, asset)) {
      if (partition !== null && request.from !== undefined && partition < request.from) continue
      const name = Partition.show({ asset, partition })
      assert.strictEqual(status, open.includes(name) ? "Maybe" : "Current", name)
    }
  }
}

const planningIsDeterministic = (simulation: Simulation, plan: Plan.Plan, request: Plan.Request) => {
  assert.deepStrictEqual(simulation.request(request), plan)
  simulation.execute(plan)
}

const whatIsLeftOutHangsOnWhatIsNamed = (simulation: Simulation, plan: Plan.Plan, request: Plan.Request) => {
  const assessments = simulation.assess()
  const statusOf = (ref: Partition.Ref) => Staleness.get(assessments, ref)!.status
  const planned = new Set(plan.steps.flatMap((step) => simulation.slicesOf(step, plan.at)).map(Partition.show))
  const chosen = chosenBy(simulation, request)
  const isChosen = ({ asset, partition }: Partition.Ref) =>
    chosen.has(asset) && (partition === null || request.from === undefined || partition >= request.from)
  const hangsOn = (ref: Partition.Ref): ReadonlyArray<string> =>
    readSlices(simulation, ref)
      .filter((read) => statusOf(read) !== "Current")
      .flatMap((read) => (isChosen(read) ? hangsOn(read) : [read.asset, ...hangsOn(read)]))
  const leftOut = simulation.graph.order
    .flatMap((asset) => slicesOf(simulation, asset))
    .filter((ref) => isChosen(ref) && statusOf(ref) === "Maybe" && !planned.has(Partition.show(ref)))
  assert.deepStrictEqual(plan.upstreamNotSelected.map(Partition.show), leftOut.map(Partition.show))
  for (const entry of plan.upstreamNotSelected) {
    assert.sameMembers([...entry.ancestors], Array.from(new Set(hangsOn(entry))))
    assert.isNotEmpty(entry.ancestors)
  }
  simulation.execute(plan)
}

const noStepComesBeforeItsDependency = (simulation: Simulation, plan: Plan.Plan) => {
  const stepOf = new Map<string, number>()
  for (const [index, step] of plan.steps.entries()) {
    const slices = simulation.slicesOf(step, plan.at)
    for (const earlier of [...step.after, ...step.follows].flat()) assert.isBelow(earlier, index)
    const read = slices.flatMap((slice) => readSlices(simulation, slice)).map(Partition.show)
    assert.sameMembers(
      Array.from(new Set(step.after.flat())),
      Array.from(new Set(read.flatMap((name) => stepOf.get(name) ?? [])))
    )
    for (const slice of slices) stepOf.set(Partition.show(slice), index)
  }
  // The interpreter refuses to run a step when something it reads or follows was never published.
  simulation.execute(plan)
}

/** Whatever ran had to: with its old state back, its slice is not Current. */
const noFewerStepsWouldDo = (simulation: Simulation, plan: Plan.Plan) => {
  const before = simulation.catalog
  const executed = new Set(simulation.execute(plan))
  const after = Array.from(simulation.catalog.states.values()).flatMap((slices) => Array.from(slices.values()))
  const wanted = plan.steps.filter((step) => !step.reasons.some(isWish))
  for (const slice of wanted.flatMap((step) => simulation.slicesOf(step, plan.at))) {
    const name = Partition.show(slice)
    if (!executed.has(name)) continue
    const others = after.filter((state) => Partition.show(state) !== name)
    const old = Catalog.get(before, slice)
    const catalog = Catalog.fromStates(old === undefined ? others : [...others, old])
    const { status } = Staleness.causes(simulation.lineage(plan.at), catalog, slice)
    assert.notStrictEqual(status, "Current", `${name} ran without need`)
  }
}

const cuttingOffChangesNoValue = (simulation: Simulation, plan: Plan.Plan) => {
  const executed = new Set(simulation.execute(plan))
  for (const step of plan.steps) {
    const slices = simulation.slicesOf(step, plan.at)
    const left = slices.filter((slice) => !executed.has(Partition.show(slice)))
    if (left.length === slices.length) assert.strictEqual(step.certainty, "Conditional")
    for (const slice of left) {
      assert.strictEqual(Catalog.get(simulation.catalog, slice)!.dataVersion, simulation.compute(slice))
    }
  }
}

/** What a refusal for something missing proposes can be planned, when the request was not limited to partitions. */
const refusalsProposeWhatWorks = (life: Life) =>
  live(life, (simulation, asked) => {
    if (asked === undefined) return
    if (Result.isSuccess(asked.answer)) return void simulation.execute(asked.answer.success)
    const error = asked.answer.failure
    assert(error._tag === "PlanError")
    if (error.problem._tag === "NotPartitioned") return
    assert(error.problem._tag === "MissingDependency")
    const { force, from, recheck } = asked.request
    if (from !== undefined) return
    simulation.execute(simulation.request({ selection: error.problem.selection, force, recheck }))
  })

const theLogFoldsToTheState = (simulation: Simulation) => {
  assert.deepStrictEqual(Catalog.fromEvents(simulation.log), simulation.catalog)
}

const statusesAgreeWithTheirDefinition = (simulation: Simulation) => {
  const assessments = simulation.assess()
  for (const asset of simulation.graph.order) {
    const slices = Array.from(Staleness.entries(assessments, asset))
    const existing = slicesOf(simulation, asset).map((ref) => ref.partition)
    assert.deepStrictEqual(
      slices.map(([partition]) => partition),
      existing
    )
    for (const [partition, { status }] of slices) {
      const ref = { asset, partition }
      assert.strictEqual(status, statusByDefinition(simulation, ref), Partition.show(ref))
    }
  }
}

/** What is Current has the value that computing it now would give. */
const whatIsCurrentIsTrue = (simulation: Simulation) => {
  const assessments = simulation.assess()
  for (const asset of simulation.graph.order) {
    if (simulation.graph.nodes.get(asset)!.deps.length === 0) continue
    for (const [partition, { frozen, status }] of Staleness.entries(assessments, asset)) {
      if (frozen || status !== "Current") continue
      const state = Catalog.get(simulation.catalog, { asset, partition })!
      assert.strictEqual(state.dataVersion, simulation.compute({ asset, partition }))
    }
  }
}

const revertingASourceHeals = (simulation: Simulation) => {
  const settled = simulation.statuses()
  if (Object.values(settled).some((status) => status !== "Current")) return
  for (const source of simulation.graph.order) {
    const { asset, deps } = simulation.graph.nodes.get(source)!
    if (deps.length > 0) continue
    const published = Array.from(Catalog.slices(simulation.catalog, source).values())
    // A first observation is news by itself.
    if (asset.external !== undefined && published.length < slicesOf(simulation, source).length) continue
    for (const shift of [10, 0]) {
      for (const state of published) simulation.world.set(Partition.id(state), Number(state.dataVersion) + shift)
      simulation.execute(simulation.request({ selection: [source], recheck: true }))
    }
    assert.deepStrictEqual(simulation.statuses(), settled)
    assert.deepStrictEqual(simulation.plan().steps, [])
  }
}

describe("in every life of every project", () => {
  const life = { settled: Schema.Boolean, declarations: Declarations, history: History }
  const options = { arbitrary: { runs: 150 }, timeout: 60_000 }

  it.prop("executing a plan leaves nothing to plan", life, everyPlan(executingLeavesNothingToPlan), options)
  it.prop("executing a plan makes the selection Current", life, everyPlan(executingMakesTheSelectionCurrent), options)
  it.prop("what is left out hangs on what is named", life, everyPlan(whatIsLeftOutHangsOnWhatIsNamed), options)
  it.prop("planning is deterministic", life, everyPlan(planningIsDeterministic), options)
  it.prop("no step comes before its dependency", life, everyPlan(noStepComesBeforeItsDependency), options)
  it.prop("no fewer steps would do", life, everyPlan(noFewerStepsWouldDo), options)
  it.prop("cutting off changes no value", life, everyPlan(cuttingOffChangesNoValue), options)
  it.prop("a refusal proposes what works", life, refusalsProposeWhatWorks, options)
  it.prop("the log folds to the state", life, everyMoment(theLogFoldsToTheState), options)
  it.prop("statuses agree with their definition", life, everyMoment(statusesAgreeWithTheirDefinition), options)
  it.prop("what is Current is true", life, everyMoment(whatIsCurrentIsTrue), options)
  it.prop("reverting a source heals what is below it", life, everyMoment(revertingASourceHeals), options)
})

// -----------------------------------------------------------------------------
// the definitions again, in the shortest way and without regard to time
// -----------------------------------------------------------------------------

const chosenBy = (simulation: Simulation, { recheck, selection }: Plan.Request): ReadonlySet<string> => {
  const selected = Result.getOrThrow(Selection.resolve(simulation.graph, selection))
  if (!recheck) return selected
  return new Set([...selected].flatMap((key) => [key, ...AssetGraph.ancestors(simulation.graph, key)]))
}

/** What the request took into its plan, without its wishes. */
const again = (simulation: Simulation, request: Plan.Request): Plan.Request => ({
  ...request,
  selection: Array.from(chosenBy(simulation, request)),
  recheck: false,
  force: false
})

const isWish = (reason: Reason.Reason) => reason._tag === "Forced" || reason._tag === "RecheckRequested"

const isFrozen = (simulation: Simulation, { asset, partition }: Partition.Ref): boolean => {
  if (partition === null) return false
  const node = simulation.graph.nodes.get(asset)!
  const isClosed = node.asset.unrepeatable && partition < dayOf(simulation.now)
  return (
    isClosed ||
    node.deps.some((edge) => edge.mapping._tag === "Identity" && !exists(simulation, { asset: edge.asset, partition }))
  )
}

const exists = (simulation: Simulation, ref: Partition.Ref): boolean =>
  Catalog.get(simulation.catalog, ref) !== undefined || !isFrozen(simulation, ref)

const dayOf = (now: number) => new Date(now).toISOString().slice(0, 10)

const slicesOf = (simulation: Simulation, asset: string): ReadonlyArray<Partition.Ref> => {
  const { partitions } = simulation.graph.nodes.get(asset)!.asset
  const keys = partitions === undefined ? [null] : new Partition.Moment(simulation.now).keys(partitions).all
  return keys.map((partition) => ({ asset, partition })).filter((ref) => exists(simulation, ref))
}

const readSlices = (simulation: Simulation, { asset, partition }: Partition.Ref): ReadonlyArray<Partition.Ref> =>
  simulation.graph.nodes.get(asset)!.deps.flatMap((edge) => {
    if (edge.mapping._tag === "All") return slicesOf(simulation, edge.asset)
    return [{ asset: edge.asset, partition: edge.mapping._tag === "Whole" ? null : partition }]
  })

const statusByDefinition = (simulation: Simulation, ref: Partition.Ref): Reason.Status => {
  const { asset, deps } = simulation.graph.nodes.get(ref.asset)!
  const { catalog } = simulation
  const state = Catalog.get(catalog, ref)
  if (state === undefined) {
    return asset.external === undefined ? "Missing" : asset.recheckAfter === undefined ? "Current" : "Stale"
  }
  if (isFrozen(simulation, ref)) return "Current"
  const madeFrom = new Map(Object.entries(state.provenance).map(([key, { version }]) => [key, version]))
  const wouldBeMadeFrom = new Map(
    deps.flatMap((edge) => {
      const keys = new Set(slicesOf(simulation, edge.asset).map(({ partition }) => partition))
      const published = Array.from(Catalog.slices(catalog, edge.asset).values()).filter(({ partition }) =>
        keys.has(partition)
      )
      const { external } = simulation.graph.nodes.get(edge.asset)!.asset
      if (edge.mapping._tag === "All" && external !== undefined && keys.size > 0) {
        const versionOf = (partition: Partition.Key) =>
          Catalog.get(catalog, { asset: edge.asset, partition })?.dataVersion ?? External.neverObserved
        return [[edge.asset, Version.ofPartitions(Array.from(keys, (key) => [key!, versionOf(key)]))]]
      }
      if (edge.mapping._tag === "All" && published.length > 0) {
        return [[edge.asset, Version.ofPartitions(published.map((state) => [state.partition!, state.dataVersion]))]]
      }
      const partition = edge.mapping._tag === "Whole" ? null : ref.partition
      const unknown = external === undefined ? madeFrom.get(edge.asset) : External.neverObserved
      const version = Catalog.get(catalog, { asset: edge.asset, partition })?.dataVersion ?? unknown
      return [[edge.asset, version ?? "something new"]]
    })
  )
  const isDue =
    asset.recheckAfter?._tag === "Duration" &&
    simulation.now - Date.parse(state.verifiedAt) >= Duration.toMillis(asset.recheckAfter.duration)
  const isSame =
    madeFrom.size === wouldBeMadeFrom.size &&
    Array.from(madeFrom).every(([key, version]) => wouldBeMadeFrom.get(key) === version)
  if (isDue || !isSame || state.codeVersion !== asset.codeVersion) return "Stale"
  const isDecided = readSlices(simulation, ref).every((read) => statusByDefinition(simulation, read) === "Current")
  return isDecided ? "Current" : "Maybe"
}
