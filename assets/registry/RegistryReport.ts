/** Models as people read of them, and as documents for programs. */
import { Report } from "../../runtime/index.ts"
import * as Algorithm from "../recommender/Algorithm.ts"
import * as Algorithms from "../recommender/Algorithms.ts"
import * as Retraining from "../recommender/Retraining.ts"
import type * as Judgements from "./Judgements.ts"
import type * as Registry from "./Registry.ts"

/** A model that was looked at closely. */
export interface Subject {
  readonly entry: Registry.Entry
  /** Of the gate, when it was the challenger. */
  readonly judgement: Judgements.Judgement | undefined
  /** Of the alias it was asked for by, or of both to this version; newest first. */
  readonly history: ReadonlyArray<Judgements.Change & { readonly alias: Registry.Alias }>
}

export const toJson = (entry: Registry.Entry) => {
  const { aliases, promotedAt, publishedAt, rolledBackAt, runId, version } = entry
  const { algorithm, candidate, ndcgAt100 } = choiceOf(entry)
  return { version, algorithm, candidate, ndcgAt100, publishedAt, runId, aliases, promotedAt, rolledBackAt }
}

export const listToText = (
  entries: ReadonlyArray<Registry.Entry>,
  medium: Report.Medium,
  now: number
): ReadonlyArray<string> =>
  entries.length === 0
    ? ["There are no models yet; assets materialize model_champion makes one"]
    : Report.table(
        [
          { title: "version" },
          { title: "is", paint: ({ green }, text) => green(text) },
          { title: "ndcg@100", align: "right" },
          { title: "published" },
          { title: "run" },
          { title: "model", gives: true }
        ],
        entries.map((entry) => {
          const { candidate, ndcgAt100 } = choiceOf(entry)
          return [
            Report.version(entry.version),
            marks(entry),
            ndcgAt100 === null ? "" : ndcgAt100.toFixed(4),
            Report.ago(entry.publishedAt, now),
            entry.runId,
            candidate
          ]
        }),
        medium
      )

export const subjectToJson = ({ entry, history, judgement }: Subject) => ({
  ...toJson(entry),
  size: entry.size,
  manifest: entry.manifest ?? null,
  judgement: judgement ?? null,
  history
})

export const subjectToText = ({ entry, history, judgement }: Subject, now: number): ReadonlyArray<string> => {
  const { manifest } = entry
  const { candidate, ndcgAt100 } = choiceOf(entry)
  const facts: ReadonlyArray<readonly [name: string, value: string]> = [
    ["is", marks(entry)],
    ["model", candidate],
    ["published", `${entry.publishedAt} by run ${entry.runId}`],
    ["promoted", entry.promotedAt ?? "never"],
    ["rolled back", entry.rolledBackAt ?? ""],
    ["ndcg@100", ndcgAt100 === null ? "" : `${ndcgAt100.toFixed(4)} on validation`],
    ["size", Report.count(entry.size, "byte")],
    ...(manifest === undefined ? [] : factsOf(manifest))
  ]
  const told = facts.filter(([, value]) => value !== "")
  return [
    entry.version,
    ...told.map(([name, value]) => `  ${name.padEnd(12)}${value}`),
    ...(history.length === 0 ? [] : ["", "History, newest first:"]),
    ...history.map(
      ({ alias, at, runId, verdict, version }) =>
        `  ${Report.ago(at, now)}: ${Report.version(version)} became the ${alias}${alias === "champion" ? ` (${verdict ?? "by hand"})` : ""}, run ${runId}`
    ),
    ...(judgement === undefined
      ? []
      : ["", `Judged ${Report.ago(judgement.at, now)} by run ${judgement.runId}:`, "", judgement.card])
  ]
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What was chosen, and how it did on validation: of baselines that is not known. */
const choiceOf = ({ manifest }: Registry.Entry) => {
  if (manifest === undefined) return { algorithm: null, candidate: "", ndcgAt100: null }
  const { algorithm, trials } = manifest
  const known = Algorithms.candidate(manifest)
  const described = known === undefined ? algorithm : Algorithm.describe(known)
  const trial = trials.find(({ candidate }) => unordered(candidate) === unordered(described))
  return { algorithm, candidate: trial?.candidate ?? described, ndcgAt100: trial?.ndcgAt100 ?? null }
}

/** A manifest keeps parameters in another order than candidates have them. */
const unordered = (described: string): string => described.split(", ").toSorted().join(", ")

const marks = ({ aliases, rolledBackAt }: Registry.Entry): string =>
  [...aliases, ...(rolledBackAt === null ? [] : ["rolled back"])].join(", ")

const factsOf = (manifest: NonNullable<Registry.Entry["manifest"]>) => {
  const { codeVersion, dataVersions, digests, listens, newestDay, protocol, sections, seed, tracks, training, users } =
    manifest
  const until = newestDay === null ? "" : ` until ${new Date(newestDay * 86_400_000).toISOString().slice(0, 10)}`
  const size = [Report.count(listens, "listen"), Report.count(users, "user"), Report.count(tracks, "track")]
  return [
    ["fitted to", `${size.join(", ")}${until}; listens ${Report.version(digests.listens)}`],
    [
      "read",
      Object.entries(dataVersions)
        .map(([asset, version]) => `${asset} ${Report.version(version)}`)
        .join(", ")
    ],
    ["code", Report.version(codeVersion)],
    ["seed", seed === null ? "" : String(seed)],
    ["consists of", sections.map(({ name, shape, type }) => `${name} ${shape.join("x")} ${type}`).join(", ")],
    ["chosen by", protocol],
    ["trained", training === undefined ? "" : Retraining.explain(training)]
  ] as const
}
