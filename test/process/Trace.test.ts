import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OtlpReceiver from "../OtlpReceiver.ts"
import * as Answers from "./Answers.ts"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

const to = (url: string): Command.Environment => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  // Time to send everything, on a busy machine.
  ASSETS_TELEMETRY_SHUTDOWN: "10 seconds"
})

const traceOf = Effect.fnUntraced(function* (project: Project.Project, ended: Command.Ended) {
  const id = Command.lines(ended).at(-1)!.runId!
  return Command.document(Answers.Run, yield* project.run(["run", id, "--json"])).traceId!
})

describe("the trace of a run", { concurrent: true }, () => {
  it.live("has the shape of the work", () =>
    Effect.gen(function* () {
      const receiver = yield* OtlpReceiver.make()
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      const ended = yield* project.run(["materialize", "--json"], to(receiver.url))
      assert.strictEqual(ended.stderr, "")
      const traceId = yield* traceOf(project, ended)
      const { spans } = receiver
      assert.deepStrictEqual(
        spans.filter((span) => span.traceId !== traceId),
        []
      )
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const parents = (span: OtlpReceiver.Span): ReadonlyArray<OtlpReceiver.Span> => {
        const parent = byId.get(span.parentSpanId ?? "")
        return parent === undefined ? [] : [...parents(parent), parent]
      }
      const path = (span: OtlpReceiver.Span) => [...parents(span), span].map(({ name }) => name).join(" > ")
      const paths = new Set(spans.map(path))
      const step = (asset: string) => spans.find(({ name }) => name === `materialize ${asset}`)!

      const root = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
      assert.lengthOf(root, 1)
      assert.deepInclude(root[0], { name: "run", kind: "SERVER", status: "OK" })
      const runId = Command.lines(ended).at(-1)!.runId
      assert.deepInclude(root[0]!.attributes, { "asset.run.id": runId, "asset.outcome": "Succeeded" })

      assert.include(paths, "run > plan")
      for (const asset of Object.keys(Project.once)) {
        assert.include(paths, `run > materialize ${asset} > attempt > io.stage`)
        assert.include(paths, `run > materialize ${asset} > attempt > io.publish`)
        assert.deepInclude(step(asset).attributes, {
          "asset.key": asset,
          "asset.run.id": runId,
          "asset.outcome": "Materialized"
        })
        assert.match(String(step(asset).attributes["asset.code.version"]), /^\d+:[0-9a-f]{32}$/)
        assert.match(String(step(asset).attributes["asset.data.version"]), /^[0-9a-f]{32}$/)
        assert.match(String(step(asset).attributes["asset.reason"]), /^Missing\b/)
      }
      for (const asset of ["features", "model", "model_champion", "recommendations"]) {
        assert.include(paths, `run > materialize ${asset} > attempt > io.load`)
      }
      assert.include(paths, "run > materialize users > attempt > check keeps-most")
      assert.include(paths, "run > materialize features > attempt > check weights-positive")
      assert.strictEqual(step("users").attributes["asset.rows.written"], 299)
      assert.match(String(step("listen_history").attributes["asset.partition.key"]), /^\d{4}-\d\d-\d\d$/)

      for (const asset of ["users", "tracks", "listen_history"]) {
        const requests = spans.filter((span) => span.name === "GET" && parents(span).includes(step(asset)))
        assert.isNotEmpty(requests, asset)
        for (const { kind } of requests) assert.strictEqual(kind, "CLIENT")
      }
      const queries = spans.filter((span) => span.name === "postgres")
      assert.isNotEmpty(queries)
      for (const { kind } of queries) assert.strictEqual(kind, "CLIENT")

      const linked = step("features").links.map(({ spanId }) => byId.get(spanId)?.name)
      assert.sameMembers(linked, ["materialize users", "materialize tracks", "materialize listen_history"])
      assert.includeMembers(
        receiver.metrics.map(({ name }) => name),
        ["assets.runs", "assets.steps", "assets.rows.written", "assets.step.duration"]
      )
    })
  )

  it.live("links to the spans of earlier runs that produced what it reads, and names what failed", () =>
    Effect.gen(function* () {
      const receiver = yield* OtlpReceiver.make()
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      const first = yield* project.run(["materialize", "--json"], to(receiver.url))
      const earlier = yield* traceOf(project, first)
      yield* source.die
      const second = yield* project.run(["materialize", "tracks", "model", "--force", "--json"], to(receiver.url))
      const traceId = yield* traceOf(project, second)
      assert.notStrictEqual(traceId, earlier)
      const span = (trace: string, name: string) =>
        receiver.spans.find((each) => each.traceId === trace && each.name === name)!
      assert.deepStrictEqual(
        span(traceId, "materialize model").links.map((link) => ({ ...link })),
        ["features", "listen_history"].map((asset) => {
          return { traceId: earlier, spanId: span(earlier, `materialize ${asset}`).spanId }
        })
      )
      assert.strictEqual(span(traceId, "materialize model").attributes["asset.outcome"], "Verified")
      const failed = span(traceId, "materialize tracks")
      assert.deepInclude(failed.attributes, { "asset.outcome": "Failed", "error.type": "MusicApiError" })
      assert.strictEqual(failed.status, "ERROR")
      assert.deepInclude(span(traceId, "run"), { status: "ERROR" })
      assert.strictEqual(span(traceId, "run").attributes["asset.outcome"], "Failed")
    })
  )

  for (const [trouble, answer] of [
    ["refuses connections", "refuse"],
    ["never answers", "silence"]
  ] as const) {
    it.live(`makes no difference to the run, but for one warning, when the collector ${trouble}`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make()
        const project = yield* Project.make(source.url)
        yield* project.run(["materialize"])
        const collector =
          answer === "refuse" ? yield* Effect.scoped(OtlpReceiver.make()) : yield* OtlpReceiver.make("silence")
        const recheck = ["materialize", "--recheck", "--json"]
        const without = yield* project.run(recheck)
        const troubled = yield* project.run(recheck, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
        const said = (ended: Command.Ended) =>
          Command.lines(ended)
            .map(({ _tag, asset }) => `${_tag} ${asset}`)
            .sort()
        assert.deepStrictEqual([troubled.code, said(troubled)], [without.code, said(without)])
        assert.lengthOf(troubled.stderr.trim().split("\n"), 1, troubled.stderr)
        assert.match(troubled.stderr, /WARN.*Telemetry was lost on the way to http/)
        assert.isBelow(troubled.seconds, without.seconds + 5)
        const asked = ["status", "--json"]
        const status = yield* project.run(asked)
        const again = yield* project.run(asked, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
        assert.deepStrictEqual([again.code, again.stdout], [0, status.stdout])
      })
    )
  }
})
