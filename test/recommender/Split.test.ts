import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as Given from "./Listens.ts"

/** What each part says of whom, by ids. */
const told = Effect.fnUntraced(function* (split: Split.Split) {
  const { excluded, heard, histories, judged, targets, training } = split
  return {
    training: Given.tracksByUser(training, (yield* Listens.weigh(training, Listens.everything)).rows),
    heard: Given.tracksByUser(histories, heard),
    targets: Given.tracksByUser(histories, targets),
    judged: Array.from(judged, (user) => histories.users[user]!),
    excluded
  }
})

describe("a cut in time", () => {
  const listens = Given.columns([
    [1, 10, 0],
    [1, 11, 85.99],
    [1, 12, 86],
    [1, 13, 92.99],
    [1, 14, 93],
    [1, 10, 99.5],
    [2, 10, 50],
    [2, 10, 95],
    [3, 15, 99],
    [4, 11, 2]
  ])

  it.effect("validates on the week before the newest and tests on the newest, each from all before it", () =>
    Effect.gen(function* () {
      const { test, validation } = yield* Split.byTime(listens)
      assert.deepStrictEqual(yield* told(validation), {
        training: { 1: [10, 11], 2: [10], 4: [11] },
        heard: { 1: [10, 11], 2: [10], 4: [11] },
        targets: { 1: [12, 13] },
        judged: [1],
        excluded: { withoutTargets: 2, withoutHistory: 0 }
      })
      assert.deepStrictEqual(yield* told(test), {
        training: { 1: [10, 11, 12, 13], 2: [10], 4: [11] },
        heard: { 1: [10, 11, 12, 13], 2: [10], 4: [11] },
        targets: { 1: [14], 3: [15] },
        judged: [1],
        excluded: { withoutTargets: 2, withoutHistory: 1 }
      })
    })
  )

  it.effect("of no listens judges nobody", () =>
    Effect.gen(function* () {
      const { test } = yield* Split.byTime(Given.columns([]))
      assert.deepStrictEqual([...test.judged], [])
    })
  )
})

describe("leaving out the last", () => {
  it.effect("asks for the last fifth of each user's listens, those heard before excepted", () =>
    Effect.gen(function* () {
      const tracks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 3]
      const listens = Given.columns([
        ...tracks.map((track, day) => [1, track, day] as const).toReversed(),
        ...[1, 2, 3, 4].map((track) => [2, track, 0] as const),
        ...[5, 6, 7, 8, 9].map((track) => [3, track, track] as const)
      ])
      const { test, validation } = yield* Split.leaveLastOut(listens)
      assert.deepStrictEqual(yield* told(test), {
        training: { 1: [1, 2, 3, 4, 5, 6, 7, 8], 2: [1, 2, 3, 4], 3: [5, 6, 7, 8] },
        heard: { 1: [1, 2, 3, 4, 5, 6, 7, 8], 2: [1, 2, 3, 4], 3: [5, 6, 7, 8] },
        targets: { 1: [9], 3: [9] },
        judged: [1, 3],
        excluded: { withoutTargets: 1, withoutHistory: 0 }
      })
      assert.deepStrictEqual((yield* told(validation)).targets, { 1: [7, 8], 3: [8] })
    })
  )

  it.effect("draws which of those at the same time are the last, whatever order they come in", () =>
    Effect.gen(function* () {
      const users = Array.from({ length: 200 }, (_, user) => user)
      const alike = users.flatMap((user) => Array.from({ length: 10 }, (_, track) => [user, track, 7] as const))
      const { targets } = yield* told((yield* Split.leaveLastOut(Given.columns(alike))).test)
      assert.deepStrictEqual(
        (yield* told((yield* Split.leaveLastOut(Given.columns(alike.toReversed()))).test)).targets,
        targets
      )
      // Two of ten for each of 200 users: each track 40 times, give or take 6.
      for (let track = 0; track < 10; track++) {
        const asked = Object.values(targets).filter((tracks) => tracks.includes(track)).length
        assert.closeTo(asked, 40, 20)
      }
    })
  )
})

describe("the split that suits", () => {
  /** A track a day by each user. */
  const daily = (users: number, days: number) =>
    Given.columns(
      Array.from({ length: users * days }, (_, at) => [at % users, Math.floor(at / users), Math.floor(at / users)])
    )

  it.effect("is in time where four weeks were listened to by a hundred users", () =>
    Effect.gen(function* () {
      const chosen = (listens: Listens.Listens) => Effect.map(Split.suited(listens), ({ protocol }) => protocol)
      assert.strictEqual(yield* chosen(daily(100, 28)), "the last week, and the week before for validation")
      assert.strictEqual(yield* chosen(daily(100, 27)), "the last fifth of each user's listens")
      assert.strictEqual(yield* chosen(daily(99, 28)), "the last fifth of each user's listens")
      assert.strictEqual(yield* chosen(Given.columns([])), "the last fifth of each user's listens")
    })
  )

  it.effect("judges everybody where few listen in any one week", () =>
    Effect.gen(function* () {
      const users = Array.from({ length: 300 }, (_, user) => user)
      const listens = Given.columns(
        users.flatMap((user) => Array.from({ length: 10 }, (_, at) => [user, at, 3 * user + at / 10] as const))
      )
      const { test, validation } = yield* Split.suited(listens)
      assert.deepStrictEqual([validation.judged.length, test.judged.length], [300, 300])
    })
  )
})

describe("strong generalization", () => {
  const users = Array.from({ length: 30 }, (_, user) => user + 1)
  const listens = Given.columns(
    users.flatMap((user) => Array.from({ length: 12 }, (_, at) => [user, 1 + ((user * 7 + at * at) % 40), 0] as const))
  )
  const options = { users: 5, seed: 1 }

  it.effect("asks users that the model never saw for a fifth of their tracks", () =>
    Effect.gen(function* () {
      const { test, validation } = yield* Split.strongGeneralization(listens, options)
      const parts = [yield* told(test), yield* told(validation)]
      for (const { heard, judged, targets, training } of parts) {
        assert.strictEqual(Object.keys(training).length, 20)
        assert.strictEqual(judged.length, 5)
        const played = new Set(Object.values(training).flat())
        for (const user of judged) {
          assert.notProperty(training, String(user))
          const all = [...heard[user]!, ...targets[user]!]
          assert.strictEqual(targets[user]!.length, Math.floor(all.length / 5))
          assert.strictEqual(new Set(all).size, all.length)
          assert.isTrue(all.every((track) => played.has(track)))
        }
      }
      assert.deepStrictEqual(parts[0]!.training, parts[1]!.training)
      assert.strictEqual(new Set(parts.flatMap(({ judged }) => judged)).size, 10)
    })
  )

  it.effect("draws the same users and tracks for the same seed, and others for another", () =>
    Effect.gen(function* () {
      const first = yield* told((yield* Split.strongGeneralization(listens, options)).test)
      assert.deepStrictEqual(yield* told((yield* Split.strongGeneralization(listens, options)).test), first)
      const other = yield* told((yield* Split.strongGeneralization(listens, { ...options, seed: 2 })).test)
      assert.notDeepEqual(other, first)
    })
  )

  it.effect("does not judge users with fewer than five tracks that others played", () =>
    Effect.gen(function* () {
      const few = Given.columns(users.map((user) => [user, 1, 0]))
      const { test } = yield* Split.strongGeneralization(few, options)
      assert.deepStrictEqual([...test.judged], [])
      assert.deepStrictEqual(test.excluded, { withoutTargets: 0, withoutHistory: 5 })
    })
  )
})
