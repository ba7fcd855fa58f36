import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ease from "../../assets/recommender/Ease.ts"
import type { Entry } from "../../assets/recommender/Interactions.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as Given from "./Listens.ts"

const lambda = 2

const scoresOf = Effect.fnUntraced(function* (
  entries: ReadonlyArray<Entry>,
  played: ReadonlyArray<number>,
  fewest = 1
) {
  const interactions = yield* Interactions.fromEntries(entries)
  const model = yield* Ease.algorithm.fit(interactions, { lambda, minimumListeners: fewest })
  const history = {
    columns: Int32Array.from(played, (track) => model.tracks.indexOf(track)),
    values: new Float64Array(played.length).fill(1)
  }
  const scores = new Float64Array(model.tracks.length)
  model.score(history, scores)
  return new Map(Array.from(model.tracks, (track, index) => [track, scores[index]!]))
})

/** The ridge regression that equation 8 solves, by gradient descent: each track from all others, its own weight held at 0. */
const descend = (entries: ReadonlyArray<Entry>, target: number, tracks: ReadonlyArray<number>): Map<number, number> => {
  const users = [...Given.byUser(entries).values()]
  const weights = new Map(tracks.filter((track) => track !== target).map((track) => [track, 0]))
  for (let step = 0; step < 4_000; step++) {
    const gradient = new Map(Array.from(weights, ([track, weight]) => [track, lambda * weight]))
    for (const played of users) {
      let error = played.has(target) ? -1 : 0
      for (const [track, weight] of weights) if (played.has(track)) error += weight
      for (const [track, slope] of gradient) if (played.has(track)) gradient.set(track, slope + error)
    }
    for (const [track, slope] of gradient) weights.set(track, weights.get(track)! - 0.02 * slope)
  }
  return weights
}

describe("EASE", () => {
  it.effect.each([
    // More users than tracks, then more tracks than users: two ways to the same matrix.
    Given.plays({ 1: [1, 2], 2: [2, 3], 3: [1, 2, 3], 4: [1, 3], 5: [2] }),
    Given.plays({ 1: [1, 2, 3, 5], 2: [2, 4, 5, 6], 3: [1, 3, 6, 7] })
  ])("predicts each track from all others with the least squared error", (entries) =>
    Effect.gen(function* () {
      const tracks = [...new Set(entries.map(({ track_id }) => track_id))]
      for (const own of tracks) {
        const scores = yield* scoresOf(entries, [own])
        for (const target of tracks.filter((track) => track !== own)) {
          assert.closeTo(scores.get(target)!, descend(entries, target, tracks).get(own)!, 1e-5)
        }
        assert.strictEqual(scores.get(own), 0)
      }
    })
  )

  it.effect("adds up what each track of a history says", () =>
    Effect.gen(function* () {
      const entries = Given.plays({ 1: [1, 2], 2: [2, 3], 3: [1, 2, 3], 4: [1, 3], 5: [2] })
      const [first, second, both] = [
        yield* scoresOf(entries, [1]),
        yield* scoresOf(entries, [2]),
        yield* scoresOf(entries, [1, 2])
      ]
      for (const [track, score] of both) assert.closeTo(score, first.get(track)! + second.get(track)!, 1e-12)
    })
  )

  it.effect("has nothing to say of tracks with too few listeners, nor because of them", () =>
    Effect.gen(function* () {
      const entries = Given.plays({ 1: [1, 2, 9], 2: [1, 2] })
      const scores = yield* scoresOf(entries, [1, 9], 2)
      assert.strictEqual(scores.get(9), -Infinity)
      assert.deepStrictEqual(scores, yield* scoresOf(entries, [1], 2))
    })
  )

  it.effect("has nothing to say to who played none of the tracks it knows", () =>
    Effect.gen(function* () {
      const entries = Given.plays({ 1: [1, 2, 9], 2: [1, 2] })
      for (const played of [[], [9]]) {
        const scores = yield* scoresOf(entries, played, 2)
        assert.deepStrictEqual([...scores.values()], [-Infinity, -Infinity, -Infinity])
      }
    })
  )

  it.effect("does not apply to more than 8,000 tracks", () =>
    Effect.gen(function* () {
      const tracks = Array.from({ length: 8_001 }, (_, track) => track)
      const interactions = yield* Interactions.fromEntries(Given.plays({ 1: tracks }))
      const error = yield* Effect.flip(Ease.algorithm.fit(interactions, { lambda, minimumListeners: 1 }))
      assert.strictEqual(
        error.message,
        "ease does not apply: it takes up to 8000 tracks, and 8001 have 1 listeners or more"
      )
    })
  )

  it.live("lets others in while it is fitted, and can be interrupted", () =>
    Effect.gen(function* () {
      const tracks = Array.from({ length: 1_200 }, (_, track) => track)
      const entries = tracks.flatMap((user) =>
        [0, 1, 2].map((at) => ({ user_id: user, track_id: tracks[(user * 7 + at * 311) % 1_200]!, weight: 1 }))
      )
      const interactions = yield* Interactions.fromEntries(entries)
      const fit = Ease.algorithm.fit(interactions, { lambda, minimumListeners: 1 })
      assert.isTrue(Option.isNone(yield* Effect.timeoutOption(fit, "50 millis")))
    })
  )
})
