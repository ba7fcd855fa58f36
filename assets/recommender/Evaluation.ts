/**
 * A model judged on a split as it would be served: over the full catalogue, without what was heard, filled up with popular tracks.
 * Leaves out what follows from it. Numbers are kept by user, as models are compared user by user.
 */
import * as Effect from "effect/Effect"
import type * as Algorithm from "./Algorithm.ts"
import * as Cooperative from "./Cooperative.ts"
import * as Listens from "./Listens.ts"
import type * as FittedModel from "./FittedModel.ts"
import * as RankingMetrics from "./RankingMetrics.ts"
import * as SparseRows from "./SparseRows.ts"
import type * as Split from "./Split.ts"

/** Each from 0 to 1 and the higher the better; what they are is told in `RankingMetrics`. */
export const metrics = {
  ndcgAt10: (ranked, relevant) => RankingMetrics.ndcg(ranked, relevant, 10),
  ndcgAt100: (ranked, relevant) => RankingMetrics.ndcg(ranked, relevant, 100),
  recallAt20: (ranked, relevant) => RankingMetrics.recall(ranked, relevant, 20),
  recallAt50: (ranked, relevant) => RankingMetrics.recall(ranked, relevant, 50),
  cappedRecallAt20: (ranked, relevant) => RankingMetrics.cappedRecall(ranked, relevant, 20),
  cappedRecallAt50: (ranked, relevant) => RankingMetrics.cappedRecall(ranked, relevant, 50),
  precisionAt10: (ranked, relevant) => RankingMetrics.precision(ranked, relevant, 10),
  averagePrecisionAt100: (ranked, relevant) => RankingMetrics.averagePrecision(ranked, relevant, 100)
} satisfies Record<string, (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>) => number>

export type Metric = keyof typeof metrics

export type ByUser = { readonly [metric in Metric]: Float64Array }
export type Means = { readonly [metric in Metric]: number }

/** Vectors have one value for each user in `split.judged`, in that order. */
export interface Evaluation {
  readonly byUser: ByUser
  /** The NDCG@100 that tracks in random order would have. */
  readonly chance: Float64Array
  /** How many tracks each had heard. */
  readonly activity: Int32Array
  /** The share of the catalogue that is among the first ten of anybody (Ge, Delgado-Battenfeld and Jannach, RecSys 2010). */
  readonly coverageAt10: number
  /**
   * How much more popular the first ten are than what their users had heard, as a share: the mean over users of the mean number of listeners,
   * of lists over that of histories, minus 1 (Abdollahpouri et al., "The unfairness of popularity bias in recommendation", RMSE 2019).
   */
  readonly popularityLiftAt10: number
  /** How many scores were no number. */
  readonly invalidScores: number
  readonly sections: ReadonlyArray<SectionSize>
}

/**
 * How large the numbers of a section of the model are: the root of their mean square, and the largest. Not finite if one of them is not. What was
 * learnt is in single precision; other sections are ids, positions and counts.
 */
export interface SectionSize {
  readonly name: string
  readonly learnt: boolean
  readonly rootMeanSquare: number
  readonly largest: number
}

/** A third of the judged users, by how much they had heard; equally active users are in the same slice, so slices differ in size. */
export interface Slice {
  readonly name: "light" | "medium" | "heavy"
  readonly users: number
  readonly means: Means
}

/** Fits a candidate to the training data of a split, and judges it there. */
export const of = Effect.fn("Evaluation.of")(function* (split: Split.Split, candidate: Algorithm.Candidate) {
  const model = yield* candidate.fit(yield* Listens.weigh(split.training, candidate.recency))
  return yield* judge(split, model, candidate.recency)
})

/** `recency` is that of the candidate: histories are weighed as the model's own data was. */
export const judge = Effect.fn("Evaluation.judge")(function* (
  split: Split.Split,
  model: FittedModel.FittedModel,
  recency: Listens.Recency
) {
  const { heard, judged, targets } = split
  const { rows: histories } = yield* Listens.weigh(split.histories, recency)
  const listeners = yield* Listens.listeners(split.training)
  const popular = Int32Array.from(listeners.keys()).sort(
    (left, right) => listeners[right]! - listeners[left]! || left - right
  )
  const lists = yield* model.topK({ rows: judged, histories, heard }, longest)
  const byUser = mapMetrics(() => new Float64Array(judged.length))
  const chance = new Float64Array(judged.length)
  const activity = new Int32Array(judged.length)
  const covered = new Uint8Array(listeners.length)
  let popularityOfLists = 0
  let popularityOfHistories = 0
  yield* Cooperative.forRange(judged.length, (position) => {
    const user = judged[position]!
    const known = SparseRows.row(heard, user).columns
    const relevant = new Set(SparseRows.row(targets, user).columns)
    const ranked = filled(lists.tracks.subarray(position * longest, (position + 1) * longest), known, popular)
    for (const [metric, values] of Object.entries(byUser) as ReadonlyArray<[Metric, Float64Array]>) {
      values[position] = metrics[metric](ranked, relevant)
    }
    chance[position] = RankingMetrics.chanceNdcg(relevant.size, listeners.length - known.length, 100)
    activity[position] = known.length
    const first = ranked.slice(0, 10)
    for (const track of first) covered[track] = 1
    popularityOfLists += mean(first.map((track) => listeners[track]!))
    popularityOfHistories += mean(Array.from(known, (track) => listeners[track]!))
  })
  return {
    byUser,
    chance,
    activity,
    coverageAt10: ratio(
      covered.reduce((sum, mark) => sum + mark, 0),
      covered.length
    ),
    popularityLiftAt10: popularityOfHistories === 0 ? 0 : popularityOfLists / popularityOfHistories - 1,
    invalidScores: lists.invalid,
    sections: model.sections.map(sizeOf)
  } satisfies Evaluation
})

/** Means over the judged users, 0 when there is none. */
export const means = ({ byUser }: Evaluation): Means => mapMetrics((metric) => mean(byUser[metric]))

export const slices = ({ activity, byUser }: Evaluation): ReadonlyArray<Slice> => {
  const sorted = activity.toSorted()
  const third = (n: number) => sorted[Math.floor((n * sorted.length) / 3)] ?? 0
  const sliceOf = (heard: number) => (heard < third(1) ? "light" : heard < third(2) ? "medium" : "heavy")
  return (["light", "medium", "heavy"] as const).map((name) => {
    const inside = (_: number, position: number) => sliceOf(activity[position]!) === name
    return {
      name,
      users: activity.filter(inside).length,
      means: mapMetrics((metric) => mean(byUser[metric].filter(inside)))
    }
  })
}

// internal ------------------------------------------------------------------------------------------------------------------------

const longest = 100

const mapMetrics = <A>(f: (metric: Metric) => A): { readonly [metric in Metric]: A } =>
  Object.fromEntries((Object.keys(metrics) as Array<Metric>).map((metric) => [metric, f(metric)])) as {
    readonly [metric in Metric]: A
  }

const filled = (list: Int32Array, heard: Int32Array, popular: Int32Array): Array<number> => {
  const ranked = Array.from(list.filter((track) => track !== -1))
  if (ranked.length === list.length) return ranked
  const taken = new Set([...ranked, ...heard])
  for (let position = 0; position < popular.length && ranked.length < list.length; position++) {
    if (!taken.has(popular[position]!)) ranked.push(popular[position]!)
  }
  return ranked
}

const sizeOf = ({ data, name }: FittedModel.Section): SectionSize => {
  let squares = 0
  let largest = 0
  for (const value of data) {
    squares += value * value
    largest = Math.max(largest, Math.abs(value))
  }
  return { name, learnt: data instanceof Float32Array, rootMeanSquare: Math.sqrt(ratio(squares, data.length)), largest }
}

const mean = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let position = 0; position < values.length; position++) sum += values[position]!
  return ratio(sum, values.length)
}

const ratio = (sum: number, count: number): number => (count === 0 ? 0 : sum / count)
