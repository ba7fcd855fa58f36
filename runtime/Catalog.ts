/**
 * What the event log says is true of every asset now: a fold over events.
 *
 * The state tables hold the same fold, kept in the transactions that append the events.
 */
import type { CodeManifest } from "./CodeManifest.ts"
import type { Config, Event, Of, Provenance, Slice } from "./Event.ts"
import type { Metadata } from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import * as Version from "./Version.ts"

/** One published slice. */
export interface AssetState extends Partition.Ref {
  readonly codeVersion: string
  readonly dataVersion: string
  readonly provenance: Provenance
  readonly config: Config
  /** Log position of the event that last changed the value; an erasure moves it, not when and by which run it was made. */
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
  /** The keys of dynamic partitionings by name, in the order they were added. */
  readonly dynamic: ReadonlyMap<string, ReadonlyArray<string>>
  /** The keys that they have no longer, by name, with the log positions at which they were removed. */
  readonly removed: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Digests of the settings in force, as far as they are known; see `ConfigDigests`. */
  readonly config: ReadonlyMap<string, string>
  /** What code versions other than those in force were made from, as far as somebody asked. */
  readonly codeManifests: ReadonlyMap<string, CodeManifest>
}

export const empty: Catalog = {
  states: new Map(),
  dynamic: new Map(),
  removed: new Map(),
  config: new Map(),
  codeManifests: new Map()
}

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
  private readonly dynamic = new Map<string, Set<string>>()
  private readonly removed = new Map<string, Map<string, number>>()

  set(state: AssetState): void {
    const slices = this.states.get(state.asset)
    if (slices === undefined) this.states.set(state.asset, new Map([[state.partition, state]]))
    else slices.set(state.partition, state)
  }

  apply(event: Event, position: number): void {
    if (isValue(event)) {
      if (event.slices !== undefined) for (const slice of event.slices) this.applySlice(event, slice, position)
      else this.set(stateOf(event, position, event._tag === "AssetVerified" ? this.get(event) : undefined))
    } else if (event._tag === "AssetWiped") this.states.get(event.asset)?.delete(event.partition)
    else if (event._tag === "AssetErased") this.erase(event, position)
    else if (event._tag === "PartitionsAdded") this.add(event.name, event.keys)
    else if (event._tag === "PartitionsRemoved") {
      const keys = this.dynamic.get(event.name)
      for (const key of event.keys) keys?.delete(key)
      if (keys?.size === 0) this.dynamic.delete(event.name)
      this.remove(event.name, event.keys, position)
    }
  }

  /** Adds keys to a dynamic partitioning; one that it has keeps its place. */
  add(name: string, keys: Iterable<string>): void {
    const known = this.dynamic.get(name) ?? new Set<string>()
    const removed = this.removed.get(name)
    this.dynamic.set(name, known)
    for (const key of keys) {
      known.add(key)
      removed?.delete(key)
    }
  }

  /** Remembers keys that a dynamic partitioning has no longer. */
  remove(name: string, keys: Iterable<string>, position: number): void {
    const removed = this.removed.get(name) ?? new Map<string, number>()
    this.removed.set(name, removed)
    for (const key of keys) if (!this.has(name, key)) removed.set(key, position)
  }

  has(name: string, key: string): boolean {
    return this.dynamic.get(name)?.has(key) ?? false
  }

  get(ref: Partition.Ref): AssetState | undefined {
    return this.states.get(ref.asset)?.get(ref.partition)
  }

  slices(asset: string): Slices {
    return this.states.get(asset) ?? none
  }

  /** The builder's own maps: for one that is not used any more. */
  build(): Catalog {
    return { ...empty, states: this.states, dynamic: this.partitions(), removed: this.removed }
  }

  snapshot(): Catalog {
    return {
      ...empty,
      states: new Map(Array.from(this.states, ([asset, slices]) => [asset, new Map(slices)])),
      dynamic: this.partitions(),
      removed: new Map(Array.from(this.removed, ([name, keys]) => [name, new Map(keys)]))
    }
  }

  partitions(): Catalog["dynamic"] {
    if (this.dynamic.size === 0) return empty.dynamic
    return new Map(Array.from(this.dynamic, ([name, keys]) => [name, Array.from(keys)]))
  }

  private erase(event: Of<"AssetErased">, changedPosition: number): void {
    const state = this.get(event)
    if (state !== undefined) {
      this.set({ ...state, dataVersion: event.dataVersion, rows: event.rows, changedPosition })
    }
  }

  private applySlice(event: Value, { changed, provenance, ...slice }: Slice, position: number): void {
    const { slices: _, ...shared } = event
    const own = { ...shared, ...slice, provenance: { ...event.provenance, ...provenance } }
    this.set(stateOf(own, position, changed ? undefined : this.get(own)))
  }
}

/** Whether rows were erased from a value since it was last published or verified. */
export const isErasedFrom = ({ changedPosition, verifiedPosition }: AssetState): boolean =>
  changedPosition > verifiedPosition

export const get = (self: Catalog, ref: Partition.Ref): AssetState | undefined =>
  self.states.get(ref.asset)?.get(ref.partition)

/** Every published slice of an asset. */
export const slices = (self: Catalog, asset: string): Slices => self.states.get(asset) ?? none

interface VersionOfMany {
  readonly version: string
  readonly position: number
}

/** The version of all published slices of an asset together, and the newest position it was changed at. */
export const versionOfAll = (self: Catalog, asset: string): VersionOfMany | undefined =>
  versionOf(Array.from(slices(self, asset).values()))

/** Likewise, of some of them. */
export const versionOf = (published: ReadonlyArray<AssetState>): VersionOfMany | undefined => {
  if (published.length === 0) return undefined
  return {
    version: Version.ofPartitions(published.map(({ dataVersion, partition }) => [partition ?? "", dataVersion])),
    position: published.reduce((newest, { changedPosition }) => Math.max(newest, changedPosition), 0)
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const none: Slices = new Map()

type Value = Of<"AssetMaterialized" | "AssetVerified" | "AssetObserved">

const isValue = (event: Event): event is Value =>
  event._tag === "AssetMaterialized" || event._tag === "AssetVerified" || event._tag === "AssetObserved"

// A verification keeps when and by which run the value last changed.
const stateOf = (event: Value, position: number, kept: AssetState | undefined): AssetState => ({
  asset: event.asset,
  partition: event.partition,
  codeVersion: event.codeVersion,
  dataVersion: event.dataVersion,
  provenance: event.provenance,
  config: event.config,
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
