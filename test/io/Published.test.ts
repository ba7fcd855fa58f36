import { describe, expect, it } from "@effect/vitest"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Json from "../../runtime/Json.ts"
import * as Published from "../../runtime/Published.ts"
import * as SqlEventLog from "../../runtime/SqlEventLog.ts"
import * as SqlPublished from "../../runtime/SqlPublished.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as PublishedContract from "./PublishedContract.ts"

const database = Layer.mergeAll(SqlEventLog.layer, Json.layer).pipe(Layer.provideMerge(TestDatabase.layer()))
const postgres = Layer.provideMerge(SqlPublished.layer(PublishedContract.assets), database)

PublishedContract.suite("what is published, in memory", Layer.merge(Published.layerMemory, Json.layerMemory))
PublishedContract.suite("what is published, in PostgreSQL", postgres)

const [told, other] = PublishedContract.assets as [
  (typeof PublishedContract.assets)[0],
  (typeof PublishedContract.assets)[1]
]

const listeners = (sql: SqlClient.SqlClient) => sql<{ readonly pid: number }>`
  select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%'`

describe("publishes in PostgreSQL", { timeout: 60_000 }, () => {
  it.live("that went by while the connection was lost are told once there is another", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { changes } = yield* Published.Published
      const next = yield* changes
      const [before] = yield* listeners(sql)
      yield* sql`select pg_terminate_backend(${before!.pid}, 5000)`
      yield* PublishedContract.publish(told, 1)
      const [change] = yield* Stream.runCollect(Stream.take(next, 1))
      expect(change).toMatchObject({ asset: told.key, inForce: { version: "v1" } })
      const [after] = yield* listeners(sql)
      expect(after!.pid).not.toBe(before!.pid)
    }).pipe(Effect.scoped, Effect.provide(postgres))
  )

  it.live("are notified of only where somebody follows the asset", () =>
    Effect.gen(function* () {
      const pg = yield* PgClient.PgClient
      const notices = yield* pg.listen("assets_published")
      yield* Layer.build(SqlPublished.layer([told]))
      yield* PublishedContract.publish(other, 1)
      yield* PublishedContract.publish(told, 1)
      expect((yield* Queue.takeAll(notices)).map(({ payload }) => payload)).toEqual([told.key])
    }).pipe(Effect.scoped, Effect.provide(database))
  )

  it.live("of assets that nobody follows are looked at, not remembered", () =>
    Effect.gen(function* () {
      const { current, look } = yield* Effect.provideContext(
        Published.Published,
        yield* Layer.build(SqlPublished.layer([told]))
      )
      const ref = { asset: other.key, partition: null }
      yield* PublishedContract.publish(other, 1)
      expect((yield* look(ref))?.version).toBe("v1")
      expect(current(ref)).toBeUndefined()
    }).pipe(Effect.scoped, Effect.provide(database))
  )

  it.live("show their version to the statement that reads their rows", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const version = sql<{ readonly version: string }>`select v.version from ${Published.inStatement(told)} v`
      expect(yield* version).toEqual([])
      yield* PublishedContract.publish(told, 3)
      expect(yield* version).toEqual([{ version: "v3" }])
    }).pipe(Effect.provide(postgres))
  )
})
