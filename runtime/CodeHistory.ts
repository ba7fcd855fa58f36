/**
 * What the code was that values were made with, where it is not the code in force any more.
 *
 * Asked of the log only where a value was made with other code; what changed since is told by `CodeManifest`.
 */
import * as Effect from "effect/Effect"
import type * as AssetGraph from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import type { CodeManifest } from "./CodeManifest.ts"
import * as EventLog from "./EventLog.ts"
import type * as Partition from "./Partition.ts"

export interface CodeHistory {
  /** The catalog with what is known of the code that its values, or those of some slices, were made with. */
  readonly known: (
    graph: AssetGraph.AssetGraph,
    catalog: Catalog.Catalog,
    slices?: ReadonlyArray<Partition.Ref>
  ) => Effect.Effect<Catalog.Catalog, EventLog.EventLogError>
}

/** Asks of each version once, because many slices were made with one. */
export const make: Effect.Effect<CodeHistory, never, EventLog.EventLog> = Effect.map(EventLog.EventLog, (log) => {
  const asked = new Set<string>()
  const codeManifests = new Map<string, CodeManifest>()
  return {
    known: Effect.fnUntraced(function* (graph, catalog, slices) {
      const versions = formerVersions(graph, catalog, slices).filter((version) => !asked.has(version))
      if (versions.length > 0) {
        for (const [version, manifest] of yield* log.codeManifests(versions)) codeManifests.set(version, manifest)
        for (const version of versions) asked.add(version)
      }
      return codeManifests.size === 0 ? catalog : { ...catalog, codeManifests }
    })
  }
})

/** The same, asked once. */
export const known = (graph: AssetGraph.AssetGraph, catalog: Catalog.Catalog) =>
  Effect.flatMap(make, (history) => history.known(graph, catalog))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const formerVersions = (
  { nodes }: AssetGraph.AssetGraph,
  catalog: Catalog.Catalog,
  slices: ReadonlyArray<Partition.Ref> | undefined
): ReadonlyArray<string> => {
  const versions = new Set<string>()
  const add = ({ asset, codeVersion }: Catalog.AssetState) => {
    const node = nodes.get(asset)
    // Of versions that are declared by hand nothing more is known.
    if (node?.codeManifest !== undefined && node.codeVersion !== codeVersion) versions.add(codeVersion)
  }
  if (slices === undefined) for (const states of catalog.states.values()) states.forEach(add)
  for (const slice of slices ?? []) {
    const state = Catalog.get(catalog, slice)
    if (state !== undefined) add(state)
  }
  return Array.from(versions)
}
