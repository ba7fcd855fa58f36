/**
 * Why an asset is Missing, Stale, Maybe or Current: its causes, and those of what it reads, all the way up.
 *
 * `Staleness` finds the causes; this module follows them and puts them into sentences.
 */
import * as Catalog from "./Catalog.ts"
import * as Causes from "./Causes.ts"
import * as EventLine from "./EventLine.ts"
import * as Keys from "./Keys.ts"
import * as LastAttempt from "./LastAttempt.ts"
import type { Reading } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"
import * as Scope from "./Scope.ts"
import * as Staleness from "./Staleness.ts"
import { type FailedCheck, failedOf, showCounts, type Subject } from "./StatusReport.ts"

/** Partitions of one asset that are in the same state for the same causes. */
export interface Group {
  readonly status: Reason.Status
  readonly frozen: boolean
  /** Whether they were published once, and removed. */
  readonly wiped: boolean
  /** Of frozen partitions: what differs, which changes nothing. */
  readonly causes: ReadonlyArray<Reason.Cause>
  /** In order, neighbours merged to ranges such as `2026-01-01..2026-01-31`; `null` for an asset without partitions. */
  readonly partitions: ReadonlyArray<string> | null
  /** How many there are. */
  readonly slices: number
}

/** What `why --json` prints. */
export interface WhyReport extends Partition.Ref {
  /** Of several partitions, but not all, which they are, as ranges; `partition` is then `null`. */
  readonly partitions: ReadonlyArray<string> | null
  readonly status: Reason.Status
  readonly external: boolean
  /** Why it is Stale, of all these partitions together. */
  readonly causes: ReadonlyArray<Reason.Cause>
  /** One for a single slice; the worst first for several. */
  readonly groups: ReadonlyArray<Group>
  /** The newest materialization. */
  readonly last: {
    readonly materializedAt: string
    readonly verifiedAt: string
    readonly runId: string
    readonly rows: number | null
  } | null
  /** What became of them since they were last published. */
  readonly lastAttempt: LastAttempt.Newest
  /** Of the versions in force. */
  readonly failedChecks: ReadonlyArray<FailedCheck>
  /**
   * The direct dependencies that are not Current: of a single partition the slices that it reads, its own earlier ones
   * together. Of one that stands elsewhere in the tree only its status.
   */
  readonly upstream: ReadonlyArray<WhyReport>
  readonly repeated: boolean
}

/** `null` as partition asks for the whole asset, partitioned or not. The slice must exist. */
export const make = (subject: Subject, ref: Partition.Ref): WhyReport => {
  const { lineage } = subject.assessments
  const slices = ref.partition === null ? undefined : [lineage.index(ref)]
  return explain(subject, { asset: ref.asset, slices }, new Map())
}

/** `now` is in milliseconds since the epoch. */
export const toText = (self: WhyReport, subject: Subject, now: number): ReadonlyArray<string> =>
  Report.tree(toTree(self, (cause) => inWords(cause, subject, now), now))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Slices of an asset by number; `undefined` for the asset as a whole. */
interface Focus {
  readonly asset: string
  readonly slices: ReadonlyArray<number> | undefined
}

/** By asset, the slices that stand in the tree already. */
type Told = Map<string, ReadonlySet<number> | "all">

const explain = (subject: Subject, focus: Focus, told: Told): WhyReport => {
  const { assessments } = subject
  const { lineage } = assessments
  const { asset } = focus
  const slices = Array.from(slicesOf(assessments, focus))
  const keys = lineage.keys(asset)
  const partitions = keys === undefined || focus.slices === undefined ? null : Keys.ranges(keys, focus.slices)
  const repeated = isTold(told, focus)
  const statuses = slices.map(([, { status }]) => status)
  const wanted = focus.slices && new Set(slices.map(([partition]) => partition))
  tell(told, focus)
  return {
    asset,
    partition: focus.slices?.length === 1 ? slices[0]![0] : null,
    partitions: focus.slices?.length === 1 ? null : partitions,
    status:
      focus.slices === undefined
        ? Staleness.status(assessments, asset)
        : statuses.reduce((worst, status) => (ranks[status] < ranks[worst] ? status : worst), "Current"),
    external: lineage.isExternal(asset),
    causes: Causes.merge(
      lineage,
      slices.map(([, { causes, status }]) => (status === "Stale" ? causes : []))
    ),
    groups: groupsOf(subject, asset, slices),
    last: lastOf(subject, asset, wanted),
    lastAttempt: LastAttempt.of(subject.lastAttempts, asset, wanted),
    failedChecks: failedOf(subject, asset, wanted),
    upstream: repeated ? [] : upstreamOf(assessments, focus).map((read) => explain(subject, read, told)),
    repeated
  }
}

function* slicesOf(
  assessments: Staleness.Assessments,
  { asset, slices }: Focus
): Generator<readonly [Partition.Key, Staleness.Assessment]> {
  if (slices === undefined) return yield* Staleness.entries(assessments, asset)
  for (const index of slices) {
    const partition = assessments.lineage.key(asset, index)
    const assessment = Staleness.get(assessments, { asset, partition })
    if (assessment !== undefined) yield [partition, assessment]
  }
}

const isTold = (told: Told, { asset, slices }: Focus): boolean => {
  const known = told.get(asset)
  return known === "all" || (known !== undefined && slices !== undefined && slices.every((index) => known.has(index)))
}

const tell = (told: Told, { asset, slices }: Focus): void => {
  const known = told.get(asset)
  if (slices === undefined) told.set(asset, "all")
  else if (known !== "all") told.set(asset, new Set([...(known ?? []), ...slices]))
}

/** What the slices wait for. What an asset as a whole reads of itself it has told already. */
const upstreamOf = (assessments: Staleness.Assessments, { asset, slices }: Focus): ReadonlyArray<Focus> => {
  const { lineage } = assessments
  const { isFrozen } = assessments.slices.get(asset)!
  const waits = (reading: Reading, index: number) =>
    !isFrozen(index) && Staleness.waits(assessments.slices, reading, index)
  if (slices === undefined) {
    const undecided = new Set(Staleness.undecidedOf(assessments, asset))
    return lineage
      .readings(asset)
      .flatMap(({ edge }): ReadonlyArray<Focus> =>
        undecided.has(edge.asset) && edge.asset !== asset ? [{ asset: edge.asset, slices: undefined }] : []
      )
  }
  return lineage.readings(asset).flatMap((reading): ReadonlyArray<Focus> => {
    const waiting = slices.filter((index) => waits(reading, index))
    const { asset: other } = reading.edge
    if (waiting.length === 0) return []
    if (reading.isAll || lineage.keys(other) === undefined) return [{ asset: other, slices: undefined }]
    const read = other === asset ? pastOf(assessments, reading, slices) : undecidedBy(assessments, reading, waiting)
    return read.length === 0 ? [] : [{ asset: other, slices: read }]
  })
}

/** The slices that these read and that are not Current, ascending. */
const undecidedBy = (
  { slices }: Staleness.Assessments,
  { edge, ranges }: Reading,
  indexes: ReadonlyArray<number>
): ReadonlyArray<number> => {
  const { codes } = slices.get(edge.asset)!
  const found = new Set<number>()
  for (const index of indexes) {
    for (const [from, to] of ranges(index)) {
      for (let at = from; at < to; at++) {
        if (codes[at] !== Staleness.codes.absent && codes[at] !== Staleness.codes.Current) found.add(at)
      }
    }
  }
  return Array.from(found).sort((a, b) => a - b)
}

/** Likewise of the asset itself, those that they read in turn included. */
const pastOf = (assessments: Staleness.Assessments, reading: Reading, indexes: ReadonlyArray<number>) => {
  const known = new Set(indexes)
  let next = indexes
  while (next.length > 0) {
    next = undecidedBy(assessments, reading, next).filter((index) => !known.has(index))
    for (const index of next) known.add(index)
  }
  return Array.from(known.difference(new Set(indexes))).sort((a, b) => a - b)
}

const ranks: Readonly<Record<Reason.Status, number>> = { Missing: 0, Stale: 1, Maybe: 2, Current: 3 }

const groupsOf = (
  { assessments: { lineage }, lastAttempts }: Subject,
  asset: string,
  slices: ReadonlyArray<readonly [Partition.Key, Staleness.Assessment]>
): ReadonlyArray<Group> => {
  const keys = lineage.keys(asset)
  const attempts = lastAttempts.get(asset)
  const isWiped = (partition: Partition.Key) => attempts?.get(partition)?.wiped != null
  const alike = (partition: Partition.Key, { causes, frozen, status }: Staleness.Assessment) =>
    JSON.stringify([status, frozen, isWiped(partition), ...causes.map((cause) => [Causes.idOf(cause), isGone(cause)])])
  const groups = Map.groupBy(slices, ([partition, assessment]) => alike(partition, assessment))
  return Array.from(groups.values(), (members): Group => {
    const [first, { frozen, status }] = members[0]!
    const indexes = members.map(([partition]) => lineage.index({ asset, partition }))
    const partitions = keys === undefined ? null : Keys.ranges(keys, indexes)
    const lists = members.map(([, { causes }]) => causes)
    const wiped = isWiped(first)
    return { status, frozen, wiped, causes: Causes.merge(lineage, lists), partitions, slices: members.length }
  }).sort((a, b) => ranks[a.status] - ranks[b.status])
}

const lastOf = (
  { assessments: { lineage }, catalog }: Subject,
  asset: string,
  wanted: ReadonlySet<Partition.Key> | undefined
): WhyReport["last"] => {
  const slices = Array.from(Catalog.slices(catalog, asset).values())
  const newest = slices
    .filter((state) => wanted?.has(state.partition) ?? lineage.index(state) !== -1)
    .reduce<Catalog.AssetState | undefined>(
      (newest, state) => (newest === undefined || state.verifiedPosition > newest.verifiedPosition ? state : newest),
      undefined
    )
  if (newest === undefined) return null
  const { materializedAt, runId, verifiedAt } = newest
  // Of many partitions these are the newest one's, whose rows are not those of all.
  const isOne = newest.partition === null || wanted?.size === 1
  return { materializedAt, verifiedAt, runId, rows: isOne ? newest.rows : null }
}

const toTree = (self: WhyReport, explain: (cause: Reason.Cause) => string, now: number): Report.Tree => {
  const [only, ...others] = self.groups
  const single = only !== undefined && others.length === 0
  const leaf = (text: string): Report.Tree => ({ text, children: [] })
  if (self.repeated) return leaf(`${nameOf(self)} is ${self.status}, as said elsewhere here`)
  return {
    text: `${nameOf(self)} is ${single ? alike(only) : summary(self.groups)}`,
    children: [
      ...(single
        ? causesInWords(only, explain).map(leaf)
        : self.groups.map((group) => ({
            text: `${groupInWords(group)}: ${statusInWords(group)}`,
            children: causesInWords(group, explain).map(leaf)
          }))),
      ...failuresInWords(self).map(leaf),
      ...self.upstream.map((upstream) => toTree(upstream, explain, now)),
      ...attemptsInWords(self, now).map(leaf),
      ...(self.external ? [leaf("external: somebody else computes it")] : []),
      ...(self.last === null ? [] : [leaf(lastInWords(self, self.last, now))])
    ]
  }
}

const nameOf = (self: WhyReport): string =>
  self.partitions === null ? Partition.show(self) : `${self.asset}/${Reason.few(self.partitions)}`

const alike = (group: Group): string =>
  group.slices === 1
    ? statusInWords(group)
    : `${statusInWords(group)} (all of ${Report.count(group.slices, "partition")})`

const statusInWords = ({ causes, frozen, status, wiped }: Group): string => {
  if (frozen) return causes.length === 0 ? "Frozen: its source cannot be asked again" : "Frozen, though since then"
  switch (status) {
    case "Missing":
      return wiped ? "Missing: what was published was wiped" : "Missing: it was never materialized"
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
  const ranges = Reason.few(partitions ?? [])
  return slices > 1 ? `${ranges} (${Report.count(slices, "partition")})` : ranges
}

const inWords = (cause: Reason.Cause, subject: Subject, now: number): string => {
  switch (cause._tag) {
    case "CodeChanged":
      return `its ${Reason.showCodeChange(cause)}`
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
      if (isGone(cause)) return changed
      const newest = newestOf(subject, cause)
      if (newest === undefined) return changed
      if (Catalog.isErasedFrom(newest)) return `${changed}, as rows were erased from it`
      return `${changed} ${Report.ago(newest.materializedAt, now)}, by run ${newest.runId}`
    }
  }
}

/** Whether none of the partitions that it reads has changed: some that it read are gone, or are there again. */
const isGone = (cause: Reason.Cause): boolean => cause._tag === "DependencyChanged" && cause.partitions?.length === 0

/** The change that came last, of those that are the cause. */
const newestOf = (
  { assessments: { lineage }, catalog }: Subject,
  { dependency, partitions }: Extract<Reason.Cause, { readonly _tag: "DependencyChanged" }>
): Catalog.AssetState | undefined => {
  const named = Scope.indexesOf(lineage, dependency, partitions).flatMap(
    (index) => Catalog.get(catalog, { asset: dependency, partition: lineage.key(dependency, index) }) ?? []
  )
  const states = named.length > 0 ? named : Array.from(Catalog.slices(catalog, dependency).values())
  return states.sort((a, b) => b.changedPosition - a.changedPosition)[0]
}

/** One a check, however many partitions it failed of. */
const failuresInWords = (self: WhyReport): ReadonlyArray<string> => {
  const alike = Map.groupBy(self.failedChecks, ({ accepted, check, severity }) =>
    JSON.stringify([check, severity, accepted])
  )
  return Array.from(alike.values(), (failures) => {
    const { accepted, check, partition, reason, severity } = failures.at(-1)!
    const others = failures.length - 1
    const of = partition === self.partition || partition === null ? "" : ` of ${partition}`
    const more = others === 0 ? "" : ` and of ${Report.count(others, "other partition")}`
    const verdict = severity === "warn" ? "warned" : "failed"
    return `the check "${check}" ${verdict}${of}${more}${accepted ? ", which was accepted" : ""}: ${reason}`
  })
}

const attemptsInWords = (self: WhyReport, now: number): ReadonlyArray<string> => {
  const { failure, nothingNew, otherFailures, wiped } = self.lastAttempt
  const more = otherFailures > 0 ? `, as did those of ${Report.count(otherFailures, "other partition")}` : ""
  const of = ({ partition }: LastAttempt.Noted) =>
    partition === self.partition || partition === null ? "" : ` of ${partition}`
  const when = ({ at, runId }: LastAttempt.Noted) => `${Report.ago(at, now)} by run ${runId}`
  return [
    ...(failure === null
      ? []
      : [
          `the last attempt${of(failure)} failed ${when(failure)}${more}: ${firstLine(EventLine.showFailure(failure.error))}`
        ]),
    ...(nothingNew === null
      ? []
      : [`the last attempt${of(nothingNew)} had nothing new to publish, ${when(nothingNew)}`]),
    ...(wiped === null
      ? []
      : [`${wiped.partition === self.partition ? "" : `last ${wiped.partition} was `}wiped ${when(wiped)}`])
  ]
}

const firstLine = (text: string) => text.split("\n", 1)[0]!.trimEnd()

const lastInWords = ({ external }: WhyReport, last: NonNullable<WhyReport["last"]>, now: number): string => {
  const rows = last.rows === null ? "" : `, ${Report.count(last.rows, "row")}`
  const verified = last.verifiedAt === last.materializedAt ? "" : `; verified ${Report.ago(last.verifiedAt, now)}`
  return `last ${external ? "seen to change" : "materialized"} ${Report.ago(last.materializedAt, now)} by run ${last.runId}${rows}${verified}`
}
