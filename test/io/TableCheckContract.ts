/** What the ready-made checks find in tables, as tests that each layer of `Table.Tables` runs. */
import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as AssetCheck from "../../runtime/AssetCheck.ts"
import * as Asset from "../../runtime/Asset.ts"
import * as Table from "../../runtime/Table.ts"
import * as TableCheck from "../../runtime/TableCheck.ts"
import * as Values from "./Values.ts"

const Visit = Schema.Struct({
  id: Schema.Int,
  user_id: Schema.NullOr(Table.Long),
  page: Schema.NullOr(Schema.String),
  weight: Schema.Number,
  at: Schema.NullOr(Schema.Date),
  day: Table.Day
})
type Visit = typeof Visit.Type

const visits = (asset: string) => Table.make({ schema: Visit, key: ["id"], table: `check_test.${asset}` })

const visit = (id: number, more: Partial<Visit> = {}): Visit => ({
  id,
  user_id: id,
  page: "home",
  weight: 0.5,
  at: new Date(id * 1000),
  day: "2026-03-01",
  ...more
})

const daily = (asset: string) =>
  Table.make({ schema: Visit, key: ["day", "id"], partition: "day", table: `check_test.${asset}` })

const User = Schema.Struct({ id: Table.Long, name: Schema.String })
const users = (asset: string) => Table.merge({ schema: User, key: ["id"], table: `check_test.${asset}` })

const now = Date.parse("2026-03-10T12:00:00Z")

const context = (given: Partial<AssetCheck.Context> = {}): AssetCheck.Context => ({
  asset: "visits",
  partition: null,
  now,
  metadata: {},
  earlier: () => Effect.succeed([]),
  published: () => Effect.succeed([]),
  others: Effect.succeed([]),
  toldBefore: Effect.undefined,
  ...given
})

/** Of many values the newest comes first. */
const counted = (...values: ReadonlyArray<readonly [at: string, rows: number]>) =>
  values.map(([at, rows]): AssetCheck.Recorded => ({ partition: null, dataVersion: at, rows, at: `${at}T01:00:00Z` }))

const referenced = Asset.make("users", { codeVersion: "1", io: users("users"), materialize: () => Effect.succeed([]) })

export const suite = (name: string, tables: Layer.Layer<Table.Tables, unknown>) =>
  layer(tables, { timeout: "60 seconds" })(name, (it) => {
    /** What a check finds in staged rows, and then in the same rows published. */
    const judged = Effect.fnUntraced(function* <E>(
      rows: ReadonlyArray<Visit>,
      check: {
        readonly run: (
          candidate: Table.Candidate<Visit>,
          reads: any,
          context: AssetCheck.Context
        ) => Effect.Effect<AssetCheck.Result, E>
      },
      given: AssetCheck.Context = context(),
      reads: unknown = {}
    ) {
      const slot = yield* Values.slot(visits)
      const staged = yield* Effect.scoped(
        Effect.flatMap(slot.stage(rows), ({ candidate }) => check.run(candidate, reads, given))
      )
      const version = yield* slot.publish(rows)
      const published = yield* slot.store.published({ ...slot.ref, version })
      expect(yield* check.run(published, reads, given)).toEqual(staged)
      return staged
    })

    it.effect("nulls are found, with how many rows have them and an example", () =>
      Effect.gen(function* () {
        const rows = [visit(1), visit(2, { page: null }), visit(3), visit(4, { page: null })]
        expect(yield* judged([visit(1)], TableCheck.notNull("page"))).toMatchObject({ _tag: "Passed" })
        expect(yield* judged(rows, TableCheck.notNull("page"))).toEqual({
          _tag: "Failed",
          reason: "page is null in 2 of 4 rows (50 %), such as (id=2)",
          metadata: {
            rows: 4,
            violations: 2,
            sample: {
              _tag: "Metadata.Table",
              rows: [2, 4].map((id) => ({
                id,
                user_id: id,
                page: null,
                weight: 0.5,
                at: `1970-01-01T00:00:0${id}.000Z`,
                day: "2026-03-01"
              }))
            }
          }
        })
      })
    )

    it.effect("a table without rows breaks no rule of rows", () =>
      Effect.gen(function* () {
        const passed = { _tag: "Passed", metadata: { rows: 0, violations: 0 } }
        expect(yield* judged([], TableCheck.notNull("page"))).toEqual(passed)
        expect(yield* judged([], TableCheck.unique("page"))).toEqual(passed)
        expect(yield* judged([], TableCheck.oneOf("page", ["home"]))).toEqual(passed)
        expect(yield* judged([], TableCheck.within("weight", { min: 0 }))).toEqual(passed)
      })
    )

    it.effect("values that occur twice are found, in one column or in several together; nulls are no duplicates", () =>
      Effect.gen(function* () {
        const rows = [
          visit(1, { page: "a", weight: 1 }),
          visit(2, { page: "b", weight: 1 }),
          visit(3, { page: "b", weight: 2 }),
          visit(4, { page: null, weight: 3 }),
          visit(5, { page: null, weight: 3 })
        ]
        expect(yield* judged(rows, TableCheck.unique("page"))).toMatchObject({
          _tag: "Failed",
          reason: "page is not unique in 2 of 5 rows (40 %), such as (id=2)"
        })
        expect(yield* judged(rows, TableCheck.unique("page", "weight"))).toMatchObject({ _tag: "Passed" })
        const twice = [...rows, visit(6, { page: "a", weight: 1 })]
        expect(yield* judged(twice, TableCheck.unique("page", "weight"))).toMatchObject({
          reason: "(page, weight) is not unique in 2 of 6 rows (33.3 %), such as (id=1)"
        })
      })
    )

    it.effect("nested values are duplicates when their JSON is the same", () =>
      Effect.gen(function* () {
        const Nested = Schema.Struct({ id: Schema.Int, tags: Schema.Array(Schema.String), at: Schema.DateTimeUtc })
        const slot = yield* Values.slot((asset) =>
          Table.make({ schema: Nested, key: ["id"], table: `check_test.${asset}` })
        )
        const rows = [
          ["a", "b"],
          ["b", "a"],
          ["a", "b"]
        ].map((tags, id) => ({ id, tags, at: DateTime.makeUnsafe(id) }))
        const { candidate } = yield* slot.stage(rows)
        expect(yield* TableCheck.unique("at").run(candidate, {}, context())).toMatchObject({ _tag: "Passed" })
        expect(yield* TableCheck.unique("tags").run(candidate, {}, context())).toMatchObject({
          reason: "tags is not unique in 2 of 3 rows (66.7 %), such as (id=0)",
          metadata: { sample: { rows: [{ id: 0, tags: '["a","b"]', at: "1970-01-01T00:00:00.000Z" }, { id: 2 }] } }
        })
      }).pipe(Effect.scoped)
    )

    it.effect("values that are not among the accepted ones are found, with one of them", () =>
      Effect.gen(function* () {
        const rows = [visit(1), visit(2, { page: null }), visit(3, { page: "shop" }), visit(4, { page: "'; --" })]
        expect(yield* judged(rows, TableCheck.oneOf("page", ["home", "shop", "'; --"]))).toMatchObject({
          _tag: "Passed"
        })
        expect(yield* judged(rows, TableCheck.oneOf("page", ["home", "shop"]))).toMatchObject({
          reason: `page is none of "home", "shop" in 1 of 4 rows (25 %), such as "'; --" in (id=4)`
        })
        expect(yield* judged(rows, TableCheck.oneOf("user_id", [1, 3, 4]))).toMatchObject({
          reason: "user_id is none of 1, 3, 4 in 1 of 4 rows (25 %), such as 2 in (id=2)"
        })
        expect(yield* judged(rows, TableCheck.oneOf("page", []))).toMatchObject({
          metadata: { rows: 4, violations: 3 }
        })
      })
    )

    it.effect("numbers, days and moments out of a range are found; both ends belong to it", () =>
      Effect.gen(function* () {
        const rows = [visit(1, { weight: 0 }), visit(2, { weight: 1, at: null }), visit(3, { weight: Number.NaN })]
        expect(yield* judged(rows, TableCheck.within("weight", { min: 0, max: 1 }))).toMatchObject({
          reason: 'weight is under 0 or over 1 in 1 of 3 rows (33.3 %), such as "NaN" in (id=3)'
        })
        expect(yield* judged(rows, TableCheck.within("weight", { min: 0 }))).toMatchObject({ _tag: "Passed" })
        const at = { min: new Date(1000), max: new Date(2000) }
        expect(yield* judged(rows, TableCheck.within("at", at))).toMatchObject({
          reason:
            "at is under 1970-01-01T00:00:01.000Z or over 1970-01-01T00:00:02.000Z in 1 of 3 rows (33.3 %), " +
            'such as "1970-01-01T00:00:03.000Z" in (id=3)'
        })
        expect(yield* judged(rows, TableCheck.within("day", { max: "2026-02-28" }))).toMatchObject({
          metadata: { violations: 3 }
        })
        const pages = [visit(1, { page: "B" }), visit(2, { page: "a" }), visit(3, { page: "c" })]
        expect(yield* judged(pages, TableCheck.within("page", { min: "a", max: "b" }))).toMatchObject({
          reason: 'page is under a or over b in 2 of 3 rows (66.7 %), such as "B" in (id=1)'
        })
        expect(yield* judged(rows, TableCheck.within("user_id", { min: 2 }))).toMatchObject({
          reason: "user_id is under 2 in 1 of 3 rows (33.3 %), such as 1 in (id=1)"
        })
      })
    )

    it.effect("references to rows that another table does not show are found: missing ones and removed ones", () =>
      Effect.gen(function* () {
        const other = yield* Values.slot(users)
        yield* other.publish([1, 2, 3].map((id) => ({ id, name: `user ${id}` })))
        const version = yield* other.publish([1, 2].map((id) => ({ id, name: `user ${id}` })))
        const to = yield* other.load(version)
        const check = TableCheck.references({ column: "user_id", to: referenced, key: "id" })
        const rows = [visit(1), visit(2, { user_id: null }), visit(3), visit(4)]
        expect(yield* judged(rows.slice(0, 2), check, context(), { to })).toMatchObject({ _tag: "Passed" })
        expect(yield* judged(rows, check, context(), { to })).toMatchObject({
          reason: `user_id is no id of ${to.name} in 2 of 4 rows (50 %), such as 3 in (id=3)`
        })
      })
    )

    it.effect("a sample has five rows at most, and of long texts their beginning", () =>
      Effect.gen(function* () {
        const rows = Array.from({ length: 40 }, (_, id) => visit(id, { page: "x".repeat(10_000) }))
        const { metadata } = yield* judged(rows, TableCheck.oneOf("page", ["home"]))
        const { rows: sample } = metadata["sample"] as { readonly rows: ReadonlyArray<{ readonly page: string }> }
        expect(sample.map(({ page }) => page.length)).toEqual([201, 201, 201, 201, 201])
        expect(metadata).toMatchObject({ rows: 40, violations: 40 })
      })
    )

    it.effect("too few rows and too many are found, by number and by what was there before", () =>
      Effect.gen(function* () {
        const rows = [visit(1), visit(2), visit(3)]
        const before = (rows: number) => context({ earlier: () => Effect.succeed(counted(["2026-03-09", rows])) })
        expect(yield* judged([], TableCheck.rowCount({ min: 1 }))).toMatchObject({
          reason: "there are 0 rows, fewer than 1"
        })
        expect(yield* judged(rows, TableCheck.rowCount({ max: 2 }))).toMatchObject({
          reason: "there are 3 rows, more than 2"
        })
        const band = TableCheck.rowCount({ min: 1, ratio: { min: 0.5, max: 1.5 } })
        expect(yield* judged(rows, band)).toEqual({ _tag: "Passed", metadata: { rows: 3, before: null } })
        expect(yield* judged(rows, band, before(0))).toMatchObject({ _tag: "Passed" })
        expect(yield* judged(rows, band, before(6))).toMatchObject({ _tag: "Passed" })
        expect(yield* judged(rows, band, before(7))).toMatchObject({
          reason: "there are 3 rows, 42.9 % of the 7 before, under 50 %"
        })
        expect(yield* judged(rows, band, before(1))).toMatchObject({
          reason: "there are 3 rows, 300 % of the 1 before, over 150 %"
        })
      })
    )

    it.effect("the newest moment or day may not be older than was said", () =>
      Effect.gen(function* () {
        const at = (hours: number) => visit(hours, { at: new Date(now - hours * 3_600_000) })
        expect(yield* judged([at(5), at(3)], TableCheck.fresh("at", "3 hours"))).toMatchObject({ _tag: "Passed" })
        expect(yield* judged([at(5), at(4), visit(0, { at: null })], TableCheck.fresh("at", "3 hours"))).toMatchObject({
          reason: "the newest at is 2026-03-10T08:00:00.000Z: 4h old, more than 3h"
        })
        expect(yield* judged([visit(0, { at: null })], TableCheck.fresh("at", "3 hours"))).toMatchObject({
          reason: "no row has a value in at"
        })
        expect(yield* judged([], TableCheck.fresh("at", "3 hours"))).toMatchObject({ _tag: "Failed" })
        const day = visit(1, { day: "2026-03-09" })
        expect(yield* judged([day], TableCheck.fresh("day", "36 hours"))).toEqual({
          _tag: "Passed",
          metadata: { newest: "2026-03-09T00:00:00.000Z" }
        })
        expect(yield* judged([day], TableCheck.fresh("day", "35 hours"))).toMatchObject({ _tag: "Failed" })
      })
    )

    it.effect("columns are those of the version before, as the check saw them", () =>
      Effect.gen(function* () {
        const first = yield* judged([visit(1)], TableCheck.sameColumns())
        expect(first).toMatchObject({ _tag: "Passed" })
        const told = { toldBefore: Effect.succeed(first.metadata) }
        expect(yield* judged([visit(1)], TableCheck.sameColumns(), context(told))).toEqual(first)
        const slot = yield* Values.slot((asset) =>
          Table.make({
            schema: Schema.Struct({ id: Schema.Int, user_id: Schema.Int, page: Schema.String, more: Schema.Boolean }),
            key: ["id"],
            table: `check_test.${asset}`
          })
        )
        const { candidate } = yield* slot.stage([])
        expect(yield* TableCheck.sameColumns().run(candidate, {}, context(told))).toMatchObject({
          reason:
            "user_id was bigint or null and is integer; page was text or null and is text; " +
            "the column weight (double precision) is gone; the column at (timestamptz or null) is gone; " +
            "the column day (date) is gone; the column more (boolean) is new"
        })
      }).pipe(Effect.scoped)
    )

    it.effect("a number of rows that is unusual for the weekday is found, once there are four such weekdays", () =>
      Effect.gen(function* () {
        const rows = Array.from({ length: 50 }, (_, id) => visit(id))
        // Tuesdays before 2026-03-10; the other day and the earlier value of a day do not count.
        const tuesdays = counted(
          ["2026-03-10", 50],
          ["2026-03-09", 1000],
          ["2026-03-03", 100],
          ["2026-03-03", 7],
          ["2026-02-24", 104],
          ["2026-02-17", 98],
          ["2026-02-10", 102]
        )
        const given = (values: typeof tuesdays) => context({ earlier: () => Effect.succeed(values) })
        const check = TableCheck.usualForWeekday()
        expect(yield* judged(rows, check)).toEqual({ _tag: "Passed", metadata: { rows: 50, weeks: 0 } })
        expect(yield* judged(rows, check, given(tuesdays.slice(0, -1)))).toMatchObject({ metadata: { weeks: 3 } })
        expect(yield* judged(rows, check, given(tuesdays))).toEqual({
          _tag: "Failed",
          reason: "there are 50 rows, where the median of 4 such weekdays is 101: a modified z-score of -17.2",
          metadata: {
            rows: 50,
            weeks: 4,
            median: 101,
            mad: 2,
            score: { _tag: "Metadata.Float", value: (0.6745 * (50 - 101)) / 2 }
          }
        })
        const lenient = TableCheck.usualForWeekday({ threshold: 18 })
        expect(yield* judged(rows, lenient, given(tuesdays))).toMatchObject({ _tag: "Passed" })
      })
    )

    it.effect("where the number never was another, a small difference is usual and a large one is not", () =>
      Effect.gen(function* () {
        const same = counted(["2026-03-03", 20], ["2026-02-24", 20], ["2026-02-17", 20], ["2026-02-10", 20])
        const given = context({ earlier: () => Effect.succeed(same) })
        const rows = (count: number) => Array.from({ length: count }, (_, id) => visit(id))
        const check = TableCheck.usualForWeekday()
        expect(yield* judged(rows(20), check, given)).toMatchObject({ _tag: "Passed" })
        expect(yield* judged(rows(22), check, given)).toMatchObject({ _tag: "Passed" })
        expect(yield* judged(rows(23), check, given)).toMatchObject({
          reason: "there are 23 rows, where the median of 4 such weekdays is 20: and it never was another number"
        })
      })
    )

    it.effect("of a partitioned table the slice is judged, or the whole with the slice in its place", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(daily, "2026-03-02")
        yield* slot.publish([visit(1, { day: "2026-03-01" }), visit(2, { day: "2026-03-01" })], "2026-03-01")
        yield* slot.publish([visit(1, { day: "2026-03-02" })])
        const staged = yield* slot.stage([visit(2, { day: "2026-03-02" }), visit(3, { day: "2026-03-02", page: null })])
        const check = TableCheck.unique("id")
        expect(yield* check.run(staged.candidate, {}, context())).toMatchObject({ _tag: "Passed" })
        expect(yield* check.run(staged.whole!, {}, context())).toMatchObject({
          reason: "id is not unique in 2 of 4 rows (50 %), such as (day=2026-03-01, id=2)"
        })
        expect(yield* TableCheck.notNull("page").run(staged.whole!, {}, context())).toMatchObject({
          reason: "page is null in 1 of 4 rows (25 %), such as (day=2026-03-02, id=3)"
        })
        expect(yield* staged.whole!.count).toBe(4)
        const all = yield* slot.store.published({ asset: slot.asset, partition: null, version: "" })
        expect(yield* check.run(all, {}, context())).toMatchObject({ metadata: { rows: 3, violations: 2 } })
      }).pipe(Effect.scoped)
    )

    it.effect("of a partitioned table the volume is compared with the slices of the same weekday and hour", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(daily, "2026-03-10")
        const { candidate } = yield* slot.stage([visit(1, { day: "2026-03-10" })])
        const slices = new Map([
          ["2026-03-03", 100],
          ["2026-02-24", 101],
          ["2026-02-17", 99],
          ["2026-02-10", 100],
          ["2026-03-09", 1],
          ["2026-03-17", 1],
          ["2026-03-03T05", 7]
        ])
        const published = (partitions: ReadonlyArray<string>) =>
          Effect.succeed(
            partitions.flatMap((partition) => {
              const rows = slices.get(partition)
              return rows === undefined ? [] : [{ partition, rows, dataVersion: "", at: "2026-03-10T00:00:00Z" }]
            })
          )
        const given = context({ partition: "2026-03-10", published })
        expect(yield* TableCheck.usualForWeekday().run(candidate, {}, given)).toMatchObject({
          metadata: { rows: 1, weeks: 4, median: 100, mad: 0.5 },
          reason: "there is 1 row, where the median of 4 such weekdays is 100: a modified z-score of -133.6"
        })
        const hour = context({ partition: "2026-03-10T05", published })
        const check = TableCheck.usualForWeekday({ atLeast: 1 })
        expect(yield* check.run(candidate, {}, hour)).toMatchObject({ metadata: { weeks: 1, median: 7 } })
      }).pipe(Effect.scoped)
    )
  })
