import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { materialize, metadataOf, onDatabase, published, rows, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(40)

const firstUsers = (count: number): Worlds.Still => ({ ...world, users: world.users.slice(0, count) })

const removed = Effect.map(rows("select from music.users where removed_at is not null"), (found) => found.length)

describe("an answer that would remove users", () => {
  it.effect("and more than half of them fails the check: nothing of it is published, the rest goes on", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* published
        const ran = yield* materialize({ world: firstUsers(19), recheck: true })
        assert.deepStrictEqual(ran.outcomes, {
          users: "Failed",
          tracks: "Verified",
          [`listen_history/${today}`]: "Verified",
          features: "Skipped",
          model: "Skipped",
          model_champion: "Skipped",
          recommendations: "Skipped"
        })
        assert.strictEqual(ran.errors["users"]!._tag, "BlockingCheckFailed")
        assert.include(ran.errors["users"]!.message, "the API no longer shows 21 of 40")
        assert.include(ran.errors["users"]!.message, "--accept 'users:keeps-most'")
        assert.strictEqual(ran.attempts["users"], 1)
        assert.strictEqual(ran.because["features"], "users")
        assert.deepStrictEqual(yield* published, before)
      })
    )
  )

  it.effect("and just half of them is believed", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const ran = yield* materialize({ world: firstUsers(20), recheck: true })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.strictEqual(metadataOf(ran)["users"]!["removed"], 20)
        assert.strictEqual(yield* removed, 20)
      })
    )
  )

  it.effect("is judged by those that are not removed yet", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* materialize({ world: firstUsers(20), recheck: true })
        const tooFew = yield* materialize({ world: firstUsers(9), recheck: true, select: "users" })
        assert.include(tooFew.errors["users"]!.message, "no longer shows 11 of 20")
        const enough = yield* materialize({ world: firstUsers(10), recheck: true, select: "users" })
        assert.strictEqual(enough.outcomes["users"], "Materialized", enough.explain)
        assert.strictEqual(yield* removed, 30)
      })
    )
  )

  it.effect("is published when its failure is accepted, for that run only", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const accept = ["users:keeps-most"]
        const ran = yield* materialize({ world: firstUsers(5), recheck: true, accept })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.strictEqual(ran.checks["users:keeps-most"], "Accepted")
        const [event] = ran.events.filter(({ _tag }) => _tag === "CheckFailed")
        assert.deepInclude(event, { asset: "users", check: "keeps-most", accepted: true, blocking: true })
        assert.strictEqual(yield* removed, 35)

        const again = yield* materialize({ world: firstUsers(1), recheck: true })
        assert.strictEqual(again.outcomes["users"], "Failed")
        assert.strictEqual(again.checks["users:keeps-most"], "Failed")
        assert.strictEqual(yield* removed, 35)
      })
    )
  )

  it.effect("counts for tracks likewise", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const ran = yield* materialize({ world: { ...world, tracks: world.tracks.slice(30) }, recheck: true })
        assert.include(ran.errors["tracks"]!.message, "the API no longer shows 30 of 40")
        assert.deepStrictEqual(yield* rows("select from music.tracks where removed_at is not null"), [])
      })
    )
  )
})

describe("an empty answer", () => {
  const empty: Worlds.Still = { users: [], tracks: [], lists: [] }

  it.effect("fails the check from the first run on, and publishes nothing", () =>
    onDatabase(
      Effect.gen(function* () {
        const first = yield* materialize({ world: empty })
        assert.strictEqual(first.status, "Failed")
        assert.deepInclude(first.outcomes, { users: "Failed", tracks: "Failed", features: "Skipped" })
        assert.include(first.errors["users"]!.message, "the API shows none at all")
        assert.deepStrictEqual(yield* rows("select from assets.asset_state"), [])

        yield* materialize({ world })
        const later = yield* materialize({ world: empty, recheck: true })
        assert.deepInclude(later.outcomes, { users: "Failed", tracks: "Failed" })
        assert.strictEqual(yield* removed, 0)
      })
    )
  )

  it.effect("leaves recommendations for nobody when it is accepted", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const accept = ["users:keeps-most", "tracks:keeps-most"]
        const ran = yield* materialize({ world: empty, recheck: true, accept })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(yield* rows("select from music.recommendations"), [])
      })
    )
  )
})
