/** What every layer of `Table.Tables` promises, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Table from "../../runtime/Table.ts"
import * as Values from "./Values.ts"

class Play extends Schema.Class<Play>("Play")({
  user_id: Schema.Int,
  track_id: Schema.Int,
  weight: Schema.Number,
  note: Schema.NullOr(Schema.String)
}) {}

const play = (user_id: number, track_id: number, weight = 1, note: string | null = null) =>
  new Play({ user_id, track_id, weight, note })

const plays = (asset: string) => Table.make({ schema: Play, key: ["user_id", "track_id"], table: `io_test.${asset}` })

const Listen = Schema.Struct({ day: Table.Day, listener: Schema.Int, number_of_the_listen: Schema.Int })

const listen = (day: string, listener: number) => ({ day, listener, number_of_the_listen: 1 })

const listens = (asset: string) =>
  Table.make({
    schema: Listen,
    key: ["day", "listener", "number_of_the_listen"],
    partition: "day",
    table: `io_test.${asset}`
  })

const User = Schema.Struct({ id: Schema.Int, name: Schema.String })

const users = (asset: string) => Table.merge({ schema: User, key: ["id"], table: `io_test.${asset}` })

/** Rows in the order of their JSON, for tables have none. */
const sorted = <Row>(handle: Table.Handle<Row>) =>
  Effect.map(Stream.runCollect(handle.rows), (rows) => rows.map((row) => JSON.stringify(row)).sort())

const texts = (rows: ReadonlyArray<unknown>) => rows.map((row) => JSON.stringify(row)).sort()

export const suite = (name: string, tables: Layer.Layer<Table.Tables, unknown>) =>
  layer(tables, { timeout: "60 seconds" })(name, (it) => {
    it.effect("gives back the rows that were published, with their version and their number", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const rows = [play(1, 1, 0.5, "a"), play(1, 2, -0.25), play(2, 1, 1e300, "")]
        const digest = yield* slot.publish(rows)
        const handle = yield* slot.load(digest)
        expect(handle.version).toBe(digest)
        expect(handle.name).toBe(`io_test.${slot.asset}`)
        expect(yield* sorted(handle)).toEqual(texts(rows))
        expect(yield* handle.count).toBe(3)
        expect(Array.from(yield* Stream.runCollect(handle.rows)).every((row) => row instanceof Play)).toBe(true)
      })
    )

    it.effect("takes rows from iterables and from streams alike", () =>
      Effect.gen(function* () {
        const rows = [play(1, 1), play(1, 2)]
        const a = yield* Values.slot(plays)
        const b = yield* Values.slot(plays)
        expect(yield* a.publish(new Set(rows))).toBe(yield* b.publish(Stream.fromIterable(rows)))
      })
    )

    it.effect("has one digest for one content, whatever the order, and finds it again in what is published", () =>
      Effect.gen(function* () {
        const rows = Array.from({ length: 50 }, (_, index) => play(index % 7, index, index / 8))
        const a = yield* Values.slot(plays)
        const b = yield* Values.slot(plays)
        const digest = yield* a.publish(rows)
        expect(yield* b.publish(rows.toReversed())).toBe(digest)
        expect(yield* a.digest).toBe(digest)
      })
    )

    it.effect("has another digest when two values change places, or only one is another", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const digests = yield* Effect.forEach(
          [
            [play(1, 1, 0.5), play(2, 2, 0.25)],
            [play(1, 1, 0.25), play(2, 2, 0.5)],
            [play(1, 2, 0.5), play(2, 1, 0.25)],
            [play(1, 1, 0.5, "x"), play(2, 2, 0.25)],
            [play(1, 1, 0.5, ""), play(2, 2, 0.25)],
            [play(1, 1, 0.5)],
            []
          ],
          (rows) => slot.publish(rows)
        )
        expect(new Set(digests).size).toBe(digests.length)
      })
    )

    it.effect("shows checks the staged rows, not the published ones", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        yield* slot.publish([play(1, 1), play(1, 2)])
        const staged = yield* slot.stage([play(3, 3)])
        expect(yield* sorted(staged.candidate)).toEqual(texts([play(3, 3)]))
        expect(staged.candidate).toMatchObject({
          version: staged.digest,
          changes: { before: 2, inserted: 1, updated: 0, unchanged: 0, removed: 2 }
        })
        expect(staged.rows).toBe(1)
      }).pipe(Effect.scoped)
    )

    it.effect("shows checks of a published value that nothing would change", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const version = yield* slot.publish([play(1, 1), play(1, 2)])
        const candidate = yield* slot.store.published({ ...slot.ref, version })
        expect(candidate.changes).toEqual({ before: 2, inserted: 0, updated: 0, unchanged: 2, removed: 0 })
        expect(yield* candidate.count).toBe(2)
      })
    )

    it.effect("publishes nothing when the scope closes before", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const digest = yield* slot.publish([play(1, 1)])
        yield* Effect.scoped(slot.stage([play(2, 2)]))
        expect(yield* slot.digest).toBe(digest)
      })
    )

    it.effect("fails with the stream's own error and leaves what was there", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const digest = yield* slot.publish([play(1, 1)])
        const rows = Stream.concat(Stream.make(play(2, 2)), Stream.fail("the source is down" as const))
        expect(yield* Effect.flip(slot.publish(rows))).toBe("the source is down")
        expect(yield* slot.digest).toBe(digest)
      })
    )

    it.effect("keeps only what comes after the last restart", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const many = Stream.map(Stream.range(1, 30_000), (id) => play(id, 1))
        const rows = many.pipe(
          Stream.concat(Stream.make(Table.restart, play(1, 1), Table.restart)),
          Stream.concat(Stream.make(play(7, 7)))
        )
        const handle = yield* slot.load(yield* slot.publish(rows))
        expect(yield* sorted(handle)).toEqual(texts([play(7, 7)]))
      })
    )

    it.effect("refuses two rows with one key and names it", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const error = yield* Effect.flip(slot.publish([play(1, 1), play(5, 7), play(5, 7, 2)]))
        expect(error).toMatchObject({ _tag: "IoError", operation: "stage", retryable: false })
        expect(error.message).toMatch(/two rows have one key: .*5, ?.*7/)
      })
    )

    it.effect("refuses a row that its schema does not accept and names the row and the column", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        const rows = [{ id: 1, name: "a" }, JSON.parse('{"id":2,"name":null}') as typeof User.Type]
        const error = yield* Effect.flip(slot.publish(rows))
        expect(error.message).toBe(
          `${slot.asset}: could not stage: row 2 (id=2), column name: null where a value is due`
        )
      })
    )

    it.effect("refuses texts and numbers that PostgreSQL cannot keep", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        const refused = (row: typeof User.Type) =>
          Effect.map(Effect.flip(slot.publish([row])), (error) => error.message)
        expect(yield* refused({ id: 1, name: "a\0b" })).toContain("(id=1), column name: a text with a NUL character")
        expect(yield* refused({ id: 1, name: "\ud800" })).toContain("half of a surrogate pair")
        expect(yield* refused({ id: 2 ** 31, name: "" })).toContain("beyond 32 bits: declare the column as Table.Long")
      })
    )

    it.effect("publishes a value without rows, which is not the same as none", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        expect(yield* slot.digest).toBe(null)
        yield* slot.publish([play(1, 1)])
        const digest = yield* slot.publish([])
        expect(yield* slot.digest).toBe(digest)
        expect(yield* (yield* slot.load(digest)).count).toBe(0)
      })
    )

    it.effect("removes what was published when it is wiped", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        yield* Values.inTransaction(Effect.andThen(slot.store.wipe(slot.ref), slot.digest))
        yield* slot.publish([{ id: 1, name: "a" }])
        yield* Values.inTransaction(slot.store.wipe(slot.ref))
        expect(yield* (yield* slot.load("")).count).toBe(0)
        expect((yield* Effect.scoped(slot.stage([]))).candidate.changes.before).toBe(0)
      })
    )

    it.effect("marks the rows of a merged table as removed when it is wiped, since history may refer to them", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        yield* slot.publish([{ id: 1, name: "a" }])
        yield* Values.inTransaction(slot.store.wipe(slot.ref))
        expect(yield* (yield* slot.load("")).count).toBe(0)
        const again = yield* Effect.scoped(slot.stage([]))
        expect(again.digest).not.toBe(yield* (yield* Values.slot(users)).publish([]))
      })
    )

    it.effect("publishes of a partition only its own rows", () =>
      Effect.gen(function* () {
        const monday = yield* Values.slot(listens, "2025-03-03")
        const tuesday = { ...monday.ref, partition: "2025-03-04" }
        const rows = (day: string, ...ids: ReadonlyArray<number>) => ids.map((listener) => listen(day, listener))
        const first = yield* monday.publish(rows("2025-03-03", 1, 2))
        const second = yield* monday.publish(rows("2025-03-04", 1, 2, 3), "2025-03-04")
        expect(yield* monday.digest).toBe(first)
        expect(yield* monday.store.digest(tuesday)).toBe(second)
        yield* monday.publish([])
        const all = yield* monday.store.loadAll(monday.asset, [{ ...tuesday, version: second }])
        expect(yield* all.count).toBe(3)
        expect(yield* sorted(yield* monday.store.load({ ...tuesday, version: second }))).toEqual(
          texts(rows("2025-03-04", 1, 2, 3))
        )
        expect(yield* (yield* monday.load("")).count).toBe(0)
        yield* monday.store.wipe(tuesday)
        expect(yield* all.count).toBe(0)
      })
    )

    it.effect("stages partitions as one, each with the digest it has alone, and publishes those it is told to", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(listens, "2026-01-01")
        const days = ["2026-01-01", "2026-01-02", "2026-01-03"]
        const rows = [listen("2026-01-01", 1), listen("2026-01-01", 2), listen("2026-01-03", 1)]
        const staged = yield* slot.stageRange(days, rows)
        for (const { digest, partition, rows: count } of staged.slices) {
          const own = rows.filter(({ day }) => day === partition)
          const alone = yield* slot.stage(own, partition)
          expect([digest, count]).toEqual([alone.digest, own.length])
        }
        expect(staged.slices.map(({ partition }) => partition)).toEqual(days)
        const candidates = () =>
          Effect.forEach(days, (day) => {
            const { changes, count, version } = staged.candidate(day)
            return Effect.map(count, (rows) => [version, rows, changes.before, changes.inserted])
          })
        const [first, second, third] = staged.slices.map(({ digest }) => digest)
        expect(yield* candidates()).toEqual([
          [first, 2, 0, 2],
          [second, 0, 0, 0],
          [third, 1, 0, 1]
        ])
        expect(yield* sorted(staged.candidate("2026-01-01"))).toEqual(texts(rows.slice(0, 2)))
        expect(yield* staged.candidate("2026-01-03").find({ _tag: "Unique", columns: ["day"] })).toMatchObject({
          rows: 1,
          violations: 0
        })
        yield* Values.inTransaction(staged.publish(["2026-01-01", "2026-01-02"]))
        const sources = days.map((partition) => ({ asset: slot.asset, partition, version: "" }))
        expect(yield* sorted(yield* slot.store.loadAll(slot.asset, sources))).toEqual(texts(rows.slice(0, 2)))
        const again = yield* slot.stageRange(days, rows)
        expect(days.map((day) => again.candidate(day).changes.before)).toEqual([2, 0, 0])
      }).pipe(Effect.scoped)
    )

    it.effect("refuses a row of no partition of a range", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(listens, "2026-01-01")
        const stray = yield* Effect.flip(slot.stageRange(["2026-01-01", "2026-01-02"], [listen("2026-01-04", 1)]))
        expect(stray.message).toContain("is of no partition that was asked for")
      }).pipe(Effect.scoped)
    )

    it.effect("refuses rows of another partition", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(listens, "2025-03-03")
        const error = yield* Effect.flip(slot.publish([listen("2025-03-04", 9)]))
        expect(error.message).toContain(
          "the row (day=2025-03-04, listener=9, number_of_the_listen=1) is not of the partition 2025-03-03"
        )
      })
    )

    it.effect("reads the partitions it is asked for, and no others", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(listens, "2025-01-01")
        for (const day of ["2025-01-01", "2025-01-02", "2025-01-03"]) yield* slot.publish([listen(day, 1)], day)
        const count = (...days: ReadonlyArray<string>) =>
          slot.store
            .loadAll(
              slot.asset,
              days.map((partition) => ({ asset: slot.asset, partition, version: "1" }))
            )
            .pipe(Effect.flatMap((all) => all.count))
        expect(yield* count()).toBe(0)
        expect(yield* count("2025-01-02")).toBe(1)
        expect(yield* count("2025-01-01", "2025-01-03", "2025-01-04")).toBe(2)
      })
    )

    it.effect("publishes partitions that are staged at the same time, a first time too", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(listens, "2025-02-01")
        const days = Array.from({ length: 28 }, (_, index) => `2025-02-${String(index + 1).padStart(2, "0")}`)
        yield* Effect.forEach(days, (day) => slot.publish([listen(day, 1)], day), { concurrency: "unbounded" })
        const all = yield* slot.store.loadAll(
          slot.asset,
          days.map((partition) => ({ asset: slot.asset, partition, version: "" }))
        )
        expect(yield* all.count).toBe(28)
      })
    )

    it.effect("stages the same asset twice at once without mixing the rows", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(plays)
        const go = yield* Deferred.make<void>()
        const slowly = Stream.concat(
          Stream.make(play(1, 1)),
          Stream.fromEffect(Effect.as(Deferred.await(go), play(1, 2)))
        )
        const slow = yield* Effect.forkChild(slot.publish(slowly), { startImmediately: true })
        const digest = yield* slot.publish([play(9, 9)])
        expect(yield* slot.digest).toBe(digest)
        yield* Deferred.succeed(go, undefined)
        const last = yield* Fiber.join(slow)
        expect(yield* slot.digest).toBe(last)
        expect(yield* (yield* slot.load(last)).count).toBe(2)
      })
    )

    it.effect("publishes the same value again when its transaction is repeated", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        yield* slot.publish([{ id: 1, name: "a" }])
        const staged = yield* slot.stage([{ id: 2, name: "b" }])
        yield* Values.inTransaction(staged.publish)
        yield* Values.inTransaction(staged.publish)
        expect(yield* slot.digest).toBe(staged.digest)
      }).pipe(Effect.scoped)
    )

    it.effect("merges by key: counts what changes and marks what is gone", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        yield* slot.publish([1, 2, 3].map((id) => ({ id, name: `user ${id}` })))
        const second = [
          { id: 1, name: "user 1" },
          { id: 2, name: "renamed" },
          { id: 4, name: "user 4" }
        ]
        const staged = yield* slot.stage(second)
        const changes = { before: 3, inserted: 1, updated: 1, unchanged: 1, removed: 1 }
        expect(staged.candidate.changes).toEqual(changes)
        expect(staged.metadata).toEqual({ rows: 3, ...changes })
        yield* Values.inTransaction(staged.publish)
        expect(yield* slot.digest).toBe(staged.digest)
        expect(yield* sorted(yield* slot.load(staged.digest))).toEqual(texts(second))
      }).pipe(Effect.scoped)
    )

    it.effect("merges the same rows again without a change of the digest", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        const rows = [{ id: 1, name: "a" }]
        yield* slot.publish([...rows, { id: 2, name: "b" }])
        const digest = yield* slot.publish(rows)
        expect(yield* slot.publish(rows)).toBe(digest)
        const { changes } = (yield* Effect.scoped(slot.stage(rows))).candidate
        expect(changes).toEqual({ before: 1, inserted: 0, updated: 0, unchanged: 1, removed: 0 })
      })
    )

    it.effect("counts removal in the digest, and takes back a row that returns", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(users)
        const rows = [1, 2].map((id) => ({ id, name: `user ${id}` }))
        const both = yield* slot.publish(rows)
        const one = yield* slot.publish(rows.slice(0, 1))
        const never = yield* Values.slot(users)
        expect(one).not.toBe(yield* never.publish(rows.slice(0, 1)))
        const staged = yield* slot.stage(rows)
        expect(staged.candidate.changes).toEqual({ before: 1, inserted: 1, updated: 0, unchanged: 1, removed: 0 })
        yield* Values.inTransaction(staged.publish)
        expect(yield* slot.digest).toBe(both)
      }).pipe(Effect.scoped)
    )

    it.effect("keeps values of every type, absent ones too", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot((asset) =>
          Table.make({ schema: Every, key: ["id"], table: `io_test.${asset}` })
        )
        const digest = yield* slot.publish(everyRow)
        expect(yield* slot.digest).toBe(digest)
        const rows = Array.from(yield* Stream.runCollect((yield* slot.load(digest)).rows))
        expect(rows.toSorted((a, b) => a.id - b.id)).toEqual(everyRow)
        expect(yield* slot.publish(rows)).toBe(digest)
      })
    )
  })

const Every = Schema.Struct({
  id: Schema.Int,
  long: Table.Long,
  big: Schema.BigInt,
  float: Schema.Number,
  text: Schema.String,
  flag: Schema.Boolean,
  at: Schema.DateTimeUtc,
  date: Schema.Date,
  day: Table.Day,
  gender: Schema.NullOr(Schema.Literals(["f", "m"])),
  tags: Schema.Array(Schema.String),
  ranked: Schema.Array(Schema.Tuple([Table.Long, Schema.Finite, Schema.NullOr(Schema.Boolean)])),
  listed: Schema.NullOr(Schema.Array(Schema.Struct({ name: Schema.String })).pipe(Table.asJson)),
  deep: Schema.NullOr(Schema.Struct({ at: Schema.DateTimeUtc, n: Schema.Number })),
  maybe: Schema.optionalKey(Schema.String),
  anything: Schema.Json
})

const every = (id: number, change: Partial<typeof Every.Type>): typeof Every.Type => ({
  id,
  long: 0,
  big: 0n,
  float: 0,
  text: "",
  flag: false,
  at: DateTime.makeUnsafe(0),
  date: new Date(0),
  day: "2024-02-29",
  gender: null,
  tags: [],
  ranked: [],
  listed: null,
  deep: null,
  anything: null,
  ...change
})

const everyRow = [
  every(1, {}),
  every(2, { long: Number.MAX_SAFE_INTEGER, big: 2n ** 63n - 1n, float: Number.NaN, flag: true, gender: "m" }),
  every(3, { float: Number.POSITIVE_INFINITY, text: `quotes ' " \\ {},NULL`, tags: ["", `"`, "{a,b}"], listed: [] }),
  every(4, {
    float: Number.NEGATIVE_INFINITY,
    text: "Björk 🎧 日本",
    maybe: "",
    listed: [{ name: `Sigur Rós "( )"` }, { name: "" }],
    deep: { at: DateTime.makeUnsafe(1), n: 0.1 }
  }),
  every(5, {
    float: Number.MIN_VALUE,
    ranked: [
      [Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, null],
      [1, 0.1 + 0.2, true]
    ],
    at: DateTime.makeUnsafe("2025-03-04T05:06:07.089Z"),
    anything: { b: [1, null] }
  }),
  every(6, { at: DateTime.makeUnsafe("-004000-01-01T00:00:00Z"), date: new Date(8.64e15), day: "0001-01-01" }),
  every(7, { long: Number.MIN_SAFE_INTEGER, big: -(2n ** 63n), day: "9999-12-31", anything: "null" })
]
