import * as Effect from "effect/Effect"
import { Asset, AssetCheck, Blob, Metadata } from "../runtime/index.ts"
import { features } from "./features.ts"
import { listenHistory } from "./listen_history.ts"
import * as Algorithm from "./recommender/Algorithm.ts"
import * as Algorithms from "./recommender/Algorithms.ts"
import * as Manifest from "./recommender/Manifest.ts"
import * as Split from "./recommender/Split.ts"
import * as StoredListens from "./recommender/StoredListens.ts"
import * as Tuning from "./recommender/Tuning.ts"

/** The candidate that ranks best what users listened to later, fitted to everything: a challenger of what is served. */
export const model = Asset.make("model", {
  description: "The candidate that ranks best what users listened to later, fitted to everything",
  deps: { features, listenHistory },
  io: Blob.make({ manifest: Manifest.schema, keep: 50 }),
  materialize: ({ features, listenHistory }, step) =>
    Effect.gen(function* () {
      const listens = yield* StoredListens.listens
      const { protocol, validation } = yield* Split.suited(listens)
      const choice = yield* Tuning.search(validation, Tuning.candidates, "ndcgAt100")
      const { candidate, model } = yield* Tuning.refit(choice, StoredListens.features)
      const manifest = Manifest.make(candidate, listens, protocol, choice.trials, {
        model,
        dataVersions: { features: features.version, listen_history: listenHistory.version },
        codeVersion: step.codeVersion
      })
      yield* step.annotate({
        chosen: Algorithm.describe(candidate),
        candidates: Metadata.table(manifest.trials.map((trial) => ({ ...trial })))
      })
      return { bytes: Algorithms.encode(candidate.algorithm, model), manifest }
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
