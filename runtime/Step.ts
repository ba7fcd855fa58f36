/**
 * One step of a plan: claim its slice, or of an asset that takes ranges all of it; decide again by what is in force,
 * compute what is not Current, check, publish.
 *
 * The order of steps is the Executor's; how a value is staged and made visible is its IO manager's.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as AssetGraph from "./AssetGraph.ts"
import * as Attempt from "./Attempt.ts"
import * as AttemptError from "./AttemptError.ts"
import type { AssetState } from "./Catalog.ts"
import * as Catalog from "./Catalog.ts"
import * as Causes from "./Causes.ts"
import type * as CodeHistory from "./CodeHistory.ts"
import type * as ConfigDigests from "./ConfigDigests.ts"
import { type Event, type Failure, failureOf } from "./Event.ts"
import type * as EventLog from "./EventLog.ts"
import type { Lineage } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import type * as Quarantine from "./Quarantine.ts"
import * as RangeAttempt from "./RangeAttempt.ts"
import type { Reason } from "./Reason.ts"
import * as Retry from "./Retry.ts"
import type { SharedBodies } from "./SharedBodies.ts"
import * as Staleness from "./Staleness.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Timestamp from "./Timestamp.ts"
import { VersionsInForce } from "./VersionsInForce.ts"
import type * as Workers from "./Workers.ts"

/** What the steps of a run share. */
export interface Context {
  /** At the plan's time. */
  readonly lineage: Lineage
  readonly plan: Plan.Plan
  readonly runId: string
  readonly log: EventLog.EventLog["Service"]
  readonly session: EventLog.Session
  readonly quarantine: Quarantine.Quarantine["Service"]
  readonly config: ConfigDigests.ConfigDigests
  readonly code: CodeHistory.CodeHistory
  readonly shared: SharedBodies
  readonly record: (event: EventLog.Fact) => Effect.Effect<void, EventLog.EventLogError>
  /** Told of events that were recorded together with a value. */
  readonly observe: (event: Event) => Effect.Effect<void>
  /** Whether spans are kept; their ids are recorded all the same. */
  readonly isTraced: boolean
}

export interface Failed {
  readonly _tag: "Failed"
  readonly ref: Partition.Ref
  readonly error: Failure
  /** Whether a blocking check was what failed. */
  readonly byCheck: boolean
}

export type Settled =
  | { readonly _tag: "Published" }
  | { readonly _tag: "CutOff" }
  | { readonly _tag: "Skipped" }
  /** Its body had nothing to publish, and nothing ever was. */
  | { readonly _tag: "Absent" }
  | Failed

/** Settles a step; only the log itself can make it fail. */
export const run = (
  context: Context,
  step: Plan.Step,
  workers: Workers.Workers
): Effect.Effect<Settled, EventLog.EventLogError> =>
  // Not acquireUseRelease: waiting for a claim must stay interruptible.
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(claim(context, step, workers)), (claimed) =>
      Effect.ensuring(restore(decide(context, step, workers, claimed)), context.session.release(claimed))
    )
  )

/** Settles a step without trying, because another one failed or was skipped. */
export const skip = Effect.fnUntraced(function* (context: Context, step: Plan.Step, because: Partition.Ref) {
  const at = yield* Timestamp.now
  yield* context.record({ _tag: "StepSkipped", at, ...slice(context, step), because: because.asset })
  const settled: Settled = { _tag: "Skipped" }
  return settled
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Takes the slice, or waits until whoever holds it is done, holding no worker meanwhile. */
const claim = (
  context: Context,
  step: Plan.Step,
  workers: Workers.Workers
): Effect.Effect<EventLog.Claim, EventLog.EventLogError> => {
  // Slices of an asset that takes ranges are published together, whatever a step has of them.
  const partition = step.range === undefined ? step.partition : null
  const attempt = context.session.claim({ asset: step.asset, partition })
  const again: Effect.Effect<EventLog.Claim, EventLog.EventLogError> = Effect.flatMap(
    Effect.andThen(Effect.sleep("100 millis"), attempt),
    Option.match({ onNone: () => again, onSome: Effect.succeed })
  )
  return Effect.flatMap(attempt, Option.match({ onNone: () => workers.standAside(again), onSome: Effect.succeed }))
}

interface Begun {
  readonly workers: Workers.Workers
  readonly claim: EventLog.Claim
  readonly catalog: Catalog.Catalog
  /** The slices that are to be computed. */
  readonly due: ReadonlyArray<Partition.Ref>
  readonly reasons: ReadonlyArray<Reason>
  readonly span: Attempt.Span
}

/** Asks the planner's own question again, about the versions now in force. */
const decide = Effect.fnUntraced(function* (
  context: Context,
  step: Plan.Step,
  workers: Workers.Workers,
  claim: EventLog.Claim
) {
  const { code, config, lineage, log } = context
  const slices = slicesOf(lineage, step)
  const together = computedWith(lineage, step, slices)
  const states = yield* log.states(reads(lineage, step, slices, together))
  const configured = yield* config.inForce(states, together)
  const catalog = yield* code.known(lineage.graph, configured, slices)
  const inForce = new VersionsInForce(lineage, catalog)
  for (const slice of slices) {
    const [unpublished] = Staleness.inputs(lineage, catalog, slice, inForce).unpublished
    if (unpublished !== undefined) return yield* skip(context, step, { asset: unpublished, partition: null })
  }
  const insists = isAskedFor(step) || isComputedWithOthers(context, catalog, step)
  const causes: Array<ReadonlyArray<Reason>> = []
  const due = slices.filter((slice) => {
    const assessment = Staleness.causes(lineage, catalog, slice, inForce)
    if (assessment.status === "Current" && !(insists && isAsPlanned(context.plan, Catalog.get(catalog, slice)))) {
      return false
    }
    causes.push(assessment.causes)
    return true
  })
  const narrowed = due.length === 0 || due.length === slices.length ? step : narrow(lineage, step, due)
  const reasons = reasonsNow(lineage, step, causes)
  const attributes = {
    partitionKey: narrowed.partition,
    runId: context.runId,
    codeVersion: codeVersion(lineage, step),
    reason: tags(reasons)
  }
  return yield* Telemetry.step(step.asset, { attributes, inputs: producers(lineage, catalog, slices) }, (span) =>
    settle(context, narrowed, { workers, claim, catalog, due, reasons, span })
  )
})

/** Does what was decided, and tells the tracer and the metrics what came of it. */
const settle = Effect.fnUntraced(function* (context: Context, step: Plan.Step, begun: Begun) {
  const { due, span } = begun
  const started = yield* Clock.currentTimeMillis
  const told = yield* due.length === 0 ? cutOff(context, step) : compute(context, step, begun)
  const { dataVersion, outcome, rows, settled } = told
  const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
  Telemetry.annotate(span, { outcome, rowsWritten: rows, dataVersion })
  if (settled._tag === "Failed") yield* Telemetry.failStep(span, settled.error)
  yield* Telemetry.recordStep({ asset: step.asset, outcome, seconds, rows })
  return settled
})

interface Told {
  readonly settled: Settled
  readonly outcome: string
  readonly rows: number
  readonly dataVersion: string | null
}

const cutOff = Effect.fnUntraced(function* (context: Context, step: Plan.Step) {
  yield* context.record({ _tag: "StepCutOff", at: yield* Timestamp.now, ...slice(context, step) })
  const told: Told = { settled: { _tag: "CutOff" }, outcome: "CutOff", rows: 0, dataVersion: null }
  return told
})

const absent = Effect.fnUntraced(function* (context: Context, ref: ReturnType<typeof slice>) {
  const at = yield* Timestamp.now
  yield* context.record({ _tag: "StepSkipped", at, ...ref, because: ref.asset, reason: "NothingNew" })
  const told: Told = { settled: { _tag: "Absent" }, outcome: "Skipped", rows: 0, dataVersion: null }
  return told
})

const compute = Effect.fnUntraced(function* (context: Context, step: Plan.Step, begun: Begun) {
  const { lineage, log, record } = context
  const { claim, due, reasons, span, workers } = begun
  const { asset } = lineage.graph.nodes.get(step.asset)!
  const ref = slice(context, step, due)
  yield* record({ _tag: "StepStarted", at: yield* Timestamp.now, ...ref, reasons })

  let retries: Retry.Retry | undefined
  let catalog = begun.catalog
  for (let attempt = 1; ; attempt++) {
    const one = { ...context, step, slices: due, workers, claim, catalog, attempt, span }
    const exit = yield* Effect.exit(step.range === undefined ? Attempt.run(one) : RangeAttempt.run(one))
    if (Exit.isSuccess(exit) && exit.value._tag === "NothingNew") return yield* absent(context, ref)
    if (Exit.isSuccess(exit) && exit.value._tag === "Recorded") {
      const { event } = exit.value
      yield* context.observe(event)
      const verified = event._tag === "AssetVerified"
      const outcome = verified ? "Verified" : event._tag === "AssetObserved" ? "Observed" : "Materialized"
      const told: Told = {
        settled: { _tag: "Published" },
        outcome,
        rows: verified ? 0 : (event.rows ?? 0),
        dataVersion: event.dataVersion
      }
      return told
    }
    const moved = Exit.isSuccess(exit)
    const cause = moved ? Cause.fail(new AttemptError.DependencyMoved({ asset: step.asset })) : exit.cause
    retries ??= yield* Retry.make(asset.retry)
    const delayMillis = yield* moved ? retries.afterMove : retries.afterFailure(cause)
    if (delayMillis === undefined) {
      const error = failureOf(cause)
      yield* record({ _tag: "StepFailed", at: yield* Timestamp.now, ...ref, error, attempts: attempt })
      const byCheck = error._tag === "BlockingCheckFailed"
      const told: Told = {
        settled: { _tag: "Failed", ref: step, error, byCheck },
        outcome: "Failed",
        rows: 0,
        dataVersion: null
      }
      return told
    }
    yield* record({
      _tag: "StepRetried",
      at: yield* Timestamp.now,
      ...ref,
      attempt,
      error: failureOf(cause),
      delayMillis
    })
    yield* Telemetry.recordRetry(step.asset)
    if (delayMillis > 0) yield* workers.standAside(Effect.sleep(delayMillis))
    catalog = yield* log.states(reads(lineage, step, due, computedWith(lineage, step, due)))
  }
})

const slicesOf = (lineage: Lineage, { asset, partition, range }: Plan.Step): ReadonlyArray<Partition.Ref> => {
  if (range === undefined) return [{ asset, partition }]
  const [from, to] = range
  return lineage
    .keys(asset)!
    .all.slice(from, to)
    .map((partition) => ({ asset, partition }))
}

/** The step of those slices that it does compute, which need not be neighbours any more. */
const narrow = (lineage: Lineage, step: Plan.Step, due: ReadonlyArray<Partition.Ref>): Plan.Step => ({
  ...step,
  partition: lineage.spans(
    step.asset,
    due.map((slice) => lineage.index(slice))
  )
})

/** The slices of a step, and those that its body computes with them. */
const computedWith = (
  { graph }: Lineage,
  { asset, partition }: Plan.Step,
  slices: ReadonlyArray<Partition.Ref>
): ReadonlyArray<Partition.Ref> => {
  const others = AssetGraph.togetherWith(graph, asset)
  return others.length === 0 ? slices : [...slices, ...others.map((asset) => ({ asset, partition }))]
}

/** The slices whose states decide about a step: those computed with its own, and those it reads or follows. */
const reads = (
  lineage: Lineage,
  step: Plan.Step,
  slices: ReadonlyArray<Partition.Ref>,
  together: ReadonlyArray<Partition.Ref>
): ReadonlyArray<Partition.Ref> => {
  const { after, deps } = lineage.graph.nodes.get(step.asset)!
  if (deps.length === 0 && after.length === 0) return together
  const indexes = slices.map((slice) => lineage.index(slice))
  return [
    ...together,
    ...lineage
      .readings(step.asset)
      .flatMap((reading) =>
        reading.isAll ? [{ asset: reading.edge.asset, partition: null }] : lineage.readByAll(reading, indexes)
      ),
    ...after.map((asset) => ({ asset, partition: null }))
  ]
}

/** Forced and rechecked steps compute although they are Current. */
const isAskedFor = (step: Plan.Step) =>
  step.reasons.some((reason) => reason._tag === "Forced" || reason._tag === "RecheckRequested")

/** So do those whose body computes another asset in this run, or has to. */
const isComputedWithOthers = ({ lineage, shared }: Context, catalog: Catalog.Catalog, step: Plan.Step): boolean => {
  const { together } = lineage.graph.nodes.get(step.asset)!.asset
  if (together === undefined || together.subset) return false
  if (shared.hasBegun(together, step)) return true
  return computedWith(lineage, step, slicesOf(lineage, step)).some(
    (slice) => Staleness.causes(lineage, catalog, slice).status !== "Current"
  )
}

/** Unless another process did so after the plan was made. */
const isAsPlanned = (plan: Plan.Plan, state: AssetState | undefined) =>
  state === undefined || Date.parse(state.verifiedAt) <= plan.at

/** Why the slices that are computed need it now; what the plan said where one is Missing. */
const reasonsNow = (lineage: Lineage, step: Plan.Step, causes: ReadonlyArray<ReadonlyArray<Reason>>) =>
  causes.length > 0 && causes.every((list) => list.length > 0) ? Causes.merge(lineage, causes) : step.reasons

const tags = (reasons: ReadonlyArray<Reason>) => Array.from(new Set(reasons.map(({ _tag }) => _tag))).join(",")

// Jaeger and collectors drop what is over this many links.
const mostLinks = 128

const producers = (lineage: Lineage, catalog: Catalog.Catalog, slices: ReadonlyArray<Partition.Ref>) => {
  const ids: Array<Telemetry.SpanIds> = []
  const indexes = slices.map((slice) => lineage.index(slice))
  for (const reading of lineage.readings(slices[0]!.asset)) {
    for (const read of lineage.readByAll(reading, indexes)) {
      if (ids.length === mostLinks) return ids
      const { spanId, traceId } = Catalog.get(catalog, read) ?? { spanId: null, traceId: null }
      if (traceId !== null && spanId !== null) ids.push({ traceId, spanId })
    }
  }
  return ids
}

const codeVersion = ({ graph }: Lineage, step: Plan.Step) => graph.nodes.get(step.asset)!.codeVersion

const slice = ({ runId }: Context, { asset, partition, range }: Plan.Step, due?: ReadonlyArray<Partition.Ref>) => ({
  runId,
  asset,
  partition,
  ...(range === undefined ? {} : { covers: due?.length ?? range[1] - range[0] })
})
