import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, Table } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import * as Json from "../runtime/Json.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Number }) }

const score = Asset.make("score", { ...number, materialize: () => Effect.succeed(1) })
const close = score.pipe(Asset.cutoff((old, next) => Math.abs(old - next) < 0.1))

type Score<E, R, N> = Asset.Asset<"score", Json.Io<number>, E, R, undefined, N>
const report = <E, R, N>(asset: Score<E, R, N>) =>
  Asset.make("report", { ...number, deps: { asset }, materialize: ({ asset }) => Effect.succeed(asset) })

const pipelineOf = <E, R, N>(asset: Score<E, R, N>) => Testing.pipeline(Definitions.make({ assets: [report(asset)] }))
const project = pipelineOf(close)

/** What a rechecked source shows. */
const shows = (value: number) => project.pipe(Testing.given(score, value))
const recheck = { recheck: true }

describe("a cutoff", () => {
  it.effect("keeps the published value, with its version, where it says that both mean the same", () =>
    Effect.gen(function* () {
      yield* shows(1).materialize()
      const before = (yield* project.state(score))!
      const run = yield* shows(1.05).materialize([], recheck)
      assert.deepStrictEqual(run.outcomes, { score: "Verified", report: "CutOff" })
      assert.deepInclude(
        run.events.find(({ _tag }) => _tag === "AssetVerified"),
        { dataVersion: before.dataVersion }
      )
      const { changedPosition, dataVersion, verifiedPosition } = (yield* project.state(score))!
      assert.deepStrictEqual([dataVersion, changedPosition], [before.dataVersion, before.changedPosition])
      assert.isAbove(verifiedPosition, changedPosition)
      assert.strictEqual(yield* project.value(score), 1)
    }).pipe(inMemory)
  )

  it.effect("compares with what is published, so that small steps add up", () =>
    Effect.gen(function* () {
      yield* shows(1).materialize()
      yield* shows(1.06).materialize([], recheck)
      const run = yield* shows(1.12).materialize([], recheck)
      assert.deepStrictEqual(run.outcomes, { score: "Materialized", report: "Materialized" })
      assert.strictEqual(yield* project.value(report(score)), 1.12)
    }).pipe(inMemory)
  )

  it.effect("is not asked of a forced step", () =>
    Effect.gen(function* () {
      yield* shows(1).materialize()
      const run = yield* shows(1.05).materialize("score", { force: true })
      assert.deepStrictEqual(run.outcomes, { score: "Materialized" })
      assert.strictEqual(yield* project.value(score), 1.05)
    }).pipe(inMemory)
  )

  it.effect("has the checks judge the value that stays", () =>
    Effect.gen(function* () {
      const low = Asset.check<typeof close, never, never>("at most 1", {
        blocking: true,
        run: (score) => Effect.succeed(score <= 1 ? AssetCheck.pass() : AssetCheck.fail(`${score} is too much`))
      })
      const checked = pipelineOf(close.pipe(low))
      const shows = (value: number) => checked.pipe(Testing.given(score, value))
      yield* shows(1).materialize()
      const run = yield* shows(1.05).materialize([], recheck)
      assert.deepStrictEqual([run.status, run.checks], ["Succeeded", { "score:at most 1": "Passed" }])
      const { dataVersion } = (yield* checked.state(score))!
      assert.deepInclude(
        run.events.find(({ _tag }) => _tag === "CheckPassed"),
        { dataVersion }
      )
    }).pipe(inMemory)
  )

  it.effect("that fails fails the step, and the old value stays", () =>
    Effect.gen(function* () {
      const torn = pipelineOf(score.pipe(Asset.cutoff(() => Effect.fail({ _tag: "Torn" as const }))))
      const shows = (value: number) => torn.pipe(Testing.given(score, value))
      yield* shows(1).materialize()
      const run = yield* shows(2).materialize([], recheck)
      assert.strictEqual(run.errors["score"]?._tag, "Torn")
      assert.strictEqual(yield* torn.value(score), 1)
    }).pipe(inMemory)
  )

  it.effect("gives way to the new value where the old one does not fit the schema any more", () =>
    Effect.gen(function* () {
      yield* shows(1).materialize()
      const text = Asset.make("score", {
        codeVersion: "2",
        io: Json.make({ schema: Schema.String }),
        materialize: () => Effect.succeed("good")
      }).pipe(Asset.cutoff(() => true))
      const pipeline = Testing.pipeline(Definitions.make({ assets: [text] }))
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, { score: "Materialized" })
      assert.strictEqual(yield* pipeline.value(text), "good")
    }).pipe(inMemory)
  )
})

it.live("a cutoff over a table in Postgres sees the published and the staged rows, and writes none", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table public.plays (id integer primary key, at text not null)`
    const plays = Asset.make("plays", {
      codeVersion: "1",
      io: Table.make({ schema: Schema.Struct({ id: Schema.Int, at: Schema.String }), key: ["id"] }),
      materialize: () => Effect.succeed([{ id: 1, at: "noon" }])
    }).pipe(
      Asset.cutoff((old, next) =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const ids = (table: Statement.Fragment) => sql`select id from ${table} order by id`
          return JSON.stringify(yield* ids(old.table)) === JSON.stringify(yield* ids(next.table))
        })
      )
    )
    const pipeline = Testing.pipeline(Definitions.make({ assets: [plays] }))
    const shows = (...rows: ReadonlyArray<{ readonly id: number; readonly at: string }>) =>
      pipeline.pipe(Testing.given(plays, rows)).materialize([], recheck)
    yield* shows({ id: 1, at: "noon" })
    assert.deepStrictEqual((yield* shows({ id: 1, at: "midnight" })).outcomes, { plays: "Verified" })
    assert.deepStrictEqual([...(yield* pipeline.rows(plays))], [{ id: 1, at: "noon" }])
    assert.deepStrictEqual((yield* shows({ id: 2, at: "noon" })).outcomes, { plays: "Materialized" })
    assert.deepStrictEqual([...(yield* pipeline.rows(plays))], [{ id: 2, at: "noon" }])
  }).pipe(Effect.provide(Testing.layerPostgres()))
)
