import { assert, describe, it } from "@effect/vitest"
import * as ChiSquared from "../../assets/recommender/ChiSquared.ts"
import * as ClickThrough from "../../assets/recommender/ClickThrough.ts"
import * as Drift from "../../assets/recommender/Drift.ts"
import * as Dice from "../../assets/source/Dice.ts"

describe("the chi-squared distribution", () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.4.
  it.each([
    [0.95, 1, 3.841],
    [0.99, 1, 6.635],
    [0.95, 2, 5.991],
    [0.9, 9, 14.684],
    [0.95, 9, 16.919],
    [0.999, 9, 27.877],
    [0.05, 10, 3.94],
    [0.95, 100, 124.342],
    [0.999, 100, 149.449]
  ])("is exceeded as tables say: %d of the time under, %d degrees of freedom", (probability, degrees, value) => {
    assert.closeTo(ChiSquared.quantile(probability, degrees), value, 0.0006)
    assert.closeTo(ChiSquared.cumulative(ChiSquared.quantile(probability, degrees), degrees), probability, 1e-12)
  })

  it("is an exponential distribution with two degrees of freedom", () => {
    for (const x of [0.01, 1, 7.5, 40]) assert.closeTo(ChiSquared.cumulative(x, 2), 1 - Math.exp(-x / 2), 1e-14)
  })

  it("reaches from 0 to 1", () => {
    assert.strictEqual(ChiSquared.cumulative(0, 3), 0)
    assert.closeTo(ChiSquared.cumulative(1e6, 3), 1, 1e-12)
  })
})

/** `listens` of tracks of unlike popularity, drawn one by one. */
const drawn = (seed: number, listens: number, turned = 0) => {
  const dice = Dice.make(seed)
  const counts = Array.from({ length: 200 }, () => 0)
  for (let listen = 0; listen < listens; listen++) {
    const track = Math.floor(200 * (Dice.below(dice, 1_000_000) / 1_000_000) ** 2)
    counts[(track + turned) % 200]! += 1
  }
  return counts
}

const shift = (
  learnt: ReadonlyArray<number>,
  since: ReadonlyArray<number>,
  { ordering = learnt, ...rules }: Partial<Drift.Rules> & { readonly ordering?: ReadonlyArray<number> } = {}
) =>
  Drift.shift(
    learnt.map((count, track) => ({ ordering: ordering[track]!, learnt: count, since: since[track]! })),
    { ...Drift.defaults, ...rules }
  )

describe("drift", () => {
  it("is the population stability index, worked by hand", () => {
    const { bins, limit, psi } = shift([60, 40], [30, 70], { risk: 0.05, least: 0 })
    const [p, q] = [60.5 / 101, 30.5 / 101]
    assert.strictEqual(bins, 2)
    assert.closeTo(psi, (q - p) * Math.log(q / p) + (p - q) * Math.log((1 - q) / (1 - p)), 1e-12)
    assert.closeTo(limit, (2 / 100) * 3.841459, 1e-6)
  })

  it("exceeds what chance allows about as often as the null law says, where nothing moved", () => {
    const rules = { risk: 0.05, least: 0 }
    let alarms = 0
    for (let seed = 1; seed <= 400; seed++) {
      const ordering = drawn(20_000 + seed, 5_000)
      const { limit, psi } = shift(drawn(seed, 5_000), drawn(10_000 + seed, 1_000), { ...rules, ordering })
      if (psi > limit) alarms++
    }
    // Of 400 the law expects 20.
    assert.isAtLeast(alarms, 8)
    assert.isAtMost(alarms, 36)
  })

  it("is found where the unpopular has become popular, and not where it is too little to matter", () => {
    const moved = shift(drawn(1, 20_000), drawn(2, 5_000, 60))
    assert.isAbove(moved.psi, moved.limit)
    const hardly = shift(drawn(1, 2_000_000), drawn(2, 500_000, 1))
    assert.isBelow(hardly.psi, hardly.limit)
    assert.strictEqual(hardly.limit, 0.1)
    const certain = shift(drawn(1, 2_000_000), drawn(2, 500_000, 1), { least: 0 })
    assert.isAbove(certain.psi, certain.limit)
  })

  it("is a number too where a decile is empty, and nothing where there is nothing new or one track alone", () => {
    const { limit, psi } = shift([50, 50], [100, 0])
    assert.isAbove(psi, limit)
    assert.isTrue(Number.isFinite(psi))
    assert.strictEqual(shift([50, 50], [0, 0]).psi, 0)
    assert.strictEqual(shift([50], [70]).psi, 0)
    assert.strictEqual(shift([], []).psi, 0)
    assert.strictEqual(shift([0, 0], [3, 4]).since, 0)
  })
})

describe("click-through", () => {
  it("is judged by the likelihood ratio of the mixture, worked by hand", () => {
    // Of 1000 each: V = 2 (0.115 0.885) = 0.20355, n tau^2 = 0.1, theta = 0.03.
    const ratio = Math.sqrt(0.20355 / 0.30355) * Math.exp((1000 ** 2 * 1e-4 * 9e-4) / (2 * 0.20355 * 0.30355))
    const p = ClickThrough.pValue(1, { shown: 1000, clicked: 100 }, { shown: 1000, clicked: 130 })
    assert.closeTo(p, Math.min(1, 1 / ratio), 1e-12)
  })

  it("never rises, and knows nothing from nothing", () => {
    assert.strictEqual(ClickThrough.pValue(0.02, { shown: 100, clicked: 10 }, { shown: 100, clicked: 10 }), 0.02)
    assert.strictEqual(ClickThrough.pValue(1, { shown: 0, clicked: 0 }, { shown: 0, clicked: 0 }), 1)
    assert.strictEqual(ClickThrough.pValue(1, { shown: 50, clicked: 0 }, { shown: 50, clicked: 0 }), 1)
  })

  /** The lowest p-value of all looks, one after every hundred shown to each. */
  const watched = (seed: number, rates: readonly [number, number]) => {
    const dice = Dice.make(seed)
    const groups = rates.map(() => ({ shown: 0, clicked: 0 }))
    let p = 1
    for (let look = 0; look < 200; look++) {
      groups.forEach((group, index) => {
        for (let shown = 0; shown < 100; shown++) {
          group.shown += 1
          if (Dice.below(dice, 10_000) < rates[index]! * 10_000) group.clicked += 1
        }
      })
      p = ClickThrough.pValue(p, groups[0]!, groups[1]!)
    }
    return p
  }

  it("is hardly ever found to differ where it does not, although one looks two hundred times", () => {
    const seeds = Array.from({ length: 100 }, (_, index) => index + 1)
    assert.isAtMost(seeds.filter((seed) => watched(seed, [0.1, 0.1]) < 0.05).length, 8)
    assert.isAtLeast(seeds.filter((seed) => watched(seed, [0.1, 0.12]) < 0.05).length, 90)
  })

  /** What comes of sixty days at one rate after another one was measured by so many. */
  const followed = (seed: number, { before, perDay, rates, shown }: Era) => {
    const dice = Dice.make(seed)
    const drawn = (shown: number, rate: number) => {
      let clicked = 0
      for (let one = 0; one < shown; one++) if (Dice.below(dice, 10_000) < rate * 10_000) clicked += 1
      return { shown, clicked }
    }
    const control = drawn(before, rates[0])
    return ClickThrough.sequential(
      control,
      Array.from({ length: shown / perDay }, () => drawn(perDay, rates[1]))
    )
  }

  interface Era {
    readonly before: number
    readonly perDay: number
    readonly shown: number
    readonly rates: readonly [before: number, since: number]
  }

  // Few a day of which hardly any are clicked on: of such it is often none on the first days.
  it.each([
    { before: 5_000, perDay: 50, shown: 3_000, rates: [0.02, 0.02] },
    { before: 10_000, perDay: 20, shown: 1_200, rates: [0.05, 0.05] },
    { before: 500, perDay: 100, shown: 3_000, rates: [0.1, 0.1] }
  ] satisfies ReadonlyArray<Era>)("keeps to its level after every day since $before, by $perDay a day", (era) => {
    const alarms = Array.from({ length: 400 }, (_, seed) => followed(seed + 1, era)).filter((p) => p <= 0.01)
    // Of 400 the level allows 4; 10 have a chance of 1 in 100 at that.
    assert.isBelow(alarms.length, 10)
  })

  it("finds a real fall, whatever the days it comes in", () => {
    const fall = (perDay: number) => ({ before: 20_000, perDay, shown: 12_000, rates: [0.06, 0.04] }) satisfies Era
    for (const perDay of [100, 1_200]) {
      const found = Array.from({ length: 50 }, (_, seed) => followed(seed + 1, fall(perDay))).filter((p) => p <= 0.01)
      assert.isAtLeast(found.length, 48)
    }
  })
})
