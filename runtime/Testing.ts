/**
 * What it takes to test a pipeline: its definitions with other values and resources in place, run in memory or on a
 * throw-away database, and told in words a test can assert with.
 *
 * It fits every test runner: pipelines give effects, and what those need comes as a layer.
 */
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Pipeable from "effect/Pipeable"
import * as Random from "effect/Random"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Asset from "./Asset.ts"
import * as AssetGraph from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import * as ConfigDigests from "./ConfigDigests.ts"
import type * as Definitions from "./Definitions.ts"
import type * as Event from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as Executor from "./Executor.ts"
import * as IoManager from "./IoManager.ts"
import * as Partition from "./Partition.ts"
import * as Plan from "./Plan.ts"
import type { PlanError } from "./PlanError.ts"
import * as Quarantine from "./Quarantine.ts"
import type * as Reason from "./Reason.ts"
import * as RecordedSpans from "./RecordedSpans.ts"
import * as RunReport from "./RunReport.ts"
import * as Runtime from "./Runtime.ts"
import type * as Resources from "./Resources.ts"
import type { SelectionError } from "./Selection.ts"
import * as Staleness from "./Staleness.ts"
import type * as Table from "./Table.ts"
import * as TestDatabase from "./TestDatabase.ts"
import * as Version from "./Version.ts"

export * as Faults from "./Faults.ts"
export type { RunReport, StepOutcome } from "./RunReport.ts"
export { type Span, tree } from "./RecordedSpans.ts"

const TypeId = "~assets/Testing/Pipeline"

/** `N`: what its assets need. `Provided`: services its resources give. `R`: what building those needs. */
export interface Pipeline<in out N extends AnyNeed, in out Provided, out R> extends Pipeable.Pipeable {
  readonly [TypeId]: { readonly N: N; readonly Provided: Provided; readonly R: R }
  readonly definitions: Definitions.Definitions

  /** Runs what a selection comes to; everything that is not Current without one. Failed steps are in the report. */
  readonly materialize: (
    selection?: Selection,
    options?: Options
  ) => Effect.Effect<
    RunReport.RunReport,
    PlanError | SelectionError | EventLog.EventLogError | Resources.ResourcesUnavailable | Config.ConfigError,
    Recording | Executor.Executor | Requirements<N, Provided, R>
  >
  /** What `materialize` would do. */
  readonly plan: (
    selection?: Selection,
    options?: Options
  ) => Effect.Effect<Plan.Plan, PlanError | SelectionError | EventLog.EventLogError, EventLog.EventLog>
  /** By slice: `users`, `listen_history/2026-01-31`. */
  readonly status: Effect.Effect<Readonly<Record<string, Reason.Status>>, EventLog.EventLogError, EventLog.EventLog>
  /** Every run there was, also those that were interrupted; oldest first. */
  readonly runs: Effect.Effect<ReadonlyArray<RunReport.RunReport>, EventLog.EventLogError, Recording>
  /** Every event there is, oldest first. */
  readonly events: Effect.Effect<ReadonlyArray<Event.Event>, EventLog.EventLogError, EventLog.EventLog>

  /** The published value as a dependent gets it; of a partitioned asset that of all partitions, or of the one named. */
  readonly value: {
    <A extends Member<N>>(asset: A): Loading<[A["partitions"]] extends [undefined] ? HandleOf<A> : HandlesOf<A>, A>
    <A extends Member<N> & Partitioned>(asset: A, partition: string): Loading<HandleOf<A>, A>
  }
  /** The published rows of a table, in no order. */
  readonly rows: {
    <A extends Member<N> & Tabular>(asset: A): Loading<ReadonlyArray<Row<A>>, A>
    <A extends Member<N> & Tabular & Partitioned>(asset: A, partition: string): Loading<ReadonlyArray<Row<A>>, A>
  }
  /** What is recorded of a published slice; `undefined` when there is none. */
  readonly state: (
    asset: Member<N>,
    partition?: string
  ) => Effect.Effect<Catalog.AssetState | undefined, EventLog.EventLogError, EventLog.EventLog>
  /** What bodies set aside of a slice. */
  readonly quarantined: (
    asset: Member<N>,
    partition?: string
  ) => Effect.Effect<ReadonlyArray<Asset.Rejected>, IoManager.IoError, Quarantine.Quarantine>
}

export type Selection = string | ReadonlyArray<string>

export interface Options extends Partial<Omit<Plan.Request, "selection">> {
  /** Steps that compute at the same time. Default 4. */
  readonly concurrency?: number
}

/** What is asked afterwards. */
export type Recording = EventLog.EventLog | RecordedSpans.RecordedSpans

/** Services that must come with the layer a pipeline runs on. */
export type Requirements<N extends AnyNeed, Provided, R> = Exclude<N["services"], Provided> | R

type AnyNeed = Asset.Need<string | null, any>

type Member<N extends AnyNeed> = Asset.Asset<N["asset"] & string, any, any, any, Partition.Partitioning | undefined>

type Partitioned = Asset.Asset<string, any, any, any, Partition.Partitioning>

interface Tabular extends Asset.Any {
  readonly io: IoManager.Any & { readonly [IoManager.TypeId]: { readonly Handle: Table.Handle<unknown> } }
}

type HandleOf<A extends Asset.Any> = IoManager.Handle<Asset.Io<A>>
type HandlesOf<A extends Asset.Any> = IoManager.Handles<Asset.Io<A>>
type Row<A extends Asset.Any> = HandleOf<A> extends Table.Handle<infer Row> ? Row : never

type Loading<T, A extends Asset.Any> = Effect.Effect<
  T,
  IoManager.IoError | EventLog.EventLogError,
  EventLog.EventLog | IoManager.Services<Asset.Io<A>>
>

/** The definitions as they are; see `given`, `override` and `resources` for what a test puts in their place. */
export const pipeline = <A extends Asset.Any, Provided, E, R>(
  definitions: Definitions.Definitions<A, Provided, E, R>
): Pipeline<Asset.Needs<A>, Provided, R> => make(definitions)

/**
 * Replaces the body of an asset, whose errors, services and retries go with it. What it waits for, its checks, quarantine
 * limit and partitions stay.
 */
export const override =
  <K extends string, I extends IoManager.Any, P extends Partition.Partitioning | undefined, E2 = never, R2 = never>(
    asset: Asset.Asset<K, I, any, any, P>,
    body: (
      step: Asset.Step<P>
    ) => Effect.Effect<IoManager.Input<NoInfer<I>>, E2, R2> | Asset.StreamOf<NoInfer<I>, E2, R2>
  ) =>
  <N extends AnyNeed, Provided, R>(
    self: Having<K, N, Provided, R>
  ): Pipeline<Exclude<N, { readonly asset: K }> | Asset.Need<K, R2 | IoManager.Services<I>>, Provided, R> =>
    make(replace(self as Pipeline<N, Provided, R>, asset, (declared) => withBody(declared, body)))

/**
 * Gives an asset a fixed value: it waits for nothing then, and what only it waited for is no part of the pipeline. Every
 * partition gets the same; rows that must name theirs are for `override`, which is told the partition.
 */
export const given =
  <K extends string, I extends IoManager.Any, P extends Partition.Partitioning | undefined>(
    asset: Asset.Asset<K, I, any, any, P>,
    value: IoManager.Input<NoInfer<I>>
  ) =>
  <N extends AnyNeed, Provided, R>(
    self: Having<K, N, Provided, R>
  ): Pipeline<Exclude<N, { readonly asset: K }> | Asset.Need<K, IoManager.Services<I>>, Provided, R> =>
    make(
      replace(self as Pipeline<N, Provided, R>, asset, (declared) =>
        change(
          withBody(declared, () => Effect.succeed(value)),
          { deps: {}, after: [] }
        )
      )
    )

type Having<K extends string, N extends AnyNeed, Provided, R> = [K] extends [N["asset"]]
  ? Pipeline<N, Provided, R>
  : { readonly "is not an asset of this pipeline": K }

/** Replaces the resources of the project, all of them. */
export const resources =
  <Provided2, E2, R2>(layer: Layer.Layer<Provided2, E2, R2>) =>
  <N extends AnyNeed, Provided, R>(self: Pipeline<N, Provided, R>): Pipeline<N, Provided2, R2> =>
    make({ ...self.definitions, resources: layer })

/**
 * Everything in this process, empty at first. Bodies that ask for SQL do not fit. Randomness is seeded, so run ids repeat
 * from test to test as long as the clock does: `it.effect` of `@effect/vitest` brings a `TestClock`.
 */
export const layerMemory = Layer.suspend(() => Layer.provideMerge(Runtime.layerMemory, surroundings))

/** A database of its own with the project's tables, and a folder for blobs; both are gone afterwards. See `TestDatabase`. */
export const layerPostgres = (project: TestDatabase.Project = {}) =>
  Layer.provideMerge(
    Layer.provide(Runtime.layerSql, home).pipe(
      Layer.provideMerge(Layer.provide(TestDatabase.layer(project), realClock))
    ),
    surroundings
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const seed = "effect-assets"

const surroundings = Layer.merge(
  RecordedSpans.layer,
  Layer.effect(Random.Random, Effect.service(Random.Random).pipe(Random.withSeed(seed)))
)

// Connections age by a clock of their own: a test that turns its clock by years would keep their pool busy for hours.
const realClock = Layer.sync(Clock.Clock, Clock.Clock.defaultValue)

const home = Layer.effect(
  ConfigProvider.ConfigProvider,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-assets-test-"))),
      (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
    ),
    (folder) => ConfigProvider.fromUnknown({ ASSETS_HOME: folder })
  )
)

const make = <N extends AnyNeed, Provided, R>(definitions: Definitions.Definitions): Pipeline<N, Provided, R> => {
  const { graph } = definitions
  const log = <A, E, R2>(use: (log: EventLog.EventLog["Service"]) => Effect.Effect<A, E, R2>) =>
    Effect.flatMap(EventLog.EventLog, use)
  const catalog = log((log) => Effect.flatMap(log.catalog, ConfigDigests.inForce))
  const self: Omit<Pipeline<N, Provided, R>, typeof TypeId | "pipe"> = {
    definitions,
    materialize: Effect.fnUntraced(function* (selection, { concurrency = 4, ...options } = {}) {
      const executor = yield* Executor.Executor
      const outcome = yield* executor.execute(definitions, self.plan(selection, options), {
        trigger: "test",
        concurrency,
        observe: () => Effect.void
      })
      return outcome.runId === null ? RunReport.nothingToDo : yield* report(definitions, outcome.runId)
    }),
    plan: (selection, options) =>
      Effect.gen(function* () {
        return yield* Effect.fromResult(
          Plan.make(graph, yield* catalog, requestOf(selection, options), yield* Clock.currentTimeMillis)
        )
      }),
    status: Effect.gen(function* () {
      const assessments = Staleness.assess(graph, yield* catalog, yield* Clock.currentTimeMillis)
      const statuses: Record<string, Reason.Status> = {}
      for (const asset of graph.order) {
        for (const [partition, { status }] of Staleness.entries(assessments, asset)) {
          statuses[Partition.show({ asset, partition })] = status
        }
      }
      return statuses
    }),
    runs: Effect.gen(function* () {
      const runs = yield* log((log) => log.runs(Number.MAX_SAFE_INTEGER))
      return yield* Effect.forEach(runs.toReversed(), ({ id }) => report(definitions, id))
    }),
    events: Effect.map(
      log((log) => log.allEvents),
      (recorded) => recorded.map(({ event }) => event)
    ),
    value: (asset: Asset.Any, partition?: string) =>
      Effect.flatMap(catalog, (catalog) => load(asset, catalog, partition)),
    rows: (asset: Asset.Any, partition?: string) =>
      Effect.flatMap(catalog, (catalog) => load(asset, catalog, partition)).pipe(
        Effect.flatMap((handle: Table.Handle<any>) => Stream.runCollect(handle.rows))
      ),
    state: (asset, partition) =>
      Effect.map(catalog, (catalog) => Catalog.get(catalog, { asset: asset.key, partition: partition ?? null })),
    quarantined: (asset, partition) =>
      Effect.flatMap(Quarantine.Quarantine, (quarantine) =>
        quarantine.items({ asset: asset.key, partition: partition ?? null })
      )
  }
  return Object.assign(Object.create(Pipeable.Prototype), self)
}

const requestOf = (selection: Selection | undefined, options: Options | undefined): Plan.Request => ({
  ...Plan.everything,
  ...options,
  selection: selection === undefined ? [] : typeof selection === "string" ? [selection] : selection
})

const report = Effect.fnUntraced(function* ({ graph }: Definitions.Definitions, runId: string) {
  const log = yield* EventLog.EventLog
  const spans = yield* RecordedSpans.RecordedSpans
  const recorded = yield* log.events(runId)
  return RunReport.fromEvents(
    recorded.map(({ event }) => event),
    graph.order,
    yield* spans.all
  )
})

const load = Effect.fnUntraced(function* (
  asset: Asset.Any,
  catalog: Catalog.Catalog,
  partition: string | undefined
): Effect.fn.Return<any, IoManager.IoError, any> {
  const store = yield* Asset.store(asset)
  const sources = Array.from(Catalog.slices(catalog, asset.key).values(), (state): IoManager.Source => ({
    asset: state.asset,
    partition: state.partition,
    version: state.dataVersion
  }))
  if (asset.partitions !== undefined && partition === undefined) return yield* store.loadAll(asset.key, sources)
  const source = sources.find((source) => source.partition === (partition ?? null))
  if (source !== undefined) return yield* store.load(source)
  const detail = `${Partition.show({ asset: asset.key, partition: partition ?? null })} was never published`
  return yield* new IoManager.IoError({ asset: asset.key, operation: "load", detail, retryable: false })
})

/** The same definitions, in which everything downstream waits for the replacement. */
const replace = (
  { definitions }: { readonly definitions: Definitions.Definitions },
  asset: Asset.Any,
  by: (declared: Asset.Any) => Asset.Any
): Definitions.Definitions => {
  const assets = new Map<string, Asset.Any>()
  const replaced = ({ key }: Asset.Any) => assets.get(key)!
  for (const [key, { asset: declared }] of definitions.graph.nodes) {
    const deps = Object.entries(declared.deps).map(([name, dep]) =>
      // What it reads of itself is of the same kind.
      dep.asset.key === key ? [name, dep] : [name, { ...dep, asset: replaced(dep.asset) }]
    )
    const checks = declared.checks.map((check) => ({
      ...check,
      reads: Record.map(check.reads, (read) => ({ ...read, asset: replaced(read.asset) }))
    }))
    const same = change(declared, { deps: Object.fromEntries(deps), after: declared.after.map(replaced), checks })
    if (key === asset.key && declared.io !== asset.io)
      throw new TypeError(`the pipeline has another asset called ${key}`)
    assets.set(key, key === asset.key ? by(same) : same)
  }
  const roots = definitions.assets.map(replaced)
  return { ...definitions, assets: roots, graph: AssetGraph.make(roots) }
}

const withBody = (asset: Asset.Any, body: (step: never) => ReturnType<Asset.Any["materialize"]>): Asset.Any =>
  change(asset, {
    retry: undefined,
    // What somebody else computes is computed here for once.
    external: undefined,
    together: undefined,
    // A version found by a function may need services of the body that is gone.
    version: asset.version._tag === "Custom" ? Version.content : asset.version,
    materialize: (_: never, step: never) => body(step)
  })

const change = (asset: Asset.Any, changes: Partial<Asset.Any>): Asset.Any =>
  Object.setPrototypeOf({ ...asset, ...changes }, Object.getPrototypeOf(asset))
