import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetGraph, Definitions, Partition } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Json from "../runtime/Json.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const json = { codeVersion: "1", io: Json.make({ schema: Schema.Struct({ score: Schema.Int, at: Schema.Int }) }) }

/** The best score so far, which stays for at most two days once there is another one. */
const project = (score: () => number) => {
  const latest = Asset.make("latest", {
    ...json,
    materialize: (_, { now }) => Effect.sync(() => ({ score: score(), at: now }))
  }).pipe(Asset.recheckAfter("1 hour"))
  const best = Asset.make("best", {
    ...json,
    deps: { latest, standing: Asset.itself() },
    materialize: ({ latest, standing }, { now }) => {
      const stays = standing !== undefined && standing.score >= latest.score && now - standing.at < 48 * 3_600_000
      return Effect.succeed(stays ? standing : latest)
    }
  }).pipe(Asset.recheckAfter("1 day"))
  const reader = Asset.make("reader", { ...json, deps: { best }, materialize: ({ best }) => Effect.succeed(best) })
  return { best, pipeline: Testing.pipeline(Definitions.make({ assets: [reader] })) }
}

describe("an asset that reads its own value", () => {
  it.effect("is given nothing at first, and what stands from then on", () =>
    Effect.gen(function* () {
      let score = 3
      const { best, pipeline } = project(() => score)
      yield* pipeline.materialize()
      assert.strictEqual((yield* pipeline.value(best)).score, 3)

      score = 2
      yield* TestClock.adjust("2 hours")
      const worse = yield* pipeline.materialize()
      assert.deepStrictEqual(worse.outcomes, { latest: "Materialized", best: "Verified", reader: "CutOff" })

      score = 5
      yield* TestClock.adjust("2 hours")
      const better = yield* pipeline.materialize()
      assert.deepStrictEqual(better.outcomes, {
        latest: "Materialized",
        best: "Materialized",
        reader: "Materialized"
      })
      assert.strictEqual((yield* pipeline.value(best)).score, 5)
    }).pipe(inMemory)
  )

  it.effect("is not made Stale by having replaced it", () =>
    Effect.gen(function* () {
      const { pipeline } = project(() => 1)
      yield* pipeline.materialize()
      assert.deepStrictEqual(yield* pipeline.status, { latest: "Current", best: "Current", reader: "Current" })
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
    }).pipe(inMemory)
  )

  it.effect("is weighed again when its time has passed, although nothing it reads has changed", () =>
    Effect.gen(function* () {
      let score = 3
      const { best, pipeline } = project(() => score)
      yield* pipeline.materialize()
      score = 2
      yield* TestClock.adjust("30 hours")
      yield* pipeline.materialize("latest")
      yield* pipeline.materialize("best")
      assert.strictEqual((yield* pipeline.value(best)).score, 3)

      yield* TestClock.adjust("25 hours")
      const step = (yield* pipeline.plan("best")).steps[0]!
      assert.deepStrictEqual(
        step.reasons.map(({ _tag }) => _tag),
        ["RecheckDue"]
      )
      yield* pipeline.materialize("best")
      assert.strictEqual((yield* pipeline.value(best)).score, 2)
    }).pipe(inMemory)
  )

  it.effect("is given the value of its own partition", () =>
    Effect.gen(function* () {
      const io = Json.make({ schema: Schema.Int })
      const counted = (codeVersion: string) =>
        Asset.make("counted", {
          codeVersion,
          io,
          partitions: Partition.fixed(["a", "b"]),
          deps: { before: Asset.itself() },
          materialize: ({ before }, { partition }) => Effect.succeed((before ?? (partition === "a" ? 10 : 20)) + 1)
        })
      const first = Testing.pipeline(Definitions.make({ assets: [counted("1")] }))
      yield* first.materialize()
      const second = Testing.pipeline(Definitions.make({ assets: [counted("2")] }))
      yield* second.materialize("counted", { partition: "b" })
      assert.deepStrictEqual(
        yield* second.value(counted("2")),
        new Map([
          ["a", 11],
          ["b", 22]
        ]) as never
      )
    }).pipe(inMemory)
  )

  it.effect("is given nothing where the schema in force does not fit what stands", () =>
    Effect.gen(function* () {
      const io = Json.make({ schema: Schema.Int })
      const first = Asset.make("counted", { codeVersion: "1", io, materialize: () => Effect.succeed(7) })
      yield* Testing.pipeline(Definitions.make({ assets: [first] })).materialize()
      const counted = Asset.make("counted", {
        codeVersion: "2",
        io: Json.make({ schema: Schema.Struct({ count: Schema.Int }) }),
        deps: { before: Asset.itself() },
        materialize: ({ before }) => Effect.succeed({ count: (before?.count ?? 0) + 1 })
      })
      const second = Testing.pipeline(Definitions.make({ assets: [counted] }))
      for (const count of [1, 2]) {
        const ran = yield* second.materialize("counted", { force: true })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(yield* second.value(counted), { count })
      }
    }).pipe(inMemory)
  )

  it("takes one partition a step", () => {
    const ranged = Asset.make("ranged", {
      codeVersion: "1",
      io: Json.make({ schema: Schema.Int }),
      partitions: Asset.ranges(Partition.fixed(["a", "b"])),
      deps: { before: Asset.itself() } as {},
      materialize: () => Effect.succeed(new Map<string, number>())
    })
    assert.throws(() => AssetGraph.make([ranged]), /reads the value of one partition that it is about to replace/)
  })
})
