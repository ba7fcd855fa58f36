/**
 * Assets that somebody else computes: how they are declared, and how a version of theirs is found.
 *
 * An external asset exists from its declaration on. Until it is observed, those who read it are made from the version
 * `External.neverObserved`; each observation that finds another version makes them Stale.
 */
import type * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import * as CallSite from "./CallSite.ts"
import * as External from "./External.ts"
import type * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"

/** What `observe` fits: nothing that is computed. */
export interface ExternalAsset<
  out K extends string,
  in out I extends IoManager.Any,
  out E,
  out R,
  out P extends Partition.Partitioning | undefined,
  out N = any
> extends Asset.Asset<K, I, E, R, P, N> {
  readonly external: External.External
}

type AnyExternal = ExternalAsset<string, any, any, any, Partition.Partitioning | undefined>

/**
 * Declares a value that others read and nothing here computes. With an `io`, dependents get its handle, loaded at the
 * version in force; without, they get `{ version }`. It is never computed, not even when forced, and never wiped.
 */
export const external = <
  const K extends string,
  I extends IoManager.Any = External.Io,
  P extends Partition.Partitioning | undefined = undefined
>(
  key: K,
  options: { readonly io?: I; readonly partitions?: P; readonly description?: string } = {}
): ExternalAsset<K, I, never, IoManager.Services<I>, P, Asset.Need<K, IoManager.Services<I>>> => {
  const asset: Asset.Any = Asset.make(key, {
    ...(options as { readonly partitions?: Partition.Partitioning; readonly description?: string }),
    io: options.io ?? External.io,
    codeVersion: External.codeVersion,
    materialize: nobody
  })
  const declared = { external: { observe: undefined }, file: CallSite.file() }
  return Object.assign(asset, declared) as unknown as ReturnType<typeof external<K, I, P>>
}

/**
 * How the data version of an external asset is found: for each slice by itself, as a step like any other. A version that
 * is recorded already is verified; another one is recorded as `AssetObserved`. The step runs when it is asked for
 * (`assets observe`, `--recheck`) and by the schedule of `recheckAfter`, which begins with a first observation.
 */
export const observe =
  <A extends AnyExternal, E, R>(find: (step: Asset.Step<A["partitions"]>) => Effect.Effect<string, E, R>) =>
  (
    self: A
  ): ExternalAsset<
    Asset.Key<A>,
    Asset.Io<A>,
    Asset.Error<A> | E,
    Asset.Services<A> | R,
    A["partitions"],
    Asset.Needs<A> | Asset.Need<Asset.Key<A>, R>
  > =>
    Object.setPrototypeOf({ ...self, external: { observe: find } }, Object.getPrototypeOf(self))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Never run: an external asset has observations for steps. */
const nobody = (): never => {
  throw new Error("an external asset is not computed")
}
