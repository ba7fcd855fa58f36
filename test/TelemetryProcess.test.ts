import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import * as OtlpReceiver from "./OtlpReceiver.ts"

/** Prints to stderr the OpenTelemetry modules that the process loads. */
const listModules = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module"
  import { writeSync } from "node:fs"
  registerHooks({
    load: (url, context, next) => {
      if (url.includes("opentelemetry")) writeSync(2, url + "\\n")
      return next(url, context)
    }
  })
`)}`

interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: ReadonlyArray<string>
  readonly seconds: number
}

const start = (
  environment: Record<string, string>,
  options: { readonly flags?: ReadonlyArray<string>; readonly interruptOnceItPrints?: boolean } = {}
) =>
  Effect.callback<Ended>((resume) => {
    const { flags = [], interruptOnceItPrints = false } = options
    const started = performance.now()
    const program = [
      fileURLToPath(new URL("TelemetryProgram.ts", import.meta.url)),
      ...(interruptOnceItPrints ? ["wait"] : [])
    ]
    const { NODE_COMPILE_CACHE, PATH } = process.env
    const child = ChildProcess.spawn(process.execPath, [...flags, ...program], {
      env: { PATH, NODE_COMPILE_CACHE, ...environment }
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => {
      stdout += chunk
      if (interruptOnceItPrints) child.kill("SIGINT")
    })
    child.stderr.on("data", (chunk) => (stderr += chunk))
    child.on("close", (exitCode) => {
      const seconds = (performance.now() - started) / 1000
      resume(Effect.succeed({ exitCode, stdout, stderr: stderr.split("\n").filter(Boolean), seconds }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** Sends to a receiver, with time to do so on a busy machine. */
const patiently = (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ASSETS_TELEMETRY_SHUTDOWN: "10 seconds" })

// Two processes one after the other, on a machine that other tests keep busy.
const timeout = 30_000

describe("a process with telemetry", () => {
  it.live(
    "loads no OpenTelemetry module unless an endpoint is set",
    () =>
      Effect.gen(function* () {
        const receiver = yield* OtlpReceiver.make()
        const off = yield* start({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, { flags: ["--import", listModules] })
        const on = yield* start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, { flags: ["--import", listModules] })
        assert.strictEqual(off.stderr.filter((line) => line.includes("opentelemetry")).length, 0)
        assert.isAbove(on.stderr.filter((line) => line.includes("opentelemetry")).length, 0)
      }),
    timeout
  )

  it.live(
    "sends the headers that the environment gives and keeps its logs off stdout",
    () =>
      Effect.gen(function* () {
        const receiver = yield* OtlpReceiver.make()
        const { stdout, stderr } = yield* start({
          ...patiently(receiver.url),
          OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20token"
        })
        assert.deepStrictEqual(
          new Set(receiver.requests.map(({ path, headers }) => `${path} ${headers.authorization}`)),
          new Set(["/v1/traces Bearer token", "/v1/metrics Bearer token", "/v1/logs Bearer token"])
        )
        assert.strictEqual(stdout, "3 users\n")
        assert.strictEqual(stderr.length, 1)
        assert.include(stderr[0], "users are published")
      }),
    timeout
  )

  it.live(
    "sends the whole run when it is interrupted by Ctrl-C",
    () =>
      Effect.gen(function* () {
        const receiver = yield* OtlpReceiver.make()
        const { exitCode } = yield* start(patiently(receiver.url), { interruptOnceItPrints: true })
        assert.strictEqual(exitCode, 130)
        assert.strictEqual(
          OtlpReceiver.tree(receiver.spans, receiver.spans[0]?.traceId ?? ""),
          "run\n  materialize users"
        )
        assert.isAbove(receiver.metrics.length, 0)
        assert.lengthOf(receiver.logs, 1)
      }),
    timeout
  )

  const to = (answer: number | "silence") =>
    Effect.map(OtlpReceiver.make(answer), ({ url }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url }))
  const refusing = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }
  const unusable = { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" }
  const nonsense = { ...refusing, OTEL_METRIC_EXPORT_INTERVAL: "often" }
  const lost = /Telemetry was lost on the way to http/
  const troubles: ReadonlyArray<
    readonly [string, Effect.Effect<Record<string, string>, never, Scope.Scope>, warning: RegExp]
  > = [
    ["the collector refuses connections", Effect.succeed(refusing), lost],
    ["the collector never answers", to("silence"), lost],
    ["the collector answers 500", to(500), lost],
    ["the collector answers 503", to(503), lost],
    ["the endpoint is no URL", Effect.succeed(unusable), /Telemetry needs an http or https URL for .*nowhere/],
    ["a setting makes no sense", Effect.succeed(nonsense), /Telemetry is off: .*OTEL_METRIC_EXPORT_INTERVAL/]
  ]

  for (const [trouble, environment, warning] of troubles) {
    it.live(
      `does and prints the same, but for one warning, and ends soon when ${trouble}`,
      () =>
        Effect.gen(function* () {
          const without = yield* start({})
          const troubled = yield* start(yield* environment)
          assert.deepStrictEqual([troubled.exitCode, troubled.stdout], [without.exitCode, without.stdout])
          const warnings = troubled.stderr.filter((line) => line.includes("WARN"))
          assert.lengthOf(warnings, 1)
          assert.match(warnings[0] ?? "", warning)
          assert.lengthOf(troubled.stderr, without.stderr.length + 1)
          assert.isBelow(troubled.seconds, without.seconds + 5)
        }),
      timeout
    )
  }
})
