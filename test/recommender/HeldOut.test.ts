import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HeldOut from "../../assets/recommender/HeldOut.ts"
import type { Entry } from "../../assets/recommender/Interactions.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Listens from "./Listens.ts"

const options = { ...ItemKnn.defaults, seed: 7 }

/** The track held out of each user, by ids. */
const heldOut = Effect.fnUntraced(function* (entries: ReadonlyArray<Entry>, seed: number) {
  const { tracks, training } = yield* HeldOut.split(yield* Interactions.fromEntries(entries), seed)
  return new Map(
    Array.from(training.users, (user, row) => [user, tracks[row] === -1 ? null : training.tracks[tracks[row]!]!])
  )
})

const listeners = Array.from({ length: 40 }, (_, index) => index + 1)
const everyone = Listens.plays(Object.fromEntries(listeners.map((user) => [user, [1, 2, 3, 4, 5, 6, 7, 8]])))

describe("held-out listens", () => {
  it.effect.prop(
    "are one of each user with two tracks or more, and missing from training",
    [Listens.arbitrary],
    ([entries]) =>
      Effect.gen(function* () {
        const interactions = yield* Interactions.fromEntries(entries)
        const { tracks, training } = yield* HeldOut.split(interactions, 7)
        const expected = entries.filter(({ track_id, user_id }) => {
          const held = tracks[interactions.users.indexOf(user_id)]!
          return held === -1 || interactions.tracks[held] !== track_id
        })
        const whole = yield* Interactions.fromEntries(expected)
        assert.deepStrictEqual([...training.rows.values], [...whole.rows.values])
        Listens.byUser(entries)
          .values()
          .forEach((weights, row) => {
            const held = tracks[row]!
            assert.strictEqual(held !== -1, weights.size >= 2)
            if (held !== -1) assert.isTrue(weights.has(interactions.tracks[held]!))
          })
      })
  )

  it.effect.prop("of a user do not move when other users come or go", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const together = yield* heldOut(entries, 7)
      const some = yield* heldOut(
        entries.filter((entry) => entry.user_id % 2 === 0),
        7
      )
      for (const [user, track] of some) assert.strictEqual(track, together.get(user))
    })
  )

  it.effect("are the same for the same seed, and others for another", () =>
    Effect.gen(function* () {
      const first = yield* heldOut(everyone, 7)
      assert.deepStrictEqual(yield* heldOut(everyone.toReversed(), 7), first)
      const second = yield* heldOut(everyone, 8)
      assert.isAbove(listeners.filter((user) => first.get(user) !== second.get(user)).length, 20)
      assert.strictEqual(new Set(first.values()).size, 8)
    })
  )
})

describe("a model judged on held-out listens", () => {
  it.effect("beats popularity where tastes differ", () =>
    Effect.gen(function* () {
      const tracks = Array.from({ length: 60 }, (_, index) => index + 1)
      // Three groups of users, each of whom plays two thirds of the twenty tracks of his group.
      const histories = listeners.map((user) => {
        return [user, tracks.filter((track) => track % 3 === user % 3 && (track + user * 7) % 9 < 6)] as const
      })
      const { model, popularity, users } = yield* HeldOut.compare(
        yield* Interactions.fromEntries(Listens.plays(Object.fromEntries(histories))),
        options
      )
      assert.strictEqual(users, 40)
      assert.isAbove(model.ndcgAt10, popularity.ndcgAt10 * 1.5)
      assert.isAbove(model.recallAt20, popularity.recallAt20 * 1.5)
    })
  )

  it.effect("finds everybody's only other track first", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [1, 2], 2: [1, 2], 3: [1, 2], 4: [3] })
      const comparison = yield* HeldOut.compare(yield* Interactions.fromEntries(entries), options)
      assert.deepInclude(comparison, { users: 3 })
      assert.strictEqual(comparison.model.recallAt20, 1)
    })
  )

  it.effect("is not judged when nobody played two tracks", () =>
    Effect.gen(function* () {
      const nothing = { ndcgAt10: 0, recallAt20: 0, coverageAt10: 0 }
      for (const entries of [[], Listens.plays({ 1: [1], 2: [2] })]) {
        const comparison = yield* HeldOut.compare(yield* Interactions.fromEntries(entries), options)
        assert.deepStrictEqual(comparison, { users: 0, model: nothing, popularity: nothing })
      }
    })
  )
})
