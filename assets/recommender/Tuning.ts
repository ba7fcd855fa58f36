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
    | OverBudget
}

/** Not tried, as it takes more work than those before it had left. */
export interface OverBudget {
  readonly _tag: "OverBudget"
  readonly work: number
  readonly left: number
}

/** `ranked` are those that were judged, the highest mean of the metric first, and of equal ones the first in `trials`. */
export interface Choice {
  readonly trials: ReadonlyArray<Trial>
  readonly ranked: ReadonlyArray<Algorithm.Candidate>
}

export const itemKnn: ReadonlyArray<Algorithm.Candidate> = [30, 100, 300].flatMap((neighbours) =>
  [1, 5, 20].map((shrinkage) => itemKnnWith(neighbours, shrinkage))
)

export const ease: ReadonlyArray<Algorithm.Candidate> = [50, 100, 200, 400, 800].map(easeWith)

export const ials: ReadonlyArray<Algorithm.Candidate> = [
  ialsWith({ alpha0: 0.1, lambda: 0.01 }),
  ialsWith({ alpha0: 0.1, lambda: 0.003 }),
  ialsWith({ alpha0: 0.3, lambda: 0.01 }),
  ialsWith({ alpha0: 0.3, lambda: 0.03 }),
  ialsWith({ alpha0: 0.3, lambda: 0.01 }, Listens.halfLife(15))
]

/**
 * All that a model is chosen from: of each algorithm what was best on one kind of data or another. In the order of worth, for where the budget
 * does not reach for all: first one of each algorithm, then what forgets, then what changes least. EASE knows no weights, so age is nothing to it.
 */
export const candidates: ReadonlyArray<Algorithm.Candidate> = [
  itemKnnWith(100, 5),
  ialsWith({ alpha0: 0.1, lambda: 0.01 }),
  easeWith(100),
  itemKnnWith(100, 5, Listens.halfLife(15)),
  ialsWith({ alpha0: 0.3, lambda: 0.01 }, Listens.halfLife(15)),
  ialsWith({ alpha0: 0.3, lambda: 0.03 }),
  itemKnnWith(30, 1),
  easeWith(400),
  itemKnnWith(100, 1),
  itemKnnWith(100, 1, Listens.halfLife(15)),
  itemKnnWith(30, 5),
  itemKnnWith(100, 5, Listens.halfLife(30)),
  ialsWith({ alpha0: 0.3, lambda: 0.03 }, Listens.halfLife(30))
]

/**
 * Of work as `Algorithm.work` counts it: about five minutes of one core, to which the refit of the one that was chosen is added. A budget of time
 * would choose other models on slower machines.
 */
export const budget = 300e9

/**
 * Judges candidates on validation in the order given. One that takes more work than is left of the budget is passed over, for those after it that
 * take less.
 */
export const search = Effect.fn("Tuning.search")(function* (
  validation: Split.Split,
  candidates: ReadonlyArray<Algorithm.Candidate>,
  metric: Evaluation.Metric,
  limit = budget
) {
  const days = spanOf(validation.training)
  const sizes = yield* Listens.weigh(validation.training, Listens.everything)
  let left = limit
  const trials = yield* Effect.forEach(
    candidates,
    Effect.fnUntraced(function* (candidate) {
      const { recency } = candidate
      if (recency._tag !== "Everything" && days <= recency.days) {
        const reason = `it takes listens of more than ${recency.days} days, and they span ${days}`
        return { candidate, outcome: { _tag: "NotApplicable", reason } } satisfies Trial
      }
      const work = candidate.work(sizes)
      if (work > left) return { candidate, outcome: { _tag: "OverBudget", work, left } } satisfies Trial
      left -= work
      const outcome = yield* Evaluation.of(validation, candidate).pipe(
        Effect.map((evaluation): Trial["outcome"] => ({ _tag: "Judged", means: Evaluation.means(evaluation) })),
        Effect.catchTag("NotApplicable", ({ reason }) =>
          Effect.succeed<Trial["outcome"]>({ _tag: "NotApplicable", reason })
        )
      )
      return { candidate, outcome } satisfies Trial
    })
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

// internal ------------------------------------------------------------------------------------------------------------------------

function itemKnnWith(neighbours: number, shrinkage: number, recency = Listens.everything) {
  return Algorithm.candidate(ItemKnn.algorithm, { shrinkage, neighbours }, recency)
}

function easeWith(lambda: number) {
  return Algorithm.candidate(Ease.algorithm, { lambda, minimumListeners: 2 }, Listens.everything)
}

function ialsWith(choice: { readonly alpha0: number; readonly lambda: number }, recency = Listens.everything) {
  return Algorithm.candidate(IalsAlgorithm.algorithm, { dimensions: 64, ...choice, epochs: 10, seed: 1 }, recency)
}

/** Of whole days, the first and the last included; 0 without listens. */
const spanOf = (listens: Listens.Listens): number =>
  listens.days.length === 0 ? 0 : Listens.newestDay(listens) - Listens.oldestDay(listens) + 1
