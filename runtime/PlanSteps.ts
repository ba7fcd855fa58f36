/**
 * The steps of a plan one by one: a step for each slice of each block, or for neighbouring slices of an asset that takes
 * ranges, with the steps that it waits for.
 *
 * Which blocks there are is the plan's; when a step starts is the executor's.
 */
import * as Causes from "./Causes.ts"
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

/** `partition` is one key, or of a range that one step takes `first..last`. */
export interface Step extends Partition.Ref {
  /** Of an asset that takes ranges: the number of its first slice, and of the one after the last. */
  readonly range: readonly [from: number, to: number] | undefined
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
  for (const { asset, certainty, from, reasons, to } of joined(blocks, lineage)) {
    const readings = lineage.readings(asset)
    const { after, asset: declared, checkedAgainst } = lineage.graph.nodes.get(asset)!
    const first = [...after, ...checkedAgainst]
    if (declared.ranges !== undefined) {
      const indexes = Array.from({ length: to - from }, (_, at) => from + at)
      const reads = filled(readings.map((reading) => numbers.readByAll(reading, indexes)))
      // One step of the asset at a time: each claims all of it.
      const before = numbers.of(asset).slice(-1)
      const follows = filled([
        ...first.map((other) => numbers.followedByAll(other, asset, indexes, unpublished)),
        before
      ])
      for (const index of indexes) numbers.add(asset, index, steps.length)
      const partition = lineage.spans(asset, indexes)
      steps.push({ asset, partition, range: [from, to], certainty, reasons, after: reads, follows })
      continue
    }
    for (let index = from; index < to; index++) {
      const partition = lineage.key(asset, index)
      const reads = filled(readings.map((reading) => numbers.read(reading, index)))
      const follows = filled(first.map((other) => numbers.followed(other, partition, unpublished)))
      numbers.add(asset, index, steps.length)
      steps.push({ asset, partition, range: undefined, certainty, reasons, after: reads, follows })
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
    else if (known.at(-1) !== number) known.push(number)
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

  readByAll(reading: Reading, indexes: ReadonlyArray<number>): ReadonlyArray<number> {
    if (reading.isAll || this.lineage.keys(reading.edge.asset) === undefined) return this.of(reading.edge.asset)
    return ascending(indexes.flatMap((index) => this.read(reading, index)))
  }

  // Where both are cut alike a slice follows the one of its key; following all would be quadratic in the partitions. When
  // that one is not planned and nothing was ever published, whichever comes is what it has to wait for.
  followed(other: string, partition: Partition.Key, unpublished: ReadonlySet<string>): ReadonlyArray<number> {
    if (partition === null || this.lineage.keys(other) === undefined) return this.of(other)
    const same = this.at(other, this.lineage.index({ asset: other, partition }))
    return same.length === 0 && unpublished.has(other) ? this.of(other) : same
  }

  followedByAll(
    other: string,
    asset: string,
    indexes: ReadonlyArray<number>,
    unpublished: ReadonlySet<string>
  ): ReadonlyArray<number> {
    if (this.lineage.keys(other) === undefined) return this.of(other)
    const same = ascending(
      indexes.flatMap((index) =>
        this.at(other, this.lineage.index({ asset: other, partition: this.lineage.key(asset, index) }))
      )
    )
    return same.length === 0 && unpublished.has(other) ? this.of(other) : same
  }
}

const ascending = (numbers: ReadonlyArray<number>) => Array.from(new Set(numbers)).sort((a, b) => a - b)

/** Neighbouring blocks of an asset that takes ranges become one, cut where a step would take too many slices. */
function* joined(
  blocks: ReadonlyArray<Block>,
  lineage: Lineage
): Generator<Pick<Block, "asset" | "from" | "to" | "certainty" | "reasons">> {
  for (let at = 0; at < blocks.length; at++) {
    const first = blocks[at]!
    const { ranges } = lineage.graph.nodes.get(first.asset)!.asset
    if (ranges === undefined) {
      yield first
      continue
    }
    const run = [first]
    while (blocks[at + 1]?.asset === first.asset && blocks[at + 1]!.from === run.at(-1)!.to) run.push(blocks[++at]!)
    yield* cut(run, ranges.most, lineage)
  }
}

function* cut(run: ReadonlyArray<Block>, most: number, lineage: Lineage) {
  const { asset } = run[0]!
  const end = run.at(-1)!.to
  let next = 0
  for (let from = run[0]!.from; from < end; from += most) {
    const to = Math.min(from + most, end)
    while (run[next]!.to <= from) next++
    const parts: Array<Block> = []
    for (let at = next; at < run.length && run[at]!.from < to; at++) parts.push(run[at]!)
    const certainty = parts.some((part) => part.certainty === "Certain") ? "Certain" : "Conditional"
    yield {
      asset,
      from,
      to,
      certainty,
      reasons: Causes.merge(
        lineage,
        parts.map(({ reasons }) => reasons)
      )
    } as const
  }
}

const filled = (lists: ReadonlyArray<ReadonlyArray<number>>) => lists.filter((list) => list.length > 0)
