/**
 * What became of a slice since it was last published: its last step failed, its body had nothing new, or it was wiped.
 *
 * A value that is published says all else there is to say; see `Catalog`.
 */
import * as Catalog from "./Catalog.ts"
import type { Event, Failure, Of } from "./Event.ts"
import type * as EventLog from "./EventLog.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"

/** A step that failed and that no later one made good; `partition` is a range where the step took one. */
export interface LastFailure {
  readonly partition: Partition.Key
  /** ISO 8601. */
  readonly at: string
  readonly runId: string
  readonly error: Failure
}

/** That a step had nothing to publish, or that a value was removed. */
export interface Noted {
  readonly partition: Partition.Key
  /** ISO 8601. */
  readonly at: string
  readonly runId: string
}

/** The newest of each; at most one of `failure` and `nothingNew` for a single slice. */
export interface LastAttempt {
  readonly failure: LastFailure | null
  readonly nothingNew: Noted | null
  readonly wiped: Noted | null
}

/** Of several slices. */
export interface Newest extends LastAttempt {
  /** How many of them failed last. */
  readonly failures: number
  /** How many of those failed in other steps than the newest: one of a range fails for all that it was to compute. */
  readonly otherFailures: number
}

export const nothing: LastAttempt = { failure: null, nothingNew: null, wiped: null }

/** By asset, then by slice. Without those of which there is nothing to tell. */
export type LastAttempts = ReadonlyMap<string, ReadonlyMap<Partition.Key, LastAttempt>>

/** `recorded` is what `EventLog.unpublished` answers. */
export const make = (
  lineage: Lineage,
  catalog: Catalog.Catalog,
  recorded: ReadonlyArray<EventLog.Recorded>
): LastAttempts => {
  const found = new Map<string, Map<Partition.Key, Told>>()
  for (const { event, position } of recorded.toSorted((a, b) => a.position - b.position)) {
    if (!isTold(event) || !lineage.graph.nodes.has(event.asset)) continue
    const slices = found.get(event.asset) ?? new Map<Partition.Key, Told>()
    found.set(event.asset, slices)
    for (const partition of slicesOf(lineage, event)) {
      const state = Catalog.get(catalog, { asset: event.asset, partition })
      if (state !== undefined && state.verifiedPosition > position) continue
      slices.set(partition, after(slices.get(partition) ?? nothing, event))
    }
  }
  return found
}

/** Of a slice, or of several the newest of each. */
export const of = (self: LastAttempts, asset: string, partitions?: ReadonlySet<Partition.Key>): Newest => {
  const known = Array.from(self.get(asset) ?? [])
    .filter(([partition]) => partitions?.has(partition) ?? true)
    .map(([, told]) => told)
  const failed = known.flatMap(({ failure }) => failure ?? [])
  const failure = newest(failed)
  const isOther = ({ partition, runId }: LastFailure) => partition !== failure?.partition || runId !== failure.runId
  return {
    failures: failed.length,
    otherFailures: failed.filter(isOther).length,
    failure,
    nothingNew: newest(known.map(({ nothingNew }) => nothingNew)),
    wiped: newest(known.map(({ wiped }) => wiped))
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Told = LastAttempt

const isTold = (event: Event): event is Of<"StepFailed" | "StepSkipped" | "AssetWiped"> =>
  event._tag === "StepFailed" || event._tag === "StepSkipped" || event._tag === "AssetWiped"

/** A wipe is the end of what came before it. */
const after = (told: Told, event: Of<"StepFailed" | "StepSkipped" | "AssetWiped">): Told => {
  const { at, partition, runId } = event
  switch (event._tag) {
    case "AssetWiped":
      return { ...nothing, wiped: { partition, at, runId } }
    case "StepFailed":
      return { ...told, nothingNew: null, failure: { partition, at, runId, error: event.error } }
    case "StepSkipped":
      return { ...told, failure: null, nothingNew: { partition, at, runId } }
  }
}

/** Those of a range as far as they are still there. */
const slicesOf = ({ graph, moment }: Lineage, { asset, partition }: Partition.Ref): ReadonlyArray<Partition.Key> => {
  const { partitions, ranges } = graph.nodes.get(asset)!.asset
  if (partitions === undefined || partition === null || ranges === undefined) return [partition]
  const { all } = moment.keys(partitions)
  return Partition.selectRecorded(partitions, moment, partition).map((index) => all[index]!)
}

const newest = <A extends Noted>(all: ReadonlyArray<A | null>): A | null =>
  all.reduce((newest, told) => (newest === null || (told !== null && told.at > newest.at) ? told : newest), null)
