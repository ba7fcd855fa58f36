/**
 * What a plan leaves out although it is selected, and what would have to be selected with it.
 */
import type { Lineage, Reading } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import type { Scope } from "./Scope.ts"
import * as Staleness from "./Staleness.ts"

/** A selected slice that is Maybe only through ancestors that are not selected; those are named, nearest first. */
export interface UpstreamNotSelected extends Partition.Ref {
  readonly ancestors: ReadonlyArray<string>
}

/** The slices within the scope that are Maybe and that `isPlanned` says no to. */
export const make = (
  { lineage, slices }: Staleness.Assessments,
  scope: Scope,
  isPlanned: (asset: string, index: number) => boolean
): ReadonlyArray<UpstreamNotSelected> => {
  const entries: Array<UpstreamNotSelected> = []
  const open = new OpenAncestors(lineage, slices, scope)
  for (const [asset, own] of slices) {
    if (!scope.chosen.has(asset) || own.counts.Maybe === 0) continue
    const within = scope.within(asset)
    own.codes.forEach((code, index) => {
      if (code !== Staleness.codes.Maybe || !within(index) || isPlanned(asset, index)) return
      const ancestors = open.above(asset, index)
      // What is selected as far as it goes up, and not planned, has nothing to read.
      if (ancestors.length > 0) entries.push({ asset, partition: lineage.key(asset, index), ancestors })
    })
  }
  return entries
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const none: ReadonlyArray<string> = []

/**
 * The assets above a slice that keep it from being decided and that have slices outside the scope. Found once a slice;
 * most slices of an asset have the same ones, and then share a list.
 */
class OpenAncestors {
  private readonly lineage: Lineage
  private readonly slices: ReadonlyMap<string, Staleness.Slices>
  private readonly scope: Scope
  private readonly found = new Map<string, ReadonlyArray<ReadonlyArray<string>>>()
  private readonly lists = new Map<string, ReadonlyArray<string>>()

  constructor(lineage: Lineage, slices: ReadonlyMap<string, Staleness.Slices>, scope: Scope) {
    this.lineage = lineage
    this.slices = slices
    this.scope = scope
  }

  above(asset: string, index: number): ReadonlyArray<string> {
    return this.all(asset)[index]!
  }

  /** Of every slice of an asset; what it reads comes first, so that a long chain does not exhaust the stack. */
  private all(asset: string): ReadonlyArray<ReadonlyArray<string>> {
    const known = this.found.get(asset)
    if (known !== undefined) return known
    const { graph } = this.lineage
    const needed = new Set([asset])
    for (const key of needed) for (const { asset: read } of graph.nodes.get(key)!.deps) needed.add(read)
    for (const key of graph.order) if (needed.has(key) && !this.found.has(key)) this.found.set(key, this.ofAsset(key))
    return this.found.get(asset)!
  }

  private ofAsset(asset: string): ReadonlyArray<ReadonlyArray<string>> {
    const own = this.slices.get(asset)!
    const readings = this.lineage.readings(asset).filter(({ edge }) => edge.versioned)
    const whole = new Map<Reading, ReadonlySet<string>>()
    const lists: Array<ReadonlyArray<string>> = []
    for (let index = 0; index < own.codes.length; index++) {
      const sets = readings.map((reading) => {
        const read = reading.edge.asset === asset ? lists : this.found.get(reading.edge.asset)!
        if (!reading.isAll) return this.through(reading, index, read)
        const known = whole.get(reading) ?? this.through(reading, index, read)
        whole.set(reading, known)
        return known
      })
      lists.push(this.shared(sets))
    }
    return lists
  }

  private through(
    { edge, ranges }: Reading,
    index: number,
    read: ReadonlyArray<ReadonlyArray<string>>
  ): ReadonlySet<string> {
    const { codes } = this.slices.get(edge.asset)!
    const within = this.scope.within(edge.asset)
    const isChosen = this.scope.chosen.has(edge.asset)
    const open = new Set<string>()
    const lists = new Set<ReadonlyArray<string>>()
    for (const [from, to] of ranges(index)) {
      for (let at = from; at < to; at++) {
        if (codes[at] === Staleness.codes.Current || codes[at] === Staleness.codes.absent) continue
        if (!isChosen || !within(at)) open.add(edge.asset)
        lists.add(read[at]!)
      }
    }
    for (const list of lists) for (const ancestor of list) open.add(ancestor)
    return open
  }

  private shared(sets: ReadonlyArray<ReadonlySet<string>>): ReadonlyArray<string> {
    if (sets.every((set) => set.size === 0)) return none
    const list = Array.from(new Set(sets.flatMap((set) => Array.from(set))))
    const id = list.join(" ")
    const known = this.lists.get(id)
    if (known !== undefined) return known
    this.lists.set(id, list)
    return list
  }
}
