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

/** The share of `relevant`, which is not empty, among the first `k`. */
export const recall = (ranked: ReadonlyArray<number>, relevant: ReadonlySet<number>, k: number): number => {
  let hits = 0
  for (const track of ranked.slice(0, k)) if (relevant.has(track)) hits++
  return hits / relevant.size
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

const ratio = (sum: number, count: number): number => (count === 0 ? 0 : Math.round((sum / count) * 1e6) / 1e6)
