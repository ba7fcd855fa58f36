/**
 * That an asset is somebody else's: declared because others read it, computed by nobody here, and perhaps looked at.
 *
 * Declared by `ExternalAsset`. What an observation makes Stale is found by `Staleness`.
 */
import * as Effect from "effect/Effect"
import * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"

export interface External {
  /** Finds the data version of one slice; without it the asset never has a step. */
  readonly observe: ((step: never) => Effect.Effect<string, unknown, unknown>) | undefined
}

/** The version that stands for a slice which was never observed: it exists, and nothing more is known of it. */
export const neverObserved = "never observed"

/** In place of a code version: how a value is looked at is no part of it. */
export const codeVersion = "external"

/** What is to be loaded of a slice; `undefined` where nothing is recorded, unless it is external and there all the same. */
export const source = (
  { external }: { readonly external: External | undefined },
  { asset, partition }: Partition.Ref,
  state: { readonly dataVersion: string } | undefined
): IoManager.Source | undefined => {
  const version = state?.dataVersion ?? (external === undefined ? undefined : neverObserved)
  return version === undefined ? undefined : { asset, partition, version }
}

/** All that is known of a value which no IO manager of the project reads. */
export interface Observed {
  readonly version: string
}

export type Io = IoManager.Io<Observed, never, Observed, ReadonlyMap<string, Observed>, Observed, never>

/** Keeps nothing: a value is the version that was recorded of it. */
export const io: Io = IoManager.make({
  kind: "external",
  describe: ({ key }) => `external ${key}`,
  problems: () => [],
  store: () => Effect.succeed(store)
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const observed = ({ version }: IoManager.Source): Effect.Effect<Observed> => Effect.succeed({ version })

const store: IoManager.Store<Observed, never, Observed, ReadonlyMap<string, Observed>, Observed> = {
  stage: (_, input) => {
    const candidate = input as Observed
    return Effect.succeed({ candidate, digest: candidate.version, rows: null, metadata: {}, publish: Effect.void })
  },
  load: observed,
  loadAll: (_, sources) =>
    Effect.succeed(new Map(sources.map(({ partition, version }) => [partition ?? "", { version }]))),
  published: observed,
  digest: () => Effect.succeed(null),
  wipe: () => Effect.void
}
