import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import type { Problem } from "../runtime/PlanError.ts"
import type * as Reason from "../runtime/Reason.ts"
import * as Selection from "../runtime/Selection.ts"
import * as Staleness from "../runtime/Staleness.ts"
import { type Asked, type Declaration, Declarations, History, type Moment, RandomProject } from "./RandomProject.ts"
import type { Simulation } from "./Simulation.ts"
import { remembered, Truth } from "./Truth.ts"

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
  const isWithin = within(request)
  const unread = plan.nothingToRead.map(({ asset }) => asset)
  const assessments = simulation.assess()
  for (const asset of chosenBy(simulation, request)) {
    if (unread.some((key) => key === asset || AssetGraph.ancestors(simulation.graph, asset).has(key))) continue
    for (const [partition, { status }] of Staleness.entries(assessments, asset)) {
      const name = Partition.show({ asset, partition })
      if (!isWithin(partition)) continue
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
  const truth = new Truth(simulation)
  const isWithin = within(request)
  const isChosen = (ref: Partition.Ref) => chosen.has(ref.asset) && isWithin(ref.partition)
  const found = new Map<string, ReadonlyArray<string>>()
  const hangsOn = (ref: Partition.Ref): ReadonlyArray<string> =>
    remembered(found, ref, () => [
      ...new Set(
        truth
          .reads(ref, "those that count")
          .filter((read) => statusOf(read) !== "Current")
          .flatMap((read) => (isChosen(read) ? hangsOn(read) : [read.asset, ...hangsOn(read)]))
      )
    ])
  const leftOut = simulation.graph.order
    .flatMap((asset) => truth.slices(asset))
    .filter((ref) => isChosen(ref) && statusOf(ref) === "Maybe" && !planned.has(Partition.show(ref)))
    .filter((ref) => hangsOn(ref).length > 0)
  assert.deepStrictEqual(plan.upstreamNotSelected.map(Partition.show), leftOut.map(Partition.show))
  for (const entry of plan.upstreamNotSelected) {
    assert.sameMembers([...entry.ancestors], [...hangsOn(entry)])
  }
  simulation.execute(plan)
}

const noStepComesBeforeItsDependency = (simulation: Simulation, plan: Plan.Plan) => {
  const truth = new Truth(simulation)
  const stepOf = new Map<string, number>()
  for (const [index, step] of plan.steps.entries()) {
    const slices = simulation.slicesOf(step, plan.at)
    for (const earlier of [...step.after, ...step.follows].flat()) assert.isBelow(earlier, index)
    const read = slices.flatMap((slice) => truth.reads(slice, "all")).map(Partition.show)
    assert.sameMembers(
      Array.from(new Set(step.after.flat())),
      Array.from(new Set(read.flatMap((name) => stepOf.get(name) ?? [])))
    )
    for (const slice of slices) stepOf.set(Partition.show(slice), index)
  }
  // The interpreter refuses to run a step when something it reads or follows was never published.
  simulation.execute(plan)
}

/** Whatever ran had to: with its old state back, its slice is not Current, or one that is computed with it. */
const noFewerStepsWouldDo = (simulation: Simulation, plan: Plan.Plan) => {
  const before = simulation.catalog
  const executed = new Set(simulation.execute(plan))
  const after = Array.from(simulation.catalog.states.values()).flatMap((slices) => Array.from(slices.values()))
  const wanted = plan.steps.filter((step) => !step.reasons.some(isWish))
  for (const slice of wanted.flatMap((step) => simulation.slicesOf(step, plan.at))) {
    const name = Partition.show(slice)
    if (!executed.has(name)) continue
    const together = [slice.asset, ...AssetGraph.togetherWith(simulation.graph, slice.asset)]
    const isNeeded = together.some((asset) => {
      const ref = { ...slice, asset }
      const others = after.filter((state) => Partition.show(state) !== Partition.show(ref))
      const catalog = Catalog.fromStates([...others, ...[Catalog.get(before, ref) ?? []].flat()])
      return Staleness.causes(simulation.lineage(plan.at), catalog, ref).status !== "Current"
    })
    assert(isNeeded, `${name} ran without need`)
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

/**
 * What a refusal for something missing proposes can be planned, once each computation of several assets is named whole,
 * which a refusal of its own asks for.
 */
const refusalsProposeWhatWorks = (life: Life) =>
  live(life, (simulation, asked) => {
    if (asked === undefined) return
    const { catalog, graph, now } = simulation
    const pairs = life.declarations.filter(({ together }) => together === "always").length
    let { answer, request } = asked
    for (let proposals = 0; Result.isFailure(answer); proposals++) {
      const error = answer.failure
      assert(error._tag === "PlanError")
      const { problem } = error
      if (problem._tag === "NotPartitioned" || problem._tag === "BadEnd" || problem._tag === "EmptyRange") return
      assert(problem._tag === "MissingDependency" || problem._tag === "ComputedTogether")
      assert.isAtMost(proposals, pairs)
      request =
        problem._tag === "ComputedTogether"
          ? { ...request, selection: problem.selection }
          : { ...Plan.everything, force: request.force, recheck: request.recheck, ...proposed(problem) }
      answer = Plan.make(graph, catalog, request, now)
    }
    simulation.execute(answer.success)
  })

const proposed = ({ flags, selection }: Extract<Problem, { readonly _tag: "MissingDependency" }>) => ({
  selection,
  ...Object.fromEntries(flags.flatMap((flag, at) => (flag.startsWith("--") ? [[flag.slice(2), flags[at + 1]]] : [])))
})

const theLogFoldsToTheState = (simulation: Simulation) => {
  assert.deepStrictEqual(Catalog.fromEvents(simulation.log), simulation.catalog)
}

const statusesAgreeWithTheirDefinition = (simulation: Simulation) => {
  const assessments = simulation.assess()
  const truth = new Truth(simulation)
  for (const asset of simulation.graph.order) {
    const slices = Array.from(Staleness.entries(assessments, asset))
    const existing = truth.slices(asset).map((ref) => ref.partition)
    assert.deepStrictEqual(
      slices.map(([partition]) => partition),
      existing
    )
    for (const [partition, { status }] of slices) {
      const ref = { asset, partition }
      assert.strictEqual(status, truth.status(ref), Partition.show(ref))
    }
  }
}

/** What is Current has the value that computing it now would give, where it could be computed now. */
const whatIsCurrentIsTrue = (simulation: Simulation) => {
  const assessments = simulation.assess()
  const truth = new Truth(simulation)
  for (const asset of simulation.graph.order) {
    const { deps } = simulation.graph.nodes.get(asset)!
    if (deps.every((edge) => !edge.versioned)) continue
    const ignored = deps.filter((edge) => !edge.versioned)
    for (const [partition, { frozen, status }] of Staleness.entries(assessments, asset)) {
      if (frozen || status !== "Current" || !truth.isComputable({ asset, partition })) continue
      const state = Catalog.get(simulation.catalog, { asset, partition })!
      // What was made from a version that counted then, and does not now, would have another name, not another value.
      if (ignored.some((edge) => edge.asset in state.provenance)) continue
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
    const isUnknown = (slice: Partition.Ref) => Catalog.get(simulation.catalog, slice) === undefined
    if (asset.external !== undefined && new Truth(simulation).slices(source).some(isUnknown)) continue
    for (const shift of [10, 0]) {
      for (const state of published) simulation.world.set(Partition.id(state), Number(state.dataVersion) + shift)
      simulation.execute(
        simulation.request({ selection: [source, ...AssetGraph.togetherWith(simulation.graph, source)], recheck: true })
      )
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
// what a request means, in the shortest way
// -----------------------------------------------------------------------------

const chosenBy = (simulation: Simulation, { recheck, selection }: Plan.Request): ReadonlySet<string> => {
  const chosen = new Set(Result.getOrThrow(Selection.resolve(simulation.graph, selection)))
  if (!recheck) return chosen
  // A set gives what is added to it while it is gone through.
  for (const key of chosen) {
    for (const { asset, versioned } of simulation.graph.nodes.get(key)!.deps) if (versioned) chosen.add(asset)
    for (const asset of AssetGraph.togetherWith(simulation.graph, key)) chosen.add(asset)
  }
  return chosen
}

/** What the request took into its plan, without its wishes. */
const again = (simulation: Simulation, request: Plan.Request): Plan.Request => ({
  ...request,
  selection: Array.from(chosenBy(simulation, request)),
  recheck: false,
  force: false
})

/** What is not cut by time has nothing from a day on. */
const within = ({ from }: Plan.Request): ((partition: Partition.Key) => boolean) =>
  from === undefined
    ? () => true
    : (partition) => partition === null || (/^\d{4}-/.test(partition) && partition >= from)

const isWish = (reason: Reason.Reason) => reason._tag === "Forced" || reason._tag === "RecheckRequested"
