/**
 * Why an asset is Missing, Stale, Maybe or Current: its causes, and those of what it reads, all the way up.
 *
 * `Staleness` finds the causes; this module follows them and puts them into sentences.
 */
import * as Catalog from "./Catalog.ts"
import * as Causes from "./Causes.ts"
import * as Keys from "./Keys.ts"
import type { Lineage, Reading } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"
import * as Staleness from "./Staleness.ts"
import { type FailedCheck, failedOf, showCounts, type Subject } from "./StatusReport.ts"

/** Partitions of one asset that are in the same state for the same causes. */
export interface Group {
  readonly status: Reason.Status
  readonly frozen: boolean
  /** Of frozen partitions: what differs, which changes nothing. */
  readonly causes: ReadonlyArray<Reason.Cause>
  /** In order, neighbours merged to ranges such as `2026-01-01..2026-01-31`; `null` for an asset without partitions. */
  readonly partitions: ReadonlyArray<string> | null
  /** How many there are. */
  readonly slices: number
}

/** What `why --json` prints. */
export interface WhyReport extends Partition.Ref {
  readonly status: Reason.Status
  readonly external: boolean
  /** Why it is Stale, of all its partitions together. */
  readonly causes: ReadonlyArray<Reason.Cause>
  /** One for a single slice; the worst first for the partitions of an asset. */
  readonly groups: ReadonlyArray<Group>
  /** The newest materialization. */
  readonly last: {
    readonly materializedAt: string
    readonly verifiedAt: string
    readonly runId: string
    readonly rows: number | null
  } | null
  /** Of the versions in force. */
  readonly failedChecks: ReadonlyArray<FailedCheck>
  /** The direct dependencies that are not Current; of one that stands elsewhere in the tree only its status. */
  readonly upstream: ReadonlyArray<WhyReport>
  readonly repeated: boolean
}

/** `null` as partition asks for the whole asset, partitioned or not. The slice must exist. */
export const make = (subject: Subject, ref: Partition.Ref, seen = new Set<string>()): WhyReport => {
  const { assessments, catalog } = subject
  const { lineage } = assessments
  const slices =
    ref.partition === null
      ? Array.from(Staleness.entries(assessments, ref.asset))
      : [[ref.partition, Staleness.get(assessments, ref)!] as const]
  const status = ref.partition === null ? Staleness.status(assessments, ref.asset) : slices[0]![1].status
  const repeated = seen.has(Partition.id(ref))
  seen.add(Partition.id(ref))
  const undecided = new Set(slices.flatMap(([, assessment]) => assessment.undecided))
  return {
    ...ref,
    status,
    external: lineage.isExternal(ref.asset),
    causes: Causes.merge(
      lineage,
      slices.map(([, { causes, status }]) => (status === "Stale" ? causes : []))
    ),
    groups: groupsOf(lineage, ref.asset, slices),
    last: lastOf(catalog, lineage, ref),
    failedChecks: failedOf(subject, ref.asset, ref.partition ?? undefined),
    upstream: repeated
      ? []
      : lineage
          .readings(ref.asset)
          .filter(({ edge }) => undecided.has(edge.asset))
          .map((reading) => make(subject, readAs(lineage, reading, ref), seen)),
    repeated
  }
}

/** `now` is in milliseconds since the epoch. */
export const toText = (self: WhyReport, { catalog }: Subject, now: number): ReadonlyArray<string> =>
  Report.tree(toTree(self, (cause) => inWords(cause, catalog, now), now))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The one slice that is read, or the dependency as a whole. */
const readAs = (lineage: Lineage, reading: Reading, ref: Partition.Ref): Partition.Ref => {
  const { asset } = reading.edge
  const isOne = reading.one !== undefined && ref.partition !== null
  return { asset, partition: isOne ? lineage.key(asset, reading.one(lineage.index(ref))) : null }
}

const ranks: Readonly<Record<Reason.Status, number>> = { Missing: 0, Stale: 1, Maybe: 2, Current: 3 }

const groupsOf = (
  lineage: Lineage,
  asset: string,
  slices: ReadonlyArray<readonly [Partition.Key, Staleness.Assessment]>
): ReadonlyArray<Group> => {
  const keys = lineage.keys(asset)
  const alike = ({ causes, frozen, status }: Staleness.Assessment) =>
    JSON.stringify([status, frozen, ...causes.map(Causes.idOf)])
  return Array.from(Map.groupBy(slices, ([, assessment]) => alike(assessment)).values(), (members): Group => {
    const { frozen, status } = members[0]![1]
    const indexes = members.map(([partition]) => lineage.index({ asset, partition }))
    const partitions = keys === undefined ? null : Keys.ranges(keys, indexes)
    const lists = members.map(([, { causes }]) => causes)
    return { status, frozen, causes: Causes.merge(lineage, lists), partitions, slices: members.length }
  }).sort((a, b) => ranks[a.status] - ranks[b.status])
}

const lastOf = (catalog: Catalog.Catalog, lineage: Lineage, ref: Partition.Ref): WhyReport["last"] => {
  const newest = Array.from(Catalog.slices(catalog, ref.asset).values())
    .filter((state) => (ref.partition === null ? lineage.index(state) !== -1 : state.partition === ref.partition))
    .sort((a, b) => b.verifiedPosition - a.verifiedPosition)[0]
  if (newest === undefined) return null
  const { materializedAt, runId, verifiedAt } = newest
  // Of many partitions these are the newest one's, whose rows are not the asset's.
  const rows = newest.partition === ref.partition ? newest.rows : null
  return { materializedAt, verifiedAt, runId, rows }
}

const toTree = (self: WhyReport, explain: (cause: Reason.Cause) => string, now: number): Report.Tree => {
  const [only, ...others] = self.groups
  const single = only !== undefined && others.length === 0
  const leaf = (text: string): Report.Tree => ({ text, children: [] })
  if (self.repeated) return leaf(`${Partition.show(self)} is ${self.status}, as said elsewhere here`)
  return {
    text: `${Partition.show(self)} is ${single ? alike(only) : summary(self.groups)}`,
    children: [
      ...(single
        ? causesInWords(only, explain).map(leaf)
        : self.groups.map((group) => ({
            text: `${groupInWords(group)}: ${statusInWords(group)}`,
            children: causesInWords(group, explain).map(leaf)
          }))),
      ...self.failedChecks.map((check) => leaf(failureInWords(check))),
      ...self.upstream.map((upstream) => toTree(upstream, explain, now)),
      ...(self.external ? [leaf("external: somebody else computes it")] : []),
      ...(self.last === null ? [] : [leaf(lastInWords(self, self.last, now))])
    ]
  }
}

const alike = (group: Group): string =>
  group.slices === 1
    ? statusInWords(group)
    : `${statusInWords(group)} (all of ${Report.count(group.slices, "partition")})`

const statusInWords = ({ causes, frozen, status }: Group): string => {
  if (frozen) return causes.length === 0 ? "Frozen: its source cannot be asked again" : "Frozen, though since then"
  switch (status) {
    case "Missing":
      return "Missing: it was never materialized"
    case "Stale":
      return "Stale"
    case "Maybe":
      return "Maybe: it is decided once what it reads is Current"
    case "Current":
      return "Current"
  }
}

const summary = (groups: ReadonlyArray<Group>): string => {
  const counts = { Missing: 0, Stale: 0, Maybe: 0, Current: 0 }
  for (const { slices, status } of groups) counts[status] += slices
  return groups.length === 0 ? "without partitions" : showCounts(counts)
}

const causesInWords = ({ causes }: Group, explain: (cause: Reason.Cause) => string) => causes.map(explain)

const groupInWords = ({ partitions, slices }: Group): string => {
  const ranges = Reason.showRanges(partitions ?? [])
  return slices > 1 ? `${ranges} (${Report.count(slices, "partition")})` : ranges
}

const inWords = (cause: Reason.Cause, catalog: Catalog.Catalog, now: number): string => {
  switch (cause._tag) {
    case "CodeChanged":
      return `its ${Reason.show(cause)}`
    case "ConfigChanged":
      return `its setting ${cause.key} has changed`
    case "DependencyAdded":
      return `it now depends on ${cause.dependency}`
    case "DependencyRemoved":
      return `it no longer depends on ${cause.dependency}`
    case "RecheckDue":
      if (cause.since === null) return "it was never observed, and is due"
      return `its source was last checked ${Report.ago(cause.since, now)} (${cause.since}) and is due again`
    case "DependencyChanged": {
      const changed = Reason.showChange(cause)
      if (cause.partitions?.length === 0 && cause.removed !== undefined) return changed
      const states = Array.from(Catalog.slices(catalog, cause.dependency).values())
      const newest = states.sort((a, b) => b.changedPosition - a.changedPosition)[0]
      const when = newest && ` ${Report.ago(newest.materializedAt, now)}, by run ${newest.runId}`
      return `${changed}${when ?? ""}`
    }
  }
}

const failureInWords = ({ accepted, check, partition, reason, severity }: FailedCheck): string =>
  `the check "${check}" ${severity === "warn" ? "warned" : "failed"}${partition === null ? "" : ` of ${partition}`}${
    accepted ? ", which was accepted" : ""
  }: ${reason}`

const lastInWords = ({ external }: WhyReport, last: NonNullable<WhyReport["last"]>, now: number): string => {
  const rows = last.rows === null ? "" : `, ${Report.count(last.rows, "row")}`
  const verified = last.verifiedAt === last.materializedAt ? "" : `; verified ${Report.ago(last.verifiedAt, now)}`
  return `last ${external ? "seen to change" : "materialized"} ${Report.ago(last.materializedAt, now)} by run ${last.runId}${rows}${verified}`
}
