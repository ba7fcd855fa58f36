import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions, Partition } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Json from "../runtime/Json.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }
const base = Asset.make("base", { ...number, materialize: () => Effect.succeed(1) })
const lookup = Asset.make("lookup", { ...number, materialize: () => Effect.succeed(10) })
const sum = Asset.make("sum", {
  ...number,
  deps: { base, lookup: Asset.ignoreVersion(lookup) },
  materialize: ({ base, lookup }) => Effect.succeed(base + lookup)
})
const below = Asset.make("below", { ...number, deps: { sum }, materialize: ({ sum }) => Effect.succeed(sum) })
const following = Asset.make("sum", {
  ...number,
  deps: { base, lookup },
  materialize: ({ base, lookup }) => Effect.succeed(base + lookup)
})

const pipeline = Testing.pipeline(Definitions.make({ assets: [below] }))
const moved = pipeline.pipe(Testing.given(lookup, 20))
const force = { force: true }

describe("a dependency whose version does not count", () => {
  it.effect("goes first and is read, and is not in the provenance", () =>
    Effect.gen(function* () {
      const run = yield* pipeline.materialize([], { concurrency: 1 })
      assert.deepStrictEqual(Object.keys(run.outcomes), ["base", "lookup", "sum", "below"])
      assert.strictEqual(yield* pipeline.value(sum), 11)
      assert.deepStrictEqual(Object.keys((yield* pipeline.state(sum))!.provenance), ["base"])
    }).pipe(inMemory)
  )

  it.effect("makes nothing Stale or Maybe when it moves, and is read as it is at the next occasion", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.deepStrictEqual((yield* moved.materialize("lookup", force)).outcomes, { lookup: "Materialized" })
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
      assert.deepStrictEqual(
        (yield* pipeline.plan("lookup+", force)).steps.map(({ reasons }) => reasons),
        [
          [{ _tag: "Forced" }],
          [{ _tag: "Forced" }],
          [{ _tag: "Forced" }, { _tag: "DependencyPlanned", dependency: "sum" }]
        ]
      )
      const run = yield* moved.pipe(Testing.given(base, 2)).materialize("base+", force)
      assert.deepStrictEqual(run.reasons["sum"], [{ _tag: "DependencyChanged", dependency: "base", partitions: null }])
      assert.strictEqual(yield* pipeline.value(sum), 22)
    }).pipe(inMemory)
  )

  it.effect("is planned with what reads it, which is skipped when it fails", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const broken = pipeline.pipe(Testing.override(lookup, () => Effect.fail("broken")))
      const run = yield* broken.materialize([], force)
      assert.deepStrictEqual(run.outcomes, {
        base: "Verified",
        lookup: "Failed",
        sum: "Skipped",
        below: "Skipped"
      })
    }).pipe(inMemory)
  )

  it.effect("that was never published is asked for like any other", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize("base")
      const error = yield* Effect.flip(pipeline.materialize("sum"))
      assert.include(error.message, "sum needs lookup, which was never materialized")
    }).pipe(inMemory)
  )

  it.effect("may be followed from one day on, and no longer from another", () =>
    Effect.gen(function* () {
      const followed = Testing.pipeline(Definitions.make({ assets: [following] }))
      const reasons = Effect.fnUntraced(function* (pipeline: { readonly plan: typeof followed.plan }) {
        return (yield* pipeline.plan("sum")).steps.flatMap(({ reasons }) => reasons)
      })
      yield* pipeline.materialize()
      assert.deepStrictEqual(yield* reasons(followed), [{ _tag: "DependencyAdded", dependency: "lookup" }])
      yield* followed.materialize()
      assert.deepStrictEqual(yield* reasons(pipeline), [])
    }).pipe(inMemory)
  )

  it.effect("may be one whose slices are mapped", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-01-02T12:00:00Z"))
      const days = Asset.make("days", {
        ...number,
        partitions: Partition.daily({ start: "2026-01-01" }),
        materialize: () => Effect.succeed(1)
      })
      const count = Asset.make("count", {
        ...number,
        partitions: Partition.daily({ start: "2026-01-01" }),
        deps: { days: Asset.ignoreVersion(Asset.allPartitions(days)) },
        materialize: ({ days }) => Effect.succeed(days.size)
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [count] }))
      yield* pipeline.materialize()
      assert.strictEqual(yield* pipeline.value(count, "2026-01-01"), 2)
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(
        (yield* pipeline.plan()).steps.map(({ asset, partition }) => [asset, partition]),
        [
          ["days", "2026-01-03"],
          ["count", "2026-01-03"]
        ]
      )
    }).pipe(inMemory)
  )

  it.effect("that is published in the middle does not make the step start again", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize()
      const meddling = pipeline.pipe(
        Testing.override(base, () => Effect.succeed(3)),
        Testing.override(below, () => Effect.as(Effect.orDie(Effect.scoped(moved.materialize("lookup", force))), 1))
      )
      const run = yield* meddling.materialize([], { recheck: true })
      assert.strictEqual(run.status, "Succeeded")
      assert.deepStrictEqual(run.attempts["sum"], 1)
    }).pipe(inMemory)
  )
})
