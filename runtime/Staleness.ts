/**
 * Whether published values still answer to the code and the inputs in force, and if not, why.
 *
 * Pure: the catalog and the time are arguments. What to do about it is decided by `Plan`.
 */
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import type * as Asset from "./Asset.ts"
import type { AssetGraph } from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import * as CodeManifest from "./CodeManifest.ts"
import * as ConfigDigests from "./ConfigDigests.ts"
import type { Provenance } from "./Event.ts"
import { Lineage, type Reading } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type * as Reason from "./Reason.ts"
import { VersionsInForce } from "./VersionsInForce.ts"

/** The status of one slice. */
export interface Assessment {
  readonly status: Reason.Status
  /** Why it is Stale; of a frozen slice, which is Current whatever its provenance, what differs. */
  readonly causes: ReadonlyArray<Reason.Cause>
  /** It can never be computed again: its window, or that of a slice it needs, ended in a source that forgets. */
  readonly frozen: boolean
  /** The direct dependencies that are not Current: what a Maybe waits for. */
  readonly undecided: ReadonlyArray<string>
}

/** Numbers of slices by status. */
export interface Counts {
  readonly Missing: number
  readonly Stale: number
  readonly Maybe: number
  readonly Current: number
}

/** The status of every slice of one asset, by number; a byte a slice, because there may be millions. */
export interface Slices {
  /** Of each number, an index into `statuses`; 0 for a slice that does not exist. */
  readonly codes: Uint8Array
  /** Of the slices that are Stale or frozen; a list that many slices share is one list. */
  readonly causes: ReadonlyMap<number, ReadonlyArray<Reason.Cause>>
  readonly isFrozen: (index: number) => boolean
  readonly counts: Counts
  /** How many slices exist. */
  readonly existing: number
}

/** The numbers that `Slices.codes` holds. */
export const codes = { absent: 0, Missing: 1, Stale: 2, Maybe: 3, Current: 4 } as const

export interface Assessments {
  readonly lineage: Lineage
  /** Assets in the order of the graph. */
  readonly slices: ReadonlyMap<string, Slices>
}

/** The status of every slice that exists, in time linear in slices and edges. */
export const assess = (graph: AssetGraph, catalog: Catalog.Catalog, now: number): Assessments => {
  const lineage = new Lineage(graph, new Partition.Moment(now, catalog.dynamic, catalog.removed))
  const slices = new Map<string, Slices>()
  const inForce = new VersionsInForce(lineage, catalog)
  for (const asset of graph.order) assessAsset(asset, lineage, catalog, inForce, slices)
  return { lineage, slices }
}

/** `undefined` for a slice that does not exist. */
export const get = (self: Assessments, ref: Partition.Ref): Assessment | undefined => {
  const index = self.slices.has(ref.asset) ? self.lineage.index(ref) : -1
  return index === -1 ? undefined : at(self, ref.asset, index)
}

/** The slices of an asset that exist, in order. */
export function* entries(self: Assessments, asset: string): Generator<readonly [Partition.Key, Assessment]> {
  const { codes } = self.slices.get(asset)!
  for (let index = 0; index < codes.length; index++) {
    const assessment = at(self, asset, index)
    if (assessment !== undefined) yield [self.lineage.key(asset, index), assessment]
  }
}

/** Why slices of an asset are Stale; slices that are so for the same causes share a list. */
export const causesOf = (self: Assessments, asset: string): ReadonlyArray<ReadonlyArray<Reason.Cause>> => {
  const own = self.slices.get(asset)!
  return Array.from(own.causes).flatMap(([index, causes]) => (own.codes[index] === codes.Stale ? [causes] : []))
}

/** The direct dependencies that keep any slice of an asset waiting. */
export const undecidedOf = ({ lineage, slices }: Assessments, asset: string): ReadonlyArray<string> => {
  const own = slices.get(asset)!
  const waiting = (reading: Reading) =>
    own.codes.some((code, index) => code !== codes.absent && !own.isFrozen(index) && waits(slices, reading, index))
  return lineage.readings(asset).flatMap((reading) => (waiting(reading) ? [reading.edge.asset] : []))
}

/** How many slices of an asset have each status. */
export const aggregate = (self: Assessments, asset: string): Counts => self.slices.get(asset)!.counts

/** The status of an asset asked whole: the worst of its slices, from Missing over Stale and Maybe to Current. */
export const status = (self: Assessments, asset: string): Reason.Status => {
  const counts = aggregate(self, asset)
  return counts.Missing > 0 ? "Missing" : counts.Stale > 0 ? "Stale" : counts.Maybe > 0 ? "Maybe" : "Current"
}

/** Whether a slice has to wait for something it reads to be decided. */
export const waits = (
  slices: ReadonlyMap<string, Slices>,
  { edge, isAll, one, ranges }: Reading,
  index: number
): boolean => {
  if (!edge.versioned) return false
  const read = slices.get(edge.asset)!
  // Most dependencies are Current as a whole, unless it is the asset itself that is being assessed.
  if (isAll) return read.counts.Current < read.existing
  if (one !== undefined) {
    const at = one(index)
    return at !== -1 && isUndecided(read.codes[at]!)
  }
  return ranges(index).some(([from, to]) => {
    for (let at = from; at < to; at++) if (isUndecided(read.codes[at]!)) return true
    return false
  })
}

/**
 * One slice against the versions in force, without looking further up: Missing, Stale or Current. The catalog need only
 * hold the slice and those it reads; one that is not published is no cause (`inputs` tells).
 *
 * The lineage has the plan's time, so that a window open when it was planned is not frozen when it runs. Who asks about
 * many slices at once brings the versions in force.
 */
export const causes = (
  lineage: Lineage,
  catalog: Catalog.Catalog,
  ref: Partition.Ref,
  inForce = new VersionsInForce(lineage, catalog)
): Assessment => {
  const { asset } = lineage.graph.nodes.get(ref.asset)!
  const frozen = hasClosed(asset, ref.partition, lineage.moment.now)
  const state = Catalog.get(catalog, ref)
  if (state === undefined) {
    const causes = firstObservation(asset)
    const status = asset.external === undefined ? "Missing" : causes.length === 0 ? "Current" : "Stale"
    return { status, causes, frozen, undecided: none }
  }
  const index = lineage.index(ref)
  const found = differencesOf(lineage, catalog, inForce, state, index)
  if (frozen) return { status: "Current", causes: found, frozen, undecided: none }
  const due = recheckDue(asset, state, lineage.moment.now)
  const causes = due === undefined ? found : [...found, due]
  return { status: causes.length === 0 ? "Current" : "Stale", causes, frozen, undecided: none }
}

/** What a value made now would be made from, and which of the assets it reads or follows were never published. */
export const inputs = (
  lineage: Lineage,
  catalog: Catalog.Catalog,
  ref: Partition.Ref,
  inForce = new VersionsInForce(lineage, catalog)
): { readonly provenance: Provenance; readonly unpublished: ReadonlyArray<string> } => {
  const index = lineage.index(ref)
  const provenance: Record<string, Provenance[string]> = {}
  const unpublished: Array<string> = []
  for (const reading of lineage.readings(ref.asset)) {
    if (readsNothing(reading, index)) continue
    const version = inForce.of(reading, index)
    if (version !== undefined && !reading.edge.versioned) continue
    if (version !== undefined) provenance[reading.edge.asset] = version
    else if (!mayBeWithout(reading)) unpublished.push(reading.edge.asset)
  }
  const { after } = lineage.graph.nodes.get(ref.asset)!
  for (const asset of after) if (!isThere(lineage, catalog, asset)) unpublished.push(asset)
  return { provenance, unpublished }
}

/** Whether an asset has a slice that can be read: a published one, or any of an external asset. */
export const isThere = (lineage: Lineage, catalog: Catalog.Catalog, asset: string): boolean =>
  Catalog.slices(catalog, asset).size > 0 || (lineage.isExternal(asset) && lineage.size(asset) > 0)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const none: ReadonlyArray<never> = []

const statuses = [undefined, "Missing", "Stale", "Maybe", "Current"] as const

const isUndecided = (code: number) => code !== codes.Current && code !== codes.absent

const at = ({ lineage, slices }: Assessments, asset: string, index: number): Assessment | undefined => {
  const own = slices.get(asset)!
  const status = statuses[own.codes[index]!]
  if (status === undefined) return undefined
  const frozen = own.isFrozen(index)
  const undecided = frozen ? none : lineage.readings(asset).filter((reading) => waits(slices, reading, index))
  return {
    status,
    causes: own.causes.get(index) ?? none,
    frozen,
    undecided: undecided.length === 0 ? none : undecided.map(({ edge }) => edge.asset)
  }
}

const assessAsset = (
  key: string,
  lineage: Lineage,
  catalog: Catalog.Catalog,
  inForce: VersionsInForce,
  slices: Map<string, Slices>
): void => {
  const { asset } = lineage.graph.nodes.get(key)!
  const now = lineage.moment.now
  const readings = lineage.readings(key)
  const own = new Uint8Array(lineage.size(key)).fill(codes.Missing)
  const isFrozen = frozenSlices(asset, lineage, readings, slices)
  const causes = new SharedCauses()
  const published: Array<number> = []
  for (const state of Catalog.slices(catalog, key).values()) {
    const index = lineage.index(state)
    if (index === -1) continue
    published.push(index)
    const frozen = isFrozen(index)
    const found = differencesOf(lineage, catalog, inForce, state, index)
    const due = frozen ? undefined : recheckDue(asset, state, now)
    own[index] = frozen || (found.length === 0 && due === undefined) ? codes.Current : codes.Stale
    if (found.length > 0 || due !== undefined) causes.set(index, due === undefined ? found : [...found, due])
  }
  const first = firstObservation(asset)
  for (let index = 0; index < own.length; index++) {
    if (own[index] !== codes.Missing) continue
    if (isFrozen(index)) own[index] = codes.absent
    else if (asset.external !== undefined) {
      own[index] = first.length === 0 ? codes.Current : codes.Stale
      if (first.length > 0) causes.set(index, first)
    }
  }
  const known = { codes: own, causes: causes.lists, isFrozen }
  if (readings.length > 0) {
    // An asset may read slices of its own.
    slices.set(key, { ...known, counts: noCounts, existing: 0 })
    for (const index of published.sort((a, b) => a - b)) {
      if (own[index] !== codes.Current || isFrozen(index)) continue
      if (readings.some((reading) => waits(slices, reading, index))) own[index] = codes.Maybe
    }
  }
  const counts = count(own)
  slices.set(key, { ...known, counts, existing: counts.Missing + counts.Stale + counts.Maybe + counts.Current })
}

const noCounts: Counts = { Missing: 0, Stale: 0, Maybe: 0, Current: 0 }

const count = (own: Uint8Array): Counts => {
  const counts = { ...noCounts }
  for (const code of own) {
    const status = statuses[code]
    if (status !== undefined) counts[status]++
  }
  return counts
}

/** Equal lists of causes become one list, so that slices which are Stale for the same reasons are found by identity. */
class SharedCauses {
  readonly lists = new Map<number, ReadonlyArray<Reason.Cause>>()
  private readonly known = new Map<string, ReadonlyArray<Reason.Cause>>()

  set(index: number, causes: ReadonlyArray<Reason.Cause>): void {
    const id = JSON.stringify(causes)
    const known = this.known.get(id)
    if (known === undefined) this.known.set(id, causes)
    this.lists.set(index, known ?? causes)
  }
}

const differencesOf = (
  lineage: Lineage,
  catalog: Catalog.Catalog,
  inForce: VersionsInForce,
  state: Catalog.AssetState,
  index: number
): ReadonlyArray<Reason.Cause> => {
  const { asset, codeManifest, codeVersion, deps } = lineage.graph.nodes.get(state.asset)!
  // What was recorded when it was still computed here stays its version for as long as nobody looks.
  if (asset.external !== undefined && asset.external.observe === undefined) return none
  const differences: Array<Reason.Cause> = []
  if (state.codeVersion !== codeVersion) {
    const changes = CodeManifest.changes(catalog.codeManifests.get(state.codeVersion), codeManifest)
    differences.push({ _tag: "CodeChanged", from: state.codeVersion, to: codeVersion, ...changes })
  }
  differences.push(...ConfigDigests.causes(asset, state, catalog.config))
  for (const reading of lineage.readings(state.asset)) {
    if (!reading.edge.versioned) continue
    const dependency = reading.edge.asset
    const recorded = state.provenance[dependency]
    const isEmptied = recorded !== undefined && hasNoneLeft(lineage, reading)
    if (readsNothing(reading, index) && !isEmptied) continue
    const current = inForce.of(reading, index)
    if (recorded === undefined) {
      if (current !== undefined || !mayBeWithout(reading)) differences.push({ _tag: "DependencyAdded", dependency })
      continue
    }
    if ((current === undefined && !isEmptied) || current?.version === recorded.version) continue
    const partitions = inForce.movedSince(reading, index, recorded.position)
    const removed = inForce.removedSince(reading, state, state.verifiedPosition)
    const gone = removed.length === 0 ? {} : { removed }
    differences.push({ _tag: "DependencyChanged", dependency, partitions, ...gone })
  }
  for (const dependency in state.provenance) {
    if (!deps.some((edge) => edge.asset === dependency)) {
      differences.push({ _tag: "DependencyRemoved", dependency })
    }
  }
  return differences
}

/** The slice before may be one that its source forgot. */
const mayBeWithout = ({ edge }: Reading) => edge.mapping._tag === "Previous"

/** What reads all slices, or the last, was made from some; what is merely wiped comes back as it was. */
const hasNoneLeft = (lineage: Lineage, { edge, isAll }: Reading) =>
  (isAll || edge.mapping._tag === "Last") && lineage.size(edge.asset) === 0

/** Such as the first slice of an asset that reads the one before. */
const readsNothing = ({ one }: Reading, index: number) => one !== undefined && one(index) === -1

const recheckDue = (
  { recheckAfter }: Asset.Any,
  { verifiedAt }: Catalog.AssetState,
  now: number
): Reason.Cause | undefined => {
  if (recheckAfter === undefined) return undefined
  const since = Date.parse(verifiedAt)
  const due =
    recheckAfter._tag === "Duration"
      ? since + Duration.toMillis(recheckAfter.duration)
      : Cron.next(recheckAfter.cron, since).getTime()
  return due <= now ? { _tag: "RecheckDue", since: verifiedAt } : undefined
}

/** A schedule of observations begins at once. */
const firstObservation = ({ external, recheckAfter }: Asset.Any): ReadonlyArray<Reason.Cause> =>
  external === undefined || recheckAfter === undefined ? none : neverObserved

const neverObserved: ReadonlyArray<Reason.Cause> = [{ _tag: "RecheckDue", since: null }]

const hasClosed = ({ partitions, unrepeatable }: Asset.Any, partition: Partition.Key, now: number): boolean =>
  unrepeatable && partitions !== undefined && partition !== null && Partition.hasEnded(partitions, partition, now)

const never = () => false

/** A slice is frozen when its own window closed, or when all that it would read of a dependency does not exist. */
const frozenSlices = (
  asset: Asset.Any,
  lineage: Lineage,
  readings: ReadonlyArray<Reading>,
  slices: ReadonlyMap<string, Slices>
): ((index: number) => boolean) => {
  const keys = lineage.keys(asset.key)
  if (keys === undefined) return never
  const limiting = readings.filter(
    ({ edge, isAll }) => !isAll && edge.mapping._tag !== "Whole" && edge.asset !== asset.key
  )
  const incomplete = limiting.filter(({ edge }) => {
    const read = slices.get(edge.asset)!
    return read.existing < read.codes.length || lineage.keys(edge.asset) !== keys
  })
  if (!asset.unrepeatable && incomplete.length === 0) return never
  const cannotRead = ({ edge, one, ranges }: Reading, index: number) => {
    const read = slices.get(edge.asset)!.codes
    if (one !== undefined) {
      const at = one(index)
      // The last of none as yet may still come.
      return at === -1 ? edge.mapping._tag !== "Last" : read[at] === codes.absent
    }
    const found = ranges(index)
    return (
      found.length > 0 && found.every(([from, to]) => read.subarray(from, to).every((code) => code === codes.absent))
    )
  }
  const hasEnded = (index: number) =>
    asset.unrepeatable && (Partition.windowAt(keys, index)?.end ?? Infinity) <= lineage.moment.now
  return (index) => hasEnded(index) || incomplete.some((reading) => cannotRead(reading, index))
}
