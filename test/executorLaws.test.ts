import { assert, describe, it } from "@effect/vitest"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Record from "effect/Record"
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
import type { Together } from "../runtime/Together.ts"
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

/** Of a range that reads several slices for each of its own, what is recorded of each is not what the body is given. */
const isTold = ({ mapping }: AssetGraph.Edge, partitions: ReadonlyArray<string> | undefined) =>
  partitions === undefined || ["Identity", "All", "Whole", "Last"].includes(mapping._tag)

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
        for (const edge of edges.filter((edge) => edge.versioned && isTold(edge, partitions))) {
          const versions = slices.map((key) => stateOf(key).provenance[edge.asset]?.version)
          const isOne = partitions === undefined || edge.mapping._tag !== "Identity"
          const many = slices.map((key, at) => [key ?? "", versions[at]!] as const)
          assert.strictEqual(inputs[nameOf(edge)], isOne ? versions[0] : Version.ofPartitions(many))
        }
        if (asset.together !== undefined) return outputsOf(simulation, asset.together, partition)
        if (partitions === undefined) return stateOf(partition).dataVersion
        return Object.fromEntries(partitions.map((key) => [key, stateOf(key).dataVersion]))
      }).pipe(Effect.andThen((version) => Effect.as(Effect.yieldNow, version)))
    const self: Asset.Any = Object.assign(Object.create(Object.getPrototypeOf(asset)), asset)
    // Before it has any, because it may read itself.
    assets.set(key, self)
    const deps = edges.map((edge) => [nameOf(edge), { ...edge, asset: assets.get(edge.asset)! }])
    const after = asset.after.map(({ key }) => assets.get(key)!)
    const external = asset.external?.observe && { observe: (step: Told) => body({}, step) as Effect.Effect<string> }
    Object.assign(self, { io, materialize: body, deps: Object.fromEntries(deps), after, ...(external && { external }) })
  }
  return Definitions.make({ assets: Array.from(assets.values()) })
}

/** What the simulation has of all assets of a computation. */
const outputsOf = ({ catalog }: Simulation, { members }: Together, partition: Partition.Key) =>
  Record.map(members, (asset) => Catalog.get(catalog, { asset, partition })?.dataVersion)

/** Removes what the simulation has wiped, and has the keys that it has, in their order. */
const follow = Effect.fnUntraced(function* (simulation: Simulation) {
  const log = yield* EventLog.EventLog
  const { states } = yield* log.catalog
  for (const { asset, partition } of Array.from(states.values()).flatMap((slices) => Array.from(slices.values()))) {
    if (Catalog.get(simulation.catalog, { asset, partition }) !== undefined) continue
    yield* log.wipe({ _tag: "AssetWiped", at: "1970-01-01T00:00:00Z", runId: "wipe", asset, partition }, Effect.void)
  }
  for (const name of new Set([...(yield* log.partitions).keys(), ...simulation.catalog.dynamic.keys()])) {
    const change = { at: "1970-01-01T00:00:00Z", runId: null, name }
    const keys = (yield* log.partitions).get(name) ?? []
    yield* log.changePartitions({ _tag: "PartitionsRemoved", ...change, keys })
    const wanted = simulation.catalog.dynamic.get(name) ?? []
    yield* log.changePartitions({ _tag: "PartitionsAdded", ...change, keys: wanted })
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
  yield* follow(simulation)
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
  const selected = new Set(Result.getOrThrow(Selection.resolve(graph, request.selection)))
  for (const key of request.recheck ? selected : []) {
    for (const { asset, versioned } of graph.nodes.get(key)!.deps) if (versioned) selected.add(asset)
    for (const asset of AssetGraph.togetherWith(graph, key)) selected.add(asset)
  }
  const again = { ...request, selection: Array.from(selected), recheck: false, force: false }
  const plan = Plan.make(graph, yield* log.catalog, again, simulation.now)
  assert.deepStrictEqual(Result.getOrThrow(plan).steps, [])
})

const theLogFoldsToTheCatalog = Effect.fnUntraced(function* () {
  const log = yield* EventLog.EventLog
  const folded = Catalog.fromEvents(yield* log.allEvents)
  assert.deepStrictEqual(versions(yield* log.catalog), versions(folded))
})

/** Started after, and only after, everything it waits for in the plan had settled. */
const noStepStartsBeforeWhatItWaitsFor = Effect.fnUntraced(function* (simulation: Simulation, { outcome, plan }: Run) {
  const settled = new Set<number>()
  const lineage = simulation.lineage(plan.at)
  const first = ({ asset, partition }: Partition.Ref) =>
    lineage.index({ asset, partition: partition?.split(/\.\.|,/)[0] ?? null })
  for (const { event } of yield* events(outcome.runId)) {
    if (!("asset" in event)) continue
    const index = plan.steps.findLastIndex((step) => step.asset === event.asset && first(step) <= first(event))
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
