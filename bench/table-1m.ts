/**
 * A million rows from this process staged, digested and published over a million others, next to the same rows written
 * straight into a table with the same key, in one transaction and without a digest.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlTables from "../runtime/SqlTables.ts"
import * as Table from "../runtime/Table.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"

export default () =>
  Effect.gen(function* () {
    const { bare, published } = yield* Bench.medians({ published: Bench.millis(publish), bare: Bench.millis(write) })
    const line: Bench.Line = {
      bench: "table-1m",
      value: Bench.rounded(published / 1000),
      unit: "s",
      better: "lower",
      target: 6,
      baseline: { name: "delete and insert, without staging and digest", value: Bench.rounded(bare / 1000) }
    }
    return line
  }).pipe(Effect.provide(Layer.provideMerge(SqlTables.layer, Database.layer)))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const count = 1_000_000
const perUser = 100
const batch = 50_000

const Listen = Schema.Struct({ user_id: Schema.Int, track_id: Schema.Int, listened_at: Schema.DateTimeUtc })

const io = Table.make({ schema: Listen, key: ["user_id", "track_id"], table: "bench.listens" })

const ref = { asset: "listens", partition: null }

let runs = 0

/** Made as they are read, and other rows with every run. */
function* rows(from = 0, to = count): Generator<typeof Listen.Type> {
  for (let index = from; index < to; index++) {
    const listened_at = DateTime.makeUnsafe(1_700_000_000_000 + index + runs)
    yield { user_id: Math.floor(index / perUser), track_id: index % perUser, listened_at }
  }
}

const publish = Effect.gen(function* () {
  runs += 1
  const sql = yield* SqlClient.SqlClient
  const store = yield* io.store({ key: ref.asset, partitioned: false })
  const staged = yield* store.stage({ ...ref, runId: `bench-${runs}` }, rows())
  yield* sql.withTransaction(staged.publish)
}).pipe(Effect.scoped)

const write = Effect.gen(function* () {
  runs += 1
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    create table if not exists bench.bare (
      user_id integer not null,
      track_id integer not null,
      listened_at timestamptz not null,
      primary key (user_id, track_id)
    )`
  yield* sql`delete from bench.bare`
  for (let from = 0; from < count; from += batch) {
    const some = Array.from(rows(from, from + batch))
    const users = array(some, "int4", ({ user_id }) => user_id)
    const tracks = array(some, "int4", ({ track_id }) => track_id)
    const times = array(some, "timestamptz", ({ listened_at }) => listened_at.epochMilliseconds)
    yield* sql`insert into bench.bare select * from unnest(${users}, ${tracks}, ${times})`
  }
}).pipe((all) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(all)))

const array = <A>(all: ReadonlyArray<A>, type: "int4" | "timestamptz", value: (one: A) => number) =>
  Result.getOrThrow(PgTypes.array(all.map(value), PgTypes.OID[type]))
