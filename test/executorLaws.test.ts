import { assert, describe, it } from "@effect/vitest"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import * as Definitions from "../runtime/Definitions.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as Executor from "../runtime/Executor.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import * as Selection from "../runtime/Selection.ts"
import * as Version from "../runtime/Version.ts"
import { type Declaration, Declarations, History, type Moment, RandomProject } from "./RandomProject.ts"
import type { Simulation } from "./Simulation.ts"
import * as VersionIo from "./VersionIo.ts"

const io = VersionIo.make({ publish: () => Effect.yieldNow, digest: () => Effect.succeed(null) })

/** Steps of a slice or of a range. */
interface Told {
  readonly partition: string | null
  readonly partitions?: ReadonlyArray<string>
}

/**
 * The assets of a simulation with bodies that compute what it computed, once they were given what it says that value was
 * made from.
 */
const embody = (simulation: Simulation): Definitions.Definitions => {
  const assets = new Map<string, Asset.Any>()
  for (const [key, { asset, deps: edges }] of simulation.graph.nodes) {
    const nameOf = ({ asset: dependency, mapping }: AssetGraph.Edge) =>
      Object.keys(asset.deps).find(
        (name) => asset.deps[name]!.asset.key === dependency && asset.deps[name]!.mapping === mapping
      )!
    const stateOf = (partition: Partition.Key) => Catalog.get(simulation.catalog, { asset: key, partition })!
    const body = (inputs: Readonly<Record<string, string>>, { partition, partitions }: Told) =>
      Effect.sync((): unknown => {
        const slices = partitions ?? [partition]
        for (const edge of edges) {
          const versions = slices.map((key) => [key ?? "", stateOf(key).provenance[edge.asset]!.version] as const)
          const isOne = partitions === undefined || edge.mapping._tag !== "Identity"
          assert.strictEqual(inputs[nameOf(edge)], isOne ? versions[0]![1] : Version.ofPartitions(versions))
        }
        if (partitions === undefined) return stateOf(partition).dataVersion
        return Object.fromEntries(partitions.map((key) => [key, stateOf(key).dataVersion]))
      }).pipe(Effect.andThen((version) => Effect.as(Effect.yieldNow, version)))
    const deps = edges.map((edge) => [nameOf(edge), { ...edge, asset: assets.get(edge.asset)! }])
    const after = asset.after.map(({ key }) => assets.get(key)!)
    const external = asset.external?.observe && { observe: (step: Told) => body({}, step) as Effect.Effect<string> }
    const changes = { io, materialize: body, deps: Object.fromEntries(deps), after, ...(external && { external }) }
    assets.set(key, Object.assign(Object.create(Object.getPrototypeOf(asset)), asset, changes))
  }
  return Definitions.make({ assets: Array.from(assets.values()) })
}

/** Removes what the simulation has wiped. */
const wipe = Effect.fnUntraced(function* (simulation: Simulation) {
  const log = yield* EventLog.EventLog
  const { states } = yield* log.catalog
  for (const { asset, partition } of Array.from(states.values()).flatMap((slices) => Array.from(slices.values()))) {
    if (Catalog.get(simulation.catalog, { asset, partition }) !== undefined) continue
    yield* log.wipe({ _tag: "AssetWiped", at: "1970-01-01T00:00:00Z", runId: "wipe", asset, partition }, Effect.void)
  }
})

const versions = ({ states }: Catalog.Catalog) =>
  Object.fromEntries(
    Array.from(states.values())
      .flatMap((slices) => Array.from(slices.values()))
      .map((state) => [Partition.show(state), [state.dataVersion, state.codeVersion, state.verifiedAt]])
  )

interface Life {
  readonly settled: boolean
  readonly declarations: ReadonlyArray<Declaration>
  readonly history: ReadonlyArray<Moment>
}

/** Lives a life twice, simulated and executed, with a law between them that is asked after every run. */
const everyRun =
  (law: (simulation: Simulation, run: Run) => Effect.Effect<void, EventLog.EventLogError, EventLog.EventLog>) =>
  ({ declarations, history, settled }: Life) =>
    Effect.gen(function* () {
      const project = new RandomProject(declarations)
      if (settled) yield* execute(project, Plan.everything, law)
      for (const { change, request } of history) {
        project.change(change)
        if (request !== null) yield* execute(project, project.requestOf(request), law)
      }
      yield* execute(project, Plan.everything, law)
    }).pipe(Effect.provide(Testing.layerMemory))

const execute = Effect.fnUntraced(function* (
  project: RandomProject,
  request: Plan.Request,
  law: (simulation: Simulation, run: Run) => Effect.Effect<void, EventLog.EventLogError, EventLog.EventLog>
) {
  const { simulation } = project
  const executor = yield* Executor.Executor
  const log = yield* EventLog.EventLog
  const { answer } = project.ask(request)
  if (Result.isFailure(answer)) return
  yield* wipe(simulation)
  yield* TestClock.setTime(simulation.now)
  const definitions = embody(simulation)
  const { graph } = definitions
  const plan = Result.getOrThrow(Plan.make(graph, yield* log.catalog, request, simulation.now))
  const executed = simulation.execute(answer.success)
  const outcome = yield* executor.execute(definitions, Effect.succeed(plan), options)
  yield* law(simulation, { request, executed, graph, outcome, plan })
})

interface Run {
  readonly request: Plan.Request
  readonly graph: AssetGraph.AssetGraph
  readonly plan: Plan.Plan
  readonly outcome: Executor.Outcome
  /** What the simulation executed. */
  readonly executed: ReadonlyArray<string>
}

const options: Executor.Options = { trigger: "test", concurrency: 3, observe: () => Effect.void }

const events = (runId: string | null) =>
  Effect.flatMap(EventLog.EventLog, (log) => (runId === null ? Effect.succeed([]) : log.events(runId)))

// -----------------------------------------------------------------------------
// laws
// -----------------------------------------------------------------------------

const executionDoesWhatTheSimulationDoes = Effect.fnUntraced(function* (simulation: Simulation, run: Run) {
  const { executed, outcome } = run
  assert.deepStrictEqual([outcome.status, outcome.failures], ["Succeeded", []])
  const computed = (yield* events(outcome.runId)).flatMap(({ event }) =>
    event._tag === "AssetMaterialized" || event._tag === "AssetVerified" || event._tag === "AssetObserved"
      ? (event.slices ?? [event]).map(({ partition }) => Partition.show({ asset: event.asset, partition }))
      : []
  )
  assert.sameMembers(computed, [...executed])
  const log = yield* EventLog.EventLog
  assert.deepStrictEqual(versions(yield* log.catalog), versions(simulation.catalog))
})

/** Of what the request took into its plan, whether it wished for more or not. */
const executionLeavesNothingToPlan = Effect.fnUntraced(function* (simulation: Simulation, { graph, request }: Run) {
  const log = yield* EventLog.EventLog
  const selected = Array.from(Result.getOrThrow(Selection.resolve(graph, request.selection)))
  const upstream = request.recheck ? selected.flatMap((key) => Array.from(AssetGraph.ancestors(graph, key))) : []
  const again = { ...request, selection: [...selected, ...upstream], recheck: false, force: false }
  const plan = Plan.make(graph, yield* log.catalog, again, simulation.now)
  assert.deepStrictEqual(Result.getOrThrow(plan).steps, [])
})

const theLogFoldsToTheCatalog = Effect.fnUntraced(function* () {
  const log = yield* EventLog.EventLog
  const folded = Catalog.fromEvents(yield* log.allEvents)
  assert.deepStrictEqual(versions(yield* log.catalog), versions(folded))
})

/** Started after, and only after, everything it waits for in the plan had settled. */
const noStepStartsBeforeWhatItWaitsFor = Effect.fnUntraced(function* (_: Simulation, { outcome, plan }: Run) {
  const settled = new Set<number>()
  const first = (partition: Partition.Key) => partition?.split(/\.\.|,/)[0]
  for (const { event } of yield* events(outcome.runId)) {
    if (!("asset" in event)) continue
    const index = plan.steps.findLastIndex(
      ({ asset, partition }) =>
        asset === event.asset && (partition === null || first(partition)! <= first(event.partition)!)
    )
    const step = plan.steps[index]!
    for (const earlier of [...step.after, ...step.follows].flat()) {
      assert.isTrue(settled.has(earlier), `${Partition.show(event)} before ${Partition.show(plan.steps[earlier]!)}`)
    }
    if (event._tag !== "StepStarted") settled.add(index)
  }
  assert.strictEqual(settled.size, plan.steps.length)
})

describe("in every life of every project, run by the executor", () => {
  const life = { settled: Schema.Boolean, declarations: Declarations, history: History }
  const checks = { arbitrary: { runs: 100 }, timeout: 60_000 }

  it.effect.prop("what is executed is what the plan says", life, everyRun(executionDoesWhatTheSimulationDoes), checks)
  it.effect.prop("executing leaves nothing to plan", life, everyRun(executionLeavesNothingToPlan), checks)
  it.effect.prop("the log folds to the catalog", life, everyRun(theLogFoldsToTheCatalog), checks)
  it.effect.prop("no step starts before what it waits for", life, everyRun(noStepStartsBeforeWhatItWaitsFor), checks)
})
