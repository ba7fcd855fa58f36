import * as Asset from "../../runtime/Asset.ts"
import * as ExternalAsset from "../../runtime/ExternalAsset.ts"
import * as Partition from "../../runtime/Partition.ts"
import {
  ask,
  asset,
  breaks,
  declare,
  external,
  force,
  isQuiet,
  move,
  never,
  pass,
  recheck,
  request,
  run,
  shows,
  table
} from "./Case.ts"
import { io } from "./Stage.ts"

const feed = external("feed")
const unseen = ExternalAsset.external("feed", { io })
const report = asset("report", { deps: { feed } })
const mail = asset("mail", { deps: { report } })
const due = feed.pipe(Asset.recheckAfter("1 day"))
const daily = Partition.daily({ start: "2026-03-08" })
const files = external("files", daily)
const imported = asset("imported", { partitions: daily, deps: { files } })
const all = asset("all", { deps: { files } })
const observe = (day: string) => request({ selection: ["files"], partition: day, recheck: true })

table("an external asset", [
  ["is there before it was ever observed", [report], [], { status: { report: "Missing" } }],
  [
    "that was never observed has a version, from which others are made",
    [mail],
    [run()],
    { status: {}, values: { feed: null }, madeFrom: { report: ["feed"] } }
  ],
  [
    "has no step without a way to look at it",
    [asset("report", { deps: { feed: unseen } })],
    [ask({ recheck: true, force: true })],
    { plan: ["report - certain: never materialized, forced"] }
  ],
  [
    "makes what reads it Stale when it is observed for the first time",
    [mail],
    [run(), recheck("feed")],
    { ran: { feed: "Observed" }, status: { report: "Stale: feed has changed", mail: "Maybe: report" } }
  ],
  [
    "makes what reads it Stale when another version is observed",
    [mail],
    [recheck(), move("feed")],
    { status: { report: "Stale: feed has changed", mail: "Maybe: report" } }
  ],
  ["may move without consequence until somebody looks", [mail], [recheck(), shows("feed", "1"), run()], { status: {} }],
  [
    "that is observed as it was is verified",
    [mail],
    [recheck(), recheck()],
    { ran: { feed: "Verified", report: "CutOff", mail: "CutOff" }, status: {} }
  ],
  ["that moves back heals what reads it", [mail], [recheck(), move("feed", "1"), move("feed", "0")], { status: {} }],
  [
    "is not looked at by force",
    [report],
    [recheck(), shows("feed", "1"), force()],
    { ran: { report: "Verified" }, values: { feed: "0" } }
  ],
  [
    "that cannot be looked at keeps its version",
    [mail],
    [recheck(), breaks("body", "feed"), recheck()],
    { ran: { feed: "Failed", report: "Skipped", mail: "Skipped" }, status: {} }
  ],
  [
    "that has nothing new keeps its version",
    [report],
    [recheck(), isQuiet("feed"), recheck()],
    { ran: { feed: "Verified", report: "CutOff" }, values: { feed: "0" } }
  ],
  [
    "keeps its version where a check refuses the one that was observed",
    [asset("report", { deps: { feed: feed.pipe(never("1", { blocking: true })) } })],
    [recheck(), move("feed", "1")],
    { ran: { feed: "Failed" }, values: { feed: "0" }, status: {} }
  ],
  [
    "that was computed here before is to be looked at",
    [asset("report", { deps: { feed: asset("feed") } })],
    [run(), declare(report), ask(), run()],
    {
      plan: ["feed - certain: code version 1 became external", "report - conditional: feed may change"],
      ran: { feed: "Verified", report: "CutOff" }
    }
  ],
  [
    "that was computed here before keeps its version where there is no way to look at it",
    [asset("report", { deps: { feed: asset("feed") } })],
    [run(), declare(asset("report", { deps: { feed: unseen } }))],
    { status: {} }
  ]
])

table("a schedule of observations", [
  [
    "begins at once",
    [asset("report", { deps: { due } })],
    [],
    {
      status: { feed: "Stale: never observed", report: "Missing" }
    }
  ],
  [
    "is kept by the first one",
    [asset("report", { deps: { due } })],
    [run()],
    { ran: { feed: "Observed", report: "Materialized" }, status: {} }
  ],
  [
    "makes it due again, and what reads it Maybe",
    [asset("report", { deps: { due } })],
    [run(), pass("1 day")],
    { status: { feed: "Stale: not rechecked since 2026-03-10T12:00:00.000Z", report: "Maybe: feed" } }
  ],
  [
    "cuts off what reads it where it is as it was",
    [asset("report", { deps: { due } })],
    [run(), pass("1 day"), run()],
    { ran: { feed: "Verified", report: "CutOff" }, status: {} }
  ]
])

table("an external asset with partitions", [
  [
    "makes what reads the one that was observed Stale, and no other",
    [imported],
    [run(), observe("2026-03-09")],
    {
      ran: { "files/2026-03-09": "Observed" },
      status: { "imported/2026-03-09": "Stale: files has changed in 2026-03-09" }
    }
  ],
  [
    "tells what reads them all which have moved",
    [all],
    [recheck(), shows("files/2026-03-08", "1"), move("files/2026-03-09")],
    { status: { all: "Stale: files has changed in 2026-03-08..2026-03-09" } }
  ],
  [
    "has each window from its beginning, which what reads it can be made from",
    [imported],
    [run(), pass("1 day"), run()],
    { slices: { files: "2026-03-08..2026-03-11" }, ran: { "imported/2026-03-11": "Materialized" }, status: {} }
  ],
  [
    "is a change to what reads them all when a window begins",
    [all],
    [run(), pass("1 day")],
    { status: { all: "Stale: files has changed" } }
  ]
])
