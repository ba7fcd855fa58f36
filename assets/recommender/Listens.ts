/**
 * Who listened to what and when, in columns: the form in which listens are split by time and weighed by age.
 * Leaves out where they come from; every listen is an index into arrays, never an object.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as SparseRows from "./SparseRows.ts"

/**
 * Listen `l` is of user `users[userOf[l]]` and track `tracks[trackOf[l]]`, at `days[l]` (days since 1970-01-01 UTC, with a fraction where the
 * time of day is known), and counts `weights[l]`, which is positive. The tables may name users and tracks that no listen here is of.
 */
export interface Listens {
  readonly users: IdTable.IdTable
  readonly tracks: IdTable.IdTable
  readonly userOf: Int32Array
  readonly trackOf: Int32Array
  readonly days: Float64Array
  readonly weights: Float64Array
}

/** What age does to a listen: nothing, halving its weight every `days`, or ending it after `days`. Age is counted from the newest listen's day. */
export type Recency =
  | { readonly _tag: "Everything" }
  | { readonly _tag: "HalfLife"; readonly days: number }
  | { readonly _tag: "Window"; readonly days: number }

export const everything: Recency = { _tag: "Everything" }
export const halfLife = (days: number): Recency => ({ _tag: "HalfLife", days })
export const window = (days: number): Recency => ({ _tag: "Window", days })

/** From columns of equal length, of ids rather than indices; rows of a table read column by column are this already. */
export const fromColumns = (columns: {
  readonly users: Float64Array
  readonly tracks: Float64Array
  readonly days: Float64Array
  readonly weights: Float64Array
}): Listens => {
  const users = IdTable.fromIds(columns.users)
  const tracks = IdTable.fromIds(columns.tracks)
  return {
    users,
    tracks,
    userOf: Int32Array.from(columns.users, (id) => IdTable.indexOf(users, id)),
    trackOf: Int32Array.from(columns.tracks, (id) => IdTable.indexOf(tracks, id)),
    days: columns.days,
    weights: columns.weights
  }
}

/** The listens for which `keep` holds, in the order they had; both tables stay. */
export const filter = (self: Listens, keep: (listen: number) => boolean): Listens => {
  const kept = Int32Array.from(self.userOf.keys()).filter(keep)
  return {
    ...self,
    userOf: kept.map((listen) => self.userOf[listen]!),
    trackOf: kept.map((listen) => self.trackOf[listen]!),
    days: Float64Array.from(kept, (listen) => self.days[listen]!),
    weights: Float64Array.from(kept, (listen) => self.weights[listen]!)
  }
}

/** The listens of tracks for which `keep` holds, and a table of just those tracks. */
export const filterTracks = (self: Listens, keep: (track: number) => boolean): Listens => {
  const kept = Int32Array.from(self.tracks.keys()).filter(keep)
  const moved = new Int32Array(self.tracks.length).fill(-1)
  kept.forEach((track, index) => (moved[track] = index))
  const listens = filter(self, (listen) => moved[self.trackOf[listen]!] !== -1)
  return {
    ...listens,
    tracks: Float64Array.from(kept, (track) => self.tracks[track]!),
    trackOf: listens.trackOf.map((track) => moved[track]!)
  }
}

/** For each track the number of distinct users. */
export const listeners = Effect.fnUntraced(function* (self: Listens) {
  const { rows, tracks } = yield* weigh(self, everything)
  const users = new Int32Array(tracks.length)
  for (const track of rows.columns) users[track]! += 1
  return users
})

/** The whole day of the newest listen, -Infinity when there is none. */
export const newestDay = (self: Listens): number =>
  Math.floor(self.days.reduce((newest, day) => Math.max(newest, day), -Infinity))

/**
 * Adds up each user's listens of each track, by age. Decay is rounded to single precision, so that engines that differ in the last bit of
 * a power agree; sums run in the order of the listens.
 */
export const weigh = Effect.fn("Listens.weigh")(function* (self: Listens, recency: Recency) {
  const newest = newestDay(self)
  const byTrack = yield* rowsByTrack(
    self,
    (listen) => self.weights[listen]! * factor(recency, newest - Math.floor(self.days[listen]!))
  )
  const rows = yield* addRepeats(yield* SparseRows.transpose(byTrack, self.users.length))
  return { users: self.users, tracks: self.tracks, rows } satisfies Interactions.Interactions
})

// internal ------------------------------------------------------------------------------------------------------------------------

const factor = (recency: Recency, age: number): number => {
  switch (recency._tag) {
    case "Everything":
      return 1
    case "HalfLife":
      return Math.fround(0.5 ** (age / recency.days))
    case "Window":
      return age < recency.days ? 1 : 0
  }
}

/** A counting sort by track; what weighs nothing is left out. */
const rowsByTrack = Effect.fnUntraced(function* (self: Listens, weightOf: (listen: number) => number) {
  const weights = new Float64Array(self.weights.length)
  const offsets = new Int32Array(self.tracks.length + 1)
  yield* Cooperative.forRange(Math.ceil(weights.length / blockSize), (block) => {
    const end = Math.min(weights.length, (block + 1) * blockSize)
    for (let listen = block * blockSize; listen < end; listen++) {
      weights[listen] = weightOf(listen)
      if (weights[listen]! > 0) offsets[self.trackOf[listen]! + 1]! += 1
    }
  })
  SparseRows.accumulate(offsets)
  const next = offsets.slice(0, self.tracks.length)
  const columns = new Int32Array(offsets.at(-1)!)
  const values = new Float64Array(columns.length)
  yield* Cooperative.forRange(Math.ceil(weights.length / blockSize), (block) => {
    const end = Math.min(weights.length, (block + 1) * blockSize)
    for (let listen = block * blockSize; listen < end; listen++) {
      if (!(weights[listen]! > 0)) continue
      const target = next[self.trackOf[listen]!]!++
      columns[target] = self.userOf[listen]!
      values[target] = weights[listen]!
    }
  })
  return { offsets, columns, values } satisfies SparseRows.SparseRows
})

const blockSize = 16_384

/** Repeats stand side by side, as the columns of a transposed matrix ascend. */
const addRepeats = Effect.fnUntraced(function* ({ columns, offsets, values }: SparseRows.SparseRows) {
  const merged = new Int32Array(offsets.length)
  let end = 0
  yield* Cooperative.forRange(offsets.length - 1, (row) => {
    const start = end
    for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) {
      if (end > start && columns[end - 1] === columns[entry]) {
        values[end - 1]! += values[entry]!
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
    columns: columns.slice(0, end),
    values: values.slice(0, end)
  } satisfies SparseRows.SparseRows
})
