/**
 * The lists of ten recommendations of 100,000 users, staged, digested and published over as many others as their asset's step does, next to
 * the same rows written straight into a table with the same key but without a foreign key, in one transaction and without a digest.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as SqlClient from "effect/sql/SqlClient"
import type { Item } from "../assets/recommender/Recommender.ts"
import { recommendations, type Recommendations } from "../assets/recommendations.ts"
import * as SqlTables from "../runtime/SqlTables.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"
import * as MusicTables from "./MusicTables.ts"

export default () =>
  Effect.gen(function* () {
    yield* MusicTables.make({ users, tracks })
    const { bare, published } = yield* Bench.medians({ published: Bench.millis(publish), bare: Bench.millis(write) }, 3)
    const line: Bench.Line = {
      bench: "write-recommendations",
      value: Bench.rounded(published / 1000),
      unit: "s",
      better: "lower",
      target: 3,
      baseline: {
        name: "delete and insert, without staging, digest and foreign key",
        value: Bench.rounded(bare / 1000)
      }
    }
    return line
  }).pipe(Effect.provide(Layer.provideMerge(SqlTables.layer, Database.layer)))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const users = 100_000
const tracks = 20_000
const perUser = 10
const batch = 10_000

let runs = 0

/** Made as they are read, and other rows with every run. */
function* rows(from = 1, to = users): Generator<typeof Recommendations.Type> {
  for (let user = from; user <= to; user++) {
    const items = Array.from({ length: perUser }, (_, above): Item => {
      const track = 1 + ((user * 37 + above * 101 + runs) % tracks)
      return [track, 1 / (above + 1 + runs), 1 + ((user + above) % tracks)]
    })
    yield { user_id: user, items, model_version: `model-${runs}`, basis: `basis-${runs}-${user}` }
  }
}

const publish = Effect.gen(function* () {
  runs += 1
  const sql = yield* SqlClient.SqlClient
  const store = yield* recommendations.io.store({ key: recommendations.key, partitioned: false })
  const staged = yield* store.stage({ asset: recommendations.key, partition: null, runId: `bench-${runs}` }, rows())
  yield* sql.withTransaction(staged.publish)
}).pipe(Effect.scoped)

const write = Effect.gen(function* () {
  runs += 1
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists music.bare (like music.recommendations including all)`
  yield* sql`delete from music.bare`
  for (let from = 1; from <= users; from += batch) {
    const some = Array.from(rows(from, from + batch - 1))
    yield* sql`insert into music.bare (user_id, items, model_version, basis)
      select * from unnest(
        ${array(some, "int8", ({ user_id }) => BigInt(user_id))},
        ${array(some, "json", ({ items }) => items)},
        ${array(some, "text", ({ model_version }) => model_version)},
        ${array(some, "text", ({ basis }) => basis)})`
  }
}).pipe((all) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(all)))

const array = <A, B>(all: ReadonlyArray<A>, type: "int8" | "json" | "text", value: (one: A) => B) =>
  Result.getOrThrow(PgTypes.array(all.map(value), PgTypes.OID[type]))
