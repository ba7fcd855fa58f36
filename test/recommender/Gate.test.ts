import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Evaluation from "../../assets/recommender/Evaluation.ts"
import * as Gate from "../../assets/recommender/Gate.ts"
import * as Dice from "../../assets/source/Dice.ts"

const standing = (name: string, mean: number) => ({ name, mean, recallAt50: mean, coverageAt10: 0.5 })

/** An opponent of the candidate's `mean`, whose difference is known within `error` either way. */
const opponent = (name: string, mean: number, candidate: number, error: number): Gate.Opponent => ({
  ...standing(name, mean),
  difference: {
    mean: candidate - mean,
    lower: candidate - mean - error,
    upper: candidate - mean + error,
    level: name === "popularity" ? 0.999 : 0.975
  },
  gain: (candidate - mean) / mean
})

const evidence = (options: {
  readonly candidate: number
  readonly champion?: number
  readonly ageDays?: number
  readonly error?: number
  readonly users?: number
}): Gate.Evidence => {
  const { ageDays = 3, candidate, champion, error = 0.001, users = 1_000 } = options
  return {
    users,
    chance: 0.01,
    candidate: {
      ...standing("item-knn", candidate),
      invalidScores: 0,
      sections: [{ name: "weights", learnt: true, rootMeanSquare: 0.5, largest: 2 }]
    },
    baseline: opponent("popularity", 0.2, candidate, error),
    champion: champion === undefined ? null : { ...opponent("ease", champion, candidate, error), ageDays }
  }
}

const decide = (given: Gate.Evidence) => {
  const { promoted, verdict } = Gate.decide(given, Gate.defaults)
  return [verdict, promoted] as const
}

describe("a candidate", () => {
  it("is promoted for the first time when it beats the best baseline for sure, by 5 % or more", () => {
    assert.deepStrictEqual(decide(evidence({ candidate: 0.22 })), ["better", true])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.2099 })), ["no_better_than_popularity", false])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.22, error: 0.02 })), ["no_better_than_popularity", false])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.22, error: 0.0199 })), ["better", true])
  })

  it("must gain more on the champion than another seed would", () => {
    assert.deepStrictEqual(decide(evidence({ candidate: 0.305, champion: 0.3 })), ["better", true])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.3044, champion: 0.3 })), ["not_worse", false])
  })

  it("that is not worse replaces a champion past its age", () => {
    assert.deepStrictEqual(decide(evidence({ candidate: 0.299, champion: 0.3, ageDays: 30 })), ["not_worse", false])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.299, champion: 0.3, ageDays: 31 })), ["not_worse", true])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.29, champion: 0.3, ageDays: 31 })), ["worse", false])
  })

  it("replaces a champion that finds nothing", () => {
    const given = evidence({ candidate: 0.3, champion: 0 })
    assert.deepStrictEqual(decide(given), ["better", true])
    assert.include(Gate.explain(Gate.decide(given, Gate.defaults)), "(gain without end, ")
  })

  it("that could be worse by more than 1 % is not promoted, whatever its mean", () => {
    const unsure = evidence({ candidate: 0.31, champion: 0.3, error: 0.02 })
    assert.deepStrictEqual(decide(unsure), ["insufficient_data", false])
  })

  it("is not judged by few users", () => {
    assert.deepStrictEqual(decide(evidence({ candidate: 0.9, users: 99 })), ["insufficient_data", false])
    assert.deepStrictEqual(decide(evidence({ candidate: 0.9, users: 100 })), ["better", true])
  })

  it("is no better than popularity though it be better than the champion", () => {
    assert.deepStrictEqual(decide(evidence({ candidate: 0.2, champion: 0.1 })), ["no_better_than_popularity", false])
  })
})

describe("guardrails", () => {
  const broken = (changes: Partial<Gate.Evidence["candidate"]>) => {
    const given = evidence({ candidate: 0.31, champion: 0.3 })
    const decision = Gate.decide({ ...given, candidate: { ...given.candidate, ...changes } }, Gate.defaults)
    assert.strictEqual(decision.verdict, "better")
    return [decision.promoted, ...decision.guardrails.filter(({ holds }) => !holds).map(({ name }) => name)]
  }
  const section = (largest: number, learnt = true) => ({
    sections: [
      { name: "fine", learnt: true, rootMeanSquare: 1, largest: 1 },
      { name: "weights", learnt, rootMeanSquare: 1, largest }
    ]
  })

  it("stop a better candidate that covers less, recalls less, or has numbers that are none or have blown up", () => {
    assert.deepStrictEqual(broken({}), [true])
    assert.deepStrictEqual(broken({ coverageAt10: 0.49 }), [false, "coverage"])
    assert.deepStrictEqual(broken({ recallAt50: 0.28 }), [false, "recall"])
    assert.deepStrictEqual(broken({ invalidScores: 1 }), [false, "numbers"])
    assert.deepStrictEqual(broken(section(1_000)), [true])
    assert.deepStrictEqual(broken(section(1_001)), [false, "norms"])
    assert.deepStrictEqual(broken(section(NaN)), [false, "norms"])
    assert.deepStrictEqual(broken(section(1_001, false)), [true])
  })

  it("let a better candidate cover less than the champion, but not less than popularity or a quarter", () => {
    const given = evidence({ candidate: 0.31, champion: 0.3 })
    const covering = (candidate: number, popularity: number, champion: number) =>
      Gate.decide(
        {
          ...given,
          candidate: { ...given.candidate, coverageAt10: candidate },
          baseline: { ...given.baseline, coverageAt10: popularity },
          champion: { ...given.champion!, coverageAt10: champion }
        },
        Gate.defaults
      ).promoted
    assert.isTrue(covering(0.2, 0.1, 0.8))
    assert.isFalse(covering(0.19, 0.1, 0.8))
    assert.isFalse(covering(0.2, 0.21, 0.8))
  })
})

describe("a decision", () => {
  it("is told in a sentence with its numbers", () => {
    const told = (given: Gate.Evidence) => Gate.explain(Gate.decide(given, Gate.defaults))
    assert.strictEqual(
      told(evidence({ candidate: 0.21, error: 0.02 })),
      "item-knn has ndcgAt100 0.2100 over 1000 users: no better than popularity 0.2000 (gain 5 %, 99.9 % bound of the difference -0.0100); " +
        "random order would have 0.0100"
    )
    assert.strictEqual(
      told(evidence({ candidate: 0.3, users: 12 })),
      "item-knn has ndcgAt100 0.3000 over 12 users: not decided, as that takes 100 users; random order would have 0.0100"
    )
    const given = evidence({ candidate: 0.31, champion: 0.3 })
    assert.strictEqual(
      told({ ...given, candidate: { ...given.candidate, invalidScores: 7 } }),
      "item-knn has ndcgAt100 0.3100 over 1000 users: better than the champion ease 0.3000 (gain 3.3 %, 97.5 % bound of the difference " +
        "0.0090); guardrails broken: numbers 7 where the limit is 0"
    )
  })
})

describe("gathered evidence", () => {
  const judged = (name: string, ndcg: ReadonlyArray<number>): Gate.Judged => {
    const values = Float64Array.from(ndcg)
    const byUser: Evaluation.ByUser = {
      ndcgAt10: values,
      ndcgAt100: values,
      recallAt20: values,
      recallAt50: values,
      cappedRecallAt20: values,
      cappedRecallAt50: values,
      precisionAt10: values,
      averagePrecisionAt100: values
    }
    return {
      name,
      evaluation: {
        byUser,
        chance: values.map(() => 0.01),
        activity: new Int32Array(values.length),
        coverageAt10: 0.5,
        popularityLiftAt10: 0,
        invalidScores: 0,
        sections: []
      }
    }
  }

  it.effect("is against the best baseline, and the champion if there is one", () =>
    Effect.gen(function* () {
      const contest = {
        candidate: judged("item-knn", [0.5, 0.3]),
        baselines: [judged("popularity", [0.1, 0.1]), judged("popularity, window 28 days", [0.2, 0.1])],
        champion: { ...judged("ease", [0.4, 0.4]), ageDays: 9 }
      } as const
      const { baseline, champion, chance, users } = yield* Gate.gather(contest, Gate.defaults, 1)
      assert.strictEqual(users, 2)
      assert.closeTo(chance, 0.01, 1e-15)
      assert.strictEqual(baseline.name, "popularity, window 28 days")
      assert.closeTo(baseline.gain, 0.25 / 0.15, 1e-12)
      assert.deepStrictEqual([baseline.difference.level, champion?.difference.level], [0.999, 0.975])
      // Both users drawn twice are the extremes.
      assert.closeTo(champion!.difference.lower, -0.1, 1e-12)
      assert.closeTo(champion!.difference.upper, 0.1, 1e-12)
      assert.isNull((yield* Gate.gather({ ...contest, champion: null }, Gate.defaults, 1)).champion)
      const silent = { ...judged("silent", [0, 0]), ageDays: 1 }
      assert.strictEqual(
        (yield* Gate.gather({ ...contest, champion: silent }, Gate.defaults, 1)).champion!.gain,
        Infinity
      )
    })
  )

  it.effect("of a candidate whose differences are noise promotes it for at most 1 seed of 200", () =>
    Effect.gen(function* () {
      let promoted = 0
      for (let seed = 1; seed <= 200; seed++) {
        const dice = Dice.make(seed)
        // As NDCG is: many zeros, and values far apart.
        const draw = () => Array.from({ length: 150 }, () => (dice() < 0.7 ? 0 : dice() ** 2))
        const contest = {
          candidate: judged("noise", draw()),
          baselines: [judged("popularity", draw())],
          champion: null
        } as const
        if (Gate.decide(yield* Gate.gather(contest, Gate.defaults, seed), Gate.defaults).promoted) promoted++
      }
      assert.isAtMost(promoted, 1)
    })
  )
})
