/**
 * What the log tells of checks, and what it tells to them: what each found of which version, which values came before.
 *
 * A result belongs to the version that was judged and says nothing of another one.
 */
import * as Effect from "effect/Effect"
import type { Recorded } from "./AssetCheck.ts"
import * as Catalog from "./Catalog.ts"
import type { Event, Of } from "./Event.ts"
import * as Partition from "./Partition.ts"

/** What a check found of a version. */
export type Judgement = Of<"CheckPassed" | "CheckFailed">

export interface CheckHistory<out E> {
  /**
   * The values of a slice that were recorded before a position of the log, since it was last wiped; newest first. A value
   * that was verified counts again.
   */
  readonly earlier: (
    ref: Partition.Ref,
    before: number | undefined,
    limit: number
  ) => Effect.Effect<ReadonlyArray<Recorded>, E>
  /** What a check found last of this version of a slice. */
  readonly found: (ref: Partition.Ref, check: string, dataVersion: string) => Effect.Effect<Judgement | undefined, E>
  /**
   * For each check the last it found of the version in force, if it failed. Of all slices of an asset together (`null` as
   * partition of an asset that has them) whatever it found last of each version: `isInForce` tells which that is.
   */
  readonly failed: Effect.Effect<ReadonlyArray<Of<"CheckFailed">>, E>
}

/** Whether a judgement is of the version that is published now. */
export const isInForce = (catalog: Catalog.Catalog, { asset, dataVersion, partition }: Judgement): boolean => {
  const slices = Catalog.slices(catalog, asset)
  const state = slices.get(partition)
  if (state !== undefined) return state.dataVersion === dataVersion
  return partition === null && Catalog.versionOfAll(catalog, asset)?.version === dataVersion
}

/** Of a log in this process, which may grow. */
export const fromEvents = (
  log: ReadonlyArray<{ readonly position: number; readonly event: Event }>,
  catalog: () => Catalog.Catalog
): CheckHistory<never> => ({
  earlier: (ref, before = Infinity, limit) =>
    Effect.sync(() => {
      const found: Array<Recorded> = []
      for (const { event, position } of log.toReversed()) {
        if (found.length === limit) break
        if (position >= before || !("asset" in event) || event.asset !== ref.asset) continue
        if (event._tag === "AssetWiped" && event.partition === ref.partition) break
        if (event._tag !== "AssetMaterialized" && event._tag !== "AssetVerified") continue
        const value =
          event.slices === undefined ? event : event.slices.find((slice) => slice.partition === ref.partition)
        if (value?.partition !== ref.partition) continue
        found.push({ partition: ref.partition, dataVersion: value.dataVersion, rows: value.rows, at: event.at })
      }
      return found
    }),
  found: (ref, check, dataVersion) =>
    Effect.sync(() =>
      judgements(log).findLast(
        (event) =>
          event.check === check && event.dataVersion === dataVersion && Partition.id(event) === Partition.id(ref)
      )
    ),
  failed: Effect.sync(() => {
    const latest = new Map<string, Judgement>()
    for (const event of judgements(log)) {
      latest.set(JSON.stringify([event.asset, event.partition, event.check, event.dataVersion]), event)
    }
    const inForce = catalog()
    return Array.from(latest.values()).filter(
      (event): event is Of<"CheckFailed"> => event._tag === "CheckFailed" && isInForce(inForce, event)
    )
  })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const judgements = (log: ReadonlyArray<{ readonly event: Event }>): ReadonlyArray<Judgement> =>
  log.flatMap(({ event }) => (event._tag === "CheckPassed" || event._tag === "CheckFailed" ? [event] : []))
