import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as SqlTables from "../../runtime/SqlTables.ts"
import * as Table from "../../runtime/Table.ts"
import * as TableStatements from "../../runtime/TableStatements.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Values from "./Values.ts"

const Play = Schema.Struct({ user_id: Schema.Int, plays: Schema.Int })

const plays = (asset: string) => Table.make({ schema: Play, key: ["user_id"], table: `io_sql.${asset}` })

const User = Schema.Struct({ id: Schema.Int, name: Schema.String })

const users = (asset: string) => Table.merge({ schema: User, key: ["id"], table: `io_sql.${asset}` })

const Moment = Schema.Struct({ id: Schema.Int, at: Schema.DateTimeUtc })

const stagings = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly name: string }>`
    select tablename as name from pg_tables where schemaname = 'assets_staging'`
  return rows.map(({ name }) => name)
})

const running = (text: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql`
      select from pg_stat_activity
      where state = 'active' and pid <> pg_backend_pid() and datname = current_database()
      and starts_with(query, 'insert into assets_staging') and query like ${`%${text}%`}`
    return rows.length
  })

layer(Layer.provideMerge(SqlTables.layer, TestDatabase.layer()), { timeout: "60 seconds" })(
  "tables in PostgreSQL only",
  (it) => {
    it.effect("of one schema that is not there yet are made at the same time", () =>
      Effect.gen(function* () {
        for (const schema of ["io_new_1", "io_new_2", "io_new_3"]) {
          const slots = yield* Effect.forEach(Array.from({ length: 8 }), () =>
            Values.slot((asset) => Table.make({ schema: Play, key: ["user_id"], table: `${schema}.${asset}` }))
          )
          yield* Effect.forEach(slots, (slot) => slot.publish([{ user_id: 1, plays: 1 }]), { concurrency: "unbounded" })
        }
      })
    )

    it.effect("are filled by a query, column by name", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const source = yield* Values.slot(plays)
        yield* source.publish([1, 2, 3].map((user_id) => ({ user_id, plays: user_id * 10 })))
        const { table } = yield* source.load("")
        const slot = yield* Values.slot(plays)
        const query = Table.query(
          sql`select 'ignored' as more, p.plays / ${5} as plays, p.user_id from ${table} p where p.user_id > ${1}`
        )
        const handle = yield* slot.load(yield* slot.publish(query))
        const rows = Array.from(yield* Stream.runCollect(handle.rows))
        expect(rows.toSorted((a, b) => a.user_id - b.user_id)).toEqual([
          { user_id: 2, plays: 4 },
          { user_id: 3, plays: 6 }
        ])
      })
    )

    it.effect("have one digest for the same rows from a query and from this process", () =>
      Effect.gen(function* () {
        const a = yield* Values.slot(plays)
        const b = yield* Values.slot(plays)
        const digest = yield* a.publish([{ user_id: 1, plays: 2 }])
        expect(yield* b.publish(Table.query("select 1 as user_id, 2 as plays"))).toBe(digest)
      })
    )

    it.effect("say what is wrong with a query in the server's words", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const failure = (select: string) =>
          Effect.map(Effect.flip(slot.publish(Table.query(select))), ({ message }) => message)
        expect(yield* failure("select 1 as user_id")).toContain(
          `could not stage: the query gives no column "plays", which the rows of io_sql.${slot.asset} have`
        )
        expect(yield* failure("select 1 as user_id, nothing as plays")).toContain('column "nothing" does not exist')
        expect(yield* failure("select 1 as user_id, null::int as plays")).toContain(
          `null value in column "plays" of relation "io_sql.${slot.asset}" violates not-null constraint`
        )
        expect(yield* failure("select i / 2 as user_id, i as plays from generate_series(2, 5) i")).toContain(
          "two rows have one key: Key (user_id)=(1) is duplicated."
        )
        expect(yield* stagings).toEqual([])
      })
    )

    it.effect("cancel the query on the server and leave no staging when interrupted", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const endless =
          "select i as user_id, 1 as plays from generate_series(1, 1000000000) i where pg_sleep(60) is null"
        const fiber = yield* Effect.forkChild(slot.publish(Table.query(endless)))
        yield* Effect.repeat(running("pg_sleep"), { until: (count) => count > 0 })
        yield* Fiber.interrupt(fiber)
        expect(yield* running("pg_sleep")).toBe(0)
        expect(yield* stagings).toEqual([])
      })
    )

    it.effect("leave no staging when the scope closes, whatever came of it", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        yield* Effect.scoped(slot.stage([{ user_id: 1, plays: 1 }]))
        yield* Effect.flip(slot.publish([{ user_id: 1, plays: 1.5 }]))
        yield* Effect.flip(slot.publish(Stream.fail("down")))
        expect(yield* stagings).toEqual([])
      })
    )

    it.effect("let a run's staging be dropped by another process", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const other = yield* Values.slot(plays)
        yield* slot.stage([{ user_id: 1, plays: 1 }])
        const [name] = yield* stagings
        const kept = yield* other.stage([{ user_id: 1, plays: 1 }])
        expect(yield* SqlTables.dropStaging(name!.split(":")[0]!)).toBe(1)
        expect(yield* stagings).toHaveLength(1)
        expect(yield* kept.candidate.count).toBe(1)
      }).pipe(Effect.scoped)
    )

    it.effect("stay as they were when the transaction of a publish is rolled back", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const slot = yield* Values.slot(plays)
        const digest = yield* slot.publish([{ user_id: 1, plays: 1 }])
        const staged = yield* slot.stage([{ user_id: 2, plays: 2 }])
        yield* Effect.flip(sql.withTransaction(Effect.andThen(staged.publish, Effect.fail("fenced"))))
        expect(yield* slot.digest).toBe(digest)
        yield* sql.withTransaction(staged.publish)
        expect(yield* slot.digest).toBe(staged.digest)
      }).pipe(Effect.scoped)
    )

    it.effect("refuse rows that break a foreign key, and name the key", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const parent = yield* Values.slot(users)
        yield* parent.publish([{ id: 1, name: "a" }])
        const slot = yield* Values.slot(plays)
        yield* sql.unsafe(`create table io_sql.${slot.asset} (
          user_id integer primary key references io_sql.${parent.asset} on delete cascade,
          plays integer not null,
          since timestamptz default now()
        )`)
        yield* slot.publish([{ user_id: 1, plays: 1 }])
        const error = yield* Effect.flip(slot.publish([{ user_id: 9, plays: 1 }]))
        expect(error).toMatchObject({ _tag: "IoError", operation: "publish", retryable: false })
        expect(error.message).toContain(`Key (user_id)=(9) is not present in table "${parent.asset}"`)
      })
    )

    it.effect("say what differs when a table that exists does not fit the schema", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const slot = yield* Values.slot(users)
        yield* sql`create schema if not exists io_sql`
        yield* sql.unsafe(`create table io_sql.${slot.asset} (
          id bigint, first_seen_at timestamptz, removed_at timestamptz, run_id text, email text not null
        )`)
        const error = yield* Effect.flip(slot.publish([{ id: 1, name: "a" }]))
        expect(error.message).toBe(
          `${slot.asset}: could not open: the table io_sql.${slot.asset} does not fit the row schema: ` +
            "id is bigint, not integer; it has no column name (text); " +
            "email is not null, has no default and is not in the schema; " +
            "(id) has no unique index of its own. " +
            "Change it in a migration, or drop it to have it made anew"
        )
      })
    )

    it.effect("note in merged rows when they were first seen, removed and by which run", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const slot = yield* Values.slot(users)
        const table = sql.literal(`io_sql.${slot.asset}`)
        yield* slot.publish([1, 2].map((id) => ({ id, name: "a" })))
        const before = yield* sql`select first_seen_at from ${table} where id = 2`
        yield* slot.publish([{ id: 1, name: "a" }])
        const run = (yield* sql<{ readonly run_id: string }>`select run_id from ${table} where id = 1`)[0]!.run_id
        expect(
          yield* sql`select id, removed_at is not null as removed, run_id = ${run} as known from ${table} order by id`
        ).toEqual([
          { id: 1, removed: false, known: true },
          { id: 2, removed: true, known: true }
        ])
        yield* slot.publish([{ id: 2, name: "b" }])
        expect(yield* sql`select name, removed_at, first_seen_at from ${table} where id = 2`).toEqual([
          { ...before[0], name: "b", removed_at: null }
        ])
        const { table: live } = yield* slot.load("")
        expect(yield* sql`select u.* from ${live} u`).toEqual([{ id: 2, name: "b" }])
      })
    )

    it.effect("tell apart moments within one millisecond, though this process cannot", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot((asset) =>
          Table.make({
            schema: Schema.Struct({ id: Schema.Int, at: Schema.Date }),
            key: ["id"],
            table: `io_sql.${asset}`
          })
        )
        const at = (micros: string) => Table.query(`select 1 as id, timestamptz '2025-03-04 05:06:07.${micros}Z' as at`)
        const first = yield* slot.publish(at("089001"))
        const second = yield* slot.publish(at("089002"))
        expect(second).not.toBe(first)
        const rows = yield* Stream.runCollect((yield* slot.load(second)).rows)
        expect(rows).toEqual([{ id: 1, at: new Date("2025-03-04T05:06:07.089Z") }])
      })
    )

    it.effect("have one digest on servers before and since PostgreSQL 18", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const same = ([1, 9] as const).map(
          (from) => `${TableStatements.halfByCast(from)} = ${TableStatements.halfByHex(from)}`
        )
        const rows = yield* sql.unsafe(`select bool_and(${same.join(" and ")}) as same
          from (select sha256(i::text::bytea) as hash from generate_series(1, 1000) i) as hashed`)
        expect(rows).toEqual([{ same: true }])
      })
    )

    it.effect("have one digest for zero and negative zero", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot((asset) =>
          Table.merge({
            schema: Schema.Struct({ id: Schema.Int, x: Schema.Number }),
            key: ["id"],
            table: `io_sql.${asset}`
          })
        )
        const digest = yield* slot.publish([{ id: 1, x: 0 }])
        expect(yield* slot.publish([{ id: 1, x: -0 }])).toBe(digest)
        expect(yield* slot.digest).toBe(digest)
      })
    )

    it.effect("are read in the order of the key, page after page, without holding a connection", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot((asset) =>
          Table.make({ schema: Moment, key: ["at", "id"], table: `io_sql.${asset}` })
        )
        const version = yield* slot.publish(
          Table.query(`
            select i as id, timestamptz '2025-03-04 05:06:07Z' + (i % 4) * interval '1 microsecond' as at
            from generate_series(1, 12000) i`)
        )
        const { rows } = yield* slot.load(version)
        const reading = Stream.runCollect(Stream.tap(rows, () => slot.digest).pipe(Stream.take(2)))
        // More readers that wait for a query of their own than the pool has connections.
        yield* Effect.all(
          Array.from({ length: 20 }, () => reading),
          { concurrency: "unbounded" }
        )
        const ids = Array.from(yield* Stream.runCollect(rows), ({ id }) => id)
        const expected = [0, 1, 2, 3].flatMap((rest) =>
          Array.from({ length: 12_000 }, (_, index) => index + 1).filter((id) => id % 4 === rest)
        )
        expect(ids).toEqual(expected)
      })
    )

    it.effect("fail to load what somebody else wrote into them against the schema", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const slot = yield* Values.slot((asset) =>
          Table.make({
            schema: Schema.Struct({ id: Schema.Int, side: Schema.Literals(["a", "b"]) }),
            key: ["id"],
            table: `io_sql.${asset}`
          })
        )
        const version = yield* slot.publish([{ id: 5, side: "a" }])
        yield* sql.unsafe(`update io_sql.${slot.asset} set side = 'c'`)
        const error = yield* Effect.flip(Stream.runDrain((yield* slot.load(version)).rows))
        expect(error.message).toContain("the row (id=5) is not as its schema says: column side")
        expect(yield* slot.digest).not.toBe(version)
      })
    )
  }
)
