import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Bootstrap from "../../assets/recommender/Bootstrap.ts"
import * as Dice from "../../assets/source/Dice.ts"

const options = { level: 0.999, seed: 1 }

/** Sums of twelve uniform draws: almost normal with variance 1. */
const normal = (count: number, mean: number, seed: number): Float64Array => {
  const dice = Dice.make(seed)
  return Float64Array.from({ length: count }, () => mean + Array.from({ length: 12 }, dice).reduce((a, b) => a + b) - 6)
}

const varianceOf = (values: Float64Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
}

describe("the bounds of a mean difference", () => {
  it.effect.each([400, 1_024, 20_000])("of %i users with normal differences are those of the normal law", (users) =>
    Effect.gen(function* () {
      const values = normal(users, 0.3, users)
      const { lower, mean, upper } = yield* Bootstrap.paired(values, new Float64Array(users), options)
      const error = Math.sqrt(varianceOf(values) / users)
      assert.closeTo(mean, values.reduce((sum, value) => sum + value, 0) / users, 1e-12)
      // The 0.1 % quantile of the normal law is -3.09; the resamples leave 2 % of it to chance.
      assert.closeTo((mean - lower) / error, 3.09, 0.25)
      assert.closeTo((upper - mean) / error, 3.09, 0.25)
    })
  )

  it.effect("narrow with the level", () =>
    Effect.gen(function* () {
      const [values, zeros] = [normal(300, 0, 5), new Float64Array(300)]
      const wide = yield* Bootstrap.paired(values, zeros, options)
      const narrow = yield* Bootstrap.paired(values, zeros, { ...options, level: 0.95 })
      assert.isBelow(wide.lower, narrow.lower)
      assert.isBelow(narrow.upper, wide.upper)
    })
  )

  // Of 1,500 some groups have one user and some two.
  it.effect.each([300, 1_500])("pair %i users: what both models find hard widens nothing", (users) =>
    Effect.gen(function* () {
      const hard = normal(users, 0, 6)
      const { lower, upper } = yield* Bootstrap.paired(
        hard.map((value) => value + 0.5),
        hard,
        options
      )
      assert.closeTo(lower, 0.5, 1e-12)
      assert.closeTo(upper, 0.5, 1e-12)
    })
  )

  it.effect("are the same for the same seed, and others for another", () =>
    Effect.gen(function* () {
      const [values, zeros] = [normal(200, 0.1, 7), new Float64Array(200)]
      const first = yield* Bootstrap.paired(values, zeros, options)
      assert.deepStrictEqual(yield* Bootstrap.paired(values, zeros, options), first)
      assert.notStrictEqual((yield* Bootstrap.paired(values, zeros, { ...options, seed: 2 })).lower, first.lower)
    })
  )

  it.effect("are 0 for nobody", () =>
    Effect.gen(function* () {
      const nobody = new Float64Array(0)
      assert.deepStrictEqual(yield* Bootstrap.paired(nobody, nobody, options), {
        mean: 0,
        lower: 0,
        upper: 0,
        level: 0.999
      })
    })
  )
})
