/**
 * The versions that slices would be made from if they were made now, found once however many slices ask.
 *
 * A dependency that is read in many slices has one version, the digest of theirs.
 */
import * as Catalog from "./Catalog.ts"
import * as External from "./External.ts"
import * as Keys from "./Keys.ts"
import type { Lineage, Reading } from "./Lineage.ts"
import * as Version from "./Version.ts"

export interface VersionInForce {
  readonly version: string
  /** The log position it was taken at. */
  readonly position: number
}

export class VersionsInForce {
  private readonly lineage: Lineage
  private readonly catalog: Catalog.Catalog
  private readonly digests = new Map<string, VersionInForce | undefined>()
  private readonly moved = new Map<string, ReadonlyArray<string>>()

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
    const known = this.digests.get(id)
    if (known !== undefined || this.digests.has(id)) return known
    const found = this.digest(reading, index)
    this.digests.set(id, found)
    return found
  }

  /**
   * The partitions, merged to ranges, that changed after a position of the log; `null` when the dependency has none.
   */
  movedSince(reading: Reading, index: number, position: number): ReadonlyArray<string> | null {
    const { asset } = reading.edge
    const keys = this.lineage.keys(asset)
    if (keys === undefined) return null
    if (reading.one !== undefined) return [keys.all[reading.one(index)]!]
    const id = `${position} ${this.idOf(reading, index)}`
    const known = this.moved.get(id)
    if (known !== undefined) return known
    const changed: Array<number> = []
    this.published(reading, index, (state, at) => {
      if (state.changedPosition > position) changed.push(at)
    })
    const ranges = Keys.ranges(keys, changed)
    this.moved.set(id, ranges)
    return ranges
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

const neverObserved: VersionInForce = { version: External.neverObserved, position: 0 }
