import { assert, describe, it, layer } from "@effect/vitest"
import { Asset, AssetCheck, Blob, Definitions, Partition, Table, TableCheck } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Json from "../runtime/Json.ts"
import * as Ranges from "../runtime/Ranges.ts"

const days = Partition.daily({ start: "2026-01-01" })

const numbers = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }

const Sale = Schema.Struct({ day: Table.Day, item: Schema.Int, cents: Schema.Int })

/** A shop whose sales come by range, and what is made of them. */
const shop = (options: { readonly most?: number; readonly code?: string } = {}) => {
  const world = {
    /** The cents of each day; none for a day that is left out. */
    cents: new Map<string, number>(),
    asked: [] as Array<ReadonlyArray<string>>,
    stray: undefined as string | undefined,
    failures: 0
  }
  const sales = Asset.make("sales", {
    codeVersion: options.code ?? "1",
    io: Table.make({ schema: Sale, key: ["day", "item"], partition: "day" }),
    partitions: Asset.ranges(days, options.most === undefined ? {} : { most: options.most }),
    materialize: (_, { partitions }) =>
      Effect.suspend(() => {
        world.asked.push(partitions)
        if (world.failures-- > 0) return Effect.fail(new Cause.TimeoutError("busy"))
        const rows = partitions.flatMap((day) => {
          const cents = world.cents.get(day)
          return cents === undefined ? [] : [{ day, item: 1, cents }]
        })
        return Effect.succeed(world.stray === undefined ? rows : [...rows, { day: world.stray, item: 9, cents: 1 }])
      })
  })
  const totals = Asset.make("totals", {
    ...numbers,
    partitions: Asset.ranges(days),
    deps: { sales },
    materialize: ({ sales }, { partitions }) =>
      Effect.map(Stream.runCollect(sales.rows), (rows) =>
        Object.fromEntries(
          partitions.map((key) => [key, rows.reduce((sum, { cents, day }) => sum + (day === key ? cents : 0), 0)])
        )
      )
  })
  const shown = Asset.make("shown", {
    ...numbers,
    partitions: days,
    deps: { totals },
    materialize: ({ totals }) => Effect.succeed(totals)
  })
  return { world, sales, totals, shown, pipeline: Testing.pipeline(Definitions.make({ assets: [shown] })) }
}

const fiveDays = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"]

/** What a run reports of a check of each of those days. */
const checksOf = (asset: string, check: string, ...found: ReadonlyArray<"Passed" | "Failed">) =>
  Object.fromEntries(found.map((result, index) => [`${asset}/${fiveDays[index]}:${check}`, result]))

const at = (day: string) => TestClock.setTime(Date.parse(`${day}T12:00:00Z`))

type Services = Layer.Success<typeof Testing.layerMemory>

const places: ReadonlyArray<readonly [string, Layer.Layer<Services, unknown>]> = [
  ["in memory", Testing.layerMemory],
  ["in PostgreSQL", Testing.layerPostgres()]
]

describe.each(places)("an asset that takes ranges, %s", { timeout: 60_000 }, (_, place) => {
  it.effect("computes neighbours at once, publishes them as one, and keeps a version of each", () =>
    Effect.gen(function* () {
      yield* at("2026-01-04")
      const { pipeline, sales, totals, world } = shop()
      world.cents.set("2026-01-01", 100).set("2026-01-03", 300)
      const run = yield* pipeline.materialize()
      assert.deepStrictEqual(run.outcomes, {
        "sales/2026-01-01..2026-01-04": "Materialized",
        "totals/2026-01-01..2026-01-04": "Materialized",
        "shown/2026-01-01": "Materialized",
        "shown/2026-01-02": "Materialized",
        "shown/2026-01-03": "Materialized",
        "shown/2026-01-04": "Materialized"
      })
      assert.deepStrictEqual(world.asked, [["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]])
      const published = run.events.filter((event) => event._tag === "AssetMaterialized" && event.asset === "sales")
      assert.strictEqual(published.length, 1)
      assert.deepInclude(published[0], { partition: "2026-01-01..2026-01-04", rows: 2 })
      assert.strictEqual((yield* pipeline.state(sales, "2026-01-01"))!.rows, 1)
      assert.deepStrictEqual(Object.fromEntries(yield* pipeline.value(totals)), {
        "2026-01-01": 100,
        "2026-01-02": 0,
        "2026-01-03": 300,
        "2026-01-04": 0
      })
      assert.strictEqual(
        (yield* pipeline.state(sales, "2026-01-02"))!.dataVersion,
        (yield* pipeline.state(sales, "2026-01-04"))!.dataVersion
      )
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
    }).pipe(Effect.provide(place))
  )

  it.effect("asks for what is not Current alone, and writes what changed alone", () =>
    Effect.gen(function* () {
      yield* at("2026-01-05")
      const { pipeline, sales, world } = shop()
      for (const day of ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]) world.cents.set(day, 100)
      yield* pipeline.materialize()
      world.cents.set("2026-01-03", 333)
      const before = (yield* pipeline.state(sales, "2026-01-02"))!
      const run = yield* pipeline.materialize("*", { force: true, from: "2026-01-02", to: "2026-01-03" })
      assert.strictEqual(run.outcomes["sales/2026-01-02..2026-01-03"], "Materialized")
      const after = (yield* pipeline.state(sales, "2026-01-02"))!
      assert.strictEqual(after.changedPosition, before.changedPosition)
      assert.isAbove(after.verifiedPosition, before.verifiedPosition)
      assert.deepStrictEqual((yield* pipeline.rows(sales)).map(({ cents, day }) => [day, cents]).sort(), [
        ["2026-01-01", 100],
        ["2026-01-02", 100],
        ["2026-01-03", 333],
        ["2026-01-04", 100]
      ])
    }).pipe(Effect.provide(place))
  )

  it.effect("goes on to the range of those whose inputs moved, cutting off the others", () =>
    Effect.gen(function* () {
      yield* at("2026-01-05")
      const { pipeline, world } = shop()
      yield* pipeline.materialize()
      world.cents.set("2026-01-02", 1).set("2026-01-04", 2)
      const run = yield* pipeline.materialize("sales totals shown".split(" "), { recheck: true })
      assert.deepStrictEqual(run.outcomes, {
        "sales/2026-01-01..2026-01-05": "Materialized",
        "totals/2026-01-02,2026-01-04": "Materialized",
        "shown/2026-01-01": "CutOff",
        "shown/2026-01-02": "Materialized",
        "shown/2026-01-03": "CutOff",
        "shown/2026-01-04": "Materialized",
        "shown/2026-01-05": "CutOff"
      })
    }).pipe(Effect.provide(place))
  )

  it.effect("is verified by digest, and asked for what is new, when code versions are computed in another way", () =>
    Effect.gen(function* () {
      yield* at("2026-01-03")
      const { sales, world } = shop()
      const computedBy = (algorithm: number) => {
        const version = `${algorithm}:${"0".repeat(32)}`
        const versions = new Map([["sales", { version, manifest: undefined }]])
        return Testing.pipeline(Definitions.withCodeVersions(Definitions.make({ assets: [sales] }), versions))
      }
      world.cents.set("2026-01-01", 100).set("2026-01-02", 200)
      yield* computedBy(1).materialize()
      const first = (yield* computedBy(1).state(sales, "2026-01-02"))!
      const run = yield* computedBy(2).materialize()
      assert.deepStrictEqual([run.outcomes, world.asked.length], [{ "sales/2026-01-01..2026-01-03": "Verified" }, 1])
      const second = (yield* computedBy(2).state(sales, "2026-01-02"))!
      assert.deepStrictEqual([second.changedPosition, second.rows], [first.changedPosition, 1])

      yield* at("2026-01-04")
      world.cents.set("2026-01-01", 111).set("2026-01-04", 400)
      const next = yield* computedBy(3).materialize()
      assert.deepStrictEqual(next.outcomes, { "sales/2026-01-01..2026-01-04": "Materialized" })
      assert.deepStrictEqual(world.asked.slice(1), [["2026-01-04"]])
      assert.deepStrictEqual((yield* computedBy(3).rows(sales)).map(({ cents }) => cents).sort(), [100, 200, 400])
      assert.deepStrictEqual((yield* computedBy(3).plan()).steps, [])
    }).pipe(Effect.provide(place))
  )

  it.effect("publishes nothing of a range with a row that nobody asked for", () =>
    Effect.gen(function* () {
      yield* at("2026-01-02")
      const { pipeline, world } = shop()
      world.stray = "2025-12-31"
      const run = yield* pipeline.materialize("sales")
      assert.deepStrictEqual(run.outcomes, { "sales/2026-01-01..2026-01-02": "Failed" })
      assert.include(Object.values(run.errors)[0]!.message, "is of no partition that was asked for")
      assert.strictEqual((yield* pipeline.status)["sales/2026-01-01"], "Missing")
    }).pipe(Effect.provide(place))
  )

  it.effect("is tried again, fails and is accepted as a whole", () =>
    Effect.gen(function* () {
      yield* at("2026-01-03")
      const { sales, world } = shop()
      const checked = sales.pipe(
        Asset.retry({
          times: 1,
          schedule: Schedule.recurs(9),
          while: ({ _tag }: Cause.TimeoutError) => _tag !== undefined
        }),
        Asset.check("two days sold", {
          blocking: true,
          over: "whole",
          run: ({ count }) =>
            Effect.map(count, (rows) => (rows >= 2 ? AssetCheck.pass() : AssetCheck.fail(`${rows} rows`)))
        })
      )
      const pipeline = Testing.pipeline(Definitions.make({ assets: [checked] }))
      world.failures = 1
      world.cents.set("2026-01-01", 1)
      const failed = yield* pipeline.materialize()
      const range = "sales/2026-01-01..2026-01-03"
      assert.deepStrictEqual([failed.outcomes, failed.attempts], [{ [range]: "Failed" }, { [range]: 2 }])
      assert.deepStrictEqual(failed.checks, { "sales:two days sold": "Failed" })
      assert.deepStrictEqual(new Set(Object.values(yield* pipeline.status)), new Set(["Missing"]))
      const accepted = yield* pipeline.materialize("*", { accept: ["sales:two days sold"] })
      assert.deepStrictEqual(accepted.outcomes, { [range]: "Materialized" })
      assert.strictEqual((yield* pipeline.rows(checked)).length, 1)
    }).pipe(Effect.provide(place))
  )

  it.effect("judges each partition alone, and publishes none when one is wrong", () =>
    Effect.gen(function* () {
      yield* at("2026-01-05")
      const { sales, world } = shop()
      const checked = sales.pipe(
        Asset.check("cheap", { blocking: true, ...TableCheck.within("cents", { max: 500 }) }),
        Asset.check("one of each", TableCheck.unique("item")),
        Asset.check("some", { severity: "warn", ...TableCheck.rowCount({ min: 1 }) })
      )
      const pipeline = Testing.pipeline(Definitions.make({ assets: [checked] }))
      for (const [index, day] of fiveDays.entries()) world.cents.set(day, [100, 900, 901, 100, 902][index]!)
      const failed = yield* pipeline.materialize()
      const range = "sales/2026-01-01..2026-01-05"
      assert.deepStrictEqual(failed.outcomes, { [range]: "Failed" })
      assert.strictEqual(
        failed.errors[range]!.message,
        'check "cheap" failed for 3 partitions (2026-01-02..2026-01-03, 2026-01-05), of 2026-01-02 because cents is over ' +
          "500 in 1 of 1 row (100 %), such as 900 in (day=2026-01-02, item=1). To publish all the same, run again with " +
          "--accept 'sales:cheap'"
      )
      assert.deepStrictEqual(failed.checks, {
        ...checksOf("sales", "cheap", "Passed", "Failed", "Failed", "Passed", "Failed"),
        ...checksOf("sales", "one of each", "Passed", "Passed", "Passed", "Passed", "Passed"),
        ...checksOf("sales", "some", "Passed", "Passed", "Passed", "Passed", "Passed")
      })
      assert.deepStrictEqual(yield* pipeline.rows(checked), [])

      world.cents.delete("2026-01-03")
      const made = yield* pipeline.materialize("*", { accept: ["sales:cheap"] })
      assert.deepStrictEqual(made.outcomes, { [range]: "Materialized" })
      assert.deepInclude(made.checks, {
        "sales/2026-01-02:cheap": "Accepted",
        ...checksOf("sales", "some", "Passed", "Passed", "Failed", "Passed", "Passed")
      })
      const judged = made.events.find((event) => event._tag === "CheckFailed" && event.check === "some")
      const { dataVersion } = (yield* pipeline.state(checked, "2026-01-03"))!
      assert.deepInclude(judged, { partition: "2026-01-03", dataVersion, metadata: { rows: 0, before: null } })
    }).pipe(Effect.provide(place))
  )

  it.effect("judges each of its values alone where they are JSON", () =>
    Effect.gen(function* () {
      yield* at("2026-01-05")
      const { totals, world } = shop()
      const checked = totals.pipe(
        Asset.check("sold", {
          blocking: true,
          run: (cents, _, { partition }) =>
            Effect.succeed(
              cents > 0 ? AssetCheck.pass({ cents }) : AssetCheck.fail(`nothing on ${partition}`, { cents })
            )
        })
      )
      const pipeline = Testing.pipeline(Definitions.make({ assets: [checked] }))
      for (const day of fiveDays.slice(1)) world.cents.set(day, 100)
      const failed = yield* pipeline.materialize()
      assert.include(
        failed.errors["totals/2026-01-01..2026-01-05"]!.message,
        "failed for 2026-01-01: nothing on 2026-01-01."
      )
      assert.deepStrictEqual(
        failed.checks,
        checksOf("totals", "sold", "Failed", "Passed", "Passed", "Passed", "Passed")
      )
      assert.deepStrictEqual((yield* pipeline.value(checked)).size, 0)
      world.cents.set("2026-01-01", 100)
      const made = yield* pipeline.materialize("*", { recheck: true })
      assert.deepStrictEqual(made.checks, checksOf("totals", "sold", "Passed", "Passed", "Passed", "Passed", "Passed"))
      assert.strictEqual((yield* pipeline.value(checked)).get("2026-01-01"), 100)
    }).pipe(Effect.provide(place))
  )

  it.effect("judges a partition by what was published of it before, and by what it reads of others", () =>
    Effect.gen(function* () {
      yield* at("2026-01-03")
      const { sales, totals, world } = shop()
      const looking = totals.pipe(
        Asset.check("all of it", {
          blocking: true,
          reads: { sales },
          run: (cents, { sales }) =>
            Effect.map(sales.count, (rows) => (rows === 1 ? AssetCheck.pass() : AssetCheck.fail(`${cents} of ${rows}`)))
        }),
        Asset.check("told before", {
          run: (cents, _, { earlier, toldBefore }) =>
            Effect.all([earlier(2), toldBefore]).pipe(
              Effect.map(([before, told]) =>
                AssetCheck.pass({ cents, before: before.length, told: told?.["cents"] ?? null })
              )
            )
        })
      )
      const pipeline = Testing.pipeline(Definitions.make({ assets: [looking] }))
      for (const day of fiveDays) world.cents.set(day, 100)
      yield* pipeline.materialize()
      world.cents.set("2026-01-02", 200)
      const run = yield* pipeline.materialize("*", { force: true })
      assert.deepStrictEqual(run.status, "Succeeded")
      assert.deepStrictEqual(
        run.events.flatMap((event) =>
          event._tag === "CheckPassed" && event.check === "told before" ? event.metadata : []
        ),
        [
          { cents: 100, before: 1, told: 100 },
          { cents: 200, before: 1, told: 100 },
          { cents: 100, before: 1, told: 100 }
        ]
      )
      world.cents.delete("2026-01-02")
      const failed = yield* pipeline.materialize("*", { force: true })
      assert.include(
        failed.errors["totals/2026-01-01..2026-01-03"]!.message,
        'check "all of it" failed for 2026-01-02: 0 of 0.'
      )
    }).pipe(Effect.provide(place))
  )

  it.effect("takes no more in a step than it says, one step after the other", () =>
    Effect.gen(function* () {
      yield* at("2026-01-05")
      const { pipeline, world } = shop({ most: 2 })
      const run = yield* pipeline.materialize("sales", { concurrency: 8 })
      assert.deepStrictEqual(Object.keys(run.outcomes).sort(), [
        "sales/2026-01-01..2026-01-02",
        "sales/2026-01-03..2026-01-04",
        "sales/2026-01-05"
      ])
      assert.deepStrictEqual(world.asked, [["2026-01-01", "2026-01-02"], ["2026-01-03", "2026-01-04"], ["2026-01-05"]])
    }).pipe(Effect.provide(place))
  )

  it.effect("is computed once by two runs that want it, whatever part of it each asks for", () =>
    Effect.gen(function* () {
      yield* at("2026-01-06")
      const { pipeline, world } = shop()
      const [whole, one] = yield* Effect.all(
        [
          pipeline.materialize("sales", { to: "2026-01-06" }),
          pipeline.materialize("sales", { partition: "2026-01-03" })
        ],
        { concurrency: 2 }
      ).pipe(TestClock.withLive)
      assert.deepStrictEqual([whole.status, one.status], ["Succeeded", "Succeeded"])
      assert.deepStrictEqual(world.asked.flat().toSorted(), [
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
        "2026-01-04",
        "2026-01-05",
        "2026-01-06"
      ])
    }).pipe(Effect.provide(place))
  )
})

layer(Testing.layerPostgres(), { timeout: 60_000 })("a range whose session is lost while it is published", (it) => {
  it.effect("leaves every partition as it was", () =>
    Effect.gen(function* () {
      yield* at("2026-01-03")
      const { pipeline, sales, world } = shop()
      const sql = yield* SqlClient.SqlClient
      const sell = (cents: number) => {
        for (const day of ["2026-01-01", "2026-01-02", "2026-01-03"]) world.cents.set(day, cents)
      }
      sell(1)
      yield* pipeline.materialize("sales")
      yield* sql`create function lose_session() returns trigger language plpgsql as $$ begin
        if new.day = '2026-01-02' then perform pg_terminate_backend(pg_backend_pid()); end if;
        return new;
      end $$`
      yield* sql`create trigger lose_session before insert on public.sales for each row execute function lose_session()`
      sell(2)
      const run = yield* pipeline.materialize("sales", { force: true })
      assert.deepStrictEqual(run.outcomes, { "sales/2026-01-01..2026-01-03": "Failed" })
      yield* sql`drop trigger lose_session on public.sales`
      assert.deepStrictEqual(
        (yield* pipeline.rows(sales)).map(({ cents }) => cents),
        [1, 1, 1]
      )
      const [one, two] = [yield* pipeline.state(sales, "2026-01-01"), yield* pipeline.state(sales, "2026-01-02")]
      assert.deepStrictEqual([one!.rows, one!.verifiedPosition], [1, two!.verifiedPosition])
      assert.strictEqual((yield* pipeline.materialize("sales", { force: true })).status, "Succeeded")
      assert.deepStrictEqual(
        (yield* pipeline.rows(sales)).map(({ cents }) => cents),
        [2, 2, 2]
      )
    })
  )
})

describe("ranges", () => {
  const declare = (asset: Asset.Any) =>
    Result.try({
      try: () => AssetGraph.make([asset]),
      catch: (error) => (error as AssetGraph.DeclarationError).problems.map(({ detail }) => detail)
    }).pipe(Result.match({ onFailure: (problems) => problems, onSuccess: () => [] }))

  it("are refused with the reason why steps take one partition each", () => {
    const one = Asset.make("one", { ...numbers, partitions: days, materialize: () => Effect.succeed(1) })
    const whole = Asset.make("whole", { ...numbers, materialize: () => Effect.succeed(1) })
    const ranged = Asset.make("ranged", {
      ...numbers,
      partitions: Asset.ranges(days),
      materialize: (_, { partitions }) => Effect.succeed(Object.fromEntries(partitions.map((key) => [key, 1])))
    })
    assert.isUndefined(Ranges.refusal(ranged))
    assert.strictEqual(Ranges.refusal(one), "its body computes one partition at a time: see Asset.ranges")
    assert.strictEqual(Ranges.refusal(whole), "it has no partitions")
    const forgetting = "its source forgets, so there is never more to ask for than the partition that is open"
    assert.strictEqual(Ranges.refusal(one.pipe(Asset.unrepeatable)), forgetting)
    assert.deepStrictEqual(declare(ranged.pipe(Asset.unrepeatable)), [`Asset.ranges is not for it: ${forgetting}`])
  })

  it("are not for what is said or kept slice by slice", () => {
    const io = Blob.make({ manifest: Schema.Struct({}) })
    const partitions = Asset.ranges(days, { most: 0 })
    const blob = Asset.make("blob", { codeVersion: "1", io, partitions, materialize: () => Effect.never })
    assert.deepStrictEqual(declare(blob), [
      "Asset.ranges is not for it: a blob is one file for each partition, staged by itself",
      "Asset.ranges is not for it: at most 0 partitions in a step are none"
    ])
    const chain = Asset.make("chain", {
      ...numbers,
      partitions: Asset.ranges(days),
      deps: { before: Asset.previous() },
      materialize: () => Effect.never
    })
    assert.deepStrictEqual(declare(chain), [
      "Asset.ranges is not for it: it reads earlier partitions of its own, which have to be published before"
    ])
  })
})
