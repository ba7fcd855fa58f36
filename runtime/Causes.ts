/**
 * The causes of many slices together: each once, the partitions of a dependency that moved merged to ranges.
 */
import * as Result from "effect/Result"
import * as Keys from "./Keys.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type * as Reason from "./Reason.ts"

type Changed = Extract<Reason.Cause, { readonly _tag: "DependencyChanged" }>

/** In the order in which each kind of cause comes first. */
export const merge = <R extends Reason.Reason>(
  lineage: Lineage,
  lists: Iterable<ReadonlyArray<R>>
): ReadonlyArray<R | Changed> => {
  const found = new Map<string, R | Array<Changed>>()
  // Slices that are Stale for the same causes share a list.
  for (const cause of Array.from(new Set(lists)).flat()) {
    const id = idOf(cause)
    const known = found.get(id)
    if (cause._tag !== "DependencyChanged") found.set(id, cause)
    else if (Array.isArray(known)) known.push(cause)
    else found.set(id, [cause])
  }
  return Array.from(found.values(), (cause) => (Array.isArray(cause) ? together(lineage, cause) : cause))
}

/** What causes have in common that differ only in which partitions of a dependency moved. */
export const idOf = (cause: Reason.Reason): string =>
  cause._tag === "DependencyChanged" ? `${cause._tag} ${cause.dependency}` : JSON.stringify(cause)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const together = (lineage: Lineage, causes: ReadonlyArray<Changed>): Changed => {
  const [first, ...others] = causes as [Changed, ...ReadonlyArray<Changed>]
  const { partitions } = lineage.graph.nodes.get(first.dependency)!.asset
  if (others.length === 0 || partitions === undefined) return first
  const keys = lineage.keys(first.dependency)!
  const indexes = new Set<number>()
  for (const range of new Set(causes.flatMap(({ partitions }) => partitions ?? []))) {
    // Most are single keys; an expression is held against every key there is.
    const single = keys.indexOf(range)
    if (single !== -1) {
      indexes.add(single)
      continue
    }
    const named = Partition.select(partitions, lineage.moment, range)
    for (const index of Result.getOrElse(named, () => [])) indexes.add(index)
  }
  const merged = Keys.ranges(
    keys,
    Array.from(indexes).sort((a, b) => a - b)
  )
  const removed = Array.from(new Set(causes.flatMap(({ removed }) => removed ?? [])))
  return { ...first, partitions: merged, ...(removed.length === 0 ? {} : { removed }) }
}
