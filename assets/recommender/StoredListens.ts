/**
 * What the recommender learns from, read from the database without an object a row: the database packs many rows into a few large ones.
 * Leaves out what is done with it.
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Interactions from "./Interactions.ts"
import * as Listens from "./Listens.ts"

/** Every listen of users and tracks that are shown. Within a day those of a list are in its order. */
export const listens = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const packs = sql.unsafe<{ readonly day: number; readonly listens: Uint8Array }>(packListens).stream
  return yield* Listens.collect(Stream.map(packs, ({ day, listens }) => unpack(day, listens)))
}).pipe(Effect.withSpan("StoredListens.listens"))

/** What models are fitted to and told: the plays that the features have, or where age counts the listens by their age. */
export const features = Effect.fn("StoredListens.features")(function* (recency: Listens.Recency) {
  if (recency._tag !== "Everything") return yield* Listens.weigh(yield* listens, recency)
  const sql = yield* SqlClient.SqlClient
  const packs = sql.unsafe<Pack & { readonly plays: Uint8Array }>(packFeatures).stream
  return yield* Interactions.collect(
    Stream.map(packs, ({ plays, tracks, users }) => ({
      users: numbers(users, 8, bigint),
      tracks: numbers(tracks, 8, bigint),
      weights: numbers(plays, 4, (view, at) => view.getInt32(at))
    }))
  )
})

// internal ------------------------------------------------------------------------------------------------------------------------

interface Pack {
  readonly users: Uint8Array
  readonly tracks: Uint8Array
}

/** A list is no longer than that: its order is that of time. */
const longestList = 2 ** 31

const listenBytes = 20

const unpack = (day: number, packed: Uint8Array): Listens.Columns => {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const length = packed.byteLength / listenBytes
  const [users, tracks, days] = [new Float64Array(length), new Float64Array(length), new Float64Array(length)]
  for (let listen = 0, at = 0; listen < length; listen++, at += listenBytes) {
    users[listen] = bigint(view, at)
    tracks[listen] = bigint(view, at + 8)
    days[listen] = day + view.getInt32(at + 16) / longestList
  }
  return { users, tracks, days }
}

const packListens = Fs.readFileSync(new URL("../../sql/music/pack_listens.sql", import.meta.url), "utf8")
const packFeatures = Fs.readFileSync(new URL("../../sql/music/pack_features.sql", import.meta.url), "utf8")

/** The database sends numbers with the highest byte first. */
const numbers = (packed: Uint8Array, size: number, get: (view: DataView, at: number) => number): Float64Array => {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const unpacked = new Float64Array(packed.byteLength / size)
  for (let index = 0; index < unpacked.length; index++) unpacked[index] = get(view, index * size)
  return unpacked
}

/** Ids are safe integers. */
const bigint = (view: DataView, at: number): number => view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4)
