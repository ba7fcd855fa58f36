import { assert, describe, it } from "@effect/vitest"
import { Metadata } from "effect-assets"
import * as Schema from "effect/Schema"
import { Metadata as Recorded } from "../runtime/IoManager.ts"
import * as MetadataReport from "../runtime/MetadataReport.ts"
import * as Report from "../runtime/Report.ts"

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
})
