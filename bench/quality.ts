/**
 * How good recommendations are: NDCG@100 on real data, where it is at hand, and against the truth of synthetic worlds. Candidates come from
 * the declared grids of `Tuning` and are chosen on validation splits alone.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Algorithm from "../assets/recommender/Algorithm.ts"
import * as Evaluation from "../assets/recommender/Evaluation.ts"
import type * as FittedModel from "../assets/recommender/FittedModel.ts"
import * as Gate from "../assets/recommender/Gate.ts"
import * as ItemKnn from "../assets/recommender/ItemKnn.ts"
import * as Listens from "../assets/recommender/Listens.ts"
import * as Promotion from "../assets/recommender/Promotion.ts"
import * as Split from "../assets/recommender/Split.ts"
import * as Tuning from "../assets/recommender/Tuning.ts"
import * as RandomWorld from "../assets/source/RandomWorld.ts"
import * as SyntheticWorld from "../assets/source/SyntheticWorld.ts"
import type { World } from "../assets/source/World.ts"
import * as Bench from "./Bench.ts"
import * as DataSets from "./DataSets.ts"
import * as WorldListens from "./WorldListens.ts"

export default () =>
  Effect.map(
    Effect.all([
      where(lastfm),
      where(movieLens),
      signal,
      drift("item-knn", (recency) => Algorithm.candidate(ItemKnn.algorithm, ItemKnn.defaults, recency)),
      drift("ials", (recency) => ({ ...Tuning.ials[0]!, recency })),
      tunedDrift,
      falsePromotions("signal 0", (seed) => SyntheticWorld.make({ seed, users: 150, tracks: 600, signal: 0 })),
      falsePromotions("all tracks alike", (seed) => RandomWorld.make({ seed, users: 150, tracks: 600 }))
    ]),
    (lines) => lines.flat()
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const today = 20_513

/** Leaves lines out where their data is not at hand, and says so. */
const where = <E>(lines: Effect.Effect<ReadonlyArray<Bench.Line>, E>) =>
  Effect.catchIf(
    lines,
    (error): error is Extract<E, DataSets.DataSetError> => error instanceof DataSets.DataSetError,
    ({ message }) => Effect.as(Console.error(`Left out: ${message}`), [])
  )

/** Strong generalization of 200 users for validation and 200 for the test, artists of two users or more: means of five splits. */
const lastfm = Effect.gen(function* () {
  const all = yield* DataSets.lastfm
  const listeners = yield* Listens.listeners(all)
  const listens = yield* Listens.filterTracks(all, (track) => listeners[track]! >= 2)
  const splits = yield* Effect.forEach([1, 2, 3, 4, 5], (seed) =>
    Split.strongGeneralization(listens, { users: 200, seed })
  )
  return [
    yield* ndcg("lastfm ials", splits, Tuning.ials, 0.39),
    yield* ndcg("lastfm item-knn", splits, Tuning.itemKnn, 0.36)
  ]
})

/** The last fifth of each user's ratings in order of time. */
const movieLens = Effect.gen(function* () {
  const splits = [yield* Split.leaveLastOut(yield* DataSets.movieLens)]
  return [
    yield* ndcg("ml-latest-small ials", splits, Tuning.ials, 0.2),
    yield* ndcg("ml-latest-small ease", splits, Tuning.ease, 0.205),
    yield* ndcg("ml-latest-small item-knn", splits, Tuning.itemKnn, 0.165)
  ]
})

/** How much of what can be known of tastes is found, in listens that follow them. */
const signal = Effect.gen(function* () {
  const world = SyntheticWorld.make({ seed: 1, users: 400, tracks: 1_000 })
  const { test, validation } = yield* Split.byTime(yield* WorldListens.collect(world, today, 75))
  const popularity = yield* meanOf(test, Promotion.baselines[0])
  const known = Evaluation.means(
    yield* Evaluation.judge(test, WorldListens.oracle(world, today - 3, test), Listens.everything)
  ).ndcgAt100
  const found = Effect.fnUntraced(function* (
    name: string,
    grid: ReadonlyArray<Algorithm.Candidate>,
    neighbours: (model: FittedModel.FittedModel) => FittedModel.FittedModel
  ) {
    const best = yield* choose(validation, grid)
    const reached = yield* meanOf(test, best)
    const model = yield* best.fit(yield* Listens.weigh(test.training, best.recency))
    const line = { bench: "quality", better: "higher", note: Algorithm.describe(best) } as const
    return [
      {
        ...line,
        quantity: `synthetic signal 1, ${name}`,
        value: Bench.rounded((reached - popularity) / (known - popularity)),
        unit: "share of the gap in NDCG@100 between popularity and the truth",
        target: 0.45,
        baseline: { name: "NDCG@100 of the truth", value: Bench.rounded(known) }
      },
      {
        ...line,
        quantity: `synthetic signal 1, ${name} neighbours`,
        value: Bench.rounded(WorldListens.purity(world, today, neighbours(model))),
        unit: "share of the ten nearest tracks that have the same style",
        target: 0.85,
        baseline: null
      }
    ] satisfies ReadonlyArray<Bench.Line>
  })
  return [
    ...(yield* found("ials", Tuning.ials, WorldListens.byCosine)),
    ...(yield* found("item-knn", Tuning.itemKnn, (model) => model))
  ]
})

/** Tastes that last sixty days: every user's has changed within the data. */
const drift = Effect.fnUntraced(function* (name: string, aged: (recency: Listens.Recency) => Algorithm.Candidate) {
  const world = SyntheticWorld.make({ seed: 1, users: 400, tracks: 1_000, tasteDays: 60 })
  const { test } = yield* Split.byTime(yield* WorldListens.collect(world, today, 75))
  const none = yield* meanOf(test, aged(Listens.everything))
  return [
    {
      bench: "quality",
      quantity: `synthetic drifting, ${name}`,
      value: Bench.rounded((yield* meanOf(test, aged(Listens.halfLife(15)))) - none),
      unit: "NDCG@100 gained by a half-life of 15 days",
      better: "higher",
      target: 0.02,
      baseline: { name: "NDCG@100 without", value: Bench.rounded(none) }
    }
  ] satisfies ReadonlyArray<Bench.Line>
})

/** The same, when it is for the validation week to say whether age counts. */
const tunedDrift = Effect.gen(function* () {
  const world = SyntheticWorld.make({ seed: 1, users: 400, tracks: 1_000, tasteDays: 60 })
  const { test, validation } = yield* Split.byTime(yield* WorldListens.collect(world, today, 75))
  const { ranked } = yield* Tuning.search(validation, Tuning.candidates, "ndcgAt100")
  const remembering = ranked.find(({ recency }) => recency._tag === "Everything")!
  const none = yield* meanOf(test, remembering)
  return [
    {
      bench: "quality",
      quantity: "synthetic drifting, the model that is chosen",
      value: Bench.rounded((yield* meanOf(test, ranked[0]!)) - none),
      unit: "NDCG@100 gained over the best that forgets nothing",
      better: "higher",
      target: 0.02,
      baseline: { name: Algorithm.describe(remembering), value: Bench.rounded(none) },
      note: Algorithm.describe(ranked[0]!)
    }
  ] satisfies ReadonlyArray<Bench.Line>
})

/** Worlds in which there is nothing to learn beyond popularity, if that; each chooses among all candidates as `model` does. */
const falsePromotions = Effect.fnUntraced(function* (quantity: string, make: (seed: number) => World) {
  const promoted: Array<number> = []
  for (let seed = 1; seed <= 200; seed++) {
    const { test, validation } = yield* Split.suited(yield* WorldListens.collect(make(seed), today, 28))
    const candidate = yield* choose(validation, Tuning.candidates)
    const { decision } = yield* Promotion.judge({ test, candidate, champion: null, rules: Gate.defaults, seed })
    if (decision.promoted) promoted.push(seed)
  }
  return [
    {
      bench: "quality",
      quantity: `synthetic, ${quantity}`,
      value: promoted.length,
      unit: "false promotions with seeds 1 to 200",
      better: "lower",
      target: 1,
      baseline: null,
      note: `each chosen of ${Tuning.candidates.length}`
    }
  ] satisfies ReadonlyArray<Bench.Line>
})

/** The mean over splits of the test NDCG@100 of what was chosen on the validation of the same split. */
const ndcg = Effect.fnUntraced(function* (
  quantity: string,
  splits: ReadonlyArray<Split.Splits>,
  grid: ReadonlyArray<Algorithm.Candidate>,
  target: number
) {
  const chosen = new Set<string>()
  let sum = 0
  let popularity = 0
  for (const { test, validation } of splits) {
    const best = yield* choose(validation, grid)
    chosen.add(Algorithm.describe(best))
    sum += yield* meanOf(test, best)
    popularity += yield* meanOf(test, Promotion.baselines[0])
  }
  return {
    bench: "quality",
    quantity,
    value: Bench.rounded(sum / splits.length),
    unit: "NDCG@100",
    better: "higher",
    target,
    baseline: { name: "popularity", value: Bench.rounded(popularity / splits.length) },
    note: `of ${grid.length} on validation: ${Array.from(chosen).join("; ")}`
  } satisfies Bench.Line
})

const choose = Effect.fnUntraced(function* (validation: Split.Split, grid: ReadonlyArray<Algorithm.Candidate>) {
  const { ranked } = yield* Tuning.search(validation, grid, "ndcgAt100")
  return ranked[0] ?? (yield* Effect.die(new Error("No candidate applies")))
})

const meanOf = (split: Split.Split, candidate: Algorithm.Candidate) =>
  Effect.map(Evaluation.of(split, candidate), (evaluation) => Evaluation.means(evaluation).ndcgAt100)
