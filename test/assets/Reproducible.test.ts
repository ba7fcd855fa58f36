import { assert, describe, it } from "@effect/vitest"
import { Blob } from "effect-assets"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { model } from "../../assets/model.ts"
import { modelChampion } from "../../assets/model_champion.ts"
import { type Given, materialize, millisPerDay, noon, onDatabase, state } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.sample({ users: 200, tracks: 80 })

/** The same users, tracks and lists, told in another order. */
const backwards: Worlds.Still = {
  users: world.users.toReversed(),
  tracks: world.tracks.toReversed(),
  lists: world.lists.toReversed()
}

const oneListenLess: Worlds.Still = {
  ...world,
  lists: world.lists.map((list, index) => (index === 0 ? { ...list, items: list.items!.slice(1) } : list))
}

const fitted = Effect.fnUntraced(function* (given: Given) {
  const ran = yield* materialize(given)
  assert.strictEqual(ran.status, "Succeeded", ran.explain)
  const [newest] = yield* Blob.versions(model)
  const { bytes } = (yield* Blob.version(model, newest!.version))!
  return {
    bytes: Buffer.from(yield* bytes).toString("base64"),
    manifest: newest!.manifest,
    model: (yield* state(model))!.dataVersion,
    champion: (yield* state(modelChampion))!.dataVersion
  }
})

/** What a database of its own comes to. */
const trained = (given: Given) => onDatabase(fitted(given))

/** And on the next day. */
const goneOn = (given: Given) =>
  onDatabase(
    Effect.gen(function* () {
      const first = yield* fitted(given)
      yield* TestClock.setTime(noon + millisPerDay)
      const next = yield* fitted(given)
      assert.strictEqual(next.manifest?.training?.from, first.model)
      return [first, next] as const
    })
  )

describe("a model", () => {
  it.effect("has the same bytes, manifest and version when it is trained elsewhere on what came in another order", () =>
    Effect.gen(function* () {
      const first = yield* trained({ world })
      const again = yield* trained({ world: backwards, env: { MUSIC_API_PAGE_SIZE: "7" } })
      assert.deepStrictEqual(again, first)
      assert.strictEqual(first.champion, first.model)
      const other = yield* trained({ world: oneListenLess })
      assert.notStrictEqual(other.model, first.model)
    })
  )

  it.effect("goes on to the same from the same, listens being new", () =>
    Effect.gen(function* () {
      const [first, next] = yield* goneOn({ world })
      assert.deepStrictEqual(yield* goneOn({ world: backwards }), [first, next])
      assert.notStrictEqual(next.model, first.model)
    })
  )
})
