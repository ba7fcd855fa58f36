/**
 * A value the project promises to keep up to date.
 *
 * An asset says what the value is, how it is computed from other assets and, in `.pipe(...)`, how it is run. It leaves
 * out when: that is decided by `Staleness` and `Plan`.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Pipeable from "effect/Pipeable"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import type * as AssetCheck from "./AssetCheck.ts"
import * as AssetKey from "./AssetKey.ts"
import * as AssetPolicy from "./AssetPolicy.ts"
import { TypeId } from "./AssetShape.ts"
import type {
  Any,
  Asset,
  Dependency,
  Deps,
  Error,
  Fitting,
  Inputs,
  Io,
  Itself,
  Key,
  KindOf,
  Need,
  Needs,
  NeedsOf,
  Services,
  Unversioned
} from "./AssetShape.ts"
import type { StepOf } from "./AssetStep.ts"
import * as CallSite from "./CallSite.ts"
import type * as IoManager from "./IoManager.ts"
import * as Label from "./Label.ts"
import * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import * as Ranges from "./Ranges.ts"
import * as Version from "./Version.ts"

export * from "./AssetShape.ts"
export {
  allPartitions,
  dimension,
  ignoreVersion,
  itself,
  lastPartition,
  mapped,
  mappedBy,
  previous,
  windows
} from "./Dependency.ts"
export type { QuarantineLimit, RecheckAfter, RetryPolicy } from "./AssetPolicy.ts"
export type { RangeStep, Rejected, Step } from "./AssetStep.ts"
export { group, kinds, owners, tags } from "./Label.ts"

export interface Options<I extends IoManager.Any, D extends Deps, C, E, R> {
  readonly io: I
  /** Moves when the logic moves, by hand; without it the version is computed from the code. */
  readonly codeVersion?: string | undefined
  readonly deps?: D & Fitting<NoInfer<D>, C>
  readonly partitions?: C
  readonly description?: string
  /** How the data version is found; by content unless said otherwise. */
  readonly version?: Version.Policy<IoManager.Candidate<NoInfer<I>>, E, R>
  readonly materialize: (
    inputs: Inputs<NoInfer<D>, C, NoInfer<I>>,
    step: StepOf<C>
  ) => Effect.Effect<IoManager.Input<KindOf<C, NoInfer<I>>>, E, R> | StreamOf<NoInfer<I>, E, R>
}

/** What a body of a kind that streams may return. */
export type StreamOf<I extends IoManager.Any, E, R> = [IoManager.Element<I>] extends [never]
  ? never
  : Stream.Stream<IoManager.Element<I>, E, R>

/** Declares an asset. A body's errors and services are inferred into its type. */
export const make = <
  const K extends string,
  I extends IoManager.Any,
  E,
  R,
  const D extends Deps = {},
  C extends Partition.Partitioning | Ranges.Any | undefined = undefined
>(
  key: K,
  options: Options<I, D, C, E, R>
): Asset<
  K,
  KindOf<C, I>,
  E,
  R | IoManager.Services<I>,
  Ranges.Cut<C>,
  Need<K, R | IoManager.Services<I>> | NeedsOf<D[keyof D]>
> => {
  const cut: Partition.Partitioning | Ranges.Any | undefined = options.partitions
  const ranges = Ranges.isRanged(cut) ? { most: cut.most } : undefined
  const partitions = Ranges.isRanged(cut) ? cut.partitions : cut
  const self = declared<any>({
    key,
    io: options.io,
    partitions,
    deps: {},
    itself: Object.entries(options.deps ?? {}).find(([, dep]) => isItself(dep))?.[0],
    after: [],
    codeVersion: options.codeVersion,
    declaredAt: CallSite.all(),
    dependsOnCodeAt: [],
    description: options.description,
    ...Label.none,
    version: options.version ?? Version.content,
    materialize: options.materialize,
    checks: [],
    cutoff: undefined,
    together: undefined,
    ranges,
    external: undefined,
    retry: undefined,
    timeout: undefined,
    recheckAfter: undefined,
    unrepeatable: false,
    config: [],
    quarantine: { share: 0, atLeast: 1 },
    file: CallSite.file(),
    problems: mistakes(key, options.codeVersion)
  })
  return Object.assign(self, { deps: dependencies(self, options.deps ?? {}) })
}

/** These go first when they are planned; they are not read and their versions are not recorded. */
export const after =
  <const As extends ReadonlyArray<Any>>(...assets: As) =>
  <A extends Any>(
    self: A
  ): Asset<Key<A>, Io<A>, Error<A>, Services<A>, A["partitions"], Needs<A> | Needs<As[number]>> =>
    extend(self, { after: [...self.after, ...assets] })

/** Retries a failed attempt while the asset's own error allows it. Of an `IoError` the runtime knows whether it may pass. */
export const retry =
  <E2>(policy: AssetPolicy.RetryPolicy<E2>) =>
  <
    K extends string,
    I extends IoManager.Any,
    E extends E2 | IoManager.IoError,
    R,
    P extends Partition.Partitioning | undefined,
    N
  >(
    self: Asset<K, I, E, R, P, N>
  ): Asset<K, I, E, R, P, N> =>
    extend(self, { retry: policy })

/** Fails an attempt that takes longer to have a value to publish; what publishing it takes does not count. */
export const timeout =
  (duration: Duration.Input) =>
  <A extends Any>(self: A): A =>
    extend(self, { timeout: Duration.fromInputUnsafe(duration) })

/**
 * It is Stale when this time has passed since it was last verified, or a cron moment (UTC): for a source, which has no
 * dependencies to follow, and for what is weighed against its own value, where time is a reason to weigh again.
 */
export const recheckAfter =
  (when: Duration.Input | { readonly cron: string }) =>
  <A extends Any>(self: A): A =>
    Result.match(AssetPolicy.recheckAfter(when), {
      onFailure: (detail) => extend<A>(self, { problems: [...self.problems, `recheckAfter: ${detail}`] }),
      onSuccess: (recheckAfter) => extend<A>(self, { recheckAfter })
    })

/** The source forgets: partitions are frozen once their window ends. */
export const unrepeatable = <A extends Partitioned>(self: A): A => extend(self, { unrepeatable: true })

/**
 * Settings that count although the body does not read them, such as those of a resource: the value is Stale when one of
 * them changes. What the body reads itself counts anyhow. Keys are written as for a body's: `MUSIC_API_URL`, `db.host`.
 */
export const dependsOnConfig =
  (...keys: ReadonlyArray<string>) =>
  <A extends Any>(self: A): A =>
    extend(self, { config: [...self.config, ...keys] })

/** Lets a body set aside items that no schema accepts, up to a share of what arrived. */
export const quarantine =
  (limit: AssetPolicy.QuarantineLimit) =>
  <A extends Any>(self: A): A =>
    extend(self, { quarantine: limit })

/**
 * Counts more code to the computed code version than the body names: what `code` stands for, such as the layer of a
 * service, or the `new URL("…", import.meta.url)` of a file. What is named here is what counts, wherever it leads.
 */
export const dependsOnCode = (..._code: ReadonlyArray<unknown>) => {
  const site = CallSite.all()
  return <A extends Any>(self: A): A => extend(self, { dependsOnCodeAt: [...self.dependsOnCodeAt, site] })
}

/** What a check reads: over the whole, every published slice of what has slices. */
export type Reads<D extends Deps, P, O extends AssetCheck.Over> = Inputs<D, O extends "whole" ? undefined : P>

/** As `check` takes it; the ready-made checks of `TableCheck` are such objects. */
export interface CheckOptions<Candidate, R, E2, R2, D extends Deps, O extends AssetCheck.Over> {
  /** Whether nothing is published when it fails. Default: false. */
  readonly blocking?: boolean
  /** Default: "error". */
  readonly severity?: "warn" | "error"
  readonly description?: string
  /** Assets that it reads as they are published. They go first when they are planned; their versions are not recorded. */
  readonly reads?: D
  /** Default: "slice". */
  readonly over?: O
  readonly run: (
    candidate: Candidate,
    reads: R,
    context: AssetCheck.Context
  ) => Effect.Effect<AssetCheck.Result, E2, R2>
}

/** Adds a check, run on the staged value before it is published. One that fails with an error has not passed. */
export const check =
  <A extends Any, E2, R2, const D extends Deps = {}, const O extends AssetCheck.Over = "slice">(
    name: string,
    options: CheckOptions<IoManager.Candidate<Io<A>>, Reads<NoInfer<D>, A["partitions"], NoInfer<O>>, E2, R2, D, O>
  ) =>
  (
    self: A
  ): Asset<Key<A>, Io<A>, Error<A>, Services<A>, A["partitions"], Needs<A> | Need<null, R2> | NeedsOf<D[keyof D]>> => {
    const over = options.over ?? "slice"
    return extend(self, {
      checks: [
        ...self.checks,
        {
          name,
          blocking: options.blocking ?? false,
          severity: options.severity ?? "error",
          description: options.description,
          over,
          reads: dependencies(over === "whole" ? extend(self, { partitions: undefined }) : self, options.reads ?? {}),
          run: options.run
        }
      ]
    })
  }

/**
 * For values that differ in bytes but not in meaning: where it says so of the published value and the staged one, the
 * published one stays as it is, with its version, and dependents are cut off. It is not asked of a forced step, whose
 * value is taken as it comes, nor where the published value can no longer be read.
 */
export const cutoff =
  <A extends Any, E2 = never, R2 = never>(
    isSame: (
      old: IoManager.Candidate<Io<A>>,
      next: IoManager.Candidate<Io<A>>
    ) => boolean | Effect.Effect<boolean, E2, R2>
  ) =>
  (self: A): Asset<Key<A>, Io<A>, Error<A> | E2, Services<A>, A["partitions"], Needs<A> | Need<null, R2>> =>
    extend(self, { cutoff: AssetPolicy.cutoff(isSame) })

/** What an asset's kind needs to know of it. */
export const owner = ({ key, partitions }: Any): IoManager.Owner => ({ key, partitioned: partitions !== undefined })

/** The operations on an asset's values, for whoever runs with the services that its kind needs. */
export const store = (asset: Any): Effect.Effect<IoManager.AnyStore> =>
  asset.io.store(owner(asset)) as Effect.Effect<IoManager.AnyStore>

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const Proto = { [TypeId]: {}, ...Pipeable.Prototype }

/**
 * With its prototype. Properties that are assigned to an object one by one become a hash table when they are so many: a
 * step took half as long again, most of it collecting garbage.
 */
const declared = <A>(fields: object): A => Object.setPrototypeOf(fields, Proto)

const extend = <A extends Any>(self: Any, change: Partial<Any>): A => declared<A>({ ...self, ...change })

type Partitioned<P extends Partition.Partitioning = Partition.Partitioning> = Asset<string, any, any, any, P>

const dependencies = (self: Any, deps: Deps): Readonly<Record<string, Dependency>> =>
  Object.fromEntries(
    Object.entries(deps).flatMap(([name, dep]): ReadonlyArray<[string, Dependency]> => {
      if (isItself(dep)) return []
      const versioned = !("_tag" in dep) || dep._tag !== "Unversioned"
      const read = "_tag" in dep && dep._tag === "Unversioned" ? dep.dep : dep
      return [[name, { ...dependency(self, read), versioned }]]
    })
  )

const mistakes = (key: string, codeVersion: string | undefined): ReadonlyArray<string> => [
  ...(AssetKey.isAssetKey(key)
    ? []
    : [`the key ${JSON.stringify(key)} is not a lower-case letter followed by lower-case letters, digits and _`]),
  ...(codeVersion === undefined || Version.algorithmOf(codeVersion) === undefined
    ? []
    : [`the codeVersion "${codeVersion}" has the form of a computed one; choose another`])
]

const isItself = (dep: Deps[string]): dep is Itself => "_tag" in dep && dep._tag === "Itself"

const dependency = (
  self: Any,
  dep: Exclude<Deps[string], Itself | Unversioned<any>>
): Pick<Dependency, "asset" | "mapping"> => {
  if (!("_tag" in dep)) return { asset: dep, mapping: Mapping.between(self.partitions, dep.partitions) }
  return dep._tag === "Previous" ? { asset: self, mapping: dep } : { asset: dep.asset, mapping: dep.mapping }
}
