/**
 * How good ranked lists are, judged by what users are known to like: binary relevance, over the full catalogue.
 * Leaves out sampled metrics, which order models differently from full ones (Krichene and Rendle, KDD 2020).
 */

/** Means over users, and coverage over all their lists; all from 0 to 1, rounded to 6 decimals, and 0 where there is nobody to judge by. */
export interface RankingMetrics {
  readonly ndcgAt10: number
  readonly recallAt20: number
  readonly coverageAt10: number
}

/**
 * Normalized discounted cumulative gain of the first `k`: gains discounted by log2(rank + 1) as in Burges et al. (ICML 2005), over that of
 * the best possible list (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002).
 * `relevant` is not empty.
 */
export const ndcg = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number => {
  let gain = 0
  let ideal = 0
  for (let position = 0; position < k; position++) {
    const discounted = 1 / Math.log2(position + 2)
    if (position < ranked.length && relevant.has(ranked[position]!)) gain += discounted
    if (position < relevant.size) ideal += discounted
  }
  return gain / ideal
}

/**
 * The NDCG@k to be expected of `candidates` tracks in random order, `relevant` of which are: every position holds a relevant track with the same
 * probability. This is the chance level that a model without any knowledge has.
 */
export const chanceNdcg = (relevant: number, candidates: number, k: number): number => {
  let gain = 0
  let ideal = 0
  for (let position = 0; position < Math.min(k, candidates); position++) {
    const discounted = 1 / Math.log2(position + 2)
    gain += (discounted * Math.min(relevant, candidates)) / candidates
    if (position < relevant) ideal += discounted
  }
  return candidates === 0 ? 0 : gain / ideal
}

/** The share of `relevant`, which is not empty, among the first `k`: hits / |T|. A list shorter than |T| cannot reach 1. */
export const recall = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number =>
  hits(ranked, relevant, k) / relevant.size

/** Hits over what a list of `k` can hold, hits / min(k, |T|): the Recall@k of Liang et al. (WWW 2018, section 4.2). */
export const cappedRecall = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number =>
  hits(ranked, relevant, k) / Math.min(k, relevant.size)

/** The share of `k` places that hold a relevant track; places that a short list leaves empty count as misses. */
export const precision = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number =>
  hits(ranked, relevant, k) / k

/** The mean, over the min(k, |T|) hits there could be, of the precision at the rank of each hit; 0 for those that are missing. Its mean over users is MAP@k. */
export const averagePrecision = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number => {
  let found = 0
  let sum = 0
  for (let position = 0; position < Math.min(k, ranked.length); position++) {
    if (relevant.has(ranked[position]!)) sum += ++found / (position + 1)
  }
  return sum / Math.min(k, relevant.size)
}

/** Adds up lists one by one, in memory of the size of the catalogue. */
export class Tally {
  readonly #catalogueSize: number
  readonly #covered = new Set<number>()
  #users = 0
  #ndcg = 0
  #recall = 0

  constructor(catalogueSize: number) {
    this.#catalogueSize = catalogueSize
  }

  /** `ranked` holds the first 20 tracks recommended to one user, or fewer if there were no more. */
  add(ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>): void {
    this.#users++
    this.#ndcg += ndcg(ranked, relevant, 10)
    this.#recall += recall(ranked, relevant, 20)
    for (const track of ranked.slice(0, 10)) this.#covered.add(track)
  }

  /** Coverage is the share of the catalogue on at least one list (Ge, Delgado-Battenfeld and Jannach, RecSys 2010). */
  metrics(): RankingMetrics {
    return {
      ndcgAt10: ratio(this.#ndcg, this.#users),
      recallAt20: ratio(this.#recall, this.#users),
      coverageAt10: ratio(this.#covered.size, this.#catalogueSize)
    }
  }
}

// internal ------------------------------------------------------------------------------------------------------------------------

const hits = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number => {
  let found = 0
  for (const track of ranked.slice(0, k)) if (relevant.has(track)) found++
  return found
}

const ratio = (sum: number, count: number): number => (count === 0 ? 0 : Math.round((sum / count) * 1e6) / 1e6)
