/**
 * Whether what is published is still what was recorded, asked by digest where that decides what a step does.
 *
 * A digest reads all of a value, so that it is not asked of others. What is recorded of the answer is the attempt's.
 */
import * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import * as Catalog from "./Catalog.ts"
import type * as IoManager from "./IoManager.ts"
import type { Lineage } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as Staleness from "./Staleness.ts"
import * as Version from "./Version.ts"
import type { VersionsInForce } from "./VersionsInForce.ts"

/** Of an attempt at a step. */
export interface Context {
  readonly lineage: Lineage
  readonly catalog: Catalog.Catalog
  readonly step: Plan.Step
}

/**
 * A published slice, where all that is said against it is that code versions are computed in another way now, and it is
 * still what was recorded: there is no need to compute it.
 */
export const standing = Effect.fnUntraced(function* (
  { catalog, lineage, step }: Context,
  asset: Asset.Any,
  slice: Partition.Ref,
  inForce?: VersionsInForce
) {
  const state = Catalog.get(catalog, slice)
  if (state === undefined || !isVersionedOtherwise(lineage, state) || asset.version._tag !== "Content") return undefined
  const isAsked = step.reasons.some(({ _tag }) => _tag === "Forced" || _tag === "RecheckRequested")
  if (isAsked || Staleness.causes(lineage, catalog, slice, inForce).causes.length > 1) return undefined
  const store = yield* Asset.store(asset)
  const digest = yield* Effect.orElseSucceed(store.digest(slice), () => null)
  return digest === state.dataVersion ? state : undefined
})

/**
 * Whether a slice that came out as it was recorded may stay. Asked of forced steps, as force is how people mend what
 * something else did to a value, and of those that were to be verified by their digest.
 */
export const isInPlace = (
  { catalog, lineage, step }: Context,
  asset: Asset.Any,
  store: IoManager.AnyStore,
  slice: Partition.Ref
): Effect.Effect<boolean, IoManager.IoError> => {
  const state = Catalog.get(catalog, slice)
  const isAsked = isForced(step) || (state !== undefined && isVersionedOtherwise(lineage, state))
  return asset.version._tag !== "Content" || !isAsked
    ? Effect.succeed(true)
    : store.digest(slice).pipe(
        Effect.map((digest) => digest === state?.dataVersion),
        // Such as a file that is gone.
        Effect.catchIf(
          ({ retryable }) => !retryable,
          () => Effect.succeed(false)
        )
      )
}

export const isForced = ({ reasons }: Plan.Step) => reasons.some(({ _tag }) => _tag === "Forced")

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isVersionedOtherwise = ({ graph }: Lineage, { asset, codeVersion }: Catalog.AssetState): boolean =>
  Version.isComputedOtherwise(codeVersion, graph.nodes.get(asset)!.codeVersion)
