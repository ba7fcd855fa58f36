/**
 * Ten million listens read from Postgres into columns and, added up, into the compressed rows that algorithms are fitted to, with the most
 * memory this process ever had; next to the same rows read as objects.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Listens from "../assets/recommender/Listens.ts"
import * as StoredListens from "../assets/recommender/StoredListens.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"
import * as MusicTables from "./MusicTables.ts"

export default () =>
  Effect.gen(function* () {
    yield* MusicTables.make({ users, tracks })
    yield* listen
    const { csr } = yield* Bench.medians({ csr: Bench.millis(read) }, 3)
    const peak = process.resourceUsage().maxRSS
    // Last, so that its memory does not count.
    const { objects } = yield* Bench.medians({ objects: Bench.millis(readObjects) }, 3)
    return [
      {
        bench: "read-csr",
        quantity: "time",
        value: Bench.rounded(csr / 1000),
        unit: "s",
        better: "lower",
        target: 12,
        baseline: { name: "the same rows as objects", value: Bench.rounded((10 * objects) / 1000) },
        note: "as objects a tenth was read, and counts ten times"
      },
      {
        bench: "read-csr",
        quantity: "peak memory",
        value: Bench.rounded((peak * 1024) / 1e9),
        unit: "GB",
        better: "lower",
        target: 1,
        baseline: null,
        note: "of the process, after all runs"
      }
    ] satisfies ReadonlyArray<Bench.Line>
  }).pipe(Effect.provide(Database.layer))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const users = 100_000
const tracks = 20_000
const days = 20
const listensOfDay = 5

/** Some tracks are played by many, most by few. Without the checks of foreign keys, which would take most of the time. */
const listen = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`set local session_replication_role = replica`
  yield* sql`drop index music.listen_history_user, music.listen_history_track, music.listen_history_track_day`
  yield* sql`
    insert into music.listen_history (day, user_id, position, track_id, created_at, updated_at)
    select date '2026-01-01' + d, u, p,
      1 + floor(${tracks} * power(hashint8((u * ${days} + d) * ${listensOfDay} + p)::float8 / 2 ^ 32 + 0.5, 3)),
      now(), now()
    from generate_series(0, ${days - 1}) d, generate_series(1, ${users}::bigint) u, generate_series(0, ${listensOfDay - 1}) p`
}).pipe(
  (all) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(all)),
  Effect.andThen(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`vacuum analyze music.listen_history`))
)

const read = Effect.flatMap(StoredListens.listens, (listens) => Listens.weigh(listens, Listens.everything))

const readObjects = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = sql`select day, user_id, position, track_id from music.listen_history where user_id <= ${users / 10}`
  const found: Array<unknown> = []
  yield* Stream.runForEach(rows.stream, (row) => Effect.sync(() => found.push(row)))
  return found
})
