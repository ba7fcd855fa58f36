/**
 * Who listened to what, at random, in the shape that the recommender computes on: some tracks are played by many, most by few.
 * Leaves out taste, which costs a kernel nothing.
 */
import type * as Interactions from "../assets/recommender/Interactions.ts"
import type * as SparseRows from "../assets/recommender/SparseRows.ts"

/** 100 distinct tracks a user on average, from 40 to 160 of them; all weights are 1. */
export const make = (users: number, tracks: number): Interactions.Interactions => ({
  users: Float64Array.from({ length: users }, (_, user) => user + 1),
  tracks: Float64Array.from({ length: tracks }, (_, track) => track + 1),
  rows: rows(users, tracks)
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const rows = (users: number, tracks: number): SparseRows.SparseRows => {
  const offsets = new Int32Array(users + 1)
  for (let user = 0; user < users; user++) offsets[user + 1] = offsets[user]! + 40 + 30 * (user % 5)
  const columns = new Int32Array(offsets[users]!)
  const owner = new Int32Array(tracks).fill(-1)
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 8) / 2 ** 24
  }
  for (let user = 0; user < users; user++) {
    for (let entry = offsets[user]!; entry < offsets[user + 1]!;) {
      const track = Math.floor(tracks * random() ** 3)
      if (owner[track] === user) continue
      owner[track] = user
      columns[entry++] = track
    }
    columns.subarray(offsets[user], offsets[user + 1]).sort()
  }
  return { offsets, columns, values: new Float64Array(columns.length).fill(1) }
}
