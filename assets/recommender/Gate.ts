/**
 * Whether a model is to be promoted: a decision with the numbers it rests on.
 * Leaves out promoting. Gathering the numbers resamples users and takes a while; deciding is pure.
 */
import * as Effect from "effect/Effect"
import * as Bootstrap from "./Bootstrap.ts"
import * as Evaluation from "./Evaluation.ts"

/** Gains are relative: 0.05 is 5 % of the mean of what is compared with. */
export interface Rules {
  readonly metric: Evaluation.Metric
  /** With fewer judged users nothing is decided. */
  readonly minimumUsers: number
  /** Confidence that the candidate beats the best baseline at all; the mean must be better by `minimumGain`. */
  readonly level: number
  readonly minimumGain: number
  /** Confidence that the candidate is not worse than the champion by more than `margin`. */
  readonly marginLevel: number
  readonly margin: number
  /** What another seed alone would change; a gain on the champion must be above. */
  readonly seedNoise: number
  /** A champion older than this gives way to a candidate that is not worse. */
  readonly maximumAgeDays: number
  /** The shares of the champion's coverage@10, and of the best recall@50 among champion and baseline, that must be kept. */
  readonly coverageKept: number
  readonly recallKept: number
  /** How large the numbers that were learnt may be: all algorithms predict 1, so that theirs are around 1 and below. */
  readonly largestNorm: number
}

/**
 * A quarter of the champion's coverage, as algorithms differ by more than half on the same data, and the one that covers less may rank better.
 * What is guarded against is a model that shows everybody the same.
 *
 * 97.5 %, one-sided, is the usual level for non-inferiority; at 99.9 % a margin of 1 % would need tens of thousands of users.
 */
export const defaults: Rules = {
  metric: "ndcgAt100",
  minimumUsers: 100,
  level: 0.999,
  minimumGain: 0.05,
  marginLevel: 0.975,
  margin: 0.01,
  seedNoise: 0.015,
  maximumAgeDays: 30,
  coverageKept: 0.25,
  recallKept: 0.95,
  largestNorm: 1_000
}

export interface Judged {
  readonly name: string
  readonly evaluation: Evaluation.Evaluation
}

/** What was judged on the same split: all vectors are of the same users. The champion's algorithm is fitted anew to the same data. */
export interface Contest {
  readonly candidate: Judged
  readonly baselines: readonly [Judged, ...Array<Judged>]
  readonly champion: (Judged & { readonly ageDays: number }) | null
}

/** One contestant in numbers; `mean` is of the metric that decides. */
export interface Standing {
  readonly name: string
  readonly mean: number
  readonly recallAt50: number
  readonly coverageAt10: number
}

/** `difference` is the candidate's mean minus this one's, `gain` the same as a share of this one's: Infinity where that is 0. */
export interface Opponent extends Standing {
  readonly difference: Bootstrap.Interval
  readonly gain: number
}

export interface Evidence {
  readonly users: number
  /** What tracks in random order would reach. */
  readonly chance: number
  readonly candidate: Standing & {
    readonly invalidScores: number
    readonly sections: ReadonlyArray<Evaluation.SectionSize>
  }
  /** The one with the best mean. */
  readonly baseline: Opponent
  readonly champion: (Opponent & { readonly ageDays: number }) | null
}

/** `worse` is said of a candidate that beats popularity but not, with confidence, comes close to the champion. */
export type Verdict = "better" | "not_worse" | "worse" | "no_better_than_popularity" | "insufficient_data"

/** `value` must be at least, or at most, `limit`. */
export interface Guardrail {
  readonly name: "coverage" | "recall" | "numbers" | "norms"
  readonly holds: boolean
  readonly value: number
  readonly limit: number
}

/** A promoted candidate has the verdict `better`, or `not_worse` than a champion past its age, and all guardrails hold. */
export interface Decision {
  readonly verdict: Verdict
  readonly promoted: boolean
  readonly guardrails: ReadonlyArray<Guardrail>
  readonly evidence: Evidence
  readonly rules: Rules
}

/** Compares the candidate with the best baseline and with the champion; the same seed gives the same evidence. */
export const gather = Effect.fn("Gate.gather")(function* (contest: Contest, rules: Rules, seed: number) {
  const { metric } = rules
  const { champion } = contest
  const candidate = contest.candidate.evaluation
  const standing = ({ evaluation, name }: Judged): Standing => {
    const means = Evaluation.means(evaluation)
    return { name, mean: means[metric], recallAt50: means.recallAt50, coverageAt10: evaluation.coverageAt10 }
  }
  const against = Effect.fnUntraced(function* (other: Judged, level: number) {
    const difference = yield* Bootstrap.paired(candidate.byUser[metric], other.evaluation.byUser[metric], {
      level,
      seed
    })
    const stands = standing(other)
    return { ...stands, difference, gain: difference.mean === 0 ? 0 : difference.mean / stands.mean } satisfies Opponent
  })
  const best = contest.baselines.reduce((best, other) => (standing(other).mean > standing(best).mean ? other : best))
  return {
    users: candidate.activity.length,
    chance: meanOf(candidate.chance),
    candidate: {
      ...standing(contest.candidate),
      invalidScores: candidate.invalidScores,
      sections: candidate.sections
    },
    baseline: yield* against(best, rules.level),
    champion: champion === null ? null : { ...(yield* against(champion, rules.marginLevel)), ageDays: champion.ageDays }
  } satisfies Evidence
})

export const decide = (evidence: Evidence, rules: Rules): Decision => {
  const verdict = verdictOf(evidence, rules)
  const guardrails = guard(evidence, rules)
  const aged = evidence.champion !== null && evidence.champion.ageDays > rules.maximumAgeDays
  const deserved = verdict === "better" || (verdict === "not_worse" && aged)
  return { verdict, promoted: deserved && guardrails.every(({ holds }) => holds), guardrails, evidence, rules }
}

/** The verdict in a sentence with its numbers, and the guardrails that do not hold. */
export const explain = ({ evidence, guardrails, rules, verdict }: Decision): string => {
  const { baseline, candidate, chance, champion, users } = evidence
  const named = `${candidate.name} has ${rules.metric} ${fixed(candidate.mean)} over ${users} users`
  const bound = ({ difference, gain, mean, name }: Opponent) =>
    `${name} ${fixed(mean)} (gain ${percent(gain)}, ${percent(difference.level)} bound of the difference ${fixed(difference.lower)})`
  const rival = champion === null ? "" : `the champion ${bound(champion)}`
  const sentence = {
    better: `better than ${champion === null ? bound(baseline) : rival}`,
    not_worse: `not worse than ${rival}, but the gain is within what another seed changes`,
    worse: `worse than ${rival}`,
    no_better_than_popularity: `no better than ${bound(baseline)}; random order would have ${fixed(chance)}`,
    insufficient_data:
      users < rules.minimumUsers
        ? `not decided, as that takes ${rules.minimumUsers} users; random order would have ${fixed(chance)}`
        : `not decided, as it takes more users to tell it from ${rival}`
  }[verdict]
  const broken = guardrails.filter(({ holds }) => !holds)
  const limits = broken.map(({ limit, name, value }) => `${name} ${fixed(value)} where the limit is ${fixed(limit)}`)
  return [`${named}: ${sentence}`, ...(broken.length === 0 ? [] : [`guardrails broken: ${limits.join(", ")}`])].join(
    "; "
  )
}

// internal ------------------------------------------------------------------------------------------------------------------------

const verdictOf = ({ baseline, candidate, champion, users }: Evidence, rules: Rules): Verdict => {
  if (users < rules.minimumUsers) return "insufficient_data"
  const beatsBaseline = baseline.difference.lower > 0 && candidate.mean >= (1 + rules.minimumGain) * baseline.mean
  if (!beatsBaseline) return "no_better_than_popularity"
  if (champion === null) return "better"
  if (champion.difference.lower >= -rules.margin * champion.mean) {
    return champion.gain > rules.seedNoise ? "better" : "not_worse"
  }
  return champion.difference.upper < 0 ? "worse" : "insufficient_data"
}

const guard = ({ baseline, candidate, champion }: Evidence, rules: Rules): ReadonlyArray<Guardrail> => {
  const atLeast = (name: Guardrail["name"], value: number, limit: number) => ({
    name,
    value,
    limit,
    holds: value >= limit
  })
  const atMost = (name: Guardrail["name"], value: number, limit: number) => ({
    name,
    value,
    limit,
    holds: value <= limit
  })
  const recall = Math.max(baseline.recallAt50, champion?.recallAt50 ?? 0)
  const norms = candidate.sections.filter(({ learnt }) => learnt).map(({ largest }) => largest)
  return [
    atLeast(
      "coverage",
      candidate.coverageAt10,
      Math.max(baseline.coverageAt10, rules.coverageKept * (champion?.coverageAt10 ?? 0))
    ),
    atLeast("recall", candidate.recallAt50, rules.recallKept * recall),
    atMost("numbers", candidate.invalidScores, 0),
    atMost("norms", Math.max(0, ...norms), rules.largestNorm)
  ]
}

const meanOf = (values: Float64Array): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

const fixed = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(4))

const percent = (share: number): string =>
  share === Infinity ? "without end" : `${Number((100 * share).toFixed(1))} %`
