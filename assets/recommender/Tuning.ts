/**
 * The choice among candidates by their validation split, with what became of each.
 * Leaves out the test split: it is for the one that was chosen.
 */
import * as Effect from "effect/Effect"
import * as Algorithm from "./Algorithm.ts"
import * as Ease from "./Ease.ts"
import * as Evaluation from "./Evaluation.ts"
import * as ItemKnn from "./ItemKnn.ts"
import * as Listens from "./Listens.ts"
import type * as Split from "./Split.ts"

export interface Trial {
  readonly candidate: Algorithm.Candidate
  readonly outcome:
    | { readonly _tag: "Judged"; readonly means: Evaluation.Means }
    | { readonly _tag: "NotApplicable"; readonly reason: string }
}

/** `best` has the highest mean of the metric, and of equal ones stands first in `trials`; null when no candidate applies. */
export interface Choice {
  readonly trials: ReadonlyArray<Trial>
  readonly best: Algorithm.Candidate | null
}

export const itemKnn: ReadonlyArray<Algorithm.Candidate> = [30, 100, 300].flatMap((neighbours) =>
  [1, 5, 20].map((shrinkage) => Algorithm.candidate(ItemKnn.algorithm, { shrinkage, neighbours }, Listens.everything))
)

export const ease: ReadonlyArray<Algorithm.Candidate> = [50, 100, 200, 400, 800].map((lambda) =>
  Algorithm.candidate(Ease.algorithm, { lambda, minimumListeners: 2 }, Listens.everything)
)

export const search = Effect.fn("Tuning.search")(function* (
  validation: Split.Split,
  candidates: ReadonlyArray<Algorithm.Candidate>,
  metric: Evaluation.Metric
) {
  const trials = yield* Effect.forEach(candidates, (candidate) =>
    Evaluation.of(validation, candidate).pipe(
      Effect.map((evaluation): Trial["outcome"] => ({ _tag: "Judged", means: Evaluation.means(evaluation) })),
      Effect.catchTag("NotApplicable", ({ reason }) =>
        Effect.succeed<Trial["outcome"]>({ _tag: "NotApplicable", reason })
      ),
      Effect.map((outcome): Trial => ({ candidate, outcome }))
    )
  )
  const meanOf = ({ outcome }: Trial) => (outcome._tag === "Judged" ? outcome.means[metric] : -Infinity)
  const best = trials.reduce<Trial | null>(
    (best, trial) => (meanOf(trial) > (best === null ? -Infinity : meanOf(best)) ? trial : best),
    null
  )
  return { trials, best: best?.candidate ?? null } satisfies Choice
})
