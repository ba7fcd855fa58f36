/** What most people play, for whom nothing better is known: the last link of every chain. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { Published } from "../../runtime/index.ts"
import { features } from "../features.ts"

export interface Track {
  readonly track_id: number
  /** The share of all listeners who play it. */
  readonly score: number
}

/** The most popular tracks that the source still shows, best first; `undefined` until there are features. */
export class InForce extends Context.Service<InForce, () => Published.Kept<ReadonlyArray<Track>> | undefined>()(
  "music/Popular/InForce"
) {}

export const layer = Layer.effect(
  InForce,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* Published.keep(features, ({ table }) =>
      Effect.map(
        sql<{ readonly track_id: bigint; readonly users: bigint; readonly all: bigint }>`
          with played as (select track_id, count(*) as users from ${table} f group by track_id)
          select p.track_id, p.users, (select count(distinct user_id) from ${table} f) as all
          from played p join music.tracks t on t.id = p.track_id and t.removed_at is null
          order by p.users desc, p.track_id limit ${most}`,
        (rows) =>
          rows.map(({ all, track_id, users }) => ({ track_id: Number(track_id), score: Number(users) / Number(all) }))
      )
    )
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Who knows all of so many gets none. */
const most = 1000
