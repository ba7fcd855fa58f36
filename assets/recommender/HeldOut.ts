/**
 * One listen of each user kept from the model, to ask afterwards where the model would have ranked it.
 * Leaves out splits by time: the source has no play times.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"
import type * as Interactions from "./Interactions.ts"
import * as ItemKnn from "./ItemKnn.ts"
import * as RankingMetrics from "./RankingMetrics.ts"
import * as Recommender from "./Recommender.ts"

/** `training` has the users and tracks of the whole; `tracks[u]` is the index of the track held out of row `u`, -1 where none was. */
export interface HeldOut {
  readonly training: Interactions.Interactions
  readonly tracks: Int32Array
}

/** The same held-out listens judge both; `users` is the number of them. */
export interface Comparison {
  readonly users: number
  readonly model: RankingMetrics.RankingMetrics
  readonly popularity: RankingMetrics.RankingMetrics
}

/**
 * Holds out the track with the lowest hash of seed, user and track, so that neither other users nor most later listens move it.
 * A user of a single track keeps it.
 */
export const split = Effect.fnUntraced(function* (interactions: Interactions.Interactions, seed: number) {
  const { rows, tracks, users } = interactions
  const held = new Int32Array(users.length).fill(-1)
  const offsets = new Int32Array(rows.offsets.length)
  const columns = new Int32Array(rows.columns.length)
  const values = new Float64Array(rows.values.length)
  let end = 0
  yield* Cooperative.forRange(users.length, (user) => {
    const from = rows.offsets[user]!
    const to = rows.offsets[user + 1]!
    if (to - from >= 2) {
      const hash = (track: number) => hashOf(seed, users[user]!, tracks[track]!)
      held[user] = rows.columns.subarray(from, to).reduce((best, track) => (hash(track) < hash(best) ? track : best))
    }
    for (let entry = from; entry < to; entry++) {
      if (rows.columns[entry] === held[user]) continue
      columns[end] = rows.columns[entry]!
      values[end] = rows.values[entry]!
      end++
    }
    offsets[user + 1] = end
  })
  const training = {
    users,
    tracks,
    rows: { offsets, columns: columns.subarray(0, end), values: values.subarray(0, end) }
  }
  return { training, tracks: held } satisfies HeldOut
})

/** Judges a model fitted to `training` as it would be served: filled up with popular tracks, and without what the user played. */
export const evaluate = Effect.fnUntraced(function* ({ tracks, training }: HeldOut, model: ItemKnn.Model) {
  const recommender = yield* Recommender.make({ model, history: training, catalogue: training.tracks })
  const tally = new RankingMetrics.Tally(training.tracks.length)
  yield* Cooperative.forRange(training.users.length, (user) => {
    if (tracks[user] === -1) return
    const ranked = recommender.recommend(training.users[user]!, 20).map((recommendation) => recommendation.track_id)
    tally.add(ranked, new Set([training.tracks[tracks[user]!]!]))
  })
  return tally.metrics()
})

/** Fits a model without the held-out listens and judges it against popularity alone. */
export const compare = Effect.fn("HeldOut.compare")(function* (
  interactions: Interactions.Interactions,
  options: ItemKnn.Parameters & { readonly seed: number }
) {
  const heldOut = yield* split(interactions, options.seed)
  return {
    users: heldOut.tracks.filter((track) => track !== -1).length,
    model: yield* evaluate(heldOut, yield* ItemKnn.fit(heldOut.training, options)),
    popularity: yield* evaluate(heldOut, ItemKnn.empty)
  } satisfies Comparison
})

// internal ------------------------------------------------------------------------------------------------------------------------

/** 32 bits; ids above 2^32 count in full. The mixing step is the finalizer of MurmurHash3. */
const hashOf = (...numbers: ReadonlyArray<number>): number => {
  let hash = 0
  for (const number of numbers) {
    hash = mix(hash ^ (number | 0))
    hash = mix(hash ^ Math.floor(number / 2 ** 32))
  }
  return hash >>> 0
}

const mix = (bits: number): number => {
  let mixed = bits + 0x9e3779b9
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
