/**
 * The status of assets and of their partitions as one line each.
 *
 * Why one of them is what it is, all the way up, is told by `WhyReport`.
 */
import type * as AssetGraph from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import * as Causes from "./Causes.ts"
import type { Of } from "./Event.ts"
import * as LastAttempt from "./LastAttempt.ts"
import type * as Partition from "./Partition.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"
import * as Staleness from "./Staleness.ts"

/** What `status --json` prints for an asset, or for one of its partitions. */
export interface Row extends Partition.Ref {
  readonly status: Reason.Status
  readonly causes: ReadonlyArray<Reason.Cause>
  /** The direct dependencies that are not Current: what a Maybe waits for. */
  readonly undecided: ReadonlyArray<string>
  /** Numbers of partitions by status, of an asset that has them, asked whole. */
  readonly partitions?: Staleness.Counts
  /** As declared now. */
  readonly codeVersion: string
  /** Of many partitions one digest; their rows are added up, and the newest says when and by which run. */
  readonly dataVersion: string | null
  readonly rows: number | null
  readonly materializedAt: string | null
  readonly runId: string | null
  readonly traceId: string | null
  /** Whether somebody else computes it; its version is what was observed last. */
  readonly external: boolean
  /** `null` without a freshness policy. */
  readonly freshness: "Fresh" | "Overdue" | null
  /** Checks that failed of the versions in force, of all partitions where it is asked whole. */
  readonly failedChecks: ReadonlyArray<FailedCheck>
  /** The last step, if it failed; of an asset asked whole the newest failure that no later step made good. */
  readonly lastFailure: LastAttempt.LastFailure | null
  /** ISO 8601: when what was published was removed, as far as nothing was published since; `null` where nothing was. */
  readonly wipedAt: string | null
}

/** What `status` and `why` tell of a failed check; `partition` is null where it was over the whole. */
export interface FailedCheck {
  readonly check: string
  readonly partition: Partition.Key
  readonly severity: "warn" | "error"
  readonly blocking: boolean
  /** Published all the same because the run was told to. */
  readonly accepted: boolean
  readonly reason: string
  /** ISO 8601. */
  readonly at: string
  readonly runId: string
}

export interface Subject {
  readonly graph: AssetGraph.AssetGraph
  readonly catalog: Catalog.Catalog
  readonly assessments: Staleness.Assessments
  /** Of the versions in force. */
  readonly failedChecks: ReadonlyArray<Of<"CheckFailed">>
  readonly lastAttempts: LastAttempt.LastAttempts
}

/** One row an asset, or with `each` one a partition. */
export const make = (
  subject: Subject,
  selected: ReadonlySet<string>,
  each: "asset" | "partition"
): ReadonlyArray<Row> =>
  Array.from(selected).flatMap((asset) => {
    if (subject.graph.nodes.get(asset)!.asset.partitions === undefined)
      return ofSlice(subject, { asset, partition: null })
    if (each === "asset") return ofAll(subject, asset)
    return Array.from(Staleness.entries(subject.assessments, asset), ([partition]) =>
      ofSlice(subject, { asset, partition })
    )
  })

/** `now` is in milliseconds since the epoch. */
export const toText = (rows: ReadonlyArray<Row>, now: number, medium: Report.Medium): ReadonlyArray<string> =>
  Report.table(
    [
      { title: "asset" },
      { title: "partition" },
      { title: "status", paint: (style, text) => paintWorst(style, text) },
      { title: "why", gives: true },
      { title: "checks", paint: (style, text) => style.red(text) },
      { title: "last attempt", paint: (style, text) => style.red(text) },
      { title: "rows", align: "right" },
      { title: "materialized" },
      { title: "version", paint: (style, text) => style.dim(text) }
    ],
    rows.map((row) => [
      row.asset,
      row.partition ?? "",
      row.partitions === undefined ? row.status : showCounts(row.partitions) || "no partitions",
      row.causes.length > 0 ? row.causes.map(Reason.show).join(", ") : note(row),
      showFailed(row.failedChecks),
      // What is Current again needs no other.
      row.lastFailure === null || row.status === "Current" ? "" : `failed ${Report.ago(row.lastFailure.at, now)}`,
      row.rows === null ? "" : Report.number(row.rows),
      row.materializedAt === null ? "" : Report.ago(row.materializedAt, now),
      row.dataVersion === null ? "" : Report.version(row.dataVersion)
    ]),
    medium
  )

/** `2 Missing, 5 Current`, the worst first. */
export const showCounts = (counts: Staleness.Counts): string =>
  Reason.Status.literals
    .filter((status) => counts[status] > 0)
    .map((status) => `${Report.number(counts[status])} ${status}`)
    .join(", ")

/** The failed checks of an asset or of some of its partitions. */
export const failedOf = (
  { failedChecks }: Pick<Subject, "failedChecks">,
  asset: string,
  partitions?: ReadonlySet<Partition.Key>
): ReadonlyArray<FailedCheck> =>
  failedChecks
    .filter((event) => event.asset === asset && (partitions?.has(event.partition) ?? true))
    .map(({ accepted, at, blocking, check, partition, reason, runId, severity }) => {
      return { check, partition, severity, blocking, accepted, reason, at, runId }
    })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const paintWorst = (style: Report.Style, text: string): string => {
  const colors = { Missing: style.red, Stale: style.yellow, Maybe: style.yellow, Current: style.green }
  const worst = Reason.Status.literals.find((status) => text.includes(status))
  return worst === undefined ? text : colors[worst](text)
}

const note = ({ dataVersion, external, status, undecided, wipedAt }: Row): string => {
  if (status === "Missing") return wipedAt === null ? "never materialized" : "wiped"
  if (external) return dataVersion === null ? "external, never observed" : "external"
  return undecided.length > 0 ? `depends on ${undecided.join(", ")}` : ""
}

/** `2 failed`, `1 failed, 1 warned`. */
const showFailed = (checks: ReadonlyArray<FailedCheck>): string => {
  const warned = checks.filter(({ severity }) => severity === "warn").length
  const parts = [
    [checks.length - warned, "failed"],
    [warned, "warned"]
  ] as const
  return parts.flatMap(([amount, word]) => (amount === 0 ? [] : [`${Report.number(amount)} ${word}`])).join(", ")
}

const ofSlice = (subject: Subject, ref: Partition.Ref): Row => {
  const { assessments, catalog, graph } = subject
  const assessment = Staleness.get(assessments, ref)!
  const state = Catalog.get(catalog, ref)
  return {
    asset: ref.asset,
    partition: ref.partition,
    status: assessment.status,
    causes: stale(assessment),
    undecided: assessment.undecided,
    ...declared(graph, ref.asset),
    dataVersion: state?.dataVersion ?? null,
    rows: state?.rows ?? null,
    ...lastOf(state),
    failedChecks: failedOf(subject, ref.asset, new Set([ref.partition])),
    ...attemptedOf(LastAttempt.of(subject.lastAttempts, ref.asset, new Set([ref.partition])))
  }
}

const ofAll = (subject: Subject, asset: string): Row => {
  const { assessments, catalog, graph } = subject
  // What was published of keys that were removed is no part of it.
  const states = Array.from(Catalog.slices(catalog, asset).values()).filter(
    (state) => assessments.lineage.index(state) !== -1
  )
  const newest = states.reduce<Catalog.AssetState | undefined>(
    (newest, state) => (newest === undefined || state.changedPosition > newest.changedPosition ? state : newest),
    undefined
  )
  return {
    asset,
    partition: null,
    status: Staleness.status(assessments, asset),
    partitions: Staleness.aggregate(assessments, asset),
    causes: Causes.merge(assessments.lineage, Staleness.causesOf(assessments, asset)),
    undecided: Staleness.undecidedOf(assessments, asset),
    ...declared(graph, asset),
    dataVersion: Catalog.versionOf(states)?.version ?? null,
    rows: states.some((state) => state.rows !== null)
      ? states.reduce((sum, state) => sum + (state.rows ?? 0), 0)
      : null,
    ...lastOf(newest),
    failedChecks: failedOf(subject, asset),
    ...attemptedOf(LastAttempt.of(subject.lastAttempts, asset))
  }
}

const declared = ({ nodes }: AssetGraph.AssetGraph, key: string) => {
  const { asset, codeVersion } = nodes.get(key)!
  return { codeVersion, external: asset.external !== undefined }
}

const lastOf = (state: Catalog.AssetState | undefined) => ({
  materializedAt: state?.materializedAt ?? null,
  runId: state?.runId ?? null,
  traceId: state?.traceId ?? null,
  freshness: null
})

const attemptedOf = ({ failure, wiped }: LastAttempt.LastAttempt) => {
  return { lastFailure: failure, wipedAt: wiped?.at ?? null }
}

/** What differs about a frozen slice is no cause: nothing comes of it. */
const stale = ({ causes, status }: Staleness.Assessment) => (status === "Stale" ? causes : [])
