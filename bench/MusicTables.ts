/**
 * The reference project's tables in a bench's own PostgreSQL, with users and tracks numbered from 1.
 * Leaves out what refers to them.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import definitions from "../assets/index.ts"
import * as Migrations from "../runtime/Migrations.ts"

export const make = Effect.fnUntraced(function* (count: { readonly users: number; readonly tracks: number }) {
  const sql = yield* SqlClient.SqlClient
  yield* Migrations.runtime
  yield* Migrations.project(definitions.migrations!)
  yield* sql`
    insert into music.users
      (id, first_name, last_name, email, gender, favorite_genres, created_at, updated_at, run_id)
    select id, 'User', id, '', '', '', now(), now(), 'bench' from generate_series(1, ${count.users}) id`
  yield* sql`
    insert into music.tracks
      (id, name, artist, songwriters, duration, genres, album, created_at, updated_at, run_id)
    select id, id, '', '', '', '', '', now(), now(), 'bench' from generate_series(1, ${count.tracks}) id`
  yield* sql`vacuum analyze music.users, music.tracks`
})
