import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Ease from "../../assets/recommender/Ease.ts"
import * as Gate from "../../assets/recommender/Gate.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Promotion from "../../assets/recommender/Promotion.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as RandomWorld from "../../assets/source/RandomWorld.ts"
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"
import type { World } from "../../assets/source/World.ts"
import * as WorldListens from "../../bench/WorldListens.ts"
import * as Given from "./Listens.ts"

const itemKnn = Algorithm.candidate(ItemKnn.algorithm, ItemKnn.defaults, Listens.everything)
const poor = Algorithm.candidate(ItemKnn.algorithm, { shrinkage: 5, neighbours: 2 }, Listens.everything)
const size = { users: 150, tracks: 600 }

const judge = Effect.fnUntraced(function* (
  world: World,
  champion: Promotion.Bid["champion"] = null,
  candidate = itemKnn
) {
  const { test } = yield* Split.byTime(yield* WorldListens.collect(world, 20_513, 28))
  const { decision } = yield* Promotion.judge({ test, candidate, champion, rules: Gate.defaults, seed: 1 })
  return decision
})

describe("where tastes differ", () => {
  const world = SyntheticWorld.make({ seed: 1, ...size })

  it.effect("item neighbours are better than popularity, and promoted", () =>
    Effect.gen(function* () {
      const { evidence, promoted, verdict } = yield* judge(world)
      assert.deepStrictEqual([verdict, promoted], ["better", true])
      assert.isAbove(evidence.baseline.gain, 0.2)
      assert.isAbove(evidence.candidate.mean, 2 * evidence.chance)
    })
  )

  it.effect("a model that is the champion again is not worse by a hair, and waits until the champion is old", () =>
    Effect.gen(function* () {
      const young = yield* judge(world, { candidate: itemKnn, ageDays: 7 })
      assert.deepStrictEqual([young.verdict, young.promoted], ["not_worse", false])
      assert.strictEqual(young.evidence.champion!.difference.lower, 0)
      const old = yield* judge(world, { candidate: itemKnn, ageDays: 31 })
      assert.deepStrictEqual([old.verdict, old.promoted], ["not_worse", true])
    })
  )

  it.effect("a poorer one does not replace the champion, but is replaced by it", () =>
    Effect.gen(function* () {
      const worse = yield* judge(world, { candidate: itemKnn, ageDays: 99 }, poor)
      assert.deepStrictEqual([worse.verdict, worse.promoted], ["worse", false])
      const better = yield* judge(world, { candidate: poor, ageDays: 1 })
      assert.deepStrictEqual([better.verdict, better.promoted], ["better", true])
    })
  )

  it.effect("is decided alike for the same data and seed", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* judge(world), yield* judge(world))
    })
  )

  it.effect("a candidate that does not apply is refused with its reason", () =>
    Effect.gen(function* () {
      const narrow: Algorithm.Candidate = {
        ...Algorithm.candidate(Ease.algorithm, { lambda: 100, minimumListeners: 1 }, Listens.everything),
        fit: () => Effect.fail(new Algorithm.NotApplicable({ algorithm: "ease", reason: "too many tracks" }))
      }
      const error = yield* Effect.flip(judge(world, null, narrow))
      assert.strictEqual(error.message, "ease does not apply: too many tracks")
    })
  )
})

describe("where the newest weeks have hits of their own", () => {
  it.effect("what is popular of late is the baseline to beat", () =>
    Effect.gen(function* () {
      // Forty of the first hundred tracks long ago, then one a day of the second hundred.
      const listens = Given.columns(
        Array.from({ length: 150 }, (_, user) => [
          ...Array.from({ length: 40 }, (_, n) => [user, (user * 7 + n * 3) % 100, n / 2] as const),
          ...Array.from({ length: 25 }, (_, n) => [user, 100 + ((user * 11 + n * 13) % 100), 60 + n] as const)
        ]).flat()
      )
      const { test } = yield* Split.byTime(listens)
      const { decision } = yield* Promotion.judge({
        test,
        candidate: Promotion.baselines[0],
        champion: null,
        rules: Gate.defaults,
        seed: 1
      })
      assert.strictEqual(decision.evidence.baseline.name, "popularity, window 28 days")
      assert.strictEqual(decision.verdict, "no_better_than_popularity")
      assert.isBelow(decision.evidence.baseline.gain, 0)
    })
  )
})

describe("where there is nothing to learn", () => {
  it.effect.each([1, 2, 3])("no model is better than popularity (seed %i)", (seed) =>
    Effect.gen(function* () {
      for (const world of [SyntheticWorld.make({ seed, ...size, signal: 0 }), RandomWorld.make({ seed, ...size })]) {
        const decision = yield* judge(world)
        assert.deepStrictEqual([decision.verdict, decision.promoted], ["no_better_than_popularity", false])
      }
    })
  )

  it.effect("what is uniformly random is found no more often than by chance", () =>
    Effect.gen(function* () {
      const { evidence } = yield* judge(RandomWorld.make({ seed: 6, ...size }))
      assert.closeTo(evidence.candidate.mean / evidence.chance, 1, 0.15)
    })
  )

  it.effect("nothing is decided by a handful of users", () =>
    Effect.gen(function* () {
      const { verdict } = yield* judge(SyntheticWorld.make({ seed: 1, users: 40, tracks: 600 }))
      assert.strictEqual(verdict, "insufficient_data")
    })
  )
})
