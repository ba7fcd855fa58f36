/**
 * Exports spans, metrics and logs over OTLP/HTTP with the OpenTelemetry SDK, so that a collector which is slow, broken or
 * absent changes nothing but what it receives. Loading this module takes a tenth of a second and more, so Telemetry does
 * it on demand; what is recorded is decided there.
 */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http"
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { BatchLogRecordProcessor } from "@opentelemetry/sdk-logs"
import { PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics"
import {
  BatchSpanProcessor,
  RandomIdGenerator,
  type ReadableSpan,
  type SpanProcessor
} from "@opentelemetry/sdk-trace-base"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Tracer from "effect/Tracer"
import type { Destination, OtlpConfig } from "./OtlpConfig.ts"

/** Names one span in any process: 32 and 16 hexadecimal digits. They exist whether or not spans are exported. */
export interface SpanIds {
  readonly traceId: string
  readonly spanId: string
}

/** Tells from a span's annotations the ids that it must have, if they were fixed before it is made. */
export type GivenIds = (annotations: Context.Context<never>) => Option.Option<SpanIds>

/**
 * Batches are bounded: when the endpoint does not keep up, what is new is dropped. Closing flushes for
 * `ASSETS_TELEMETRY_SHUTDOWN` (500 ms) at most, and warns once if anything was lost.
 */
export const layer = (config: OtlpConfig, givenIds: GivenIds): Layer.Layer<never> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { traces, metrics, logs } = config.destinations
      const delivery = yield* Effect.acquireRelease(
        Effect.sync(() => new Delivery()),
        (delivery) => delivery.report
      )
      const ids = new IdGenerator()
      const sdk = NodeSdk.layer(() => ({
        resource: config.serviceName === undefined ? undefined : { serviceName: config.serviceName },
        shutdownTimeout: config.shutdownTimeout,
        tracerConfig: { idGenerator: ids },
        spanProcessor: traces && spanProcessors(traces, config, delivery),
        metricReader: metrics && metricReader(metrics, config, delivery),
        logRecordProcessor: logs && logProcessor(logs, delivery)
      }))
      return tracerWithGivenIds(ids, givenIds).pipe(Layer.provideMerge(sdk))
    })
  )

// internal

/** Root spans have a queue of their own: they end last, when the steps of a large run may have filled the other. */
const spanProcessors = (to: Destination, { maxQueueSize }: OtlpConfig, delivery: Delivery) => {
  const batches = (isMember: (span: ReadableSpan) => boolean): SpanProcessor => {
    const exporter = delivery.watch(to.url, new OTLPTraceExporter(to))
    const batch = new BatchSpanProcessor(exporter, { maxQueueSize })
    return {
      onStart: () => {},
      onEnd: (span) => (isMember(span) ? batch.onEnd(span) : undefined),
      forceFlush: () => batch.forceFlush(),
      shutdown: () => batch.shutdown()
    }
  }
  return [
    batches((span) => span.parentSpanContext === undefined),
    batches((span) => span.parentSpanContext !== undefined)
  ]
}

const metricReader = (to: Destination, { exportIntervalMillis }: OtlpConfig, delivery: Delivery) =>
  new PeriodicExportingMetricReader({
    exporter: delivery.watch(to.url, new OTLPMetricExporter(to)),
    exportIntervalMillis
  })

const logProcessor = (to: Destination, delivery: Delivery) =>
  new BatchLogRecordProcessor({ exporter: delivery.watch(to.url, new OTLPLogExporter(to)) })

/** The tracer of the SDK, which asks the generator for the ids of a span in the same tick in which the span is made. */
const tracerWithGivenIds = (generator: IdGenerator, givenIds: GivenIds) =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(Effect.tracer, (tracer) =>
      // Without the SDK tracer's `context`: it serves only instrumentation that finds its parent through the
      // OpenTelemetry API, and makes every step of every fiber under a span 0.7 us slower, four times what it takes.
      Tracer.make({
        span: (options) => generator.using(givenIds(options.annotations), () => tracer.span(options))
      })
    )
  )

class IdGenerator {
  readonly random = new RandomIdGenerator()
  given: SpanIds | undefined

  using<A>(ids: Option.Option<SpanIds>, makeSpan: () => A): A {
    this.given = Option.getOrUndefined(ids)
    try {
      return makeSpan()
    } finally {
      this.given = undefined
    }
  }

  generateTraceId = () => this.given?.traceId ?? this.random.generateTraceId()
  generateSpanId = () => this.given?.spanId ?? this.random.generateSpanId()
}

interface Exporter<Items> {
  export(items: Items, done: (result: { readonly code: number; readonly error?: Error }) => void): void
}

/** What became of the exports. The SDK is told that each went well, because its finalizers die of one that did not. */
class Delivery {
  readonly unanswered = new Map<object, string>()
  failure: string | undefined

  watch<Items, E extends Exporter<Items>>(url: string, exporter: E & Exporter<Items>): E {
    const send = exporter.export.bind(exporter)
    exporter.export = (items, done) => {
      const request = {}
      this.unanswered.set(request, url)
      send(items, (result) => {
        this.unanswered.delete(request)
        if (result.code !== 0) this.failure ??= `${url}: ${reason(result.error)}`
        done({ code: 0 })
      })
    }
    return exporter
  }

  readonly report = Effect.suspend(() => {
    const [waiting] = this.unanswered.values()
    const failure = this.failure ?? (waiting && `${waiting}: no answer in time`)
    return failure === undefined ? Effect.void : Effect.logWarning(`Telemetry was lost on the way to ${failure}`)
  })
}

/** A refused connection to a name with several addresses has an empty message, and an HTTP error its status as code. */
const reason = (error: Error | undefined): string =>
  [Predicate.hasProperty(error, "code") ? error.code : undefined, error?.message].filter(Boolean).join(" ")
