import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Gate from "../../assets/recommender/Gate.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Manifest from "../../assets/recommender/Manifest.ts"
import * as ModelCard from "../../assets/recommender/ModelCard.ts"
import * as Promotion from "../../assets/recommender/Promotion.ts"
import type * as Retraining from "../../assets/recommender/Retraining.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as Given from "./Listens.ts"

const users = Array.from({ length: 150 }, (_, user) => user + 1)

/** Each user plays the twenty tracks that have his remainder by three, in an order of his own, one a day. */
const listens = Given.columns(
  users.flatMap((user) =>
    Array.from({ length: 20 }, (_, day) => [user, 1 + (user % 3) + 3 * ((day * 7 + user) % 20), 20_000 + day] as const)
  )
)

const good = Algorithm.candidate(ItemKnn.algorithm, { shrinkage: 1, neighbours: 30 }, Listens.everything)
const silent = Algorithm.candidate(ItemKnn.algorithm, { shrinkage: 1, neighbours: 0 }, Listens.everything)
const inapplicable: Algorithm.Candidate = {
  ...good,
  algorithm: "narrow",
  fit: () => Effect.fail(new Algorithm.NotApplicable({ algorithm: "narrow", reason: "it takes no tracks" }))
}

const endless: Algorithm.Candidate = { ...good, algorithm: "endless", work: () => 1e15 }

const training: Retraining.Course = {
  from: "9f2ab31c5e",
  since: 3,
  cold: { newestDay: 20_513, because: [{ _tag: "CodeChanged" }] },
  erased: 0
}

const card = Effect.gen(function* () {
  const splits = yield* Split.byTime(listens)
  const choice = yield* Tuning.search(splits.validation, [silent, inapplicable, good, endless], "ndcgAt100")
  assert.deepStrictEqual(choice.ranked, [good, silent])
  const model = yield* good.fit(yield* Listens.weigh(listens, Listens.everything))
  const { trials } = Manifest.make(good, listens, "by time", choice.trials, {
    model,
    dataVersions: {},
    codeVersion: "1"
  })
  const { decision, evaluation } = yield* Promotion.judge({
    test: splits.test,
    candidate: good,
    champion: null,
    rules: Gate.defaults,
    seed: 1
  })
  return ModelCard.render({
    candidate: good,
    listens,
    protocol: "by time",
    splits,
    training,
    trials,
    evaluation,
    decision
  })
})

describe("a model card", () => {
  it.effect("tells the data, the verdict, the metrics by slice, the guardrails and all candidates tried", () =>
    Effect.gen(function* () {
      const lines = (yield* card).split("\n")
      const has = (pattern: RegExp) =>
        assert.isTrue(
          lines.some((line) => pattern.test(line)),
          `${pattern}`
        )
      assert.strictEqual(lines[0], "# item-knn, shrinkage 1, neighbours 30")
      has(/^Trained on from 9f2ab31c, 3 trainings after the one from nothing: its code changed\.$/)
      has(/^\*\*better\*\*, promoted: item-knn, .* better than popularity(, window 28 days)? 0\.\d{4} \(gain \d+/)
      has(/^3000 listens by 150 users of 60 tracks from 2024-10-04 to 2024-10-23\. Split: by time\.$/)
      has(/^\| validation \| 900 \| 150 \| 0 \| 0 \|$/)
      has(/^\| test \| 1950 \| 150 \| 0 \| 0 \|$/)
      has(/^\| chance \| random order \| 0\.\d{4} \|  \|  \|$/)
      has(/^\| metric \| all users \| light \(0\) \| medium \(0\) \| heavy \(150\) \|$/)
      has(/^\| recallAt50 \| 1\.0000 \|/)
      has(/^\| coverage \| yes \| 1\.0000 \|/)
      has(/^\| item-knn, shrinkage 1, neighbours 0 \| 0\.\d{4} \|  \|$/)
      has(/^\| narrow, shrinkage 1, neighbours 30 \|  \| does not apply: it takes no tracks \|$/)
      has(/^\| endless, .* \|  \| not tried: it takes 1\.0e\+15 operations, and 3\.0e\+11 of the budget were left \|$/)
    })
  )

  it.effect("is the same for the same data", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* card, yield* card)
    })
  )
})

describe("the choice among candidates", () => {
  it.effect("is none when none applies", () =>
    Effect.gen(function* () {
      const { validation } = yield* Split.byTime(listens)
      const { ranked, trials } = yield* Tuning.search(validation, [inapplicable], "ndcgAt100")
      assert.deepStrictEqual(ranked, [])
      assert.deepStrictEqual(
        trials.map(({ outcome }) => outcome),
        [{ _tag: "NotApplicable", reason: "it takes no tracks" }]
      )
    })
  )
})
