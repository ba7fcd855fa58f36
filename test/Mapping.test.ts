import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Mapping from "../runtime/Mapping.ts"
import * as Partition from "../runtime/Partition.ts"

type Cut = Partition.Partitioning | undefined

const customers = new Map([["customers", ["acme", "bolt", "cargo"]]])

/** The keys of `up` that each key of `down` needs. */
const needs = (
  down: Cut,
  up: Cut,
  {
    at = "2026-04-02T10:20Z",
    by = Mapping.between(down, up)
  }: { readonly at?: string; readonly by?: Mapping.Mapping } = {}
): Readonly<Record<string, ReadonlyArray<string>>> => {
  assert.deepStrictEqual(Mapping.problems(by, down, up, "up"), [])
  const moment = new Partition.Moment(Date.parse(at), customers)
  const ranges = Mapping.upstream(by, endAt(at, down), endAt(at, up))
  const keysOf = (partitions: Cut) => (partitions === undefined ? ["whole"] : moment.keys(partitions).all)
  return Object.fromEntries(
    keysOf(down).map((key, index) => [key, ranges(index).flatMap(([from, to]) => keysOf(up).slice(from, to))])
  )
}

const endAt = (at: string, partitions: Cut): Mapping.End => ({
  partitions,
  keys: partitions && new Partition.Moment(Date.parse(at), customers).keys(partitions)
})

const daily = Partition.daily({ start: "2026-03-27", timezone: "Europe/Berlin" })
const hourly = Partition.hourly({ start: "2026-03-27", timezone: "Europe/Berlin" })
const regions = Partition.fixed(["eu", "us"])
const dynamic = Partition.dynamic("customers")
const days = Partition.daily({ start: "2026-04-01" })
const byRegion = Partition.product({ day: days, region: regions })

describe("when nothing is said", () => {
  it("a whole asset needs every partition, and every partition a whole asset", () => {
    assert.deepStrictEqual(needs(undefined, regions), { whole: ["eu", "us"] })
    assert.deepStrictEqual(needs(regions, undefined), { eu: ["whole"], us: ["whole"] })
    assert.deepStrictEqual(needs(undefined, undefined), { whole: ["whole"] })
  })

  it("a partition needs the one of its key, in spans that may differ", () => {
    assert.deepStrictEqual(needs(days, Partition.daily({ start: "2026-03-01" })), {
      "2026-04-01": ["2026-04-01"],
      "2026-04-02": ["2026-04-02"]
    })
    assert.deepStrictEqual(needs(Partition.fixed(["us"]), regions), { us: ["us"] })
    assert.deepStrictEqual(needs(dynamic, dynamic), { acme: ["acme"], bolt: ["bolt"], cargo: ["cargo"] })
    const earlier = Partition.product({
      day: Partition.daily({ start: "2026-03-01" }),
      region: Partition.fixed(["as", "us", "eu"])
    })
    assert.deepStrictEqual(needs(byRegion, earlier)["2026-04-02|eu"], ["2026-04-02|eu"])
    assert.deepStrictEqual(needs(byRegion, earlier)["2026-04-01|us"], ["2026-04-01|us"])
  })

  it("a day needs its 23, 24 or 25 hours", () => {
    const counts = (at: string, day: string) => needs(daily, hourly, { at })[day]!.length
    assert.strictEqual(counts("2026-04-02T10:20Z", "2026-03-28"), 24)
    assert.strictEqual(counts("2026-04-02T10:20Z", "2026-03-29"), 23)
    assert.strictEqual(counts("2026-11-01T00:00Z", "2026-10-25"), 25)
    assert.deepStrictEqual(needs(daily, hourly, { at: "2026-03-28T01:20+01:00" })["2026-03-28"], [
      "2026-03-28T00:00+01:00",
      "2026-03-28T01:00+01:00"
    ])
  })

  it("an hour needs its day", () => {
    const hours = needs(hourly, daily)
    assert.deepStrictEqual(hours["2026-03-29T00:00+01:00"], ["2026-03-29"])
    assert.deepStrictEqual(hours["2026-03-29T23:00+02:00"], ["2026-03-29"])
    assert.deepStrictEqual(hours["2026-03-30T00:00+02:00"], ["2026-03-30"])
  })

  it("a month needs the weeks that reach into it", () => {
    const weeks = Partition.weekly({ start: "2026-01-26" })
    assert.deepStrictEqual(needs(Partition.monthly({ start: "2026-02" }), weeks, { at: "2026-03-03T00:00Z" }), {
      "2026-02": ["2026-01-26", "2026-02-02", "2026-02-09", "2026-02-16", "2026-02-23"],
      "2026-03": ["2026-02-23", "2026-03-02"]
    })
  })

  it("a product and one of its dimensions meet by key", () => {
    assert.deepStrictEqual(needs(byRegion, regions, { at: "2026-04-01T10:00Z" }), {
      "2026-04-01|eu": ["eu"],
      "2026-04-01|us": ["us"]
    })
    assert.deepStrictEqual(needs(regions, byRegion), {
      eu: ["2026-04-01|eu", "2026-04-02|eu"],
      us: ["2026-04-01|us", "2026-04-02|us"]
    })
    assert.deepStrictEqual(needs(Partition.daily({ start: "2026-04-02" }), byRegion), {
      "2026-04-02": ["2026-04-02|eu", "2026-04-02|us"]
    })
  })
})

describe("when nothing is said of products by other windows of time", () => {
  const hours = Partition.hourly({ start: "2026-04-01" })
  const hourlyByRegion = Partition.product({ hour: hours, region: regions })
  const at = "2026-04-02T01:20Z"

  it("a day needs the hours that lie in it, of its region where both have one", () => {
    const expected = (...regions: ReadonlyArray<string>) =>
      ["2026-04-02T00:00Z", "2026-04-02T01:00Z"].flatMap((hour) => regions.map((region) => `${hour}|${region}`))
    assert.deepStrictEqual(needs(byRegion, hourlyByRegion, { at })["2026-04-02|us"], expected("us"))
    assert.deepStrictEqual(needs(days, hourlyByRegion, { at })["2026-04-02"], expected("eu", "us"))
    assert.deepStrictEqual(needs(byRegion, hours, { at })["2026-04-02|us"], ["2026-04-02T00:00Z", "2026-04-02T01:00Z"])
  })

  it("an hour needs the day that it lies in", () => {
    assert.deepStrictEqual(needs(hourlyByRegion, byRegion, { at })["2026-04-02T00:00Z|eu"], ["2026-04-02|eu"])
  })

  it("has to be said where they have other dimensions besides", () => {
    const hourlyByCustomer = Partition.product({ hour: hours, customer: dynamic })
    assert.strictEqual(Mapping.between(byRegion, hourlyByCustomer)._tag, "Identity")
    assert.strictEqual(Mapping.between(byRegion, Partition.product({ hour: hours }))._tag, "Identity")
  })
})

describe("when it is said", () => {
  const windows = (startOffset: number, endOffset: number): Mapping.Mapping => ({
    _tag: "Windows",
    startOffset,
    endOffset
  })

  it("a day needs the days that end with it, as far back as there are any", () => {
    const trailing = needs(Partition.daily({ start: "2026-03-01" }), Partition.daily({ start: "2026-02-20" }), {
      at: "2026-03-05T00:00Z",
      by: windows(-2, 0)
    })
    assert.deepStrictEqual(trailing, {
      "2026-03-01": ["2026-02-27", "2026-02-28", "2026-03-01"],
      "2026-03-02": ["2026-02-28", "2026-03-01", "2026-03-02"],
      "2026-03-03": ["2026-03-01", "2026-03-02", "2026-03-03"],
      "2026-03-04": ["2026-03-02", "2026-03-03", "2026-03-04"],
      "2026-03-05": ["2026-03-03", "2026-03-04", "2026-03-05"]
    })
  })

  it("but no day from before the first", () => {
    const trailing = needs(days, days, { at: "2026-04-03T00:00Z", by: windows(-1, 0) })
    assert.deepStrictEqual(trailing, {
      "2026-04-01": ["2026-04-01"],
      "2026-04-02": ["2026-04-01", "2026-04-02"],
      "2026-04-03": ["2026-04-02", "2026-04-03"]
    })
  })

  it("windows may lie before or after the own one, and count in own windows", () => {
    const before = needs(Partition.daily({ start: "2026-03-28", timezone: "Europe/Berlin" }), hourly, {
      by: windows(-1, -1)
    })
    assert.strictEqual(before["2026-03-28"]!.length, 24)
    assert.strictEqual(before["2026-03-30"]!.length, 23)
    const after = needs(days, days, { by: windows(1, 1) })
    assert.deepStrictEqual(after, { "2026-04-01": ["2026-04-02"], "2026-04-02": [] })
  })

  it("windows of a product are those along its time, with the same keys in what both have", () => {
    const hours = Partition.hourly({ start: "2026-04-01" })
    const hourlyByRegion = Partition.product({ region: Partition.fixed(["us", "eu"]), hour: hours })
    const found = needs(byRegion, hourlyByRegion, { at: "2026-04-02T01:20Z", by: windows(0, 0) })
    assert.strictEqual(found["2026-04-01|us"]!.length, 24)
    assert.deepStrictEqual(found["2026-04-02|eu"], ["eu|2026-04-02T00:00Z", "eu|2026-04-02T01:00Z"])
    assert.deepStrictEqual(found["2026-04-02|us"], ["us|2026-04-02T00:00Z", "us|2026-04-02T01:00Z"])
    const trailing = needs(byRegion, byRegion, { at: "2026-04-03T00:00Z", by: windows(-1, 0) })
    assert.deepStrictEqual(trailing["2026-04-01|us"], ["2026-04-01|us"])
    assert.deepStrictEqual(trailing["2026-04-03|us"], ["2026-04-02|us", "2026-04-03|us"])
  })

  it("windows of a product have every key of what only it has, and none of what only the reader has", () => {
    const at = "2026-04-03T00:00Z"
    const whole = needs(days, byRegion, { at, by: windows(-1, -1) })
    assert.deepStrictEqual(whole, {
      "2026-04-01": [],
      "2026-04-02": ["2026-04-01|eu", "2026-04-01|us"],
      "2026-04-03": ["2026-04-02|eu", "2026-04-02|us"]
    })
    const each = needs(byRegion, days, { at, by: windows(-1, 0) })
    assert.deepStrictEqual(each["2026-04-02|eu"], ["2026-04-01", "2026-04-02"])
    assert.deepStrictEqual(each["2026-04-02|us"], ["2026-04-01", "2026-04-02"])
    const byCustomer = Partition.product({ customer: dynamic, day: days, region: regions })
    const byNobody = Partition.product({ day: days, customer: Partition.dynamic("nobody") })
    assert.deepStrictEqual(needs(days, byNobody, { at, by: windows(-1, 0) })["2026-04-03"], [])
    assert.deepStrictEqual(Mapping.upstream(windows(-1, 0), endAt(at, days), endAt(at, byNobody))(2), [])
    const others = needs(byRegion, byCustomer, { at, by: windows(-1, -1) })
    assert.deepStrictEqual(others["2026-04-02|us"], ["acme|2026-04-01|us", "bolt|2026-04-01|us", "cargo|2026-04-01|us"])
  })

  it("the last one is the newest window, or the last key", () => {
    assert.deepStrictEqual(needs(regions, days, { by: { _tag: "Last" } }), { eu: ["2026-04-02"], us: ["2026-04-02"] })
    assert.deepStrictEqual(needs(undefined, dynamic, { by: { _tag: "Last" } }), { whole: ["cargo"] })
    assert.deepStrictEqual(needs(undefined, days, { at: "2026-03-01T00:00Z", by: { _tag: "Last" } }), { whole: [] })
  })

  it("partitions from before or after those of a dependency need none", () => {
    const [down, up] = [
      Partition.daily({ start: "2026-03-31" }),
      Partition.daily({ start: "2026-04-01", end: "2026-04-03" })
    ]
    const moment = new Partition.Moment(Date.parse("2026-04-03T00:00Z"))
    const needed = Mapping.upstream(
      { _tag: "Identity" },
      { partitions: down, keys: moment.keys(down) },
      { partitions: up, keys: moment.keys(up) }
    )
    assert.deepStrictEqual([0, 1, 2, 3].map(needed), [[], [[0, 1]], [[1, 2]], []])
  })

  it("keys are needed by key, in their order", () => {
    const countries = Partition.fixed(["at", "de", "fr", "us"])
    const by: Mapping.Mapping = { _tag: "Fixed", upstream: { eu: ["fr", "at", "de"], us: ["us"] } }
    assert.deepStrictEqual(needs(regions, countries, { by }), { eu: ["at", "de", "fr"], us: ["us"] })
  })

  it("a key of which nothing is said needs none", () => {
    const by: Mapping.Mapping = { _tag: "Fixed", upstream: { acme: ["eu"] } }
    const moment = new Partition.Moment(0, new Map([["customers", ["acme", "constructor"]]]))
    const end = (partitions: Partition.Partitioning) => ({ partitions, keys: moment.keys(partitions) })
    assert.deepStrictEqual([0, 1].map(Mapping.upstream(by, end(dynamic), end(regions))), [[[0, 1]], []])
  })

  it("a function names keys, of which those that are none are left out", () => {
    const by: Mapping.Mapping = { _tag: "Custom", upstream: (key) => (key === "eu" ? ["bolt", "gone", "bolt"] : []) }
    assert.deepStrictEqual(needs(regions, dynamic, { by }), { eu: ["bolt"], us: [] })
  })

  it("products meet in one dimension and have all of the others", () => {
    const models = Partition.product({ region: regions, model: Partition.fixed(["small", "large"]) })
    const by: Mapping.Mapping = { _tag: "Dimension", dimension: "region", many: true }
    assert.deepStrictEqual(needs(models, byRegion, { at: "2026-04-02T00:00Z", by })["us|small"], [
      "2026-04-01|us",
      "2026-04-02|us"
    ])
  })

  it("earlier partitions of one's own are those of the same keys, and before the first there are none", () => {
    const previous = (offset: number): Mapping.Mapping => ({ _tag: "Previous", offset })
    assert.deepStrictEqual(needs(days, days, { by: previous(1) }), { "2026-04-01": [], "2026-04-02": ["2026-04-01"] })
    assert.deepStrictEqual(needs(byRegion, byRegion, { at: "2026-04-03T00:00Z", by: previous(2) }), {
      "2026-04-01|eu": [],
      "2026-04-01|us": [],
      "2026-04-02|eu": [],
      "2026-04-02|us": [],
      "2026-04-03|eu": ["2026-04-01|eu"],
      "2026-04-03|us": ["2026-04-01|us"]
    })
    const regionFirst = Partition.product({ region: regions, day: days })
    assert.deepStrictEqual(needs(regionFirst, regionFirst, { by: previous(1) }), {
      "eu|2026-04-01": [],
      "eu|2026-04-02": ["eu|2026-04-01"],
      "us|2026-04-01": [],
      "us|2026-04-02": ["us|2026-04-01"]
    })
  })
})

describe("windows of any grains", () => {
  const zones = ["UTC", "Europe/Berlin", "America/New_York"] as const
  const cut = {
    hourly: (start: string, timezone: string) => Partition.hourly({ start, timezone }),
    daily: (start: string, timezone: string) => Partition.daily({ start, timezone }),
    weekly: (start: string, timezone: string) => Partition.weekly({ start, timezone }),
    monthly: (start: string, timezone: string) => Partition.monthly({ start: start.slice(0, 7), timezone }),
    cron: (start: string, timezone: string) => Partition.cron({ start, cron: "30 2 * * *", timezone })
  }
  const kind = Schema.Literals(["hourly", "daily", "weekly", "monthly", "cron"])
  const zone = Schema.Literals(zones)
  const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

  const drawn = { down: kind, up: kind, ownZone: zone, otherZone: zone, from: between(-8, 2), length: between(0, 5) }

  it.prop("are needed where they overlap the moved window", drawn, ({ down, from, length, otherZone, ownZone, up }) => {
    const own = cut[down]("2026-03-02", ownZone)
    const other = cut[up]("2026-02-23", otherZone)
    const moment = new Partition.Moment(Date.parse("2026-04-20T10:00Z"))
    const [ownKeys, otherKeys] = [moment.keys(own), moment.keys(other)]
    const needed = Mapping.upstream(
      { _tag: "Windows", startOffset: from, endOffset: from + length },
      { partitions: own, keys: ownKeys },
      { partitions: other, keys: otherKeys }
    )
    // Windows from before the first, and those that have not begun, count as the others do.
    const wide = new Partition.Moment(Date.parse("2027-03-20T10:00Z")).keys(cut[down]("2025-06-02", ownZone)).bounds!
    const first = wide.indexOf(ownKeys.bounds![0]!) + from
    for (const index of ownKeys.all.keys()) {
      const [start, end] = [wide[first + index]!, wide[first + index + length + 1]!]
      const overlapping = otherKeys.all.flatMap((_, at) =>
        otherKeys.bounds![at]! < end && otherKeys.bounds![at + 1]! > start ? [at] : []
      )
      const found = needed(index).flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at))
      assert.deepStrictEqual(found, overlapping)
    }
  })
})

describe("a mapping that does not fit is told in words", () => {
  const windows = (startOffset: number, endOffset: number): Mapping.Mapping => ({
    _tag: "Windows",
    startOffset,
    endOffset
  })

  it.each<[what: string, mapping: Mapping.Mapping | undefined, down: Cut, up: Cut, problem: string]>([
    [
      "fixed keys by day",
      undefined,
      days,
      regions,
      'nothing says which partitions of "up" (fixed: eu, us) one of its own needs (daily from 2026-04-01)'
    ],
    [
      "days of another zone",
      undefined,
      days,
      daily,
      'nothing says which partitions of "up" (daily from 2026-03-27 in Europe/Berlin) one of its own needs (daily from 2026-04-01)'
    ],
    [
      "keys that the dependency does not have",
      undefined,
      Partition.fixed(["eu", "as"]),
      regions,
      'nothing says which partitions of "up" (fixed: eu, us) one of its own needs (fixed: eu, as)'
    ],
    [
      "days before those of the dependency",
      undefined,
      Partition.daily({ start: "2026-03-01" }),
      days,
      'its partitions start on 2026-03-01, before those of its dependency "up" (2026-04-01)'
    ],
    [
      "days without their hours",
      undefined,
      Partition.daily({ start: "2026-03-01" }),
      Partition.hourly({ start: "2026-03-01T06:00Z" }),
      'its partitions start on 2026-03-01, before those of its dependency "up" (2026-03-01T06:00Z)'
    ],
    [
      "days after those of the dependency",
      undefined,
      days,
      Partition.daily({ start: "2026-04-01", end: "2026-05-01" }),
      'its partitions go on after those of its dependency "up" end (2026-05-01)'
    ],
    [
      "a dimension that starts later",
      undefined,
      Partition.product({ day: Partition.daily({ start: "2026-03-01" }), region: regions }),
      byRegion,
      'its partitions start on 2026-03-01, before those of its dependency "up" (2026-04-01)'
    ],
    [
      "windows of fixed keys",
      windows(0, 0),
      days,
      regions,
      'windows of "up" are for partitions by time on both sides: it has fixed: eu, us, its own are daily from 2026-04-01'
    ],
    [
      "windows of a product without time",
      windows(0, 0),
      days,
      Partition.product({ region: regions }),
      'windows of "up" are for partitions by time on both sides: it has region (fixed: eu, us), its own are daily from 2026-04-01'
    ],
    [
      "windows of other keys in what both have",
      windows(-1, 0),
      byRegion,
      Partition.product({ day: days, region: Partition.fixed(["eu", "as"]) }),
      'windows of "up" are of one region each, which it has as fixed: eu, as and its own have as fixed: eu, us'
    ],
    [
      "windows of a product that starts later",
      windows(0, 0),
      Partition.product({ month: Partition.monthly({ start: "2026-03" }), region: regions }),
      byRegion,
      'its partitions start on 2026-03, before those of its dependency "up" (2026-04-01)'
    ],
    [
      "windows that end before they start",
      windows(0, -1),
      days,
      days,
      'windows of "up" go from 0 to -1: whole numbers in ascending order are needed'
    ],
    [
      "a dimension that is not there",
      { _tag: "Dimension", dimension: "model", many: false },
      byRegion,
      regions,
      'its partitions have no dimension "model"'
    ],
    [
      "a key without a mapping",
      { _tag: "Fixed", upstream: { eu: ["acme"] } },
      regions,
      dynamic,
      'nothing says which partitions of "up" its partition us needs'
    ],
    [
      "a mapping to what is no key",
      { _tag: "Fixed", upstream: { eu: ["eu"], us: ["usa"] } },
      regions,
      regions,
      '"up" has no partition usa'
    ],
    [
      "earlier keys of what is no time",
      { _tag: "Previous", offset: 1 },
      regions,
      regions,
      "only partitions by time have earlier ones, its own are fixed: eu, us"
    ],
    [
      "itself as its own past",
      { _tag: "Previous", offset: 0 },
      days,
      days,
      "it reads itself 0 partitions earlier: a whole number from 1 is needed"
    ],
    [
      "a function of keys that are not there",
      { _tag: "Custom", upstream: () => [] },
      undefined,
      days,
      'it has no partitions of its own that could say which of "up" are needed'
    ]
  ])("%s", (_, mapping, down, up, problem) => {
    assert.deepStrictEqual(Mapping.problems(mapping ?? Mapping.between(down, up), down, up, "up"), [problem])
  })

  it("but not where windows with offsets reach beyond the first", () => {
    assert.deepStrictEqual(Mapping.problems(windows(-6, 0), Partition.daily({ start: "2026-03-01" }), days, "up"), [])
  })
})
