import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Asset from "../../runtime/AssetDeclaration.ts"
import * as AssetCheck from "../../runtime/AssetCheck.ts"
import * as AssetGraph from "../../runtime/AssetGraph.ts"
import * as AssetReport from "../../runtime/AssetReport.ts"
import * as GraphReport from "../../runtime/GraphReport.ts"
import * as MultiAsset from "../../runtime/MultiAsset.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as Report from "../../runtime/Report.ts"
import * as Table from "../../runtime/Table.ts"
import { daily, io as paper, sliced } from "../Simulation.ts"

const Play = Schema.Struct({
  day: Table.Day.annotate({ description: "When it was played, by the clock of the listener." }),
  id: Schema.Int,
  note: Schema.NullOr(Schema.String)
})

const io = Table.make({ schema: Play, key: ["day", "id"], partition: "day", table: "music.plays" })
const partitions = Partition.daily({ start: "2026-01-01" })

const source = Asset.make("source", {
  codeVersion: "1",
  io: Table.make({ schema: Play, key: ["day", "id"], partition: "day" }),
  partitions,
  materialize: () => Effect.succeed([])
}).pipe(Asset.unrepeatable)

const plays = Asset.make("plays", {
  codeVersion: "7",
  io,
  partitions,
  deps: { source },
  description: "Who played\n  what.",
  materialize: () => Effect.succeed([])
}).pipe(
  Asset.retry({ times: 3, schedule: Schedule.recurs(3), while: () => true }),
  Asset.timeout("90 seconds"),
  Asset.kinds("sql", "table"),
  Asset.check("known", { blocking: true, reads: { source }, run: () => Effect.succeed(AssetCheck.pass()) }),
  Asset.check("odd", { severity: "warn", over: "whole", run: () => Effect.succeed(AssetCheck.pass()) })
)

const graph = AssetGraph.make([plays])

const days = daily("days", { start: "2026-01-01" })

const told = (asset: Asset.Any, title: string) =>
  AssetReport.toText(AssetReport.make(AssetGraph.make([asset]), asset.key), Report.paper)
    .find((line) => line.startsWith(title))
    ?.slice(title.length)
    .trim()

describe("an asset's declaration", () => {
  it("says in words which windows of another asset it reads", () => {
    const reading = (start: number, end: number) =>
      told(sliced("charts", { partitions, deps: { days: Asset.windows(days, { start, end }) } }), "reads")
    expect(reading(0, 0)).toBe("days (what lies within its own window)")
    expect(reading(-6, 0)).toBe("days (what lies within its own window and the 6 before)")
    expect(reading(-1, 2)).toBe("days (what lies within its own window, the 1 before and the 2 after)")
    expect(reading(-1, -1)).toBe("days (what lies within the window 1 before its own)")
    expect(reading(-3, -1)).toBe("days (what lies within the windows from 3 to 1 before its own)")
    expect(reading(1, 3)).toBe("days (what lies within the windows from 1 to 3 after its own)")
  })

  it("says what can be new without anything becoming Stale", () => {
    const deps = { source: Asset.ignoreVersion(source), days }
    const charts = sliced("charts", { partitions, deps }).pipe(Asset.cutoff(() => true))
    expect(told(charts, "reads")).toBe("source (the same partition, whatever the version), days (the same partition)")
    expect(told(charts, "cutoff")).toBe("where its own function takes a new value for the old one")
  })

  it("says whether somebody looks at what is external", () => {
    const events = Asset.external("events")
    expect(told(events, "computed")).toBe("by somebody else")
    expect(told(events.pipe(Asset.observe(() => Effect.succeed("1"))), "computed")).toBe(
      "by somebody else, and observed"
    )
  })

  it("names what the same body computes", () => {
    const { left, right } = MultiAsset.make({
      outputs: {
        left: MultiAsset.output("left_half", { io: paper }),
        right: MultiAsset.output("right_half", { io: paper })
      },
      codeVersion: "1",
      materialize: () => Effect.succeed({ left: 1, right: 2 })
    })
    const halves = AssetGraph.make([left, right])
    expect(AssetReport.toText(AssetReport.make(halves, "left_half"), Report.paper)).toContain(
      "together  computed with right_half"
    )
    const { nodes } = GraphReport.make(halves, new Set(["right_half"]))
    expect(nodes.map(({ togetherWith }) => togetherWith)).toEqual([["left_half"]])
  })

  it("is told one thing a line, with the columns of its rows", () => {
    expect(AssetReport.toText(AssetReport.make(graph, "plays"), Report.paper)).toEqual([
      "plays",
      "Who played what.",
      "",
      "kinds       table, sql",
      "kept as     table music.plays",
      "partitions  daily from 2026-01-01",
      "reads       source (the same partition)",
      "checks      known (blocking, reads source), odd (warns, over the whole)",
      "retries     at most 3",
      "timeout     1 min 30 s",
      "code        version 7",
      "",
      "column  type     null  description",
      "day     date           When it was played, by the clock of the listener.",
      "id      integer",
      "note    text     yes"
    ])
  })

  it("leaves out what there is not", () => {
    const lines = AssetReport.toText(AssetReport.make(graph, "source"), Report.paper)
    expect(lines.slice(0, 4)).toEqual(["source", "", "kinds       table", "kept as     table public.source"])
    expect(lines).toContain("repeatable  no: its source forgets, so partitions are frozen once they end")
  })
})
