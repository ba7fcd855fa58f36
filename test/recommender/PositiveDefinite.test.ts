import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as PositiveDefinite from "../../assets/recommender/PositiveDefinite.ts"
import * as Dice from "../../assets/source/Dice.ts"

/** A Aᵀ + I of a random A. */
const random = (n: number): Float64Array => {
  const dice = Dice.make(n)
  const a = Float64Array.from({ length: n * n }, () => dice() - 0.5)
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n]
    let sum = row === column ? 1 : 0
    for (let k = 0; k < n; k++) sum += a[row * n + k]! * a[column * n + k]!
    return sum
  })
}

describe("the inverse of a positive definite matrix", () => {
  // Around the sixteen rows that are worked on at a time.
  it.effect.each([1, 2, 3, 15, 16, 17, 33, 50])("of %i rows gives the identity when multiplied with it", (n) =>
    Effect.gen(function* () {
      const matrix = random(n)
      const inverse = matrix.slice()
      yield* PositiveDefinite.invert(inverse, n)
      for (let row = 0; row < n; row++) {
        for (let column = 0; column < n; column++) {
          let sum = 0
          for (let k = 0; k < n; k++) sum += matrix[row * n + k]! * inverse[k * n + column]!
          assert.closeTo(sum, row === column ? 1 : 0, 1e-10)
        }
      }
    })
  )

  it.effect("reads the lower half alone", () =>
    Effect.gen(function* () {
      const matrix = Float64Array.of(4, 99, 2, 3)
      yield* PositiveDefinite.invert(matrix, 2)
      const expected = [3 / 8, -2 / 8, -2 / 8, 4 / 8]
      matrix.forEach((value, at) => assert.closeTo(value, expected[at]!, 1e-15))
    })
  )

  it.effect("does not exist for a singular one", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(PositiveDefinite.invert(Float64Array.of(1, 1, 1, 1), 2))
      assert.include(String(exit), "not positive definite: pivot 1 is 0")
    })
  )
})
