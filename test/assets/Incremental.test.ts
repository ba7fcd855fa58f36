import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { materialize, metadataOf, millisPerDay, noon, onDatabase, rows } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const found = rows("select * from music.recommended_tracks order by user_id, rank")

const world = Worlds.sample({ users: 200, tracks: 100 })

/** All of these would change the model as well; it stays as it is. */
const select = ["users", "tracks", "listen_history", "features", "recommendations"]

/** What they are when nothing of them is at hand. */
const afresh = Effect.gen(function* () {
  yield* rows("update music.recommendations set basis = ''")
  const ran = yield* materialize({ world, select: ["recommendations"], force: true })
  return [metadataOf(ran)["recommendations"], yield* found] as const
})

describe("recommendations that are computed again", () => {
  it.effect("are so for users who listened to something since, with the same result as for everybody", () =>
    onDatabase(
      Effect.gen(function* () {
        const first = yield* materialize({ world })
        const everybody = world.users.length
        assert.deepInclude(metadataOf(first)["recommendations"], { kept: 0, scored: everybody })
        const served = yield* rows<{ model_version: string }>(
          "select distinct model_version from music.recommended_tracks"
        )
        assert.strictEqual(served.length, 1)

        yield* TestClock.setTime(noon + millisPerDay)
        const listened = world.lists.filter(({ items }) => items !== null && items.length > 0).slice(0, 3)
        const next = { ...world, lists: listened }
        const ran = yield* materialize({ world: next, select })
        assert.deepInclude(metadataOf(ran)["recommendations"], { kept: everybody - 3, scored: 3 }, ran.explain)
        const kept = yield* found
        const [told, again] = yield* afresh
        assert.deepInclude(told, { kept: 0, scored: everybody })
        assert.deepStrictEqual(kept, again)
      })
    )
  )

  it.effect("are so for everybody where a track is no longer shown, and name it nowhere", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const [{ track }] = (yield* rows<{ track: number }>(
          "select track_id as track from music.recommended_tracks order by user_id, rank limit 1"
        )) as [{ track: number }]
        yield* TestClock.setTime(noon + millisPerDay)
        const left = { ...Worlds.withoutTracks(world, [track]), lists: [] }
        const ran = yield* materialize({ world: left, select })
        assert.deepInclude(metadataOf(ran)["recommendations"], { kept: 0 }, ran.explain)
        const kept = yield* found
        assert.isTrue(kept.every((row) => row["track_id"] !== track && row["because_track_id"] !== track))
        const [, again] = yield* afresh
        assert.deepStrictEqual(kept, again)
      })
    )
  )

  it.effect("are so for users whose rows something else has changed", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* found
        const [first, second] = (yield* rows<{ user: number }>(
          "select distinct user_id as user from music.recommended_tracks order by 1 limit 2"
        )) as [{ user: number }, { user: number }]
        yield* rows(`update music.recommendations set items = items::jsonb - 0 where user_id = ${first.user}`)
        yield* rows(
          `update music.recommendations set items = jsonb_set(items::jsonb, '{1,1}', '9') where user_id = ${second.user}`
        )
        const ran = yield* materialize({ world, select: ["recommendations"], force: true })
        assert.deepInclude(metadataOf(ran)["recommendations"], { kept: world.users.length - 2, scored: 2 }, ran.explain)
        assert.deepStrictEqual(yield* found, before)
      })
    )
  )
})
