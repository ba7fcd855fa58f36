/**
 * What an asset is once it is declared, and what its type says of errors, services, dependencies and inputs.
 *
 * How it comes to be declared is `Asset`'s, which has all of this under its own name.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Pipeable from "effect/Pipeable"
import type * as Stream from "effect/Stream"
import type * as AssetCheck from "./AssetCheck.ts"
import type { CallSite } from "./CallSite.ts"
import type { Fit, Input, Itself, RangeInput, Previous, Reading, Unversioned } from "./Dependency.ts"
import type * as AssetPolicy from "./AssetPolicy.ts"
import type { External } from "./External.ts"
import type * as IoManager from "./IoManager.ts"
import type * as Label from "./Label.ts"
import type * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import type { Any as AnyRanged, Cut, Ranges } from "./Ranges.ts"
import type { Together } from "./Together.ts"
import type * as Version from "./Version.ts"

export type { AllPartitions, Itself, Previous, Reading, Unversioned } from "./Dependency.ts"

export const TypeId = "~assets/Asset"

/**
 * `K`: key. `I`: kind of value. `E`, `R`: errors and services of its body. `P`: how it is cut. `N`: what it and
 * everything that goes before it need.
 */
export interface Asset<
  out K extends string,
  in out I extends IoManager.Any,
  out E,
  out R,
  out P extends Partition.Partitioning | undefined,
  out N = any
>
  extends Pipeable.Pipeable, Label.Labels {
  readonly [TypeId]: { readonly _E: E; readonly _R: R; readonly _N: N }
  readonly key: K
  readonly io: I
  readonly partitions: P
  readonly deps: Readonly<Record<string, Dependency>>
  /** The name by which its body gets the value that is published already; see `Asset.itself`. */
  readonly itself: string | undefined
  /** Assets that go first without being read. */
  readonly after: ReadonlyArray<Any>
  /** As declared; computed from the code without it. */
  readonly codeVersion: string | undefined
  /** The call that declared it and those around it, outermost last; empty in a bundle. */
  readonly declaredAt: ReadonlyArray<CallSite>
  /** Likewise for each `dependsOnCode`. */
  readonly dependsOnCodeAt: ReadonlyArray<ReadonlyArray<CallSite>>
  readonly description: string | undefined
  readonly version: Version.Policy<never, unknown, unknown>
  readonly materialize: (inputs: never, step: never) => Effect.Effect<unknown, E, R> | Stream.Stream<unknown, E, R>
  readonly checks: ReadonlyArray<AssetCheck.AssetCheck<Any>>
  readonly cutoff: AssetPolicy.Cutoff | undefined
  readonly together: Together | undefined
  /** Of an asset whose steps may take many partitions at once. */
  readonly ranges: Ranges | undefined
  /** Of an asset that nothing here computes. */
  readonly external: External | undefined
  readonly retry: AssetPolicy.RetryPolicy<never> | undefined
  readonly timeout: Duration.Duration | undefined
  readonly recheckAfter: AssetPolicy.RecheckAfter | undefined
  readonly unrepeatable: boolean
  /** Settings that count although no body reads them. */
  readonly config: ReadonlyArray<string>
  readonly quarantine: AssetPolicy.QuarantineLimit
  /** Where it was declared, for error messages. */
  readonly file: string
  /** Mistakes noticed while declaring; `AssetGraph.make` reports them all at once. */
  readonly problems: ReadonlyArray<string>
}

// The positions of an erased asset are `any` so that every asset fits; `Asset` keeps them apart.
export type Any = Asset<string, any, any, any, Partition.Partitioning | undefined>

export type Key<A extends Any> = A["key"]
export type Io<A extends Any> = A["io"]
export type Error<A extends Any> = A[typeof TypeId]["_E"]
export type Services<A extends Any> = A[typeof TypeId]["_R"]
export type Needs<A extends Any> = A[typeof TypeId]["_N"]

/** The services of one asset's body; `null` stands for checks, which stay when a body is replaced. */
export interface Need<out K extends string | null, out R> {
  readonly asset: K
  readonly services: R
}

/** An upstream asset and which of its slices are needed. */
export interface Dependency {
  readonly asset: Any
  readonly mapping: Mapping.Mapping
  /** Whether its version is in the provenance, so that its change makes the reader Stale. */
  readonly versioned: boolean
}

export type Deps = Readonly<Record<string, Any | Reading<any, any> | Previous | Itself | Unversioned<any>>>

export type NeedsOf<D> =
  D extends Unversioned<infer W>
    ? NeedsOf<W>
    : D extends Reading<infer A extends Any, any>
      ? Needs<A>
      : D extends Any
        ? Needs<D>
        : never

/** What a body receives for each dependency: a handle of one slice, or of several. */
export type Inputs<D extends Deps, C, I extends IoManager.Any = IoManager.Any> = {
  readonly [N in keyof D]: C extends AnyRanged ? RangeInput<D[N]> : Input<D[N], C, I>
}

/** What has to be added to dependencies: nothing, where their partitions fit those of their reader. */
export type Fitting<D extends Deps, C> = { readonly [N in keyof D]: Fit<D[N], Cut<C>> }

/** The kind of value as dependents, checks and tests know it. */
export type KindOf<C, I extends IoManager.Any> = C extends AnyRanged ? IoManager.OfRanges<I> : I
