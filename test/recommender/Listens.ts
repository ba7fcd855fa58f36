/**
 * Small random sets of listens, and the same facts kept the naive way to compare with.
 * Leaves out real data.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Interactions from "../../assets/recommender/Interactions.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as SparseRows from "../../assets/recommender/SparseRows.ts"

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

export const entryColumns = (entries: ReadonlyArray<Interactions.Entry>): Interactions.Columns => ({
  users: Float64Array.from(entries, (entry) => entry.user_id),
  tracks: Float64Array.from(entries, (entry) => entry.track_id),
  weights: Float64Array.from(entries, (entry) => entry.weight)
})

/** Listens in the order given, each of weight 1 where none is. */
export const columns = (
  listens: ReadonlyArray<readonly [user: number, track: number, day: number, weight?: number]>
): Listens.Listens =>
  Effect.runSync(
    Listens.fromColumns({
      users: Float64Array.from(listens, ([user]) => user),
      tracks: Float64Array.from(listens, ([, track]) => track),
      days: Float64Array.from(listens, ([, , day]) => day),
      weights: Float64Array.from(listens, ([, , , weight]) => weight ?? 1)
    })
  )

/** The tracks of each user, by ids, both ascending; users without any are left out. */
export const tracksByUser = (
  { tracks, users }: { readonly tracks: Float64Array; readonly users: Float64Array },
  rows: SparseRows.SparseRows
): Record<number, Array<number>> =>
  Object.fromEntries(
    Array.from(
      users,
      (user, index) => [user, Array.from(SparseRows.row(rows, index).columns, (track) => tracks[track]!)] as const
    ).filter(([, played]) => played.length > 0)
  )
