import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import { modelChampion } from "../../assets/model_champion.ts"
import * as Pipeline from "../assets/Pipeline.ts"
import { type Answer, ask, empty, filled, materialize, post, tracksOf, unproven, until, world } from "./Service.ts"

const listens = (user_id: number, ...tracks: ReadonlyArray<number>) =>
  post("/listens", { listens: tracks.map((track_id) => ({ user_id, track_id, listened_at: "2026-03-01T11:00:00Z" })) })

const ranked = (user: number) =>
  Effect.map(
    Pipeline.rows<{ readonly track_id: number; readonly because_track_id: number | null }>(
      "select track_id, because_track_id from music.recommended_tracks where user_id = $1 order by rank",
      [BigInt(user)]
    ),
    (rows) => rows.map(({ track_id }) => track_id)
  )

layer(filled, { timeout: "60 seconds" })("recommendations", (it) => {
  it.effect("are those that were computed, with the versions they were computed by", () =>
    Effect.gen(function* () {
      const answer = yield* ask("/recommendations/1")
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.type, "application/json")
      assert.deepStrictEqual(tracksOf(answer), (yield* ranked(1)).slice(0, 10))
      assert.deepInclude(answer.body, { user_id: 1, origin: "personal", reason: "as asked" })
      assert.strictEqual(answer.headers.get("x-model-version"), (yield* Pipeline.state(modelChampion))!.dataVersion)
      assert.strictEqual(answer.headers.get("x-as-of"), "2026-03-01T12:00:00.000Z")
    })
  )

  it.effect("are as many as asked for, the popular ones after those that were computed", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask("/recommendations/2?size=3")).body.items.length, 3)
      const all = yield* ask("/recommendations/2?size=50")
      const tracks = tracksOf(all)
      // All thirty but the five that he plays.
      assert.strictEqual(new Set(tracks).size, 25)
      assert.deepStrictEqual(tracks.slice(0, 15), yield* ranked(2))
      for (const own of [2, 3, 4, 5, 6]) assert.notInclude(tracks, own)
      assert.deepStrictEqual(new Set(all.body.items.slice(15).map((item: any) => item.origin)), new Set(["popular"]))
    })
  )

  it.effect("are the same for everybody who asks at once as for who asks alone", () =>
    Effect.gen(function* () {
      const said = ({ body, status }: Answer) => ({ status, body })
      // Some have more than was computed, one is asked for twice, one has nothing, and one does not exist.
      const paths = [1, 2, 3, 2, 31, 1000].flatMap((user) =>
        [3, 20].map((size) => `/recommendations/${user}?size=${size}`)
      )
      const alone = yield* Effect.forEach(paths, (path) => Effect.map(ask(path), said))
      const together = yield* Effect.forEach(paths, (path) => Effect.map(ask(path), said), { concurrency: "unbounded" })
      assert.deepStrictEqual(together, alone)
      assert.deepStrictEqual(alone.map(({ status }) => status).slice(-4), [200, 200, 404, 404])
    })
  )

  it.effect("are not sent again to whoever has them, until they change", () =>
    Effect.gen(function* () {
      const first = yield* ask("/recommendations/3")
      const etag = first.headers.get("etag")!
      for (const known of [etag, `"other", W/${etag}`, "*"]) {
        const again = yield* ask("/recommendations/3", { headers: { "if-none-match": known } })
        assert.deepInclude(again, { status: 304, body: "" })
        assert.strictEqual(again.headers.get("etag"), etag)
        assert.strictEqual(again.headers.get("x-model-version"), first.headers.get("x-model-version"))
      }
      yield* listens(3, tracksOf(first)[0]!)
      const changed = yield* ask("/recommendations/3", { headers: { "if-none-match": etag } })
      assert.strictEqual(changed.status, 200)
      assert.notStrictEqual(changed.headers.get("etag"), etag)
    })
  )

  it.effect("leave out what was heard since, and are then what the model says of the longer history", () =>
    Effect.gen(function* () {
      const before = yield* ask("/recommendations/4?size=15&explain=true")
      // Far from what he plays, which is 4 to 8.
      assert.notInclude(tracksOf(before).slice(0, 5), 21)
      yield* listens(4, 20, tracksOf(before)[0]!)
      const after = yield* ask("/recommendations/4?size=15&explain=true")
      assert.notInclude(tracksOf(after), 20)
      assert.notInclude(tracksOf(after), tracksOf(before)[0])
      const neighbour = after.body.items.find((item: any) => item.track_id === 21)
      assert.deepInclude(neighbour, { origin: "personal", because: { id: 20, name: "Track 20", artist: "Artist" } })
      assert.strictEqual(after.headers.get("x-model-version"), before.headers.get("x-model-version"))
      assert.notStrictEqual(after.headers.get("x-as-of"), before.headers.get("x-as-of"))
      const scores: ReadonlyArray<number> = after.body.items.map((item: any) => item.score)
      assert.deepStrictEqual(
        scores,
        scores.toSorted((left, right) => right - left)
      )
    })
  )

  it.effect("end, and say why, once there is nothing left to hear", () =>
    Effect.gen(function* () {
      yield* listens(5, ...Array.from({ length: 29 }, (_, index) => 1 + index))
      const answer = yield* ask("/recommendations/5")
      assert.deepStrictEqual(tracksOf(answer), [30])
      yield* listens(5, 30)
      const last = yield* ask("/recommendations/5")
      assert.deepInclude(last.body, { origin: null, reason: "nothing more to recommend by taste", items: [] })
    })
  )

  it.effect("are popular ones for whom nothing was computed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`delete from music.recommendations where user_id = 6`
      const answer = yield* ask("/recommendations/6?size=4")
      assert.deepInclude(answer.body, { origin: "popular", reason: "not recommended anything yet" })
      assert.strictEqual(answer.body.items.length, 4)
      assert.strictEqual(answer.headers.get("x-as-of"), "2026-03-01T12:00:00.000Z")
    })
  )

  it.effect("tell on request which track speaks for each", () =>
    Effect.gen(function* () {
      const { body } = yield* ask("/recommendations/7?size=2&explain=true")
      for (const { because, track, track_id } of body.items) {
        assert.deepStrictEqual(track, { id: track_id, name: `Track ${track_id}`, artist: "Artist" })
        assert.include([7, 8, 9, 10, 11], because.id)
        assert.strictEqual(because.name, `Track ${because.id}`)
      }
      const without = yield* ask("/recommendations/31?size=1&explain=true")
      assert.isNull(without.body.items[0].because)
    })
  )

  it.effect("are refused for users that the source does not show", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`update music.users set removed_at = now() where id = 33`
      for (const user of [33, 999]) {
        const answer = yield* ask(`/recommendations/${user}`)
        assert.deepInclude(answer, { status: 404, type: "application/problem+json" })
        assert.deepInclude(answer.body, { type: "urn:music:unknown-user", detail: `there is no user ${user}` })
      }
    })
  )
})

layer(filled, { timeout: "60 seconds" })("what is next to a track", (it) => {
  const next = (body: unknown) => post("/recommendations/next", body)

  it.effect("is what was played on the same days, most often first", () =>
    Effect.gen(function* () {
      const answer = yield* next({ track_id: 10, size: 8 })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.body.origin, "together")
      // Five users play 10; four of them also 9, and four 11.
      assert.deepStrictEqual(tracksOf(answer), [9, 11, 8, 12, 7, 13, 6, 14])
      assert.deepStrictEqual(
        answer.body.items.map((item: any) => item.score),
        [0.8, 0.8, 0.6, 0.6, 0.4, 0.4, 0.2, 0.2]
      )
      assert.isString(answer.headers.get("x-model-version"))
    })
  )

  it.effect("leaves out what the user knows, and goes on with popular tracks", () =>
    Effect.gen(function* () {
      yield* listens(8, 14)
      const answer = yield* next({ track_id: 10, user_id: 8, size: 50 })
      for (const known of [8, 9, 10, 11, 12, 14]) assert.notInclude(tracksOf(answer), known)
      assert.deepStrictEqual(tracksOf(answer).slice(0, 3), [7, 13, 6])
      assert.strictEqual(tracksOf(answer).length, 24)
      assert.strictEqual(answer.body.items.at(-1).origin, "popular")
    })
  )

  it.effect("is counted anew after another day was published", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const before = tracksOf(yield* next({ track_id: 20, size: 1 }))
      yield* sql`insert into music.listen_history (day, user_id, position, track_id, created_at, updated_at)
        select '2026-02-27', user_id, position, case position when 0 then 20 else 30 end, now(), now()
        from generate_series(1, 20) user_id, generate_series(0, 1) position`
      assert.deepStrictEqual(tracksOf(yield* next({ track_id: 20, size: 1 })), before)
      yield* TestClock.adjust("1 day")
      yield* materialize(world)
      yield* until(Effect.map(next({ track_id: 20, size: 1 }), (answer) => tracksOf(answer)[0] === 30))
    })
  )

  it.effect("is refused for a track or a user that there is not", () =>
    Effect.gen(function* () {
      const track = yield* next({ track_id: 999 })
      assert.strictEqual(track.status, 404)
      assert.strictEqual(track.body.type, "urn:music:unknown-track")
      const user = yield* next({ track_id: 10, user_id: 999 })
      assert.strictEqual(user.status, 404)
      assert.strictEqual(user.body.type, "urn:music:unknown-user")
    })
  )

  it.effect("leaves out what the source no longer shows, played together or similar", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(tracksOf(yield* next({ track_id: 10, size: 3 })), [9, 11, 8])
      yield* sql`update music.tracks set removed_at = now() where id = 11`
      assert.deepStrictEqual(tracksOf(yield* next({ track_id: 10, size: 3 })), [9, 8, 12])
      yield* sql`delete from music.listen_history`
      const similar = yield* next({ track_id: 12, size: 2 })
      assert.strictEqual(similar.body.origin, "similar")
      assert.deepStrictEqual(tracksOf(similar), [13, 10])
    })
  )
})

layer(filled, { timeout: "60 seconds" })("what is similar to a track", (it) => {
  it.effect("is what the model in force says, with names and a tag", () =>
    Effect.gen(function* () {
      const answer = yield* ask("/tracks/10/similar?size=2")
      assert.strictEqual(answer.status, 200)
      assert.sameMembers([...tracksOf(answer)], [9, 11])
      assert.strictEqual(answer.body.items[0].track.name, `Track ${answer.body.items[0].track_id}`)
      assert.strictEqual(answer.headers.get("x-model-version"), (yield* Pipeline.state(modelChampion))!.dataVersion)
      const again = yield* ask("/tracks/10/similar?size=2", {
        headers: { "if-none-match": answer.headers.get("etag")! }
      })
      assert.strictEqual(again.status, 304)
    })
  )

  it.effect("leaves out what the source no longer shows", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`update music.tracks set removed_at = now() where id = 16`
      assert.notInclude(tracksOf(yield* ask("/tracks/15/similar?size=50")), 16)
      assert.strictEqual((yield* ask("/tracks/16/similar")).status, 404)
    })
  )
})

layer(unproven, { timeout: "60 seconds" })("where no model is better than popularity", (it) => {
  it.effect("no score rises from what was computed to what follows it", () =>
    Effect.gen(function* () {
      for (const user of [1, 31]) {
        const { body } = yield* ask(`/recommendations/${user}?size=20`)
        const scores = body.items.map(({ score }: { readonly score: number }) => score)
        assert.strictEqual(scores.length, 20)
        assert.deepStrictEqual(
          scores,
          scores.toSorted((left: number, right: number) => right - left)
        )
      }
    })
  )

  it.effect("what is popular is recommended, and nothing is called similar", () =>
    Effect.gen(function* () {
      const answer = yield* ask("/recommendations/1?explain=true")
      assert.deepInclude(answer.body, { origin: "popular", reason: "as asked" })
      for (const item of answer.body.items) assert.deepInclude(item, { origin: "popular", because: null })
      yield* listens(1, tracksOf(answer)[0]!)
      const after = yield* ask("/recommendations/1")
      assert.strictEqual(after.body.items.length, 10)
      assert.notInclude(tracksOf(after), tracksOf(answer)[0])
      assert.deepInclude(yield* ask("/tracks/1/similar"), { status: 200, body: { track_id: 1, items: [] } })
    })
  )
})

describe("before anything is published", () => {
  layer(empty, { timeout: "60 seconds" })((it) => {
    it.effect("there is nothing to recommend, and the service says so", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`insert into music.users (id, first_name, last_name, email, gender, favorite_genres, created_at, updated_at, run_id)
          values (1, '', '', '', '', '', now(), now(), '')`
        const answer = yield* ask("/recommendations/1")
        assert.deepInclude(answer, { status: 503, type: "application/problem+json" })
        assert.strictEqual(answer.body.type, "urn:music:nothing-published")
        assert.strictEqual(answer.headers.get("retry-after"), "5")
        const health = yield* ask("/health")
        assert.deepInclude(health, { status: 200, body: { status: "ok", recommendations: null } })
      })
    )
  })
})
