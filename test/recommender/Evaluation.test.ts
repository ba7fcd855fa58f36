import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Evaluation from "../../assets/recommender/Evaluation.ts"
import * as FittedModel from "../../assets/recommender/FittedModel.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as Given from "./Listens.ts"

/** Day 1 is known, day 8 is asked for; user 4 is not judged. Of the tracks 1 to 6, listeners on day 1 are 3, 2, 1, 1, 0 and 0. */
const world = Given.columns([
  [1, 1, 1],
  [2, 1, 1],
  [2, 2, 1],
  [3, 1, 1],
  [3, 2, 1],
  [3, 3, 1],
  [4, 4, 1],
  [1, 2, 8],
  [1, 3, 8],
  [2, 4, 8],
  [3, 6, 8],
  [4, 4, 8],
  [9, 5, 8]
])

const model = (scores: ReadonlyArray<number>) =>
  FittedModel.make({
    tracks: world.tracks,
    sections: [
      { name: "scores", data: Float64Array.from(scores) },
      { name: "half", data: Float32Array.of(3, -4) }
    ],
    score: (_, into) => into.set(scores),
    explain: () => []
  })

const judge = Effect.fnUntraced(function* (scores: ReadonlyArray<number>) {
  const { test } = yield* Split.byTime(world)
  return yield* Evaluation.judge(test, model(scores), Listens.everything)
})

const third = 1 / Math.log2(3)

describe("an evaluation", () => {
  it.effect("holds for each judged user the metrics worked out by hand", () =>
    Effect.gen(function* () {
      // Best first 6, 4, 3, 2, 1, 5; without what each had heard: user 1 gets 6 4 3 2 5, user 2 gets 6 4 3 5, user 3 gets 6 4 5.
      const { byUser } = yield* judge([2, 3, 4, 5, 1, 6])
      const close = (metric: Evaluation.Metric, expected: ReadonlyArray<number>) => {
        assert.strictEqual(byUser[metric].length, expected.length)
        byUser[metric].forEach((value, user) => assert.closeTo(value, expected[user]!, 1e-12, metric))
      }
      // User 1 finds 3 and 2 at ranks 3 and 4, user 2 finds 4 at rank 2, user 3 finds 6 at rank 1.
      const ndcg = [(1 / 2 + 1 / Math.log2(5)) / (1 + third), third, 1]
      close("ndcgAt10", ndcg)
      close("ndcgAt100", ndcg)
      close("recallAt20", [1, 1, 1])
      close("cappedRecallAt50", [1, 1, 1])
      close("precisionAt10", [2 / 10, 1 / 10, 1 / 10])
      close("averagePrecisionAt100", [(1 / 3 + 2 / 4) / 2, 1 / 2, 1])
      assert.closeTo(Evaluation.means(yield* judge([2, 3, 4, 5, 1, 6])).precisionAt10, 4 / 30, 1e-12)
    })
  )

  it.effect("fills lists up with popular tracks where the model has nothing to say", () =>
    Effect.gen(function* () {
      const { byUser } = yield* judge([-Infinity, -Infinity, -Infinity, -Infinity, -Infinity, 1])
      // User 1 gets 6, then 2, 3, 4, 5 by listeners and id; user 2 gets 6, 3, 4, 5.
      assert.closeTo(byUser.ndcgAt10[0]!, (third + 1 / 2) / (1 + third), 1e-12)
      assert.closeTo(byUser.ndcgAt10[1]!, 1 / 2, 1e-12)
    })
  )

  it.effect("tells coverage, popularity lift, chance and how active users were", () =>
    Effect.gen(function* () {
      const { activity, chance, coverageAt10, popularityLiftAt10 } = yield* judge([1, 2, 3, 4, 5, 6])
      assert.deepStrictEqual([...activity], [1, 2, 3])
      // Nobody is shown track 1, which all three had heard.
      assert.closeTo(coverageAt10, 5 / 6, 1e-12)
      // Listeners of what is listed: (2+1+1+0+0)/5, (1+1+0+0)/4, (1+0+0)/3; of what was heard: 3, 5/2, 2.
      assert.closeTo(popularityLiftAt10, (4 / 5 + 1 / 2 + 1 / 3) / (3 + 5 / 2 + 2) - 1, 1e-12)
      // One relevant track of four candidates, at each rank alike.
      assert.closeTo(chance[1]!, (1 + third + 1 / 2 + 1 / Math.log2(5)) / 4, 1e-12)
    })
  )

  it.effect("measures the sections of the model and counts scores that are no numbers", () =>
    Effect.gen(function* () {
      const { invalidScores, sections } = yield* judge([1, 1, 1, 1, 1, NaN])
      assert.strictEqual(invalidScores, 3)
      assert.isFalse(sections[0]!.learnt)
      assert.isNaN(sections[0]!.rootMeanSquare)
      assert.isNaN(sections[0]!.largest)
      assert.deepStrictEqual(sections[1], { name: "half", learnt: true, rootMeanSquare: Math.sqrt(12.5), largest: 4 })
    })
  )

  it.effect("divides users into thirds by what they had heard", () =>
    Effect.gen(function* () {
      const slices = Evaluation.slices(yield* judge([2, 3, 4, 5, 1, 6]))
      assert.deepStrictEqual(
        slices.map(({ name, users }) => [name, users]),
        [
          ["light", 1],
          ["medium", 1],
          ["heavy", 1]
        ]
      )
      assert.closeTo(slices[1]!.means.ndcgAt100, third, 1e-12)
    })
  )

  it.effect("of nobody has means of 0", () =>
    Effect.gen(function* () {
      const { test } = yield* Split.byTime(Given.columns([[1, 1, 1]]))
      const alone = FittedModel.make({ ...model([1]), tracks: test.training.tracks })
      const evaluation = yield* Evaluation.judge(test, alone, Listens.everything)
      assert.strictEqual(Evaluation.means(evaluation).ndcgAt100, 0)
      assert.deepStrictEqual(
        Evaluation.slices(evaluation).map(({ users }) => users),
        [0, 0, 0]
      )
    })
  )
})
