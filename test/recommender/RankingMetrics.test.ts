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

describe("capped recall", () => {
  it("divides by what a list of k can hold", () => {
    assert.strictEqual(RankingMetrics.cappedRecall([1, 9, 2, 3], new Set([1, 2, 3, 4]), 3), 2 / 3)
    assert.strictEqual(RankingMetrics.cappedRecall([1, 9, 2, 3], new Set([1, 3]), 3), 1 / 2)
  })
})

describe("precision", () => {
  it("divides by k, though the list be shorter", () => {
    assert.strictEqual(RankingMetrics.precision([1, 9, 2, 3], new Set([1, 2, 3]), 3), 2 / 3)
    assert.strictEqual(RankingMetrics.precision([1], new Set([1]), 4), 1 / 4)
  })
})

describe("average precision", () => {
  it("is the mean of the precision at each hit over the hits there could be", () => {
    // Hits at ranks 1 and 3: (1/1 + 2/3) / 3 relevant; of the best two, only the first counts.
    assert.closeTo(RankingMetrics.averagePrecision([1, 9, 2, 8], new Set([1, 2, 3]), 4), (1 + 2 / 3) / 3, 1e-15)
    assert.strictEqual(RankingMetrics.averagePrecision([1, 9, 2, 8], new Set([1, 2, 3]), 2), 1 / 2)
    assert.strictEqual(RankingMetrics.averagePrecision([], new Set([1]), 2), 0)
  })
})

describe("the chance level", () => {
  it("is the mean NDCG over all orders of the candidates", () => {
    const orders = [0, 1, 2, 3].flatMap((a) =>
      [0, 1, 2, 3]
        .filter((b) => b !== a)
        .flatMap((b) => [0, 1, 2, 3].filter((c) => c !== a && c !== b).map((c) => [a, b, c]))
    )
    const mean = orders.reduce((sum, order) => sum + RankingMetrics.ndcg(order, new Set([0, 1]), 3), 0) / orders.length
    assert.closeTo(RankingMetrics.chanceNdcg(2, 4, 3), mean, 1e-15)
  })

  it("is 1 where everything is relevant, and 0 without candidates", () => {
    assert.closeTo(RankingMetrics.chanceNdcg(3, 3, 10), 1, 1e-15)
    assert.strictEqual(RankingMetrics.chanceNdcg(3, 0, 10), 0)
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
