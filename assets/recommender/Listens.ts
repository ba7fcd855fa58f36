/**
 * Who listened to what and when, in columns: the form in which listens are split by time and weighed by age.
 * Leaves out where they come from; every listen is an index into arrays, never an object.
 */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import * as Cooperative from "./Cooperative.ts"
import * as IdPairs from "./IdPairs.ts"
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
export const fromColumns = Effect.fn("Listens.fromColumns")(function* (columns: {
  readonly users: Float64Array
  readonly tracks: Float64Array
  readonly days: Float64Array
  readonly weights: Float64Array
}) {
  const [users, userOf] = yield* indexed(columns.users)
  const [tracks, trackOf] = yield* indexed(columns.tracks)
  return { users, tracks, userOf, trackOf, days: columns.days, weights: columns.weights } satisfies Listens
})

export interface Columns extends IdPairs.Columns {
  readonly days: Float64Array
}

/** Collects listens of weight 1, whatever order they come in: user by user, and of each user in the order of time. */
export const collect = Effect.fn("Listens.collect")(function* <E, R>(columns: Stream.Stream<Columns, E, R>) {
  const { blocks, tracks, users } = yield* IdPairs.collect(columns, ({ days }) => days)
  const offsets = new Int32Array(users.length + 1)
  yield* Cooperative.forRange(blocks.length, (index) => {
    for (const user of blocks[index]!.userOf) offsets[user + 1]! += 1
  })
  SparseRows.accumulate(offsets)
  const next = offsets.slice(0, users.length)
  const length = offsets.at(-1)!
  const [userOf, trackOf, days] = [new Int32Array(length), new Int32Array(length), new Float64Array(length)]
  yield* Cooperative.forRange(blocks.length, (index) => {
    const block = blocks[index]!
    for (let listen = 0; listen < block.kept.length; listen++) {
      const user = block.userOf[listen]!
      const at = next[user]!++
      userOf[at] = user
      trackOf[at] = block.trackOf[listen]!
      days[at] = block.kept[listen]!
    }
  })
  yield* Cooperative.forRange(users.length, (user) => sortByTime(days, trackOf, offsets[user]!, offsets[user + 1]!))
  const weights = new Float64Array(length).fill(1)
  return { users, tracks, userOf, trackOf, days, weights } satisfies Listens
})

/** The listens for which `keep` holds, in the order they had; both tables stay. */
export const filter = Effect.fnUntraced(function* (self: Listens, keep: (listen: number) => boolean) {
  const all = new Int32Array(self.userOf.length)
  let count = 0
  yield* Cooperative.forEachIndex(all.length, (listen) => {
    if (keep(listen)) all[count++] = listen
  })
  const kept = {
    userOf: new Int32Array(count),
    trackOf: new Int32Array(count),
    days: new Float64Array(count),
    weights: new Float64Array(count)
  }
  yield* Cooperative.forEachIndex(count, (index) => {
    const listen = all[index]!
    kept.userOf[index] = self.userOf[listen]!
    kept.trackOf[index] = self.trackOf[listen]!
    kept.days[index] = self.days[listen]!
    kept.weights[index] = self.weights[listen]!
  })
  return { ...self, ...kept } satisfies Listens
})

/** The listens of tracks for which `keep` holds, and a table of just those tracks. */
export const filterTracks = Effect.fnUntraced(function* (self: Listens, keep: (track: number) => boolean) {
  const kept = Int32Array.from(self.tracks.keys()).filter(keep)
  const moved = new Int32Array(self.tracks.length).fill(-1)
  kept.forEach((track, index) => (moved[track] = index))
  const listens = yield* filter(self, (listen) => moved[self.trackOf[listen]!] !== -1)
  return {
    ...listens,
    tracks: Float64Array.from(kept, (track) => self.tracks[track]!),
    trackOf: listens.trackOf.map((track) => moved[track]!)
  } satisfies Listens
})

/** For each track the number of distinct users. */
export const listeners = Effect.fnUntraced(function* (self: Listens) {
  const { rows, tracks } = yield* weigh(self, everything)
  const users = new Int32Array(tracks.length)
  for (const track of rows.columns) users[track]! += 1
  return users
})

/** The whole day of the newest listen, -Infinity when there is none. */
export const newestDay = ({ days }: Listens): number => {
  let newest = -Infinity
  for (let listen = 0; listen < days.length; listen++) newest = Math.max(newest, days[listen]!)
  return Math.floor(newest)
}

/** The whole day of the oldest listen, Infinity when there is none. */
export const oldestDay = (self: Listens): number =>
  Math.floor(self.days.reduce((oldest, day) => Math.min(oldest, day), Infinity))

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

/** The distinct ids, and for each of `ids` its index among them. */
const indexed = Effect.fnUntraced(function* (ids: Float64Array) {
  const arrivals = new Map<number, number>()
  const indices = new Int32Array(ids.length)
  yield* Cooperative.forEachIndex(ids.length, (position) => {
    const id = ids[position]!
    let arrival = arrivals.get(id)
    if (arrival === undefined) arrivals.set(id, (arrival = arrivals.size))
    indices[position] = arrival
  })
  const table = IdTable.fromIds(arrivals.keys())
  const positions = Int32Array.from(arrivals.keys(), (id) => IdTable.indexOf(table, id))
  yield* Cooperative.forEachIndex(indices.length, (position) => {
    indices[position] = positions[indices[position]!]!
  })
  return [table, indices] as const
})

/** By insertion, as most stand in order already; of listens at the same time the lower track comes first. */
const sortByTime = (days: Float64Array, trackOf: Int32Array, from: number, to: number): void => {
  for (let listen = from + 1; listen < to; listen++) {
    const [day, track] = [days[listen]!, trackOf[listen]!]
    let at = listen
    while (at > from && (days[at - 1]! > day || (days[at - 1] === day && trackOf[at - 1]! > track))) {
      days[at] = days[at - 1]!
      trackOf[at] = trackOf[at - 1]!
      at--
    }
    days[at] = day
    trackOf[at] = track
  }
}

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
  yield* Cooperative.forEachIndex(weights.length, (listen) => {
    weights[listen] = weightOf(listen)
    if (weights[listen]! > 0) offsets[self.trackOf[listen]! + 1]! += 1
  })
  SparseRows.accumulate(offsets)
  const next = offsets.slice(0, self.tracks.length)
  const columns = new Int32Array(offsets.at(-1)!)
  const values = new Float64Array(columns.length)
  yield* Cooperative.forEachIndex(weights.length, (listen) => {
    if (!(weights[listen]! > 0)) return
    const target = next[self.trackOf[listen]!]!++
    columns[target] = self.userOf[listen]!
    values[target] = weights[listen]!
  })
  return { offsets, columns, values } satisfies SparseRows.SparseRows
})

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
