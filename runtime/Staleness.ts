/**
 * Whether published values still answer to the code and the inputs in force, and if not, why.
 *
 * Pure: the catalog and the time are arguments. What to do about it is decided by `Plan`.
 */
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import type * as Asset from "./Asset.ts"
import type { AssetGraph, Edge, Node } from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import type { Provenance } from "./Event.ts"
import * as Partition from "./Partition.ts"
import type * as Reason from "./Reason.ts"

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

/** Assets in the order of the graph, their slices oldest first. */
export interface Assessments {
  readonly slices: ReadonlyMap<string, ReadonlyMap<Partition.Key, Assessment>>
  readonly counts: ReadonlyMap<string, Counts>
}

/** The status of every slice that exists, in time linear in slices and edges. */
export const assess = (graph: AssetGraph, catalog: Catalog.Catalog, now: number): Assessments => {
  const slices = new Map<string, ReadonlyMap<Partition.Key, Assessment>>()
  const counts = new Map<string, Counts>()
  const inForce = versionsInForce(catalog)
  const exists = (asset: string, partition: Partition.Key) => slices.get(asset)!.has(partition)
  for (const key of graph.order) {
    const node = graph.nodes.get(key)!
    const own = new Map<Partition.Key, Assessment>()
    for (const { partition, frozen } of existing(node, catalog, now, exists)) {
      const waitsFor = (edge: Edge) =>
        edge.mapping._tag === "All"
          ? counts.get(edge.asset)!.Current < slices.get(edge.asset)!.size
          : slices.get(edge.asset)!.get(edge.mapping._tag === "Whole" ? null : partition)?.status !== "Current"
      const undecided = frozen ? none : node.deps.filter(waitsFor).map((edge) => edge.asset)
      own.set(partition, assessSlice({ node, partition, frozen, undecided }, catalog, inForce, now))
    }
    slices.set(key, own)
    counts.set(key, count(own.values()))
  }
  return { slices, counts }
}

/** `undefined` for a slice that does not exist. */
export const get = (self: Assessments, ref: Partition.Ref): Assessment | undefined =>
  self.slices.get(ref.asset)?.get(ref.partition)

/** How many slices of an asset have each status. */
export const aggregate = (self: Assessments, asset: string): Counts => self.counts.get(asset) ?? count([])

/** The status of an asset asked whole: the worst of its slices, from Missing over Stale and Maybe to Current. */
export const status = (self: Assessments, asset: string): Reason.Status => {
  const counts = aggregate(self, asset)
  return counts.Missing > 0 ? "Missing" : counts.Stale > 0 ? "Stale" : counts.Maybe > 0 ? "Maybe" : "Current"
}

/**
 * One slice against the versions in force, without looking further up: Missing, Stale or Current. The catalog need only
 * hold the asset and its direct dependencies; one that is not published is no cause (`inputs` tells).
 *
 * `now` is the plan's time, so that a window open when it was planned is not frozen when it runs.
 */
export const causes = (graph: AssetGraph, catalog: Catalog.Catalog, ref: Partition.Ref, now: number): Assessment => {
  const node = graph.nodes.get(ref.asset)!
  const slice = { node, partition: ref.partition, frozen: hasClosed(node.asset, ref.partition, now), undecided: none }
  return assessSlice(slice, catalog, versionsInForce(catalog), now)
}

/** What a value made now would be made from, and which of the assets it reads or follows were never published. */
export const inputs = (
  graph: AssetGraph,
  catalog: Catalog.Catalog,
  ref: Partition.Ref
): { readonly provenance: Provenance; readonly unpublished: ReadonlyArray<string> } => {
  const node = graph.nodes.get(ref.asset)!
  const provenance: Record<string, Provenance[string]> = {}
  const unpublished: Array<string> = []
  for (const edge of node.deps) {
    const version = Catalog.versionFor(catalog, edge.asset, edge.mapping, ref.partition)
    if (version === undefined) unpublished.push(edge.asset)
    else provenance[edge.asset] = version
  }
  unpublished.push(...node.after.filter((asset) => Catalog.slices(catalog, asset).size === 0))
  return { provenance, unpublished }
}

/**
 * The slices of an asset that exist, oldest first. A day that can never be computed again exists only if it was
 * published.
 */
export const slices = (
  graph: AssetGraph,
  catalog: Catalog.Catalog,
  asset: string,
  now: number
): ReadonlyArray<Partition.Key> => {
  const found = new Map<string, ReadonlySet<Partition.Key>>()
  const needed = new Set([asset])
  for (const key of needed) for (const edge of identities(graph.nodes.get(key)!)) needed.add(edge.asset)
  const exists = (asset: string, partition: Partition.Key) => found.get(asset)!.has(partition)
  for (const key of needed.size === 1 ? needed : graph.order.filter((key) => needed.has(key))) {
    const own = existing(graph.nodes.get(key)!, catalog, now, exists)
    found.set(key, new Set(own.map((slice) => slice.partition)))
  }
  return Array.from(found.get(asset)!)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Slice {
  readonly node: Node
  readonly partition: Partition.Key
  readonly frozen: boolean
  readonly undecided: ReadonlyArray<string>
}

const none: ReadonlyArray<never> = []
const missing: Assessment = { status: "Missing", causes: none, frozen: false, undecided: none }
const current: Assessment = { status: "Current", causes: none, frozen: false, undecided: none }

const assessSlice = (slice: Slice, catalog: Catalog.Catalog, inForce: InForce, now: number): Assessment => {
  const { node, partition, frozen, undecided } = slice
  const state = Catalog.get(catalog, { asset: node.asset.key, partition })
  if (state === undefined) return undecided.length === 0 ? missing : { ...missing, undecided }
  const differences = differencesOf(node, state, inForce)
  if (frozen) return { status: "Current", causes: differences, frozen, undecided }
  const causes = isRecheckDue(node.asset, state, now)
    ? [...differences, { _tag: "RecheckDue" as const, since: state.verifiedAt }]
    : differences
  if (causes.length > 0) return { status: "Stale", causes, frozen, undecided }
  return undecided.length === 0 ? current : { ...current, status: "Maybe", undecided }
}

const differencesOf = (node: Node, state: Catalog.AssetState, inForce: InForce): ReadonlyArray<Reason.Cause> => {
  const differences: Array<Reason.Cause> = []
  if (state.codeVersion !== node.asset.codeVersion) {
    differences.push({ _tag: "CodeChanged", from: state.codeVersion, to: node.asset.codeVersion })
  }
  for (const edge of node.deps) {
    const recorded = state.provenance[edge.asset]
    if (recorded === undefined) {
      differences.push({ _tag: "DependencyAdded", dependency: edge.asset })
      continue
    }
    const version = inForce.version(edge, state.partition)
    if (version === undefined || version === recorded.version) continue
    const partitions = inForce.movedSince(edge, state.partition, recorded.position)
    differences.push({ _tag: "DependencyChanged", dependency: edge.asset, partitions })
  }
  for (const dependency of Object.keys(state.provenance)) {
    if (!node.deps.some((edge) => edge.asset === dependency)) {
      differences.push({ _tag: "DependencyRemoved", dependency })
    }
  }
  return differences
}

const isRecheckDue = ({ recheckAfter }: Asset.Any, state: Catalog.AssetState, now: number): boolean => {
  if (recheckAfter === undefined) return false
  const verifiedAt = Date.parse(state.verifiedAt)
  return recheckAfter._tag === "Duration"
    ? verifiedAt + Duration.toMillis(recheckAfter.duration) <= now
    : Cron.next(recheckAfter.cron, verifiedAt).getTime() <= now
}

const identities = (node: Node) => node.deps.filter((edge) => edge.mapping._tag === "Identity")

const hasClosed = ({ partitions, unrepeatable }: Asset.Any, partition: Partition.Key, now: number): boolean =>
  unrepeatable && partitions !== undefined && partition !== null && Partition.hasEnded(partitions, partition, now)

const existing = (
  node: Node,
  catalog: Catalog.Catalog,
  now: number,
  exists: (asset: string, partition: Partition.Key) => boolean
): ReadonlyArray<{ readonly partition: Partition.Key; readonly frozen: boolean }> => {
  const { asset } = node
  if (asset.partitions === undefined) return [{ partition: null, frozen: false }]
  const needed = identities(node)
  const published = Catalog.slices(catalog, asset.key)
  return new Partition.Moment(now)
    .keys(asset.partitions)
    .all.map((partition) => ({
      partition,
      frozen: hasClosed(asset, partition, now) || needed.some((edge) => !exists(edge.asset, partition))
    }))
    .filter(({ frozen, partition }) => !frozen || published.has(partition))
}

const count = (assessments: Iterable<Assessment>): Counts => {
  const counts = { Missing: 0, Stale: 0, Maybe: 0, Current: 0 }
  for (const { status } of assessments) counts[status]++
  return counts
}

interface InForce {
  readonly version: (edge: Edge, partition: Partition.Key) => string | undefined
  /** The partitions of a dependency that changed after a position of the log; `null` for one without partitions. */
  readonly movedSince: (edge: Edge, partition: Partition.Key, position: number) => ReadonlyArray<string> | null
}

/** What is asked about all partitions of a dependency is computed once, however many slices ask. */
const versionsInForce = (catalog: Catalog.Catalog): InForce => {
  const digests = new Map<string, string | undefined>()
  const moved = new Map<string, ReadonlyArray<string>>()
  return {
    version: (edge, partition) => {
      if (edge.mapping._tag === "All" && digests.has(edge.asset)) return digests.get(edge.asset)
      const version = Catalog.versionFor(catalog, edge.asset, edge.mapping, partition)?.version
      if (edge.mapping._tag === "All") digests.set(edge.asset, version)
      return version
    },
    movedSince: (edge, partition, position) => {
      if (edge.mapping._tag !== "All") return partition === null || edge.mapping._tag === "Whole" ? null : [partition]
      const id = `${edge.asset} ${position}`
      const known = moved.get(id)
      if (known !== undefined) return known
      const partitions: Array<string> = []
      for (const state of Catalog.slices(catalog, edge.asset).values()) {
        if (state.partition !== null && state.changedPosition > position) partitions.push(state.partition)
      }
      moved.set(id, partitions.sort())
      return partitions
    }
  }
}
