import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import * as Pipeline from "../assets/Pipeline.ts"
import { filled, post, until } from "./Service.ts"

const listen = (user_id: number, track_id: number, listened_at = "2026-03-01T11:00:00Z") => ({
  user_id,
  track_id,
  listened_at
})

const recorded = (user: number) =>
  Pipeline.rows("select track_id, listened_at from music.posted_listen where user_id = $1 order by track_id", [
    BigInt(user)
  ])

/** Who waits for a lock in this database. */
const waiting = Pipeline.rows(`select pid from pg_locks where not granted
  and pid in (select pid from pg_stat_activity where datname = current_database())`)

layer(filled, { timeout: "60 seconds" })("what is posted", (it) => {
  it.effect("is in the database when the answer comes, once however often it is posted", () =>
    Effect.gen(function* () {
      const first = yield* post("/listens", { listens: [listen(1, 10), listen(1, 11)] })
      assert.deepInclude(first, { status: 200, body: { recorded: 2, repeated: 0 } })
      const rows = [
        { track_id: 10, listened_at: new Date("2026-03-01T11:00:00Z") },
        { track_id: 11, listened_at: new Date("2026-03-01T11:00:00Z") }
      ]
      assert.deepStrictEqual(yield* recorded(1), rows)
      const again = yield* post("/listens", {
        listens: [listen(1, 11, "2026-03-01T12:00:00+01:00"), listen(1, 11), listen(1, 12)]
      })
      assert.deepStrictEqual(again.body, { recorded: 1, repeated: 2 })
      assert.deepStrictEqual((yield* recorded(1)).slice(0, 2), rows)
    })
  )

  it.effect("is recorded whole or not at all", () =>
    Effect.gen(function* () {
      const answer = yield* post("/listens", { listens: [listen(2, 10), listen(2, 999), listen(999, 10)] })
      assert.deepInclude(answer, { status: 422, type: "application/problem+json" })
      assert.deepStrictEqual(answer.body, {
        type: "urn:music:unknown-ids",
        status: 422,
        title: "Unknown users or tracks",
        detail: "nothing was recorded: 2 of 3 name an unknown user or track",
        errors: [
          { path: ["payload", "listens", 1, "track_id"], message: "there is no track 999" },
          { path: ["payload", "listens", 2, "user_id"], message: "there is no user 999" }
        ]
      })
      assert.deepStrictEqual(yield* recorded(2), [])
    })
  )

  it.effect("at the same time is recorded once", () =>
    Effect.gen(function* () {
      const answers = yield* Effect.all(
        Array.from({ length: 8 }, () => post("/listens", { listens: [listen(3, 20)] })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(
        answers.reduce((sum, { body }) => sum + body.recorded, 0),
        1
      )
      assert.strictEqual((yield* recorded(3)).length, 1)
    })
  )

  it.effect("may be an impression or a click at a place", () =>
    Effect.gen(function* () {
      const shown = { user_id: 4, track_id: 9, at: "2026-03-01T11:00:00Z", position: 1, model_version: "m1" }
      const feedback = [
        { ...shown, kind: "impression" },
        { ...shown, kind: "click" }
      ]
      const answer = yield* post("/feedback", { feedback })
      assert.deepInclude(answer, { status: 200, body: { recorded: 2, repeated: 0 } })
      assert.deepStrictEqual((yield* post("/feedback", { feedback })).body, { recorded: 0, repeated: 2 })
      const rows = yield* Pipeline.rows("select kind, position, model_version from music.feedback order by kind")
      assert.deepStrictEqual(rows, [
        { kind: "click", position: 1, model_version: "m1" },
        { kind: "impression", position: 1, model_version: "m1" }
      ])
      const odd = yield* post("/feedback", { feedback: [{ ...shown, kind: "stare" }] })
      assert.strictEqual(odd.status, 400)
      assert.deepStrictEqual(odd.body.errors[0].path, ["payload", "feedback", 0, "kind"])
      for (const model_version of ["m\u00001", "m\ud8001"]) {
        const odd = yield* post("/feedback", { feedback: [{ ...shown, kind: "click", model_version }] })
        assert.strictEqual(odd.status, 400)
        assert.deepStrictEqual(odd.body.errors[0].path, ["payload", "feedback", 0, "model_version"])
      }
    })
  )

  it.effect("is refused where a moment is of no year from 1 to 9999", () =>
    Effect.gen(function* () {
      for (const moment of ["0000-12-31T23:59:59Z", "+010000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00"]) {
        const { body, status } = yield* post("/listens", { listens: [listen(5, 1, moment)] })
        assert.strictEqual(status, 400)
        assert.deepStrictEqual(body.errors[0].path, ["payload", "listens", 0, "listened_at"])
      }
      for (const moment of ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"]) {
        assert.strictEqual((yield* post("/listens", { listens: [listen(5, 1, moment)] })).status, 200)
      }
    })
  )

  it.effect("is refused where a moment is of no day, no time, or of no known offset from UTC", () =>
    Effect.gen(function* () {
      const moments = ["2026-02-30T11:00:00Z", "2026-03-01T11:00:60Z", "2026-03-01T11:00:00", "2026-03-01", "yesterday"]
      for (const moment of moments) {
        const { body, status } = yield* post("/listens", { listens: [listen(5, 1, moment)] })
        assert.strictEqual(status, 400, moment)
        assert.include(body.errors[0].message, "2025-01-31T12:00:00Z")
      }
      assert.strictEqual((yield* post("/listens", { listens: [listen(6, 2, "2026-03-01T11:00+05:30")] })).status, 200)
      const [row] = yield* Pipeline.rows(
        "select listened_at from music.posted_listen where user_id = 6 and track_id = 2"
      )
      assert.deepStrictEqual(row, { listened_at: new Date("2026-03-01T05:30:00Z") })
    })
  )

  it.effect("is refused where it is nothing, or more than a thousand", () =>
    Effect.gen(function* () {
      for (const length of [0, 1001]) {
        const listens = Array.from({ length }, (_, index) => listen(1 + (index % 30), 1))
        assert.strictEqual((yield* post("/listens", { listens })).status, 400)
      }
    })
  )

  it.effect("is of an unknown user where he is deleted meanwhile", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const posting = yield* Effect.gen(function* () {
        yield* sql`delete from music.users where id = 31`
        const posting = yield* Effect.forkScoped(post("/listens", { listens: [listen(31, 1)] }))
        yield* until(Effect.map(waiting, (found) => found.length > 0))
        return posting
      }).pipe(sql.withTransaction)
      assert.strictEqual((yield* Fiber.join(posting)).status, 422)
    }).pipe(Effect.scoped)
  )

  it.effect("goes with its listener", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* post("/listens", { listens: [listen(32, 1)] })
      assert.strictEqual((yield* recorded(32)).length, 1)
      yield* sql`delete from music.users where id = 32`
      assert.deepStrictEqual(yield* recorded(32), [])
    })
  )
})
