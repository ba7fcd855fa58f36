/**
 * What the event log says is true of every asset now: a fold over events.
 *
 * The state tables hold the same fold, kept in the transactions that append the events.
 */
import type { Event, Of, Provenance } from "./Event.ts"
import type { Metadata } from "./IoManager.ts"
import type * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import * as Version from "./Version.ts"

/** One published slice. */
export interface AssetState extends Partition.Ref {
  readonly codeVersion: string
  readonly dataVersion: string
  readonly provenance: Provenance
  /** Log position of the event that last changed the value. */
  readonly changedPosition: number
  /** Log position of the event that last confirmed it. */
  readonly verifiedPosition: number
  /** ISO 8601. */
  readonly materializedAt: string
  /** ISO 8601. */
  readonly verifiedAt: string
  readonly rows: number | null
  readonly metadata: Metadata
  readonly runId: string
  readonly traceId: string | null
  readonly spanId: string | null
}

type Slices = ReadonlyMap<Partition.Key, AssetState>

/** States by asset, then by partition key (`null` for an asset without partitions). */
export interface Catalog {
  readonly states: ReadonlyMap<string, Slices>
}

export const empty: Catalog = { states: new Map() }

/** Builds a catalog; later states of the same slice replace earlier ones. */
export const fromStates = (states: Iterable<AssetState>): Catalog => {
  const builder = new Builder()
  for (const state of states) builder.set(state)
  return builder.build()
}

export const fromEvents = (events: Iterable<{ readonly position: number; readonly event: Event }>): Catalog => {
  const builder = new Builder()
  for (const { position, event } of events) builder.apply(event, position)
  return builder.build()
}

/** The fold, in place: a log in memory keeps one. */
export class Builder {
  private readonly states = new Map<string, Map<Partition.Key, AssetState>>()

  set(state: AssetState): void {
    const slices = this.states.get(state.asset)
    if (slices === undefined) this.states.set(state.asset, new Map([[state.partition, state]]))
    else slices.set(state.partition, state)
  }

  apply(event: Event, position: number): void {
    if (event._tag === "AssetMaterialized") this.set(stateOf(event, position, undefined))
    else if (event._tag === "AssetVerified") this.set(stateOf(event, position, this.get(event)))
    else if (event._tag === "AssetWiped") this.states.get(event.asset)?.delete(event.partition)
  }

  get(ref: Partition.Ref): AssetState | undefined {
    return this.states.get(ref.asset)?.get(ref.partition)
  }

  slices(asset: string): Slices {
    return this.states.get(asset) ?? none
  }

  /** The builder's own maps: for one that is not used any more. */
  build(): Catalog {
    return { states: this.states }
  }

  snapshot(): Catalog {
    return { states: new Map(Array.from(this.states, ([asset, slices]) => [asset, new Map(slices)])) }
  }
}

export const get = (self: Catalog, ref: Partition.Ref): AssetState | undefined =>
  self.states.get(ref.asset)?.get(ref.partition)

/** Every published slice of an asset. */
export const slices = (self: Catalog, asset: string): Slices => self.states.get(asset) ?? none

/**
 * The version of a dependency as one slice reads it, and the position it was taken at; `undefined` when nothing that is
 * needed was ever published.
 */
export const versionFor = (
  self: Catalog,
  dependency: string,
  mapping: Mapping.Mapping,
  partition: Partition.Key
): { readonly version: string; readonly position: number } | undefined => {
  if (mapping._tag !== "All") {
    const state = get(self, { asset: dependency, partition: mapping._tag === "Whole" ? null : partition })
    return state && { version: state.dataVersion, position: state.changedPosition }
  }
  const published = slices(self, dependency)
  if (published.size === 0) return undefined
  const versions: Array<readonly [string, string]> = []
  let position = 0
  for (const state of published.values()) {
    versions.push([state.partition ?? "", state.dataVersion])
    position = Math.max(position, state.changedPosition)
  }
  return { version: Version.ofPartitions(versions), position }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const none: Slices = new Map()

// A verification keeps when and by which run the value last changed.
const stateOf = (
  event: Of<"AssetMaterialized" | "AssetVerified">,
  position: number,
  kept: AssetState | undefined
): AssetState => ({
  asset: event.asset,
  partition: event.partition,
  codeVersion: event.codeVersion,
  dataVersion: event.dataVersion,
  provenance: event.provenance,
  changedPosition: kept?.changedPosition ?? position,
  verifiedPosition: position,
  materializedAt: kept?.materializedAt ?? event.at,
  verifiedAt: event.at,
  rows: event.rows,
  metadata: kept?.metadata ?? event.metadata,
  runId: kept?.runId ?? event.runId,
  traceId: kept === undefined ? event.traceId : kept.traceId,
  spanId: kept === undefined ? event.spanId : kept.spanId
})
