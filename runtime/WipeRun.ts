/**
 * Removal of published values, recorded as a run.
 *
 * Whether it is meant is asked by the one who calls.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Asset from "./Asset.ts"
import * as Catalog from "./Catalog.ts"
import type * as Definitions from "./Definitions.ts"
import * as EventLog from "./EventLog.ts"
import * as Keys from "./Keys.ts"
import * as KeySpan from "./KeySpan.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type { PlanError } from "./PlanError.ts"
import * as Report from "./Report.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Timestamp from "./Timestamp.ts"

/** What would be removed. */
export interface Intent {
  readonly refs: ReadonlyArray<Partition.Ref>
  /** The same in words: `users, listen_history (12 partitions)`, or those that were named. */
  readonly names: string
  /** Those of them whose source can no longer be asked, in words, if there are any. */
  readonly lost: string | undefined
}

/**
 * What is published of the selected assets, dependents first; nothing of external ones, which are not ours to remove. Of
 * partitions that are named just those: what has no partitions stays.
 */
export const intend = (
  lineage: Lineage,
  catalog: Catalog.Catalog,
  choice: KeySpan.Choice
): Result.Result<Intent, PlanError> => {
  const { nodes } = lineage.graph
  return Result.map(KeySpan.published(lineage, catalog, choice), (isMeant) => {
    const refs = Array.from(choice.selected)
      .toReversed()
      .filter((asset) => nodes.get(asset)!.asset.external === undefined)
      .flatMap((asset) => Array.from(Catalog.slices(catalog, asset).keys(), (partition) => ({ asset, partition })))
      .filter(isMeant)
    const lost = refs.filter((ref) => isFrozen(lineage, ref))
    return {
      refs,
      names: KeySpan.isNamed(choice.named) ? byName(lineage, refs) : byCount(refs),
      lost: lost.length === 0 ? undefined : byName(lineage, lost)
    }
  })
}

/** Removes each value once no run holds its slice, and answers with the run's id. */
export const run = Effect.fn("WipeRun.run")(function* (
  definitions: Definitions.Definitions,
  selection: ReadonlyArray<string>,
  refs: ReadonlyArray<Partition.Ref>,
  waiting: (ref: Partition.Ref) => Effect.Effect<void>
) {
  const log = yield* EventLog.EventLog
  const options = {
    trigger: "wipe",
    selection,
    steps: refs.length,
    observe: () => Effect.void,
    failure: () => undefined
  }
  return yield* RunRecord.traced((root) =>
    RunRecord.recorded(root, options, ({ runId, session }) =>
      Effect.forEach(
        refs,
        (ref) =>
          Effect.gen(function* () {
            const { asset } = definitions.graph.nodes.get(ref.asset)!
            // As steps of an asset that takes ranges do.
            const held = asset.ranges === undefined ? ref : { ...ref, partition: null }
            yield* Effect.acquireRelease(claim(session, held, waiting), session.release, { interruptible: true })
            const store = yield* Asset.store(asset)
            yield* log.wipe({ _tag: "AssetWiped", at: yield* Timestamp.now, runId, ...ref }, store.wipe(ref))
          }).pipe(Effect.scoped),
        { discard: true }
      )
    ).pipe(Effect.as(root.runId))
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What is published of an open window can be computed again. */
const isFrozen = ({ graph, moment }: Lineage, { asset, partition }: Partition.Ref): boolean => {
  const { partitions, unrepeatable } = graph.nodes.get(asset)!.asset
  return (
    unrepeatable &&
    partitions !== undefined &&
    partition !== null &&
    Partition.hasEnded(partitions, partition, moment.now)
  )
}

const byCount = (refs: ReadonlyArray<Partition.Ref>): string =>
  byAsset(refs, (asset, slices) =>
    slices[0]!.partition === null ? asset : `${asset} (${Report.count(slices.length, "partition")})`
  )

/** Neighbours as ranges; what is no partition any more by itself. */
const byName = (lineage: Lineage, refs: ReadonlyArray<Partition.Ref>): string =>
  byAsset(refs, (asset, slices) => {
    const keys = lineage.keys(asset)
    if (keys === undefined) return asset
    const indexes = slices.map((ref) => lineage.index(ref))
    const known = indexes.filter((index) => index !== -1).sort((a, b) => a - b)
    const gone = slices.flatMap(({ partition }, at) => (indexes[at] === -1 ? [partition!] : []))
    return `${asset}/${[...Keys.ranges(keys, known), ...gone].join(",")}`
  })

const byAsset = (
  refs: ReadonlyArray<Partition.Ref>,
  name: (asset: string, slices: ReadonlyArray<Partition.Ref>) => string
): string =>
  Array.from(
    Map.groupBy(refs, (ref) => ref.asset),
    ([asset, slices]) => name(asset, slices)
  ).join(", ")

/** Waits for a step that is computing the slice; tells so once. */
const claim = Effect.fnUntraced(function* (
  session: EventLog.Session,
  ref: Partition.Ref,
  waiting: (ref: Partition.Ref) => Effect.Effect<void>
) {
  let claimed = yield* session.claim(ref)
  if (Option.isNone(claimed)) yield* waiting(ref)
  while (Option.isNone(claimed)) {
    yield* Effect.sleep("100 millis")
    claimed = yield* session.claim(ref)
  }
  return claimed.value
})
