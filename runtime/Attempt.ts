/**
 * One try of a step: load, materialize, stage, digest, check, publish.
 *
 * Whether there is another try is `Retry`'s.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import * as AssetCheck from "./AssetCheck.ts"
import * as AttemptError from "./AttemptError.ts"
import * as Catalog from "./Catalog.ts"
import { failureOf, type Provenance } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import type * as IoManager from "./IoManager.ts"
import * as Judgement from "./Judgement.ts"
import type { Lineage, Reading } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import type * as Quarantine from "./Quarantine.ts"
import * as Staleness from "./Staleness.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Timestamp from "./Timestamp.ts"
import * as Version from "./Version.ts"

export type Span = Parameters<typeof Telemetry.annotate>[0] & Telemetry.SpanIds

export interface Context {
  /** At the plan's time. */
  readonly lineage: Lineage
  readonly plan: Plan.Plan
  readonly step: Plan.Step
  readonly runId: string
  readonly log: EventLog.EventLog["Service"]
  readonly session: EventLog.Session
  readonly quarantine: Quarantine.Quarantine["Service"]
  readonly record: (event: EventLog.Fact) => Effect.Effect<void, EventLog.EventLogError>
  readonly claim: EventLog.Claim
  /** The states of the slice and of what it reads, as this attempt takes them. */
  readonly catalog: Catalog.Catalog
  /** From 1. */
  readonly attempt: number
  readonly span: Span
  readonly isTraced: boolean
}

export type Result = Exclude<EventLog.Published, { readonly _tag: "Fenced" }>

export const run = (context: Context) => {
  const { asset } = context.lineage.graph.nodes.get(context.step.asset)!
  const attempt = Effect.scoped(once(context, asset))
  return context.isTraced ? Telemetry.attempt(attempt) : attempt
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const withTimeout = <A, E, R>(asset: Asset.Any, attempt: Effect.Effect<A, E, R>) =>
  asset.timeout === undefined
    ? attempt
    : Effect.timeoutOrElse(attempt, {
        duration: asset.timeout,
        orElse: () =>
          Effect.fail(new AttemptError.TimedOut({ asset: asset.key, after: Duration.format(asset.timeout!) }))
      })

const once = Effect.fnUntraced(function* (context: Context, asset: Asset.Any) {
  const { catalog, lineage, step } = context
  const { provenance, unpublished } = Staleness.inputs(lineage, catalog, step)
  const [dependency] = unpublished
  if (dependency !== undefined) return yield* new AttemptError.DependencyWiped({ asset: asset.key, dependency })
  // Once a publish has begun it is too late to say that nothing was published.
  const made = yield* withTimeout(asset, make(context, asset))
  return yield* publish(context, asset, made, provenance)
})

/** A value that is staged and passed its checks. */
interface Made {
  readonly staged: IoManager.Staged<unknown>
  readonly dataVersion: string
  /** Whether it is what is published already. */
  readonly isSame: boolean
  readonly metadata: IoManager.Metadata
}

const make = Effect.fnUntraced(function* (context: Context, asset: Asset.Any) {
  const { catalog, step } = context
  const tally = makeTally(context, asset)
  if (context.attempt > 1) yield* context.quarantine.clear({ ...sliceOf(context), attempt: context.attempt })

  const inputs = yield* load(context, asset).pipe(io(context, "load"))
  const output = asset.materialize(inputs as never, tally.step as never)
  const value = Effect.isEffect(output) ? yield* erased(output) : output
  const store = yield* Asset.store(asset)
  const staged = yield* store.stage(sliceOf(context), value).pipe(io(context, "stage"))
  yield* tally.limit
  const dataVersion = yield* versionOf(asset, staged, context.runId)
  yield* judge(context, asset, staged, dataVersion)

  const isSame = Catalog.get(catalog, step)?.dataVersion === dataVersion && (yield* isInPlace(context, asset, store))
  const made: Made = { staged, dataVersion, isSame, metadata: { ...staged.metadata, ...tally.metadata() } }
  return made
})

const publish = Effect.fnUntraced(function* (
  context: Context,
  asset: Asset.Any,
  { dataVersion, isSame, metadata, staged }: Made,
  provenance: Provenance
) {
  const event = (at: string): EventLog.Value => ({
    _tag: isSame ? "AssetVerified" : "AssetMaterialized",
    at,
    ...sliceOf(context),
    codeVersion: asset.codeVersion,
    dataVersion,
    provenance,
    rows: staged.rows,
    metadata,
    attempts: context.attempt,
    traceId: context.span.traceId,
    spanId: context.span.spanId
  })
  const loaded = context.lineage.readings(asset.key).flatMap((reading) => loadedAs(context, reading))
  // A kind that has nothing to do in the transaction says so with Effect.void, and a single statement will do.
  const rows = isSame || staged.publish === Effect.void ? undefined : staged.publish
  const published = yield* context.session
    .publish({ claim: context.claim, loaded, event }, rows)
    .pipe(io(context, "publish"))
  if (published._tag === "Fenced") return yield* new AttemptError.ClaimLost({ asset: asset.key })
  return published
})

/**
 * Whether what is stored is what was recorded. Asked of forced steps only, as force is how people mend what something
 * else did to a value; a digest reads all of it.
 */
const isInPlace = (
  { catalog, step }: Context,
  asset: Asset.Any,
  store: IoManager.AnyStore
): Effect.Effect<boolean, IoManager.IoError> =>
  asset.version._tag !== "Content" || step.reasons.every(({ _tag }) => _tag !== "Forced")
    ? Effect.succeed(true)
    : store.digest(step).pipe(
        Effect.map((digest) => digest === Catalog.get(catalog, step)?.dataVersion),
        // Such as a file that is gone.
        Effect.catchIf(
          ({ retryable }) => !retryable,
          () => Effect.succeed(false)
        )
      )

/** Spans cost 3 us each, so those inside a step are made only for a tracer that keeps them. */
const io =
  (context: Context, operation: "load" | "stage" | "publish") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    context.isTraced ? Telemetry.io(operation, context.step.asset)(effect) : effect

// What a body and its kind need is erased here; `Executor.execute` asks for it and the run's context has it.
const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as unknown as Effect.Effect<A, E>

const load = ({ catalog, lineage, step }: Context, asset: Asset.Any) => {
  const index = lineage.index(step)
  const readings = new Map(lineage.readings(asset.key).map((reading) => [reading.edge.asset, reading]))
  return Effect.map(
    Effect.forEach(Object.entries(asset.deps), ([name, { asset: dep }]) =>
      Effect.flatMap(Asset.store(dep), (store) => {
        const reading = readings.get(dep.key)!
        const sources = lineage.read(reading, index).flatMap((ref) => sourceOf(Catalog.get(catalog, ref)))
        // A slice that reads one that is not there, such as the one before the first, is told so.
        const handle: Effect.Effect<unknown, IoManager.IoError> =
          reading.one === undefined
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

const sourceOf = (state: Catalog.AssetState | undefined): ReadonlyArray<IoManager.Source> =>
  state === undefined ? [] : [{ asset: state.asset, partition: state.partition, version: state.dataVersion }]

const loadedAs = ({ catalog, lineage, step }: Context, reading: Reading): ReadonlyArray<EventLog.Loaded> => {
  const { asset } = reading.edge
  if (reading.isAll) return [EventLog.allSlices(asset, Catalog.slices(catalog, asset).values())]
  return lineage.read(reading, lineage.index(step)).flatMap((ref) => {
    const state = Catalog.get(catalog, ref)
    return state === undefined ? [] : [{ _tag: "Slice" as const, ref, position: state.changedPosition }]
  })
}

const versionOf = (asset: Asset.Any, staged: IoManager.Staged<unknown>, runId: string) => {
  const { version } = asset
  if (version._tag === "Content") return Effect.succeed(staged.digest)
  if (version._tag === "PerRun") return Effect.succeed(Version.hash("run", [runId]))
  return Effect.map(erased(version.of(staged.candidate as never)), (own) => Version.hash("custom", [own]))
}

/** Runs every check, records what each found, and fails when a blocking one did that was not accepted for this run. */
const judge = Effect.fnUntraced(function* (
  context: Context,
  asset: Asset.Any,
  { candidate, whole }: IoManager.Staged<unknown>,
  dataVersion: string
) {
  const { log, plan, runId } = context
  const slice: Judgement.Subject = {
    ...sliceOf(context),
    log,
    partitions: asset.partitions,
    moment: context.lineage.moment,
    dataVersion,
    position: undefined,
    candidate
  }
  const failed: Array<{ readonly check: string; readonly reason: string }> = []
  for (const check of asset.checks) {
    const subject = check.over === "whole" ? Judgement.whole(slice, whole) : Effect.succeed(slice)
    const verdict = yield* Effect.flatMap(subject, (subject) => erased(Judgement.traced(check, subject))).pipe(
      // A check that cannot say that its value is good has not passed.
      Effect.catch((error) => {
        const reason = `it could not be run: ${failureOf(Cause.fail(error)).message}`
        return Effect.succeed<Judgement.Verdict>({ ...sliceOf(context), dataVersion, result: AssetCheck.fail(reason) })
      })
    )
    const accepted = plan.accepted.some(({ asset: key, check: name }) => key === asset.key && name === check.name)
    yield* context.record(Judgement.toEvent(check, verdict, { at: yield* Timestamp.now, runId, accepted }))
    const { result } = verdict
    if (result._tag === "Failed" && check.blocking && !accepted)
      failed.push({ check: check.name, reason: result.reason })
  }
  if (failed.length > 0) return yield* new AttemptError.BlockingCheckFailed({ asset: asset.key, failed })
})

/** What a body tells about its own step, and the limit on what it may set aside. */
const makeTally = (context: Context, asset: Asset.Any) => {
  let seen = 0
  let rejected = 0
  let example = ""
  let annotations: IoManager.Metadata = {}
  const step: Asset.Step = {
    asset: asset.key,
    partition: context.step.partition as string & null,
    keys: Partition.split(asset.partitions, context.step.partition),
    runId: context.runId,
    attempt: context.attempt,
    now: context.plan.at,
    annotate: (metadata) => Effect.sync(() => void (annotations = { ...annotations, ...metadata })),
    seen: (items) => Effect.sync(() => void (seen += items)),
    reject: (items) =>
      Effect.suspend(() => {
        if (items.length === 0) return Effect.void
        rejected += items.length
        example ||= items[0]!.reason
        return context.quarantine.add({ ...sliceOf(context), attempt: context.attempt }, items)
      }),
    startOver: Effect.suspend(() => {
      seen = rejected = 0
      example = ""
      return context.quarantine.clear({ ...sliceOf(context), attempt: context.attempt + 1 })
    })
  }
  const limit = Effect.suspend(() => {
    const { atLeast, share } = asset.quarantine
    if (rejected === 0) return Effect.void
    if (rejected < atLeast || rejected <= seen * share) return Telemetry.recordQuarantined(asset.key, rejected)
    return Effect.fail(new AttemptError.TooManyRejected({ asset: asset.key, rejected, seen, share, example }))
  })
  const metadata = (): IoManager.Metadata => (rejected === 0 ? annotations : { ...annotations, quarantined: rejected })
  return { step, limit, metadata }
}

const sliceOf = ({ runId, step }: Context) => ({ runId, asset: step.asset, partition: step.partition })
