/**
 * Which slices of its dependencies each slice of an asset reads, at one moment.
 *
 * Slices are numbered in the order of their keys; an asset without partitions has one. Whether a slice is published, and
 * in which version, is no matter of this module.
 */
import type { AssetGraph, Edge, Node } from "./AssetGraph.ts"
import * as Keys from "./Keys.ts"
import * as Mapping from "./Mapping.ts"
import * as Partition from "./Partition.ts"

/** How the slices of an asset read one of its dependencies. */
export interface Reading {
  readonly edge: Edge
  /** The slice that is read, -1 where there is none; `undefined` when a slice may read several. */
  readonly one: ((index: number) => number) | undefined
  /** The slices that are read, in order. */
  readonly ranges: (index: number) => ReadonlyArray<Mapping.Range>
  /** Whether every slice reads all there are. */
  readonly isAll: boolean
}

/** Holds what was found out, so that who decides about many slices asks one lineage. */
export class Lineage {
  readonly graph: AssetGraph
  readonly moment: Partition.Moment
  private readonly known = new Map<string, ReadonlyArray<Reading>>()

  constructor(graph: AssetGraph, moment: Partition.Moment) {
    this.graph = graph
    this.moment = moment
  }

  /** `undefined` for an asset without partitions. */
  keys(asset: string): Partition.Keys | undefined {
    const { partitions } = this.graph.nodes.get(asset)!.asset
    return partitions === undefined ? undefined : this.moment.keys(partitions)
  }

  /** Whether nothing here computes it, so that its slices are there whether something is recorded of them or not. */
  isExternal(asset: string): boolean {
    return this.graph.nodes.get(asset)!.asset.external !== undefined
  }

  size(asset: string): number {
    return this.keys(asset)?.size ?? 1
  }

  key(asset: string, index: number): Partition.Key {
    return this.keys(asset)?.all[index] ?? null
  }

  /** Slices from a number up to, not including, another in words: `first..last`, or one key. */
  span(asset: string, from: number, to: number): string | null {
    const keys = this.keys(asset)
    if (keys === undefined) return null
    if (to - from === 1) return keys.all[from]!
    if (keys.dimensions === undefined) return `${keys.all[from]}..${keys.all[to - 1]}`
    const indexes = Array.from({ length: to - from }, (_, at) => from + at)
    return Keys.ranges(keys, indexes).join(", ")
  }

  /** Slices as an expression that names them, neighbours merged: `first..last`, joined by commas, of products by semicolons. */
  spans(asset: string, indexes: ReadonlyArray<number>): string | null {
    const keys = this.keys(asset)
    return keys === undefined ? null : Keys.ranges(keys, indexes).join(keys.dimensions === undefined ? "," : "; ")
  }

  /** -1 for a slice that there is not, or not yet. */
  index({ asset, partition }: Partition.Ref): number {
    const keys = this.keys(asset)
    if (keys === undefined) return partition === null ? 0 : -1
    return partition === null ? -1 : keys.indexOf(partition)
  }

  /** One for each dependency, in the order of declaration. */
  readings(asset: string): ReadonlyArray<Reading> {
    const node = this.graph.nodes.get(asset)!
    const known = timeless.get(node) ?? this.known.get(asset)
    if (known !== undefined) return known
    const readings = node.deps.map((edge) =>
      edge.mapping._tag === "Whole" ? { edge, one: first, ranges: whole, isAll: false } : this.reading(asset, edge)
    )
    if (readings.every(({ one }) => one === first)) timeless.set(node, readings)
    else this.known.set(asset, readings)
    return readings
  }

  /** What a slice reads of one dependency. */
  read(reading: Reading, index: number): ReadonlyArray<Partition.Ref> {
    const { asset } = reading.edge
    const keys = this.keys(asset)
    if (keys === undefined) return [{ asset, partition: null }]
    return reading
      .ranges(index)
      .flatMap(([from, to]) => keys.all.slice(from, to).map((partition) => ({ asset, partition })))
  }

  /** What several slices read of one dependency, each slice once and in order. */
  readByAll(reading: Reading, indexes: ReadonlyArray<number>): ReadonlyArray<Partition.Ref> {
    const { asset } = reading.edge
    const keys = this.keys(asset)
    if (reading.isAll || keys === undefined || indexes.length === 1) return this.read(reading, indexes[0]!)
    const found = new Set<number>()
    for (const index of indexes) {
      for (const [from, to] of reading.ranges(index)) for (let at = from; at < to; at++) found.add(at)
    }
    return Array.from(found)
      .sort((a, b) => a - b)
      .map((at) => ({ asset, partition: keys.all[at]! }))
  }

  private reading(asset: string, edge: Edge): Reading {
    const down = { partitions: this.graph.nodes.get(asset)!.asset.partitions, keys: this.keys(asset) }
    const up = { partitions: this.graph.nodes.get(edge.asset)!.asset.partitions, keys: this.keys(edge.asset) }
    const ranges = Mapping.upstream(edge.mapping, down, up)
    if (Mapping.isMany(edge.mapping)) return { edge, one: undefined, ranges, isAll: edge.mapping._tag === "All" }
    // What most edges are needs no ranges.
    const isSame = edge.mapping._tag === "Identity" && down.keys === up.keys
    return { edge, one: isSame ? (index) => index : (index) => ranges(index)[0]?.[0] ?? -1, ranges, isAll: false }
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const first = () => 0
const onlyOne: ReadonlyArray<Mapping.Range> = [[0, 1]]
const whole: Reading["ranges"] = () => onlyOne

/** What is read of assets without partitions is so at every moment: found once for graphs of thousands of them. */
const timeless = new WeakMap<Node, ReadonlyArray<Reading>>()
