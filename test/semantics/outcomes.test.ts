import * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as Version from "../../runtime/Version.ts"
import {
  ask,
  asset,
  breaks,
  edit,
  force,
  isQuiet,
  mend,
  move,
  never,
  pass,
  recheck,
  run,
  shows,
  table,
  wipe
} from "./Case.ts"

const users = asset("users")
const features = asset("features", { deps: { users } })
const model = asset("model", { deps: { features } })
const alike = asset("features", { deps: { users }, is: "alike" })
const plays = asset("plays", { deps: { users } })
const days = asset("days", { partitions: Partition.daily({ start: "2026-03-08" }) })

table("an identical value", [
  [
    "of the child leaves the grandchild Current",
    [asset("model", { deps: { alike } })],
    [run(), move("users"), run("features")],
    { ran: { features: "Verified" }, status: {} }
  ],
  [
    "cuts off what is below it in the same run",
    [asset("model", { deps: { alike } })],
    [run(), shows("users", "1"), recheck()],
    { ran: { users: "Materialized", features: "Verified", model: "CutOff" } }
  ],
  [
    "in one arm does not cut off what reads the other, too",
    [asset("report", { deps: { alike, plays } })],
    [run(), shows("users", "1"), recheck()],
    { ran: { users: "Materialized", features: "Verified", plays: "Materialized", report: "Materialized" } }
  ],
  [
    "of the source cuts off everything",
    [model],
    [run(), recheck()],
    { ran: { users: "Verified", features: "CutOff", model: "CutOff" }, status: {} }
  ],
  [
    "of a forced step is verified, and what was not selected is left as it is",
    [model],
    [run(), force("features")],
    { ran: { features: "Verified" }, status: {} }
  ],
  [
    "counts as new where every run does",
    [asset("features", { deps: { users: asset("users", { is: "0", version: Version.perRun }) } })],
    [run(), recheck("users")],
    { ran: { users: "Materialized" }, status: { features: "Stale: users has changed" } }
  ],
  [
    "is one that means the same",
    [asset("features", { deps: { users: users.pipe(Asset.cutoff((old, next) => old[0] === next[0])) } })],
    [shows("users", "a1"), run(), shows("users", "a2"), recheck()],
    { ran: { users: "Verified", features: "CutOff" }, values: { users: "a1" }, status: {} }
  ],
  [
    "is none where the meaning differs",
    [asset("features", { deps: { users: users.pipe(Asset.cutoff((old, next) => old[0] === next[0])) } })],
    [shows("users", "a1"), run(), shows("users", "b1"), recheck()],
    { ran: { users: "Materialized", features: "Materialized" }, values: { users: "b1" } }
  ],
  [
    "in one partition cuts off that partition of what is below",
    [asset("sessions", { partitions: days.partitions, deps: { days } })],
    [run(), shows("days/2026-03-09", "1"), recheck()],
    {
      ran: {
        "days/2026-03-08, 2026-03-10": "Verified",
        "days/2026-03-09": "Materialized",
        "sessions/2026-03-08, 2026-03-10": "CutOff",
        "sessions/2026-03-09": "Materialized"
      }
    }
  ]
])

table("nothing new", [
  [
    "of what never had a value skips what reads it, and it stays Missing",
    [model],
    [isQuiet("users"), run()],
    {
      ran: { users: "Skipped", features: "Skipped", model: "Skipped" },
      status: { users: "Missing", features: "Missing", model: "Missing" }
    }
  ],
  [
    "verifies what there is",
    [model],
    [run(), isQuiet("users"), recheck()],
    { ran: { users: "Verified", features: "CutOff", model: "CutOff" }, values: { users: "0" }, status: {} }
  ],
  [
    "verifies it under the code in force",
    [features],
    [run(), isQuiet("users"), edit("users", "2"), run()],
    { ran: { users: "Verified", features: "CutOff" }, status: {} }
  ],
  [
    "verifies it as made from the dependencies in force",
    [model],
    [run(), isQuiet("features"), move("users"), run()],
    { ran: { features: "Verified", model: "CutOff" }, status: {} }
  ],
  [
    "of one partition leaves out that one in what reads them all",
    [asset("report", { deps: { days } })],
    [isQuiet("days/2026-03-09"), run()],
    {
      ran: { "days/2026-03-08, 2026-03-10": "Materialized", "days/2026-03-09": "Skipped", report: "Materialized" },
      status: { "days/2026-03-09": "Missing", report: "Maybe: days" }
    }
  ]
])

const source = users.pipe(never("bad", { blocking: true }))
const warned = users.pipe(never("bad", { blocking: false }))

table("a step that fails", [
  [
    "changes nothing when its body fails",
    [model],
    [run(), move("users"), breaks("body", "features"), run()],
    {
      ran: { features: "Failed", model: "Skipped" },
      status: { features: "Stale: users has changed", model: "Maybe: features" }
    }
  ],
  [
    "changes nothing when its publish fails",
    [features],
    [run(), shows("users", "1"), breaks("publish", "users"), recheck()],
    { ran: { users: "Failed", features: "Skipped" }, values: { users: "0" }, status: {} }
  ],
  [
    "leaves nothing behind when its first publish fails",
    [features],
    [breaks("publish", "users"), run()],
    { values: { users: null }, status: { users: "Missing", features: "Missing" } }
  ],
  [
    "changes nothing when a blocking check fails",
    [asset("features", { deps: { source } })],
    [run(), shows("users", "bad"), recheck()],
    { ran: { users: "Failed", features: "Skipped" }, values: { users: "0" }, status: {} }
  ],
  [
    "is none when a check fails that does not block",
    [asset("features", { deps: { warned } })],
    [run(), shows("users", "bad"), recheck()],
    { ran: { users: "Materialized", features: "Materialized" }, values: { users: "bad" }, status: {} }
  ],
  [
    "does not keep other branches from running",
    [model, plays],
    [run(), move("users"), breaks("body", "features"), run()],
    { ran: { features: "Failed", model: "Skipped", plays: "Materialized" } }
  ],
  [
    "is all there is to do once it is mended",
    [model, plays],
    [breaks("body", "features"), run(), mend, run()],
    { ran: { features: "Materialized", model: "Materialized" }, status: {} }
  ],
  [
    "in one partition leaves the others alone, and skips what reads them all",
    [asset("report", { deps: { days } }), asset("sessions", { partitions: days.partitions, deps: { days } })],
    [breaks("body", "days/2026-03-09"), run()],
    {
      ran: {
        "days/2026-03-08, 2026-03-10": "Materialized",
        "days/2026-03-09": "Failed",
        report: "Skipped",
        "sessions/2026-03-08, 2026-03-10": "Materialized",
        "sessions/2026-03-09": "Skipped"
      }
    }
  ],
  [
    "skips what only follows it when it never had a value",
    [asset("follower").pipe(Asset.after(users))],
    [breaks("body", "users"), run()],
    { ran: { users: "Failed", follower: "Skipped" } }
  ],
  [
    "does not skip what only follows it when it had one",
    [asset("follower").pipe(Asset.after(users))],
    [run("users"), breaks("body", "users"), force()],
    { ran: { users: "Failed", follower: "Materialized" } }
  ]
])

const daily = users.pipe(Asset.recheckAfter("1 day"))
const nightly = users.pipe(Asset.recheckAfter({ cron: "0 3 * * *" }))
const due = "Stale: not rechecked since 2026-03-10T12:00:00.000Z"
const counter = asset("days", { partitions: days.partitions, deps: { before: Asset.previous() } })

table("a source", [
  ["that says nothing is Current for ever", [features], [run(), pass("5000 days")], { status: {} }],
  ["is not due a moment too early", [daily], [run(), pass("86399999 millis")], { status: {} }],
  [
    "is due on time, and what is below it Maybe",
    [asset("features", { deps: { daily } })],
    [run(), pass("1 day")],
    { status: { users: due, features: "Maybe: users" } }
  ],
  [
    "is due at the next moment of its cron",
    [nightly],
    [run(), pass("15 hours")],
    { status: { users: due }, whole: { users: "Stale (1 Stale); not rechecked since 2026-03-10T12:00:00.000Z" } }
  ],
  ["is not due before the moment of its cron", [nightly], [run(), pass("14 hours")], { status: {} }],
  [
    "counts from when it was verified, not from when it changed",
    [daily],
    [run(), pass("1 day"), run(), pass("23 hours")],
    { ran: { users: "Verified" }, status: {} }
  ],
  [
    "counts having nothing new as verified",
    [daily],
    [run(), pass("1 day"), isQuiet("users"), run(), pass("23 hours")],
    { status: {} }
  ],
  [
    "stays due after a recheck that failed",
    [daily],
    [run(), pass("1 day"), breaks("body", "users"), run()],
    { status: { users: due } }
  ],
  [
    "that was wiped is Missing, due or not",
    [daily],
    [run(), pass("1 day"), wipe("users")],
    { status: { users: "Missing" } }
  ],
  [
    "is due by partition, each from its own verification",
    [days.pipe(Asset.recheckAfter("30 hours"))],
    [run(), pass("1 day"), run(), pass("6 hours")],
    {
      status: { "days/2026-03-08..2026-03-10": due },
      whole: { days: "Stale (3 Stale, 1 Current); not rechecked since 2026-03-10T12:00:00.000Z" }
    }
  ],
  [
    "is asked when a recheck is requested, due or not, and then what is between",
    [model],
    [run(), ask({ selection: ["model"], recheck: true })],
    {
      plan: [
        "users - certain: recheck requested",
        "features - conditional: users may change",
        "model - conditional: features may change"
      ]
    }
  ],
  [
    "is not asked through what only goes first, nor through a version that does not count",
    [asset("model", { deps: { users: Asset.ignoreVersion(users) } }).pipe(Asset.after(days))],
    [run(), ask({ selection: ["model"], recheck: true })],
    { plan: [] }
  ],
  [
    "may read its own past, and is asked all the same",
    [counter],
    [run(), ask({ selection: ["days"], recheck: true, partition: "2026-03-10" })],
    { plan: ["days/2026-03-10 - certain: recheck requested"] }
  ]
])
