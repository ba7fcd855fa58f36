import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { modelChampion } from "../../assets/model_champion.ts"
import { materialize, onDatabase, rows, state } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

interface Row {
  readonly user_id: number
  readonly rank: number
  readonly track_id: number
  readonly score: number
  readonly because_track_id: number | null
  readonly model_version: string
}

const recommended = Effect.map(rows<Row>("select * from music.recommended_tracks order by user_id, rank"), (found) =>
  Map.groupBy(found, ({ user_id }) => user_id)
)

const played = (world: Worlds.Still, id: number) => world.lists.find(({ user_id }) => user_id === id)?.items ?? []

const tracksOf = (ranked: ReadonlyArray<Row> | undefined) => ranked?.map(({ track_id }) => track_id)

describe("recommendations", () => {
  it.effect("are fifteen a user, best first, new to him, each for a track that he plays", () =>
    onDatabase(
      Effect.gen(function* () {
        const world = Worlds.sample({ users: 400, tracks: 100 })
        yield* materialize({ world })
        const found = yield* recommended
        const version = (yield* state(modelChampion))!.dataVersion
        assert.sameMembers(
          Array.from(found.keys()),
          world.users.map(({ id }) => id)
        )
        for (const [user, ranked] of found) {
          const own = played(world, user)
          assert.deepStrictEqual(
            ranked.map(({ rank }) => rank),
            Array.from({ length: 15 }, (_, index) => index + 1)
          )
          assert.strictEqual(new Set(tracksOf(ranked)).size, 15)
          for (const [index, { because_track_id, model_version, score, track_id }] of ranked.entries()) {
            assert.notInclude(own, track_id)
            assert.isAtMost(score, ranked[index - 1]?.score ?? Infinity)
            assert.strictEqual(model_version, version)
            if (because_track_id === null) assert.strictEqual(score, 0)
            else assert.include(own, because_track_id)
          }
        }
        const withReason = Array.from(found.values())
          .flat()
          .filter((row) => row.because_track_id !== null)
        assert.isAbove(withReason.length, found.size * 10)
      })
    )
  )

  it.effect("are the popular tracks, without a reason, for users without history", () =>
    onDatabase(
      Effect.gen(function* () {
        const ring = Worlds.ring(30)
        const popular = [7, 3, 11]
        const fans = popular.flatMap((track, place) =>
          Array.from({ length: 9 - place }, (_, fan) => Worlds.list(100 + 10 * place + fan, track))
        )
        const world: Worlds.Still = {
          ...ring,
          users: [
            ...ring.users,
            ...fans.map(({ user_id }) => Worlds.user(user_id!)),
            Worlds.user(500),
            Worlds.user(501)
          ],
          lists: [...ring.lists, ...fans, { ...Worlds.list(501), items: null }]
        }
        yield* materialize({ world })
        const found = yield* recommended
        for (const newcomer of [500, 501]) {
          const ranked = found.get(newcomer)!
          assert.deepStrictEqual(tracksOf(ranked)?.slice(0, 3), popular)
          assert.strictEqual(ranked.length, 15)
          assert.isTrue(ranked.every((row) => row.because_track_id === null && row.score === 0))
        }
      })
    )
  )

  it.effect("are for nobody who was removed, and neither name nor rest on a track that was", () =>
    onDatabase(
      Effect.gen(function* () {
        const world = Worlds.sample({ users: 400, tracks: 100 })
        yield* materialize({ world })
        const [reason] = yield* rows<{ user: number; track: number }>(
          `select user_id as user, because_track_id as track from music.recommended_tracks
          where because_track_id is not null limit 1`
        )
        const { track, user } = reason!
        const left = Worlds.withoutTracks(Worlds.withoutUsers(world, [user]), [track])
        const ran = yield* materialize({ world: left, recheck: true })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const found = yield* recommended
        assert.sameMembers(
          Array.from(found.keys()),
          left.users.map(({ id }) => id)
        )
        for (const row of Array.from(found.values()).flat()) {
          assert.notStrictEqual(row.track_id, track)
          assert.notStrictEqual(row.because_track_id, track)
        }
        assert.isTrue(Array.from(found.values()).every((ranked) => ranked.length === 15))
      })
    )
  )

  it.effect("are fewer where there are fewer tracks to choose from, down to none", () =>
    onDatabase(
      Effect.gen(function* () {
        const ring = Worlds.ring(8)
        const world = Worlds.withList(ring, Worlds.list(8, 1, 2, 3, 4, 5, 6, 7, 8))
        const ran = yield* materialize({ world })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const found = yield* recommended
        assert.deepStrictEqual(tracksOf(found.get(1))?.toSorted(), [6, 7, 8])
        assert.isUndefined(found.get(8))
      })
    )
  )

  it.effect("are any tracks at all when nobody has played anything", () =>
    onDatabase(
      Effect.gen(function* () {
        const ring = Worlds.ring(20)
        const ran = yield* materialize({ world: { ...ring, lists: [] } })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const found = yield* recommended
        assert.strictEqual(found.size, 20)
        assert.isTrue(Array.from(found.values()).every((ranked) => ranked.length === 15 && ranked[0]!.score === 0))
      })
    )
  )
})
