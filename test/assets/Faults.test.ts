import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import { Faults } from "effect-assets/testing"
import { materialize, onDatabase, published, rows, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(50)
const listens = `listen_history/${today}`

const sources = [
  ["/users", "users"],
  ["/tracks", "tracks"],
  ["/listen_history", listens]
] as const

/** Without what the runs themselves leave behind. */
const values = Effect.map(published, (tables) =>
  Object.fromEntries(
    Object.entries(tables).map(([table, found]) => [
      table,
      found.map(({ first_seen_at: _seen, run_id: _run, ...row }) => row)
    ])
  )
)

const onEveryRoute = (when: Faults.When, fault: Faults.Fault) =>
  sources.map(([path]) => Faults.on({ path, ...when }, fault))

const env = { MUSIC_API_TIMEOUT: "1 second" }

const faults: ReadonlyArray<readonly [name: string, fault: Faults.Fault, error: RegExp]> = [
  ["429 with Retry-After", Faults.tooManyRequests(1), /answered 429\. It asks to wait 1 s/],
  ["429 without", Faults.status(429), /answered 429\. Lower MUSIC_API_RATE/],
  ["500", Faults.status(500), /answered 500/],
  ["502 in HTML", Faults.status(502, { "content-type": "text/html" }, "<h1>Bad gateway</h1>"), /answered 502/],
  ["a connection reset", Faults.Fault.Reset(), /cannot be reached \(read ECONNRESET\)/],
  ["a timeout", Faults.Fault.Hang(), /no complete answer within 1 s/],
  ["a connection lost in the body", Faults.Fault.Lost(), /cannot be reached \(terminated\)/],
  ["a truncated body", Faults.Fault.Truncated(), /characters that are not JSON/],
  ["HTML where JSON is due", Faults.html, /not JSON \("<!DOCTYPE html>/]
]

describe("on some calls", () => {
  for (const [name, fault] of faults) {
    it.effect(`${name} changes nothing about what is published`, () =>
      onDatabase(
        Effect.gen(function* () {
          const some = [
            ...onEveryRoute({ query: { page: 1 } }, fault),
            ...onEveryRoute({ query: { page: 2 }, times: 2 }, fault)
          ]
          const ran = yield* materialize({ world, faults: some, env })
          assert.strictEqual(ran.status, "Succeeded", ran.explain)
          const found = yield* values
          const undisturbed = yield* onDatabase(Effect.andThen(materialize({ world }), values))
          assert.deepStrictEqual(found, undisturbed)
          assert.deepStrictEqual(yield* rows("select from assets.quarantine"), [])
        })
      )
    )
  }

  it.effect("fields that nobody declared are ignored", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world, faults: onEveryRoute({ times: Infinity }, FakeSource.unknownFields) })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.strictEqual((yield* rows("select from music.users")).length, 50)
      })
    )
  )
})

describe("on all calls", () => {
  for (const [name, fault, message] of faults) {
    it.effect(`${name} fails the asset of its route after retries, and leaves everything else as it is`, () =>
      onDatabase(
        Effect.gen(function* () {
          yield* materialize({ world })
          const before = yield* published
          for (const [path, slice] of sources) {
            const ran = yield* materialize({
              world,
              recheck: true,
              faults: [Faults.on({ path, times: Infinity }, fault)],
              env
            })
            assert.match(ran.errors[slice]!.message, message)
            assert.strictEqual(ran.errors[slice]!._tag, "MusicApiError")
            assert.strictEqual(ran.attempts[slice], 2)
            for (const [, other] of sources.filter(([, other]) => other !== slice)) {
              assert.strictEqual(ran.outcomes[other], "Verified", ran.explain)
            }
            assert.deepInclude(ran.outcomes, { features: "Skipped", model: "Skipped", recommendations: "Skipped" })
          }
          assert.deepStrictEqual(yield* published, before)
        })
      )
    )
  }

  const rowFaults: ReadonlyArray<readonly [name: string, change: (item: Record<string, unknown>) => unknown]> = [
    ["wrong types", (item) => ({ ...item, id: "one", user_id: "one" })],
    ["nulls", (item) => ({ ...item, created_at: null })],
    ["items that are null", () => null]
  ]
  for (const [name, change] of rowFaults) {
    it.effect(`${name} in every row fail each source at once, and publish nothing`, () =>
      onDatabase(
        Effect.gen(function* () {
          yield* materialize({ world })
          const before = yield* published
          const spoiled = onEveryRoute({ times: Infinity }, FakeSource.items(change))
          const ran = yield* materialize({ world, recheck: true, faults: spoiled })
          for (const [, slice] of sources) {
            assert.strictEqual(ran.errors[slice]!._tag, "TooManyRejected", ran.explain)
            assert.include(ran.errors[slice]!.message, "50 of 50 items were rejected")
            assert.strictEqual(ran.attempts[slice], 1)
          }
          assert.deepStrictEqual(yield* published, before)
        })
      )
    )
  }

  it.effect("a refusal is not asked again", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({
          world,
          faults: [Faults.on({ path: "/users", times: Infinity }, Faults.status(404))],
          select: "users"
        })
        assert.match(ran.errors["users"]!.message, /answered 404\. Check that MUSIC_API_URL/)
        assert.strictEqual(ran.attempts["users"], 1)
      })
    )
  )
})

describe("a dead API", () => {
  const dead = [Faults.on({ times: Infinity }, Faults.Fault.Reset())]

  it.effect("fails the sources and leaves what was published to be read", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* published
        const ran = yield* materialize({ world, faults: dead, recheck: true })
        assert.deepStrictEqual(ran.outcomes, {
          users: "Failed",
          tracks: "Failed",
          [listens]: "Failed",
          features: "Skipped",
          model: "Skipped",
          model_champion: "Skipped",
          recommendations: "Skipped"
        })
        assert.deepStrictEqual(yield* published, before)
        assert.strictEqual((yield* materialize({ world, recheck: true })).status, "Succeeded")
      })
    )
  )

  it.effect("on the first run keeps listen_history from starting, as its users and tracks were never published", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world, faults: dead })
        assert.deepInclude(ran.outcomes, { users: "Failed", tracks: "Failed", [listens]: "Skipped" })
        assert.deepStrictEqual(yield* rows("select from assets.asset_state"), [])
      })
    )
  )

  it.effect("on one route lets the others go on to what they reach", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const changed = Worlds.withList(Worlds.withUser(world, Worlds.user(51)), Worlds.list(1, 30, 31))
        const ran = yield* materialize({
          world: changed,
          faults: [Faults.on({ path: "/tracks", times: Infinity }, Faults.Fault.Reset())],
          recheck: true
        })
        assert.deepInclude(ran.outcomes, {
          users: "Materialized",
          tracks: "Failed",
          [listens]: "Materialized",
          features: "Skipped"
        })
        assert.strictEqual(ran.because["features"], "tracks")

        const mended = yield* materialize({ world: changed, recheck: true })
        assert.strictEqual(mended.status, "Succeeded", mended.explain)
        assert.strictEqual((yield* rows("select from music.features where user_id = 1")).length, 2)
      })
    )
  )
})
