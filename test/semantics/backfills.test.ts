import * as Partition from "../../runtime/Partition.ts"
import { asset, backfill, breaks, inRanges, mend, move, pass, request, retry, run, shows, table, wipe } from "./Case.ts"

const daily = Partition.daily({ start: "2026-03-06" })
const days = asset("days", { partitions: daily })
const totals = asset("totals", { partitions: daily, deps: { days } })
const running = asset("running", { partitions: daily, deps: { totals } })
const report = asset("report", { deps: { days } })
const ranged = inRanges("ranged", daily, { deps: { days } })

table("a backfill", [
  [
    "computes what is not Current of what it names, in the order of dependency",
    [totals],
    [run(), wipe("days/2026-03-07"), shows("days/2026-03-07", "1"), backfill({})],
    { ran: { "days/2026-03-07": "Materialized", "totals/2026-03-07": "Materialized" }, status: {} }
  ],
  [
    "of what is Missing leaves alone what is Stale",
    [totals],
    [run(), move("days/2026-03-07"), wipe("totals/2026-03-09"), backfill({ selection: ["totals"], which: "Missing" })],
    {
      ran: { "totals/2026-03-09": "Materialized" },
      status: { "totals/2026-03-07": "Stale: days has changed in 2026-03-07" }
    }
  ],
  [
    "of all computes what is Current, too",
    [totals],
    [run(), backfill({ selection: ["days"], which: "All", from: "2026-03-08", to: "2026-03-09" })],
    { ran: { "days/2026-03-08..2026-03-09": "Verified" }, status: {} }
  ],
  [
    "keeps to the partitions that it names",
    [totals],
    [backfill({ partitions: "2026-03-07, 2026-03-09.." })],
    { status: { "days/2026-03-06, 2026-03-08": "Missing", "totals/2026-03-06, 2026-03-08": "Missing" } }
  ],
  ["is not made where there is nothing to do", [totals], [run(), backfill({})], { ran: {}, status: {} }],
  [
    "whose partitions fail leaves the others alone, and skips what reads those that failed",
    [running],
    [breaks("body", "totals/2026-03-07"), backfill({})],
    {
      ran: {
        "days/2026-03-06..2026-03-10": "Materialized",
        "totals/2026-03-06, 2026-03-08..2026-03-10": "Materialized",
        "totals/2026-03-07": "Failed",
        "running/2026-03-06, 2026-03-08..2026-03-10": "Materialized",
        "running/2026-03-07": "Skipped"
      },
      status: { "totals/2026-03-07": "Missing", "running/2026-03-07": "Missing" }
    }
  ],
  [
    "that is retried computes what failed and what was skipped, and nothing else",
    [running],
    [breaks("body", "totals/2026-03-07"), backfill({}), mend, retry],
    { ran: { "totals/2026-03-07": "Materialized", "running/2026-03-07": "Materialized" }, status: {} }
  ],
  [
    "that is retried leaves alone what it was not asked for, such as a day that began since",
    [totals],
    [breaks("body", "totals/2026-03-07"), backfill({}), mend, pass("1 day"), retry],
    {
      ran: { "totals/2026-03-07": "Materialized" },
      status: { "days/2026-03-11": "Missing", "totals/2026-03-11": "Missing" }
    }
  ],
  [
    "that is retried has nothing to do for what became Current meanwhile",
    [running],
    [
      breaks("body", "totals/2026-03-07"),
      breaks("body", "totals/2026-03-09"),
      backfill({}),
      mend,
      request({ selection: ["totals"], partition: "2026-03-07" }),
      retry
    ],
    { ran: { "totals/2026-03-09": "Materialized", "running/2026-03-07, 2026-03-09": "Materialized" }, status: {} }
  ],
  [
    "of an asset that takes ranges computes neighbours as one",
    [ranged],
    [run("days"), backfill({ selection: ["ranged"] })],
    {
      plan: ["ranged/2026-03-06..2026-03-10 - certain: never materialized"],
      ran: { "ranged/2026-03-06..2026-03-10": "Materialized" }
    }
  ],
  [
    "of some partitions makes what reads them all Stale, whether others are there or not",
    [report],
    [run(), pass("2 days"), backfill({ selection: ["days"], to: "2026-03-11" })],
    { status: { "days/2026-03-12": "Missing", report: "Stale: days has changed in 2026-03-11" } }
  ]
])
