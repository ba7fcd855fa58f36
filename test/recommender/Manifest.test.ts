import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Ease from "../../assets/recommender/Ease.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Manifest from "../../assets/recommender/Manifest.ts"
import * as Popularity from "../../assets/recommender/Popularity.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as Given from "./Listens.ts"
import * as Shapes from "./Shapes.ts"

const listens = Shapes.factors({ seed: 1, users: 40, tracks: 30, days: 20 })
const [ials] = Tuning.ials
const origin = { dataVersions: { features: "f1", listen_history: "l1" }, codeVersion: "c1" }

/** Of a candidate fitted to all, with what else was tried. */
const manifest = Effect.fnUntraced(function* (
  candidate: Algorithm.Candidate,
  tried: ReadonlyArray<Algorithm.Candidate>,
  limit?: number
) {
  const { protocol, validation } = yield* Split.suited(listens)
  const { trials } = yield* Tuning.search(validation, tried, "ndcgAt100", limit)
  const model = yield* candidate.fit(yield* Listens.weigh(listens, candidate.recency))
  return Manifest.make(candidate, listens, protocol, trials, { model, ...origin })
})

describe("a manifest", () => {
  it.effect("tells the seed, the shapes, where the model comes from and how it did", () =>
    Effect.gen(function* () {
      const made = yield* manifest(ials!, [ials!])
      assert.deepInclude(made, { algorithm: "ials", seed: 1, users: 40, tracks: 30, ...origin })
      assert.deepStrictEqual(made.sections, [
        { name: "tracks", type: "float64", shape: [30] },
        { name: "trackFactors", type: "float32", shape: [30, 64] }
      ])
      assert.strictEqual(made.metrics!["ndcgAt100"], made.trials[0]!.ndcgAt100)
      assert.isAbove(made.metrics!["recallAt50"]!, 0)
    })
  )

  it.effect("has no seed where nothing is drawn, and no metrics where nothing was tried", () =>
    Effect.gen(function* () {
      const ease = yield* manifest(
        Algorithm.candidate(Ease.algorithm, { lambda: 100, minimumListeners: 1 }, Listens.everything),
        []
      )
      assert.deepInclude(ease, { seed: null, metrics: null, trials: [] })
      assert.deepStrictEqual(
        ease.sections.map(({ shape }) => shape),
        [[30], [30], [30, 30]]
      )
      const popularity = yield* manifest(Popularity.candidate, [])
      assert.deepStrictEqual(popularity.sections.at(-1), { name: "users", type: "int32", shape: [30] })
    })
  )

  it.effect("tells by digests which ids its indices stand for, and which listens it was fitted to", () =>
    Effect.gen(function* () {
      const digestsOf = Effect.fnUntraced(function* (...rows: Parameters<typeof Given.columns>) {
        const listens = Given.columns(...rows)
        const model = yield* Popularity.candidate.fit(yield* Listens.weigh(listens, Listens.everything))
        return Manifest.make(Popularity.candidate, listens, "none", [], { model, ...origin }).digests
      })
      const told = yield* digestsOf([[1, 10, 5]])
      for (const digest of Object.values(told)) assert.match(digest, /^[0-9a-f]{64}$/)
      assert.deepStrictEqual(yield* digestsOf([[1, 10, 5]]), told)
      const changed = Effect.fnUntraced(function* (...row: readonly [user: number, track: number, day: number]) {
        const digests = yield* digestsOf([row])
        return (["users", "tracks", "listens"] as const).filter((name) => digests[name] !== told[name])
      })
      assert.deepStrictEqual(yield* changed(2, 10, 5), ["users"])
      assert.deepStrictEqual(yield* changed(1, 11, 5), ["tracks"])
      assert.deepStrictEqual(yield* changed(1, 10, 6), ["listens"])
    })
  )

  it.effect("records each candidate: judged, not applicable or over the budget, with its reason", () =>
    Effect.gen(function* () {
      const aged: Algorithm.Candidate = { ...ials!, recency: Listens.halfLife(99) }
      const endless: Algorithm.Candidate = { ...ials!, work: () => 2e15 }
      const { trials } = yield* manifest(ials!, [ials!, aged, endless])
      assert.deepStrictEqual(
        trials.map(({ ndcgAt100, outcome, reason }) => [
          outcome,
          ndcgAt100 === null,
          reason?.replace(/, and .* of the budget .*/, "")
        ]),
        [
          ["Judged", false, undefined],
          // Of 20 days, four fifths are left twice.
          ["NotApplicable", true, "it takes listens of more than 99 days, and they span 12"],
          ["OverBudget", true, "it takes 2.0e+15 operations"]
        ]
      )
    })
  )

  it.effect("is still read of a model from before it told as much", () =>
    Effect.gen(function* () {
      const made = yield* manifest(ials!, [ials!])
      const {
        codeVersion: _code,
        dataVersions: _data,
        metrics: _metrics,
        sections: _sections,
        seed: _seed,
        ...rest
      } = made
      const earlier = { ...rest, trials: rest.trials.map(({ outcome: _outcome, ...trial }) => trial) }
      const read = yield* Schema.decodeUnknownEffect(Manifest.schema)(earlier)
      assert.deepStrictEqual(read, {
        ...earlier,
        seed: null,
        sections: [],
        dataVersions: {},
        codeVersion: "",
        metrics: null
      })
    })
  )

  it.effect("is the same for the same data, code and seed", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* manifest(ials!, Tuning.candidates), yield* manifest(ials!, Tuning.candidates))
    })
  )
})
