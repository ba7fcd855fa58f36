import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, MultiAsset, Partition, Table } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as Json from "../runtime/Json.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const io = Json.make({ schema: Schema.Int })
const number = { codeVersion: "1", io }
const computedWith = (key: string) => [{ _tag: "ComputedTogether" as const, with: key }]

const source = Asset.make("source", { ...number, materialize: () => Effect.succeed(10) })

/** What `even` and `odd` are computed from, with what happens on the way. */
const halves = (options: {
  readonly before?: (step: MultiAsset.Step<undefined, "even" | "odd">) => Effect.Effect<unknown, string>
  readonly codeVersion?: string
}) => {
  const computed: Array<number> = []
  const assets = MultiAsset.make({
    codeVersion: options.codeVersion ?? "1",
    deps: { source },
    outputs: { even: MultiAsset.output("even", { io }), odd: MultiAsset.output("odd", { io }) },
    materialize: ({ source }, step) =>
      Effect.gen(function* () {
        computed.push(step.attempt)
        yield* options.before?.(step) ?? Effect.void
        return { even: source, odd: source + 1 }
      })
  })
  return { ...assets, computed }
}

const project = (options: Parameters<typeof halves>[0] = {}) => {
  const { computed, even, odd } = halves(options)
  const doubled = Asset.make("doubled", {
    ...number,
    deps: { even },
    materialize: ({ even }) => Effect.succeed(even * 2)
  })
  const pipeline = Testing.pipeline(Definitions.make({ assets: [doubled, odd] }))
  return { computed, doubled, even, odd, pipeline }
}

const force = { force: true }

describe("several assets from one computation", () => {
  it.effect.each([1, 4])("are computed once and published each by itself, with %d at a time", (concurrency) =>
    Effect.gen(function* () {
      const { computed, doubled, even, odd, pipeline } = project()
      const run = yield* pipeline.materialize([], { concurrency })
      assert.deepStrictEqual(run.outcomes, {
        source: "Materialized",
        even: "Materialized",
        odd: "Materialized",
        doubled: "Materialized"
      })
      assert.deepStrictEqual(computed, [1])
      assert.deepStrictEqual(
        [yield* pipeline.value(even), yield* pipeline.value(odd), yield* pipeline.value(doubled)],
        [10, 11, 20]
      )
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
      const [one, other] = [yield* pipeline.state(even), yield* pipeline.state(odd)]
      assert.deepStrictEqual(one?.provenance, other?.provenance)
      assert.notStrictEqual(one?.dataVersion, other?.dataVersion)
    }).pipe(inMemory)
  )

  it.effect("are cut off one by one below, when one of them came out the same", () =>
    Effect.gen(function* () {
      yield* project().pipeline.materialize()
      const { pipeline } = project({ codeVersion: "2" })
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, {
        even: "Verified",
        odd: "Verified",
        doubled: "CutOff"
      })
    }).pipe(inMemory)
  )

  it.effect("are computed again together when one of them is missing", () =>
    Effect.gen(function* () {
      const { computed, odd, pipeline } = project()
      const refused = odd.pipe(
        Asset.check("never", { blocking: true, run: () => Effect.succeed(AssetCheck.fail("never")) })
      )
      const { even, ...others } = halves({})
      assert.sameMembers(Object.keys(others), ["odd", "computed"])
      const blocked = Testing.pipeline(Definitions.make({ assets: [even, refused] }))
      assert.deepStrictEqual((yield* blocked.materialize()).outcomes, {
        source: "Materialized",
        even: "Materialized",
        odd: "Failed"
      })
      const plan = yield* pipeline.plan(["even", "odd"])
      assert.deepStrictEqual(
        plan.steps.map(({ asset, certainty, reasons }) => [asset, certainty, reasons]),
        [
          ["even", "Conditional", computedWith("odd")],
          ["odd", "Certain", [{ _tag: "Missing" }]]
        ]
      )
      const run = yield* pipeline.materialize()
      assert.deepStrictEqual(run.outcomes, { even: "Verified", odd: "Materialized", doubled: "Materialized" })
      assert.deepStrictEqual(computed, [1])
    }).pipe(inMemory)
  )

  it.effect("are computed again together after a run that broke off between their publishes", () =>
    Effect.gen(function* () {
      const reached = yield* Deferred.make<void>()
      const { even, odd } = halves({})
      const waiting = odd.pipe(
        Asset.check("waits", { run: () => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never) })
      )
      const broken = Testing.pipeline(Definitions.make({ assets: [even, waiting] }))
      const fiber = yield* Effect.forkChild(broken.materialize([], { concurrency: 1 }))
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* broken.status, { source: "Current", even: "Current", odd: "Missing" })
      const { computed, pipeline } = project()
      const run = yield* pipeline.materialize("even odd".split(" "))
      assert.deepStrictEqual([run.outcomes, computed], [{ even: "Verified", odd: "Materialized" }, [1]])
    }).pipe(inMemory)
  )

  it.effect("are tried again once for all of them", () =>
    Effect.gen(function* () {
      const { computed, even, odd } = halves({
        before: (step) => (step.attempt < 3 ? Effect.fail("busy") : step.annotate({ attempt: step.attempt }))
      })
      const again = Asset.retry({ times: 2, schedule: Schedule.spaced("1 second"), while: () => true })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [even.pipe(again), odd.pipe(again)] }))
      const fiber = yield* Effect.forkChild(pipeline.materialize([], { concurrency: 1 }))
      yield* TestClock.adjust("1 minute")
      const run = yield* Fiber.join(fiber)
      assert.deepStrictEqual([run.status, computed], ["Succeeded", [1, 2, 3]])
      for (const asset of [even, odd]) assert.deepInclude((yield* pipeline.state(asset))?.metadata, { attempt: 3 })
    }).pipe(inMemory)
  )

  it.effect("fail together when the computation does, once", () =>
    Effect.gen(function* () {
      const { computed, pipeline } = project({ before: () => Effect.fail("broken") })
      const run = yield* pipeline.materialize()
      assert.deepStrictEqual(run.outcomes, {
        source: "Materialized",
        even: "Failed",
        odd: "Failed",
        doubled: "Skipped"
      })
      assert.deepStrictEqual(computed, [1])
    }).pipe(inMemory)
  )

  it.effect("are computed by another one when the first is out of time", () =>
    Effect.gen(function* () {
      const { computed, even, odd } = halves({
        before: () => (computed.length === 1 ? Effect.never : Effect.void)
      })
      const pipeline = Testing.pipeline(
        Definitions.make({ assets: [even.pipe(Asset.timeout("1 second")), odd.pipe(Asset.timeout("1 second"))] })
      )
      const fiber = yield* Effect.forkChild(pipeline.materialize())
      yield* TestClock.adjust("1 minute")
      const run = yield* Fiber.join(fiber)
      assert.sameMembers(Object.values(run.outcomes), ["Materialized", "Failed", "Materialized"])
      assert.deepStrictEqual(computed, [1, 1])
    }).pipe(inMemory)
  )

  it.effect("are forced together, and rechecked together", () =>
    Effect.gen(function* () {
      const { computed, pipeline } = project()
      yield* pipeline.materialize()
      assert.deepStrictEqual((yield* pipeline.materialize(["even", "odd"], force)).outcomes, {
        even: "Verified",
        odd: "Verified"
      })
      const moved = pipeline.pipe(Testing.given(source, 20))
      const run = yield* moved.materialize("doubled", { recheck: true })
      assert.deepStrictEqual(run.outcomes, {
        source: "Materialized",
        even: "Materialized",
        odd: "Materialized",
        doubled: "Materialized"
      })
      assert.deepStrictEqual(computed, [1, 1, 1])
    }).pipe(inMemory)
  )

  it.effect("are refused one without the other, with the selection that works", () =>
    Effect.gen(function* () {
      const { pipeline } = project()
      const error = yield* Effect.flip(pipeline.plan("+doubled"))
      assert.strictEqual(
        error.message,
        "even is computed together with odd, not selected; try: assets materialize +doubled odd"
      )
      assert.lengthOf((yield* pipeline.plan(["+doubled", "odd"])).steps, 4)
      // What was computed before may be read by itself.
      yield* pipeline.materialize()
      assert.lengthOf((yield* pipeline.plan("doubled", force)).steps, 1)
    }).pipe(inMemory)
  )

  it.effect("share the settings that the computation read, and having nothing new", () =>
    Effect.gen(function* () {
      const set = (env: Record<string, string>) =>
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
      const { even, odd, pipeline } = project({
        before: (step) =>
          Effect.flatMap(Effect.orDie(Config.withDefault(Config.String("MODE"), "")), (mode) =>
            mode === "quiet" ? step.nothingNew : Effect.void
          )
      })
      const never = yield* pipeline.materialize().pipe(set({ MODE: "quiet" }))
      assert.deepStrictEqual(never.because, { even: "even", odd: "odd", doubled: "even" })
      yield* pipeline.materialize().pipe(set({ MODE: "loud" }))
      const run = yield* pipeline.materialize().pipe(set({ MODE: "quiet" }))
      assert.deepStrictEqual(run.outcomes, { even: "Verified", odd: "Verified", doubled: "CutOff" })
      for (const asset of [even, odd]) {
        assert.deepStrictEqual(Object.keys((yield* pipeline.state(asset))!.config), ["MODE"])
      }
      assert.deepStrictEqual((yield* pipeline.plan().pipe(set({ MODE: "quiet" }))).steps, [])
    }).pipe(inMemory)
  )

  it.live("are computed by two runs at the same time without either losing, and are Current then", () =>
    Effect.gen(function* () {
      const { computed, pipeline } = project({ before: () => Effect.yieldNow })
      const runs = yield* Effect.all([pipeline.materialize(), pipeline.materialize([], { concurrency: 1 })], {
        concurrency: 2
      })
      for (const run of runs) assert.strictEqual(run.status, "Succeeded")
      assert.isAtMost(computed.length, 2)
      assert.deepStrictEqual((yield* pipeline.plan()).steps, [])
    }).pipe(inMemory)
  )

  it.effect("stay what they are when a test puts a value in the place of one", () =>
    Effect.gen(function* () {
      const { computed, doubled, even, odd, pipeline } = project()
      const given = pipeline.pipe(Testing.given(even, 100))
      yield* given.materialize()
      assert.deepStrictEqual([yield* given.value(doubled), yield* given.value(odd)], [200, 11])
      assert.deepStrictEqual(computed, [1])
    }).pipe(inMemory)
  )

  it("must all be declared", () => {
    const { even } = halves({})
    assert.throws(() => Definitions.make({ assets: [even] }), /asset "even" .*MultiAsset.test.ts.*"odd"/)
  })
})

describe("several partitioned assets from one computation", () => {
  it.effect("are computed once for each partition", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-01-03T12:00:00Z"))
      const computed: Array<string> = []
      const { first, second } = MultiAsset.make({
        codeVersion: "1",
        partitions: Partition.daily({ start: "2026-01-01" }),
        outputs: { first: MultiAsset.output("first", { io }), second: MultiAsset.output("second", { io }) },
        materialize: (_, step) =>
          Effect.sync(() => {
            computed.push(step.partition)
            return { first: 1, second: 2 }
          })
      })
      const pipeline = Testing.pipeline(Definitions.make({ assets: [first, second] }))
      yield* pipeline.materialize([], { concurrency: 2 })
      assert.deepStrictEqual(computed.sort(), ["2026-01-01", "2026-01-02", "2026-01-03"])
      yield* TestClock.adjust("1 day")
      const plan = yield* pipeline.plan()
      assert.deepStrictEqual(
        plan.steps.map(({ asset, partition }) => `${asset}/${partition}`),
        ["first/2026-01-04", "second/2026-01-04"]
      )
    }).pipe(inMemory)
  )
})

describe("a computation that can leave some out", () => {
  const wanted: Array<ReadonlyArray<string>> = []
  const make = (leavesOut?: "a" | "b") =>
    MultiAsset.make({
      codeVersion: "1",
      subset: true,
      outputs: { a: MultiAsset.output("a", { io }), b: MultiAsset.output("b", { io }) },
      materialize: (_, { outputs }) =>
        Effect.sync(() => {
          wanted.push(Array.from(outputs).sort())
          return {
            ...(outputs.has("a") && leavesOut !== "a" && { a: 1 }),
            ...(outputs.has("b") && leavesOut !== "b" && { b: 2 })
          }
        })
    })

  it.effect("is told which are wanted, and is planned for those alone", () =>
    Effect.gen(function* () {
      wanted.length = 0
      const { a, b } = make()
      const pipeline = Testing.pipeline(Definitions.make({ assets: [a, b] }))
      yield* pipeline.materialize("a")
      assert.deepStrictEqual((yield* pipeline.materialize()).outcomes, { b: "Materialized" })
      yield* pipeline.materialize([], force)
      assert.deepStrictEqual(wanted, [["a"], ["b"], ["a", "b"]])
    }).pipe(inMemory)
  )

  it.effect("fails the assets that it leaves out although they are wanted", () =>
    Effect.gen(function* () {
      const { a, b } = make("b")
      const run = yield* Testing.pipeline(Definitions.make({ assets: [a, b] })).materialize()
      assert.deepStrictEqual(run.outcomes, { a: "Materialized", b: "Failed" })
      assert.include(run.errors["b"]?.message, 'returned no value for its output "b"')
    }).pipe(inMemory)
  )
})

it.live("several tables from one computation are published in Postgres, each in its own transaction", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table public.plays (id integer primary key)`
    yield* sql`create table public.skips (id integer primary key)`
    const rows = Table.make({ schema: Schema.Struct({ id: Schema.Int }), key: ["id"] })
    let computed = 0
    const { plays, skips } = MultiAsset.make({
      codeVersion: "1",
      outputs: { plays: MultiAsset.output("plays", { io: rows }), skips: MultiAsset.output("skips", { io: rows }) },
      materialize: () =>
        Effect.sync(() => {
          computed += 1
          return { plays: [{ id: 1 }], skips: [{ id: 2 }, { id: 3 }] }
        })
    })
    const pipeline = Testing.pipeline(Definitions.make({ assets: [plays, skips] }))
    const runs = yield* Effect.all([pipeline.materialize(), pipeline.materialize()], { concurrency: 2 })
    for (const run of runs) assert.strictEqual(run.status, "Succeeded")
    assert.deepStrictEqual(yield* pipeline.status, { plays: "Current", skips: "Current" })
    assert.lengthOf([...(yield* pipeline.rows(plays))], 1)
    assert.lengthOf([...(yield* pipeline.rows(skips))], 2)
    assert.isAtMost(computed, 2)
    yield* sql`delete from assets.asset_state where asset = 'skips'`
    computed = 0
    const run = yield* pipeline.materialize([], { concurrency: 1 })
    assert.deepStrictEqual([run.outcomes, computed], [{ plays: "Verified", skips: "Materialized" }, 1])
  }).pipe(Effect.provide(Testing.layerPostgres()))
)
