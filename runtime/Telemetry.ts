/**
 * The spans, metrics and logs of a run: their names, and the way they leave for an OTLP endpoint when one is configured.
 * What deserves a span, and what a run's outcome is, belongs to the modules that do the work.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Struct from "effect/Struct"
import * as Tracer from "effect/Tracer"
import type { SpanIds } from "./Otlp.ts"
import * as OtlpConfig from "./OtlpConfig.ts"

/** The attribute names of spans and metrics. */
export const attributeNames = {
  assetKey: "asset.key",
  partitionKey: "asset.partition.key",
  runId: "asset.run.id",
  reason: "asset.reason",
  outcome: "asset.outcome",
  codeVersion: "asset.code.version",
  dataVersion: "asset.data.version",
  rowsWritten: "asset.rows.written",
  progress: "asset.progress",
  errorType: "error.type"
} as const

/** Attributes by the keys of {@link attributeNames}; what is null or undefined is left out. */
export type Attributes = {
  readonly [K in keyof typeof attributeNames]?: (K extends "rowsWritten" ? number : string) | null | undefined
}

export type { SpanIds } from "./Otlp.ts"

/** What a run came to. */
export type RunStatus = "Succeeded" | "Failed" | "Canceled" | "Interrupted"

/** A run whose process is gone, as it was recorded. */
export interface UnfinishedRun extends SpanIds {
  readonly startedAt: DateTime.DateTime.Input
  readonly endedAt: DateTime.DateTime.Input
  readonly status: RunStatus
  readonly attributes: Attributes
}

// Spans

/** The root span of a run, whose ids belong in the run's record. Jaeger's Monitor tab counts spans of kind SERVER only. */
export const run = <A, E, R>(attributes: Attributes, body: (root: Tracer.Span) => Effect.Effect<A, E, R>) =>
  inSpan("run", { root: true, kind: "server", attributes: toRecord(attributes) }, body).pipe(
    // See `layerRunsOnly`.
    Effect.withTracerEnabled(true)
  )

/** Ends a root span with what the run came to, and counts the run. Without it the span ends with its effect's exit. */
export const endRun = Effect.fnUntraced(function* (root: Tracer.Span, status: RunStatus) {
  end(root, yield* Clock.currentTimeNanos, status)
  yield* recordRun(status)
})

/**
 * Emits the root span of a run whose process died before it could: a span leaves when it ends, so the trace has only
 * the steps that ended. The span takes the recorded ids, so those steps find their parent. Counts the run.
 */
export const closeRun = Effect.fnUntraced(function* (run: UnfinishedRun) {
  const tracer = yield* Effect.tracer
  const root = tracer.span({
    name: "run",
    parent: Option.none(),
    annotations: Context.make(GivenIds, run),
    links: [],
    startTime: toNanos(run.startedAt),
    kind: "server",
    root: true,
    sampled: true
  })
  annotate(root, run.attributes)
  end(root, toNanos(run.endedAt), run.status)
  yield* recordRun(run.status)
})

/** Makes a span recorded elsewhere the parent of an effect, such as the root of the run that a step belongs to. */
export const withParent = (ids: SpanIds) => Effect.withParentSpan(Tracer.externalSpan(ids))

/** The span of deciding what a run does. */
export const plan = <A, E, R>(self: Effect.Effect<A, E, R>) => inSpan("plan", {}, () => self)

/** The span of one step, linked to the spans that published its inputs, in this run or another. */
export const step = <A, E, R>(
  asset: string,
  options: { readonly attributes: Attributes; readonly inputs: ReadonlyArray<SpanIds> },
  body: (step: Tracer.Span) => Effect.Effect<A, E, R>
) =>
  inSpan(
    `materialize ${asset}`,
    {
      attributes: toRecord({ ...options.attributes, assetKey: asset }),
      links: options.inputs.map((ids) => ({ span: Tracer.externalSpan(ids), attributes: {} }))
    },
    body
  )

/** Ends the span of a step as failed: its effect goes on to succeed, because a failed step is one outcome of a run. */
export const failStep = Effect.fnUntraced(function* (
  step: Tracer.Span,
  error: { readonly _tag: string; readonly message: string }
) {
  annotate(step, { errorType: error._tag })
  step.end(yield* Clock.currentTimeNanos, Exit.fail({ name: error._tag, message: error.message }))
})

/** The span of one try of a step. */
export const attempt = <A, E, R>(self: Effect.Effect<A, E, R>) => inSpan("attempt", {}, () => self)

/** The span of what an IO manager does for an asset, which holds the spans of its queries. */
export const io =
  (operation: "load" | "stage" | "publish", asset: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    inSpan(`io.${operation}`, { attributes: toRecord({ assetKey: asset }) }, () => self)

/** The span of one check of a value. */
export const check =
  (name: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    inSpan(`check ${name}`, {}, () => self)

/** Adds attributes to a span that has not ended. */
export const annotate = (span: Tracer.Span, attributes: Attributes) => {
  for (const [name, value] of Object.entries(toRecord(attributes))) span.attribute(name, value)
}

/** An event of the current span, if there is one. */
export const progress = Effect.fnUntraced(function* (words: string) {
  const span = yield* Effect.serviceOption(Tracer.ParentSpan)
  if (Option.isNone(span) || span.value._tag === "ExternalSpan") return
  span.value.event("progress", yield* Clock.currentTimeNanos, toRecord({ progress: words }))
})

// Metrics

/** Counts a step that ended and the rows it published; the duration is in seconds. */
export const recordStep = (step: {
  readonly asset: string
  readonly outcome: string
  readonly seconds: number
  readonly rows: number
}) =>
  record((context) => {
    const labels = { assetKey: step.asset, outcome: step.outcome }
    steps(labels).updateUnsafe(1, context)
    stepDuration(labels).updateUnsafe(step.seconds, context)
    if (step.rows > 0) rowsWritten({ assetKey: step.asset }).updateUnsafe(step.rows, context)
  })

/** Counts an attempt after the first. */
export const recordRetry = (asset: string) => record((context) => retries({ assetKey: asset }).updateUnsafe(1, context))

/** Counts rows that a schema rejected. */
export const recordQuarantined = (asset: string, rows: number) =>
  record((context) => rowsQuarantined({ assetKey: asset }).updateUnsafe(rows, context))

// Layers

/**
 * Sends traces, metrics and logs over OTLP/HTTP (JSON) to the endpoints that the standard variables name:
 * `OTEL_EXPORTER_OTLP_ENDPOINT`, or one for each signal such as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. Without them, or
 * with `OTEL_SDK_DISABLED=true`, no exporter is loaded. Whatever goes wrong is told in one warning and otherwise ignored.
 * Logs are kept off stdout.
 */
export const layer: Layer.Layer<never> = Layer.unwrap(
  Effect.gen(function* () {
    const config = yield* OtlpConfig.load
    if (config === undefined) return Layer.empty
    const Otlp = yield* Effect.promise(() => import("./Otlp.ts"))
    return Otlp.layer(config, givenIds)
  })
).pipe(
  Layer.catchCause((cause) => Layer.effectDiscard(Effect.logWarning(`Telemetry is off: ${oneLine(cause)}`))),
  Layer.provideMerge(Layer.succeed(Logger.LogToStderr, true))
)

/**
 * Keeps spans for runs alone: what a command does around its run, such as starting a server, would arrive as traces whose
 * root never ends.
 */
export const layerRunsOnly: Layer.Layer<never> = Layer.succeed(References.TracerEnabled, false)

// internal

/** The ids that a root span must have because they were recorded before the span could be made. */
class GivenIds extends Context.Service<GivenIds, SpanIds>()("effect-assets/Telemetry/GivenIds") {}

const givenIds = (annotations: Context.Context<never>) => Context.getOption(annotations, GivenIds)

/** Like `Effect.withSpan`, but `body` gets the span, the failure's type is an attribute, and no stack trace is taken. */
const inSpan = <A, E, R>(
  name: string,
  options: Tracer.SpanOptionsNoTrace,
  body: (span: Tracer.Span) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Tracer.ParentSpan>> =>
  Effect.useSpan(name, options, (span) =>
    body(span).pipe(
      Effect.tapCause((cause) => {
        if (!Cause.hasInterruptsOnly(cause)) annotate(span, { errorType: errorType(cause) })
        return Effect.void
      }),
      Effect.provideService(Tracer.ParentSpan, span)
    )
  )

const errorType = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (Predicate.hasProperty(error, "_tag") && typeof error._tag === "string") return error._tag
  return error instanceof Error ? error.name : typeof error
}

const oneLine = (cause: Cause.Cause<unknown>): string => String(Cause.squash(cause)).replaceAll(/\s+/g, " ")

const end = (root: Tracer.Span, endTime: bigint, status: RunStatus) => {
  annotate(root, { outcome: status, errorType: status === "Succeeded" ? null : status })
  root.end(endTime, exits[status])
}

const failed = (status: RunStatus) => Exit.fail({ name: status, message: `The run ended as ${status}` })

const recordRun = (status: RunStatus) => record((context) => runs({ outcome: status }).updateUnsafe(1, context))

const exits: Record<RunStatus, Exit.Exit<void, unknown>> = {
  Succeeded: Exit.void,
  Failed: failed("Failed"),
  Canceled: Exit.interrupt(),
  Interrupted: failed("Interrupted")
}

const toRecord = (attributes: Attributes): Record<string, string | number> => {
  const record: Record<string, string | number> = {}
  for (const [key, name] of names) {
    const value = attributes[key]
    if (value !== undefined && value !== null) record[name] = value
  }
  return record
}

const names = Struct.keys(attributeNames).map((key) => [key, attributeNames[key]] as const)

const toNanos = (time: DateTime.DateTime.Input): bigint =>
  BigInt(DateTime.toEpochMillis(DateTime.makeUnsafe(time))) * 1_000_000n

const record = (update: (context: Context.Context<never>) => void) =>
  Effect.contextWith((context: Context.Context<never>) => Effect.sync(() => update(context)))

interface Labels {
  readonly assetKey?: string
  readonly outcome?: string
}

/** The series of a metric by their labels. They are kept, because `Metric.withAttributes` costs 2 us on every update. */
const family = (make: (attributes: Record<string, string>) => Metric.Metric<number, unknown>, unit: string) => {
  const known = new Map<string, Metric.Metric<number, unknown>>()
  return (labels: Labels) => {
    const key = `${labels.assetKey} ${labels.outcome}`
    let series = known.get(key)
    if (series === undefined) {
      const attributes: Record<string, string> = { unit }
      if (labels.assetKey !== undefined) attributes[attributeNames.assetKey] = labels.assetKey
      if (labels.outcome !== undefined) attributes[attributeNames.outcome] = labels.outcome
      series = make(attributes)
      known.set(key, series)
    }
    return series
  }
}

const counter = (name: string, unit: string, description: string) =>
  // A counter that is not incremental is exported as one that may fall, which Prometheus shows as a gauge.
  family((attributes) => Metric.counter(name, { description, incremental: true, attributes }), unit)

const runs = counter("assets.runs", "{run}", "Runs that ended, by outcome")
const steps = counter("assets.steps", "{step}", "Steps that ended, by asset and outcome")
const rowsWritten = counter("assets.rows.written", "{row}", "Rows published, by asset")
const retries = counter("assets.step.retries", "{retry}", "Attempts after the first, by asset")
const rowsQuarantined = counter("assets.rows.quarantined", "{row}", "Rows a schema rejected, by asset")

const boundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]
const stepDuration = family(
  (attributes) =>
    Metric.histogram("assets.step.duration", {
      description: "Time a step took, by asset and outcome",
      attributes,
      boundaries
    }),
  "s"
)
