/**
 * Why an asset is Missing, Stale, Maybe or Current: its causes, and those of what it reads, all the way up.
 *
 * `Staleness` finds the causes; this module follows them and puts them into sentences.
 */
import * as Catalog from "./Catalog.ts"
import * as Partition from "./Partition.ts"
import type * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"
import * as Staleness from "./Staleness.ts"
import { causesOf, showCounts, type Subject } from "./StatusReport.ts"

/** Partitions of one asset that are in the same state for the same causes. */
export interface Group {
  readonly status: Reason.Status
  readonly frozen: boolean
  /** Of frozen partitions: what differs, which changes nothing. */
  readonly causes: ReadonlyArray<Reason.Cause>
  /** Oldest first; `null` for an asset without partitions. */
  readonly partitions: ReadonlyArray<Partition.Key>
}

/** What `why --json` prints. */
export interface WhyReport extends Partition.Ref {
  readonly status: Reason.Status
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
  /** The direct dependencies that are not Current; of one that stands elsewhere in the tree only its status. */
  readonly upstream: ReadonlyArray<WhyReport>
  readonly repeated: boolean
}

/** `null` as partition asks for the whole asset, partitioned or not. The slice must exist. */
export const make = (subject: Subject, ref: Partition.Ref, seen = new Set<string>()): WhyReport => {
  const { assessments, catalog, graph } = subject
  const own = assessments.slices.get(ref.asset)!
  const slices = ref.partition === null ? Array.from(own) : [[ref.partition, own.get(ref.partition)!] as const]
  const status = ref.partition === null ? Staleness.status(assessments, ref.asset) : slices[0]![1].status
  const repeated = seen.has(Partition.id(ref))
  seen.add(Partition.id(ref))
  const undecided = new Set(slices.flatMap(([, assessment]) => assessment.undecided))
  return {
    ...ref,
    status,
    causes: causesOf(slices.map(([, assessment]) => assessment)),
    groups: groupsOf(slices),
    last: lastOf(catalog, ref),
    upstream: repeated
      ? []
      : graph.nodes
          .get(ref.asset)!
          .deps.filter((edge) => undecided.has(edge.asset))
          .map(({ asset, mapping }) =>
            make(subject, { asset, partition: mapping._tag === "Identity" ? ref.partition : null }, seen)
          ),
    repeated
  }
}

/** `now` is in milliseconds since the epoch. */
export const toText = (self: WhyReport, { catalog }: Subject, now: number): ReadonlyArray<string> =>
  Report.tree(toTree(self, (cause) => inWords(cause, catalog, now), now))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ranks: Readonly<Record<Reason.Status, number>> = { Missing: 0, Stale: 1, Maybe: 2, Current: 3 }

const groupsOf = (slices: ReadonlyArray<readonly [Partition.Key, Staleness.Assessment]>): ReadonlyArray<Group> =>
  Array.from(
    Map.groupBy(slices, ([, { causes, frozen, status }]) => JSON.stringify([status, frozen, causes])).values(),
    (members): Group => {
      const { causes, frozen, status } = members[0]![1]
      return { status, frozen, causes, partitions: members.map(([partition]) => partition) }
    }
  ).sort((a, b) => ranks[a.status] - ranks[b.status])

const lastOf = (catalog: Catalog.Catalog, ref: Partition.Ref): WhyReport["last"] => {
  const newest = Array.from(Catalog.slices(catalog, ref.asset).values())
    .filter((state) => ref.partition === null || state.partition === ref.partition)
    .sort((a, b) => b.verifiedPosition - a.verifiedPosition)[0]
  if (newest === undefined) return null
  const { materializedAt, rows, runId, verifiedAt } = newest
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
            text: `${partitionsInWords(group.partitions)}: ${statusInWords(group)}`,
            children: causesInWords(group, explain).map(leaf)
          }))),
      ...self.upstream.map((upstream) => toTree(upstream, explain, now)),
      ...(self.last === null ? [] : [leaf(lastInWords(self.last, now))])
    ]
  }
}

const alike = (group: Group): string =>
  group.partitions.length === 1
    ? statusInWords(group)
    : `${statusInWords(group)} (all of ${Report.count(group.partitions.length, "partition")})`

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
  for (const { partitions, status } of groups) counts[status] += partitions.length
  return groups.length === 0 ? "without partitions as yet" : showCounts(counts)
}

const causesInWords = ({ causes }: Group, explain: (cause: Reason.Cause) => string) => causes.map(explain)

const partitionsInWords = (partitions: ReadonlyArray<Partition.Key>): string =>
  partitions.length <= 3
    ? partitions.join(", ")
    : `${partitions[0]} … ${partitions[partitions.length - 1]} (${Report.count(partitions.length, "partition")})`

const inWords = (cause: Reason.Cause, catalog: Catalog.Catalog, now: number): string => {
  switch (cause._tag) {
    case "CodeChanged":
      return `its code version ${cause.from} became ${cause.to}`
    case "DependencyAdded":
      return `it now depends on ${cause.dependency}`
    case "DependencyRemoved":
      return `it no longer depends on ${cause.dependency}`
    case "RecheckDue":
      return `its source was last checked ${Report.ago(cause.since, now)} (${cause.since}) and is due again`
    case "DependencyChanged": {
      const where = cause.partitions?.length ? ` in ${partitionsInWords(cause.partitions)}` : ""
      const states = Array.from(Catalog.slices(catalog, cause.dependency).values())
      const newest = states.sort((a, b) => b.changedPosition - a.changedPosition)[0]
      const when = newest && ` ${Report.ago(newest.materializedAt, now)}, by run ${newest.runId}`
      return `${cause.dependency} has changed${where}${when ?? ""}`
    }
  }
}

const lastInWords = (last: NonNullable<WhyReport["last"]>, now: number): string => {
  const rows = last.rows === null ? "" : `, ${Report.count(last.rows, "row")}`
  const verified = last.verifiedAt === last.materializedAt ? "" : `; verified ${Report.ago(last.verifiedAt, now)}`
  return `last materialized ${Report.ago(last.materializedAt, now)} by run ${last.runId}${rows}${verified}`
}
