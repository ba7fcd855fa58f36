/**
 * How long a plan is expected to take, by how long its assets took before: when each block would end, when the run
 * would, and what its conditional steps come to.
 *
 * It goes by blocks and never by single steps, of which there may be millions. What is not known is counted, never
 * guessed; that something fails, waits for another process or is cut off is left out.
 */
import type { AssetGraph } from "./AssetGraph.ts"
import type * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"

/** What is expected of a block; times are seconds. */
export interface Expected {
  readonly block: Plan.Block
  /** Steps that begin in it. */
  readonly count: number
  /** Slices in it: as many as steps, except of an asset that takes ranges. */
  readonly slices: number
  /** How long one of its slices takes; `undefined` for an asset that was never run. */
  readonly each: number | undefined
  /** From the start of the run. Both are `undefined` where the block, or one that it waits for, was never run. */
  readonly starts: number | undefined
  readonly ends: number | undefined
}

/** Steps, how many of them were never run, and the seconds that the others take one after another. */
export interface Amount {
  readonly steps: number
  readonly unknown: number
  readonly seconds: number
}

export interface Forecast {
  /** Steps at the same time. */
  readonly concurrency: number
  /** In the order of the plan. */
  readonly blocks: ReadonlyArray<Expected>
  readonly work: Amount
  /** What an early cutoff could save at most. */
  readonly conditional: Amount
  /** Of the run, as if what was never run took no time; `undefined` when nothing was. */
  readonly seconds: number | undefined
  /** The assets that follow each other for longest, as waits are reckoned with here: more workers do not make it shorter. */
  readonly criticalPath: { readonly seconds: number; readonly assets: ReadonlyArray<string> }
}

export interface Options {
  /** By asset, the seconds that one slice takes; without those that never ran. */
  readonly durations: ReadonlyMap<string, number>
  readonly concurrency: number
}

/**
 * List scheduling as the executor does it: a step is taken in the order in which it became ready, by the worker that
 * is free first. Slices that read others slice by slice are ready once the first of those has ended; an asset's other
 * readers wait for all of its planned slices.
 */
export const make = (
  graph: AssetGraph,
  { blocks }: Pick<Plan.Plan, "blocks">,
  { concurrency, durations }: Options
): Forecast => {
  const before = waits(graph, blocks)
  const expected = new Schedule(graph, blocks, before, { durations, concurrency }).run()
  const work = amount(expected)
  return {
    concurrency,
    blocks: expected,
    work,
    conditional: amount(expected.filter(({ block }) => block.certainty === "Conditional")),
    seconds:
      work.steps > 0 && work.unknown === work.steps
        ? undefined
        : expected.reduce((last, { to }) => Math.max(last, to), 0),
    criticalPath: criticalPath(before, expected)
  }
}

/** The seconds that are left of the run when this much of its work is done; `undefined` when not all of it is known. */
export const left = ({ seconds, work }: Forecast, done: number): number | undefined =>
  seconds === undefined || work.unknown > 0 || work.seconds === 0
    ? undefined
    : seconds * Math.max(0, 1 - done / work.seconds)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** With the times that are reckoned with where none are known. */
interface Slot extends Expected {
  /** How long the longest of its steps takes. */
  readonly step: number
  /** How long it takes with a worker for every step. */
  readonly least: number
  readonly from: number
  readonly to: number
}

const amount = (expected: ReadonlyArray<Expected>): Amount => {
  let [steps, unknown, seconds] = [0, 0, 0]
  for (const { count, each, slices } of expected) {
    steps += count
    if (each === undefined) unknown += count
    else seconds += slices * each
  }
  return { steps, unknown, seconds }
}

/**
 * How many steps begin in each block: one for each slice or, of an asset that takes ranges, one for as many neighbours as
 * a step takes, whatever they are planned for.
 */
const counts = (graph: AssetGraph, blocks: ReadonlyArray<Plan.Block>): ReadonlyArray<number> => {
  let run: { readonly asset: string; readonly from: number; readonly to: number } | undefined
  return blocks.map(({ asset, from, to }) => {
    const { ranges } = graph.nodes.get(asset)!.asset
    if (ranges === undefined) return to - from
    const isNext = run?.asset === asset && run.to === from
    run = { asset, from: isNext ? run!.from : from, to }
    const begunBy = (index: number) => Math.ceil((index - run!.from) / ranges.most)
    return begunBy(to) - begunBy(from)
  })
}

/** What a block waits for: an asset's planned slices, or with `slicewise` only the ones that its own slices read. */
interface Wait {
  readonly asset: string
  readonly slicewise: boolean
}

/** By block. What it reads of versioned dependencies, its reasons name. */
const waits = (graph: AssetGraph, blocks: ReadonlyArray<Plan.Block>): ReadonlyArray<ReadonlyArray<Wait>> => {
  const planned = new Set(blocks.map(({ asset }) => asset))
  const isCut = (key: string) => graph.nodes.get(key)!.asset.partitions !== undefined
  return blocks.map(({ asset, reasons }, index) => {
    const { after, checkedAgainst, deps } = graph.nodes.get(asset)!
    const moving = new Set(
      reasons.flatMap((reason) => (reason._tag === "DependencyPlanned" ? [reason.dependency] : []))
    )
    const read = deps
      .filter((edge) => (edge.versioned ? moving : planned).has(edge.asset))
      .filter((edge) => edge.asset !== asset || isChain(edge.mapping, graph.nodes.get(asset)!.asset.partitions))
      .map((edge) => ({ asset: edge.asset, slicewise: slicewise.has(edge.mapping._tag) }))
    const followed = [...after, ...checkedAgainst]
      .filter((other) => planned.has(other))
      .map((other) => ({ asset: other, slicewise: isCut(asset) && isCut(other) }))
    // Steps of an asset that takes ranges go one by one.
    const isNext = graph.nodes.get(asset)!.asset.ranges !== undefined && index > 0 && blocks[index - 1]!.asset === asset
    return [...read, ...followed, ...(isNext ? [{ asset, slicewise: true }] : [])]
  })
}

/** Whether each slice reads the one before; others that read their own past are several such chains side by side. */
const isChain = (mapping: Mapping.Mapping, partitions: Partition.Partitioning | undefined) =>
  mapping._tag === "Previous" && mapping.offset === 1 && partitions?._tag !== "Product"

const slicewise: ReadonlySet<Mapping.Mapping["_tag"]> = new Set(["Identity", "Previous"])

/** Of an asset's planned slices, as far as they are scheduled. */
interface Scheduled {
  /** Blocks that are not. */
  left: number
  /** When the first slice ends, and the last. */
  first: number
  last: number
  isKnown: boolean
  readonly waiting: Array<{ readonly block: number; readonly slicewise: boolean }>
}

/** A block's own state before it is scheduled. */
interface Pending {
  left: number
  ready: number
  /** When the last of the slices that its own read slice by slice ends, after which it has one more to do. */
  tail: number
  isKnown: boolean
  /** Its slices read earlier ones of the same asset, so they go one by one. */
  readonly isChain: boolean
}

class Schedule {
  private readonly blocks: ReadonlyArray<Plan.Block>
  private readonly counts: ReadonlyArray<number>
  /** Slices that one step takes at most; `undefined` for assets that take them one by one. */
  private readonly most: (asset: string) => number | undefined
  private readonly durations: ReadonlyMap<string, number>
  private readonly assets = new Map<string, Scheduled>()
  private readonly pending: ReadonlyArray<Pending>
  private readonly slots: Array<Slot> = []
  private readonly queue = new Queue()
  /** When each worker is free. */
  private readonly workers: Workers

  constructor(
    graph: AssetGraph,
    blocks: ReadonlyArray<Plan.Block>,
    before: ReadonlyArray<ReadonlyArray<Wait>>,
    { concurrency, durations }: Options
  ) {
    this.blocks = blocks
    this.counts = counts(graph, blocks)
    this.most = (asset) => graph.nodes.get(asset)!.asset.ranges?.most
    this.durations = durations
    this.workers = new Workers(concurrency)
    for (const { asset } of blocks) {
      const known = this.assets.get(asset)
      if (known !== undefined) known.left++
      else this.assets.set(asset, { left: 1, first: Infinity, last: 0, isKnown: true, waiting: [] })
    }
    this.pending = blocks.map((block, index) => {
      const all = before[index]!
      const others = all.filter(({ asset }) => asset !== block.asset)
      for (const { asset, slicewise } of others) this.assets.get(asset)!.waiting.push({ block: index, slicewise })
      const isChain = others.length < all.length
      // The slices that it reads are in the block before: blocks of an asset stand together, earlier slices first.
      const left = others.length + (isChain ? 1 : 0)
      return { left, ready: 0, tail: 0, isKnown: true, isChain }
    })
  }

  run(): ReadonlyArray<Slot> {
    for (const [index, { left }] of this.pending.entries()) if (left === 0) this.queue.add(0, index)
    for (let index = this.queue.take(); index !== undefined; index = this.queue.take()) {
      const slot = this.schedule(index)
      this.slots[index] = slot
      if (this.pending[index + 1]?.isChain) this.free(index + 1, slot.to, 0, slot.ends !== undefined)
      this.settle(slot)
    }
    return this.slots
  }

  private schedule(index: number): Slot {
    const block = this.blocks[index]!
    const { isChain, isKnown, ready, tail } = this.pending[index]!
    const count = this.counts[index]!
    const slices = block.to - block.from
    const each = this.durations.get(block.asset)
    const seconds = each ?? 0
    const most = this.most(block.asset)
    const step = seconds * Math.min(most ?? 1, slices)
    const oneByOne = isChain || most !== undefined
    const least = oneByOne ? slices * seconds : step
    const [from, end] = this.workers.take(ready, oneByOne ? 1 : count, oneByOne ? least : seconds)
    const to = Math.max(end, tail + step)
    const [starts, ends] = isKnown && each !== undefined ? [from, to] : []
    return { block, count, slices, each, step, least, from, to, starts, ends }
  }

  private settle({ block, ends, from, step, to }: Slot): void {
    const asset = this.assets.get(block.asset)!
    asset.first = Math.min(asset.first, from + step)
    asset.last = Math.max(asset.last, to)
    asset.isKnown &&= ends !== undefined
    if (--asset.left > 0) return
    for (const { block, slicewise } of asset.waiting) {
      this.free(block, slicewise ? asset.first : asset.last, asset.last, asset.isKnown)
    }
  }

  private free(index: number, ready: number, tail: number, isKnown: boolean): void {
    const pending = this.pending[index]!
    pending.ready = Math.max(pending.ready, ready)
    pending.tail = Math.max(pending.tail, tail)
    pending.isKnown &&= isKnown
    if (--pending.left === 0) this.queue.add(pending.ready, index)
  }
}

class Workers {
  private readonly free: Array<number>

  constructor(count: number) {
    this.free = Array.from({ length: count }, () => 0)
  }

  /** Gives out so many equal steps that are ready at the same time; answers with the first start and the last end. */
  take(ready: number, count: number, seconds: number): readonly [number, number] {
    const at = this.free.map((time) => Math.max(time, ready)).sort((a, b) => a - b)
    const start = at[0]!
    if (seconds === 0 || count === 0) return [start, start]
    // Whole rounds at once. A step that ends by the level is never taken after one that does not, so the few that are
    // left are given out one by one to the same end.
    const level = levelOf(at, count * seconds)
    let [left, end] = [count, 0]
    for (const [worker, time] of at.entries()) {
      const rounds = Math.min(left, Math.max(0, Math.floor((level - time) / seconds - rounding)))
      if (rounds === 0) continue
      left -= rounds
      at[worker] = time + rounds * seconds
      end = Math.max(end, at[worker])
    }
    for (; left > 0; left--) {
      const first = at.reduce((first, time, worker) => (time < at[first]! ? worker : first), 0)
      at[first]! += seconds
      end = Math.max(end, at[first]!)
    }
    this.free.splice(0, at.length, ...at)
    return [start, end]
  }
}

/** Of a quotient that should be whole. */
const rounding = 1e-9

/** When workers that are free at these times, earliest first, would end if the work could be shared out evenly. */
const levelOf = (free: ReadonlyArray<number>, work: number): number => {
  let sum = work
  for (const [index, time] of free.entries()) {
    if (index > 0 && sum / index <= time) return sum / index
    sum += time
  }
  return sum / free.length
}

/** Blocks by when they are ready, and those that are at the same time in the order of the plan: a binary heap. */
class Queue {
  private readonly items: Array<readonly [ready: number, block: number]> = []

  add(ready: number, block: number): void {
    const { items } = this
    let at = items.length
    items.push([ready, block])
    while (at > 0 && isBefore(items[at]!, items[(at - 1) >> 1]!)) {
      this.swap(at, (at - 1) >> 1)
      at = (at - 1) >> 1
    }
  }

  take(): number | undefined {
    const { items } = this
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined) return undefined
    if (items.length === 0) return first[1]
    items[0] = last
    for (let at = 0; ;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < items.length && isBefore(items[child]!, items[least]!)) least = child
      }
      if (least === at) return first[1]
      this.swap(at, least)
      at = least
    }
  }

  private swap(one: number, other: number): void {
    const { items } = this
    const item = items[one]!
    items[one] = items[other]!
    items[other] = item
  }
}

const isBefore = (one: readonly [number, number], other: readonly [number, number]) =>
  one[0] < other[0] || (one[0] === other[0] && one[1] < other[1])

/** The longest way through the plan with a worker for every step. */
const criticalPath = (
  before: ReadonlyArray<ReadonlyArray<Wait>>,
  expected: ReadonlyArray<Slot>
): Forecast["criticalPath"] => {
  const ways = new Map<string, Way>()
  let longest: Way | undefined
  let last: Way | undefined
  for (const [index, { block, least }] of expected.entries()) {
    const { asset } = block
    const known = ways.get(asset)
    let via: Way | undefined
    // Of its own slices it waits for those of the block before.
    for (const wait of before[index]!) via = longer(via, wait.asset === asset ? last : ways.get(wait.asset))
    const seconds = least + (via?.seconds ?? 0)
    last = { asset, seconds, via: via?.asset === asset ? via.via : via }
    ways.set(asset, longer(known, last)!)
    longest = longer(longest, last)
  }
  const assets: Array<string> = []
  const { seconds } = longest ?? { seconds: 0 }
  for (let way = longest; seconds > 0 && way !== undefined; way = way.via) assets.unshift(way.asset)
  return { seconds, assets }
}

interface Way {
  readonly asset: string
  readonly seconds: number
  readonly via: Way | undefined
}

const longer = (one: Way | undefined, other: Way | undefined) =>
  one === undefined || (other !== undefined && other.seconds > one.seconds) ? other : one
