import { assert, describe, it } from "@effect/vitest"
import * as RankingMetrics from "../../assets/recommender/RankingMetrics.ts"

const metricsOf = (catalogueSize: number, lists: ReadonlyArray<readonly [Array<number>, Array<number>]>) => {
  const tally = new RankingMetrics.Tally(catalogueSize)
  for (const [ranked, relevant] of lists) tally.add(ranked, new Set(relevant))
  return tally.metrics()
}

describe("NDCG", () => {
  it("is 1 for the best possible list, though it holds fewer tracks than are relevant", () => {
    assert.strictEqual(RankingMetrics.ndcg([1, 2], new Set([1, 2, 3]), 2), 1)
  })

  it("discounts a single hit by the logarithm of its rank plus one", () => {
    assert.strictEqual(RankingMetrics.ndcg([9, 8, 1], new Set([1]), 10), 1 / 2)
    assert.closeTo(RankingMetrics.ndcg([9, 1], new Set([1]), 10), 0.63093, 1e-5)
  })

  it("divides by the gain of the ideal order", () => {
    // DCG = 1/log2(2) + 1/log2(4) = 1.5, ideal = 1/log2(2) + 1/log2(3) = 1.63093
    assert.closeTo(RankingMetrics.ndcg([1, 9, 2], new Set([1, 2]), 10), 1.5 / 1.63093, 1e-5)
  })

  it("does not see what comes after the cutoff", () => {
    assert.strictEqual(RankingMetrics.ndcg([9, 8, 1], new Set([1]), 2), 0)
  })
})

describe("recall", () => {
  it("is the share of the relevant tracks that are among the first k", () => {
    assert.strictEqual(RankingMetrics.recall([1, 9, 2, 3], new Set([1, 2, 3, 4]), 3), 0.5)
    assert.strictEqual(RankingMetrics.recall([], new Set([1]), 3), 0)
  })
})

describe("a tally", () => {
  it("is the mean over users and the coverage over all first ten", () => {
    const first = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert.deepStrictEqual(
      metricsOf(40, [
        [first, [1]],
        [first, [11]],
        [[12, 1], [99]]
      ]),
      { ndcgAt10: 0.333333, recallAt20: 0.666667, coverageAt10: 0.275 }
    )
  })

  it("of nobody is 0", () => {
    assert.deepStrictEqual(metricsOf(0, []), { ndcgAt10: 0, recallAt20: 0, coverageAt10: 0 })
  })
})
