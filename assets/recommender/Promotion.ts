/**
 * A candidate judged beside the baselines and the champion on one split, and what the gate makes of it.
 * Leaves out where champions are kept and who publishes one.
 */
import * as Effect from "effect/Effect"
import * as Algorithm from "./Algorithm.ts"
import * as Evaluation from "./Evaluation.ts"
import * as Gate from "./Gate.ts"
import * as Listens from "./Listens.ts"
import * as Popularity from "./Popularity.ts"
import type * as Split from "./Split.ts"

/** What every model has to beat: popularity of all time, and of the newest four weeks. */
export const baselines: readonly [Algorithm.Candidate, ...Array<Algorithm.Candidate>] = [
  Popularity.candidate,
  Algorithm.candidate(Popularity.algorithm, {}, Listens.window(28))
]

/** The test split is for one candidate, chosen without it; the champion is its choices, which are fitted anew to the same training data. */
export interface Bid {
  readonly test: Split.Split
  readonly candidate: Algorithm.Candidate
  readonly champion: { readonly candidate: Algorithm.Candidate; readonly ageDays: number } | null
  readonly rules: Gate.Rules
  readonly seed: number
}

/** A champion that the data has outgrown has no place to defend; fails with `NotApplicable` where that is so of the candidate. */
export const judge = Effect.fn("Promotion.judge")(function* ({ candidate, champion, rules, seed, test }: Bid) {
  const judged = (candidate: Algorithm.Candidate) =>
    Effect.map(Evaluation.of(test, candidate), (evaluation) => ({ name: Algorithm.describe(candidate), evaluation }))
  const [first, ...others] = baselines
  const contest: Gate.Contest = {
    candidate: yield* judged(candidate),
    baselines: [yield* judged(first), ...(yield* Effect.forEach(others, judged))],
    champion:
      champion &&
      (yield* judged(champion.candidate).pipe(
        Effect.map((defending) => ({ ...defending, ageDays: champion.ageDays })),
        Effect.catchTag("NotApplicable", () => Effect.succeed(null))
      ))
  }
  const decision = Gate.decide(yield* Gate.gather(contest, rules, seed), rules)
  return { decision, evaluation: contest.candidate.evaluation }
})
