import { assert, describe, it } from "@effect/vitest"
import { Blob } from "effect-assets"
import * as Effect from "effect/Effect"
import { model } from "../../assets/model.ts"
import { modelChampion } from "../../assets/model_champion.ts"
import { type Given, materialize, onDatabase, state } from "./Pipeline.ts"
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

/** What a database of its own comes to. */
const trained = (given: Given) =>
  onDatabase(
    Effect.gen(function* () {
      const ran = yield* materialize(given)
      assert.strictEqual(ran.status, "Succeeded", ran.explain)
      const [fitted] = yield* Blob.versions(model)
      const { bytes } = (yield* Blob.version(model, fitted!.version))!
      return {
        bytes: Buffer.from(yield* bytes).toString("base64"),
        manifest: fitted!.manifest,
        model: (yield* state(model))!.dataVersion,
        champion: (yield* state(modelChampion))!.dataVersion
      }
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
})
