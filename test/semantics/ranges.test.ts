import * as Partition from "../../runtime/Partition.ts"
import {
  ask,
  asset,
  breaks,
  edit,
  inRanges,
  isQuiet,
  mend,
  move,
  pass,
  recheck,
  request,
  run,
  set,
  shows,
  table,
  tamper
} from "./Case.ts"

const daily = Partition.daily({ start: "2026-03-06" })
const days = asset("days", { partitions: daily })
const totals = inRanges("totals", daily, { deps: { days } })
const byTwo = inRanges("totals", daily, { deps: { days }, most: 2 })
const shown = asset("shown", { partitions: daily, deps: { totals } })
const source = inRanges("source", daily)
const report = asset("report", { deps: { source } })

table("slices of a range", [
  [
    "are planned as one, which waits for all that any of them reads",
    [totals],
    [ask()],
    {
      plan: [
        "days/2026-03-06..2026-03-10 - certain: never materialized",
        "totals/2026-03-06..2026-03-10 - certain: never materialized, days may change"
      ],
      waits: { "totals/2026-03-06..2026-03-10": "days/2026-03-06..2026-03-10" }
    }
  ],
  [
    "are Stale each by what it reads itself",
    [shown],
    [run(), move("days/2026-03-08")],
    {
      status: { "totals/2026-03-08": "Stale: days has changed in 2026-03-08", "shown/2026-03-08": "Maybe: totals" }
    }
  ],
  [
    "are computed where they are not Current, and nowhere else",
    [shown],
    [run(), shows("days/2026-03-06", "1"), move("days/2026-03-08"), run()],
    {
      ran: { "totals/2026-03-06, 2026-03-08": "Materialized", "shown/2026-03-06, 2026-03-08": "Materialized" },
      status: {}
    }
  ],
  [
    "that come out as they were are no change to what reads them",
    [shown, report],
    [run(), shows("source/2026-03-07", "1"), recheck("source")],
    {
      ran: { "source/2026-03-06..2026-03-10": "Materialized" },
      status: { report: "Stale: source has changed in 2026-03-07" }
    }
  ],
  [
    "are verified together where none comes out otherwise",
    [report],
    [run(), recheck()],
    { ran: { "source/2026-03-06..2026-03-10": "Verified", report: "CutOff" }, status: {} }
  ],
  [
    "are Missing one by one as windows begin",
    [totals],
    [run(), pass("1 day"), run("days"), ask()],
    {
      status: { "totals/2026-03-11": "Missing" },
      plan: ["totals/2026-03-11 - certain: never materialized"]
    }
  ],
  [
    "may be asked for in part",
    [source],
    [request({ selection: ["source"], from: "2026-03-09" })],
    { status: { "source/2026-03-06..2026-03-08": "Missing" } }
  ],
  [
    "have the settings of their body in common",
    [inRanges("source", daily, { reads: "LIMIT" })],
    [set("LIMIT", "1"), run(), set("LIMIT", "2")],
    { status: { "source/2026-03-06..2026-03-10": "Stale: setting LIMIT has changed" } }
  ],
  [
    "stay as they are where the body has nothing new for one",
    [report],
    [run(), isQuiet("source/2026-03-07"), shows("source/2026-03-08", "1"), recheck()],
    { ran: { "source/2026-03-06..2026-03-10": "Verified", report: "CutOff" }, status: {} }
  ]
])

table("a range that fails", [
  [
    "changes nothing of any slice when the body fails for one",
    [shown],
    [run(), shows("days/2026-03-08", "1"), move("days/2026-03-09"), breaks("body", "totals/2026-03-09"), run()],
    {
      ran: { "totals/2026-03-08..2026-03-09": "Failed", "shown/2026-03-08..2026-03-09": "Skipped" },
      status: {
        "totals/2026-03-08": "Stale: days has changed in 2026-03-08",
        "totals/2026-03-09": "Stale: days has changed in 2026-03-09",
        "shown/2026-03-08..2026-03-09": "Maybe: totals"
      }
    }
  ],
  [
    "changes nothing of any slice when one cannot be published",
    [report],
    [run(), shows("source/2026-03-08", "1"), breaks("publish", "source/2026-03-08"), recheck()],
    { ran: { "source/2026-03-06..2026-03-10": "Failed", report: "Skipped" }, status: {} }
  ],
  [
    "leaves none behind when it is the first",
    [source],
    [breaks("body", "source/2026-03-10"), run()],
    { status: { "source/2026-03-06..2026-03-10": "Missing" } }
  ],
  [
    "does not keep others of the asset from running",
    [byTwo],
    [run("days"), breaks("body", "totals/2026-03-08"), run()],
    {
      ran: {
        "totals/2026-03-06..2026-03-07, 2026-03-10": "Materialized",
        "totals/2026-03-08..2026-03-09": "Failed"
      },
      status: { "totals/2026-03-08..2026-03-09": "Missing" }
    }
  ],
  [
    "is all there is to do once it is mended",
    [byTwo],
    [run("days"), breaks("body", "totals/2026-03-08"), run(), mend, run()],
    { ran: { "totals/2026-03-08..2026-03-09": "Materialized" }, status: {} }
  ]
])

const oldAlgorithm = `1:${"a".repeat(32)}`
const newAlgorithm = `2:${"b".repeat(32)}`
const newerAlgorithm = `3:${"c".repeat(32)}`
const computedOnce = [edit("totals", oldAlgorithm), run(), edit("totals", newAlgorithm)]

table("a range whose code version is computed in another way", [
  [
    "is verified by what is published, without computing it",
    [shown],
    [...computedOnce, breaks("body", "totals/2026-03-08"), run()],
    { ran: { "totals/2026-03-06..2026-03-10": "Verified", "shown/2026-03-06..2026-03-10": "CutOff" }, status: {} }
  ],
  [
    "is computed in those slices for which there is another cause",
    [shown],
    [...computedOnce, move("days/2026-03-08"), breaks("body", "totals/2026-03-09"), run()],
    {
      ran: {
        "totals/2026-03-06..2026-03-10": "Materialized",
        "shown/2026-03-06..2026-03-07, 2026-03-09..2026-03-10": "CutOff",
        "shown/2026-03-08": "Materialized"
      },
      status: {}
    }
  ],
  [
    "is computed and written in those slices that are not what was recorded",
    [report],
    [
      edit("source", oldAlgorithm),
      run(),
      tamper("source/2026-03-08", "other"),
      edit("source", newAlgorithm),
      breaks("body", "source/2026-03-09"),
      run(),
      breaks("body", "source/2026-03-08"),
      edit("source", newerAlgorithm),
      run()
    ],
    { ran: { "source/2026-03-06..2026-03-10": "Verified", report: "CutOff" }, status: {} }
  ],
  [
    "is computed when it is forced",
    [totals],
    [...computedOnce, breaks("body", "totals/2026-03-08"), request({ selection: ["totals"], force: true })],
    { ran: { "totals/2026-03-06..2026-03-10": "Failed" } }
  ],
  [
    "fails where it has to compute and cannot, and verifies nothing",
    [totals],
    [...computedOnce, tamper("totals/2026-03-08", "other"), breaks("body", "totals/2026-03-08"), run()],
    { status: { "totals/2026-03-06..2026-03-10": "Stale: code versions are computed in another way now" } }
  ],
  [
    "keeps the settings that its slices were made with",
    [inRanges("totals", daily, { reads: "LIMIT" })],
    [set("LIMIT", "1"), ...computedOnce, breaks("body", "totals/2026-03-08"), run(), set("LIMIT", "2")],
    { status: { "totals/2026-03-06..2026-03-10": "Stale: setting LIMIT has changed" } }
  ]
])
