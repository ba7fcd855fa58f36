import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, Metadata, Partition, Table, TableCheck } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckRun from "../runtime/CheckRun.ts"
import * as Invocation from "../runtime/Invocation.ts"
import * as Json from "../runtime/Json.ts"
import type * as KeySpan from "../runtime/KeySpan.ts"
import * as Report from "../runtime/Report.ts"
import * as Selection from "../runtime/Selection.ts"
import * as StatusReport from "../runtime/StatusReport.ts"
import * as WhyReport from "../runtime/WhyReport.ts"

const start = Date.UTC(2026, 2, 3, 12)

const User = Schema.Struct({ id: Schema.Int, email: Schema.NullOr(Schema.String) })
const Visit = Schema.Struct({ day: Table.Day, user_id: Schema.Int })

const users = Asset.make("users", {
  codeVersion: "1",
  io: Table.make({ schema: User, key: ["id"] }),
  materialize: () => Effect.succeed([1, 2].map((id) => ({ id, email: `${id}@example.com` })))
}).pipe(Asset.check("emails are known", TableCheck.notNull("email")))

const visits = Asset.make("visits", {
  codeVersion: "1",
  partitions: Partition.daily({ start: "2026-03-01" }),
  io: Table.make({ schema: Visit, key: ["day", "user_id"], partition: "day" }),
  materialize: (_, { partition: day }) => Effect.succeed([{ day, user_id: 1 }])
}).pipe(
  Asset.check("users are known", {
    blocking: true,
    ...TableCheck.references({ column: "user_id", to: users, key: "id" })
  }),
  Asset.check("one visit a user", { over: "whole", severity: "warn", ...TableCheck.unique("user_id") })
)

const definitions = Definitions.make({ assets: [users, visits] })
const project = Testing.pipeline(definitions)
const strangers = project.pipe(
  Testing.override(visits, ({ partition: day }) => Stream.make({ day, user_id: 1 }, { day, user_id: 3 }))
)

const run = (
  selection: ReadonlyArray<string>,
  only: ReadonlyArray<string> = [],
  of: Definitions.Definitions = definitions,
  named: KeySpan.Named = {}
) =>
  Effect.gen(function* () {
    const selected = Result.getOrThrow(Selection.resolve(of.graph, selection))
    const checks = only.map((text) => Result.getOrThrow(CheckRun.find(of.graph, text)))
    const request = { selection, selected, only: checks, named, concurrency: 4, watch: () => Effect.void }
    return yield* CheckRun.run(of, request)
  })

const told = ({ results }: CheckRun.CheckRun) =>
  results.map(({ _tag, asset, check, partition }) => `${Partition.show({ asset, partition })}:${check} ${_tag}`)

const layers: ReadonlyArray<readonly [string, () => Layer.Layer<Layer.Success<typeof Testing.layerMemory>, unknown>]> =
  [
    ["in memory", () => Testing.layerMemory],
    ["in PostgreSQL", () => Testing.layerPostgres()]
  ]

for (const [name, layer] of layers) {
  describe(`checks ${name}`, () => {
    const here = <A, E>(test: Effect.Effect<A, E, Layer.Success<typeof Testing.layerMemory>>) =>
      Effect.provide(Effect.andThen(TestClock.setTime(start), test), layer())

    it.effect("read other assets as they are published, which go first", () =>
      Effect.gen(function* () {
        const made = yield* project.materialize()
        assert.strictEqual(made.status, "Succeeded")
        assert.strictEqual(made.checks["visits/2026-03-01:users are known"], "Passed")
        const stopped = yield* strangers.materialize("visits", { force: true })
        assert.include(
          stopped.errors["visits/2026-03-01"]?.message,
          `check "users are known" failed: user_id is no id of public.users in 1 of 2 rows (50 %), such as 3 in (day=2026-03-01, user_id=3)`
        )
        assert.strictEqual((yield* project.rows(visits)).length, 3)
      }).pipe(here)
    )

    it.effect("that read an asset which was never published cannot be run, and say so", () =>
      Effect.gen(function* () {
        const stopped = yield* project.materialize("visits", { partition: "2026-03-01" })
        assert.include(
          stopped.errors["visits/2026-03-01"]?.message,
          "users: could not load: it was never published, and a check reads it"
        )
        assert.deepStrictEqual(yield* project.rows(visits), [])
      }).pipe(here)
    )

    it.effect("do not make an asset Stale when what they read has changed", () =>
      Effect.gen(function* () {
        yield* project.materialize()
        yield* project.pipe(Testing.given(users, [{ id: 1, email: null }])).materialize("users", { force: true })
        assert.strictEqual((yield* project.status)["visits/2026-03-01"], "Current")
      }).pipe(here)
    )

    it.effect("over the whole see all slices with the new one in its place, and are recorded of them all", () =>
      Effect.gen(function* () {
        const made = yield* project.materialize(["users", "visits"], { to: "2026-03-01" })
        assert.strictEqual(made.checks["visits:one visit a user"], "Passed")
        const second = yield* project.materialize("visits", { partition: "2026-03-02" })
        const failure = second.events.find(({ _tag }) => _tag === "CheckFailed")
        assert.deepInclude(failure, {
          partition: null,
          severity: "warn",
          reason: "user_id is not unique in 2 of 2 rows (100 %), such as (day=2026-03-01, user_id=1)"
        })
        const [row] = StatusReport.make(yield* Invocation.subject(definitions), new Set(["visits"]), "asset")
        assert.deepStrictEqual(
          row!.failedChecks.map(({ check, partition }) => [check, partition]),
          [["one visit a user", null]]
        )
        yield* project.pipe(Testing.override(visits, () => Effect.succeed([]))).materialize("visits", {
          partition: "2026-03-02",
          force: true
        })
        const [mended] = StatusReport.make(yield* Invocation.subject(definitions), new Set(["visits"]), "asset")
        assert.deepStrictEqual(mended!.failedChecks, [])
      }).pipe(here)
    )

    it.effect("run alone judge every slice, the whole once, and only what was asked for", () =>
      Effect.gen(function* () {
        yield* project.materialize()
        assert.deepStrictEqual(told(yield* run(["*"])), [
          "users:emails are known CheckPassed",
          ...["01", "02", "03"].map((day) => `visits/2026-03-${day}:users are known CheckPassed`),
          "visits:one visit a user CheckFailed"
        ])
        const some = yield* run(["*"], ["users:emails are known", "visits:one visit a user"])
        assert.deepStrictEqual(told(some), [
          "users:emails are known CheckPassed",
          "visits:one visit a user CheckFailed"
        ])
        assert.strictEqual(CheckRun.exitCode(some), 0)
        assert.deepStrictEqual(CheckRun.toText(some, Report.paper), [
          '+ users: check "emails are known" passed',
          '! visits: check "one visit a user" failed (warn): user_id is not unique in 3 of 3 rows (100 %), such as (day=2026-03-01, user_id=1)',
          "    rows        3",
          "    violations  3",
          "    sample      3 rows",
          "      day         user_id",
          "      2026-03-01  1",
          "      2026-03-02  1",
          "      2026-03-03  1"
        ])
      }).pipe(here)
    )

    it.effect("run alone judge the partitions that are named, and only what is of a partition", () =>
      Effect.gen(function* () {
        yield* project.materialize("*", { to: "2026-03-02" })
        const known = (day: string) => `visits/2026-03-${day}:users are known CheckPassed`
        const of = (named: KeySpan.Named) => Effect.map(run(["*"], [], definitions, named), told)
        assert.deepStrictEqual(yield* of({ partition: "2026-03-02" }), [known("02")])
        assert.deepStrictEqual(yield* of({ to: "2026-03-02" }), [known("01"), known("02")])
        assert.deepStrictEqual(yield* of({ from: "2026-03-02", to: "2026-03-03" }), [known("02")])
        const unpublished = yield* run(["visits"], [], definitions, { partition: "2026-03-03" })
        assert.deepStrictEqual(unpublished.runId, null)
        assert.deepStrictEqual(CheckRun.toText(unpublished, Report.paper), [
          "- visits: none of these partitions was materialized, nothing to check"
        ])
        const ended = yield* Effect.flip(run(["*"], [], definitions, { partition: "2026-03-04" }))
        assert.strictEqual(
          ended.message,
          "visits has no partition 2026-03-04; it has those from 2026-03-01 to 2026-03-03 (daily from 2026-03-01)"
        )
        const [all] = CheckRun.toText(yield* run(["visits"], ["visits:users are known"]), Report.paper)
        assert.strictEqual(all, '+ visits: check "users are known" passed for 2 partitions')
      }).pipe(here)
    )

    it.effect("run alone at the same time, as many as are asked for", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 day")
        let [arrived, running, most] = [0, 0, 0]
        let pair = Deferred.makeUnsafe<void>()
        const meeting = visits.pipe(
          Asset.check("meets another", {
            run: () =>
              Effect.gen(function* () {
                most = Math.max(most, ++running)
                const met = pair
                if (++arrived % 2 === 1) yield* Deferred.await(met)
                else {
                  pair = Deferred.makeUnsafe()
                  yield* Deferred.succeed(met, undefined)
                }
                running--
                return AssetCheck.pass()
              })
          })
        )
        yield* project.materialize()
        const judged: Array<string> = []
        const checked = yield* CheckRun.run(Definitions.make({ assets: [meeting] }), {
          selection: ["visits"],
          selected: new Set(["visits"]),
          only: [{ asset: "visits", check: "meets another" }],
          named: {},
          concurrency: 2,
          watch: (done, all) => Effect.sync(() => void judged.push(`${done} of ${all}`))
        })
        const each = ["01", "02", "03", "04"].map((day) => `visits/2026-03-${day}:meets another CheckPassed`)
        assert.deepStrictEqual([told(checked), most], [each, 2])
        assert.deepStrictEqual(judged, ["1 of 4", "2 of 4", "3 of 4", "4 of 4"])
      }).pipe(here)
    )

    it.effect("that fail are shown beside the version that they judged, until there is another", () =>
      Effect.gen(function* () {
        const nameless = project.pipe(Testing.given(users, [{ id: 1, email: null }]))
        yield* nameless.materialize("users")
        const subject = yield* Invocation.subject(definitions)
        const rows = StatusReport.make(subject, new Set(["users"]), "asset")
        assert.deepInclude(rows[0]!.failedChecks[0], {
          check: "emails are known",
          severity: "error",
          blocking: false,
          accepted: false,
          reason: "email is null in 1 of 1 row (100 %), such as (id=1)"
        })
        assert.include(StatusReport.toText(rows, start, Report.paper)[1], "1 failed")
        const why = WhyReport.make(subject, { asset: "users", partition: null })
        assert.include(
          WhyReport.toText(why, subject, start).join("\n"),
          'the check "emails are known" failed: email is null in 1 of 1 row (100 %), such as (id=1)'
        )
        yield* project.materialize("users", { force: true })
        const mended = StatusReport.make(yield* Invocation.subject(definitions), new Set(["users"]), "asset")
        assert.deepStrictEqual(mended[0]!.failedChecks, [])
      }).pipe(here)
    )

    it.effect("know what came before, when a value is published and when it is judged again", () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const counted = (count: number) =>
          Asset.make("users", {
            codeVersion: "1",
            io: Table.make({ schema: User, key: ["id"] }),
            materialize: () => Effect.succeed(Array.from({ length: count }, (_, id) => ({ id, email: null })))
          }).pipe(
            Asset.check("looks back", {
              run: (candidate, _, { earlier, now, partition, toldBefore }) =>
                Effect.gen(function* () {
                  const before = (yield* earlier(5)).map(({ rows }) => rows)
                  const told = (yield* toldBefore)?.["rows"] ?? null
                  seen.push(`${yield* candidate.count} after [${before}], told ${told}`)
                  assert.deepStrictEqual([now, partition], [start, null])
                  return AssetCheck.pass({ rows: yield* candidate.count })
                })
            })
          )
        for (const count of [3, 5, 4]) {
          const of = Definitions.make({ assets: [counted(count)] })
          yield* Testing.pipeline(of).materialize([], { force: true })
          yield* run(["users"], [], of)
        }
        assert.deepStrictEqual(seen, [
          "3 after [], told null",
          "3 after [], told null",
          "5 after [3], told 3",
          "5 after [3], told 3",
          "4 after [5,3], told 5",
          "4 after [5,3], told 5"
        ])
      }).pipe(here)
    )

    it.effect("know what is published of other slices", () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const keys = (recorded: ReadonlyArray<AssetCheck.Recorded>) =>
          recorded
            .map(({ partition, rows }) => `${partition}: ${rows}`)
            .sort()
            .join(", ")
        const looking = visits.pipe(
          Asset.check("looks aside", {
            run: (_, __, { others, partition, published }) =>
              Effect.gen(function* () {
                const named = yield* published(["2026-03-01", "2026-02-01"])
                seen.push(`${partition} beside ${keys(yield* others)}; ${keys(named)}`)
                return AssetCheck.pass()
              })
          })
        )
        yield* project.materialize()
        yield* run(["visits"], ["visits:looks aside"], Definitions.make({ assets: [looking] }))
        assert.deepStrictEqual(seen.sort(), [
          "2026-03-01 beside 2026-03-02: 1, 2026-03-03: 1; 2026-03-01: 1",
          "2026-03-02 beside 2026-03-01: 1, 2026-03-03: 1; 2026-03-01: 1",
          "2026-03-03 beside 2026-03-01: 1, 2026-03-02: 1; 2026-03-01: 1"
        ])
      }).pipe(here)
    )

    it.effect("record typed metadata with what they found", () =>
      Effect.gen(function* () {
        const metadata = {
          share: Metadata.float(1),
          infinite: Metadata.float(Infinity),
          link: Metadata.url("https://example.com"),
          plot: Metadata.image("image/png", Uint8Array.of(1, 2, 3)),
          plain: [1, null]
        }
        const of = Definitions.make({
          assets: [users.pipe(Asset.check("tells", { run: () => Effect.succeed(AssetCheck.pass(metadata)) }))]
        })
        const { events } = yield* Testing.pipeline(of).materialize()
        assert.deepInclude(
          events.find((event) => event._tag === "CheckPassed" && event.check === "tells"),
          { metadata }
        )
      }).pipe(here)
    )
  })
}

describe("declaring a check", () => {
  const json = { codeVersion: "1", io: Json.make({ schema: Schema.Int }), materialize: () => Effect.succeed(1) }
  const passing = { run: () => Effect.succeed(AssetCheck.pass()) }
  const problems = (...assets: ReadonlyArray<Asset.Any>) => {
    try {
      Definitions.make({ assets })
      return []
    } catch (error) {
      return (error as { readonly problems: ReadonlyArray<{ readonly detail: string }> }).problems.map(
        ({ detail }) => detail
      )
    }
  }

  it("that reads what is made from its own asset is refused", () => {
    const a = Asset.make("a", json)
    const b = Asset.make("b", { ...json, deps: { a } })
    assert.deepStrictEqual(problems(a.pipe(Asset.check("c", { reads: { b }, ...passing }))), [
      'the check "c" reads "b", which is made from "a": a check reads what was published before'
    ])
    assert.deepStrictEqual(problems(a.pipe(Asset.check("c", { reads: { a }, ...passing }))), [
      'the check "c" reads "a", which it judges: its first argument is that value'
    ])
  })

  it("over the whole is refused where there is no whole, or none that can be shown", () => {
    const whole = Asset.check("c", { over: "whole", ...passing })
    assert.deepStrictEqual(problems(Asset.make("a", json).pipe(whole)), [
      'the check "c" is over the whole, but the asset has no partitions: leave `over` out'
    ])
    const daily = Asset.make("a", { ...json, partitions: Partition.daily({ start: "2026-03-01" }) })
    assert.deepStrictEqual(problems(daily.pipe(whole)), [
      'the check "c" is over the whole, but values of the kind json are judged by slice'
    ])
  })

  it("that reads an asset brings it into the project, without reading it for the value", () => {
    const other = Asset.make("other", json)
    const { graph } = Definitions.make({
      assets: [Asset.make("a", json).pipe(Asset.check("c", { reads: { other }, ...passing }))]
    })
    assert.deepStrictEqual(graph.order, ["other", "a"])
    assert.deepStrictEqual(graph.nodes.get("a")!.deps, [])
  })

  it("is found by name after the first colon, or refused with the names there are", () => {
    const { graph } = Definitions.make({ assets: [Asset.make("a", json).pipe(Asset.check("c: d", passing))] })
    assert.deepStrictEqual(Result.getOrThrow(CheckRun.find(graph, "a:c: d")), { asset: "a", check: "c: d" })
    const refused = ["a", "b:c", "a:c"].map((text) => Result.flip(CheckRun.find(graph, text)))
    assert.deepStrictEqual(
      refused.map((result) => Result.getOrThrow(result).message),
      [
        '"a" does not name a check; write ASSET:CHECK',
        'there is no asset "b", whose check "c" is asked for',
        'a has no check called "c"; it has "c: d"'
      ]
    )
  })
})
