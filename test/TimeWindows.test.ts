import { assert, describe, it } from "@effect/vitest"
import * as Cron from "effect/Cron"
import * as Schema from "effect/Schema"
import * as Partition from "../runtime/Partition.ts"
import * as TimeWindows from "../runtime/TimeWindows.ts"

const hour = 3_600_000
const day = 24 * hour

const keysAt = (self: Partition.TimeWindows, now: string) => new Partition.Moment(Date.parse(now)).keys(self)

/** The keys that begin from `from` to `to`, and how many hours each window lasts. */
const lengths = (self: Partition.TimeWindows, from: string, to: string): Readonly<Record<string, number>> => {
  const { all, bounds } = keysAt(self, "2027-01-01T00:00Z")
  const lengths = all.map((key, index) => [key, (bounds![index + 1]! - bounds![index]!) / hour] as const)
  return Object.fromEntries(lengths.filter(([key]) => from <= key && key <= to))
}

describe("days", () => {
  it("last 23 and 25 hours when clocks change in Berlin", () => {
    const days = Partition.daily({ start: "2026-01-01", timezone: "Europe/Berlin" })
    assert.deepStrictEqual(lengths(days, "2026-03-28", "2026-03-30"), {
      "2026-03-28": 24,
      "2026-03-29": 23,
      "2026-03-30": 24
    })
    assert.deepStrictEqual(lengths(days, "2026-10-24", "2026-10-26"), {
      "2026-10-24": 24,
      "2026-10-25": 25,
      "2026-10-26": 24
    })
  })

  it("last 23 and 25 hours when clocks change in New York", () => {
    const days = Partition.daily({ start: "2026-01-01", timezone: "America/New_York" })
    assert.deepStrictEqual(lengths(days, "2026-03-08", "2026-03-09"), { "2026-03-08": 23, "2026-03-09": 24 })
    assert.deepStrictEqual(lengths(days, "2026-11-01", "2026-11-02"), { "2026-11-01": 25, "2026-11-02": 24 })
  })

  it("begin at their first moment where midnight is left out", () => {
    const santiago = Partition.daily({ start: "2026-01-01", timezone: "America/Santiago" })
    // Clocks go from 24:00 to 01:00 of the sixth of September.
    assert.deepStrictEqual(Partition.window(santiago, "2026-09-06"), {
      start: Date.parse("2026-09-06T01:00-03:00"),
      end: Date.parse("2026-09-07T00:00-03:00")
    })
    const cairo = Partition.daily({ start: "2026-01-01", timezone: "Africa/Cairo" })
    assert.deepStrictEqual(Partition.window(cairo, "2026-04-24"), {
      start: Date.parse("2026-04-24T01:00+03:00"),
      end: Date.parse("2026-04-25T00:00+03:00")
    })
    // And from 24:00 back to 23:00 of the twenty-ninth of October.
    assert.deepStrictEqual(lengths(cairo, "2026-10-29", "2026-10-30"), { "2026-10-29": 25, "2026-10-30": 24 })
  })

  it("that a zone never had are none", () => {
    const apia = Partition.daily({ start: "2011-12-28", timezone: "Pacific/Apia" })
    assert.deepStrictEqual(keysAt(apia, "2012-01-01T00:00Z").all, [
      "2011-12-28",
      "2011-12-29",
      "2011-12-31",
      "2012-01-01"
    ])
    assert.isFalse(Partition.isKey(apia, "2011-12-30"))
  })
})

describe("hours", () => {
  const berlin = Partition.hourly({ start: "2026-01-01", timezone: "Europe/Berlin" })

  it("are called by their begin, with the offset where it is not UTC", () => {
    assert.deepStrictEqual(keysAt(Partition.hourly({ start: "2026-02-01T22:00Z" }), "2026-02-02T00:30Z").all, [
      "2026-02-01T22:00Z",
      "2026-02-01T23:00Z",
      "2026-02-02T00:00Z"
    ])
    assert.strictEqual(keysAt(berlin, "2026-02-02T00:30Z").all.at(-1), "2026-02-02T01:00+01:00")
  })

  it("are told apart when an hour comes twice, and skip nothing when one is left out", () => {
    const { all } = keysAt(berlin, "2027-01-01T00:00Z")
    assert.deepStrictEqual(
      all.filter((key) => key.startsWith("2026-10-25T0") && key < "2026-10-25T04"),
      [
        "2026-10-25T00:00+02:00",
        "2026-10-25T01:00+02:00",
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00"
      ]
    )
    assert.deepStrictEqual(
      all.filter((key) => key.startsWith("2026-03-29T0") && key < "2026-03-29T05"),
      ["2026-03-29T00:00+01:00", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"]
    )
    assert.strictEqual(new Set(all).size, all.length)
    assert.isFalse(Partition.isKey(berlin, "2026-03-29T02:00+01:00"))
    assert.isFalse(Partition.isKey(berlin, "2026-03-30T02:00+01:00"))
    assert.isFalse(Partition.isKey(berlin, "2026-03-30T00:00Z"))
  })

  it("are those of the clock where it is half an hour off", () => {
    const kolkata = Partition.hourly({ start: "2026-01-01", timezone: "Asia/Kolkata" })
    assert.deepStrictEqual(Partition.window(kolkata, "2026-01-01T05:00+05:30"), {
      start: Date.parse("2025-12-31T23:30Z"),
      end: Date.parse("2026-01-01T00:30Z")
    })
  })
})

describe("weeks and months", () => {
  it("begin on Monday, or on another day", () => {
    const weeks = Partition.weekly({ start: "2026-03-02" })
    assert.deepStrictEqual(keysAt(weeks, "2026-03-16T00:00Z").all, ["2026-03-02", "2026-03-09", "2026-03-16"])
    const sundays = Partition.weekly({ start: "2026-03-01", weekday: "sunday" })
    assert.deepStrictEqual(keysAt(sundays, "2026-03-14T23:59Z").all, ["2026-03-01", "2026-03-08"])
    assert.isFalse(Partition.isKey(sundays, "2026-03-02"))
  })

  it("last as long as their days in the zone", () => {
    const months = Partition.monthly({ start: "2026-02", timezone: "America/New_York" })
    assert.deepStrictEqual(lengths(months, "2026-02", "2026-04"), {
      "2026-02": 28 * 24,
      "2026-03": 31 * 24 - 1,
      "2026-04": 30 * 24
    })
  })
})

describe("windows of a cron", () => {
  const begins = (cron: string, timezone: string, from: string, to: string) => {
    const { bounds } = keysAt(Partition.cron({ cron, start: from, timezone }), to)
    return bounds!.slice(0, -1).map((at) => new Date(at).toISOString())
  }

  const moments = (expression: string, timezone: string, from: string, to: string) => {
    // As of windows, a time that comes twice counts twice if every hour is named.
    const onDstOverlap = expression.split(" ")[1] === "*" ? "both" : "earlier"
    const cron = Cron.parseUnsafe(expression, timezone, { onDstOverlap })
    const found: Array<string> = []
    let at = Cron.next(cron, new Date(TimeWindows.startOf(Partition.daily({ start: from, timezone })) - 1))
    for (; at.getTime() <= Date.parse(to); at = Cron.next(cron, at)) found.push(at.toISOString())
    return found
  }

  const zones = ["Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe"]
  const expressions = ["30 6 * * 1-5", "30 2 * * *", "*/30 * * * *", "15 */6 1,15 * *", "0 0 * * 0", "0 4 29 2 *"]

  it.each(zones.flatMap((zone) => expressions.map((expression) => [zone, expression] as const)))(
    "in %s are those between the moments of %s",
    (zone, expression) => {
      for (const [from, to] of [
        ["2026-03-06", "2026-03-10T12:00Z"],
        ["2026-03-27", "2026-04-07T00:00Z"],
        ["2026-09-04", "2026-09-08T00:00Z"],
        ["2026-10-02", "2026-10-06T00:00Z"],
        ["2026-10-23", "2026-11-03T00:00Z"]
      ] as const) {
        assert.deepStrictEqual(begins(expression, zone, from, to), moments(expression, zone, from, to))
      }
    }
  )

  it("may last for years", () => {
    const leapDays = Partition.cron({ cron: "0 0 29 2 *", start: "2024-01-01" })
    assert.deepStrictEqual(keysAt(leapDays, "2026-01-01T00:00Z").all, ["2024-02-29T00:00Z"])
    assert.deepStrictEqual(Partition.window(leapDays, "2024-02-29T00:00Z"), {
      start: Date.parse("2024-02-29"),
      end: Date.parse("2028-02-29")
    })
  })
})

describe("all windows", () => {
  const zones = ["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu"]
  const kinds = {
    hourly: (day: string, timezone: string) => Partition.hourly({ start: day, timezone }),
    daily: (day: string, timezone: string) => Partition.daily({ start: day, timezone }),
    weekly: (day: string, timezone: string) => {
      const weekday = TimeWindows.weekdays[new Date(day).getUTCDay()]!
      return Partition.weekly({ start: day, timezone, weekday })
    },
    monthly: (day: string, timezone: string) => Partition.monthly({ start: day.slice(0, 7), timezone }),
    cron: (day: string, timezone: string) => Partition.cron({ start: day, timezone, cron: "30 2,3,14 * * *" })
  }
  const dayAt = (index: number) => new Date(Date.UTC(2024, 0, 1) + index * day).toISOString().slice(0, 10)
  const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
  const spans = {
    kind: Schema.Literals(["hourly", "daily", "weekly", "monthly", "cron"]),
    zone: Schema.Literals(zones),
    from: upTo(1000),
    hours: upTo(4000)
  }

  it.prop("follow each other without a gap, and each is found by its key", spans, ({ from, hours, kind, zone }) => {
    const self = kinds[kind](dayAt(from), zone)
    const now = TimeWindows.startOf(self) + hours * hour + 12_345
    const { all, bounds, indexOf, size } = new Partition.Moment(now).keys(self)
    assert.strictEqual(bounds!.length, size === 0 ? 0 : size + 1)
    for (const [index, key] of all.entries()) {
      const window = Partition.window(self, key)
      assert.deepStrictEqual(window, { start: bounds![index]!, end: bounds![index + 1]! })
      assert.isBelow(window!.start, window!.end)
      assert.strictEqual(indexOf(key), index)
    }
  })

  it.prop("end with the one that is open now", spans, ({ from, hours, kind, zone }) => {
    const self = kinds[kind](dayAt(from), zone)
    const now = TimeWindows.startOf(self) + hours * hour
    const { all } = new Partition.Moment(now).keys(self)
    if (kind === "cron" && all.length === 0) return
    const { end, start } = Partition.window(self, all.at(-1)!)!
    assert.isAtMost(start, now)
    assert.isAbove(end, now)
    assert.isFalse(Partition.hasEnded(self, all.at(-1)!, now))
    assert.isTrue(Partition.hasEnded(self, all.at(-1)!, end))
  })
})

describe("a span of windows", () => {
  it("has none before its start, and ends before its end", () => {
    const days = Partition.daily({ start: "2026-03-01", end: "2026-03-03" })
    assert.deepStrictEqual(keysAt(days, "2026-02-28T23:59Z").all, [])
    assert.deepStrictEqual(keysAt(days, "2026-03-01T00:00Z").all, ["2026-03-01"])
    assert.deepStrictEqual(keysAt(days, "2026-06-01T00:00Z").all, ["2026-03-01", "2026-03-02"])
    assert.deepStrictEqual(keysAt(days, "2026-06-01T00:00Z").bounds, [
      Date.parse("2026-03-01"),
      Date.parse("2026-03-02"),
      Date.parse("2026-03-03")
    ])
  })

  it.each([
    [
      Partition.daily({ start: "2026-02-30" }),
      'daily partitions: start must be a day such as 2026-01-31, got "2026-02-30"'
    ],
    [
      Partition.hourly({ start: "2026-02-01T02:30Z" }),
      'hourly partitions: start must be a day such as 2026-01-31 or an hour such as 2026-01-31T01:00Z, got "2026-02-01T02:30Z"'
    ],
    [
      Partition.hourly({ start: "2026-02-01T02:00Z", timezone: "Europe/Berlin" }),
      'hourly partitions: start must be a day such as 2026-01-31 or an hour such as 2026-01-31T01:00+01:00 in Europe/Berlin, got "2026-02-01T02:00Z"'
    ],
    [
      Partition.daily({ start: "2026-02-01T00:00", timezone: "America/New_York" }),
      'daily partitions: start must be a day such as 2026-01-31 in America/New_York, got "2026-02-01T00:00"'
    ],
    [
      Partition.weekly({ start: "2026-03-03" }),
      'weekly partitions: start must be a Monday such as 2026-02-02, got "2026-03-03"'
    ],
    [
      Partition.monthly({ start: "2026-03-01" }),
      'monthly partitions: start must be a month such as 2026-01, got "2026-03-01"'
    ],
    [
      Partition.daily({ start: "2026-01-01", timezone: "Europe/Atlantis" }),
      'daily partitions: there is no time zone "Europe/Atlantis"; an IANA name such as Europe/Berlin is needed'
    ],
    [
      Partition.daily({ start: "2026-01-02", end: "2026-01-02" }),
      'daily partitions: end "2026-01-02" is not after start "2026-01-02"'
    ],
    [
      Partition.cron({ start: "2026-01-02", cron: "0 0 30 2 *" }),
      'cron partitions: the cron "0 0 30 2 *" names no moment that ever comes'
    ]
  ] as const)("%# that is none is refused", (partitions, problem) => {
    assert.deepStrictEqual(Partition.problems(partitions), [problem])
  })

  it("says what is wrong with a cron", () => {
    assert.match(Partition.problems(Partition.cron({ start: "2026-01-02", cron: "0 25 * * *" }))[0]!, /bad cron "0 25/)
  })

  it("is described in words", () => {
    assert.strictEqual(Partition.describe(Partition.daily({ start: "2025-01-01" })), "daily from 2025-01-01")
    assert.strictEqual(
      Partition.describe(
        Partition.cron({ cron: "0 6 * * *", start: "2025-01-01", end: "2026-01-01", timezone: "Asia/Tokyo" })
      ),
      'cron "0 6 * * *" from 2025-01-01 until 2026-01-01 in Asia/Tokyo'
    )
  })
})
