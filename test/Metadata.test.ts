import { assert, describe, it } from "@effect/vitest"
import { Metadata } from "effect-assets"
import * as Schema from "effect/Schema"
import { Metadata as Recorded } from "../runtime/IoManager.ts"
import * as MetadataReport from "../runtime/MetadataReport.ts"
import * as Report from "../runtime/Report.ts"
import * as RunHistory from "../runtime/RunHistory.ts"

const everyKind = {
  count: Metadata.int(1234),
  score: Metadata.float(0.25),
  none: Metadata.float(Number.NaN),
  name: Metadata.text("two\n  lines"),
  link: Metadata.url(new URL("https://example.com/a?b")),
  notes: Metadata.markdown("# Title\n\nText"),
  raw: Metadata.json({ value: [1, null] }),
  sample: Metadata.table([
    { id: 1, name: "Ada", note: null },
    { id: 20, name: "Grace\nHopper" }
  ]),
  plot: Metadata.image("image/png", Uint8Array.of(1, 2, 3)),
  kept: Metadata.imageAt("image/png", "plots/a.png"),
  plainInt: 5,
  plainFloat: 0.5,
  plainText: "text",
  plainJson: { _tag: "something else", value: 1 }
}

describe("metadata", () => {
  it("survives the way into the log and back", () => {
    const kept: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(Recorded)(everyKind)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Recorded)(kept), everyKind)
  })

  it("that is plain JSON is read by its form, and typed values as they are", () => {
    assert.deepStrictEqual(Metadata.of(5), Metadata.int(5))
    assert.deepStrictEqual(Metadata.of(0.5), Metadata.float(0.5))
    assert.deepStrictEqual(Metadata.of("text"), Metadata.text("text"))
    assert.deepStrictEqual(Metadata.of(true), Metadata.json(true))
    assert.deepStrictEqual(Metadata.of({ _tag: "Int", value: 1 }), Metadata.json({ _tag: "Int", value: 1 }))
    assert.strictEqual(Metadata.of(everyKind.link), everyKind.link)
  })

  it("that is no integer or no URL is refused where it is made", () => {
    assert.throws(() => Metadata.int(0.5), "0.5 is not an integer; use Metadata.float")
    assert.throws(() => Metadata.url("/path"), '"/path" is not an absolute URL')
  })

  it("is told in one line each, and tables as tables", () => {
    assert.deepStrictEqual(MetadataReport.toText(everyKind, Report.paper), [
      "count       1,234",
      "score       0.25",
      "none        NaN",
      "name        two lines",
      "link        https://example.com/a?b",
      "notes       # Title Text",
      'raw         {"value":[1,null]}',
      "sample      2 rows",
      "  id  name          note",
      "  1   Ada           null",
      "  20  Grace Hopper",
      "plot        image/png, 3 bytes",
      "kept        image/png plots/a.png",
      "plainInt    5",
      "plainFloat  0.5",
      "plainText   text",
      'plainJson   {"_tag":"something else","value":1}'
    ])
  })

  it("of a run is told below its steps: what bodies and failed checks say, not what every table counts", () => {
    const step = { asset: "users", partition: null, at: "2026-03-01T00:00:00.000Z", runId: "r" }
    const run = {
      id: "r",
      status: "Succeeded" as const,
      trigger: "test",
      startedAt: step.at,
      endedAt: step.at,
      traceId: null,
      spanId: null,
      steps: []
    }
    const judged = { ...step, blocking: false, dataVersion: "v1" }
    const facts = [
      { ...judged, _tag: "CheckPassed" as const, check: "passes", metadata: { rows: 2 } },
      {
        ...judged,
        _tag: "CheckFailed" as const,
        check: "fails",
        severity: "warn" as const,
        accepted: false,
        reason: "one is wrong",
        metadata: { rows: 2, sample: everyKind.sample }
      },
      {
        ...step,
        _tag: "AssetMaterialized" as const,
        codeVersion: "1",
        dataVersion: "v1",
        provenance: {},
        config: {},
        rows: 2,
        metadata: { rows: 2, inserted: 2, share: Metadata.float(0.5) },
        attempts: 1,
        traceId: null,
        spanId: null
      }
    ].map((event, index) => ({ position: index + 1, event }))
    assert.deepStrictEqual(RunHistory.historyToText(run, facts, Report.paper).slice(2), [
      "",
      'users: check "fails" failed (warn): one is wrong',
      "",
      'users, check "fails":',
      "  rows    2",
      "  sample  2 rows",
      "    id  name          note",
      "    1   Ada           null",
      "    20  Grace Hopper",
      "users:",
      "  share  0.5"
    ])
  })
})
