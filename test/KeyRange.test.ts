import { assert, describe, it } from "@effect/vitest"
import * as Asset from "../runtime/Asset.ts"
import * as KeyRange from "../runtime/KeyRange.ts"
import * as Partition from "../runtime/Partition.ts"
import type * as Plan from "../runtime/Plan.ts"
import { io, Simulation } from "./Simulation.ts"

const moment = new Partition.Moment(Date.UTC(2026, 10, 1, 12), new Map([["customers", ["zoe", "ann", "bob"]]]))

/** First and last of the range, and how many keys it has. */
const between = (self: Partition.Partitioning, from?: string, to?: string) => {
  const range = KeyRange.make(self, moment, { from, to })
  const { all } = moment.keys(self)
  const keys = all.filter((_, index) => KeyRange.has(range, index))
  return [keys[0], keys.at(-1), keys.length]
}

const timezone = "Europe/Berlin"
const hourly = Partition.hourly({ start: "2026-03-01", timezone })
const daily = Partition.daily({ start: "2026-03-01", timezone })
const weekly = Partition.weekly({ start: "2026-03-02" })
const monthly = Partition.monthly({ start: "2026-01" })
const regions = Partition.fixed(["us", "eu", "as"])
const customers = Partition.dynamic("customers")
const sales = Partition.product({ region: regions, day: daily })

describe("a range of partitions", () => {
  it.each<[Partition.Partitioning, string | undefined, string | undefined, ReturnType<typeof between>]>([
    // The day of 25 hours, and the day of 23.
    [hourly, "2026-10-25", "2026-10-25", ["2026-10-25T00:00+02:00", "2026-10-25T23:00+01:00", 25]],
    [hourly, "2026-03-29", "2026-03-29", ["2026-03-29T00:00+01:00", "2026-03-29T23:00+02:00", 23]],
    // The hour that comes twice, the one that does not come, and one alone.
    [hourly, "2026-10-25T02", "2026-10-25T02", ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", 2]],
    [hourly, "2026-03-29T02", "2026-03-29T03", ["2026-03-29T03:00+02:00", "2026-03-29T03:00+02:00", 1]],
    [hourly, "2026-10-25T02:00+01:00", "2026-10-25T03", ["2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00", 2]],
    // A moment of another clock lies where it is.
    [hourly, "2026-05-01T10:30Z", "2026-05-01T13:00Z", ["2026-05-01T13:00+02:00", "2026-05-01T15:00+02:00", 3]],
    [daily, "2026-05-01T10:30Z", "2026-05-03T13:00Z", ["2026-05-02", "2026-05-03", 2]],
    [daily, "2026-05", "2026-06-03T13", ["2026-05-01", "2026-06-03", 34]],
    [daily, "2026", undefined, ["2026-03-01", "2026-11-01", 246]],
    [daily, undefined, "2026-03", ["2026-03-01", "2026-03-31", 31]],
    // Weeks that begin in between: of a day on which none begins, the next and the last.
    [weekly, "2026-03-09", "2026-03-16", ["2026-03-09", "2026-03-16", 2]],
    [weekly, "2026-03-10", "2026-03-22", ["2026-03-16", "2026-03-16", 1]],
    [weekly, "2026-03-10", "2026-03-12", [undefined, undefined, 0]],
    [monthly, "2026-02-01", "2026-04-15", ["2026-02", "2026-04", 3]],
    [monthly, "2026-02-02", "2026-04", ["2026-03", "2026-04", 2]],
    [sales, "2026-03-30", "2026-04-01", ["us|2026-03-30", "as|2026-04-01", 9]],
    [sales, "eu|2026-10-31", undefined, ["us|2026-10-31", "as|2026-11-01", 6]],
    // Other keys in their order: as declared, or as they were added.
    [regions, "eu", undefined, ["eu", "as", 2]],
    [customers, "zoe", "ann", ["zoe", "ann", 2]]
  ])("%# of %o from %s to %s", (self, from, to, expected) => {
    assert.deepStrictEqual(between(self, from, to), expected)
  })

  const cut = (key: string, partitions: Partition.Partitioning) =>
    Asset.make(key, { io, codeVersion: "1", partitions, materialize: () => null as never })

  const planned = (of: ReadonlyArray<Asset.Any>, more: Partial<Plan.Request>) => {
    const simulation = new Simulation(of)
    const answer = simulation.refusal(more)
    if (answer !== "planned") return answer
    return simulation.request(more).blocks.map(({ asset, partitions }) => `${asset}/${partitions}`)
  }

  // It is the 10th of March 2026, a Tuesday.
  const days = cut("days", Partition.daily({ start: "2026-03-05" }))
  const weeks = cut("weeks", Partition.weekly({ start: "2026-02-16" }))
  const taxes = cut("taxes", regions)

  it("is taken by each asset in its own way, whatever comes first", () => {
    const expected = { weeks: "weeks/2026-03-09", days: "days/2026-03-08..2026-03-09" }
    const range = { from: "2026-03-08", to: "2026-03-09" }
    assert.deepStrictEqual(planned([weeks, days], range), [expected.weeks, expected.days])
    assert.deepStrictEqual(planned([days, weeks], range), [expected.days, expected.weeks])
    assert.deepStrictEqual(planned([taxes, days], { from: "eu" }), ["taxes/eu..as"])
  })

  it.each<[ReadonlyArray<Asset.Any>, Partial<Plan.Request>, string]>([
    [
      [weeks],
      { from: "2026-03-03", to: "2026-03-05" },
      "no partition of weeks (weekly from 2026-02-16) begins from 2026-03-03 to 2026-03-05; next to that are 2026-03-02 and 2026-03-09"
    ],
    [
      [days],
      { from: "2026-03-11" },
      "no partition of days (daily from 2026-03-05) begins from 2026-03-11; next to that is 2026-03-10"
    ],
    [
      [weeks],
      { from: "2026-03-05", to: "2026-03-03" },
      "the range of partitions ends (2026-03-03) before it starts (2026-03-05)"
    ],
    [
      [days],
      { to: "2026-02-30" },
      '--to "2026-02-30" is neither a partition of days (daily from 2026-03-05), such as 2026-03-05, nor a time such as 2026-01 or 2026-01-31'
    ],
    [
      [taxes],
      { from: "af" },
      '--from "af" is no partition of taxes (fixed: us, eu, as), such as us; --from and --to go by their order'
    ],
    [
      [cut("orders", customers)],
      { to: "ann" },
      '--to "ann" is no partition of orders (dynamic "customers"), of which there is none as yet; --from and --to go by their order'
    ],
    [
      [taxes, days],
      { from: "eu", to: "2026-03-09" },
      '--to "2026-03-09" is no partition of taxes (fixed: us, eu, as), such as us; --from and --to go by their order'
    ]
  ])("%# is refused where it says nothing to anybody", (of, more, message) => {
    assert.strictEqual(planned(of, more), message)
  })
})
