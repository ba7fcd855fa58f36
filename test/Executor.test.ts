import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions, IoManager, Version } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Catalog from "../runtime/Catalog.ts"
import * as Executor from "../runtime/Executor.ts"
import type { Event } from "../runtime/Event.ts"
import * as Json from "../runtime/Json.ts"
import * as Plan from "../runtime/Plan.ts"

class Boom extends Schema.TaggedError<Boom>()("Boom", {}) {}

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }

/** `left` and `right` are sources; `sum` reads both, `double` and `report` read on. */
const left = Asset.make("left", { ...number, materialize: () => Effect.succeed(1) })
const right = Asset.make("right", { ...number, materialize: () => Effect.succeed(10) })
const sum = Asset.make("sum", {
  ...number,
  deps: { left, right },
  materialize: ({ left, right }) => Effect.succeed(left + right)
})
const double = Asset.make("double", {
  ...number,
  deps: { right },
  materialize: ({ right }) => Effect.succeed(2 * right)
})
const report = Asset.make("report", {
  codeVersion: "1",
  io: Json.make({ schema: Schema.String }),
  deps: { sum },
  materialize: ({ sum }) => Effect.succeed(`the sum is ${sum}`)
})

const pipeline = Testing.pipeline(Definitions.make({ assets: [double, report] }))
const failing = pipeline.pipe(Testing.override(left, () => new Boom()))
const withLeft = (value: number) => pipeline.pipe(Testing.given(left, value))

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const tags = (run: Testing.RunReport | undefined) => run?.events.map(({ _tag }) => _tag)

describe("a step that failed", () => {
  it.effect("leaves independent branches alone and keeps what reads it from running", () =>
    Effect.gen(function* () {
      const run = yield* failing.materialize()
      assert.strictEqual(
        run.explain,
        [
          "right   Materialized  never materialized",
          "double  Materialized  never materialized",
          "left    Failed        Boom",
          "sum     Skipped       because of left",
          "report  Skipped       because of sum",
          "Failed"
        ]
          .map((line) => line.trimEnd())
          .join("\n")
      )
    }).pipe(inMemory)
  )

  it.effect("keeps what reads it from running even if it has an old value, which stays readable", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const run = yield* failing.materialize("+report", { force: true })
      assert.deepStrictEqual(run.because, { sum: "left", report: "sum" })
      assert.strictEqual(yield* pipeline.value(report), "the sum is 11")
      assert.strictEqual((yield* pipeline.status)["left"], "Current")
    }).pipe(inMemory)
  )

  it.effect("is part of the run's error, and what is to be done is planned again", () =>
    Effect.gen(function* () {
      const run = yield* failing.materialize()
      assert.deepInclude(run.events.at(-1), {
        _tag: "RunFailed",
        error: { _tag: "StepsFailed", message: "1 step failed: left" }
      })
      const mended = yield* pipeline.materialize()
      assert.deepStrictEqual(mended.outcomes, { left: "Materialized", sum: "Materialized", report: "Materialized" })
    }).pipe(inMemory)
  )
})

describe("an asset that only follows another", () => {
  const first = Asset.make("first", { ...number, materialize: () => Effect.succeed(1) })
  const second = Asset.make("second", { ...number, materialize: () => Effect.succeed(2) }).pipe(Asset.after(first))
  const followed = Testing.pipeline(Definitions.make({ assets: [second] }))
  const broken = followed.pipe(Testing.override(first, () => new Boom()))

  it.effect("is skipped when that fails and never had a value", () =>
    Effect.gen(function* () {
      const run = yield* broken.materialize()
      assert.deepStrictEqual(run.outcomes, { first: "Failed", second: "Skipped" })
      assert.deepStrictEqual(run.because, { second: "first" })
    }).pipe(inMemory)
  )

  it.effect("runs when that fails but was published before", () =>
    Effect.gen(function* () {
      yield* followed.materialize("first")
      const run = yield* broken.materialize([], { force: true })
      assert.deepStrictEqual(run.outcomes, { first: "Failed", second: "Materialized" })
    }).pipe(inMemory)
  )

  it.effect("stays Current when that changes", () =>
    Effect.gen(function* () {
      yield* followed.materialize()
      yield* followed.pipe(Testing.given(first, 7)).materialize("first", { force: true })
      assert.deepStrictEqual(yield* followed.status, { first: "Current", second: "Current" })
    }).pipe(inMemory)
  )
})

describe("a value that comes out as it was", () => {
  it.effect("is verified and cuts off what reads it", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const run = yield* pipeline.materialize("report", { recheck: true })
      assert.deepStrictEqual(run.outcomes, { left: "Verified", right: "Verified", sum: "CutOff", report: "CutOff" })
    }).pipe(inMemory)
  )

  it.effect("halfway down cuts off the rest", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const shifted = withLeft(6).pipe(Testing.given(right, 5))
      const run = yield* shifted.materialize("report", { recheck: true })
      assert.deepStrictEqual(run.outcomes, {
        left: "Materialized",
        right: "Materialized",
        sum: "Verified",
        report: "CutOff"
      })
      assert.deepStrictEqual((yield* pipeline.plan("report")).steps, [])
    }).pipe(inMemory)
  )

  it.effect("keeps its position and the run that made it, and moves when it was verified", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const before = yield* pipeline.state(left)
      yield* TestClock.adjust("1 hour")
      yield* pipeline.materialize("left", { force: true })
      const after = yield* pipeline.state(left)
      assert.deepStrictEqual({ ...after }, {
        ...before,
        verifiedAt: "1970-01-01T01:00:00.000Z",
        verifiedPosition: after!.verifiedPosition
      } as Catalog.AssetState)
    }).pipe(inMemory)
  )

  it.effect("again, after it had moved on alone, heals what reads it", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      yield* withLeft(2).materialize("left", { force: true })
      assert.deepInclude(yield* pipeline.status, { sum: "Stale", report: "Maybe" })
      yield* withLeft(1).materialize("left", { force: true })
      assert.deepInclude(yield* pipeline.status, { sum: "Current", report: "Current" })
      assert.deepStrictEqual((yield* pipeline.materialize()).events, [])
    }).pipe(inMemory)
  )
})

describe("what is asked for although it is Current", () => {
  it.effect("computes when forced, alone", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const run = yield* pipeline.materialize("sum", { force: true })
      assert.strictEqual(run.explain, "sum  Verified  forced\nSucceeded")
    }).pipe(inMemory)
  )
})

describe("resources", () => {
  class Price extends Context.Service<Price, number>()("test/Price") {}
  const priced = Asset.make("priced", { ...number, materialize: () => Effect.map(Price, (price) => price) })
  const total = Asset.make("total", {
    ...number,
    deps: { priced },
    materialize: ({ priced }) => Effect.map(Price, (price) => price + priced)
  })
  const counting = Effect.sync(() => {
    const log: Array<string> = []
    const resources = Layer.effect(
      Price,
      Effect.acquireRelease(
        Effect.sync(() => (log.push("opened"), 5)),
        () => Effect.sync(() => log.push("closed"))
      )
    )
    return { log, shop: Testing.pipeline(Definitions.make({ assets: [total], resources })) }
  })

  it.effect("are built once a run and closed with it", () =>
    Effect.gen(function* () {
      const { log, shop } = yield* counting
      yield* shop.materialize()
      assert.deepStrictEqual(log, ["opened", "closed"])
      assert.strictEqual(yield* shop.value(total), 10)
    }).pipe(inMemory)
  )

  it.effect("are not built when there is nothing to do", () =>
    Effect.gen(function* () {
      const { log, shop } = yield* counting
      yield* shop.materialize()
      yield* shop.materialize()
      assert.lengthOf(log, 2)
    }).pipe(inMemory)
  )

  it.effect("that cannot be built fail the run before any step", () =>
    Effect.gen(function* () {
      const resources = Layer.effect(Price, Effect.fail(new Error("the shop is closed")))
      const shop = Testing.pipeline(Definitions.make({ assets: [total], resources }))
      const error = yield* Effect.flip(shop.materialize())
      assert.strictEqual(error._tag, "ResourcesUnavailable")
      const [run] = yield* shop.runs
      assert.deepStrictEqual(tags(run), ["RunStarted", "RunFailed"])
      assert.deepInclude(run?.events[1], {
        error: {
          _tag: "ResourcesUnavailable",
          message: "The project's resources could not be built: the shop is closed"
        }
      })
    }).pipe(inMemory)
  )
})

describe("an interrupted run", () => {
  /** A kind of value that tells when its staging begins and ends. */
  const staged = (log: Array<string>) =>
    IoManager.make<number, never, number, ReadonlyMap<string, number>, number, never>({
      kind: "staged",
      describe: ({ key }) => `staged ${key}`,
      problems: () => [],
      store: () =>
        Effect.succeed({
          stage: (_, input) =>
            Effect.acquireRelease(
              Effect.sync(() => (log.push("staged"), input as number)),
              () => Effect.sync(() => log.push("dropped"))
            ).pipe(
              Effect.map((candidate) => ({
                candidate,
                digest: Version.hash("staged", [String(candidate)]),
                rows: null,
                metadata: {},
                publish: Effect.never
              }))
            ),
          load: () => Effect.succeed(0),
          loadAll: () => Effect.succeed(new Map()),
          published: () => Effect.succeed(0),
          digest: () => Effect.succeed(null),
          wipe: () => Effect.void
        })
    })

  it.effect("drops its staging and is recorded as canceled, last of all", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const stuck = Asset.make("stuck", { codeVersion: "1", io: staged(log), materialize: () => Effect.succeed(1) })
      const tested = Testing.pipeline(Definitions.make({ assets: [stuck] }))
      const fiber = yield* Effect.forkChild(tested.materialize())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(log, ["staged"])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(log, ["staged", "dropped"])
      const [run] = yield* tested.runs
      assert.deepStrictEqual([run?.status, run?.outcomes], ["Canceled", { stuck: "Canceled" }])
      assert.deepStrictEqual(tags(run), ["RunStarted", "StepStarted", "RunCanceled"])
      assert.deepStrictEqual(yield* tested.status, { stuck: "Missing" })
    }).pipe(inMemory)
  )

  it.effect("leaves what it published, and its claims to the next run", () =>
    Effect.gen(function* () {
      const stuck = pipeline.pipe(Testing.override(sum, () => Effect.never))
      const fiber = yield* Effect.forkChild(stuck.materialize(["left", "right", "sum"]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const run = yield* pipeline.materialize()
      assert.deepStrictEqual(run.outcomes, { double: "Materialized", sum: "Materialized", report: "Materialized" })
    }).pipe(inMemory)
  )
})

describe("whoever observes a run", () => {
  it.effect("sees every event once it is recorded, in order, and the run's end last", () =>
    Effect.gen(function* () {
      const seen: Array<Event> = []
      const { definitions } = failing
      const executor = yield* Executor.Executor
      const plan = Effect.map(Clock.currentTimeMillis, (now) =>
        Result.getOrThrow(Plan.make(definitions.graph, Catalog.empty, Plan.everything, now))
      )
      const outcome = yield* executor.execute(definitions, plan, {
        trigger: "test",
        concurrency: 2,
        observe: (event) => Effect.sync(() => seen.push(event))
      })
      assert.deepStrictEqual(seen, [...(yield* failing.events)])
      assert.strictEqual(seen.at(-1)?._tag, "RunFailed")
      assert.deepStrictEqual(
        outcome.failures.map(({ byCheck, ref }) => [ref.asset, byCheck]),
        [["left", false]]
      )
    }).pipe(inMemory)
  )
})

describe("steps at the same time", () => {
  it.effect("are no more than the run may have", () =>
    Effect.gen(function* () {
      let most = 0
      let now = 0
      const busy = (key: string) =>
        Asset.make(key, {
          ...number,
          materialize: () =>
            Effect.sync(() => (most = Math.max(most, ++now))).pipe(
              Effect.andThen(Effect.yieldNow),
              Effect.andThen(Effect.sync(() => --now))
            )
        })
      const assets = Array.from({ length: 12 }, (_, index) => busy(`busy_${index}`))
      yield* Testing.pipeline(Definitions.make({ assets })).materialize([], { concurrency: 3 })
      assert.strictEqual(most, 3)
    }).pipe(inMemory)
  )
})

describe("two runs that want the same", () => {
  const runBoth = Effect.gen(function* () {
    const started = yield* Deferred.make<void>()
    const finish = yield* Deferred.make<void>()
    let computed = 0
    const slow = pipeline.pipe(
      Testing.override(left, () =>
        Effect.sync(() => computed++).pipe(
          Effect.andThen(Deferred.succeed(started, undefined)),
          Effect.andThen(Deferred.await(finish)),
          Effect.as(1)
        )
      )
    )
    const one = yield* Effect.forkChild(slow.materialize("left"))
    yield* Deferred.await(started)
    const other = yield* Effect.forkChild(slow.materialize([], { concurrency: 1 }))
    return { one, other, finish, slow, computed: () => computed }
  })

  it.effect("compute it once: the other waits, without a place at work, and finds it Current", () =>
    Effect.gen(function* () {
      const { computed, finish, one, other, slow } = yield* runBoth
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* slow.status, { left: "Missing", double: "Current" })
      yield* Deferred.succeed(finish, undefined)
      assert.deepStrictEqual((yield* Fiber.join(one)).outcomes, { left: "Materialized" })
      yield* TestClock.adjust("1 second")
      const run = yield* Fiber.join(other)
      assert.deepInclude(run.outcomes, { left: "CutOff", sum: "Materialized", report: "Materialized" })
      assert.strictEqual(computed(), 1)
    }).pipe(inMemory)
  )

  it.effect("compute it in the other when the one is interrupted", () =>
    Effect.gen(function* () {
      const { computed, finish, one, other } = yield* runBoth
      yield* Fiber.interrupt(one)
      yield* Deferred.succeed(finish, undefined)
      yield* TestClock.adjust("1 second")
      assert.deepInclude((yield* Fiber.join(other)).outcomes, { left: "Materialized" })
      assert.strictEqual(computed(), 2)
    }).pipe(inMemory)
  )

  it.effect("can be interrupted while they wait", () =>
    Effect.gen(function* () {
      const { finish, one, other, slow } = yield* runBoth
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(other)
      yield* Deferred.succeed(finish, undefined)
      yield* Fiber.join(one)
      assert.deepStrictEqual(
        (yield* slow.runs).map(({ status }) => status),
        ["Succeeded", "Canceled"]
      )
    }).pipe(inMemory)
  )
})
