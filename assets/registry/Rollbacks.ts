/** The models that were rolled back, which nothing but a person promotes again. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

export interface Model {
  readonly version: string
  /** sha256 of its bytes in hexadecimal. */
  readonly digest: string
}

export interface Rollback extends Model {
  /** ISO 8601. */
  readonly at: string
}

/** Newest first. */
export const all = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<Model & { readonly millis: number }>`
    select version, digest, extract(epoch from rolled_back_at)::float8 * 1000 as millis
    from music.model_rollback order by rolled_back_at desc`
  return rows.map(({ digest, millis, version }): Rollback => ({ version, digest, at: new Date(millis).toISOString() }))
})

/** Whether it, or one of the same bytes, was rolled back. */
export const includes = Effect.fn("Rollbacks.includes")(function* ({ digest, version }: Model) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    select from music.model_rollback where version = ${version} or digest = ${digest} limit 1`
  return rows.length > 0
})

export const add = Effect.fn("Rollbacks.add")(function* ({ digest, version }: Model) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    insert into music.model_rollback (version, digest) values (${version}, ${digest})
    on conflict (version) do update set rolled_back_at = excluded.rolled_back_at`
})

/** Takes it back, and for all of the same bytes. */
export const remove = Effect.fn("Rollbacks.remove")(function* ({ digest, version }: Model) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`delete from music.model_rollback where version = ${version} or digest = ${digest}`
})
