import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import definitions from "../../assets/index.ts"
import { listenHistory } from "../../assets/listen_history.ts"
import * as Erased from "../../assets/source/Erased.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import { type User, users } from "../../assets/users.ts"
import { Erasure } from "../../runtime/index.ts"
import * as Asset from "../../runtime/Asset.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import { Faults } from "effect-assets/testing"
import * as Testing from "effect-assets/testing"
import {
  materialize,
  metadataOf,
  millisPerDay,
  noon,
  onDatabase,
  plan,
  project,
  published,
  quarantined,
  rows,
  status
} from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(30)

/** User 9 has a name and an address that nobody else's data contain. */
const named: Worlds.Still = {
  ...world,
  users: world.users.map((user) =>
    user.id === 9 ? { ...user, first_name: "Zebedee", email: "zebedee@zirconium.example" } : user
  )
}

class Odd extends Data.TaggedError("Odd")<{ readonly message: string }> {}

const erase = (user: number) => Erased.erase(user).pipe(Effect.provide(Erasure.layer(definitions)))

const eventsOf = (runId: string) =>
  Effect.flatMap(EventLog.EventLog, (log) => Effect.map(log.events(runId), (all) => all.map(({ event }) => event)))

const offline = MusicApi.layer({ baseUrl: new URL("http://music.test") }).pipe(
  Layer.provide(FakeSource.layer({ world: Worlds.toWorld(world), faults: [] }))
)

/** A run that told of a failed check and of a failed step of users, both with a text of its source's. */
const tellCheckAndFailure = Effect.fnUntraced(function* (text: string) {
  const log = yield* EventLog.EventLog
  const slice = { at: new Date(noon).toISOString(), runId: "told", asset: "users", partition: null }
  const traced = { traceId: null, spanId: null }
  const { at, runId } = slice
  yield* log.append([
    { _tag: "RunStarted", at, runId, trigger: "test", selection: [], steps: 1, ...traced },
    {
      _tag: "CheckFailed",
      ...slice,
      check: "named",
      blocking: true,
      dataVersion: "v",
      metadata: { violations: 1, sample: [text] },
      severity: "error",
      accepted: false,
      reason: text
    },
    { _tag: "StepFailed", ...slice, error: { _tag: "Odd", message: text }, attempts: 1 },
    { _tag: "RunFailed", at, runId, error: { _tag: "StepsFailed", message: "1 step failed" } }
  ])
})

/** Where a text is, in any column of any table of the project's or the runtime's. */
const tracesOf = Effect.fnUntraced(function* (text: string) {
  const tables = yield* rows<{ readonly name: string }>(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('assets', 'music', 'assets_staging')"
  )
  const found: Array<string> = []
  for (const { name } of tables) {
    const holding = yield* rows(`select from ${name} t where t::text ilike $1 limit 1`, [`%${text}%`])
    if (holding.length > 0) found.push(name)
  }
  return found
})

/** Published slices whose rows are not those of their recorded versions. */
const untrue = Effect.gen(function* () {
  const { states } = yield* Effect.flatMap(EventLog.EventLog, ({ catalog }) => catalog)
  const found: Array<string> = []
  for (const [key, slices] of states) {
    const { asset } = definitions.graph.nodes.get(key)!
    const store = yield* Asset.store(asset)
    for (const state of slices.values()) {
      if ((yield* store.digest(state)) !== state.dataVersion) found.push(`${key}/${state.partition}`)
    }
  }
  return found
})

describe("deleting a user", () => {
  it.effect("takes along his listens, features and recommendations, and nobody else's", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* published
        yield* rows("delete from music.users where id = 9")
        const after = yield* published
        for (const [table, kept] of Object.entries(before)) {
          const own = table === "users" ? "id" : "user_id"
          const others = kept.filter((row) => row[own] !== 9)
          assert.strictEqual(others.length < kept.length, table !== "tracks", table)
          assert.deepStrictEqual(after[table], others)
        }
      })
    )
  )
})

describe("erasing a user", { timeout: 60_000 }, () => {
  it.effect("leaves every recorded version true, on days that are frozen too", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: Worlds.withoutUsers(world, [9]) })
        yield* TestClock.setTime(noon + millisPerDay)
        yield* materialize({ world, recheck: true })
        yield* TestClock.setTime(noon + 2 * millisPerDay)
        yield* materialize({ world, recheck: true })
        const before = yield* published
        const outcome = yield* erase(9)
        assert.strictEqual(outcome._tag, "Erased")
        if (outcome._tag !== "Erased") return
        // Not the first day, on which he was not there.
        assert.sameMembers(
          outcome.slices.map(({ asset, partition }) => `${asset}${partition === null ? "" : `/${partition}`}`),
          ["users", "listen_history/2026-03-02", "listen_history/2026-03-03", "features", "recommendations"]
        )
        const after = yield* published
        for (const [table, kept] of Object.entries(before)) {
          const own = table === "users" ? "id" : "user_id"
          assert.deepStrictEqual(
            after[table],
            kept.filter((row) => row[own] !== 9)
          )
        }
        assert.deepStrictEqual(yield* untrue, [])
        const [start, ...events] = yield* eventsOf(outcome.runId)
        assert.deepInclude(start, { _tag: "RunStarted", trigger: "erase" })
        assert.deepInclude(
          events.find((event) => event._tag === "AssetErased" && event.asset === "users"),
          { rows: 29 }
        )
        assert.strictEqual(events.at(-1)!._tag, "RunSucceeded")
      })
    )
  )

  it.effect("makes what was made from his data Stale by the ordinary rule, and nothing after the next run", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* TestClock.setTime(noon + millisPerDay)
        yield* materialize({ world, recheck: true })
        yield* erase(9)
        assert.deepInclude(yield* status, {
          users: "Current",
          tracks: "Current",
          "listen_history/2026-03-01": "Current",
          "listen_history/2026-03-02": "Current",
          features: "Stale"
        })
        const ran = yield* materialize({ world })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual((yield* plan()).steps, [])
        assert.deepStrictEqual(yield* untrue, [])
        assert.deepStrictEqual(yield* rows("select from music.recommendations where user_id = 9"), [])
      })
    )
  )

  it.effect("lasts: the API still lists him, and nobody hears of it", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: named })
        yield* erase(9)
        yield* TestClock.setTime(noon + millisPerDay)
        // His items are broken, too.
        const broken = { ...Worlds.list(9), items: [1, 9999] }
        const asText = FakeSource.items(({ id, ...item }) => ({ id: String(id), ...item }), [8])
        const faults = [Faults.on({ path: "/users", query: { page: 1 }, times: Infinity }, asText)]
        const ran = yield* materialize({ world: Worlds.withList(named, broken), faults, recheck: true })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(yield* rows("select from music.users where id = 9"), [])
        assert.deepStrictEqual(yield* rows("select from music.listen_history where user_id = 9"), [])
        assert.notProperty(metadataOf(ran)["listen_history/2026-03-02"], "quarantined")
        assert.deepStrictEqual(yield* quarantined(listenHistory), [])
        const checked = ran.events.filter((event) => event._tag === "CheckPassed")
        assert.deepInclude(checked.find(({ asset, check }) => asset === "users" && check === "keeps-most")!.metadata, {
          before: 29,
          after: 29,
          removed: 0
        })
        assert.deepStrictEqual(yield* tracesOf("zebedee"), [])
        assert.deepStrictEqual(yield* erase(9), { _tag: "ErasedBefore" })
        assert.deepStrictEqual(yield* erase(99), { _tag: "Unknown" })
      })
    )
  )

  it.effect("leaves no trace of him where items were set aside, checks failed, or steps", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: named })
        const spoiling = (item: Record<string, unknown>) => ({ ...item, gender: 7, note: "of Zebedee" })
        const page = { path: "/users", query: { page: 1 }, times: Infinity }
        const few = [Faults.on(page, FakeSource.items(spoiling, [8]))]
        assert.strictEqual((yield* materialize({ world: named, faults: few, recheck: true })).status, "Succeeded")
        assert.include(yield* tracesOf("of zebedee"), "assets.quarantine")
        yield* materialize({
          world: named,
          faults: [
            Faults.on(
              page,
              FakeSource.items((item) => ({ ...item, created_at: "Zebedee" }))
            )
          ],
          recheck: true
        })
        yield* tellCheckAndFailure("of Zebedee")
        assert.includeMembers(Array.from(yield* tracesOf("zebedee")), [
          "assets.event_log",
          "assets.step",
          "assets.quarantine",
          "music.users"
        ])
        yield* erase(9)
        assert.deepStrictEqual(yield* tracesOf("zebedee"), [])
        assert.deepStrictEqual(yield* tracesOf("zirconium"), [])
        const refused = yield* Effect.exit(rows("update assets.event_log set event = '{}'"))
        assert.isTrue(refused._tag === "Failure", "the log is append-only as before")
      })
    )
  )

  it.effect("leaves no trace in what a step tells that had read of him", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: named })
        const [reading, erased] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const late = project.pipe(
          Testing.override(users, (step) =>
            Effect.gen(function* () {
              const read = yield* rows<typeof User.Type>("select * from music.users")
              yield* Deferred.succeed(reading, undefined)
              yield* Deferred.await(erased)
              yield* step.reject(read.map((item) => ({ item, reason: `${item.first_name} is not liked` })))
              return yield* new Odd({ message: `of ${read.map(({ first_name }) => first_name).join()}` })
            })
          ),
          Testing.resources(offline)
        )
        const running = yield* Effect.forkChild(late.materialize("users", { force: true }))
        yield* Deferred.await(reading)
        yield* erase(9)
        yield* Deferred.succeed(erased, undefined)
        assert.strictEqual((yield* Fiber.join(running)).status, "Failed")
        assert.deepStrictEqual(yield* tracesOf("zebedee"), [])
      })
    )
  )

  it.effect("fences out a step that computes from what it read of him", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: named })
        const [reading, erased] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const late = project.pipe(
          Testing.override(users, () =>
            Effect.gen(function* () {
              const read = yield* rows<typeof User.Type>("select * from music.users")
              yield* Deferred.succeed(reading, undefined)
              yield* Deferred.await(erased)
              return read
            })
          ),
          Testing.resources(offline)
        )
        const running = yield* Effect.forkChild(late.materialize("users", { force: true }))
        yield* Deferred.await(reading)
        assert.strictEqual((yield* erase(9))._tag, "Erased")
        yield* Deferred.succeed(erased, undefined)
        const ran = yield* Fiber.join(running)
        assert.strictEqual(ran.errors["users"]?._tag, "ClaimLost", ran.explain)
        assert.deepStrictEqual(yield* tracesOf("zebedee"), [])
        assert.deepStrictEqual(yield* untrue, [])
        const next = yield* materialize({ world: named, recheck: true })
        assert.strictEqual(next.status, "Succeeded", next.explain)
        assert.deepStrictEqual(yield* rows("select from music.users where id = 9"), [])
      })
    )
  )
})
