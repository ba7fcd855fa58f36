/**
 * Removal of published values, recorded as a run.
 *
 * Whether it is meant is asked by the one who calls.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Asset from "./Asset.ts"
import type * as AssetGraph from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import type * as Definitions from "./Definitions.ts"
import * as EventLog from "./EventLog.ts"
import * as Partition from "./Partition.ts"
import * as Report from "./Report.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Timestamp from "./Timestamp.ts"

/** What is published of the selected assets, dependents first; nothing of external ones, which are not ours to remove. */
export const published = (
  { nodes }: AssetGraph.AssetGraph,
  catalog: Catalog.Catalog,
  selected: ReadonlySet<string>
): ReadonlyArray<Partition.Ref> =>
  Array.from(selected)
    .toReversed()
    .filter((asset) => nodes.get(asset)!.asset.external === undefined)
    .flatMap((asset) => Array.from(Catalog.slices(catalog, asset).keys(), (partition) => ({ asset, partition })))

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

/** `users, listen_history (12 partitions)`. */
export const inWords = (refs: ReadonlyArray<Partition.Ref>): string =>
  Array.from(
    Map.groupBy(refs, (ref) => ref.asset),
    ([asset, slices]) =>
      slices[0]!.partition === null ? asset : `${asset} (${Report.count(slices.length, "partition")})`
  ).join(", ")

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

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
