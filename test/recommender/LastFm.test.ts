import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as HeldOut from "../../assets/recommender/HeldOut.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"

const file = `${process.env["ASSETS_DATA_DIR"]}/lastfm/user_artists.dat`

// Cantador, Brusilovsky and Kuflik, HetRec 2011; its terms do not allow a copy in this repository.
describe.skipIf(!Fs.existsSync(file))("on Last.fm (skipped without lastfm/user_artists.dat in ASSETS_DATA_DIR)", () => {
  it.effect("item neighbours more than double the NDCG@10 and the recall@20 of popularity", () =>
    Effect.gen(function* () {
      const text = Fs.readFileSync(file)
      const sha256 = Crypto.createHash("sha256").update(text).digest("hex")
      assert.strictEqual(sha256, "254272fa721c3935e8be286d28c051b206844307128698ab4eaa41d483379416")
      const lines = text.toString("utf8").trim().split("\n").slice(1)
      const entries = lines.map((line) => {
        const [user_id, track_id] = line.split("\t").map(Number)
        return { user_id: user_id!, track_id: track_id!, weight: 1 }
      })
      const interactions = yield* Interactions.fromEntries(entries)
      const { model, popularity, users } = yield* HeldOut.compare(interactions, { ...ItemKnn.defaults, seed: 1 })
      assert.deepStrictEqual([interactions.users.length, interactions.tracks.length, users], [1_892, 17_632, 1_884])
      assert.isAbove(model.ndcgAt10, 2 * popularity.ndcgAt10)
      assert.isAbove(model.recallAt20, 2 * popularity.recallAt20)
      assert.isAbove(model.coverageAt10, 10 * popularity.coverageAt10)
    })
  )
})
