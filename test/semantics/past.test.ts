import * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import {
  ask,
  asset,
  breaks,
  declare,
  edit,
  force,
  move,
  pass,
  recheck,
  request,
  run,
  shows,
  table,
  wipe
} from "./Case.ts"

const sixth = Partition.daily({ start: "2026-03-06" })
const days = asset("days", { partitions: sixth })
const running = (offset = 1) =>
  asset("running", { partitions: sixth, deps: { days, before: Asset.previous({ offset }) } })
const regions = Partition.product({ day: sixth, region: Partition.fixed(["eu", "us"]) })

table("an asset that reads its own past", [
  [
    "is Stale where what it reads changed, and Maybe from there on, never before",
    [running()],
    [run(), move("days/2026-03-08")],
    {
      status: {
        "running/2026-03-08": "Stale: days has changed in 2026-03-08",
        "running/2026-03-09..2026-03-10": "Maybe: running"
      },
      whole: { running: "Stale (1 Stale, 2 Maybe, 2 Current); days has changed in 2026-03-08" }
    }
  ],
  [
    "is Stale one after the other where it runs one by one",
    [running()],
    [run(), move("days/2026-03-08"), request({ selection: ["running"], partition: "2026-03-08" })],
    {
      status: {
        "running/2026-03-09": "Stale: running has changed in 2026-03-08",
        "running/2026-03-10": "Maybe: running"
      }
    }
  ],
  [
    "runs forwards in one plan",
    [running()],
    [run(), move("days/2026-03-08"), ask(), run()],
    {
      plan: [
        "running/2026-03-08 - certain: days has changed in 2026-03-08",
        "running/2026-03-09..2026-03-10 - conditional: running may change"
      ],
      waits: { "running/2026-03-09": "running/2026-03-08", "running/2026-03-10": "running/2026-03-09" },
      ran: { "running/2026-03-08..2026-03-10": "Materialized" },
      status: {}
    }
  ],
  [
    "is cut off from where a slice comes out the same",
    [running()],
    [run(), shows("running/2026-03-08", "none"), wipe("running/2026-03-08"), run()],
    { ran: { "running/2026-03-08": "Materialized", "running/2026-03-09..2026-03-10": "CutOff" }, status: {} }
  ],
  [
    "is Maybe after a slice that was wiped",
    [running()],
    [run(), wipe("running/2026-03-07")],
    { status: { "running/2026-03-07": "Missing", "running/2026-03-08..2026-03-10": "Maybe: running" } }
  ],
  [
    "is Missing where a new window begins, and nowhere else",
    [running()],
    [run(), pass("12 hours")],
    { status: { "days/2026-03-11": "Missing", "running/2026-03-11": "Missing" } }
  ],
  [
    "is not recorded to be made from its past where there is none",
    [running()],
    [run()],
    { madeFrom: { "running/2026-03-06": ["days"], "running/2026-03-07": ["days", "running"] } }
  ],
  [
    "may read further back, and changes in leaps",
    [running(2)],
    [run(), move("days/2026-03-06")],
    {
      status: {
        "running/2026-03-06": "Stale: days has changed in 2026-03-06",
        "running/2026-03-08, 2026-03-10": "Maybe: running"
      }
    }
  ],
  [
    "reads from one day on what it did not, apart from the first slice",
    [asset("running", { partitions: sixth, deps: { days } })],
    [run(), declare(running())],
    { status: { "running/2026-03-07..2026-03-10": "Stale: now depends on running" } }
  ],
  [
    "reads no longer what it did, apart from the first slice",
    [running()],
    [run(), declare(asset("running", { partitions: sixth, deps: { days } }))],
    { status: { "running/2026-03-07..2026-03-10": "Stale: no longer depends on running" } }
  ],
  [
    "does not take a value without partitions for the slice before the first",
    [asset("running")],
    [run(), declare(running()), run(), ask({ force: true, selection: ["running"], partition: "2026-03-06" })],
    { madeFrom: { "running/2026-03-06": ["days"] }, status: {}, plan: ["running/2026-03-06 - certain: forced"] }
  ],
  [
    "stays within its keys in other dimensions",
    [
      asset("running", {
        partitions: regions,
        deps: { sales: asset("sales", { partitions: regions }), before: Asset.previous() }
      })
    ],
    [run(), move("sales/2026-03-08|eu")],
    {
      status: {
        "running/day=2026-03-08 region=eu": "Stale: sales has changed in 2026-03-08|eu",
        "running/day=2026-03-09..2026-03-10 region=eu": "Maybe: running"
      }
    }
  ],
  [
    "needs the slice before to be there or planned",
    [running()],
    [run("days"), ask({ selection: ["running"], from: "2026-03-08" })],
    {
      plan: [
        "running/2026-03-08 needs running/2026-03-07, which was never materialized and is not in this plan; try: assets materialize +running"
      ]
    }
  ],
  [
    "proposes the slices up to the one that is asked for",
    [running()],
    [run("days"), ask({ selection: ["running"], partition: "2026-03-08" })],
    {
      plan: [
        "running/2026-03-08 needs running/2026-03-07, which was never materialized and is not in this plan; try: assets materialize +running --to 2026-03-08"
      ]
    }
  ],
  [
    "skips what comes after a slice that failed",
    [running()],
    [breaks("body", "running/2026-03-08"), run()],
    {
      ran: {
        "days/2026-03-06..2026-03-10": "Materialized",
        "running/2026-03-06..2026-03-07": "Materialized",
        "running/2026-03-08": "Failed",
        "running/2026-03-09..2026-03-10": "Skipped"
      }
    }
  ],
  [
    "is what a plan leaves out and names where earlier slices are not selected",
    [running()],
    [run(), move("days/2026-03-08"), ask({ selection: ["running"], from: "2026-03-09" })],
    { plan: ["running (2 partitions) is left out: it depends on running, not selected; try +running"] }
  ]
])

const plays = asset("plays", { partitions: sixth }).pipe(Asset.unrepeatable)
const totals = asset("totals", { partitions: sixth, deps: { plays } })
const counted = (code: string) =>
  asset("plays", { partitions: sixth, code, deps: { before: Asset.previous() } }).pipe(Asset.unrepeatable)

table("a source that forgets", [
  ["has the open window only", [totals], [], { slices: { plays: "2026-03-10", totals: "2026-03-10" } }],
  [
    "has the windows that were published, frozen once they end",
    [plays],
    [run(), pass("2 days")],
    {
      slices: { plays: "2026-03-10, 2026-03-12" },
      status: { "plays/2026-03-10": "Frozen", "plays/2026-03-12": "Missing" }
    }
  ],
  [
    "is frozen with what differs, and is not computed for it",
    [plays],
    [run(), pass("1 day"), run(), edit("plays", "2"), run()],
    { ran: { "plays/2026-03-11": "Verified" }, status: { "plays/2026-03-10": "Frozen: code version 1 became 2" } }
  ],
  ["is not frozen a moment too early", [plays], [run(), pass("43199999 millis")], { status: {} }],
  [
    "is left alone by force and recheck, once frozen",
    [totals],
    [run(), pass("1 day"), run(), ask({ selection: ["plays"], force: true }), recheck()],
    {
      plan: ["plays/2026-03-11 - certain: forced", "plays/2026-03-10 is left out: frozen, the source forgets"],
      ran: { "plays/2026-03-11": "Verified", "totals/2026-03-11": "CutOff" }
    }
  ],
  [
    "is refused by name, once frozen",
    [totals],
    [run(), pass("1 day"), ask({ selection: ["plays"], partition: "2026-03-10", force: true })],
    { plan: ["plays/2026-03-10 is frozen: its window has ended and its source cannot be asked again"] }
  ],
  [
    "is refused by name where nobody recorded it",
    [totals],
    [run(), ask({ selection: ["plays"], partition: "2026-03-09" })],
    { plan: ["plays/2026-03-09 was not materialized while its source could still be asked, and cannot be any more"] }
  ],
  [
    "is never due for a recheck, once frozen",
    [plays.pipe(Asset.recheckAfter("1 hour"))],
    [run(), pass("12 hours")],
    { status: { "plays/2026-03-10": "Frozen", "plays/2026-03-11": "Missing" } }
  ],
  [
    "leaves what reads it repeatable",
    [totals],
    [run(), pass("1 day"), run(), edit("totals", "2"), run()],
    { ran: { "totals/2026-03-10..2026-03-11": "Materialized" } }
  ],
  [
    "freezes what was made from it where it is wiped",
    [totals],
    [run(), pass("1 day"), run(), wipe("plays/2026-03-10"), edit("totals", "2")],
    {
      slices: { plays: "2026-03-11", totals: "2026-03-10..2026-03-11" },
      status: {
        "totals/2026-03-10": "Frozen: code version 1 became 2",
        "totals/2026-03-11": "Stale: code version 1 became 2"
      }
    }
  ],
  [
    "is read by all with the windows there are",
    [asset("report", { deps: { plays } })],
    [run(), pass("2 days"), run()],
    { ran: { "plays/2026-03-12": "Materialized", report: "Materialized" }, status: { "plays/2026-03-10": "Frozen" } }
  ],
  [
    "is read by larger windows with the smaller ones there are",
    [asset("weeks", { partitions: Partition.weekly({ start: "2026-03-09" }), deps: { plays } })],
    [run(), pass("2 days"), run()],
    {
      ran: { "plays/2026-03-12": "Materialized", "weeks/2026-03-09": "Materialized" },
      status: { "plays/2026-03-10": "Frozen" }
    }
  ],
  [
    "is read in one dimension with the windows there are of it",
    [
      asset("regional", {
        partitions: Partition.fixed(["eu", "us"]),
        deps: { sales: asset("sales", { partitions: regions }).pipe(Asset.unrepeatable) }
      })
    ],
    [run(), pass("2 days"), run()],
    {
      slices: { sales: "day=2026-03-10,2026-03-12", regional: "eu, us" },
      ran: { "sales/day=2026-03-12": "Materialized", "regional/eu, us": "Materialized" }
    }
  ],
  [
    "takes with it larger windows of which nobody recorded anything",
    [
      asset("weeks", {
        partitions: Partition.weekly({ start: "2026-03-02" }),
        deps: {
          plays: asset("plays", { partitions: Partition.daily({ start: "2026-03-02" }) }).pipe(Asset.unrepeatable)
        }
      })
    ],
    [],
    { slices: { weeks: "2026-03-09" } }
  ],
  [
    "may read its own past, and goes on without what nobody recorded",
    [counted("1")],
    [run(), pass("2 days"), run(), pass("1 hour"), force()],
    {
      slices: { plays: "2026-03-10, 2026-03-12" },
      madeFrom: { "plays/2026-03-12": [] },
      ran: { "plays/2026-03-12": "Verified" }
    }
  ],
  [
    "may read its own past, of which a frozen part leaves nothing open",
    [counted("1")],
    [run(), pass("1 day"), run(), declare(counted("2"))],
    {
      madeFrom: { "plays/2026-03-11": ["plays"] },
      status: {
        "plays/2026-03-10": "Frozen: code version 1 became 2",
        "plays/2026-03-11": "Stale: code version 1 became 2"
      }
    }
  ],
  [
    "has no last window to read where that one can never be",
    [
      asset("latest", {
        deps: {
          totals: Asset.lastPartition(
            asset("totals", {
              partitions: sixth,
              deps: { plays: Asset.windows(plays, { start: -1, end: -1 }) }
            })
          )
        }
      })
    ],
    [ask({ selection: ["latest"] })],
    {
      slices: { totals: "2026-03-06" },
      plan: ["latest is left out: it depends on totals, no partition of which has begun"]
    }
  ]
])
