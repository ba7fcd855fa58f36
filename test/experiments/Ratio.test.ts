import { assert, describe, it } from "@effect/vitest"
import * as Ratio from "../../assets/experiments/Ratio.ts"
import * as Dice from "../../assets/source/Dice.ts"

type User = readonly [shown: number, clicked: number]

const sum = (users: ReadonlyArray<User>, of: (user: User) => number) => users.reduce((sum, user) => sum + of(user), 0)

const sumsOf = (users: ReadonlyArray<User>): Ratio.Sums => ({
  users: users.length,
  shown: sum(users, ([shown]) => shown),
  clicked: sum(users, ([, clicked]) => clicked),
  shownSquared: sum(users, ([shown]) => shown ** 2),
  clickedSquared: sum(users, ([, clicked]) => clicked ** 2),
  product: sum(users, ([shown, clicked]) => shown * clicked)
})

const assertRange = (actual: readonly [number, number] | null, low: number, high: number) => {
  assert.closeTo(actual![0], low, 1e-6)
  assert.closeTo(actual![1], high, 1e-6)
}

describe("click-through", () => {
  // 5 clicks of 50, residuals 0, -1, 0 and 1: the variance is 4/3 of 2 by 2,500, its root 0.0326599.
  const four = sumsOf([
    [10, 1],
    [10, 0],
    [20, 2],
    [10, 2]
  ])

  it("has the interval that was worked out by hand", () => {
    const { interval, value } = Ratio.estimate(four)
    assert.strictEqual(value, 0.1)
    assertRange(interval, 0.0359878, 0.1640122)
  })

  it("differs by as much, and as surely, as was worked out by hand", () => {
    // 9 clicks of 30, residuals 1, -1 and 0: the variance is 3/2 of 2 by 900, and with the other's 0.0044; 0.2 is 3.015 of its root.
    const three = sumsOf([
      [10, 4],
      [10, 2],
      [10, 3]
    ])
    const { interval, p, value } = Ratio.difference(four, three)!
    assert.closeTo(value, 0.2, 1e-12)
    assertRange(interval, 0.0699907, 0.3300093)
    assert.closeTo(p, 0.002569, 1e-6)
    assert.closeTo(Ratio.difference(three, four)!.value, -0.2, 1e-12)
  })

  it("says nothing of how users vary where there is one, or all are alike", () => {
    assert.deepStrictEqual(Ratio.estimate(sumsOf([])), { value: null, interval: null })
    assert.deepStrictEqual(Ratio.estimate(sumsOf([[10, 3]])), { value: 0.3, interval: null })
    const alike: ReadonlyArray<User> = [
      [10, 1],
      [30, 3],
      [70, 7]
    ]
    assert.isNull(Ratio.estimate(sumsOf(alike)).interval)
    assert.isNull(Ratio.estimate(sumsOf([...alike, [5, 0.5]])).interval)
    assert.isNull(Ratio.difference(four, sumsOf(alike)))
    assert.isNull(Ratio.difference(sumsOf([]), four))
  })

  it("lies in its interval 95 times of 100, though the clicks of one user are alike", () => {
    const dice = Dice.make(11)
    // Half of the users click on one in twenty, the others on seven: 0.2 on average, however many they are shown.
    const user = (): User => {
      const shown = 5 + Dice.below(dice, 30)
      const rate = dice() < 0.5 ? 0.05 : 0.35
      return [shown, Array.from({ length: shown }, () => dice()).filter((drawn) => drawn < rate).length]
    }
    const rounds = 1000
    let within = 0
    let withinNaive = 0
    for (let round = 0; round < rounds; round++) {
      const sums = sumsOf(Array.from({ length: 200 }, user))
      const { interval, value } = Ratio.estimate(sums)
      if (interval![0] <= 0.2 && 0.2 <= interval![1]) within++
      if (Math.abs(value! - 0.2) <= 1.96 * Math.sqrt((value! * (1 - value!)) / sums.shown)) withinNaive++
    }
    assert.closeTo(within / rounds, 0.95, 0.02)
    assert.isBelow(withinNaive / rounds, 0.8)
  })
})
