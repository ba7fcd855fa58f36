import * as Effect from "effect/Effect"
import { Asset, AssetCheck, Blob, Metadata } from "../runtime/index.ts"
import { listenHistory } from "./listen_history.ts"
import { model } from "./model.ts"
import * as Algorithms from "./recommender/Algorithms.ts"
import * as Challenge from "./recommender/Challenge.ts"
import * as Gate from "./recommender/Gate.ts"
import * as Listens from "./recommender/Listens.ts"
import * as Manifest from "./recommender/Manifest.ts"
import * as Popularity from "./recommender/Popularity.ts"
import * as StoredListens from "./recommender/StoredListens.ts"
import { ModelLost } from "./registry/ModelLost.ts"
import * as Rollbacks from "./registry/Rollbacks.ts"

/** The model that is served: the latest that was provably better, and popularity as long as none was. */
export const modelChampion = Asset.make("model_champion", {
  description: "The model that is served: the latest that was provably better, popularity as long as none was",
  deps: { model, listenHistory, standing: Asset.itself() },
  io: Blob.make({ manifest: Manifest.schema, keep: 50 }),
  materialize: ({ listenHistory, model, standing }, step) =>
    Effect.gen(function* () {
      if (standing?.version === model.version) {
        yield* step.annotate({ verdict: "not_worse", explanation: "the challenger is what is served" })
        return { bytes: yield* model.bytes, manifest: model.manifest }
      }
      const listens = yield* StoredListens.listens
      if (yield* Rollbacks.includes(model)) {
        yield* step.annotate({
          verdict: "rolled_back",
          explanation: "the challenger was rolled back; assets model promote serves it again"
        })
      } else {
        const { card, decision } = yield* Challenge.hold(listens, model.manifest, standing?.manifest)
        yield* step.annotate({
          verdict: decision.verdict,
          explanation: Gate.explain(decision),
          chance: decision.evidence.chance,
          card: Metadata.markdown(card)
        })
        if (decision.promoted) return { bytes: yield* model.bytes, manifest: model.manifest }
      }
      if (standing !== undefined && standing.manifest.algorithm !== popularity.algorithm) {
        const { version } = standing
        const bytes = yield* Effect.mapError(standing.bytes, (cause) => new ModelLost({ version, cause }))
        return { bytes, manifest: standing.manifest }
      }
      const fitted = yield* popularity.fit(yield* Listens.weigh(listens, popularity.recency))
      const manifest = Manifest.make(popularity, listens, "none", [], {
        model: fitted,
        dataVersions: { listen_history: listenHistory.version },
        codeVersion: step.codeVersion
      })
      return { bytes: Algorithms.encode(popularity.algorithm, fitted), manifest }
    })
}).pipe(
  Asset.recheckAfter("7 days"),
  Asset.check("verdict", {
    severity: "warn",
    description: "The latest challenger was judged, and ranks better than popularity",
    run: (_, __, { metadata: { chance = null, explanation = null, verdict = null } }) =>
      Effect.succeed(
        verdict === "no_better_than_popularity" || verdict === "insufficient_data"
          ? AssetCheck.fail(String(explanation), { verdict, chance })
          : AssetCheck.pass({ verdict, explanation })
      )
  })
)

const popularity = Popularity.candidate
