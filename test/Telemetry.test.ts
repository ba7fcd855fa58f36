import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Telemetry from "../runtime/Telemetry.ts"
import * as OtlpReceiver from "./OtlpReceiver.ts"

class Rejected extends Schema.TaggedError<Rejected>()("Rejected", { message: Schema.String }) {}

const elsewhere = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }

/** Runs a program as a process would with this environment: what it recorded has left when it is over. */
const withTelemetry = <A, E>(environment: Record<string, string>, program: Effect.Effect<A, E>) =>
  program.pipe(
    Effect.provide(Telemetry.layer),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown({ ASSETS_TELEMETRY_SHUTDOWN: "10 seconds", ...environment })
    ),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(Logger.CurrentLoggers, new Set())
  )

const collect = Effect.fnUntraced(function* <A, E>(
  program: Effect.Effect<A, E>,
  environment: (url: string) => Record<string, string> = (url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url })
) {
  const receiver = yield* OtlpReceiver.make()
  yield* withTelemetry(environment(receiver.url), program)
  return receiver
})

const named = (receiver: OtlpReceiver.OtlpReceiver, name: string): OtlpReceiver.Span => {
  const spans = receiver.spans.filter((span) => span.name === name)
  assert.strictEqual(spans.length, 1, `spans named ${name}`)
  return spans[0]!
}

describe("spans", () => {
  it.live("of a run arrive as one tree under a root of kind SERVER", () =>
    Effect.gen(function* () {
      const attempt = Effect.gen(function* () {
        yield* Effect.void.pipe(Telemetry.io("load", "features"))
        yield* Effect.void.pipe(Telemetry.io("stage", "features"))
        yield* Effect.void.pipe(Telemetry.check("weights are positive"))
        yield* Effect.void.pipe(Telemetry.io("publish", "features"))
      })
      const receiver = yield* collect(
        Telemetry.run({ runId: "run-1" }, (root) =>
          Effect.gen(function* () {
            yield* Effect.void.pipe(Telemetry.plan)
            yield* Telemetry.step(
              "features",
              { attributes: { runId: "run-1", partitionKey: null, reason: "Missing" }, inputs: [] },
              () => Telemetry.attempt(attempt)
            )
            yield* Telemetry.endRun(root, "Succeeded")
          })
        )
      )
      const root = named(receiver, "run")
      assert.strictEqual(
        OtlpReceiver.tree(receiver.spans, root.traceId),
        [
          "run",
          "  plan",
          "  materialize features",
          "    attempt",
          "      io.load",
          "      io.stage",
          "      check weights are positive",
          "      io.publish"
        ].join("\n")
      )
      assert.deepStrictEqual(
        [root.kind, root.status, root.attributes],
        ["SERVER", "OK", { "asset.run.id": "run-1", "asset.outcome": "Succeeded" }]
      )
      assert.deepStrictEqual(named(receiver, "materialize features").attributes, {
        "asset.key": "features",
        "asset.run.id": "run-1",
        "asset.reason": "Missing"
      })
    })
  )

  it.live("of a step link to the spans that published its inputs, in other runs too", () =>
    Effect.gen(function* () {
      const receiver = yield* collect(
        Telemetry.step("users", { attributes: {}, inputs: [] }, (users) =>
          Telemetry.step("features", { attributes: {}, inputs: [users, elsewhere] }, () => Effect.void)
        )
      )
      const { traceId, spanId } = named(receiver, "materialize users")
      assert.deepStrictEqual(named(receiver, "materialize features").links, [{ traceId, spanId }, elsewhere])
    })
  )

  it.live("take a span recorded in another process as their parent", () =>
    Effect.gen(function* () {
      const receiver = yield* collect(Telemetry.plan(Effect.void).pipe(Telemetry.withParent(elsewhere)))
      const { traceId, parentSpanId } = named(receiver, "plan")
      assert.deepStrictEqual([traceId, parentSpanId], [elsewhere.traceId, elsewhere.spanId])
    })
  )

  it.live("of what failed name the error's tag and have the status ERROR", () =>
    Effect.gen(function* () {
      const receiver = yield* collect(
        Effect.exit(Telemetry.attempt(new Rejected({ message: "12 rows are not listens" })))
      )
      const attempt = named(receiver, "attempt")
      assert.deepStrictEqual([attempt.status, attempt.attributes["error.type"]], ["ERROR", "Rejected"])
      assert.deepStrictEqual(
        attempt.events.map(({ name, attributes }) => [name, attributes["exception.message"]]),
        [["exception", "12 rows are not listens"]]
      )
    })
  )

  it.live("of a run that failed are errors although the effect that ran it succeeded", () =>
    Effect.gen(function* () {
      const receiver = yield* collect(Telemetry.run({}, (root) => Telemetry.endRun(root, "Failed")))
      const root = named(receiver, "run")
      assert.deepStrictEqual([root.status, root.attributes["asset.outcome"]], ["ERROR", "Failed"])
    })
  )

  it.live("of a killed run get their root from whoever closes the run", () =>
    Effect.gen(function* () {
      let root: Telemetry.SpanIds = elsewhere
      const killed = yield* collect(
        Telemetry.run({}, (span) =>
          Effect.gen(function* () {
            root = { traceId: span.traceId, spanId: span.spanId }
            yield* Telemetry.step("users", { attributes: {}, inputs: [] }, () => Effect.void)
            return yield* Effect.never
          })
        ).pipe(Effect.forkDetach({ startImmediately: true }))
      )
      const closing = yield* collect(
        Telemetry.closeRun({
          ...root,
          startedAt: "2026-11-21T10:00:00.000Z",
          endedAt: new Date("2026-11-21T10:00:02.500Z"),
          status: "Interrupted",
          attributes: { runId: "run-1" }
        })
      )
      assert.strictEqual(OtlpReceiver.tree(killed.spans, root.traceId), "? materialize users")
      assert.strictEqual(
        OtlpReceiver.tree([...killed.spans, ...closing.spans], root.traceId),
        "run\n  materialize users"
      )
      const { kind, status, startedAt, endedAt, attributes } = named(closing, "run")
      assert.deepStrictEqual(
        { kind, status, startedAt, endedAt, attributes },
        {
          kind: "SERVER",
          status: "ERROR",
          startedAt: 1795255200000000000n,
          endedAt: 1795255202500000000n,
          attributes: { "asset.run.id": "run-1", "asset.outcome": "Interrupted", "error.type": "Interrupted" }
        }
      )
    })
  )

  it.live("are dropped when they come faster than they leave, the root last of all", () =>
    Effect.gen(function* () {
      const burst = Effect.replicateEffect(Telemetry.plan(Effect.void), 1_000, { discard: true })
      const receiver = yield* collect(
        Telemetry.run({}, (root) => Effect.andThen(burst, Telemetry.endRun(root, "Succeeded"))),
        (url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_MAX_QUEUE_SIZE: "10" })
      )
      assert.isBelow(receiver.spans.length, 1_000)
      assert.strictEqual(named(receiver, "run").status, "OK")
    })
  )

  it.live("made after a run was closed have ids of their own again", () =>
    Effect.gen(function* () {
      const closed = { startedAt: 0, endedAt: 1, status: "Interrupted", attributes: {} } as const
      const receiver = yield* collect(
        Effect.andThen(Telemetry.closeRun({ ...elsewhere, ...closed }), Telemetry.plan(Effect.void))
      )
      const plan = named(receiver, "plan")
      assert.notStrictEqual(plan.traceId, elsewhere.traceId)
      assert.notStrictEqual(plan.spanId, elsewhere.spanId)
    })
  )

  it.live("have ids that can be stored when nothing is exported", () =>
    Effect.gen(function* () {
      const ids = yield* withTelemetry(
        {},
        Telemetry.run({}, ({ traceId, spanId }) => Effect.succeed({ traceId, spanId }))
      )
      assert.match(ids.traceId, /^[0-9a-f]{32}$/)
      assert.match(ids.spanId, /^[0-9a-f]{16}$/)
    })
  )
})

describe("metrics", () => {
  it.live("arrive with their units, and what only grows as counters", () =>
    Effect.gen(function* () {
      const receiver = yield* collect(
        Effect.gen(function* () {
          yield* Telemetry.recordStep({ asset: "users", outcome: "Materialized", seconds: 0.5, rows: 12 })
          yield* Telemetry.recordStep({ asset: "users", outcome: "Materialized", seconds: 1.5, rows: 0 })
          yield* Telemetry.recordRetry("users")
          yield* Telemetry.recordQuarantined("users", 3)
          yield* Telemetry.run({}, (root) => Telemetry.endRun(root, "Failed"))
        })
      )
      const points = receiver.metrics.map(({ name, type, unit, value, attributes }) =>
        [name, type, unit, value, attributes["asset.key"] ?? "-", attributes["asset.outcome"] ?? "-"].join(" ")
      )
      assert.sameMembers(points, [
        "assets.runs counter {run} 1 - Failed",
        "assets.steps counter {step} 2 users Materialized",
        "assets.step.duration histogram s 2 users Materialized",
        "assets.rows.written counter {row} 12 users -",
        "assets.step.retries counter {retry} 1 users -",
        "assets.rows.quarantined counter {row} 3 users -"
      ])
    })
  )
})

describe("logs", () => {
  it.live("arrive with the span in which they were written", () =>
    Effect.gen(function* () {
      const receiver = yield* collect(Telemetry.plan(Effect.logWarning("users moved while they were read")))
      const { traceId, spanId } = named(receiver, "plan")
      assert.deepStrictEqual(
        receiver.logs.map((log) => [log.body, log.severity, log.traceId, log.spanId]),
        [["users moved while they were read", "Warn", traceId, spanId]]
      )
    })
  )
})

describe("the environment", () => {
  const oneOfEach = Telemetry.run({}, (root) =>
    Effect.andThen(Effect.logInfo("hello"), Telemetry.endRun(root, "Succeeded"))
  )
  const pathsSent = (environment: (url: string) => Record<string, string>) =>
    Effect.map(collect(oneOfEach, environment), ({ requests }) => requests.map(({ path }) => path).sort())

  it.live("may name an endpoint for one signal only", () =>
    Effect.gen(function* () {
      const paths = yield* pathsSent((url) => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces` }))
      assert.deepStrictEqual(paths, ["/v1/traces"])
    })
  )

  it.live("may take a signal out", () =>
    Effect.gen(function* () {
      const paths = yield* pathsSent((url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`, OTEL_LOGS_EXPORTER: "none" }))
      assert.deepStrictEqual(paths, ["/v1/metrics", "/v1/traces"])
    })
  )

  it.live("may turn everything off", () =>
    Effect.gen(function* () {
      const paths = yield* pathsSent((url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: "true" }))
      assert.deepStrictEqual(paths, [])
    })
  )

  it.live("may leave variables empty, which means unset", () =>
    Effect.gen(function* () {
      const paths = yield* pathsSent((url) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "",
        OTEL_EXPORTER_OTLP_TIMEOUT: "",
        OTEL_SDK_DISABLED: ""
      }))
      assert.deepStrictEqual(paths, ["/v1/logs", "/v1/metrics", "/v1/traces"])
    })
  )

  it.live("names the service, which is called assets otherwise", () =>
    Effect.gen(function* () {
      const serviceOf = (environment: Record<string, string>) =>
        Effect.map(
          collect(oneOfEach, (url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...environment })),
          (receiver) => receiver.spans.map(({ resource }) => [resource["service.name"], resource["team"]])
        )
      assert.deepStrictEqual(yield* serviceOf({}), [["assets", undefined]])
      assert.deepStrictEqual(yield* serviceOf({ OTEL_SERVICE_NAME: "music" }), [["music", undefined]])
      assert.deepStrictEqual(yield* serviceOf({ OTEL_RESOURCE_ATTRIBUTES: "team=data" }), [["assets", "data"]])
      assert.deepStrictEqual(yield* serviceOf({ OTEL_RESOURCE_ATTRIBUTES: "team=data,service.name=music" }), [
        ["music", "data"]
      ])
    })
  )
})
