/**
 * Small random sets of listens, and the same facts kept the naive way to compare with.
 * Leaves out real data.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type * as Interactions from "../../assets/recommender/Interactions.ts"

const id = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

/** Up to 60 entries of 8 users and 12 tracks, some of them repeated; all weights have exact roots, so that sums are exact in any order. */
export const arbitrary: Arbitrary.Arbitrary<Array<Interactions.Entry>> = Arbitrary.array(
  Arbitrary.schema(Schema.Struct({ user_id: id(8), track_id: id(12), weight: Schema.Literals([0.25, 1, 4]) })),
  { maxLength: 60 }
)

/** The weight of each track, by user; both in ascending order of id. */
export const byUser = (entries: Iterable<Interactions.Entry>): Map<number, Map<number, number>> => {
  const weights = new Map<number, Map<number, number>>()
  for (const { track_id, user_id, weight } of [...entries].sort(
    (left, right) => left.user_id - right.user_id || left.track_id - right.track_id || left.weight - right.weight
  )) {
    weights.set(user_id, (weights.get(user_id) ?? new Map<number, number>()).set(track_id, weight))
  }
  return weights
}

/** Entries of weight 1. */
export const plays = (histories: Record<number, ReadonlyArray<number>>): Array<Interactions.Entry> =>
  Object.entries(histories).flatMap(([user, tracks]) =>
    tracks.map((track_id) => ({ user_id: Number(user), track_id, weight: 1 }))
  )
