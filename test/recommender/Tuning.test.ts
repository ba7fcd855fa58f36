import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Evaluation from "../../assets/recommender/Evaluation.ts"
import * as Gate from "../../assets/recommender/Gate.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Promotion from "../../assets/recommender/Promotion.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"
import * as WorldListens from "../../bench/WorldListens.ts"
import * as Shapes from "./Shapes.ts"

const albums = Shapes.albums({ seed: 1, users: 300, albums: 500, days: 35 })
const factors = Shapes.factors({ seed: 1, users: 300, tracks: 300, days: 45 })
const ials = Tuning.ials[0]!

const choose = Effect.fnUntraced(function* (listens: Listens.Listens) {
  const { test, validation } = yield* Split.suited(listens)
  const { ranked, trials } = yield* Tuning.search(validation, Tuning.candidates, "ndcgAt100")
  return { test, chosen: ranked[0]!, ranked, trials }
})

const against = (test: Split.Split, candidate: Algorithm.Candidate, champion: Algorithm.Candidate | null) =>
  Effect.map(
    Promotion.judge({
      test,
      candidate,
      champion: champion && { candidate: champion, ageDays: 1 },
      rules: Gate.defaults,
      seed: 1
    }),
    ({ decision }) => decision
  )

const meanOf = (split: Split.Split, candidate: Algorithm.Candidate) =>
  Effect.map(Evaluation.of(split, candidate), (evaluation) => Evaluation.means(evaluation).ndcgAt100)

describe("what is chosen and promoted", () => {
  it.effect(
    "is item neighbours where people listen album by album, over popularity and over a champion of factors",
    () =>
      Effect.gen(function* () {
        const { chosen, test } = yield* choose(albums)
        assert.strictEqual(chosen.algorithm, "item-knn")
        assert.isAbove(yield* meanOf(test, chosen), 1.5 * (yield* meanOf(test, ials)))
        for (const champion of [null, ials]) {
          const { promoted, verdict } = yield* against(test, chosen, champion)
          assert.deepStrictEqual([verdict, promoted], ["better", true])
        }
      })
  )

  it.effect("is another where tastes have few dimensions, over popularity and over a champion of item neighbours", () =>
    Effect.gen(function* () {
      const { chosen, ranked, test } = yield* choose(factors)
      assert.notStrictEqual(chosen.algorithm, "item-knn")
      const neighbours = ranked.find(({ algorithm }) => algorithm === "item-knn")!
      for (const champion of [null, neighbours]) {
        const { promoted, verdict } = yield* against(test, chosen, champion)
        assert.deepStrictEqual([verdict, promoted], ["better", true])
      }
    })
  )

  it.effect("forgets where tastes drift, and replaces what does not", () =>
    Effect.gen(function* () {
      const world = SyntheticWorld.make({ seed: 1, users: 200, tracks: 600, tasteDays: 60 })
      const { chosen, ranked, test } = yield* choose(yield* WorldListens.collect(world, 20_513, 75))
      assert.strictEqual(chosen.recency._tag, "HalfLife")
      const remembering = ranked.find(({ recency }) => recency._tag === "Everything")!
      const { promoted, verdict } = yield* against(test, chosen, remembering)
      assert.deepStrictEqual([verdict, promoted], ["better", true])
    })
  )
})

describe("a search", () => {
  const split = Effect.map(Split.byTime(factors), ({ validation }) => validation)
  const neighbours = (count: number, recency = Listens.everything) =>
    Algorithm.candidate(ItemKnn.algorithm, { shrinkage: 5, neighbours: count }, recency)

  it.effect("leaves out half-lives that are longer than the listens", () =>
    Effect.gen(function* () {
      const { trials } = yield* Tuning.search(
        yield* split,
        [30, 31, 32].map((days) => neighbours(10, Listens.halfLife(days))),
        "ndcgAt100"
      )
      assert.deepStrictEqual(
        trials.map(({ outcome }) => (outcome._tag === "NotApplicable" ? outcome.reason : outcome._tag)),
        ["Judged", ...[31, 32].map((days) => `it takes listens of more than ${days} days, and they span 31`)]
      )
    })
  )

  it.effect("passes over what takes more work than is left, for what takes less", () =>
    Effect.gen(function* () {
      const validation = yield* split
      const sizes = yield* Listens.weigh(validation.training, Listens.everything)
      const [small, large] = [neighbours(1), neighbours(200)]
      const [little, much] = [small.work(sizes), large.work(sizes)]
      assert.isBelow(little, much)
      const { ranked, trials } = yield* Tuning.search(validation, [small, large, small], "ndcgAt100", little + much - 1)
      assert.deepStrictEqual(
        trials.map(({ outcome }) => outcome._tag),
        ["Judged", "OverBudget", "Judged"]
      )
      assert.deepStrictEqual(trials[1]!.outcome, { _tag: "OverBudget", work: much, left: much - 1 })
      assert.deepStrictEqual(ranked, [small, small])
    })
  )

  it.effect("that can afford nothing ends with popularity", () =>
    Effect.gen(function* () {
      const choice = yield* Tuning.search(yield* split, Tuning.candidates, "ndcgAt100", 0)
      assert.isTrue(choice.trials.every(({ outcome }) => outcome._tag !== "Judged"))
      const { candidate } = yield* Tuning.refit(choice, (recency) => Listens.weigh(factors, recency))
      assert.strictEqual(candidate.algorithm, "popularity")
    })
  )

  it("can afford all candidates on a hundred thousand listens, and the first three on ten million", () => {
    const work = (users: number, tracks: number, each: number) => {
      const offsets = Int32Array.from({ length: users + 1 }, (_, user) => user * each)
      const columns = Int32Array.from({ length: users * each }, (_, entry) => (entry * 7) % tracks)
      const ids = (count: number) => Float64Array.from({ length: count }, (_, id) => id)
      const rows = { offsets, columns, values: new Float64Array(0) }
      return Tuning.candidates.map((candidate) => candidate.work({ users: ids(users), tracks: ids(tracks), rows }))
    }
    const sum = (values: ReadonlyArray<number>) => values.reduce((left, right) => left + right, 0)
    assert.isBelow(sum(work(1_000, 5_000, 100)), Tuning.budget)
    const large = work(100_000, 20_000, 100)
    assert.isBelow(sum(large.slice(0, 3)), Tuning.budget)
    assert.isAbove(sum(large), Tuning.budget)
  })
})
