import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Ease from "../../assets/recommender/Ease.ts"
import * as FittedModel from "../../assets/recommender/FittedModel.ts"
import * as IalsAlgorithm from "../../assets/recommender/IalsAlgorithm.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Popularity from "../../assets/recommender/Popularity.ts"
import * as SparseRows from "../../assets/recommender/SparseRows.ts"
import * as Given from "./Listens.ts"

const candidates = [
  Algorithm.candidate(Popularity.algorithm, {}, Listens.everything),
  Algorithm.candidate(Popularity.algorithm, {}, Listens.window(5)),
  Algorithm.candidate(ItemKnn.algorithm, { shrinkage: 1, neighbours: 3 }, Listens.halfLife(7)),
  Algorithm.candidate(Ease.algorithm, { lambda: 1, minimumListeners: 1 }, Listens.everything),
  Algorithm.candidate(
    IalsAlgorithm.algorithm,
    { dimensions: 8, alpha0: 0.3, lambda: 0.02, epochs: 2, seed: 1 },
    Listens.halfLife(7)
  )
]

const algorithms = [Popularity.algorithm, ItemKnn.algorithm, Ease.algorithm, IalsAlgorithm.algorithm]

const named = candidates.map((candidate) => [Algorithm.describe(candidate), candidate] as const)

const given = (entries: Parameters<typeof Given.byUser>[0]) =>
  Given.columns(Array.from(entries, ({ track_id, user_id, weight }) => [user_id, track_id, track_id % 10, weight]))

const everybody = (rows: SparseRows.SparseRows): FittedModel.Audience => ({
  rows: Int32Array.from({ length: rows.offsets.length - 1 }, (_, row) => row),
  histories: rows,
  heard: rows
})

describe.each(named)("%s", (_, candidate) => {
  const options = { arbitrary: { runs: 100 } }

  it.effect.prop(
    "lists the best scores, without what was heard",
    [Given.arbitrary],
    ([entries]) =>
      Effect.gen(function* () {
        const interactions = yield* Listens.weigh(given(entries), candidate.recency)
        const model = yield* candidate.fit(interactions)
        const lists = yield* model.topK(everybody(interactions.rows), 4)
        const scores = new Float64Array(model.tracks.length)
        for (let user = 0; user < interactions.users.length; user++) {
          const history = SparseRows.row(interactions.rows, user)
          model.score(history, scores)
          const expected = Array.from(scores, (score, track) => ({ score, track }))
            .filter(({ score, track }) => score > -Infinity && !history.columns.includes(track))
            .sort((left, right) => right.score - left.score || left.track - right.track)
            .slice(0, 4)
          const listed = Array.from({ length: 4 }, (_, at) => ({
            score: lists.scores[user * 4 + at]!,
            track: lists.tracks[user * 4 + at]!
          })).filter(({ track }) => track !== -1)
          assert.deepStrictEqual(listed, expected)
        }
        assert.strictEqual(lists.invalid, 0)
      }),
    options
  )

  it.effect.prop(
    "is the same, bit by bit, for the same listens",
    [Given.arbitrary],
    ([entries]) =>
      Effect.gen(function* () {
        const fit = Effect.flatMap(Listens.weigh(given(entries), candidate.recency), candidate.fit)
        assert.deepStrictEqual((yield* fit).sections, (yield* fit).sections)
      }),
    options
  )

  it.effect.prop(
    "scores the same when it is restored from its sections",
    [Given.arbitrary],
    ([entries]) =>
      Effect.gen(function* () {
        const interactions = yield* Listens.weigh(given(entries), candidate.recency)
        const model = yield* candidate.fit(interactions)
        const { restore } = algorithms.find(({ name }) => name === candidate.algorithm)!
        const restored = yield* restore(model.tracks, model.sections, candidate.parameters as never)
        const audience = everybody(interactions.rows)
        assert.deepStrictEqual(yield* restored.topK(audience, 4), yield* model.topK(audience, 4))
        assert.deepStrictEqual(restored.sections, model.sections)
      }),
    options
  )

  it.effect("scores a user who was not there when it was fitted, and one without history", () =>
    Effect.gen(function* () {
      const listens = given(Given.plays({ 1: [7, 8, 9], 2: [7, 8], 3: [8, 9] }))
      const model = yield* candidate.fit(yield* Listens.weigh(listens, candidate.recency))
      const rows = { offsets: Int32Array.of(0, 1, 1), columns: Int32Array.of(0), values: Float64Array.of(1) }
      const { tracks } = yield* model.topK(everybody(rows), 2)
      assert.includeMembers([...tracks.subarray(0, 2)], [1, 2])
      const first = new Float64Array(3)
      model.score(SparseRows.row(rows, 1), first)
      assert.isFalse(first.some(Number.isNaN))
    })
  )
})

describe("an explanation", () => {
  it.effect("of item neighbours adds up to the score, the strongest first", () =>
    Effect.gen(function* () {
      const listens = given(Given.plays({ 1: [1, 2, 3, 4], 2: [2, 3], 3: [3, 4, 1], 4: [2, 1] }))
      const interactions = yield* Listens.weigh(listens, Listens.everything)
      const model = yield* ItemKnn.algorithm.fit(interactions, { shrinkage: 1, neighbours: 3 })
      const history = { columns: Int32Array.of(0, 1, 2), values: Float64Array.of(1, 9, 1) }
      const scores = new Float64Array(4)
      model.score(history, scores)
      const contributions = model.explain(history, 3)
      assert.deepStrictEqual(
        contributions.map(({ amount }) => amount),
        contributions.map(({ amount }) => amount).sort((left, right) => right - left)
      )
      assert.closeTo(
        contributions.reduce((sum, { amount }) => sum + amount, 0),
        scores[3]!,
        1e-12
      )
      assert.deepStrictEqual([contributions.length, contributions[0]!.track], [3, 1])
    })
  )

  it.effect("of EASE leaves out what speaks against the track", () =>
    Effect.gen(function* () {
      const listens = given(Given.plays({ 1: [1, 2], 2: [1, 2], 3: [1, 3], 4: [3, 4], 5: [3, 4], 6: [2], 7: [4] }))
      const interactions = yield* Listens.weigh(listens, Listens.everything)
      const model = yield* Ease.algorithm.fit(interactions, { lambda: 0.5, minimumListeners: 1 })
      const history = { columns: Int32Array.of(0, 2), values: Float64Array.of(1, 1) }
      assert.deepStrictEqual(
        model.explain(history, 3).map(({ track }) => track),
        [2]
      )
    })
  )

  it.effect("of popularity is none", () =>
    Effect.gen(function* () {
      const interactions = yield* Listens.weigh(given(Given.plays({ 1: [1, 2] })), Listens.everything)
      const model = yield* Popularity.algorithm.fit(interactions, {})
      assert.deepStrictEqual(model.explain(SparseRows.row(interactions.rows, 0), 1), [])
    })
  )
})

describe("the confidence of iALS in a listen", () => {
  it.effect("is its weight, which age lessens, and 1 at most however often a track was played", () =>
    Effect.gen(function* () {
      const parameters = { dimensions: 8, alpha0: 0.3, lambda: 0.02, epochs: 2, seed: 1 }
      const sectionsOf = Effect.fnUntraced(function* (weight: number) {
        const entries = Given.plays({ 1: [1, 2], 2: [2, 3], 3: [1, 3] })
        const listens = given(entries.map((entry, at) => (at === 0 ? { ...entry, weight } : entry)))
        const interactions = yield* Listens.weigh(listens, Listens.everything)
        return (yield* IalsAlgorithm.algorithm.fit(interactions, parameters)).sections
      })
      assert.deepStrictEqual(yield* sectionsOf(7), yield* sectionsOf(1))
      assert.notDeepEqual(yield* sectionsOf(0.5), yield* sectionsOf(1))
    })
  )
})

describe("a score that is no number", () => {
  it.effect("puts its track on no list and is counted", () =>
    Effect.gen(function* () {
      const model = FittedModel.make({
        tracks: Float64Array.of(1, 2, 3, 4),
        sections: [],
        score: (_, into) => into.set([NaN, 1, Infinity, -Infinity]),
        explain: () => []
      })
      const { invalid, tracks } = yield* model.topK(everybody(SparseRows.empty(1)), 3)
      assert.deepStrictEqual([invalid, ...tracks], [2, 1, -1, -1])
    })
  )

  it.effect.each([NaN, Infinity])("is counted too where it comes of a factor that is %d", (broken) =>
    Effect.gen(function* () {
      const parameters = { dimensions: 8, alpha0: 0.3, lambda: 0.02, epochs: 2, seed: 1 }
      const listens = given(Given.plays({ 1: [1, 2, 3], 2: [2, 3, 4] }))
      const { rows } = yield* Listens.weigh(listens, Listens.everything)
      const { sections, tracks } = yield* IalsAlgorithm.algorithm.fit({ ...listens, rows }, parameters)
      sections[0]!.data[3 * 8] = broken
      const model = yield* IalsAlgorithm.algorithm.restore(tracks, sections, parameters)
      const lists = yield* model.topK(everybody(rows), 4)
      // Everybody's factors come of those of all tracks, and each has one track that he has not heard.
      assert.deepStrictEqual([lists.invalid, ...lists.tracks], [2, ...Array.from({ length: 8 }, () => -1)])
    })
  )
})

describe("sections", () => {
  it.effect("of another algorithm, or of other numbers, are no model", () =>
    Effect.gen(function* () {
      const restore = (sections: ReadonlyArray<FittedModel.Section>) =>
        Effect.flip(Popularity.algorithm.restore(Float64Array.of(1), sections, {}))
      const other = yield* restore([{ name: "weights", data: Int32Array.of(1) }])
      assert.strictEqual(other.message, "The sections are no popularity model: there are weights, not users")
      const numbers = yield* restore([{ name: "users", data: Float64Array.of(1) }])
      assert.strictEqual(numbers.message, "The sections are no popularity model: users is no Int32Array")
    })
  )
})

describe("a candidate", () => {
  it("is told by its choices", () => {
    assert.deepStrictEqual(
      named.map(([name]) => name),
      [
        "popularity",
        "popularity, window 5 days",
        "item-knn, shrinkage 1, neighbours 3, half-life 7 days",
        "ease, lambda 1, minimumListeners 1",
        "ials, dimensions 8, alpha0 0.3, lambda 0.02, epochs 2, seed 1, half-life 7 days"
      ]
    )
  })
})
