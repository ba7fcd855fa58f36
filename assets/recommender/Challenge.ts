/**
 * A challenger put to the test against what is served, with the listens that there are now.
 * Leaves out what is served in the end.
 */
import * as Effect from "effect/Effect"
import * as Algorithms from "./Algorithms.ts"
import * as Gate from "./Gate.ts"
import type * as Listens from "./Listens.ts"
import type * as Manifest from "./Manifest.ts"
import * as ModelCard from "./ModelCard.ts"
import * as Popularity from "./Popularity.ts"
import * as Promotion from "./Promotion.ts"
import * as Split from "./Split.ts"

export interface Outcome {
  readonly decision: Gate.Decision
  /** Markdown. */
  readonly card: string
}

/** One seed for all resampling: the same data gives the same decision. */
const seed = 1

/**
 * Popularity has no place to defend, nor has a champion of an algorithm that is gone. The age of a champion is that of the newest listen it
 * knew, against the challenger's. Fails with `NotApplicable` where the data has outgrown the challenger.
 */
export const hold = Effect.fn("Challenge.hold")(function* (
  listens: Listens.Listens,
  challenger: Manifest.Manifest,
  champion: Manifest.Manifest | undefined
) {
  const { protocol, ...splits } = yield* Split.suited(listens)
  const candidate = Algorithms.candidate(challenger)!
  const defending =
    champion === undefined || champion.algorithm === Popularity.algorithm.name
      ? undefined
      : Algorithms.candidate(champion)
  const { decision, evaluation } = yield* Promotion.judge({
    test: splits.test,
    candidate,
    champion:
      defending === undefined
        ? null
        : { candidate: defending, ageDays: (challenger.newestDay ?? 0) - (champion?.newestDay ?? 0) },
    rules: Gate.defaults,
    seed
  })
  const { training, trials } = challenger
  const card = ModelCard.render({ candidate, listens, protocol, splits, training, trials, evaluation, decision })
  return { decision, card } satisfies Outcome
})
