import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Algorithms from "../../assets/recommender/Algorithms.ts"
import * as Challenge from "../../assets/recommender/Challenge.ts"
import type * as Gate from "../../assets/recommender/Gate.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Manifest from "../../assets/recommender/Manifest.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as Dice from "../../assets/source/Dice.ts"
import * as Given from "./Listens.ts"
import * as Shapes from "./Shapes.ts"

type Row = readonly [user: number, track: number, day: number, weight?: number]

/** So many listens of each user; `row` tells of the n-th one. */
const each = (users: number, listens: number, row: (user: number, n: number, dice: Dice.Dice) => Row) =>
  Given.columns(
    Array.from({ length: users }, (_, user) => {
      const dice = Dice.make(user)
      return Array.from({ length: listens }, (_, n) => row(user, n, dice))
    }).flat()
  )

/** As `model` and `model_champion` do it, with the model itself as the champion the second time. */
const held = Effect.fnUntraced(function* (listens: Listens.Listens) {
  const { protocol, validation } = yield* Split.suited(listens)
  const choice = yield* Tuning.search(validation, Tuning.candidates, "ndcgAt100")
  const { candidate, model } = yield* Tuning.refit(choice, (recency) => Listens.weigh(listens, recency))
  const read = yield* Algorithms.decode(Algorithms.encode(candidate.algorithm, model), candidate.parameters)
  assert.isTrue(read.sections.every(({ data }) => data.every(Number.isFinite)))
  const origin = { model, dataVersions: {}, codeVersion: "1" }
  const manifest = Manifest.make(candidate, listens, protocol, choice.trials, origin)
  const { card, decision } = yield* Challenge.hold(listens, manifest, undefined)
  assert.notMatch(card, /NaN|Infinity|undefined/)
  assert.isFalse((yield* Challenge.hold(listens, manifest, manifest)).decision.promoted)
  return { decision, judged: validation.judged.length, trials: choice.trials }
})

describe("a model is chosen, written, read again and judged", () => {
  const shapes: ReadonlyArray<readonly [name: string, listens: () => Listens.Listens, verdict: Gate.Verdict]> = [
    ["no listens", () => Given.columns([]), "insufficient_data"],
    ["a single listen", () => Given.columns([[1, 1, 1]]), "insufficient_data"],
    ["one user", () => each(1, 200, (user, n, dice) => [user, Dice.below(dice, 90), n / 4]), "insufficient_data"],
    ["one listen of each user", () => each(300, 1, (user) => [user, user % 40, user % 60]), "insufficient_data"],
    ["a single track", () => each(200, 5, (user, n) => [user, 1, 10 * n]), "insufficient_data"],
    [
      "few users and many tracks",
      () => each(15, 400, (user, n, dice) => [user, Dice.below(dice, 4_000), n / 8]),
      "insufficient_data"
    ],
    ["users who are all alike", () => each(150, 40, (user, n) => [user, n, n]), "no_better_than_popularity"],
    [
      "users who heard everything before",
      () => each(150, 60, (user, n) => [user, (n + user) % 25, n]),
      "insufficient_data"
    ],
    [
      "tracks that nearly everybody plays, and many that hardly anybody does",
      () => each(200, 60, (user, n, dice) => [user, Math.floor(2_000 * dice() ** 6), n]),
      "no_better_than_popularity"
    ],
    [
      "plays from one to thousands",
      () => each(150, 30, (user, n, dice) => [user, Dice.below(dice, 300), 2 * n, Math.ceil(1 / (dice() + 1e-4) ** 2)]),
      "no_better_than_popularity"
    ],
    [
      "times that are all the same",
      () => {
        const { days, ...listens } = Shapes.factors({ seed: 2, users: 200, tracks: 200, days: 20 })
        return { ...listens, days: days.map(() => 20_000) }
      },
      "better"
    ],
    [
      "decades between listens",
      () => each(150, 30, (user, n) => [user, (11 * (user % 6) + n) % 66, n < 20 ? n : 20_000 + 3 * n]),
      "better"
    ]
  ]

  it.effect.each(shapes)("of %s", ([, listens, verdict]) =>
    Effect.gen(function* () {
      const { decision } = yield* held(listens())
      assert.deepStrictEqual([decision.verdict, decision.promoted], [verdict, verdict === "better"])
    })
  )

  it.effect("of more tracks than EASE takes", () =>
    Effect.gen(function* () {
      const { trials } = yield* held(each(100, 600, (user, n) => [user, (user * 600 + n) % 8_200, n % 19]))
      for (const { candidate, outcome } of trials.filter(({ candidate }) => candidate.recency._tag === "Everything")) {
        assert.strictEqual(outcome._tag, candidate.algorithm === "ease" ? "NotApplicable" : "Judged")
      }
    })
  )
})
