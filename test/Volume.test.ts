import { assert, describe, it } from "@effect/vitest"
import * as Volume from "../runtime/Volume.ts"

describe("an amount among those before it", () => {
  it("is as many modified z-scores off as its distance from the median over the MAD says", () => {
    // The numbers with which Iglewicz and Hoaglin show that two outliers hide each other from a plain z-score.
    const history = [2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3]
    const { mad, median, score } = Volume.compare(8.2, history)
    assert.closeTo(median, 2.45, 1e-9)
    assert.closeTo(mad, 0.15, 1e-9)
    assert.closeTo(score, 25.86, 0.01)
    assert.closeTo(Volume.compare(2.1, history).score, -1.57, 0.01)
  })

  it("is compared by the mean deviation where most amounts are one number, and infinitely far off where all are", () => {
    assert.closeTo(Volume.compare(14, [10, 10, 10, 14]).score, 4 / (1 / 0.7979), 1e-9)
    assert.strictEqual(Volume.compare(10, [10, 10, 10, 14]).score, 0)
    assert.strictEqual(Volume.compare(11, [10, 10]).score, Infinity)
    assert.strictEqual(Volume.compare(9, [10, 10]).score, -Infinity)
    assert.strictEqual(Volume.compare(10, [10]).score, 0)
  })

  it("of a slice is compared with the slices whole weeks before, of the same hour, over the end of a year", () => {
    assert.deepStrictEqual(Volume.weeksBefore("2026-01-10T05", 3), ["2026-01-03T05", "2025-12-27T05", "2025-12-20T05"])
    assert.strictEqual(Volume.weeksBefore("north", 3), undefined)
    assert.strictEqual(Volume.weeksBefore("2026-13-01", 3), undefined)
  })

  it("that was recorded counts for its day in UTC, the last of a day", () => {
    const recorded = [
      { at: "2026-03-10T00:00:00.000Z", rows: 1 },
      { at: "2026-03-03T23:59:59.999Z", rows: 2 },
      { at: "2026-03-03T00:00:00.000Z", rows: 3 },
      { at: "2026-03-02T23:59:59.999Z", rows: 4 },
      { at: "2026-02-24T12:00:00.000Z", rows: null },
      { at: "2026-02-24T11:00:00.000Z", rows: 5 }
    ]
    assert.deepStrictEqual(Volume.recordedOnWeekday(Date.parse("2026-03-10T23:00:00Z"), recorded), [2, 5])
  })
})
