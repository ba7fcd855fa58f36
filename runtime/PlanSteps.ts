/**
 * The steps of a plan one by one: a step for each slice of each block, with the steps that it waits for.
 *
 * Which blocks there are is the plan's; when a step starts is the executor's.
 */
import type { Lineage, Reading } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import type * as Reason from "./Reason.ts"

/** `Certain`: no earlier step can make it unnecessary. `Conditional`: decided once its dependencies have settled. */
export type Certainty = "Certain" | "Conditional"

/** Neighbouring slices of an asset that are in a plan for the same reasons. */
export interface Block {
  readonly asset: string
  /** The number of the first slice, and of the one after the last. */
  readonly from: number
  readonly to: number
  /** `first..last`, the key of a single slice, or `null` for an asset without partitions. */
  readonly partitions: string | null
  readonly certainty: Certainty
  readonly reasons: ReadonlyArray<Reason.Reason>
}

export interface Step extends Partition.Ref {
  readonly certainty: Certainty
  readonly reasons: ReadonlyArray<Reason.Reason>
  /** Indexes of the plan's steps whose values it reads, a list for each dependency. Steps that read the same share it. */
  readonly after: ReadonlyArray<ReadonlyArray<number>>
  /** Indexes of the plan's steps that only go first, likewise. */
  readonly follows: ReadonlyArray<ReadonlyArray<number>>
}

/** Blocks must stand in the order of the graph, and those of one asset in the order of its slices. */
export const make = (
  blocks: ReadonlyArray<Block>,
  lineage: Lineage,
  unpublished: ReadonlySet<string>
): ReadonlyArray<Step> => {
  const steps: Array<Step> = []
  const numbers = new Numbers(lineage)
  for (const { asset, certainty, from, reasons, to } of blocks) {
    const readings = lineage.readings(asset)
    const { after, checkedAgainst } = lineage.graph.nodes.get(asset)!
    for (let index = from; index < to; index++) {
      const partition = lineage.key(asset, index)
      const reads = filled(readings.map((reading) => numbers.read(reading, index)))
      const follows = filled(
        [...after, ...checkedAgainst].map((other) => followed(numbers, lineage, other, partition, unpublished))
      )
      numbers.add(asset, index, steps.length)
      steps.push({ asset, partition, certainty, reasons, after: reads, follows })
    }
  }
  return steps
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const none: ReadonlyArray<number> = []

/** The numbers of the steps so far, found by slice, or all those of an asset. */
class Numbers {
  private readonly lineage: Lineage
  private readonly ofAssets = new Map<string, Array<number>>()
  private readonly ofSlices = new Map<string, Map<number, number>>()

  constructor(lineage: Lineage) {
    this.lineage = lineage
  }

  add(asset: string, index: number, number: number): void {
    const known = this.ofAssets.get(asset)
    if (known === undefined) this.ofAssets.set(asset, [number])
    else known.push(number)
    if (this.lineage.keys(asset) === undefined) return
    const slices = this.ofSlices.get(asset)
    if (slices === undefined) this.ofSlices.set(asset, new Map([[index, number]]))
    else slices.set(index, number)
  }

  of(asset: string): ReadonlyArray<number> {
    return this.ofAssets.get(asset) ?? none
  }

  at(asset: string, index: number): ReadonlyArray<number> {
    const number = this.ofSlices.get(asset)?.get(index)
    return number === undefined ? none : [number]
  }

  read({ edge, isAll, one, ranges }: Reading, index: number): ReadonlyArray<number> {
    if (isAll || this.lineage.keys(edge.asset) === undefined) return this.of(edge.asset)
    if (one !== undefined) return this.at(edge.asset, one(index))
    const slices = this.ofSlices.get(edge.asset)
    if (slices === undefined) return none
    const found: Array<number> = []
    for (const [from, to] of ranges(index)) {
      for (let at = from; at < to; at++) {
        const number = slices.get(at)
        if (number !== undefined) found.push(number)
      }
    }
    return found
  }
}

// Where both are cut alike a slice follows the one of its key; following all would be quadratic in the partitions. When
// that one is not planned and nothing was ever published, whichever comes is what it has to wait for.
const followed = (
  numbers: Numbers,
  lineage: Lineage,
  other: string,
  partition: Partition.Key,
  unpublished: ReadonlySet<string>
): ReadonlyArray<number> => {
  if (partition === null || lineage.keys(other) === undefined) return numbers.of(other)
  const same = numbers.at(other, lineage.index({ asset: other, partition }))
  return same.length === 0 && unpublished.has(other) ? numbers.of(other) : same
}

const filled = (lists: ReadonlyArray<ReadonlyArray<number>>) => lists.filter((list) => list.length > 0)
