import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { modelChampion } from "../../assets/model_champion.ts"
import * as Pipeline from "../assets/Pipeline.ts"
import * as Worlds from "../assets/Worlds.ts"
import { type Answer, ask, filled, materialize, tracksOf, until, world } from "./Service.ts"

/** What each user is recommended, by the version of the model that recommended it. */
const recommended = Effect.map(
  Pipeline.rows<{ readonly user_id: number; readonly tracks: ReadonlyArray<bigint>; readonly model_version: string }>(
    `select user_id, array_agg(track_id order by rank) as tracks, max(model_version) as model_version
      from music.recommended_tracks group by user_id`
  ),
  (rows) => new Map(rows.map((row) => [`${row.user_id} ${row.model_version}`, row.tracks.map(Number)]))
)

/** Everybody plays what user n + 3 played before. */
const moved: Worlds.Still = {
  ...world,
  lists: world.lists.map((list) => ({ ...list, items: list.items!.map((id) => 1 + ((id! + 2) % 30)) }))
}

layer(filled, { timeout: "60 seconds" })("while something else is published", (it) => {
  it.effect("every request is answered, each from one version or the other", () =>
    Effect.gen(function* () {
      const answers: Array<readonly [user: number, Answer]> = []
      const asking = Effect.gen(function* () {
        for (let user = 1; ; user = 1 + (user % 30)) {
          answers.push([user, yield* ask(`/recommendations/${user}?size=15`)])
          const similar = yield* ask(`/tracks/${user}/similar`)
          assert.strictEqual(similar.status, 200)
        }
      })
      const before = yield* recommended
      const old = (yield* Pipeline.state(modelChampion))!.dataVersion
      const askers = yield* Effect.all([asking, asking, asking, asking], { concurrency: "unbounded" }).pipe(
        Effect.forkChild
      )
      yield* TestClock.adjust("1 day")
      yield* materialize(moved)
      const next = (yield* Pipeline.state(modelChampion))!.dataVersion
      assert.notStrictEqual(next, old)
      yield* until(Effect.map(ask("/tracks/1/similar"), ({ headers }) => headers.get("x-model-version") === next))
      yield* until(Effect.map(ask("/health"), () => answers.at(-1)![1].headers.get("x-model-version") === next))
      yield* Fiber.interrupt(askers)

      const both = new Map([...before, ...(yield* recommended)])
      for (const [user, answer] of answers) {
        assert.strictEqual(answer.status, 200)
        assert.deepStrictEqual(tracksOf(answer), both.get(`${user} ${answer.headers.get("x-model-version")}`))
      }
      const versions = new Set(answers.map(([, { headers }]) => headers.get("x-model-version")))
      assert.deepStrictEqual(versions, new Set([old, next]))
    })
  )
})
