import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as LastfmWorld from "../../assets/source/LastfmWorld.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import * as SourceServer from "../../assets/source/SourceServer.ts"
import { collect } from "./Reading.ts"

const dataDir = process.env["ASSETS_DATA_DIR"]

describe("the Last.fm world", () => {
  it.effect("says what to set when the data is not there", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(LastfmWorld.load("nowhere"))
      assert.match(error.message, /Cannot read nowhere.*ASSETS_DATA_DIR/)
    })
  )

  it.live.skipIf(dataDir === undefined)("is read whole by the client from the server (needs ASSETS_DATA_DIR)", () =>
    Effect.gen(function* () {
      const world = yield* LastfmWorld.load(dataDir!)
      const baseUrl = yield* SourceServer.start({ world, port: 0 })
      const [users, tracks, lists] = yield* Effect.gen(function* () {
        const api = yield* MusicApi.MusicApi
        return yield* Effect.all([collect(api.users), collect(api.tracks), collect(api.listenHistory)])
      }).pipe(Effect.provide(MusicApi.layer({ baseUrl }).pipe(Layer.provide(FetchHttpClient.layer))))

      assert.deepStrictEqual([users.rows.length, tracks.rows.length, lists.rows.length], [1892, 17632, 1892])
      const listens = lists.rows.flatMap((row) => row.tracks)
      assert.strictEqual(listens.length, 92_834)
      const known = new Set(tracks.rows.map(({ id }) => id))
      assert.isTrue(listens.every(({ track_id }) => known.has(track_id)))
      assert.strictEqual(tracks.rows.find(({ id }) => id === 1)?.name, "MALICE MIZER")
      assert.deepStrictEqual([...users.rejected, ...tracks.rejected, ...lists.rejected], [])
    })
  )
})
