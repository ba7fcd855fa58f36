import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, IoManager, Partition, Table, Version } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EventLog from "../runtime/EventLog.ts"
import * as Json from "../runtime/Json.ts"
import * as PlanReport from "../runtime/PlanReport.ts"

class Boom extends Schema.TaggedError<Boom>()("Boom", { message: Schema.String }) {}

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }

const pipeline = <A extends Asset.Any>(...assets: ReadonlyArray<A>) => Testing.pipeline(Definitions.make({ assets }))

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const tags = (run: Testing.RunReport) => run.events.map(({ _tag }) => _tag)

describe("checks", () => {
  const count = Asset.make("count", { ...number, materialize: () => Effect.succeed(1) })
  const small = (options: { readonly blocking?: boolean; readonly severity?: "warn" | "error" }) =>
    count.pipe(
      Asset.check("small", {
        ...options,
        run: (count) =>
          Effect.succeed(count < 10 ? AssetCheck.pass({ count }) : AssetCheck.fail(`${count} is too much`, { count }))
      })
    )
  const reader = (asset: ReturnType<typeof small>) =>
    Asset.make("reader", { ...number, deps: { asset }, materialize: ({ asset }) => Effect.succeed(asset) })
  const blocked = pipeline(reader(small({ blocking: true })))
  const crowded = blocked.pipe(Testing.given(count, 12))

  it.effect("that pass are recorded with what they found", () =>
    Effect.gen(function* () {
      const run = yield* blocked.materialize("count")
      assert.deepStrictEqual(tags(run), [
        "RunStarted",
        "StepStarted",
        "CheckPassed",
        "AssetMaterialized",
        "RunSucceeded"
      ])
      const { dataVersion } = (yield* blocked.state(count))!
      assert.deepInclude(run.events[2], { check: "small", blocking: true, metadata: { count: 1 }, dataVersion })
    }).pipe(inMemory)
  )

  it.effect("that block keep a value from being published; the old one stays", () =>
    Effect.gen(function* () {
      yield* blocked.materialize()
      const run = yield* crowded.materialize([], { force: true })
      assert.deepStrictEqual(run.outcomes, { count: "Failed", reader: "Skipped" })
      assert.deepStrictEqual(run.errors["count"], {
        _tag: "BlockingCheckFailed",
        message:
          `check "small" failed: 12 is too much. ` + `To publish all the same, run again with --accept 'count:small'`
      })
      assert.strictEqual(yield* blocked.value(count), 1)
    }).pipe(inMemory)
  )

  it.effect("that are accepted let the value pass in this run only", () =>
    Effect.gen(function* () {
      const run = yield* crowded.materialize([], { accept: ["count:small"] })
      assert.deepStrictEqual(run.checks, { "count:small": "Accepted" })
      assert.strictEqual(yield* blocked.value(count), 12)
      const next = yield* blocked.pipe(Testing.given(count, 13)).materialize([], { force: true })
      assert.deepStrictEqual(next.checks, { "count:small": "Failed" })
      assert.strictEqual(yield* blocked.value(count), 12)
    }).pipe(inMemory)
  )

  it.effect("that do not block are recorded, and the run succeeds", () =>
    Effect.gen(function* () {
      const warned = pipeline(reader(small({ severity: "warn" }))).pipe(Testing.given(count, 12))
      const run = yield* warned.materialize()
      assert.strictEqual(run.status, "Succeeded")
      assert.deepInclude(
        run.events.find(({ _tag }) => _tag === "CheckFailed"),
        { severity: "warn", blocking: false, accepted: false, reason: "12 is too much" }
      )
    }).pipe(inMemory)
  )

  it.effect("are all run, also after one that blocks", () =>
    Effect.gen(function* () {
      const odd = Asset.check("odd", {
        blocking: true,
        run: (count: number) => Effect.succeed(count % 2 === 1 ? AssetCheck.pass() : AssetCheck.fail("it is even"))
      })
      const both = pipeline(small({ blocking: true }).pipe(odd)).pipe(Testing.given(count, 12))
      const run = yield* both.materialize()
      assert.deepStrictEqual(run.checks, { "count:small": "Failed", "count:odd": "Failed" })
      assert.include(run.errors["count"]?.message, "--accept 'count:small' --accept 'count:odd'")
    }).pipe(inMemory)
  )

  it.effect("that cannot tell have failed: a blocking one stops the value, another is a warning", () =>
    Effect.gen(function* () {
      const broken = (blocking: boolean) =>
        pipeline(count.pipe(Asset.check("broken", { blocking, run: () => new Boom({ message: "no ruler" }) })))
      const warned = yield* broken(false).materialize()
      assert.deepStrictEqual([warned.status, warned.checks], ["Succeeded", { "count:broken": "Failed" }])
      const stopped = yield* broken(true).materialize("count", { force: true })
      assert.strictEqual(stopped.errors["count"]?._tag, "BlockingCheckFailed")
      assert.include(stopped.errors["count"]?.message, "it could not be run: no ruler")
    }).pipe(inMemory)
  )
})

describe("items that are set aside", () => {
  const rejected = (...ids: ReadonlyArray<string>) => ids.map((item) => ({ item, reason: `${item} is no number` }))
  const items = (materialize: (step: Asset.Step<undefined>) => Effect.Effect<number, any>) =>
    Asset.make("items", { ...number, materialize: (_, step) => materialize(step) }).pipe(
      Asset.quarantine({ share: 0.1, atLeast: 2 })
    )
  const rejecting = (seen: number, ...ids: ReadonlyArray<string>) =>
    items((step) => Effect.as(Effect.andThen(step.seen(seen), step.reject(rejected(...ids))), seen))

  it.effect("within the limit are kept with their reasons, and counted", () =>
    Effect.gen(function* () {
      const asset = rejecting(20, "x", "y")
      const run = yield* pipeline(asset).materialize()
      assert.strictEqual(run.status, "Succeeded")
      assert.deepStrictEqual(yield* pipeline(asset).quarantined(asset), rejected("x", "y"))
      assert.deepInclude((yield* pipeline(asset).state(asset))?.metadata, { quarantined: 2 })
    }).pipe(inMemory)
  )

  it.effect("over the limit fail the step, and can be read all the same", () =>
    Effect.gen(function* () {
      const asset = rejecting(19, "x", "y")
      const run = yield* pipeline(asset).materialize()
      assert.deepStrictEqual(run.errors["items"], {
        _tag: "TooManyRejected",
        message:
          "2 of 19 items were rejected, more than 10 %; they are in assets.quarantine. For example: x is no number"
      })
      assert.lengthOf(yield* pipeline(asset).quarantined(asset), 2)
    }).pipe(inMemory)
  )

  it.effect("that are fewer than the least number never fail the step", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* pipeline(rejecting(1, "x")).materialize()).status, "Succeeded")
    }).pipe(inMemory)
  )

  it.effect("are not there twice when the attempt is repeated", () =>
    Effect.gen(function* () {
      const asset = items((step) =>
        Effect.andThen(
          Effect.andThen(step.seen(40), step.reject(rejected("x", "y"))),
          step.attempt === 1 ? new Boom({ message: "lost" }) : Effect.succeed(1)
        )
      ).pipe(Asset.retry({ times: 1, schedule: Schedule.recurs(1), while: (error: Boom) => error.message === "lost" }))
      const run = yield* pipeline(asset).materialize()
      assert.deepStrictEqual([run.status, run.attempts["items"]], ["Succeeded", 2])
      assert.deepStrictEqual(yield* pipeline(asset).quarantined(asset), rejected("x", "y"))
    }).pipe(inMemory)
  )

  it.effect("are forgotten when the source is read again from its start", () =>
    Effect.gen(function* () {
      const asset = items((step) =>
        Effect.gen(function* () {
          yield* step.seen(4)
          yield* step.reject(rejected("x", "y", "z"))
          yield* step.startOver
          yield* step.seen(20)
          yield* step.reject(rejected("x"))
          return 1
        })
      )
      assert.strictEqual((yield* pipeline(asset).materialize()).status, "Succeeded")
      assert.deepStrictEqual(yield* pipeline(asset).quarantined(asset), rejected("x"))
      assert.deepInclude((yield* pipeline(asset).state(asset))?.metadata, { quarantined: 1 })
    }).pipe(inMemory)
  )
})

describe("data versions", () => {
  const reader = <K extends string>(asset: Asset.Asset<K, Json.Io<number>, any, any, undefined>) =>
    pipeline(Asset.make("reader", { ...number, deps: { asset }, materialize: ({ asset }) => Effect.succeed(asset) }))

  it.effect("of each run count as new, whatever the value", () =>
    Effect.gen(function* () {
      const always = Asset.make("always", {
        ...number,
        version: Version.perRun,
        materialize: () => Effect.succeed(1)
      })
      yield* reader(always).materialize()
      yield* TestClock.adjust("1 second")
      const run = yield* reader(always).materialize([], { recheck: true })
      assert.deepStrictEqual(run.outcomes, { always: "Materialized", reader: "Verified" })
    }).pipe(inMemory)
  )

  it.effect("of one's own tell what counts as a change", () =>
    Effect.gen(function* () {
      const parity = Asset.make("parity", {
        ...number,
        version: Version.custom((count: number) => Effect.succeed(String(count % 2))),
        materialize: (_, step) => Effect.succeed(Math.floor(step.now / 1000))
      })
      const run = (millis: number) =>
        Effect.andThen(TestClock.setTime(millis), reader(parity).materialize([], { recheck: true }))
      yield* run(1000)
      assert.deepStrictEqual((yield* run(3000)).outcomes, { parity: "Verified", reader: "CutOff" })
      assert.deepStrictEqual((yield* run(4000)).outcomes, { parity: "Materialized", reader: "Materialized" })
    }).pipe(inMemory)
  )
})

describe("a slice of a partitioned asset", () => {
  const Play = Schema.Struct({ day: Table.Day, plays: Schema.Int })
  const table = <Row extends typeof Play>(schema: Row) => Table.make({ schema, key: ["day"], partition: "day" })
  const daily = { codeVersion: "1", partitions: Partition.daily({ start: "2026-03-01" }) }
  const plays = Asset.make("plays", {
    ...daily,
    io: table(Play),
    materialize: (_, { partition }) => Stream.make({ day: partition, plays: Number(partition.slice(-2)) })
  })
  const total = (rows: Table.Handle<typeof Play.Type>) =>
    Stream.runFold(
      rows.rows,
      () => 0,
      (sum, { plays }) => sum + plays
    )
  const same = Asset.make("same", {
    ...daily,
    io: Json.make({ schema: Schema.Int }),
    deps: { plays },
    materialize: ({ plays }) => total(plays)
  })
  const running = Asset.make("running", {
    ...daily,
    io: Json.make({ schema: Schema.Int }),
    deps: { plays: Asset.allPartitions(plays) },
    materialize: ({ plays }) => total(plays)
  })
  const whole = Asset.make("whole", {
    ...number,
    deps: { plays, same },
    materialize: ({ plays, same }) =>
      Effect.map(total(plays), (sum) => sum + Array.from(same.values()).reduce((a, b) => a + b, 0))
  })

  it.effect("reads the slice of its own key, or all there are", () =>
    Effect.gen(function* () {
      const tested = pipeline<Asset.Any>(whole, running)
      yield* TestClock.setTime(Date.parse("2026-03-03T12:00:00Z"))
      yield* tested.materialize()
      const ofDays = (yield* tested.value(same)) as Json.ByPartition<number>
      assert.deepStrictEqual(Array.from(ofDays).sort(), [
        ["2026-03-01", 1],
        ["2026-03-02", 2],
        ["2026-03-03", 3]
      ])
      assert.strictEqual(yield* tested.value(running, "2026-03-01"), 6)
      assert.strictEqual(yield* tested.value(whole), 12)
    }).pipe(inMemory)
  )

  it.effect("is left out of a plan with whatever reads it until its first day begins", () =>
    Effect.gen(function* () {
      const reader = Asset.make("reader", { ...number, deps: { whole }, materialize: () => Effect.succeed(1) })
      const other = Asset.make("other", { ...number, materialize: () => Effect.succeed(1) })
      const tested = pipeline<Asset.Any>(reader, other)
      yield* TestClock.setTime(Date.parse("2026-02-28T12:00:00Z"))
      assert.deepStrictEqual((yield* tested.materialize()).outcomes, { other: "Materialized" })
      const plan = yield* tested.plan()
      assert.deepStrictEqual(PlanReport.explain(plan), [
        "whole is left out: it depends on plays, no partition of which has begun",
        "reader is left out: it depends on plays, no partition of which has begun"
      ])
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* tested.materialize()).outcomes["reader"], "Materialized")
    }).pipe(inMemory)
  )
})

describe("a dependency that is published in mid-step", () => {
  const source = Asset.make("source", { ...number, materialize: () => Effect.succeed(1) })

  it.effect("makes the step start again on what it then records", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const reader = Asset.make("reader", {
        ...number,
        deps: { source },
        materialize: ({ source }) =>
          Deferred.succeed(started, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(source))
      })
      const tested = pipeline(reader)
      const fiber = yield* Effect.forkChild(tested.materialize())
      yield* Deferred.await(started)
      yield* tested.pipe(Testing.given(source, 2)).materialize("source", { force: true })
      yield* Deferred.succeed(go, undefined)
      const run = yield* Fiber.join(fiber)
      assert.deepStrictEqual(run.attempts, { source: 1, reader: 2 })
      assert.deepInclude(
        run.events.find(({ _tag }) => _tag === "StepRetried"),
        {
          attempt: 1,
          delayMillis: 0,
          error: { _tag: "DependencyMoved", message: "A dependency of reader was published while it was computed" }
        }
      )
      assert.strictEqual(yield* tested.value(reader), 2)
      assert.deepStrictEqual(yield* tested.status, { source: "Current", reader: "Current" })
    }).pipe(inMemory)
  )

  it.effect("time and again makes it give up", () =>
    Effect.gen(function* () {
      let value = 1
      const restless = pipeline(source)
      const reader = Asset.make("reader", {
        ...number,
        deps: { source },
        materialize: () =>
          Effect.suspend(() =>
            restless.pipe(Testing.given(source, ++value)).materialize("source", { force: true })
          ).pipe(Effect.as(1))
      })
      const run = yield* pipeline(reader).materialize()
      assert.deepStrictEqual(run.outcomes, { source: "Materialized", reader: "Failed" })
      assert.deepStrictEqual([run.errors["reader"]?._tag, run.attempts["reader"]], ["DependencyMoved", 6])
    }).pipe(inMemory)
  )

  it.effect("and is wiped fails it, and says what to make", () =>
    Effect.gen(function* () {
      const reader = Asset.make("reader", {
        ...number,
        deps: { source },
        materialize: ({ source }, { runId }) =>
          Effect.gen(function* () {
            const log = yield* EventLog.EventLog
            const wiped = {
              _tag: "AssetWiped",
              at: "2026-03-01T00:00:00Z",
              runId,
              asset: "source",
              partition: null
            } as const
            yield* log.wipe(wiped, Effect.void)
            return source
          })
      })
      const run = yield* pipeline(reader).materialize()
      assert.deepStrictEqual(run.outcomes, { source: "Materialized", reader: "Failed" })
      assert.strictEqual(run.errors["reader"]?._tag, "DependencyWiped")
      assert.include(run.errors["reader"]?.message, "materialize +reader")
    }).pipe(inMemory)
  )
})

describe("a timeout", () => {
  /** A kind of value that takes an hour to publish. */
  const slowly = IoManager.make<number, never, number, ReadonlyMap<string, number>, number, never>({
    ...number.io,
    store: () =>
      Effect.succeed({
        stage: (_, value) =>
          Effect.succeed({
            candidate: value as number,
            digest: String(value),
            rows: null,
            metadata: {},
            publish: Effect.sleep("1 hour")
          }),
        load: () => Effect.succeed(1),
        loadAll: () => Effect.succeed(new Map()),
        published: () => Effect.succeed(1),
        digest: () => Effect.succeed(null),
        wipe: () => Effect.void
      })
  })

  it.effect("is over once a value is being published: it must not have failed and be there all the same", () =>
    Effect.gen(function* () {
      const slow = Asset.make("slow", { codeVersion: "1", io: slowly, materialize: () => Effect.succeed(1) })
      const fiber = yield* Effect.forkChild(pipeline(slow.pipe(Asset.timeout("1 second"))).materialize())
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual((yield* Fiber.join(fiber)).outcomes, { slow: "Materialized" })
    }).pipe(inMemory)
  )
})
