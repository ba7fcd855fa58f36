import { assert, describe, it } from "@effect/vitest"
import * as Yaml from "effect/encoding/Yaml"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"

// Absent and empty (`batch:`) settings are both allowed by the collector.
const Components = Schema.Record(Schema.String, Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))

const Pipeline = Schema.Struct({
  receivers: Schema.NonEmptyArray(Schema.String),
  processors: Schema.Array(Schema.String),
  exporters: Schema.NonEmptyArray(Schema.String)
})

const Config = Schema.Struct({
  receivers: Components,
  processors: Components,
  connectors: Components,
  exporters: Components,
  service: Schema.Struct({
    telemetry: Schema.Struct({ metrics: Schema.Struct({ level: Schema.String }) }),
    pipelines: Schema.Record(Schema.String, Pipeline)
  })
})

/** Names that the collector removed, ignores, or starts with only under a deprecated alias; as of 0.152. */
const obsolete: Readonly<Record<string, ReadonlyArray<string>>> = {
  receivers: ["opencensus"],
  processors: ["spanmetrics"],
  connectors: ["spanmetrics", "servicegraph"],
  exporters: ["logging", "jaeger", "loki", "opencensus", "otlp", "otlphttp", "prometheusremotewrite"]
}

const text = Fs.readFileSync(new URL("../otel-collector.yaml", import.meta.url), "utf8")
const config = Schema.decodeUnknownSync(Config, { onExcessProperty: "error" })(Yaml.parse(text))
const pipelines = Object.values(config.service.pipelines)

const kinds = ["receivers", "processors", "connectors", "exporters"] as const
const typeOf = (id: string): string => id.split("/")[0]!

const used = {
  receivers: new Set(pipelines.flatMap((pipeline) => pipeline.receivers)),
  processors: new Set(pipelines.flatMap((pipeline) => pipeline.processors)),
  exporters: new Set(pipelines.flatMap((pipeline) => pipeline.exporters))
}

describe("otel-collector.yaml", () => {
  it("defines all that its pipelines name, and nothing that they do not", () => {
    const connectors = Object.keys(config.connectors)
    assert.sameMembers([...used.receivers], [...Object.keys(config.receivers), ...connectors])
    assert.sameMembers([...used.processors], Object.keys(config.processors))
    assert.sameMembers([...used.exporters], [...Object.keys(config.exporters), ...connectors])
  })

  it("uses no component name that was removed or is deprecated", () => {
    for (const kind of kinds) {
      assert.deepStrictEqual(
        Object.keys(config[kind]).filter((id) => obsolete[kind]?.includes(typeOf(id))),
        []
      )
    }
  })

  it("takes every signal over OTLP and brings the traces to Jaeger", () => {
    assert.sameMembers(Object.keys(config.service.pipelines), ["traces", "metrics", "logs"])
    for (const pipeline of pipelines) assert.include(pipeline.receivers, "otlp")
    assert.deepStrictEqual(config.receivers.otlp, {
      protocols: {
        grpc: { endpoint: "${env:OTEL_BIND:-localhost}:4317" },
        http: { endpoint: "${env:OTEL_BIND:-localhost}:4318" }
      }
    })
    assert.include(config.service.pipelines.traces?.exporters ?? [], "otlp_grpc/jaeger")
    assert.deepStrictEqual(config.exporters["otlp_grpc/jaeger"], {
      endpoint: "${env:JAEGER_OTLP_ENDPOINT:-jaeger:4317}",
      tls: { insecure: true }
    })
  })

  it("limits its memory before anything else in every pipeline", () => {
    for (const pipeline of pipelines) assert.strictEqual(pipeline.processors[0], "memory_limiter")
  })

  it("refers to the environment in the form that the collector expands", () => {
    assert.deepStrictEqual(text.match(/\$\{(?!env:)[^}]*\}/g), null)
  })
})
