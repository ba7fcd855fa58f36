/**
 * A model trained as was decided: the best of all candidates, chosen anew and fitted from nothing, or the earlier one gone on with.
 * Leaves out the decision, which is `Retraining`'s.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as Algorithm from "./Algorithm.ts"
import * as Algorithms from "./Algorithms.ts"
import type * as FittedModel from "./FittedModel.ts"
import * as Listens from "./Listens.ts"
import * as Manifest from "./Manifest.ts"
import * as Retraining from "./Retraining.ts"
import * as Signals from "./Signals.ts"
import * as Split from "./Split.ts"
import * as StoredListens from "./StoredListens.ts"
import * as Tuning from "./Tuning.ts"

export interface Earlier extends Retraining.Earlier {
  readonly model: FittedModel.FittedModel
}

export interface Trained {
  readonly candidate: Algorithm.Candidate
  readonly bytes: Uint8Array
  readonly manifest: Manifest.Manifest & { readonly training: Retraining.Course }
}

/** Nothing where it cannot be read any more. */
export const earlier = Effect.fn("Training.earlier")(function* <E, R>({
  bytes,
  manifest,
  version
}: {
  readonly bytes: Effect.Effect<Uint8Array, E, R>
  readonly manifest: Manifest.Manifest
  readonly version: string
}) {
  return yield* bytes.pipe(
    Effect.flatMap((bytes) => Algorithms.decode(bytes, manifest.parameters)),
    Effect.map((model): Earlier => ({ version, manifest, model })),
    Effect.orElseSucceed(() => undefined)
  )
})

/**
 * Clicks and what is served come after a model, so that they are read as facts beside what it depends on: they make nothing Stale, and are
 * asked when something else has. What was decided by them stands in the manifest, and with it why the same data gave this model.
 */
export const facts = Effect.fn("Training.facts")(function* (
  listens: Listens.Listens,
  earlier: Earlier | undefined,
  { codeVersion, dataVersions }: Pick<Manifest.Manifest, "codeVersion" | "dataVersions">
) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly erased: number }>`select count(*)::float8 as erased from music.erased`
  const signals = earlier === undefined ? [] : yield* signalsSince(earlier)
  const newestDay = listens.userOf.length === 0 ? null : Listens.newestDay(listens)
  const { erased } = row!
  const facts: Retraining.Facts = {
    candidates: Tuning.candidates,
    codeVersion,
    dataVersions,
    erased,
    newestDay,
    signals
  }
  return facts
})

/** What the data has outgrown is trained from nothing. */
export const train = Effect.fn("Training.train")(function* (
  decision: Retraining.Decision<Earlier>,
  facts: Retraining.Facts,
  listens: Listens.Listens
) {
  if (decision._tag === "Cold") return yield* fromNothing(decision.training, facts, listens)
  const { candidate, earlier, training } = decision
  return yield* candidate.resume(yield* StoredListens.features(candidate.recency), earlier.model).pipe(
    Effect.map((model) => {
      // It is still the choice of the training from nothing.
      const { metrics, protocol, trials } = earlier.manifest
      const made = Manifest.make(candidate, listens, protocol, [], { ...facts, model })
      const manifest = { ...made, metrics, trials, training }
      return { candidate, bytes: Algorithms.encode(candidate.algorithm, model), manifest } satisfies Trained
    }),
    Effect.catchTag("NotApplicable", ({ reason }) =>
      fromNothing(Retraining.cold(facts, [{ _tag: "NotApplicable", reason }]).training, facts, listens)
    )
  )
})

// internal ------------------------------------------------------------------------------------------------------------------------

const fromNothing = Effect.fnUntraced(function* (
  training: Retraining.Course,
  facts: Retraining.Facts,
  listens: Listens.Listens
) {
  const { protocol, validation } = yield* Split.suited(listens)
  const choice = yield* Tuning.search(validation, Tuning.candidates, "ndcgAt100")
  const { candidate, model } = yield* Tuning.refit(choice, StoredListens.features)
  const manifest = { ...Manifest.make(candidate, listens, protocol, choice.trials, { ...facts, model }), training }
  return { candidate, bytes: Algorithms.encode(candidate.algorithm, model), manifest } satisfies Trained
})

/** Of listening since the last training from nothing, of tracks since the last one, and of what is served. */
const signalsSince = Effect.fnUntraced(function* ({ manifest, model }: Earlier) {
  const served = yield* Signals.served
  return [
    yield* Signals.listening(manifest.training?.cold.newestDay ?? null),
    yield* Signals.tracks(model.tracks, manifest.newestDay),
    ...(served === undefined ? [] : [yield* Signals.clicks(served)])
  ]
})
