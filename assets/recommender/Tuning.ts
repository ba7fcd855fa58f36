/**
 * The choice among candidates by their validation split, with what became of each.
 * Leaves out the test split: it is for the one that was chosen.
 */
import * as Effect from "effect/Effect"
import * as Algorithm from "./Algorithm.ts"
import * as Ease from "./Ease.ts"
import * as Evaluation from "./Evaluation.ts"
import * as IalsAlgorithm from "./IalsAlgorithm.ts"
import type * as Interactions from "./Interactions.ts"
import * as ItemKnn from "./ItemKnn.ts"
import * as Listens from "./Listens.ts"
import * as Popularity from "./Popularity.ts"
import type * as Split from "./Split.ts"

export interface Trial {
  readonly candidate: Algorithm.Candidate
  readonly outcome:
    | { readonly _tag: "Judged"; readonly means: Evaluation.Means }
    | { readonly _tag: "NotApplicable"; readonly reason: string }
}

/** `ranked` are those that apply, the highest mean of the metric first, and of equal ones the first in `trials`. */
export interface Choice {
  readonly trials: ReadonlyArray<Trial>
  readonly ranked: ReadonlyArray<Algorithm.Candidate>
}

export const itemKnn: ReadonlyArray<Algorithm.Candidate> = [30, 100, 300].flatMap((neighbours) =>
  [1, 5, 20].map((shrinkage) => Algorithm.candidate(ItemKnn.algorithm, { shrinkage, neighbours }, Listens.everything))
)

export const ease: ReadonlyArray<Algorithm.Candidate> = [50, 100, 200, 400, 800].map((lambda) =>
  Algorithm.candidate(Ease.algorithm, { lambda, minimumListeners: 2 }, Listens.everything)
)

export const ials: ReadonlyArray<Algorithm.Candidate> = [
  { alpha0: 0.1, lambda: 0.01 },
  { alpha0: 0.1, lambda: 0.003 },
  { alpha0: 0.3, lambda: 0.01 }
].map((choice) =>
  Algorithm.candidate(IalsAlgorithm.algorithm, { dimensions: 64, ...choice, epochs: 10, seed: 1 }, Listens.everything)
)

/** All that a model is chosen from: of each algorithm what was best on one kind of data or another, so that choosing takes seconds. */
export const candidates: ReadonlyArray<Algorithm.Candidate> = [
  ...[30, 100].flatMap((neighbours) =>
    [1, 5].map((shrinkage) => Algorithm.candidate(ItemKnn.algorithm, { shrinkage, neighbours }, Listens.everything))
  ),
  ...[100, 400].map((lambda) =>
    Algorithm.candidate(Ease.algorithm, { lambda, minimumListeners: 2 }, Listens.everything)
  ),
  ...ials
]

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
  const ranked = trials
    .filter(({ outcome }) => outcome._tag === "Judged")
    .toSorted((left, right) => meanOf(right) - meanOf(left))
    .map(({ candidate }) => candidate)
  return { trials, ranked } satisfies Choice
})

/** Fits the best candidate that applies to all of the data too; popularity always does. */
export const refit = Effect.fn("Tuning.refit")(function* <E, R>(
  { ranked }: Choice,
  interactions: (recency: Listens.Recency) => Effect.Effect<Interactions.Interactions, E, R>
) {
  for (const candidate of ranked) {
    const model = yield* interactions(candidate.recency).pipe(
      Effect.flatMap(candidate.fit),
      Effect.catchTag("NotApplicable", () => Effect.undefined)
    )
    if (model !== undefined) return { candidate, model }
  }
  const popularity = Popularity.candidate
  return { candidate: popularity, model: yield* Effect.orDie(popularity.fit(yield* interactions(popularity.recency))) }
})
