import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, AssetCheck, Blob, Metadata } from "../runtime/index.ts"
import { features } from "./features.ts"
import * as HeldOut from "./recommender/HeldOut.ts"
import * as Interactions from "./recommender/Interactions.ts"
import * as ItemKnn from "./recommender/ItemKnn.ts"
import * as ModelFile from "./recommender/ModelFile.ts"

const Metrics = Schema.Struct({ ndcgAt10: Schema.Finite, recallAt20: Schema.Finite, coverageAt10: Schema.Finite })

export const Manifest = Schema.Struct({
  algorithm: Schema.Literal("item-knn"),
  parameters: Schema.Struct({ shrinkage: Schema.Finite, neighbours: Schema.Int }),
  seed: Schema.Int,
  users: Schema.Int,
  tracks: Schema.Int,
  interactions: Schema.Int,
  /** One listen of each of `users` held out, ranked among all tracks that anybody plays. */
  heldOut: Schema.Struct({ users: Schema.Int, model: Metrics, popularity: Metrics })
})

const seed = 1

/** Which tracks are played by the same people. */
export const model = Asset.make("model", {
  description: "Which tracks are played by the same people",
  deps: { features },
  io: Blob.make({ manifest: Manifest }),
  materialize: ({ features }, step) =>
    Effect.gen(function* () {
      const interactions = yield* Interactions.collect(features.rows)
      const heldOut = yield* HeldOut.compare(interactions, { ...ItemKnn.defaults, seed })
      const fitted = yield* ItemKnn.fit(interactions, ItemKnn.defaults)
      yield* step.annotate({
        ndcg_at_10: heldOut.model.ndcgAt10,
        popularity_ndcg_at_10: heldOut.popularity.ndcgAt10,
        recall_at_20: heldOut.model.recallAt20
      })
      return {
        bytes: ModelFile.encode(fitted),
        manifest: {
          algorithm: "item-knn" as const,
          parameters: ItemKnn.defaults,
          seed,
          users: interactions.users.length,
          tracks: interactions.tracks.length,
          interactions: interactions.rows.columns.length,
          heldOut
        }
      }
    })
}).pipe(
  Asset.check("beats-popularity", {
    severity: "warn",
    description: "It ranks what was held out better than popularity does",
    run: ({ manifest: { heldOut } }) => {
      const [own, popular] = [heldOut.model.ndcgAt10, heldOut.popularity.ndcgAt10]
      const metadata = { ndcg_at_10: Metadata.float(own), popularity_ndcg_at_10: Metadata.float(popular) }
      const reason = `its NDCG@10 is ${own.toFixed(3)}, that of popularity ${popular.toFixed(3)}`
      return Effect.succeed(own > popular ? AssetCheck.pass(metadata) : AssetCheck.fail(reason, metadata))
    }
  })
)
