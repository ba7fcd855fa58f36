import * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import { ask, asset, at, declare, move, pass, request, run, shows, table, wipe } from "./Case.ts"

const daily = (start: string, end?: string) => Partition.daily({ start, ...(end !== undefined && { end }) })
const days = asset("days", { partitions: daily("2026-03-06") })
const hours = asset("hours", { partitions: Partition.hourly({ start: "2026-03-09" }) })
const ofDay = asset("of_day", { partitions: daily("2026-03-09"), deps: { hours } })
const report = asset("report", { deps: { days } })
const moveDay = (day: string) => request({ selection: ["days"], partition: day, recheck: true })

table("days", [
  ["exist from the first to the open one", [days], [], { slices: { days: "2026-03-06..2026-03-10" } }],
  [
    "do not exist from their end on",
    [asset("days", { partitions: daily("2026-03-06", "2026-03-08") })],
    [],
    { slices: { days: "2026-03-06..2026-03-07" } }
  ],
  [
    "are Missing from the moment they begin, and what reads them all is Maybe",
    [report],
    [run(), pass("12 hours")],
    { status: { "days/2026-03-11": "Missing", report: "Maybe: days" } }
  ],
  ["are not Missing a moment before", [report], [run(), pass("43199999 millis")], { status: {} }],
  [
    "read the day of their key, whatever the first one is",
    [asset("sessions", { partitions: daily("2026-03-08"), deps: { days } })],
    [run(), move("days/2026-03-09")],
    { status: { "sessions/2026-03-09": "Stale: days has changed in 2026-03-09" } }
  ],
  [
    "that moved are told as ranges to what reads them all",
    [report],
    [
      run(),
      shows("days/2026-03-06", "1"),
      shows("days/2026-03-08", "1"),
      shows("days/2026-03-09", "1"),
      moveDay("2026-03-06"),
      moveDay("2026-03-09"),
      moveDay("2026-03-08")
    ],
    { status: { report: "Stale: days has changed in 2026-03-06, 2026-03-08..2026-03-09" } }
  ],
  [
    "that come later are a change to what reads them all",
    [report],
    [run(), pass("1 day"), run("days")],
    { status: { report: "Stale: days has changed in 2026-03-11" } }
  ],
  [
    "that are gone from the declaration are a change of none that there is",
    [report],
    [run(), declare(asset("report", { deps: { days: asset("days", { partitions: daily("2026-03-08") }) } }))],
    { status: { report: "Stale: days has changed" } }
  ],
  [
    "that come back unchanged heal what reads them all",
    [report],
    [run(), wipe("days/2026-03-07"), run()],
    { ran: { "days/2026-03-07": "Materialized", report: "CutOff" }, status: {} }
  ],
  [
    "may all be read by each",
    [asset("shares", { partitions: daily("2026-03-09"), deps: { all: Asset.allPartitions(days) } })],
    [run(), move("days/2026-03-06")],
    { status: { "shares/2026-03-09..2026-03-10": "Stale: days has changed in 2026-03-06" } }
  ],
  [
    "may all read what has no partitions",
    [asset("days", { partitions: daily("2026-03-06"), deps: { users: asset("users") } })],
    [run(), move("users")],
    { status: { "days/2026-03-06..2026-03-10": "Stale: users has changed" } }
  ],
  [
    "take the place of a value without partitions, which what reads it does not take for theirs",
    [asset("report", { deps: { days: asset("days") } })],
    [run(), declare(asset("report", { deps: { days: asset("days", { partitions: daily("2026-03-09") }) } }))],
    { status: { "days/2026-03-09..2026-03-10": "Missing", report: "Maybe: days" } }
  ],
  [
    "leave a value without partitions Missing that takes their place",
    [report],
    [run(), declare(asset("report", { deps: { days: asset("days") } })), run()],
    { ran: { days: "Materialized", report: "Materialized" } }
  ]
])

const thousand = asset("days", { partitions: daily("2026-03-01") })

table("one of 1,000 days that changes", [
  [
    "is seen by what reads them all",
    [asset("report", { deps: { days: thousand } })],
    [at("2028-11-24T12:00Z"), run(), shows("days/2027-09-27", "1"), moveDay("2027-09-27")],
    {
      slices: { days: "2026-03-01..2028-11-24" },
      status: { report: "Stale: days has changed in 2027-09-27" }
    }
  ],
  [
    "is seen by the one month that reads it",
    [asset("months", { partitions: Partition.monthly({ start: "2026-03" }), deps: { days: thousand } })],
    [at("2028-11-24T12:00Z"), run(), shows("days/2027-09-27", "1"), moveDay("2027-09-27")],
    {
      slices: { months: "2026-03..2028-11" },
      status: { "months/2027-09": "Stale: days has changed in 2027-09-27" }
    }
  ],
  [
    "is found among the days themselves",
    [asset("copies", { partitions: thousand.partitions, deps: { days: thousand } })],
    [at("2028-11-24T12:00Z"), run(), shows("days/2027-09-27", "1"), moveDay("2027-09-27")],
    { whole: { copies: "Stale (1 Stale, 999 Current); days has changed in 2027-09-27" } }
  ]
])

const hourAt = (hour: string) => `hours/${hour}`

table("windows of another grain", [
  [
    "are Stale where a smaller one in them changed",
    [ofDay],
    [run(), move(hourAt("2026-03-09T23:00Z"))],
    { status: { "of_day/2026-03-09": "Stale: hours has changed in 2026-03-09T23:00Z" } }
  ],
  [
    "begin with the smaller one that begins with them",
    [ofDay],
    [run(), move(hourAt("2026-03-10T00:00Z"))],
    { status: { "of_day/2026-03-10": "Stale: hours has changed in 2026-03-10T00:00Z" } }
  ],
  [
    "are told the smaller ones as ranges",
    [ofDay],
    [
      run(),
      shows(hourAt("2026-03-09T01:00Z"), "1"),
      shows(hourAt("2026-03-09T02:00Z"), "1"),
      move(hourAt("2026-03-09T05:00Z"))
    ],
    {
      status: {
        "of_day/2026-03-09": "Stale: hours has changed in 2026-03-09T01:00Z..2026-03-09T02:00Z, 2026-03-09T05:00Z"
      }
    }
  ],
  [
    "are Maybe while one in them is Missing, and Stale once it came",
    [ofDay],
    [run(), pass("1 hour")],
    { status: { "hours/2026-03-10T13:00Z": "Missing", "of_day/2026-03-10": "Maybe: hours" } }
  ],
  [
    "are Stale for one that came since",
    [ofDay],
    [run(), pass("1 hour"), run("hours")],
    { status: { "of_day/2026-03-10": "Stale: hours has changed in 2026-03-10T13:00Z" } }
  ],
  [
    "cannot be computed while one in them is neither published nor planned",
    [ofDay],
    [request({ selection: ["hours"], from: "2026-03-09T01:00Z" }), ask({ selection: ["of_day"] })],
    {
      plan: [
        "of_day/2026-03-09 needs hours/2026-03-09T00:00Z, which was never materialized and is not in this plan; try: assets materialize +of_day"
      ]
    }
  ],
  [
    "read the larger one around them",
    [asset("of_hour", { partitions: hours.partitions, deps: { days } })],
    [run(), move("days/2026-03-09")],
    { status: { "of_hour/2026-03-09T00:00Z..2026-03-09T23:00Z": "Stale: days has changed in 2026-03-09" } }
  ],
  [
    "that overlap two larger ones read both",
    [
      asset("months", {
        partitions: Partition.monthly({ start: "2026-02" }),
        deps: { weeks: asset("weeks", { partitions: Partition.weekly({ start: "2026-01-26" }) }) }
      })
    ],
    [run(), move("weeks/2026-02-23")],
    { status: { "months/2026-02..2026-03": "Stale: weeks has changed in 2026-02-23" } }
  ],
  [
    "wait for each smaller one in them that is planned",
    [ofDay],
    [at("2026-03-10T01:30Z"), ask()],
    {
      waits: {
        "of_day/2026-03-09": "hours/2026-03-09T00:00Z..2026-03-09T23:00Z",
        "of_day/2026-03-10": "hours/2026-03-10T00:00Z..2026-03-10T01:00Z"
      }
    }
  ]
])

const trailing = asset("trailing", {
  partitions: daily("2026-03-06"),
  deps: { days: Asset.windows(days, { start: -2 }) }
})
const before = asset("before", {
  partitions: daily("2026-03-06"),
  deps: { days: Asset.windows(days, { start: -1, end: -1 }) }
})
const after = asset("after", { partitions: daily("2026-03-06"), deps: { days: Asset.windows(days, { end: 1 }) } })

table("trailing windows", [
  [
    "see a change in each window that still reads it",
    [trailing],
    [run(), move("days/2026-03-07")],
    { status: { "trailing/2026-03-07..2026-03-09": "Stale: days has changed in 2026-03-07" } }
  ],
  [
    "tell each window what changed in it",
    [trailing],
    [run(), shows("days/2026-03-10", "1"), move("days/2026-03-06")],
    {
      status: {
        "trailing/2026-03-06..2026-03-08": "Stale: days has changed in 2026-03-06",
        "trailing/2026-03-10": "Stale: days has changed in 2026-03-10"
      },
      whole: { trailing: "Stale (4 Stale, 1 Current); days has changed in 2026-03-06, 2026-03-10" }
    }
  ],
  [
    "are not told of a day before their own first",
    [asset("late", { partitions: daily("2026-03-09"), deps: { days: Asset.windows(days, { start: -1 }) } })],
    [run(), move("days/2026-03-07")],
    { status: {} }
  ],
  [
    "of which one is wiped are Stale as far as they were made from it, and may be cut off once it is back",
    [trailing],
    [run(), wipe("days/2026-03-09"), ask()],
    {
      status: { "days/2026-03-09": "Missing", "trailing/2026-03-09..2026-03-10": "Stale: days has changed" },
      plan: [
        "days/2026-03-09 - certain: never materialized",
        "trailing/2026-03-09..2026-03-10 - conditional: days has changed, days may change"
      ]
    }
  ],
  [
    "may end before their own day, of which the first has none to read",
    [before],
    [run(), move("days/2026-03-10"), move("days/2026-03-06")],
    { status: { "before/2026-03-07": "Stale: days has changed in 2026-03-06" } }
  ],
  [
    "may reach ahead, and are Stale once the next day was published",
    [after],
    [run(), pass("1 day"), run("days")],
    { status: { "after/2026-03-10": "Stale: days has changed in 2026-03-11", "after/2026-03-11": "Missing" } }
  ],
  [
    "of which another is read from one day on are Stale where that makes a difference",
    [trailing],
    [
      run(),
      declare(
        asset("trailing", { partitions: daily("2026-03-06"), deps: { days: Asset.windows(days, { start: -3 }) } })
      )
    ],
    { status: { "trailing/2026-03-09..2026-03-10": "Stale: days has changed" } }
  ],
  [
    "wait for what is planned of what they read",
    [trailing],
    [run(), shows("days/2026-03-10", "1"), ask({ recheck: true, from: "2026-03-10" })],
    { waits: { "trailing/2026-03-10": "days/2026-03-10" } }
  ]
])

const latest = asset("latest", { deps: { days: Asset.lastPartition(days) } })

table("the last window", [
  ["is all that counts", [latest], [run(), move("days/2026-03-09")], { status: {} }],
  [
    "is told where it changed",
    [latest],
    [run(), move("days/2026-03-10")],
    { status: { latest: "Stale: days has changed in 2026-03-10" } }
  ],
  [
    "is another one from midnight on, and not yet there",
    [latest],
    [run(), pass("12 hours")],
    { status: { "days/2026-03-11": "Missing", latest: "Maybe: days" } }
  ],
  [
    "is another one once it is there, and another value",
    [latest],
    [run(), shows("days/2026-03-11", "1"), pass("12 hours"), run("days")],
    { status: { latest: "Stale: days has changed in 2026-03-11" } }
  ],
  [
    "that has the value of the one before leaves what reads it Current",
    [latest],
    [run(), pass("12 hours"), run("days")],
    { status: {} }
  ],
  ["is all that is waited for", [latest], [ask()], { waits: { latest: "days/2026-03-10" } }]
])

const inBerlin = { timezone: "Europe/Berlin" }
const inNewYork = { timezone: "America/New_York" }
const local = (zone: { readonly timezone: string }, start: string) =>
  asset("of_day", {
    partitions: Partition.daily({ start, ...zone }),
    deps: { hours: asset("hours", { partitions: Partition.hourly({ start, ...zone }) }) }
  })

table("days of 23 and 25 hours", [
  [
    "lack the hour that clocks leave out",
    [local(inBerlin, "2026-03-29")],
    [at("2026-03-29T21:59Z"), ask()],
    {
      slices: { of_day: "2026-03-29", hours: "2026-03-29T00:00+01:00..2026-03-29T23:00+02:00" },
      whole: { hours: "Missing (23 Missing)" }
    }
  ],
  [
    "end with their own last hour",
    [local(inBerlin, "2026-03-29")],
    [at("2026-03-30T10:00Z"), run(), shows("hours/2026-03-30T00:00+02:00", "1"), move("hours/2026-03-29T03:00+02:00")],
    {
      status: {
        "of_day/2026-03-29": "Stale: hours has changed in 2026-03-29T03:00+02:00",
        "of_day/2026-03-30": "Stale: hours has changed in 2026-03-30T00:00+02:00"
      }
    }
  ],
  [
    "have the hour that comes twice as two",
    [local(inBerlin, "2026-10-25")],
    [at("2026-10-26T10:00Z"), run(), move("hours/2026-10-25T02:00+01:00")],
    {
      status: { "of_day/2026-10-25": "Stale: hours has changed in 2026-10-25T02:00+01:00" },
      whole: { hours: "Current (37 Current)" }
    }
  ],
  [
    "are others in another zone",
    [local(inNewYork, "2026-03-08")],
    [at("2026-03-09T03:59Z"), run(), move("hours/2026-03-08T03:00-04:00")],
    {
      status: { "of_day/2026-03-08": "Stale: hours has changed in 2026-03-08T03:00-04:00" },
      whole: { hours: "Current (23 Current)" }
    }
  ]
])
