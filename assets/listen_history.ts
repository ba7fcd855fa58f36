import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { Asset, Partition, Table, TableCheck } from "../runtime/index.ts"
import * as Erased from "./source/Erased.ts"
import * as Listing from "./source/Listing.ts"
import * as MusicApi from "./source/MusicApi.ts"
import { tracks } from "./tracks.ts"
import { users } from "./users.ts"

export const Listen = Schema.Struct({
  day: Table.Day,
  user_id: Table.Long,
  position: Schema.Int,
  track_id: Table.Long,
  created_at: Schema.Date,
  updated_at: Schema.Date
})

/** What each user's latest list was, day by day. The API forgets, so a day is never asked for again. */
export const listenHistory = Asset.make("listen_history", {
  description: "The latest list of every user, day by day",
  partitions: Partition.daily({ start: "2025-01-01" }),
  io: Table.make({
    table: "music.listen_history",
    schema: Listen,
    key: ["day", "user_id", "position"],
    partition: "day",
    indexes: [["user_id"], ["track_id"]]
  }),
  materialize: (_, step) =>
    Stream.unwrap(
      Effect.map(MusicApi.MusicApi, (api) => {
        const listed = Erased.leftOut(api.listenHistory, ({ user_id }) => user_id)
        return Listing.into(step, listed, explode(step.partition))
      })
    )
}).pipe(
  Asset.after(users, tracks),
  Asset.check("users-shown", {
    severity: "warn",
    description: "Who listens is a user that the API shows",
    ...TableCheck.references({ column: "user_id", to: users, key: "id" })
  }),
  Asset.check("tracks-shown", {
    severity: "warn",
    description: "What is listened to is a track that the API shows",
    ...TableCheck.references({ column: "track_id", to: tracks, key: "id" })
  }),
  Asset.check("positions-in-range", TableCheck.within("position", { min: 0 })),
  Asset.check("usual-for-weekday", { severity: "warn", ...TableCheck.usualForWeekday() }),
  Asset.unrepeatable,
  Asset.quarantine(Listing.tolerance),
  Asset.retry(Listing.retry)
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** One row a listen. What nobody knows, a user or a track, is set aside with the item it came in. */
const explode = (day: string) =>
  Effect.fnUntraced(function* (page: MusicApi.Page<MusicApi.Listens>) {
    const known = yield* knownTo(page.rows)
    const rejected = new Map(page.rejected.map((rejection) => [rejection.key ?? rejection, rejection]))
    const rows: Array<typeof Listen.Type> = []
    for (const { created_at, raw, tracks, updated_at, user_id } of page.rows) {
      const reasons = known.users.has(user_id) ? [] : [`no user has the id ${user_id}`]
      for (const { position, track_id } of reasons.length === 0 ? tracks : []) {
        if (known.tracks.has(track_id)) rows.push({ day, user_id, position, track_id, created_at, updated_at })
        else reasons.push(`items[${position}]: no track has the id ${track_id}`)
      }
      if (reasons.length === 0) continue
      const earlier = rejected.get(user_id)?.reason ?? []
      rejected.set(user_id, { key: user_id, raw, reason: [earlier, reasons].flat().join("; ") })
    }
    return { rows, rejected: Array.from(rejected.values()) }
  })

/** Which of the users and tracks of these lists are in the database, removed or not. */
const knownTo = Effect.fnUntraced(function* (lists: ReadonlyArray<MusicApi.Listens>) {
  const sql = yield* SqlClient.SqlClient
  const users = lists.map(({ user_id }) => BigInt(user_id))
  const tracks = lists.flatMap((list) => list.tracks.map(({ track_id }) => BigInt(track_id)))
  const [known] = yield* sql<{ readonly [ids in "users" | "tracks"]: ReadonlyArray<bigint> }>`select
    array(select id from music.users where id = any(${users}::bigint[])) as users,
    array(select id from music.tracks where id = any(${tracks}::bigint[])) as tracks`
  return { users: new Set(known!.users.map(Number)), tracks: new Set(known!.tracks.map(Number)) }
})
