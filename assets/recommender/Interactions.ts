/**
 * Who played what, and how much it counts: a sparse matrix of users by tracks.
 * Leaves out time: recency is in the weights.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Cooperative from "./Cooperative.ts"
import * as IdPairs from "./IdPairs.ts"
import type * as IdTable from "./IdTable.ts"
import * as SparseRows from "./SparseRows.ts"

/** One user's interest in one track; the weight is positive and only its ratio to other weights matters. */
export interface Entry {
  readonly user_id: number
  readonly track_id: number
  readonly weight: number
}

/** Row `u` belongs to user `users[u]`; its columns are indices in `tracks`, ascending and distinct. */
export interface Interactions {
  readonly users: IdTable.IdTable
  readonly tracks: IdTable.IdTable
  readonly rows: SparseRows.SparseRows
}

export interface Columns extends IdPairs.Columns {
  readonly weights: Float64Array
}

/** Collects entries in whatever order they come; of a pair that comes twice the larger weight counts. */
export const collect = Effect.fn("Interactions.collect")(function* <E, R>(columns: Stream.Stream<Columns, E, R>) {
  const { blocks, tracks, users } = yield* IdPairs.collect(columns, ({ weights }) => weights)
  const byTrack = yield* rowsByTrack(blocks, tracks.length)
  const rows = yield* mergeRepeats(yield* SparseRows.transpose(byTrack, users.length))
  return { users, tracks, rows } satisfies Interactions
})

/** Collects entries that are at hand. */
export const fromEntries = (entries: ReadonlyArray<Entry>): Effect.Effect<Interactions> =>
  collect(
    Stream.make({
      users: Float64Array.from(entries, (entry) => entry.user_id),
      tracks: Float64Array.from(entries, (entry) => entry.track_id),
      weights: Float64Array.from(entries, (entry) => entry.weight)
    })
  )

// internal ------------------------------------------------------------------------------------------------------------------------

/** A counting sort by track; the users of a row are in order of arrival still. */
const rowsByTrack = Effect.fnUntraced(function* (
  blocks: ReadonlyArray<IdPairs.Block<Float64Array>>,
  trackCount: number
) {
  const offsets = new Int32Array(trackCount + 1)
  yield* Cooperative.forRange(blocks.length, (index) => {
    for (const track of blocks[index]!.trackOf) offsets[track + 1]! += 1
  })
  SparseRows.accumulate(offsets)
  const next = offsets.slice(0, trackCount)
  const columns = new Int32Array(offsets.at(-1)!)
  const values = new Float64Array(columns.length)
  yield* Cooperative.forRange(blocks.length, (index) => {
    const { kept: weights, trackOf, userOf } = blocks[index]!
    for (let entry = 0; entry < trackOf.length; entry++) {
      const target = next[trackOf[entry]!]!++
      columns[target] = userOf[entry]!
      values[target] = weights[entry]!
    }
  })
  return { offsets, columns, values } satisfies SparseRows.SparseRows
})

/** Repeats stand side by side, as the columns of a transposed matrix ascend. */
const mergeRepeats = Effect.fnUntraced(function* ({ columns, offsets, values }: SparseRows.SparseRows) {
  const merged = new Int32Array(offsets.length)
  let end = 0
  yield* Cooperative.forRange(offsets.length - 1, (row) => {
    const start = end
    for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) {
      if (end > start && columns[end - 1] === columns[entry]) {
        values[end - 1] = Math.max(values[end - 1]!, values[entry]!)
      } else {
        columns[end] = columns[entry]!
        values[end] = values[entry]!
        end++
      }
    }
    merged[row + 1] = end
  })
  return {
    offsets: merged,
    columns: columns.subarray(0, end),
    values: values.subarray(0, end)
  } satisfies SparseRows.SparseRows
})
