import { assert, describe, it, layer } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, Partition, Table } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import type * as External from "../runtime/External.ts"
import * as Json from "../runtime/Json.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {}) {}

const text = { codeVersion: "1", io: Json.make({ schema: Schema.String }) }

/** What the warehouse answers with: a version, or that it cannot be reached so many times first. */
const warehouse = { version: "1", failures: 0 }

const look = Effect.suspend(() =>
  warehouse.failures-- > 0 ? Effect.fail(new Unreachable()) : Effect.succeed(warehouse.version)
)

const observed = () => {
  Object.assign(warehouse, { version: "1", failures: 0 })
  return Asset.external("events", { description: "What the shop sold" }).pipe(Asset.observe(() => look))
}

type Events = Asset.Asset<"events", External.Io, Unreachable, never, undefined, Asset.Need<"events", never>>

const pipelineOf = (events: Events) => {
  const report = Asset.make("report", {
    ...text,
    deps: { events },
    materialize: ({ events }) => Effect.succeed(`made of ${events.version}`)
  })
  const mail = Asset.make("mail", { ...text, deps: { report }, materialize: ({ report }) => Effect.succeed(report) })
  return { report, mail, pipeline: Testing.pipeline(Definitions.make({ assets: [mail] })) }
}

describe("an external asset", () => {
  it.effect("exists before anybody looks, and never has a step when nothing says how to look", () =>
    Effect.gen(function* () {
      const events = Asset.external("events")
      const report = Asset.make("report", {
        ...text,
        deps: { events },
        materialize: ({ events }) => Effect.succeed(events.version)
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [report] }))
      assert.deepStrictEqual(yield* pipeline.status, { events: "Current", report: "Missing" })
      const run = yield* pipeline.materialize("*", { force: true, recheck: true })
      assert.deepStrictEqual(run.outcomes, { report: "Materialized" })
      assert.strictEqual(yield* pipeline.value(report), "never observed")
      assert.deepStrictEqual((yield* pipeline.plan("events", { recheck: true })).steps, [])
      assert.deepStrictEqual(yield* pipeline.status, { events: "Current", report: "Current" })
    }).pipe(inMemory)
  )

  it.effect("makes those who read it Stale with its first observation, and with each that finds another version", () =>
    Effect.gen(function* () {
      const { pipeline, report } = pipelineOf(observed())
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, { report: "Materialized", mail: "Materialized" })
      const first = yield* pipeline.materialize("events", { recheck: true })
      assert.deepStrictEqual(first.outcomes, { events: "Observed" })
      assert.include(
        first.events.find((event) => event._tag === "AssetObserved")!,
        { asset: "events", dataVersion: "1" }
      )
      assert.deepStrictEqual(yield* pipeline.status, { events: "Current", report: "Stale", mail: "Maybe" })
      yield* pipeline.materialize()
      assert.strictEqual(yield* pipeline.value(report), "made of 1")

      assert.deepStrictEqual((yield* pipeline.materialize("*", { recheck: true })).outcomes, {
        events: "Verified",
        report: "CutOff",
        mail: "CutOff"
      })
      warehouse.version = "2"
      assert.deepStrictEqual((yield* pipeline.materialize("*", { recheck: true })).outcomes, {
        events: "Observed",
        report: "Materialized",
        mail: "Materialized"
      })
      assert.strictEqual(yield* pipeline.value(report), "made of 2")
    }).pipe(inMemory)
  )

  it.effect("is looked at by its schedule, at once for the first time", () =>
    Effect.gen(function* () {
      const { pipeline } = pipelineOf(observed().pipe(Asset.recheckAfter("1 hour")))
      assert.deepStrictEqual(yield* pipeline.status, { events: "Stale", report: "Missing", mail: "Missing" })
      const [first] = (yield* pipeline.plan()).steps
      assert.deepInclude(first, {
        asset: "events",
        certainty: "Certain",
        reasons: [{ _tag: "RecheckDue", since: null }]
      })
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, {
        events: "Observed",
        report: "Materialized",
        mail: "Materialized"
      })
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* pipeline.status, { events: "Stale", report: "Maybe", mail: "Maybe" })
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, {
        events: "Verified",
        report: "CutOff",
        mail: "CutOff"
      })
    }).pipe(inMemory)
  )

  it.effect("is not looked at because those who read it are forced", () =>
    Effect.gen(function* () {
      const { pipeline } = pipelineOf(observed())
      const run = yield* pipeline.materialize("*", { force: true })
      assert.deepStrictEqual(run.outcomes, { report: "Materialized", mail: "Materialized" })
    }).pipe(inMemory)
  )

  it.effect("fails the step of whoever could not look, is tried again, and keeps the version it had", () =>
    Effect.gen(function* () {
      const twice = Asset.retry({
        times: 1,
        schedule: Schedule.recurs(9),
        while: ({ _tag }: Unreachable) => _tag === "Unreachable"
      })
      const { pipeline } = pipelineOf(observed().pipe(twice))
      yield* pipeline.materialize("*", { recheck: true })
      warehouse.failures = 1
      const again = yield* pipeline.materialize("*", { recheck: true })
      assert.deepStrictEqual(again.attempts, { events: 2 })
      warehouse.failures = 2
      const failed = yield* pipeline.materialize("*", { recheck: true })
      assert.deepStrictEqual(failed.outcomes, { events: "Failed", report: "Skipped", mail: "Skipped" })
      assert.deepStrictEqual(yield* pipeline.status, { events: "Current", report: "Current", mail: "Current" })
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
    }).pipe(inMemory)
  )

  it.effect("may have a check that keeps an observation from counting", () =>
    Effect.gen(function* () {
      const events = observed().pipe(
        Asset.check("even", {
          blocking: true,
          run: ({ version }) => Effect.succeed(Number(version) % 2 === 0 ? AssetCheck.pass() : AssetCheck.fail("odd"))
        })
      )
      const pipeline = Testing.pipeline(Definitions.make({ assets: [events] }))
      assert.deepStrictEqual((yield* pipeline.materialize("events", { recheck: true })).outcomes, { events: "Failed" })
      assert.isUndefined(yield* pipeline.state(events))
      warehouse.version = "2"
      const seen = yield* pipeline.materialize("events", { recheck: true })
      assert.deepStrictEqual([seen.outcomes, seen.checks], [{ events: "Observed" }, { "events:even": "Passed" }])
    }).pipe(inMemory)
  )

  it.effect("is observed slice by slice, and makes only readers of what moved Stale", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-01-03T12:00:00Z"))
      const versions: Record<string, string> = {}
      const partitions = Partition.daily({ start: "2026-01-01" })
      const files = Asset.external("files", { partitions }).pipe(
        Asset.observe(({ partition }) => Effect.sync(() => versions[partition] ?? "empty"))
      )
      const daily = Asset.make("daily", {
        ...text,
        partitions,
        deps: { files },
        materialize: ({ files }) => Effect.succeed(files.version)
      })
      const all = Asset.make("all", {
        ...text,
        deps: { files },
        materialize: ({ files }) => Effect.succeed(Array.from(files.values(), ({ version }) => version).join())
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [daily, all] }))
      yield* pipeline.materialize()
      assert.strictEqual(yield* pipeline.value(all), "never observed,never observed,never observed")
      const run = yield* pipeline.materialize("files", { recheck: true, partition: "2026-01-02" })
      assert.deepStrictEqual(run.outcomes, { "files/2026-01-02": "Observed" })
      const { all: whole, ...days } = yield* pipeline.status
      assert.strictEqual(whole, "Stale")
      assert.deepStrictEqual(
        Object.keys(days).filter((name) => days[name] !== "Current"),
        ["daily/2026-01-02"]
      )
      yield* pipeline.materialize()
      assert.strictEqual(yield* pipeline.value(all), "never observed,empty,never observed")
      versions["2026-01-02"] = "full"
      yield* pipeline.materialize("files", { recheck: true })
      assert.strictEqual((yield* pipeline.plan("daily")).steps.length, 3)
    }).pipe(inMemory)
  )

  it.effect("is computed in a test that gives it a value", () =>
    Effect.gen(function* () {
      const events = observed()
      const { pipeline, report } = pipelineOf(events)
      const given = pipeline.pipe(Testing.given(events, { version: "7" }))
      assert.deepStrictEqual((yield* given.materialize("+report")).outcomes, {
        events: "Materialized",
        report: "Materialized"
      })
      assert.strictEqual(yield* given.value(report), "made of 7")
    }).pipe(inMemory)
  )

  it("is refused what is for assets that are computed", () => {
    const partitions = Partition.daily({ start: "2026-01-01" })
    const frozen = Asset.external("frozen", { partitions }).pipe(Asset.unrepeatable)
    const unseen = Asset.external("unseen").pipe(Asset.recheckAfter("1 day"))
    const made = Result.try({
      try: () => AssetGraph.make([frozen, unseen]),
      catch: (error) =>
        (error as AssetGraph.DeclarationError).problems.map(({ asset, detail }) => `${asset}: ${detail}`)
    })
    assert.deepStrictEqual(
      Result.getFailure(made).pipe((failure) => ("value" in failure ? failure.value : [])),
      [
        "frozen: unrepeatable is for what is computed here; nothing freezes an external asset",
        "unseen: recheckAfter says when it is looked at; say how with Asset.observe"
      ]
    )
  })
})

layer(Testing.layerPostgres(), { timeout: 60_000 })("an external table", (it) => {
  it.effect("is read as it stands, by SQL, at the version that was observed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create schema warehouse`
      yield* sql`create table warehouse.orders (id integer primary key, cents integer not null)`
      yield* sql`insert into warehouse.orders values (1, 250)`
      const Order = Schema.Struct({ id: Schema.Int, cents: Schema.Int })
      const orders = Asset.external("orders", {
        io: Table.make({ table: "warehouse.orders", schema: Order, key: ["id"] })
      }).pipe(
        Asset.observe(() =>
          Effect.gen(function* () {
            const sql = yield* SqlClient.SqlClient
            const [row] = yield* sql<{
              readonly version: string
            }>`select sum(cents)::text as version from warehouse.orders`
            return row!.version
          })
        )
      )
      const revenue = Asset.make("revenue", {
        ...text,
        deps: { orders },
        materialize: ({ orders }) => Effect.map(orders.count, (count) => `${count} rows of version ${orders.version}`)
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [revenue] }))
      yield* pipeline.materialize()
      assert.strictEqual(yield* pipeline.value(revenue), "1 rows of version never observed")
      const observing = yield* pipeline.materialize("orders", { recheck: true })
      assert.deepStrictEqual(observing.outcomes, { orders: "Observed" })
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, { revenue: "Materialized" })
      yield* sql`insert into warehouse.orders values (2, 100)`
      assert.deepStrictEqual((yield* pipeline.materialize("*", { recheck: true })).outcomes, {
        orders: "Observed",
        revenue: "Materialized"
      })
      assert.strictEqual(yield* pipeline.value(revenue), "2 rows of version 350")
      const [step] = yield* sql`select status from assets.step where asset = 'orders' order by ended_at desc limit 1`
      assert.deepStrictEqual(step, { status: "Observed" })
      assert.deepStrictEqual((yield* pipeline.materialize("orders", { recheck: true })).outcomes, {
        orders: "Verified"
      })
    })
  )

  it.effect("starts the step of a reader again that is observed for the first time while it computes", () =>
    Effect.gen(function* () {
      let observes = Effect.void
      const stock = Asset.external("stock").pipe(Asset.observe(() => Effect.succeed("seen")))
      const shelf = Asset.make("shelf", {
        ...text,
        deps: { stock },
        materialize: ({ stock }) =>
          Effect.as(
            Effect.suspend(() => observes),
            stock.version
          )
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [shelf] }))
      const context = yield* Effect.context<never>()
      observes = Effect.suspend(() => {
        observes = Effect.void
        return Effect.provideContext(
          Effect.orDie(Effect.asVoid(pipeline.materialize("stock", { recheck: true }))) as Effect.Effect<void>,
          context
        )
      })
      const run = yield* pipeline.materialize("shelf")
      assert.deepStrictEqual(run.attempts, { shelf: 2 })
      assert.strictEqual(yield* pipeline.value(shelf), "seen")
    })
  )
})
