import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FoldIn from "../../assets/recommender/FoldIn.ts"
import * as Ials from "../../assets/recommender/Ials.ts"
import type * as IalsModel from "../../assets/recommender/IalsModel.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as WithoutKernels from "./WithoutKernels.ts"

/** Tracks 1, 2 and 3 with factors (1, 0), (1, 1) and (0, 1), and nothing in the other dimensions. */
const three: IalsModel.Model = {
  parameters: { ...Ials.defaults, dimensions: 8, alpha0: 0.5, lambda: 0.1 },
  users: new Float64Array(0),
  tracks: Float64Array.of(1, 2, 3),
  userFactors: new Float32Array(0),
  trackFactors: Float32Array.from(
    [
      [1, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 0, 0, 0, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 0, 0]
    ].flat()
  )
}

/**
 * Track 1 with confidence 1 and track 2 with 2: the Gram matrix is (2 1, 1 2), the ridge 0.1 (2 + 0.5 * 3) = 0.35, so the matrix is
 * (1 + 1 + 2 + 0.35, 0.5 + 2; 0.5 + 2, 1 + 2 + 0.35), its determinant 4.35 * 3.35 - 2.5^2 = 8.3225, and the right side (3, 2).
 */
const history = [
  { track_id: 2, weight: 2 },
  { track_id: 9, weight: 1 },
  { track_id: 1, weight: 1 }
]
const determinant = 8.3225

const fitted = Effect.gen(function* () {
  const entries = Array.from({ length: 3_000 }, (_, index) => ({
    user_id: (index * index) % 97,
    track_id: (index * 31) % 151,
    weight: 1 + (index % 3)
  }))
  const interactions = yield* Interactions.fromEntries(entries)
  const model = yield* Ials.fit(interactions, { ...Ials.defaults, dimensions: 40, epochs: 3 }, { seed: 1 })
  const own = entries.filter(({ user_id }) => user_id === entries[5]!.user_id)
  return { model, own }
})

describe("a listener folded in", () => {
  it.effect.each(["with", "without"] as const)(
    "gets the factors, scores and reasons worked out by hand, %s kernels",
    (kernels) =>
      Effect.gen(function* () {
        const { explain, factors, recommend } = yield* kernels === "with"
          ? FoldIn.make(three)
          : WithoutKernels.run(FoldIn.make(three))
        const [first, second, ...others] = factors(history)
        assert.approximately(first!, (3 * 3.35 - 2 * 2.5) / determinant, 1e-6)
        assert.approximately(second!, (2 * 4.35 - 3 * 2.5) / determinant, 1e-6)
        assert.deepStrictEqual(others, [0, 0, 0, 0, 0, 0])
        const [suggestion, ...rest] = recommend(history, 5)
        assert.deepStrictEqual([suggestion?.track_id, rest], [3, []])
        assert.approximately(suggestion!.score, 1.2 / determinant, 1e-6)
        const [largest, smallest] = explain(history, 3)
        assert.deepStrictEqual([largest?.track_id, smallest?.track_id], [2, 1])
        assert.approximately(largest!.contribution, (2 * (4.35 - 2.5)) / determinant, 1e-6)
        assert.approximately(smallest!.contribution, -2.5 / determinant, 1e-6)
      })
  )

  it.effect("gets what the reference computes, and reasons that add up to the score", () =>
    Effect.gen(function* () {
      const { model, own } = yield* fitted
      const kernels = yield* FoldIn.make(model)
      const reference = yield* WithoutKernels.run(FoldIn.make(model))
      const expected = reference.factors(own)
      kernels.factors(own).forEach((factor, at) => assert.approximately(factor, expected[at]!, 1e-5))
      const best = kernels.recommend(own, 10)
      assert.deepStrictEqual(
        best.map(({ track_id }) => track_id),
        reference.recommend(own, 10).map(({ track_id }) => track_id)
      )
      for (const { score, track_id } of best) {
        const reasons = kernels.explain(own, track_id)
        assert.strictEqual(reasons.length, new Set(own.map((heard) => heard.track_id)).size)
        assert.approximately(
          reasons.reduce((sum, { contribution }) => sum + contribution, 0),
          score,
          1e-5
        )
      }
    })
  )

  it.effect("is near to the factors he was fitted with when epochs no longer change them", () =>
    Effect.gen(function* () {
      const entries = [1, 2, 3, 4, 5].flatMap((user_id) =>
        [1, 2, 3].map((track) => ({ user_id, track_id: 1 + ((user_id * track) % 7), weight: 1 }))
      )
      const interactions = yield* Interactions.fromEntries(entries)
      const parameters: IalsModel.Parameters = {
        ...Ials.defaults,
        dimensions: 8,
        epochs: 300,
        solver: { _tag: "Cholesky" }
      }
      const model = yield* Ials.fit(interactions, parameters, { seed: 1 })
      const { factors } = yield* FoldIn.make(model)
      const folded = factors(entries.filter(({ user_id }) => user_id === 1))
      folded.forEach((factor, at) => assert.approximately(factor, model.userFactors[at]!, 1e-3))
    })
  )

  it.effect("gets the same bytes whatever the order of the history and however often a track is repeated", () =>
    Effect.gen(function* () {
      const { model, own } = yield* fitted
      const { factors } = yield* FoldIn.make(model)
      const repeated = [...own.map((heard) => ({ ...heard, weight: 0.5 })), ...own.toReversed()]
      assert.deepStrictEqual(factors(repeated), factors(own))
    })
  )

  it.effect("gets nothing from a history without known tracks, nor a reason for an unknown one", () =>
    Effect.gen(function* () {
      const { explain, factors, recommend } = yield* FoldIn.make(three)
      const unknown = [{ track_id: 9, weight: 1 }]
      assert.deepStrictEqual([factors(unknown), recommend(unknown, 3)], [new Float32Array(8), []])
      assert.deepStrictEqual([explain(unknown, 3), explain(history, 9)], [[], []])
    })
  )
})
