/**
 * The versions that slices would be made from if they were made now, found once however many slices ask.
 *
 * A dependency that is read in many slices has one version, the digest of theirs.
 */
import * as Catalog from "./Catalog.ts"
import * as External from "./External.ts"
import * as Keys from "./Keys.ts"
import type { Lineage, Reading } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import * as Version from "./Version.ts"

export interface VersionInForce {
  readonly version: string
  /** The log position it was taken at. */
  readonly position: number
}

export class VersionsInForce {
  private readonly lineage: Lineage
  private readonly catalog: Catalog.Catalog
  // Made when they are needed: a step asks mostly about single slices.
  private digests: Map<string, VersionInForce | undefined> | undefined
  private removed: Map<string, ReadonlyMap<string, ReadonlyArray<Removed>>> | undefined
  private moved: Map<string, ReadonlyArray<string>> | undefined

  constructor(lineage: Lineage, catalog: Catalog.Catalog) {
    this.lineage = lineage
    this.catalog = catalog
  }

  /** `undefined` when nothing of what is read was ever published; what is external is there before it is observed. */
  of(reading: Reading, index: number): VersionInForce | undefined {
    const { asset } = reading.edge
    if (reading.one !== undefined) {
      const at = reading.one(index)
      const state = Catalog.get(this.catalog, { asset, partition: this.lineage.key(asset, at) })
      if (state !== undefined) return { version: state.dataVersion, position: state.changedPosition }
      return at !== -1 && this.lineage.isExternal(asset) ? neverObserved : undefined
    }
    const id = this.idOf(reading, index)
    const digests = (this.digests ??= new Map())
    const known = digests.get(id)
    if (known !== undefined || digests.has(id)) return known
    const found = this.digest(reading, index)
    digests.set(id, found)
    return found
  }

  /**
   * The partitions, merged to ranges, that changed after a position of the log; `null` when the dependency has none.
   */
  movedSince(reading: Reading, index: number, position: number): ReadonlyArray<string> | null {
    const { asset } = reading.edge
    const keys = this.lineage.keys(asset)
    if (keys === undefined) return null
    if (reading.one !== undefined) return keys.size === 0 ? [] : [keys.all[reading.one(index)]!]
    const id = `${position} ${this.idOf(reading, index)}`
    const moved = (this.moved ??= new Map())
    const known = moved.get(id)
    if (known !== undefined) return known
    const changed: Array<number> = []
    this.published(reading, index, (state, at) => {
      if (state.changedPosition > position) changed.push(at)
    })
    const ranges = Keys.ranges(keys, changed)
    moved.set(id, ranges)
    return ranges
  }

  /** Keys of a dynamic partitioning that were removed after a position of the log, slices of which were read until then. */
  removedSince({ edge, isAll }: Reading, { asset, partition }: Partition.Ref, position: number): ReadonlyArray<string> {
    const { mapping } = edge
    if (mapping._tag !== "Dimension" && mapping._tag !== "Last" && !isAll) return []
    const dimension = mapping._tag === "Dimension" ? mapping.dimension : undefined
    const { partitions } = this.lineage.graph.nodes.get(asset)!.asset
    const own = dimension === undefined ? "" : (Partition.split(partitions, partition)[dimension] ?? partition!)
    const removed = this.removedOf(edge.asset, dimension).get(own) ?? []
    return Array.from(new Set(removed.flatMap((gone) => (gone.position > position ? [gone.key] : []))))
  }

  /** The removed keys of what is published of an asset, by the key in a dimension where one is named. */
  private removedOf(asset: string, dimension: string | undefined): ReadonlyMap<string, ReadonlyArray<Removed>> {
    const id = `${asset} ${dimension ?? ""}`
    const removed = (this.removed ??= new Map())
    const known = removed.get(id)
    if (known !== undefined) return known
    const { partitions } = this.lineage.graph.nodes.get(asset)!.asset
    const published =
      partitions !== undefined && Partition.isDynamic(partitions) ? Catalog.slices(this.catalog, asset).values() : []
    const found = Array.from(published).flatMap(({ partition }) => {
      const gone = this.lineage.moment.removedIn(partitions!, partition!)
      if (gone.length === 0) return []
      const group = dimension === undefined ? "" : (Partition.split(partitions, partition)[dimension] ?? partition!)
      return gone.map(({ key, position }): Removed => ({ key, position, group }))
    })
    const groups = Map.groupBy(found, ({ group }) => group)
    removed.set(id, groups)
    return groups
  }

  private digest(reading: Reading, index: number): VersionInForce | undefined {
    const versions: Array<readonly [string, string]> = []
    let position = 0
    this.published(
      reading,
      index,
      (state) => {
        versions.push([state.partition!, state.dataVersion])
        position = Math.max(position, state.changedPosition)
      },
      (key) => versions.push([key, neverObserved.version])
    )
    // Of nothing at all the version is that of an empty list; of slices that are not there yet there is none.
    const expected = reading.isAll || reading.ranges(index).some(([from, to]) => to > from)
    if (versions.length === 0 && expected) return undefined
    return { version: Version.ofPartitions(versions), position }
  }

  private published(
    reading: Reading,
    index: number,
    use: (state: Catalog.AssetState, at: number) => void,
    unobserved?: (key: string) => void
  ): void {
    const { asset } = reading.edge
    const isExternal = this.lineage.isExternal(asset)
    const slices = Catalog.slices(this.catalog, asset)
    const { all } = this.lineage.keys(asset)!
    for (const [from, to] of reading.ranges(index)) {
      for (let at = from; at < to; at++) {
        const state = slices.get(all[at]!)
        if (state !== undefined) use(state, at)
        else if (isExternal) unobserved?.(all[at]!)
      }
    }
  }

  private idOf({ edge, isAll, ranges }: Reading, index: number): string {
    return isAll ? edge.asset : `${edge.asset} ${ranges(index).join(" ")}`
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Removed {
  readonly key: string
  /** Of its removal. */
  readonly position: number
  readonly group: string
}

const neverObserved: VersionInForce = { version: External.neverObserved, position: 0 }
