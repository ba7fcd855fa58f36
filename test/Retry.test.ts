import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions, IoManager } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Json from "../runtime/Json.ts"

class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}
class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }

const doubling = Schedule.exponential("1 second")

const policy = (times: number, schedule: Schedule.Schedule<unknown> = doubling) =>
  Asset.retry({ times, schedule, while: (error: Busy | Broken) => error._tag === "Busy" })

/** Fails as told, attempt by attempt, then has the number of the attempt as its value. */
const source = (...errors: ReadonlyArray<Busy | Broken>) =>
  Asset.make("source", {
    ...number,
    materialize: (_, step) =>
      Effect.suspend(() => {
        const error = errors[step.attempt - 1]
        return error === undefined ? Effect.succeed(step.attempt) : Effect.fail(error)
      })
  })

const pipeline = <A extends Asset.Any>(...assets: ReadonlyArray<A>) => Testing.pipeline(Definitions.make({ assets }))

/** Runs while the clock goes on, a second at a time, until nothing is left to wait for. */
const passing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const retries = (run: Testing.RunReport) =>
  run.events.flatMap((event) =>
    event._tag === "StepRetried" ? [{ attempt: event.attempt, error: event.error._tag, delay: event.delayMillis }] : []
  )

describe("a failed attempt", () => {
  it.effect("is tried again after the delays of the schedule, each an event", () =>
    Effect.gen(function* () {
      const tested = pipeline(source(new Busy(), new Busy(), new Busy()).pipe(policy(3)))
      const run = yield* passing(tested.materialize())
      assert.deepStrictEqual(run.outcomes, { source: "Materialized" })
      assert.deepStrictEqual(run.attempts, { source: 4 })
      assert.deepStrictEqual(retries(run), [
        { attempt: 1, error: "Busy", delay: 1000 },
        { attempt: 2, error: "Busy", delay: 2000 },
        { attempt: 3, error: "Busy", delay: 4000 }
      ])
      const at = (tag: string) => Date.parse(run.events.find((event) => event._tag === tag)!.at)
      assert.strictEqual(at("AssetMaterialized") - at("StepStarted"), 7000)
    }).pipe(inMemory)
  )

  it.effect("is tried no more often than the policy says", () =>
    Effect.gen(function* () {
      const run = yield* passing(pipeline(source(new Busy(), new Busy(), new Busy()).pipe(policy(2))).materialize())
      assert.deepStrictEqual(run.outcomes, { source: "Failed" })
      assert.deepStrictEqual(run.attempts, { source: 3 })
      assert.strictEqual(run.errors["source"]?._tag, "Busy")
    }).pipe(inMemory)
  )

  it.effect("is not tried again when the policy does not accept its error", () =>
    Effect.gen(function* () {
      const run = yield* passing(pipeline(source(new Busy(), new Broken()).pipe(policy(5))).materialize())
      assert.deepStrictEqual([run.errors["source"]?._tag, run.attempts["source"]], ["Broken", 2])
    }).pipe(inMemory)
  )

  it.effect("is not tried again when its schedule has ended", () =>
    Effect.gen(function* () {
      const run = yield* pipeline(source(new Busy(), new Busy()).pipe(policy(5, Schedule.recurs(1)))).materialize()
      assert.deepStrictEqual([run.errors["source"]?._tag, run.attempts["source"]], ["Busy", 2])
    }).pipe(inMemory)
  )

  it.effect("is final without a policy", () =>
    Effect.gen(function* () {
      const run = yield* pipeline(source(new Busy())).materialize()
      assert.deepStrictEqual([run.errors["source"]?._tag, run.attempts["source"]], ["Busy", 1])
    }).pipe(inMemory)
  )

  it.effect("is final when it is a defect, which ends no other step", () =>
    Effect.gen(function* () {
      const defect = Asset.make("defect", {
        ...number,
        materialize: (): Effect.Effect<number, Busy> => Effect.die(new TypeError("not a function"))
      }).pipe(policy(5))
      const run = yield* pipeline<Asset.Any>(defect, source()).materialize()
      assert.deepStrictEqual(run.outcomes, { defect: "Failed", source: "Materialized" })
      assert.deepStrictEqual(run.errors["defect"], { _tag: "TypeError", message: "not a function" })
      assert.strictEqual(run.attempts["defect"], 1)
    }).pipe(inMemory)
  )

  it.effect(
    "of the storage is tried again when that may help, whatever the policy says of the asset's own errors",
    () =>
      Effect.gen(function* () {
        const stored = (retryable: boolean) =>
          Asset.make("stored", {
            ...number,
            materialize: (_, step): Effect.Effect<number, IoManager.IoError> =>
              step.attempt > 1
                ? Effect.succeed(1)
                : new IoManager.IoError({
                    asset: "stored",
                    operation: "load",
                    detail: "the connection broke",
                    retryable
                  })
          }).pipe(Asset.retry({ times: 1, schedule: doubling, while: () => !retryable }))
        assert.deepStrictEqual((yield* passing(pipeline(stored(true)).materialize())).attempts, { stored: 2 })
        const again = yield* passing(pipeline(stored(false)).materialize([], { force: true }))
        assert.deepStrictEqual(again.outcomes, { stored: "Failed" })
      }).pipe(inMemory)
  )
})

describe("an attempt that takes too long", () => {
  const slow = (attempts: number) =>
    Asset.make("slow", {
      ...number,
      materialize: (_, step) => (step.attempt <= attempts ? Effect.never : Effect.succeed(1))
    })

  it.effect("fails", () =>
    Effect.gen(function* () {
      const run = yield* passing(pipeline(slow(1).pipe(Asset.timeout("30 seconds"))).materialize())
      assert.deepStrictEqual(run.errors, { slow: { _tag: "TimedOut", message: "slow was not done after 30s" } })
    }).pipe(inMemory)
  )

  it.effect("is tried again, with the whole time for each attempt", () =>
    Effect.gen(function* () {
      const patient = slow(2).pipe(
        Asset.timeout("30 seconds"),
        Asset.retry({ times: 2, schedule: Schedule.spaced("5 seconds"), while: () => false })
      )
      const run = yield* passing(pipeline(patient).materialize())
      assert.deepStrictEqual(run.attempts, { slow: 3 })
      assert.strictEqual(Date.parse(run.events.at(-1)!.at) - Date.parse(run.events[0]!.at), 70_000)
    }).pipe(inMemory)
  )
})

describe("a step that waits for its next attempt", () => {
  it.effect("lets another step compute meanwhile, and goes on when there is room again", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const finish = yield* Deferred.make<void>()
      const other = Asset.make("other", {
        ...number,
        materialize: () =>
          Deferred.succeed(started, undefined).pipe(Effect.andThen(Deferred.await(finish)), Effect.as(1))
      })
      const tested = pipeline<Asset.Any>(source(new Busy()).pipe(policy(1)), other)
      const fiber = yield* Effect.forkChild(tested.materialize([], { concurrency: 1 }))
      yield* Deferred.await(started)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* tested.status, { source: "Missing", other: "Missing" })
      yield* Deferred.succeed(finish, undefined)
      const run = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        run.events.flatMap((event) => ("asset" in event ? [`${event._tag} ${event.asset}`] : [])),
        [
          "StepStarted source",
          "StepRetried source",
          "StepStarted other",
          "AssetMaterialized other",
          "AssetMaterialized source"
        ]
      )
    }).pipe(inMemory)
  )
})

describe("a policy", () => {
  it.effect("is asked about every error of its asset, also one that calls itself retryable", () =>
    Effect.gen(function* () {
      class Stubborn extends Schema.TaggedError<Stubborn>()("Stubborn", { retryable: Schema.Boolean }) {}
      const stubborn = Asset.make("source", { ...number, materialize: () => new Stubborn({ retryable: true }) }).pipe(
        Asset.retry({ times: 3, schedule: doubling, while: () => false })
      )
      assert.deepStrictEqual((yield* passing(pipeline(stubborn).materialize())).attempts, { source: 1 })
    }).pipe(inMemory)
  )

  it.effect("that throws fails its step only", () =>
    Effect.gen(function* () {
      const broken = source(new Busy()).pipe(
        Asset.retry({
          times: 3,
          schedule: doubling,
          while: () => {
            throw new Error("what error is that?")
          }
        })
      )
      const other = Asset.make("other", { ...number, materialize: () => Effect.succeed(1) })
      const run = yield* passing(pipeline<Asset.Any>(broken, other).materialize())
      assert.deepStrictEqual(run.outcomes, { source: "Failed", other: "Materialized" })
      assert.strictEqual(run.errors["source"]?._tag, "Busy")
    }).pipe(inMemory)
  )
})
