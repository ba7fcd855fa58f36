/**
 * What is true of the slices of a simulation, by the definitions written again in the shortest way, without regard to time.
 */
import * as Duration from "effect/Duration"
import type * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import * as External from "../runtime/External.ts"
import * as Partition from "../runtime/Partition.ts"
import type * as Reason from "../runtime/Reason.ts"
import * as Version from "../runtime/Version.ts"
import type { Simulation } from "./Simulation.ts"

/** The definitions at one moment; what is asked of a slice is found once. */
export class Truth {
  private readonly simulation: Simulation
  private readonly moment: Partition.Moment
  private readonly frozen = new Map<string, boolean>()
  private readonly statuses = new Map<string, Reason.Status>()

  constructor(simulation: Simulation) {
    this.simulation = simulation
    this.moment = new Partition.Moment(simulation.now, simulation.catalog.dynamic)
  }

  slices(asset: string): ReadonlyArray<Partition.Ref> {
    return this.keys(asset)
      .map((partition) => ({ asset, partition }))
      .filter((ref) => this.exists(ref))
  }

  /** What a slice reads that exists. */
  reads(ref: Partition.Ref, versions: "all" | "those that count"): ReadonlyArray<Partition.Ref> {
    return this.node(ref.asset)
      .deps.filter((edge) => edge.versioned || versions === "all")
      .flatMap((edge) => this.needs(edge, ref))
      .filter((read) => this.exists(read))
  }

  exists(ref: Partition.Ref): boolean {
    return Catalog.get(this.simulation.catalog, ref) !== undefined || !this.isFrozen(ref)
  }

  isFrozen(ref: Partition.Ref): boolean {
    return remembered(this.frozen, ref, () => {
      const { asset, deps } = this.node(ref.asset)
      if (ref.partition === null) return false
      const { length, start } = windowOf(asset.partitions!, ref.partition)
      if (asset.unrepeatable && start + length <= this.simulation.now) return true
      return deps.some((edge) => {
        if (edge.mapping._tag === "All" || edge.asset === ref.asset) return false
        const needed = this.needs(edge, ref)
        return needed.length > 0 && needed.every((read) => !this.exists(read))
      })
    })
  }

  /** Whether there is something of everything that a slice reads, and of its past if it was made from it. */
  isComputable(ref: Partition.Ref): boolean {
    const madeFrom = Catalog.get(this.simulation.catalog, ref)?.provenance ?? {}
    return this.node(ref.asset).deps.every((edge) => {
      const needed = this.needs(edge, ref)
      return (
        (edge.mapping._tag === "Previous" && madeFrom[edge.asset] === undefined) ||
        this.versions(needed).length > 0 ||
        (needed.length === 0 && isMany(edge.mapping) && edge.mapping._tag !== "All")
      )
    })
  }

  status(ref: Partition.Ref): Reason.Status {
    return remembered(this.statuses, ref, () => {
      const { asset, deps } = this.node(ref.asset)
      const state = Catalog.get(this.simulation.catalog, ref)
      if (state === undefined) {
        return asset.external === undefined ? "Missing" : asset.recheckAfter === undefined ? "Current" : "Stale"
      }
      if (this.isFrozen(ref)) return "Current"
      const madeFrom = new Map(Object.entries(state.provenance).map(([key, { version }]) => [key, version]))
      const others = new Set(deps.map((edge) => edge.asset))
      const isGone = Array.from(madeFrom.keys()).some((key) => !others.has(key))
      const isSame = deps.every((edge) => !edge.versioned || this.isSame(edge, ref, madeFrom.get(edge.asset)))
      const isDue =
        asset.recheckAfter?._tag === "Duration" &&
        this.simulation.now - Date.parse(state.verifiedAt) >= Duration.toMillis(asset.recheckAfter.duration)
      if (isDue || isGone || !isSame || state.codeVersion !== asset.codeVersion) return "Stale"
      const isDecided = this.reads(ref, "those that count").every((read) => this.status(read) === "Current")
      return isDecided ? "Current" : "Maybe"
    })
  }

  /** Those in force of slices; one of an external asset has one before it was ever observed. */
  private versions(refs: ReadonlyArray<Partition.Ref>): ReadonlyArray<readonly [string, string]> {
    return refs.flatMap((ref) => {
      const unknown = this.node(ref.asset).asset.external === undefined ? undefined : External.neverObserved
      const version = Catalog.get(this.simulation.catalog, ref)?.dataVersion ?? unknown
      return version === undefined ? [] : [[ref.partition ?? "", version] as const]
    })
  }

  private node(asset: string) {
    return this.simulation.graph.nodes.get(asset)!
  }

  private keys(asset: string): ReadonlyArray<Partition.Key> {
    const { partitions } = this.node(asset).asset
    return partitions === undefined ? [null] : this.moment.keys(partitions).all
  }

  /** The slices that a slice reads of one dependency, if they exist. */
  private needs({ asset, mapping }: AssetGraph.Edge, ref: Partition.Ref): ReadonlyArray<Partition.Ref> {
    const keys = this.keys(asset)
    const own = ref.partition!
    const down = this.node(ref.asset).asset.partitions!
    const up = this.node(asset).asset.partitions!
    const isNeeded = (key: string): boolean => {
      switch (mapping._tag) {
        case "All":
          return true
        case "Identity":
          return key === own
        case "Last":
          return key === keys.at(-1)
        case "Windows": {
          const [mine, other] = [windowOf(down, own), windowOf(up, key)]
          const from = mine.start + mapping.startOffset * mine.length
          const to = mine.start + (mapping.endOffset + 1) * mine.length
          const isAlike = down._tag !== "Product" || up._tag !== "Product" || key.split("|")[1] === own.split("|")[1]
          return isAlike && other.start < to && other.start + other.length > from
        }
        case "Fixed":
          return mapping.upstream[own]!.includes(key)
        case "Custom":
          return mapping.upstream(own).includes(key)
        case "Dimension":
          return part(down, own, mapping.dimension) === part(up, key, mapping.dimension)
        case "Previous": {
          const { length, start } = windowOf(down, own)
          const isAlike = key.split("|")[1] === own.split("|")[1]
          return isAlike && windowOf(down, key).start === start - mapping.offset * length
        }
        case "Whole":
          return false
      }
    }
    return keys.filter((key) => key === null || isNeeded(key)).map((partition) => ({ asset, partition }))
  }

  /** Whether a slice would be made from the same version of a dependency as it was; what is gone leaves it so. */
  private isSame(edge: AssetGraph.Edge, ref: Partition.Ref, recorded: string | undefined): boolean {
    const needed = this.needs(edge, ref)
    const versions = this.versions(needed)
    const many = isMany(edge.mapping)
    // What was made from slices of keys that all are gone would be made from none.
    const isEmptied = this.keys(edge.asset).length === 0
    if (isEmptied && (edge.mapping._tag === "All" || edge.mapping._tag === "Last")) {
      return edge.mapping._tag === "Last" && recorded === undefined
    }
    if (!many && needed.length === 0) return true
    if (versions.length > 0 || (many && needed.length === 0 && edge.mapping._tag !== "All")) {
      return recorded === (many ? Version.ofPartitions(versions) : versions[0]![1])
    }
    return recorded !== undefined || edge.mapping._tag === "Previous"
  }
}

/** Finds out once about each slice. */
export const remembered = <A>(known: Map<string, A>, ref: Partition.Ref, find: () => A): A => {
  const id = Partition.id(ref)
  const found = known.get(id) ?? find()
  known.set(id, found)
  return found
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const hour = 3_600_000
const hoursOf = { daily: 24, cron: 12, weekly: 7 * 24 } as Readonly<Record<string, number>>

/** When the window of a key begins, and how long windows of its kind are, in milliseconds. Every one is in UTC. */
const windowOf = (partitions: Partition.Partitioning, key: string) => {
  const time = key.split("|")[0]!
  const windows = partitions._tag === "Product" ? partitions.dimensions["day"]! : partitions
  const length = windows._tag === "TimeWindows" ? hoursOf[windows.grain]! * hour : Infinity
  return { start: Date.parse(time), length }
}

const part = (partitions: Partition.Partitioning, key: string, dimension: string) =>
  partitions._tag === "Product" ? key.split("|")[Object.keys(partitions.dimensions).indexOf(dimension)]! : key

const isMany = (mapping: AssetGraph.Edge["mapping"]): boolean =>
  ["All", "Windows", "Fixed", "Custom"].includes(mapping._tag) || (mapping._tag === "Dimension" && mapping.many)
