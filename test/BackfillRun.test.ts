import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions, Partition } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type * as Backfill from "../runtime/Backfill.ts"
import * as BackfillLog from "../runtime/BackfillLog.ts"
import * as BackfillRun from "../runtime/BackfillRun.ts"
import type { Event } from "../runtime/Event.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as Json from "../runtime/Json.ts"

/** Three days that are read; those that `hold` names for ever, once `reached` is told. */
const meters = Effect.fnUntraced(function* (resources: Layer.Layer<never, Error> = Layer.empty) {
  const reached = yield* Deferred.make<void>()
  const hold = new Set<string>()
  const readings = Asset.make("readings", {
    codeVersion: "1",
    io: Json.make({ schema: Schema.Int }),
    partitions: Partition.daily({ start: "1970-01-01", end: "1970-01-04" }),
    materialize: (_, { partition }) =>
      hold.has(partition) ? Effect.andThen(Deferred.succeed(reached, undefined), Effect.never) : Effect.succeed(1)
  })
  yield* TestClock.setTime(Date.UTC(1970, 0, 10))
  const definitions = Definitions.make({ assets: [readings], resources })
  const events: Array<Event> = []
  const options: BackfillRun.Options = {
    concurrency: 1,
    planned: () => Effect.void,
    observe: (event) => Effect.sync(() => void events.push(event))
  }
  return { definitions, events, hold, options, reached: Deferred.await(reached) }
})

const asked: Backfill.Asked = { selection: ["readings"], which: "Stale", concurrency: null }

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const tags = (events: ReadonlyArray<Event>) => events.map(({ _tag }) => _tag)

const idOf = (events: ReadonlyArray<Event>) => {
  const [first] = events
  assert(first?._tag === "BackfillRequested")
  return first.backfill
}

/** Held at its second day, in a fiber of its own. */
const held = Effect.gen(function* () {
  const project = yield* meters()
  project.hold.add("1970-01-02")
  const fiber = yield* Effect.forkChild(BackfillRun.start(project.definitions, asked, project.options))
  yield* project.reached
  return { ...project, fiber, id: idOf(project.events) }
})

describe("a backfill that is carried out", () => {
  it.effect("ends its run within a second after it was paused, and goes on where it was", () =>
    Effect.gen(function* () {
      const { definitions, events, fiber, hold, id, options } = yield* held
      yield* BackfillRun.stop(id, "pause")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(fiber), { _tag: "Stopped", id, status: "Paused" })
      assert.deepStrictEqual(tags(events).slice(-2), ["RunCanceled", "BackfillPaused"])

      hold.clear()
      const outcome = yield* BackfillRun.resume(definitions, { id, action: "resume", concurrency: null }, options)
      assert.deepInclude(outcome, { _tag: "Ended", id })
      const published = events.flatMap((event) => (event._tag === "AssetMaterialized" ? [event.partition] : []))
      assert.deepStrictEqual(published, ["1970-01-01", "1970-01-02", "1970-01-03"])
      assert.strictEqual((yield* BackfillRun.find(id)).status, "Succeeded")
    }).pipe(inMemory)
  )

  it.effect("goes on with as many steps at a time as it was requested with, or as are asked for now", () =>
    Effect.gen(function* () {
      const { definitions, events, hold, options } = yield* meters()
      for (const day of ["1970-01-01", "1970-01-02", "1970-01-03"]) hold.add(day)
      const started = (from: number) => tags(events.slice(from)).filter((tag) => tag === "StepStarted").length
      const until = <A, E, R>(carried: Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          const from = events.length
          const fiber = yield* Effect.forkChild(carried)
          yield* TestClock.adjust("1 second")
          yield* Fiber.interrupt(fiber)
          return started(from)
        })
      assert.strictEqual(yield* until(BackfillRun.start(definitions, { ...asked, concurrency: 2 }, options)), 2)
      const resumed = { id: idOf(events), action: "resume" } as const
      const resume = (concurrency: number | null) =>
        until(BackfillRun.resume(definitions, { ...resumed, concurrency }, options))
      assert.strictEqual(yield* resume(3), 3)
      assert.strictEqual(yield* resume(null), 2)
    }).pipe(inMemory)
  )

  it.effect("is Paused when it is interrupted", () =>
    Effect.gen(function* () {
      const { events, fiber, id } = yield* held
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(tags(events).slice(-2), ["RunCanceled", "BackfillPaused"])
      assert.strictEqual((yield* BackfillRun.find(id)).status, "Paused")
    }).pipe(inMemory)
  )

  it.effect("cannot be taken up by another one, nor be retried", () =>
    Effect.gen(function* () {
      const { definitions, fiber, id, options } = yield* held
      for (const action of ["resume", "retry"] as const) {
        const error = yield* Effect.flip(BackfillRun.resume(definitions, { id, action, concurrency: null }, options))
        assert.strictEqual(error._tag, "BackfillHeld")
      }
      yield* Fiber.interrupt(fiber)
      const error = yield* Effect.flip(
        BackfillRun.resume(definitions, { id, action: "retry", concurrency: null }, options)
      )
      assert.strictEqual(
        error.message,
        `backfill ${id} is paused; \`assets backfill resume ${id}\` also tries again what failed`
      )
    }).pipe(inMemory)
  )

  it.effect("is refused by who waited for another one that brought it to its end", () =>
    Effect.gen(function* () {
      const { definitions, fiber, hold, id, options } = yield* held
      yield* Fiber.interrupt(fiber)
      hold.clear()
      const log = yield* EventLog.EventLog
      const { hold: take } = yield* BackfillLog.BackfillLog
      const waiting = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* take(id)
          const waiting = yield* Effect.forkDetach(
            BackfillRun.resume(definitions, { id, action: "resume", concurrency: null }, options)
          )
          yield* TestClock.adjust("1 second")
          const about = { at: "1970-01-10T00:00:01.000Z", runId: null, backfill: id }
          yield* log.append([
            { _tag: "BackfillResumed", ...about },
            { _tag: "BackfillSucceeded", ...about }
          ])
          return waiting
        })
      )
      yield* TestClock.adjust("1 second")
      const error = yield* Effect.flip(Fiber.join(waiting))
      assert.strictEqual(error.message, `backfill ${id} has succeeded; there is nothing to resume`)
    }).pipe(inMemory)
  )

  it.effect("is Paused when its run could not go on, and can be resumed once that is mended", () =>
    Effect.gen(function* () {
      let isOpen = false
      const { definitions, events, options } = yield* meters(
        Layer.effectDiscard(Effect.suspend(() => (isOpen ? Effect.void : Effect.fail(new Error("closed")))))
      )
      const error = yield* Effect.flip(BackfillRun.start(definitions, asked, options))
      assert.strictEqual(error._tag, "ResourcesUnavailable")
      assert.deepStrictEqual(tags(events), ["BackfillRequested", "RunStarted", "RunFailed", "BackfillPaused"])
      isOpen = true
      const outcome = yield* BackfillRun.resume(
        definitions,
        { id: idOf(events), action: "resume", concurrency: null },
        options
      )
      assert(outcome._tag === "Ended")
      assert.strictEqual(outcome.run.status, "Succeeded")
    }).pipe(inMemory)
  )

  it.effect("succeeds without a run when what was left has become Current by other means", () =>
    Effect.gen(function* () {
      const { definitions, events, fiber, hold, id, options } = yield* held
      yield* Fiber.interrupt(fiber)
      hold.clear()
      yield* Testing.pipeline(definitions).materialize("readings")
      const outcome = yield* BackfillRun.resume(definitions, { id, action: "resume", concurrency: null }, options)
      assert(outcome._tag === "Ended")
      assert.isNull(outcome.run.runId)
      assert.deepStrictEqual(tags(events).slice(-2), ["BackfillResumed", "BackfillSucceeded"])
    }).pipe(inMemory)
  )

  it.effect("is not made when there is nothing to do, nor when it is refused", () =>
    Effect.gen(function* () {
      const { definitions, events, options } = yield* meters()
      const error = yield* Effect.flip(BackfillRun.start(definitions, { ...asked, partitions: "1971" }, options))
      assert.strictEqual(error._tag, "PlanError")
      yield* Testing.pipeline(definitions).materialize("readings")
      assert.deepStrictEqual(yield* BackfillRun.start(definitions, asked, options), { _tag: "NothingToDo" })
      assert.deepStrictEqual(events, [])
      const log = yield* EventLog.EventLog
      assert.notInclude(tags((yield* log.allEvents).map(({ event }) => event)), "BackfillRequested")
    }).pipe(inMemory)
  )
})
