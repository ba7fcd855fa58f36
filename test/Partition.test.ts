import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Partition from "../runtime/Partition.ts"

const now = Date.parse("2026-03-31T10:20Z")
const customers = ["acme", "bolt", "cargo"]
const moment = new Partition.Moment(now, new Map([["customers", customers]]))

const daily = Partition.daily({ start: "2026-03-01" })
const hourly = Partition.hourly({ start: "2026-03-28", timezone: "Europe/Berlin" })
const weekly = Partition.weekly({ start: "2026-03-02" })
const regions = Partition.fixed(["eu", "us", "eu-north", "as"])
const dynamic = Partition.dynamic("customers")
const product = Partition.product({ day: daily, region: Partition.fixed(["eu", "us", "as"]), customer: dynamic })

describe("keys", () => {
  it("of a fixed set are those declared, in that order", () => {
    assert.deepStrictEqual(moment.keys(regions).all, ["eu", "us", "eu-north", "as"])
    assert.strictEqual(moment.keys(regions).indexOf("eu-north"), 2)
    assert.strictEqual(moment.keys(regions).indexOf("af"), -1)
    assert.isTrue(Partition.isKey(regions, "us"))
    assert.isFalse(Partition.isKey(regions, "af"))
  })

  it("of a dynamic set are those in force, of which there may be none", () => {
    assert.deepStrictEqual(moment.keys(dynamic).all, customers)
    assert.strictEqual(moment.keys(Partition.dynamic("suppliers")).size, 0)
    assert.isTrue(Partition.isKey(dynamic, "dynamo"))
    assert.isFalse(Partition.isKey(dynamic, "a|b"))
  })

  it("of a product are all combinations, the last dimension first", () => {
    const small = Partition.product({ region: Partition.fixed(["eu", "us"]), customer: dynamic })
    assert.deepStrictEqual(moment.keys(small).all, ["eu|acme", "eu|bolt", "eu|cargo", "us|acme", "us|bolt", "us|cargo"])
    const keys = moment.keys(product)
    assert.strictEqual(keys.size, 31 * 3 * 3)
    for (const [index, key] of keys.all.entries()) assert.strictEqual(keys.indexOf(key), index)
    assert.strictEqual(keys.indexOf("2026-03-01|eu"), -1)
    assert.strictEqual(keys.indexOf("2026-03-01|eu|acme|acme"), -1)
    assert.strictEqual(keys.indexOf("2026-03-01|acme|eu"), -1)
    assert.isTrue(Partition.isKey(product, "2030-01-01|eu|later"))
    assert.isFalse(Partition.isKey(product, "2030-01-01|af|later"))
  })

  it("are shared by all that are cut alike", () => {
    const twin = Partition.product({ day: Partition.daily({ start: "2026-03-01" }), region: Partition.fixed(["eu"]) })
    assert.strictEqual(moment.keys(daily), moment.keys(Partition.daily({ start: "2026-03-01" })))
    assert.strictEqual(moment.keys(twin).dimensions![0]!.keys, moment.keys(daily))
    assert.notStrictEqual(moment.keys(daily), moment.keys(Partition.daily({ start: "2026-03-02" })))
  })

  it("are told by dimension", () => {
    assert.deepStrictEqual(Partition.split(product, "2026-03-01|eu|acme"), {
      day: "2026-03-01",
      region: "eu",
      customer: "acme"
    })
    assert.deepStrictEqual(Partition.split(daily, "2026-03-01"), {})
    assert.deepStrictEqual(Partition.split(undefined, null), {})
  })
})

describe("time", () => {
  it("is what windows and products with them have", () => {
    assert.isTrue(Partition.isTimed(daily))
    assert.isTrue(Partition.isTimed(product))
    assert.isFalse(Partition.isTimed(regions))
    assert.isFalse(Partition.isTimed(dynamic))
    assert.deepStrictEqual(Partition.window(product, "2026-03-05|eu|acme"), {
      start: Date.parse("2026-03-05"),
      end: Date.parse("2026-03-06")
    })
    assert.isUndefined(Partition.window(regions, "eu"))
    for (const self of [daily, hourly, product, regions]) {
      const keys = moment.keys(self)
      for (const [index, key] of keys.all.entries()) {
        assert.deepStrictEqual(Partition.windowAt(keys, index), Partition.window(self, key))
      }
    }
  })

  it("is not what a text far from any calendar names", () => {
    const kathmandu = Partition.daily({ start: "2026-03-01", timezone: "Asia/Kathmandu" })
    for (const key of ["-271821-04-20", "+275760-09-13", "1 March 2026", "2026", "2026-3-1", "2026-03-01 "]) {
      assert.isFalse(Partition.isKey(daily, key), key)
      assert.isFalse(Partition.isKey(hourly, key), key)
      assert.isFalse(Partition.isKey(kathmandu, key), key)
    }
    assert.isFalse(Partition.isKey(hourly, "-271821-04-20T00:00Z"))
  })

  it("ends windows at their end, and never what has none", () => {
    const end = Date.parse("2026-03-06")
    assert.isFalse(Partition.hasEnded(product, "2026-03-05|eu|acme", end - 1))
    assert.isTrue(Partition.hasEnded(product, "2026-03-05|eu|acme", end))
    assert.isFalse(Partition.hasEnded(regions, "eu", end))
    assert.isFalse(Partition.hasEnded(dynamic, "acme", end))
  })
})

describe("ranges", () => {
  const ranges = (self: Partition.Partitioning, ...keys: ReadonlyArray<string>) =>
    Partition.ranges(
      moment.keys(self),
      keys.map((key) => moment.keys(self).indexOf(key)).sort((a, b) => a - b)
    )

  it("merge windows that follow each other", () => {
    assert.deepStrictEqual(ranges(daily), [])
    assert.deepStrictEqual(ranges(daily, "2026-03-03", "2026-03-01", "2026-03-02", "2026-03-07"), [
      "2026-03-01..2026-03-03",
      "2026-03-07"
    ])
  })

  it("merge other keys only where that is shorter", () => {
    assert.deepStrictEqual(ranges(regions, "eu", "us"), ["eu", "us"])
    assert.deepStrictEqual(ranges(regions, "eu", "us", "eu-north"), ["eu..eu-north"])
  })

  it("name the dimensions of products, and leave out those that are whole", () => {
    const keys = moment.keys(product).all
    const those = (select: (day: string, region: string, customer: string) => boolean) =>
      ranges(product, ...keys.filter((key) => select(...(key.split("|") as [string, string, string]))))
    assert.deepStrictEqual(
      those((day, region) => day < "2026-03-11" && region !== "as"),
      ["day=2026-03-01..2026-03-10 region=eu,us"]
    )
    assert.deepStrictEqual(
      those((day, region, customer) => customer === "bolt" && (region === "eu" || day === "2026-03-05")),
      ["day=2026-03-01..2026-03-04,2026-03-06..2026-03-31 region=eu customer=bolt", "day=2026-03-05 customer=bolt"]
    )
    assert.deepStrictEqual(
      those(() => true),
      ["*"]
    )
  })
})

describe("an expression names partitions", () => {
  const selected = (self: Partition.Partitioning, expression: string) => {
    const result = Partition.select(self, moment, expression)
    assert(Result.isSuccess(result), expression)
    return result.success.map((index) => moment.keys(self).all[index]!)
  }

  it.each([
    [daily, "2026-03-05", ["2026-03-05"]],
    [daily, "2026-03-05..2026-03-07", ["2026-03-05", "2026-03-06", "2026-03-07"]],
    [daily, "2026-03-30..", ["2026-03-30", "2026-03-31"]],
    [daily, "..2026-03-02", ["2026-03-01", "2026-03-02"]],
    [daily, "2026-03-07, 2026-03-01..2026-03-02,2026-03-02", ["2026-03-01", "2026-03-02", "2026-03-07"]],
    [daily, "2026-03-*1", ["2026-03-01", "2026-03-11", "2026-03-21", "2026-03-31"]],
    [daily, "*-03-1*6", ["2026-03-16"]],
    [daily, "2026-02-26..2026-03-02", ["2026-03-01", "2026-03-02"]],
    [daily, "2026-03-30..2027", ["2026-03-30", "2026-03-31"]],
    [daily, "2026-03-02; 2026-03-01", ["2026-03-01", "2026-03-02"]],
    [weekly, "2026-03-03..2026-03-20", ["2026-03-09", "2026-03-16"]],
    [weekly, "2026-03-16..", ["2026-03-16", "2026-03-23", "2026-03-30"]],
    [hourly, "2026-03-29T02..2026-03-29T03", ["2026-03-29T03:00+02:00"]],
    [hourly, "..2026-03-28T00:00+01:00", ["2026-03-28T00:00+01:00"]],
    [regions, "us", ["us"]],
    [regions, "us..eu-north", ["us", "eu-north"]],
    [regions, "eu*", ["eu", "eu-north"]],
    [dynamic, "bolt..", ["bolt", "cargo"]],
    [product, "2026-03-05|eu|acme", ["2026-03-05|eu|acme"]],
    [product, "2026-03-05|*|acme", ["2026-03-05|eu|acme", "2026-03-05|us|acme", "2026-03-05|as|acme"]],
    [product, "day=2026-03-05..2026-03-06 region=eu customer=acme", ["2026-03-05|eu|acme", "2026-03-06|eu|acme"]],
    [
      product,
      "customer=acme day=2026-03-05 region=eu,as; day=2026-03-01 region=us customer=bolt",
      ["2026-03-01|us|bolt", "2026-03-05|eu|acme", "2026-03-05|as|acme"]
    ]
  ] as const)("%# %o", (self, expression, keys) => {
    assert.deepStrictEqual(selected(self, expression), [...keys])
  })

  it("where a period stands for the windows that begin in it", () => {
    assert.strictEqual(selected(daily, "2026-03").length, 31)
    assert.strictEqual(selected(daily, "2026").length, 31)
    assert.strictEqual(selected(hourly, "2026-03-28").length, 24)
    assert.strictEqual(selected(hourly, "2026-03-29").length, 23)
    assert.strictEqual(selected(product, "day=2026-03-05").length, 9)
    assert.strictEqual(selected(product, "*").length, 31 * 9)
  })

  it.each([
    [daily, "2026-03-05..2026-03-01", "Malformed", "2026-03-05..2026-03-01", 0, "its end comes before its start"],
    [daily, "2026-03-02..2026-03-01", "Malformed", "2026-03-02..2026-03-01", 0, "its end comes before its start"],
    [
      daily,
      "2026-03-01, 2026-02-30",
      "Malformed",
      "2026-02-30",
      12,
      "neither a key, such as 2026-03-01, nor a year, month or day"
    ],
    [daily, "2026-03-01,", "Malformed", "", 11, "a key is missing here"],
    [daily, "", "Malformed", "", 0, "a key is missing here"],
    [daily, "..", "Malformed", "..", 0, "a range has at least one end"],
    [daily, "2026..2026..2026", "Malformed", "2026..2026..2026", 0, "a range has two ends"],
    [daily, "2026-*..", "Malformed", "2026-*..", 0, "a range has no wildcards"],
    [
      daily,
      "2026-04-01",
      "Unknown",
      "2026-04-01",
      0,
      "no partition is called so: they go from 2026-03-01 to 2026-03-31"
    ],
    [daily, "2025", "Unknown", "2025", 0, "no partition is called so: they go from 2026-03-01 to 2026-03-31"],
    [regions, "eu, us, af", "Unknown", "af", 8, "no partition is called so: they go from eu to as"],
    [regions, "eu*u", "Unknown", "eu*u", 0, "no partition is called so: they go from eu to as"],
    [regions, "us..eu", "Malformed", "us..eu", 0, "its end comes before its start"],
    [Partition.dynamic("none"), "acme", "Unknown", "acme", 0, "no partition is called so: there is none yet"],
    [product, "day=2026-03-01 region=af", "Unknown", "af", 22, "no partition is called so: they go from eu to as"],
    [
      product,
      "day=2026-03-01 size=1",
      "Malformed",
      "size=1",
      15,
      'there is no dimension "size", only day, region, customer'
    ],
    [
      product,
      "day=2026-03-01 eu",
      "Malformed",
      "eu",
      15,
      "of which dimension? Say day=, or region=, or customer= before it"
    ],
    [product, "region=eu region=us", "Malformed", "region=us", 10, '"region" is there twice: add keys with a comma'],
    [
      product,
      "2026-03-01..2026-03-02",
      "Malformed",
      "2026-03-01..2026-03-02",
      0,
      "this asset has dimensions: say for example day=2026-03-01 region=eu customer=acme"
    ]
  ] as const)("%# or says what is wrong with %o", (self, expression, _tag, part, at, detail) => {
    assert.deepStrictEqual(Partition.select(self, moment, expression), Result.fail({ _tag, part, at, detail }))
  })

  const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
  const all = { daily, hourly, weekly, regions, dynamic, product }

  it.prop(
    "and the ranges of any partitions name just those",
    {
      name: Schema.Literals(["daily", "hourly", "weekly", "regions", "dynamic", "product"]),
      picks: Schema.NonEmptyArray(Schema.Tuple([upTo(300), upTo(40)]))
    },
    ({ name, picks }) => {
      const self = all[name]
      const { size } = moment.keys(self)
      const indexes = new Set(
        picks.flatMap(([from, length]) => Array.from({ length: length + 1 }, (_, at) => (from + at) % size))
      )
      const sorted = Array.from(indexes).sort((a, b) => a - b)
      const ranges = Partition.ranges(moment.keys(self), sorted)
      assert.deepStrictEqual(Partition.select(self, moment, ranges.join("; ")), Result.succeed(sorted))
    }
  )

  it.prop("whatever the text, without failing otherwise", { text: Schema.String }, ({ text }) => {
    for (const self of Object.values(all)) {
      const result = Partition.select(self, moment, text)
      if (Result.isFailure(result)) assert.isAtMost(result.failure.at, text.length)
    }
  })
})

describe("a declaration that cannot be meant is told in words", () => {
  it.each([
    [Partition.fixed([]), ["fixed partitions: there are no keys"]],
    [Partition.fixed(["eu", "us", "eu"]), ['fixed partitions: the key "eu" is there twice']],
    [Partition.fixed(["e|u", ""]), ['fixed partitions: a key "e|u" has "|" in it', "fixed partitions: a key is empty"]],
    [Partition.fixed(["1..2"]), ['fixed partitions: a key "1..2" has ".." in it']],
    [Partition.fixed(["a\u001fb"]), ['fixed partitions: a key "a\\u001fb" has "\\u001f" in it']],
    [Partition.dynamic(""), ["dynamic partitions: the name is empty"]],
    [Partition.product({}), ["product of partitions: there are no dimensions"]],
    [
      Partition.product({ day: daily, hour: hourly }),
      [
        "product of partitions: only one dimension can be time, not day and hour, since a slice has one window; cut by one of them, and make the other a fixed or dynamic dimension"
      ]
    ],
    [
      Partition.product({ day: Partition.daily({ start: "today" }), region: Partition.fixed([]) }),
      [
        'dimension "day": daily partitions: start must be a day such as 2026-01-31, got "today"',
        'dimension "region": fixed partitions: there are no keys'
      ]
    ],
    [
      Partition.product({ "my day": daily }),
      ['product of partitions: a dimension is called by a letter and letters, digits, - and _, not "my day"']
    ],
    [product, []]
  ] as const)("%#", (partitions, problems) => {
    assert.deepStrictEqual(Partition.problems(partitions), problems)
  })

  it("and a good one has a name for its kind and a description", () => {
    assert.deepStrictEqual([daily, hourly, weekly, regions, dynamic, product].map(Partition.kind), [
      "daily",
      "hourly",
      "weekly",
      "fixed",
      "dynamic",
      "product"
    ])
    assert.strictEqual(
      Partition.describe(product),
      'day (daily from 2026-03-01) x region (fixed: eu, us, as) x customer (dynamic "customers")'
    )
  })
})
