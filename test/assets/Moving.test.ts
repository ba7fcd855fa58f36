import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import type { World } from "../../assets/source/World.ts"
import { materialize, onDatabase, published, rows, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(60)
const listens = `listen_history/${today}`

const moved = (change: (world: World) => World): Worlds.Still => Worlds.on(change(Worlds.toWorld(world)), 0)

const idsIn = (table: "users" | "tracks") =>
  Effect.map(rows<{ id: number }>(`select id from music.${table} where removed_at is null order by id`), (found) =>
    found.map(({ id }) => id)
  )

const idsOf = (items: ReadonlyArray<{ readonly id: number }>) =>
  items.map(({ id }) => id).toSorted((left, right) => left - right)

describe("an API that moves while it is read", () => {
  const turns = [
    ["a row joins in front", FakeSource.grown],
    ["a row leaves as another joins", FakeSource.shifted],
    ["it restarts with new ids", FakeSource.restarted]
  ] as const
  for (const [name, change] of turns) {
    it.effect(`is read again when ${name} between two pages of users`, () =>
      onDatabase(
        Effect.gen(function* () {
          const ran = yield* materialize({
            world,
            faults: [FakeSource.turn({ path: "/users", after: 2 }, change)],
            select: "users",
            env: { MUSIC_API_CONCURRENCY: "1" }
          })
          assert.strictEqual(ran.outcomes["users"], "Materialized", ran.explain)
          assert.deepStrictEqual(yield* idsIn("users"), idsOf(moved(change).users))
          assert.deepStrictEqual(yield* rows("select from assets.quarantine"), [])
        })
      )
    )

    it.effect(`is read again when ${name} between two pages of listens`, () =>
      onDatabase(
        Effect.gen(function* () {
          const after = moved(change)
          const both = {
            ...world,
            users: [...new Map([...world.users, ...after.users].map((user) => [user.id, user])).values()],
            tracks: [...new Map([...world.tracks, ...after.tracks].map((track) => [track.id, track])).values()]
          }
          yield* materialize({ world: both, select: ["users", "tracks"] })
          const ran = yield* materialize({
            world,
            faults: [FakeSource.turn({ path: "/listen_history", after: 2 }, change)],
            select: "listen_history"
          })
          assert.strictEqual(ran.outcomes[listens], "Materialized", ran.explain)
          const found = yield* rows("select user_id, track_id from music.listen_history order by user_id, position")
          const expected = after.lists
            .toSorted((left, right) => left.user_id! - right.user_id!)
            .flatMap(({ items, user_id }) => items!.map((track_id) => ({ user_id, track_id })))
          assert.deepStrictEqual(found, expected)
        })
      )
    )
  }

  it.effect("and never rests is an error that says so, after which the old data stands", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* published
        const restless = FakeSource.turn({ path: "/users", query: { page: 2 }, times: Infinity }, FakeSource.grown)
        const ran = yield* materialize({ world, recheck: true, select: "users", faults: [restless] })
        assert.include(ran.errors["users"]!.message, "the pages did not add up in 3 passes")
        assert.deepStrictEqual(yield* published, before)
      })
    )
  )
})

describe("an API that restarts with new ids", () => {
  it.effect("before listens are read has none of them published, until users and tracks are accepted anew", () =>
    onDatabase(
      Effect.gen(function* () {
        const restart = FakeSource.turn({ path: "/listen_history" }, FakeSource.restarted)
        const ran = yield* materialize({ world, faults: [restart] })
        assert.deepInclude(ran.outcomes, { users: "Materialized", tracks: "Materialized", [listens]: "Failed" })
        assert.include(ran.errors[listens]!.message, "60 of 60 items were rejected")
        assert.include(ran.errors[listens]!.message, "no user has the id 1000001")
        assert.strictEqual(ran.outcomes["features"], "Skipped")

        const renewed = moved(FakeSource.restarted)
        const refused = yield* materialize({ world: renewed, recheck: true })
        assert.deepInclude(refused.outcomes, { users: "Failed", tracks: "Failed", [listens]: "Failed" })
        assert.deepStrictEqual(yield* idsIn("users"), idsOf(world.users))

        const accept = ["users:keeps-most", "tracks:keeps-most"]
        const accepted = yield* materialize({ world: renewed, recheck: true, accept })
        assert.strictEqual(accepted.status, "Succeeded", accepted.explain)
        assert.deepStrictEqual(yield* idsIn("users"), idsOf(renewed.users))
        assert.strictEqual((yield* rows("select from music.features")).length, 300)
      })
    )
  )

  it.effect("between users and tracks leaves no listen behind, as none of a day fits both", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world, select: "users" })
        const renewed = moved(FakeSource.restarted)
        yield* materialize({ world: renewed, select: "tracks" })
        const ran = yield* materialize({ world: renewed })
        assert.include(ran.errors[listens]!.message, "no user has the id")
        assert.deepStrictEqual(yield* rows("select from music.listen_history"), [])
      })
    )
  )
})
