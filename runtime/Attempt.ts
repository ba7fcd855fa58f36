/**
 * One try of a step: load, materialize, stage, digest, check, publish.
 *
 * Whether there is another try is `Retry`'s.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import * as AttemptError from "./AttemptError.ts"
import * as Body from "./Body.ts"
import * as Catalog from "./Catalog.ts"
import type * as ConfigDigests from "./ConfigDigests.ts"
import type { Config, Provenance } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as External from "./External.ts"
import type * as IoManager from "./IoManager.ts"
import * as Inspection from "./Inspection.ts"
import type { Lineage, Reading } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import type * as Quarantine from "./Quarantine.ts"
import type { SharedBodies } from "./SharedBodies.ts"
import * as Staleness from "./Staleness.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Verification from "./Verification.ts"
import * as Version from "./Version.ts"
import type * as Workers from "./Workers.ts"

export type Span = Parameters<typeof Telemetry.annotate>[0] & Telemetry.SpanIds

export interface Context {
  /** At the plan's time. */
  readonly lineage: Lineage
  readonly plan: Plan.Plan
  readonly step: Plan.Step
  /** What the step computes: its slice, or those of its range. */
  readonly slices: ReadonlyArray<Partition.Ref>
  readonly runId: string
  readonly log: EventLog.EventLog["Service"]
  readonly session: EventLog.Session
  readonly quarantine: Quarantine.Quarantine["Service"]
  readonly config: ConfigDigests.ConfigDigests
  readonly record: (event: EventLog.Fact) => Effect.Effect<void, EventLog.EventLogError>
  readonly shared: SharedBodies
  readonly workers: Workers.Workers
  readonly claim: EventLog.Claim
  /** The states of the slice and of what it reads, as this attempt takes them. */
  readonly catalog: Catalog.Catalog
  /** From 1. */
  readonly attempt: number
  readonly span: Span
  readonly isTraced: boolean
}

/** `NothingNew`: the body had nothing to publish, and there is nothing published that could stay. */
export type Result = Exclude<EventLog.Published, { readonly _tag: "Fenced" }> | { readonly _tag: "NothingNew" }

export const run = (context: Context) => {
  const { asset } = context.lineage.graph.nodes.get(context.step.asset)!
  const attempt = Effect.scoped(once(context, asset))
  return context.isTraced ? Telemetry.attempt(attempt) : attempt
}

// -----------------------------------------------------------------------------
// what an attempt at a range has in common with this
// -----------------------------------------------------------------------------

export const withTimeout = <A, E, R>(asset: Asset.Any, attempt: Effect.Effect<A, E, R>) =>
  asset.timeout === undefined
    ? attempt
    : Effect.timeoutOrElse(attempt, {
        duration: asset.timeout,
        orElse: () =>
          Effect.fail(new AttemptError.TimedOut({ asset: asset.key, after: Duration.format(asset.timeout!) }))
      })

/** The handles that the body gets. */
export const load = ({ catalog, lineage, slices }: Context, asset: Asset.Any) => {
  const indexes = slices.map((slice) => lineage.index(slice))
  const readings = new Map(lineage.readings(asset.key).map((reading) => [reading.edge.asset, reading]))
  return Effect.map(
    Effect.forEach(Object.entries(asset.deps), ([name, { asset: dep }]) =>
      Effect.flatMap(Asset.store(dep), (store) => {
        const reading = readings.get(dep.key)!
        const sources = lineage
          .readByAll(reading, indexes)
          .flatMap((ref) => External.source(dep, ref, Catalog.get(catalog, ref)) ?? [])
        // A slice that reads one that is not there, such as the one before the first, is told so.
        const handle: Effect.Effect<unknown, IoManager.IoError> =
          reading.one === undefined || readsMany(lineage, asset, reading)
            ? store.loadAll(dep.key, sources)
            : sources[0] === undefined
              ? Effect.undefined
              : store.load(sources[0])
        return Effect.map(handle, (handle) => [name, handle] as const)
      })
    ),
    Object.fromEntries
  )
}

/** Whether each slice of a range reads one of its own. */
const readsMany = (lineage: Lineage, { ranges }: Asset.Any, { edge }: Reading) =>
  ranges !== undefined && edge.mapping._tag !== "Last" && lineage.keys(edge.asset) !== undefined

/** What it read, for a publish that compares. */
export const loadedAs = ({ catalog, lineage, slices }: Context, reading: Reading): ReadonlyArray<EventLog.Loaded> => {
  const { asset, versioned } = reading.edge
  if (!versioned) return []
  if (reading.isAll) return [EventLog.allSlices(asset, Catalog.slices(catalog, asset).values())]
  const indexes = slices.map((slice) => lineage.index(slice))
  return lineage.readByAll(reading, indexes).map((ref) => ({
    _tag: "Slice",
    ref,
    position: Catalog.get(catalog, ref)?.changedPosition ?? null
  }))
}

/** Spans cost 3 us each, so those inside a step are made only for a tracer that keeps them. */
export const io =
  (context: Context, operation: "load" | "stage" | "publish") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    context.isTraced ? Telemetry.io(operation, context.step.asset)(effect) : effect

// What a body and its kind need is erased here; `Executor.execute` asks for it and the run's context has it.
export const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as unknown as Effect.Effect<A, E>

export const sliceOf = ({ runId, step }: Context) => ({ runId, asset: step.asset, partition: step.partition })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const once = Effect.fnUntraced(function* (context: Context, asset: Asset.Any) {
  const { catalog, lineage, step } = context
  const { provenance, unpublished } = Staleness.inputs(lineage, catalog, step)
  const [dependency] = unpublished
  if (dependency !== undefined) return yield* new AttemptError.DependencyWiped({ asset: asset.key, dependency })
  const { together } = asset
  const computing = together && context.shared.whileComputing({ together, slice: step, inputs: inputsOf(context) })
  if (computing !== undefined) yield* context.workers.standAside(computing)
  // Once a publish has begun it is too late to say that nothing was published.
  const { external } = asset
  const made = yield* withTimeout(asset, external === undefined ? make(context, asset) : look(context, asset, external))
  if (made === undefined) return nothingNew
  return yield* publish(context, asset, made, provenance)
})

const nothingNew: Result = { _tag: "NothingNew" }

/** A value that is staged and passed its checks, or that is published and stays. */
interface Made extends Pick<IoManager.Staged<unknown>, "rows" | "metadata"> {
  readonly dataVersion: string
  readonly config: Config
  /** Nothing for a value that stays. */
  readonly publish: IoManager.Staged<unknown>["publish"] | undefined
}

/** Nothing when the body had nothing new and nothing was ever published. */
const make = Effect.fnUntraced(function* (context: Context, asset: Asset.Any) {
  const { catalog, step } = context
  const state = Catalog.get(catalog, step)
  const standing = state && (yield* Verification.standing(context, asset, step))
  if (standing !== undefined) return { ...standing, publish: undefined }
  const body = yield* Body.make(context, asset)
  if (context.attempt > 1) yield* context.quarantine.clear({ ...sliceOf(context), attempt: context.attempt })

  const store = yield* Asset.store(asset)
  // A body that is a stream goes on while it is staged.
  const staged = yield* body.run(
    Effect.flatMap(valueOf(context, asset, body), (value) =>
      store.stage(sliceOf(context), value as never).pipe(io(context, "stage"))
    )
  )
  yield* body.limit()
  const config = yield* body.settings()
  if (staged === undefined) {
    const kept: Made | undefined = state && { ...state, config, metadata: body.metadata(), publish: undefined }
    return kept
  }
  const next: Versioned = { ...staged, dataVersion: yield* versionOf(asset, staged, context.runId) }
  const old = state && (yield* staying(context, asset, store, state, next))
  const { dataVersion, rows } = old ?? next
  const metadata = { ...(old ?? next).metadata, ...body.metadata() }
  if (asset.checks.length > 0) yield* inspect(context, asset, { ...(old ?? next), metadata })
  const made: Made = {
    rows,
    dataVersion,
    config,
    metadata,
    publish: old === undefined ? staged.publish : undefined
  }
  return made
})

type Versioned = Pick<IoManager.Staged<unknown>, "candidate" | "whole" | "rows" | "metadata"> & {
  readonly dataVersion: string
}

const inspect = (
  context: Context,
  asset: Asset.Any,
  { candidate, dataVersion, metadata, whole }: Omit<Versioned, "rows">
) =>
  Inspection.run(context, asset, {
    versions: new Map([[context.step.partition, dataVersion]]),
    candidate: () => candidate,
    metadata,
    whole
  })

/** Asks which version an external asset has. Its checks see the value as it stands now; one that blocks keeps the version before. */
const look = Effect.fnUntraced(function* (context: Context, asset: Asset.Any, { observe }: External.External) {
  const { catalog, step } = context
  const state = Catalog.get(catalog, step)
  const body = yield* Body.make(context, asset)
  if (context.attempt > 1) yield* context.quarantine.clear({ ...sliceOf(context), attempt: context.attempt })
  const found = observe === undefined ? undefined : yield* body.run(erased(observe(body.step as never)))
  yield* body.limit()
  const config = yield* body.settings()
  const dataVersion = found ?? state?.dataVersion
  if (dataVersion === undefined) return undefined
  if (asset.checks.length > 0) {
    const store = yield* Asset.store(asset)
    const slice = { asset: asset.key, partition: step.partition, dataVersion }
    const candidate: unknown = yield* store.published({ ...slice, version: dataVersion })
    const whole = yield* publishedWhole(asset, store, slice)
    yield* inspect(context, asset, { candidate, ...whole, dataVersion, metadata: body.metadata() })
  }
  const publish = dataVersion === state?.dataVersion ? undefined : Effect.void
  const made: Made = { rows: null, dataVersion, config, metadata: body.metadata(), publish }
  return made
})

/** What the body returns, or its part of what a body returns for several assets. */
const valueOf = (context: Context, asset: Asset.Any, body: Body.Body) => {
  const { attempt, shared, step: slice } = context
  const { together } = asset
  return together === undefined
    ? compute(context, asset, body.step)
    : shared.output(
        { together, slice, inputs: inputsOf(context), attempt, body },
        compute(context, asset, { ...body.step, outputs: shared.wanted(together, slice) })
      )
}

// Not a generator made anew for each step: V8 keeps the hidden class of each, and with it the step, until a major
// collection, which took half of a step's time.
const compute = Effect.fnUntraced(function* (context: Context, asset: Asset.Any, step: object) {
  const inputs = yield* Effect.flatMap(load(context, asset), withItself(context, asset)).pipe(io(context, "load"))
  const output = asset.materialize(inputs as never, step as never)
  return Effect.isEffect(output) ? yield* erased(output) : output
})

/** The claim is held: nobody else replaces it meanwhile. */
const withItself = (context: Context, asset: Asset.Any) => (inputs: object) => {
  if (asset.itself === undefined) return Effect.succeed(inputs)
  const name = asset.itself
  const state = Catalog.get(context.catalog, context.step)
  if (state === undefined) return Effect.succeed({ ...inputs, [name]: undefined })
  const source = { asset: asset.key, partition: state.partition, version: state.dataVersion }
  return Effect.flatMap(Asset.store(asset), (store) => unlessUnreadable(store.load(source))).pipe(
    Effect.map((handle: unknown) => ({ ...inputs, [name]: handle }))
  )
}

const inputsOf = (context: Context) =>
  JSON.stringify(context.lineage.readings(context.step.asset).flatMap((reading) => loadedAs(context, reading)))

const publish = Effect.fnUntraced(function* (context: Context, asset: Asset.Any, made: Made, provenance: Provenance) {
  const event = (at: string): EventLog.Value => ({
    _tag: made.publish === undefined ? "AssetVerified" : asset.external ? "AssetObserved" : "AssetMaterialized",
    at,
    ...sliceOf(context),
    codeVersion: context.lineage.graph.nodes.get(asset.key)!.codeVersion,
    dataVersion: made.dataVersion,
    provenance,
    config: made.config,
    rows: made.rows,
    metadata: made.metadata,
    attempts: context.attempt,
    traceId: context.span.traceId,
    spanId: context.span.spanId
  })
  const loaded = context.lineage.readings(asset.key).flatMap((reading) => loadedAs(context, reading))
  // A kind that has nothing to do in the transaction says so with Effect.void, and a single statement will do.
  const rows = made.publish === Effect.void ? undefined : made.publish
  const published = yield* context.session
    .publish({ claim: context.claim, loaded, event }, rows)
    .pipe(io(context, "publish"))
  if (published._tag === "Fenced") return yield* new AttemptError.ClaimLost({ asset: asset.key })
  return published
})

/** What is published already, if it is the same as what was made, or means the same. */
const staying = Effect.fnUntraced(function* (
  context: Context,
  asset: Asset.Any,
  store: IoManager.AnyStore,
  state: Catalog.AssetState,
  next: Versioned
) {
  if (state.dataVersion === next.dataVersion) {
    return (yield* Verification.isInPlace(context, asset, store, context.step)) ? next : undefined
  }
  if (asset.cutoff === undefined || Verification.isForced(context.step)) return undefined
  const old = yield* published(store, state)
  if (old === undefined) return undefined
  if (!(yield* erased(asset.cutoff(old.candidate as never, next.candidate as never)))) return undefined
  const whole = yield* publishedWhole(asset, store, state)
  const kept: Versioned = { ...old, ...whole, dataVersion: state.dataVersion, metadata: {}, rows: state.rows }
  return kept
})

type Recorded = Pick<Catalog.AssetState, "asset" | "partition" | "dataVersion">

const published = (store: IoManager.AnyStore, { asset, dataVersion, partition }: Recorded) =>
  unlessUnreadable(
    Effect.map(store.published({ asset, partition, version: dataVersion }), (candidate: unknown) => ({ candidate }))
  )

/** Nothing where it cannot be read any more, such as a value that the schema in force does not fit. */
const unlessUnreadable = <A, R>(reading: Effect.Effect<A, IoManager.IoError, R>) =>
  Effect.catchIf(
    reading,
    ({ retryable }) => !retryable,
    () => Effect.succeed(undefined)
  )

/** All slices together as they are, for the checks that see them so. */
const publishedWhole = (asset: Asset.Any, store: IoManager.AnyStore, state: Recorded) =>
  state.partition !== null && asset.checks.some(({ over }) => over === "whole")
    ? Effect.map(published(store, { ...state, partition: null }), (all) => ({ whole: all?.candidate }))
    : Effect.succeed({})

const versionOf = (asset: Asset.Any, staged: IoManager.Staged<unknown>, runId: string) => {
  const { version } = asset
  if (version._tag === "Content") return Effect.succeed(staged.digest)
  if (version._tag === "PerRun") return Effect.succeed(Version.hash("run", [runId]))
  return Effect.map(erased(version.of(staged.candidate as never)), (own) => Version.hash("custom", [own]))
}
