/**
 * An OTLP/HTTP collector for tests: it keeps the spans, metric points and log records that arrive as JSON.
 * Protobuf and gRPC are left out, because the exporters in use send JSON.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Zlib from "node:zlib"

type Attributes = Readonly<Record<string, unknown>>

export interface Span {
  readonly name: string
  readonly kind: "UNSPECIFIED" | "INTERNAL" | "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER"
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly startedAt: bigint
  readonly endedAt: bigint
  readonly attributes: Attributes
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: Attributes }>
  readonly status: "UNSET" | "OK" | "ERROR"
  readonly resource: Attributes
}

export interface MetricPoint {
  readonly name: string
  readonly unit: string
  readonly type: "counter" | "upDownCounter" | "gauge" | "histogram"
  readonly attributes: Attributes
  /** The sum of the observations for a histogram. */
  readonly value: number
  readonly resource: Attributes
}

export interface LogRecord {
  readonly body: unknown
  readonly severity: string
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly attributes: Attributes
  readonly resource: Attributes
}

export interface OtlpReceiver {
  /** The value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string
  readonly requests: ReadonlyArray<{ readonly path: string; readonly headers: Http.IncomingHttpHeaders }>
  readonly spans: ReadonlyArray<Span>
  readonly metrics: ReadonlyArray<MetricPoint>
  readonly logs: ReadonlyArray<LogRecord>
}

/** Listens on a free loopback port until the scope closes. `answer` is an HTTP status, or silence for ever. */
export const make = Effect.fn("OtlpReceiver.make")(function* (answer: number | "silence" = 200) {
  const receiver = { requests: [], spans: [], metrics: [], logs: [] } satisfies Omit<OtlpReceiver, "url">
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => void receive(receiver, answer, request, response))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const { port } = server.address() as AddressInfo
  return Object.assign(receiver, { url: `http://127.0.0.1:${port}` }) as OtlpReceiver
})

/**
 * The spans of a trace by name, children indented under their parent in order of start. A span whose parent never
 * arrived is marked with `?`.
 */
export const tree = (spans: ReadonlyArray<Span>, traceId: string): string => {
  const trace = spans
    .filter((span) => span.traceId === traceId)
    .sort((a, b) => Number(a.startedAt - b.startedAt) || a.name.localeCompare(b.name))
  const known = new Set(trace.map((span) => span.spanId))
  const lines = (span: Span, depth: number): ReadonlyArray<string> => [
    `${"  ".repeat(depth)}${span.parentSpanId === undefined || known.has(span.parentSpanId) ? "" : "? "}${span.name}`,
    ...trace.filter((child) => child.parentSpanId === span.spanId).flatMap((child) => lines(child, depth + 1))
  ]
  return trace
    .filter((span) => span.parentSpanId === undefined || !known.has(span.parentSpanId))
    .flatMap((span) => lines(span, 0))
    .join("\n")
}

// internal

interface Received {
  readonly requests: Array<OtlpReceiver["requests"][number]>
  readonly spans: Array<Span>
  readonly metrics: Array<MetricPoint>
  readonly logs: Array<LogRecord>
}

const receive = async (
  received: Received,
  answer: number | "silence",
  request: Http.IncomingMessage,
  response: Http.ServerResponse
) => {
  const path = request.url ?? ""
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  received.requests.push({ path, headers: request.headers })
  if (answer === "silence") return
  if (answer === 200) {
    const body = Buffer.concat(chunks)
    const json = (request.headers["content-encoding"] === "gzip" ? Zlib.gunzipSync(body) : body).toString()
    if (path === "/v1/traces") received.spans.push(...spansOf(json))
    else if (path === "/v1/metrics") received.metrics.push(...pointsOf(json))
    else if (path === "/v1/logs") received.logs.push(...recordsOf(json))
    else return response.writeHead(404).end()
  }
  response.writeHead(answer, { "content-type": "application/json" }).end("{}")
}

type AnyValue = {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: number | string
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values: ReadonlyArray<AnyValue> }
}

const AnyValue = Schema.Struct({
  stringValue: Schema.optionalKey(Schema.String),
  boolValue: Schema.optionalKey(Schema.Boolean),
  intValue: Schema.optionalKey(Schema.Union([Schema.Number, Schema.String])),
  doubleValue: Schema.optionalKey(Schema.Number),
  arrayValue: Schema.optionalKey(
    Schema.Struct({ values: Schema.Array(Schema.suspend((): Schema.Codec<AnyValue> => AnyValue)) })
  )
})

const KeyValues = Schema.Array(Schema.Struct({ key: Schema.String, value: AnyValue }))
const Resource = Schema.Struct({ attributes: KeyValues })
const Nanos = Schema.Union([Schema.String, Schema.Number])
const SpanContext = { traceId: Schema.String, spanId: Schema.String }

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({
      resource: Resource,
      scopeSpans: Schema.Array(
        Schema.Struct({
          spans: Schema.Array(
            Schema.Struct({
              ...SpanContext,
              name: Schema.String,
              kind: Schema.Int,
              parentSpanId: Schema.optionalKey(Schema.String),
              startTimeUnixNano: Nanos,
              endTimeUnixNano: Nanos,
              attributes: KeyValues,
              links: Schema.Array(Schema.Struct(SpanContext)),
              events: Schema.Array(Schema.Struct({ name: Schema.String, attributes: KeyValues })),
              status: Schema.Struct({ code: Schema.Int })
            })
          )
        })
      )
    })
  )
})

const Points = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Array(Schema.Struct({ attributes: KeyValues, ...fields }))
const NumberPoints = Points({
  asInt: Schema.optionalKey(Schema.Union([Schema.Number, Schema.String])),
  asDouble: Schema.optionalKey(Schema.Number)
})

const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({
      resource: Resource,
      scopeMetrics: Schema.Array(
        Schema.Struct({
          metrics: Schema.Array(
            Schema.Struct({
              name: Schema.String,
              unit: Schema.String,
              sum: Schema.optionalKey(Schema.Struct({ isMonotonic: Schema.Boolean, dataPoints: NumberPoints })),
              gauge: Schema.optionalKey(Schema.Struct({ dataPoints: NumberPoints })),
              histogram: Schema.optionalKey(Schema.Struct({ dataPoints: Points({ sum: Schema.Number }) }))
            })
          )
        })
      )
    })
  )
})

const Logs = Schema.Struct({
  resourceLogs: Schema.Array(
    Schema.Struct({
      resource: Resource,
      scopeLogs: Schema.Array(
        Schema.Struct({
          logRecords: Schema.Array(
            Schema.Struct({
              body: AnyValue,
              severityText: Schema.String,
              traceId: Schema.optionalKey(Schema.String),
              spanId: Schema.optionalKey(Schema.String),
              attributes: KeyValues
            })
          )
        })
      )
    })
  )
})

const decodeTraces = Schema.decodeUnknownSync(Schema.fromJsonString(Traces))
const decodeMetrics = Schema.decodeUnknownSync(Schema.fromJsonString(Metrics))
const decodeLogs = Schema.decodeUnknownSync(Schema.fromJsonString(Logs))

const kinds = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] as const
const statuses = ["UNSET", "OK", "ERROR"] as const

const spansOf = (json: string): ReadonlyArray<Span> =>
  decodeTraces(json).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        name: span.name,
        kind: kinds[span.kind] ?? "UNSPECIFIED",
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        startedAt: BigInt(span.startTimeUnixNano),
        endedAt: BigInt(span.endTimeUnixNano),
        attributes: toRecord(span.attributes),
        links: span.links,
        events: span.events.map((event) => ({ name: event.name, attributes: toRecord(event.attributes) })),
        status: statuses[span.status.code] ?? "UNSET",
        resource: toRecord(resource.attributes)
      }))
    )
  )

const pointsOf = (json: string): ReadonlyArray<MetricPoint> =>
  decodeMetrics(json).resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, unit, sum, gauge, histogram }) => {
        const common = { name, unit, resource: toRecord(resource.attributes) }
        const numbers = (type: MetricPoint["type"], points: typeof NumberPoints.Type = []) =>
          points.map((point) => ({
            ...common,
            type,
            attributes: toRecord(point.attributes),
            value: Number(point.asInt ?? point.asDouble)
          }))
        return [
          ...numbers(sum?.isMonotonic ? "counter" : "upDownCounter", sum?.dataPoints),
          ...numbers("gauge", gauge?.dataPoints),
          ...(histogram?.dataPoints ?? []).map((point) => ({
            ...common,
            type: "histogram" as const,
            attributes: toRecord(point.attributes),
            value: point.sum
          }))
        ]
      })
    )
  )

const recordsOf = (json: string): ReadonlyArray<LogRecord> =>
  decodeLogs(json).resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => ({
        body: toValue(record.body),
        severity: record.severityText,
        traceId: record.traceId,
        spanId: record.spanId,
        attributes: toRecord(record.attributes),
        resource: toRecord(resource.attributes)
      }))
    )
  )

const toRecord = (attributes: typeof KeyValues.Type): Attributes =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]))

const toValue = (value: AnyValue): unknown =>
  value.stringValue ??
  value.boolValue ??
  value.doubleValue ??
  (value.intValue === undefined ? value.arrayValue?.values.map(toValue) : Number(value.intValue))
