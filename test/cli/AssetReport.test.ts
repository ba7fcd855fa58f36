import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Asset from "../../runtime/Asset.ts"
import * as AssetCheck from "../../runtime/AssetCheck.ts"
import * as AssetGraph from "../../runtime/AssetGraph.ts"
import * as AssetReport from "../../runtime/AssetReport.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as Report from "../../runtime/Report.ts"
import * as Table from "../../runtime/Table.ts"

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

describe("an asset's declaration", () => {
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
