import * as Effect from "effect/Effect"
import { Asset, AssetCheck, Blob, Metadata } from "../runtime/index.ts"
import { features } from "./features.ts"
import { listenHistory } from "./listen_history.ts"
import * as Algorithm from "./recommender/Algorithm.ts"
import * as Algorithms from "./recommender/Algorithms.ts"
import * as Manifest from "./recommender/Manifest.ts"
import * as Retraining from "./recommender/Retraining.ts"
import * as StoredListens from "./recommender/StoredListens.ts"
import * as Training from "./recommender/Training.ts"

/** The candidate that ranks best what users listened to later, fitted to everything and gone on with: a challenger of what is served. */
export const model = Asset.make("model", {
  description: "The candidate that ranks best what users listened to later, fitted to everything",
  deps: { features, listenHistory, standing: Asset.itself() },
  io: Blob.make({ manifest: Manifest.schema, keep: 50 }),
  materialize: ({ features, listenHistory, standing }, step) =>
    Effect.gen(function* () {
      const listens = yield* StoredListens.listens
      const earlier = standing && (yield* Training.earlier(standing))
      const facts = yield* Training.facts(listens, earlier, {
        dataVersions: { features: features.version, listen_history: listenHistory.version },
        codeVersion: step.codeVersion
      })
      const decision = Retraining.decide(earlier, facts)
      const { bytes, candidate, manifest } = yield* Training.train(decision, facts, listens).pipe(
        Effect.provideService(Algorithm.Watcher, (epoch) => step.progress(Algorithm.describeEpoch(epoch)))
      )
      yield* step.annotate({
        chosen: Algorithm.describe(candidate),
        trained: Retraining.explain(manifest.training),
        candidates: Metadata.table(manifest.trials.map((trial) => ({ ...trial })))
      })
      return { bytes, manifest }
    })
}).pipe(
  Asset.check("numbers-finite", {
    blocking: true,
    description: "It can be read again, and all its numbers are numbers",
    run: ({ bytes, manifest }) =>
      Effect.gen(function* () {
        const { sections } = yield* Algorithms.decode(yield* bytes, manifest.parameters)
        const broken = sections.filter(({ data }) => !data.every(Number.isFinite)).map(({ name }) => name)
        return broken.length === 0
          ? AssetCheck.pass()
          : AssetCheck.fail(`not all numbers are finite in ${broken.join(", ")}`)
      })
  })
)
