import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { model } from "../../assets/model.ts"
import * as LastfmWorld from "../../assets/source/LastfmWorld.ts"
import { materialize, metadataOf, onDatabase, project, rows, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const dataDir = process.env["ASSETS_DATA_DIR"]

// Its terms do not allow a copy in this repository.
describe.skipIf(dataDir === undefined)("on Last.fm (skipped without ASSETS_DATA_DIR)", () => {
  it.effect("the whole line recommends what is played far better than popularity does", () =>
    onDatabase(
      Effect.gen(function* () {
        const world = Worlds.on(yield* LastfmWorld.load(dataDir!), 0)
        const ran = yield* materialize({ world, env: { MUSIC_API_PAGE_SIZE: "100" } })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const metadata = metadataOf(ran)
        assert.deepInclude(metadata["users"], { rows: 1_892 })
        assert.deepInclude(metadata["tracks"], { rows: 17_632 })
        assert.deepInclude(metadata[`listen_history/${today}`], { rows: 92_834 })
        assert.deepInclude(metadata["recommendations"], { rows: 1_892 })
        assert.deepStrictEqual(yield* rows("select from assets.quarantine"), [])

        assert.strictEqual((yield* project.value(model)).manifest.listens, 92_834)
        assert.strictEqual(metadata["model_champion"]!["verdict"], "better", ran.explain)
      })
    )
  )
})
