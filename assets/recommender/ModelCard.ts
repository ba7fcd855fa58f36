/**
 * What is known of a fitted candidate, as markdown: its data, what else was tried, how it was judged and what was decided.
 * Leaves out the date: equal models have equal cards.
 */
import * as Algorithm from "./Algorithm.ts"
import * as Evaluation from "./Evaluation.ts"
import * as Gate from "./Gate.ts"
import * as Listens from "./Listens.ts"
import type * as Manifest from "./Manifest.ts"
import * as Retraining from "./Retraining.ts"
import type * as Split from "./Split.ts"

export interface Subject {
  readonly candidate: Algorithm.Candidate
  readonly listens: Listens.Listens
  /** How `splits` divides the listens, in words. */
  readonly protocol: string
  readonly splits: Split.Splits
  readonly training: Manifest.Manifest["training"]
  /** On the validation split. */
  readonly trials: Manifest.Manifest["trials"]
  /** On the test split. */
  readonly evaluation: Evaluation.Evaluation
  readonly decision: Gate.Decision
}

/** Four decimals throughout; tables in the order of their facts. */
export const render = (subject: Subject): string =>
  [
    `# ${Algorithm.describe(subject.candidate)}`,
    `**${subject.decision.verdict}**, ${subject.decision.promoted ? "promoted" : "not promoted"}: ${Gate.explain(subject.decision)}.`,
    "## Data",
    data(subject),
    ...(subject.training === undefined ? [] : ["## Training", `Trained ${Retraining.explain(subject.training)}.`]),
    "## Test",
    standings(subject.decision.evidence),
    metrics(subject.evaluation),
    "## Guardrails",
    table(
      ["guardrail", "holds", "value", "limit"],
      subject.decision.guardrails.map(({ holds, limit, name, value }) => [
        name,
        holds ? "yes" : "no",
        fixed(value),
        fixed(limit)
      ])
    ),
    "## Candidates, on validation",
    trials(subject.trials)
  ].join("\n\n")

// internal ------------------------------------------------------------------------------------------------------------------------

const data = ({ listens, protocol, splits }: Subject): string => {
  const newest = Listens.newestDay(listens)
  const oldest = Listens.oldestDay(listens)
  const span = listens.days.length === 0 ? "" : ` from ${dateOf(oldest)} to ${dateOf(newest)}`
  const size = `${listens.userOf.length} listens by ${listens.users.length} users of ${listens.tracks.length} tracks${span}.`
  return `${size} Split: ${protocol}.\n\n${table(
    ["split", "listens fitted to", "users judged", "without targets", "without history"],
    (["validation", "test"] as const).map((name) => {
      const { excluded, judged, training } = splits[name]
      return [name, training.userOf.length, judged.length, excluded.withoutTargets, excluded.withoutHistory].map(String)
    })
  )}`
}

const standings = ({ baseline, candidate, chance, champion }: Gate.Evidence): string => {
  const row = (role: string, { coverageAt10, mean, name, recallAt50 }: Gate.Standing) => [
    role,
    name,
    ...[mean, recallAt50, coverageAt10].map(fixed)
  ]
  return table(
    ["", "model", "deciding metric", "recall@50", "coverage@10"],
    [
      row("candidate", candidate),
      row("baseline", baseline),
      ...(champion === null ? [] : [row("champion", champion)]),
      ["chance", "random order", fixed(chance), "", ""]
    ]
  )
}

const metrics = (evaluation: Evaluation.Evaluation): string => {
  const slices = Evaluation.slices(evaluation)
  const all = Evaluation.means(evaluation)
  const rows = (Object.keys(all) as Array<Evaluation.Metric>).map((metric) => [
    metric,
    fixed(all[metric]),
    ...slices.map(({ means }) => fixed(means[metric]))
  ])
  const header = ["metric", "all users", ...slices.map(({ name, users }) => `${name} (${users})`)]
  return `${table(header, rows)}\n\nPopularity lift of the first ten: ${fixed(evaluation.popularityLiftAt10)}.`
}

const trials = (tried: Manifest.Manifest["trials"]): string =>
  table(
    ["candidate", "ndcgAt100", ""],
    tried.map(({ candidate, ndcgAt100, outcome, reason }) => [
      candidate,
      ndcgAt100 === null ? "" : fixed(ndcgAt100),
      reason === null ? "" : `${outcome === "OverBudget" ? "not tried" : "does not apply"}: ${reason}`
    ])
  )

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const dateOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)

const fixed = (value: number): string => value.toFixed(4)
