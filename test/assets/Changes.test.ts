import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { users } from "../../assets/users.ts"
import { materialize, metadataOf, onDatabase, published, rows, state, status, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(30)
const listens = `listen_history/${today}`

const verified = { users: "Verified", tracks: "Verified", [listens]: "Verified" } as const
const cutOff = {
  features: "CutOff",
  model: "CutOff",
  model_champion: "CutOff",
  recommendations: "CutOff"
} as const

const renamed: Worlds.Still = { ...world, users: [Worlds.user(1, "Renamed"), ...world.users.slice(1)] }

const changing = (...worlds: ReadonlyArray<Worlds.Still>) =>
  Effect.gen(function* () {
    yield* materialize({ world })
    return yield* Effect.forEach(worlds, (changed) => materialize({ world: changed, recheck: true }))
  })

describe("a recheck", () => {
  it.effect("of an unchanged API runs the three sources and cuts off everything below", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* published
        const ran = yield* materialize({ world, recheck: true })
        assert.deepStrictEqual(ran.outcomes, { ...verified, ...cutOff })
        assert.deepStrictEqual(yield* published, before)
      })
    )
  )

  it.effect("of one new user reaches users and recommendations, and verifies the features", () =>
    onDatabase(
      Effect.gen(function* () {
        const [ran] = yield* changing(Worlds.withUser(world, Worlds.user(31)))
        const reached = { users: "Materialized", features: "Verified", recommendations: "Materialized" } as const
        assert.deepStrictEqual(ran!.outcomes, { ...verified, ...cutOff, ...reached })
        assert.strictEqual((yield* rows("select from music.recommended_tracks where user_id = 31")).length, 15)
      })
    )
  )

  it.effect("of one new listen reaches everything that is made of listens", () =>
    onDatabase(
      Effect.gen(function* () {
        const [ran] = yield* changing(Worlds.withList(world, Worlds.list(1, 1, 2, 3, 4, 5, 15)))
        const made = {
          features: "Materialized",
          model: "Materialized",
          model_champion: "Materialized",
          recommendations: "Materialized"
        } as const
        assert.deepStrictEqual(ran!.outcomes, { ...verified, [listens]: "Materialized", ...made })
        assert.deepStrictEqual(yield* rows("select plays from music.features where user_id = 1 and track_id = 15"), [
          { plays: 1 }
        ])
      })
    )
  )

  it.effect("of a renamed user verifies features and recommendations without writing them", () =>
    onDatabase(
      Effect.gen(function* () {
        const [ran] = yield* changing(renamed)
        const reached = { users: "Materialized", features: "Verified", recommendations: "Verified" } as const
        assert.deepStrictEqual(ran!.outcomes, { ...verified, ...cutOff, ...reached })
        assert.deepStrictEqual(yield* rows("select first_name from music.users where id = 1"), [
          { first_name: "Renamed" }
        ])
      })
    )
  )

  it.effect("of a user who left marks him as removed, and unmarks him when he is back", () =>
    onDatabase(
      Effect.gen(function* () {
        const user = rows<{ removed_at: Date | null; first_seen_at: Date }>(
          "select removed_at, first_seen_at from music.users where id = 7"
        )
        yield* materialize({ world })
        const [before] = yield* user
        const version = (yield* state(users))!.dataVersion
        const left = yield* materialize({ world: Worlds.withoutUsers(world, [7]), recheck: true })
        assert.deepStrictEqual(metadataOf(left)["users"], {
          rows: 29,
          before: 30,
          inserted: 0,
          updated: 0,
          unchanged: 29,
          removed: 1
        })
        assert.instanceOf((yield* user)[0]!.removed_at, Date)
        assert.notStrictEqual((yield* state(users))!.dataVersion, version)

        const back = yield* materialize({ world, recheck: true })
        assert.strictEqual(metadataOf(back)["users"]!["inserted"], 1)
        assert.deepStrictEqual((yield* user)[0], before)
        assert.strictEqual((yield* state(users))!.dataVersion, version)
        assert.isAbove((yield* rows("select from music.recommended_tracks where user_id = 7")).length, 0)
      })
    )
  )

  it.effect("counts what it inserted, updated, left and removed", () =>
    onDatabase(
      Effect.gen(function* () {
        const more = [31, 32, 33].map((id) => Worlds.user(id))
        const changed = { ...renamed, users: [...renamed.users.slice(0, -2), ...more] }
        const [ran] = yield* changing(changed)
        assert.deepStrictEqual(metadataOf(ran!)["users"], {
          rows: 31,
          before: 30,
          inserted: 3,
          updated: 1,
          unchanged: 27,
          removed: 2
        })
        assert.deepStrictEqual(
          (yield* rows("select run_id from music.users where id in (1, 29, 31) group by 1")).map(
            (row) => row["run_id"]
          ),
          [ran!.id]
        )
      })
    )
  )

  it.effect("of an input that changed back leaves what was made of it Current", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* materialize({ world: renamed, select: "users", recheck: true })
        const between = yield* status
        assert.deepInclude(between, { features: "Stale", model: "Maybe", recommendations: "Stale" })
        yield* materialize({ world, select: "users", recheck: true })
        assert.deepStrictEqual(new Set(Object.values(yield* status)), new Set(["Current"]))
        assert.strictEqual((yield* materialize({ world })).explain, "Succeeded: nothing to do")
      })
    )
  )
})
