import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ApiKey from "../../assets/api/ApiKey.ts"
import { features } from "../../assets/features.ts"
import * as Pipeline from "../assets/Pipeline.ts"
import { ask, filled, post, start, until } from "./Service.ts"

const remove = (user: number) => ask(`/users/${user}`, { method: "DELETE" })

const listens = { listens: [{ user_id: 9, track_id: 20, listened_at: "2026-03-01T11:00:00Z" }] }
const feedback = {
  feedback: [
    { user_id: 9, track_id: 20, kind: "click", at: "2026-03-01T11:00:00Z", position: 1, model_version: "a version" }
  ]
}

const left = Pipeline.rows<{ readonly table: string }>(
  `select 'posted_listen' as table from music.posted_listen where user_id = 9
    union all select 'feedback' from music.feedback where user_id = 9
    union all select 'users' from music.users where id = 9
    union all select 'listen_history' from music.listen_history where user_id = 9`
)

layer(filled, { timeout: "60 seconds" })("DELETE /users/{id}", (it) => {
  it.effect("tells of a user that is not there", () =>
    Effect.gen(function* () {
      const answer = yield* remove(999)
      assert.deepInclude(answer, { status: 404, type: "application/problem+json" })
      assert.deepInclude(answer.body, { type: "urn:music:unknown-user", detail: "there is no user 999" })
      assert.strictEqual((yield* ask("/users/nine", { method: "DELETE" })).status, 400)
    })
  )

  it.effect("deletes what was published, posted and told of him, and is done however often it is asked", () =>
    Effect.gen(function* () {
      const counted = Effect.map(post("/recommendations/next", { track_id: 20 }), ({ headers }) =>
        headers.get("x-model-version")
      )
      yield* post("/listens", listens)
      yield* post("/feedback", feedback)
      assert.isAtLeast((yield* left).length, 4)
      const before = yield* counted
      assert.deepInclude(yield* remove(9), { status: 204, body: "" })
      assert.deepStrictEqual(yield* left, [])
      assert.strictEqual((yield* ask("/recommendations/9")).status, 404)
      assert.strictEqual((yield* post("/listens", listens)).status, 422)
      assert.strictEqual((yield* remove(9)).status, 204)
      // What is popular is counted anew, without him.
      const { dataVersion } = (yield* Pipeline.state(features))!
      assert.notStrictEqual(dataVersion, before)
      yield* until(Effect.map(counted, (version) => version === dataVersion))
      assert.strictEqual((yield* ask("/recommendations/8")).status, 200)
    })
  )

  it.effect("needs a key for everything once there are keys", () =>
    Effect.gen(function* () {
      const [write, admin] = [yield* ApiKey.create("writes", ["write"]), yield* ApiKey.create("all", ["admin"])]
      const ask = yield* start()
      const status = (text: string) =>
        Effect.map(
          ask("/users/8", { method: "DELETE", headers: { authorization: `Bearer ${text}` } }),
          ({ status }) => status
        )
      assert.strictEqual(yield* status(write.text), 403)
      assert.strictEqual(yield* status(admin.text), 204)
    }).pipe(Effect.scoped)
  )
})
