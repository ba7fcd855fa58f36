import * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import {
  add,
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
  request,
  run,
  shows,
  table,
  together,
  wipe
} from "./Case.ts"

const users = asset("users")
const tracks = asset("tracks")
const features = asset("features", { deps: { users } })
const model = asset("model", { deps: { features } })
const daily = Partition.daily({ start: "2026-03-08" })
const days = asset("days", { partitions: daily })
const sessions = asset("sessions", { partitions: daily, deps: { days } })
const report = asset("report", { deps: { days } })

table("a step", [
  [
    "is certain when nothing in the plan can undo its cause, and conditional else",
    [model],
    [run(), edit("features", "2"), ask()],
    { plan: ["features - certain: code version 1 became 2", "model - conditional: features may change"] }
  ],
  [
    "is conditional when the dependency that changed is planned, because it may change back",
    [model],
    [run(), move("users"), ask({ selection: ["model"], recheck: true })],
    {
      plan: [
        "users - certain: recheck requested",
        "features - conditional: users has changed, users may change",
        "model - conditional: features may change"
      ]
    }
  ],
  [
    "is certain when another dependency changed that is not planned",
    [asset("features", { deps: { users: users.pipe(Asset.recheckAfter("1 hour")), tracks } })],
    [run(), move("tracks"), pass("1 hour"), ask()],
    {
      plan: [
        "users - certain: not rechecked since 2026-03-10T12:00:00.000Z",
        "features - certain: tracks has changed, users may change"
      ]
    }
  ],
  [
    "that never ran is certain whatever is above it",
    [model],
    [run("users"), ask()],
    { plan: ["features - certain: never materialized", "model - certain: never materialized, features may change"] }
  ],
  [
    "is one of a range where neighbours have the same reasons",
    [sessions],
    [run(), edit("days", "2"), wipe("sessions/2026-03-09"), ask()],
    {
      plan: [
        "days/2026-03-08..2026-03-10 - certain: code version 1 became 2",
        "sessions/2026-03-08 - conditional: days may change",
        "sessions/2026-03-09 - certain: never materialized, days may change",
        "sessions/2026-03-10 - conditional: days may change"
      ]
    }
  ],
  [
    "waits for the slice of its key, and for all where all are read",
    [sessions, report],
    [ask()],
    {
      waits: {
        "sessions/2026-03-08": "days/2026-03-08",
        "sessions/2026-03-09": "days/2026-03-09",
        "sessions/2026-03-10": "days/2026-03-10",
        report: "days/2026-03-08..2026-03-10"
      }
    }
  ],
  [
    "follows the slice of its key where both are cut alike",
    [asset("later", { partitions: daily }).pipe(Asset.after(days))],
    [ask({ from: "2026-03-09" })],
    { waits: { "later/2026-03-09": "days/2026-03-09", "later/2026-03-10": "days/2026-03-10" } }
  ],
  [
    "follows whatever slice is planned where nothing was ever published",
    [asset("later", { partitions: Partition.daily({ start: "2026-03-06" }) }).pipe(Asset.after(days))],
    [ask({ to: "2026-03-08" })],
    { waits: { "later/2026-03-06..2026-03-08": "days/2026-03-08" } }
  ],
  [
    "is decided again once what it waits for is done",
    [asset("model", { deps: { features, tracks } })],
    [run(), move("users"), wipe("users"), shows("users", "0"), run()],
    { ran: { users: "Materialized", features: "CutOff", model: "CutOff" }, status: {} }
  ],
  [
    "is not there because of what it reads without following it",
    [asset("model", { deps: { features, tracks: Asset.ignoreVersion(tracks) } })],
    [run(), ask({ selection: ["tracks+"], force: true })],
    { plan: ["tracks - certain: forced", "model - certain: forced"], waits: { model: "tracks" } }
  ]
])

table("a selection", [
  [
    "takes just what it names",
    [model],
    [ask({ selection: ["users"] })],
    { plan: ["users - certain: never materialized"] }
  ],
  [
    "leaves out what hangs on others, which are named, nearest first",
    [model],
    [run(), edit("users", "2"), ask({ selection: ["model"] })],
    { plan: ["model is left out: it depends on features, users, not selected; try +model"] }
  ],
  [
    "does not name ancestors that are Current",
    [asset("model", { deps: { tracks, features } })],
    [run(), edit("users", "2"), ask({ selection: ["features", "model"] })],
    {
      plan: [
        "features is left out: it depends on users, not selected; try +features",
        "model is left out: it depends on users, not selected; try +model"
      ]
    }
  ],
  [
    "does not name ancestors whose versions do not count",
    [asset("model", { deps: { features, tracks: Asset.ignoreVersion(tracks) } })],
    [run(), edit("users", "2"), edit("tracks", "2"), ask({ selection: ["model"] })],
    { plan: ["model is left out: it depends on features, users, not selected; try +model"] }
  ],
  [
    "names what keeps each partition open",
    [sessions],
    [run(), wipe("days/2026-03-09"), ask({ selection: ["sessions"] })],
    { plan: ["sessions/2026-03-09 is left out: it depends on days, not selected; try +sessions"] }
  ],
  [
    "does not leave out what has a cause of its own",
    [model],
    [run(), edit("users", "2"), edit("model", "2"), ask({ selection: ["model"] })],
    { plan: ["model - certain: code version 1 became 2"] }
  ],
  [
    "without what it needs is refused, with one that works",
    [model],
    [ask({ selection: ["features", "model"] })],
    {
      plan: [
        "features needs users, which was never materialized and is not in this plan; try: assets materialize model +features"
      ]
    }
  ],
  [
    "of a Stale asset whose dependency was wiped is refused, too",
    [features],
    [run(), wipe("users"), edit("features", "2"), ask({ selection: ["features"] })],
    {
      plan: [
        "features needs users, which was never materialized and is not in this plan; try: assets materialize +features"
      ]
    }
  ],
  [
    "reads those partitions that there are where it reads them all",
    [report],
    [request({ selection: ["days"], partition: "2026-03-09" }), ask({ selection: ["report"] })],
    { plan: ["report - certain: never materialized"] }
  ],
  [
    "of what reads the partition of its key is refused where that one is not there",
    [sessions],
    [request({ selection: ["days"], partition: "2026-03-08" }), ask({ selection: ["sessions"] })],
    {
      plan: [
        "sessions/2026-03-09 needs days/2026-03-09, which was never materialized and is not in this plan; try: assets materialize +sessions"
      ]
    }
  ],
  [
    "of what reads the partition of its key is proposed with the partition that was asked for",
    [sessions],
    [ask({ selection: ["sessions"], partition: "2026-03-09" })],
    {
      plan: [
        "sessions/2026-03-09 needs days/2026-03-09, which was never materialized and is not in this plan; try: assets materialize +sessions --partition 2026-03-09"
      ]
    }
  ],
  [
    "leaves out what has nothing to read as yet, and what reads that",
    [
      asset("model", {
        deps: {
          report: asset("report", {
            deps: { days: asset("days", { partitions: Partition.daily({ start: "2027-01-01" }) }) }
          })
        }
      })
    ],
    [ask()],
    {
      plan: [
        "report is left out: it depends on days, no partition of which has begun",
        "model is left out: it depends on days, no partition of which has begun"
      ]
    }
  ],
  [
    "by status is one of assets as they are before anything is done",
    [model],
    [run(), edit("features", "2"), ask({ selection: ["status:maybe"] })],
    { plan: ["model is left out: it depends on features, not selected; try +model"] }
  ],
  [
    "by cause finds those of any partition",
    [sessions],
    [run(), move("days/2026-03-09"), ask({ selection: ["changed:dependency"] })],
    { plan: ["sessions/2026-03-09 - certain: days has changed in 2026-03-09"] }
  ],
  [
    "that forces computes what it names and nothing else",
    [model],
    [run(), force("features")],
    { ran: { features: "Verified" } }
  ],
  [
    "that forces and rechecks forces only what it names",
    [model],
    [run(), ask({ selection: ["model"], force: true, recheck: true })],
    {
      plan: [
        "users - certain: recheck requested",
        "features - conditional: users may change",
        "model - certain: forced, features may change"
      ]
    }
  ]
])

const hours = asset("hours", { partitions: Partition.hourly({ start: "2026-03-09" }) })
const ofDay = asset("of_day", { partitions: Partition.daily({ start: "2026-03-09" }), deps: { hours } })
const customers = Partition.dynamic("customers")
const sales = asset("sales", { partitions: Partition.product({ day: daily, region: Partition.fixed(["eu", "us"]) }) })
const prices = asset("prices", { partitions: Partition.fixed(["as", "eu", "us"]) })

table("a request for partitions", [
  [
    "limits what has some, and nothing else",
    [report],
    [ask({ partition: "2026-03-09" })],
    { plan: ["days/2026-03-09 - certain: never materialized", "report - certain: never materialized, days may change"] }
  ],
  [
    "may be a range, both ends inclusive",
    [days],
    [ask({ from: "2026-03-09", to: "2026-03-10" })],
    { plan: ["days/2026-03-09..2026-03-10 - certain: never materialized"] }
  ],
  [
    "may be a range of windows, in which smaller ones lie",
    [ofDay],
    [ask({ from: "2026-03-09", to: "2026-03-09" })],
    {
      plan: [
        "hours/2026-03-09T00:00Z..2026-03-09T23:00Z - certain: never materialized",
        "of_day/2026-03-09 - certain: never materialized, hours may change"
      ]
    }
  ],
  [
    "may be a range of keys in their order",
    [prices],
    [ask({ from: "eu" })],
    { plan: ["prices/eu..us - certain: never materialized"] }
  ],
  [
    "may be a range of days of a product, whatever else is selected",
    [sales, asset("orders", { partitions: customers })],
    [add(customers, "acme"), ask({ from: "2026-03-10" })],
    { plan: ["sales/day=2026-03-10 - certain: never materialized"] }
  ],
  [
    "names a slice of a product by all of its key",
    [sales],
    [ask({ partition: "2026-03-10" })],
    {
      plan: [
        '"2026-03-10" is not a partition key; the partitions of sales are day (daily from 2026-03-08) x region (fixed: eu, us), such as 2026-03-08|eu'
      ]
    }
  ],
  [
    "that ends before it starts is refused",
    [prices],
    [ask({ from: "us", to: "as" })],
    { plan: ["the range of partitions ends (as) before it starts (us)"] }
  ],
  [
    "that there are not is refused",
    [days],
    [ask({ partition: "2026-03-11" })],
    { plan: ["days has no partition 2026-03-11; it has those from 2026-03-08 to 2026-03-10 (daily from 2026-03-08)"] }
  ],
  [
    "leaves open what reads others, and says so",
    [report],
    [request({ to: "2026-03-09" }), ask({ to: "2026-03-09" })],
    { plan: ["report is left out: it depends on days, not selected; try +report"] }
  ],
  [
    "computes what is Missing in it and no more",
    [sessions],
    [request({ partition: "2026-03-09" }), ask({ from: "2026-03-09" })],
    {
      plan: [
        "days/2026-03-10 - certain: never materialized",
        "sessions/2026-03-10 - certain: never materialized, days may change"
      ]
    }
  ]
])

const [odd, even] = together(["odd", "even"], { deps: { users } }) as [Asset.Any, Asset.Any]
const [left, right] = together(["left", "right"], { subset: true }) as [Asset.Any, Asset.Any]
const judged = odd.pipe(never("odd bad", { blocking: true }))

table("several assets of one computation", [
  [
    "are planned together, whichever of them has a cause",
    [odd, even],
    [run(), wipe("odd"), ask()],
    { plan: ["odd - certain: never materialized", "even - conditional: computed together with odd"] }
  ],
  [
    "are Stale together below a change",
    [odd, even],
    [run(), move("users")],
    { status: { odd: "Stale: users has changed", even: "Stale: users has changed" } }
  ],
  [
    "are published each by itself",
    [odd, even],
    [breaks("publish", "odd"), run()],
    { ran: { users: "Materialized", odd: "Failed", even: "Materialized" }, status: { odd: "Missing" } }
  ],
  [
    "are computed again for one that is not there, and the other is verified",
    [odd, even],
    [breaks("publish", "odd"), run(), mend, run()],
    { ran: { odd: "Materialized", even: "Verified" }, status: {} }
  ],
  [
    "are refused one without the other",
    [odd, even],
    [ask({ selection: ["even", "users"] })],
    { plan: ["even is computed together with odd, not selected; try: assets materialize even users odd"] }
  ],
  [
    "cut off what reads them each by itself",
    [asset("below", { deps: { even } }), judged],
    [run(), shows("odd+even", "1"), wipe("odd"), run()],
    { ran: { odd: "Materialized", even: "Verified", below: "CutOff" } }
  ],
  [
    "have nothing new together",
    [odd, even],
    [run(), isQuiet("odd+even"), move("users"), run()],
    { ran: { odd: "Verified", even: "Verified" }, status: {} }
  ],
  [
    "are planned one by one where the computation can leave some out",
    [left, right],
    [run(), wipe("left"), ask()],
    { plan: ["left - certain: never materialized"] }
  ],
  ["may be selected one by one there", [left, right], [run("right")], { status: { left: "Missing" } }]
])
