import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, Partition, Table } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EventLine from "../runtime/EventLine.ts"
import * as Json from "../runtime/Json.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }

/** A drop box: it has a file with a number in it, or none. */
let file: number | undefined
const dropped = (codeVersion: string) =>
  Asset.make("dropped", {
    ...number,
    codeVersion,
    materialize: (_, step) => (file === undefined ? step.nothingNew : Effect.succeed(file))
  }).pipe(Asset.check("positive", { run: (n) => Effect.succeed(n > 0 ? AssetCheck.pass() : AssetCheck.fail("no")) }))

const project = (codeVersion = "1") => {
  const asset = dropped(codeVersion)
  const doubled = Asset.make("doubled", {
    ...number,
    deps: { asset },
    materialize: ({ asset }) => Effect.succeed(asset * 2)
  })
  const again = Asset.make("again", {
    ...number,
    deps: { doubled },
    materialize: ({ doubled }) => Effect.succeed(doubled)
  })
  const after = Asset.make("after", { ...number, materialize: () => Effect.succeed(1) }).pipe(Asset.after(asset))
  const other = Asset.make("other", { ...number, materialize: () => Effect.succeed(1) })
  const pipeline = Testing.pipeline(Definitions.make({ assets: [again, after, other] }))
  return { asset, doubled, pipeline }
}

describe("a body that has nothing new", () => {
  it.effect("and never had anything is skipped with what reads or follows it, and fails nothing", () =>
    Effect.gen(function* () {
      file = undefined
      const { asset, pipeline } = project()
      const run = yield* pipeline.materialize()
      assert.strictEqual(run.status, "Succeeded")
      assert.deepStrictEqual(run.outcomes, {
        dropped: "Skipped",
        doubled: "Skipped",
        again: "Skipped",
        after: "Skipped",
        other: "Materialized"
      })
      assert.deepStrictEqual(run.because, {
        dropped: "dropped",
        doubled: "dropped",
        again: "doubled",
        after: "dropped"
      })
      const skipped = run.events.find((event) => event._tag === "StepSkipped")!
      assert.deepInclude(skipped, { asset: "dropped", because: "dropped", reason: "NothingNew" })
      assert.strictEqual(EventLine.show(skipped), "skipped: nothing new, and nothing is published")
      assert.include(run.explain, "Skipped       nothing new")
      assert.deepStrictEqual(run.checks, {})
      assert.isUndefined(yield* pipeline.state(asset))
      assert.strictEqual((yield* pipeline.status)["dropped"], "Missing")
    }).pipe(inMemory)
  )

  it.effect("keeps what it had, verified under the code in force, and is not checked again", () =>
    Effect.gen(function* () {
      file = 3
      yield* project().pipeline.materialize()
      file = undefined
      const { asset, doubled, pipeline } = project("2")
      const run = yield* pipeline.materialize()
      assert.deepStrictEqual(run.outcomes, { dropped: "Verified", doubled: "CutOff", again: "CutOff" })
      assert.deepStrictEqual(run.checks, {})
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
      const state = (yield* pipeline.state(asset))!
      assert.strictEqual(state.codeVersion, "2")
      assert.isBelow(state.changedPosition, state.verifiedPosition)
      assert.deepStrictEqual([yield* pipeline.value(asset), yield* pipeline.value(doubled)], [3, 6])
    }).pipe(inMemory)
  )

  it.effect("leaves a reader of all partitions with those that there are", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-01-03T12:00:00Z"))
      const days = Asset.make("days", {
        ...number,
        partitions: Partition.daily({ start: "2026-01-01" }),
        materialize: (_, step) => (step.partition === "2026-01-02" ? step.nothingNew : Effect.succeed(1))
      })
      const total = Asset.make("total", {
        ...number,
        deps: { days },
        materialize: ({ days }) => Effect.succeed(days.size)
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [total] }))
      const run = yield* pipeline.materialize([], { concurrency: 1 })
      assert.deepStrictEqual(run.outcomes, {
        "days/2026-01-01": "Materialized",
        "days/2026-01-02": "Skipped",
        "days/2026-01-03": "Materialized",
        total: "Materialized"
      })
      assert.strictEqual(yield* pipeline.value(total), 2)
    }).pipe(inMemory)
  )

  it.effect("is a failure all the same when too much was set aside, or when something beside it failed", () =>
    Effect.gen(function* () {
      const rejecting = Asset.make("rejecting", {
        ...number,
        materialize: (_, step) =>
          step.seen(1).pipe(Effect.andThen(step.reject([{ item: 1, reason: "odd" }])), Effect.andThen(step.nothingNew))
      })
      const torn = Asset.make("torn", {
        ...number,
        materialize: (_, step) =>
          Effect.as(
            Effect.all([Effect.fail("torn").pipe(Effect.uninterruptible), Effect.uninterruptible(step.nothingNew)], {
              concurrency: 2
            }),
            1
          )
      })
      const run = yield* Testing.pipeline(Definitions.make({ assets: [rejecting, torn] })).materialize()
      assert.deepStrictEqual(run.outcomes, { rejecting: "Failed", torn: "Failed" })
    }).pipe(inMemory)
  )
})

const Row = Schema.Struct({ id: Schema.Int })
let ids: ReadonlyArray<number> = []
const rows = Asset.make("rows", {
  codeVersion: "1",
  io: Table.make({ schema: Row, key: ["id"] }),
  materialize: (_, step) =>
    Stream.concat(Stream.fromIterable(ids.map((id) => ({ id }))), Stream.fromEffect(step.nothingNew))
})

const streams = Effect.gen(function* () {
  const pipeline = Testing.pipeline(Definitions.make({ assets: [rows] }))
  ids = [1, 2]
  assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, { rows: "Skipped" })
  const given = pipeline.pipe(Testing.given(rows, [{ id: 7 }]))
  yield* given.materialize()
  const run = yield* pipeline.materialize([], { force: true })
  assert.deepStrictEqual([run.status, run.outcomes], ["Succeeded", { rows: "Verified" }])
  assert.deepStrictEqual([...(yield* pipeline.rows(rows))], [{ id: 7 }])
  assert.strictEqual((yield* pipeline.state(rows))?.rows, 1)
})

describe("a stream that ends with nothing new", () => {
  it.effect("drops the rows that it staged, in memory", () => Effect.provide(streams, Testing.layerMemory))

  it.live("drops the rows that it staged, in Postgres", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table public.rows (id integer primary key)`
      yield* streams
      const staged = yield* sql`select from information_schema.tables where table_schema = 'assets_staging'`
      assert.lengthOf(staged, 0)
    }).pipe(Effect.provide(Testing.layerPostgres()))
  )
})
