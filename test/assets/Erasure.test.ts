import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { materialize, onDatabase, published, rows } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

describe("deleting a user", () => {
  it.effect("takes along his listens, features and recommendations, and nobody else's", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: Worlds.ring(30) })
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
