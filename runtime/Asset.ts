/**
 * A value the project promises to keep up to date.
 *
 * An asset says what the value is, how it is computed from other assets and, in `.pipe(...)`, how it is run. It leaves
 * out when: that is decided by `Staleness` and `Plan`.
 */
import * as Util from "node:util"
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Pipeable from "effect/Pipeable"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import type * as AssetCheck from "./AssetCheck.ts"
import * as AssetKey from "./AssetKey.ts"
import type * as IoManager from "./IoManager.ts"
import * as Label from "./Label.ts"
import * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import * as Version from "./Version.ts"

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
  /** Assets that go first without being read. */
  readonly after: ReadonlyArray<Any>
  readonly codeVersion: string
  readonly description: string | undefined
  readonly version: Version.Policy<never, unknown, unknown>
  readonly materialize: (inputs: never, step: never) => Effect.Effect<unknown, E, R> | Stream.Stream<unknown, E, R>
  readonly checks: ReadonlyArray<AssetCheck.AssetCheck<Any>>
  readonly retry: RetryPolicy<never> | undefined
  readonly timeout: Duration.Duration | undefined
  readonly recheckAfter: RecheckAfter | undefined
  readonly unrepeatable: boolean
  readonly quarantine: QuarantineLimit
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
}

/** A dependency of which it is said which slices are needed. `K`: keys of the reader for which it is said. */
export interface Reading<out A extends Any, out M extends Mapping.Mapping["_tag"], out K extends string = string> {
  readonly _tag: "Reading"
  readonly asset: A
  readonly mapping: Mapping.Mapping & { readonly _tag: M }
  /** Never there: for types alone. */
  readonly said?: K
}

/** An earlier slice of the asset itself; made by `previous`. */
export interface Previous {
  readonly _tag: "Previous"
  readonly offset: number
}

export type AllPartitions<A extends Any> = Reading<A, "All">

export type Deps = Readonly<Record<string, Any | Reading<any, any> | Previous>>

type NeedsOf<D extends Deps[string]> = D extends Reading<infer A, any> ? Needs<A> : D extends Any ? Needs<D> : never

/** What a body receives for each dependency: a handle of one slice, or of several. */
export type Inputs<D extends Deps, P, I extends IoManager.Any = IoManager.Any> = {
  readonly [N in keyof D]: D[N] extends Previous
    ? IoManager.Handle<I> | undefined
    : D[N] extends Reading<infer A, infer M>
      ? HandleOf<A, Mapping.Count<M, A["partitions"]>>
      : D[N] extends Any
        ? HandleOf<D[N], Mapping.Between<P, D[N]["partitions"]>>
        : never
}

type HandleOf<A extends Any, Count extends "One" | "Many"> = Count extends "One"
  ? IoManager.Handle<Io<A>>
  : IoManager.Handles<Io<A>>

/** Nothing to add where the partitions of a dependency fit those of its reader, and what no dependency has elsewhere. */
type Fitting<D extends Deps, P> = {
  readonly [N in keyof D]: Fits<D[N], P> extends true ? unknown : { readonly "its partitions do not fit": never }
}

type Fits<D extends Deps[string], P> = D extends Previous
  ? Mapping.IsTimed<P>
  : D extends Reading<infer A, infer M, infer K>
    ? Mapping.Fits<M, P, A["partitions"], K>
    : D extends Any
      ? [Mapping.Between<P, D["partitions"]>] extends [never]
        ? false
        : true
      : never

/** A rejected item: what arrived, and why it cannot be a row. */
export interface Rejected {
  readonly item: unknown
  readonly reason: string
}

/** What a body may know and tell about its own step. */
export interface Step<out P = Partition.Partitioning | undefined> {
  readonly asset: string
  readonly partition: [P] extends [undefined] ? null : Partition.KeyOf<P>
  /** Of a product, the keys of its dimensions by name. */
  readonly keys: Partition.KeysOf<P>
  readonly runId: string
  /** From 1. */
  readonly attempt: number
  /** The plan's time in milliseconds since the epoch: the same for every step and attempt of a run. */
  readonly now: number
  /** Adds facts to the materialization's metadata. */
  readonly annotate: (metadata: IoManager.Metadata) => Effect.Effect<void>
  /** Counts items that arrived, good or bad: the whole of which `Asset.quarantine` limits a share. */
  readonly seen: (items: number) => Effect.Effect<void>
  /** Sets items aside in `assets.quarantine`, with the reason. */
  readonly reject: (items: ReadonlyArray<Rejected>) => Effect.Effect<void, IoManager.IoError>
  /** Forgets what was seen and set aside so far: the source is read again from its start. */
  readonly startOver: Effect.Effect<void, IoManager.IoError>
}

/** At most `times` retries, spaced by `schedule`, of failures for which `while` holds. */
export interface RetryPolicy<in E> {
  readonly times: number
  readonly schedule: Schedule.Schedule<unknown>
  readonly while: (error: E) => boolean
}

export type RecheckAfter =
  | { readonly _tag: "Duration"; readonly duration: Duration.Duration }
  | { readonly _tag: "Cron"; readonly expression: string; readonly cron: Cron.Cron }

/** A step fails when it sets aside at least `atLeast` items that are more than `share` of those seen. */
export interface QuarantineLimit {
  readonly share: number
  readonly atLeast: number
}

export interface Options<I extends IoManager.Any, D extends Deps, P, E, R> {
  readonly io: I
  /** Moves when the logic moves. */
  readonly codeVersion: string
  readonly deps?: D & Fitting<NoInfer<D>, P>
  readonly partitions?: P
  readonly description?: string
  /** How the data version is found; by content unless said otherwise. */
  readonly version?: Version.Policy<IoManager.Candidate<NoInfer<I>>, E, R>
  readonly materialize: (
    inputs: Inputs<NoInfer<D>, P, NoInfer<I>>,
    step: Step<P>
  ) => Effect.Effect<IoManager.Input<NoInfer<I>>, E, R> | StreamOf<NoInfer<I>, E, R>
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
  P extends Partition.Partitioning | undefined = undefined
>(
  key: K,
  options: Options<I, D, P, E, R>
): Asset<K, I, E, R | IoManager.Services<I>, P, Need<K, R | IoManager.Services<I>> | NeedsOf<D[keyof D]>> => {
  const partitions = options.partitions as P
  const self = Object.assign(Object.create(Proto), {
    key,
    io: options.io,
    partitions,
    deps: {},
    after: [],
    codeVersion: options.codeVersion,
    description: options.description,
    ...Label.none,
    version: options.version ?? Version.content,
    materialize: options.materialize,
    checks: [],
    retry: undefined,
    timeout: undefined,
    recheckAfter: undefined,
    unrepeatable: false,
    quarantine: { share: 0, atLeast: 1 },
    file: callerFile(),
    problems: AssetKey.isAssetKey(key)
      ? []
      : [`the key ${JSON.stringify(key)} is not a lower-case letter followed by lower-case letters, digits and _`]
  })
  return Object.assign(self, { deps: dependencies(self, options.deps ?? {}) })
}

/** Makes a partitioned asset read every published partition of another, not only the one of its own key. */
export const allPartitions = <A extends Partitioned>(asset: A): AllPartitions<A> => reading(asset, { _tag: "All" })

/** The newest partition of time windows, the last one of other keys; `Stale` each time another one becomes it. */
export const lastPartition = <A extends Partitioned>(asset: A): Reading<A, "Last"> => reading(asset, { _tag: "Last" })

/**
 * Every window that overlaps one's own, once its start and end are moved by so many of one's own windows: of days,
 * `{ start: -6 }` is the week that ends with the own day. What lies before the first window is left out.
 */
export const windows = <A extends Partitioned<Partition.TimeWindows>>(
  asset: A,
  { end = 0, start = 0 }: { readonly start?: number; readonly end?: number } = {}
): Reading<A, "Windows"> => reading(asset, { _tag: "Windows", startOffset: start, endOffset: end })

/** The partitions of another asset for each of one's own. */
export const mapped = <A extends Partitioned, const K extends string>(
  asset: A,
  upstream: Readonly<Record<K, ReadonlyArray<Partition.KeyOf<NoInfer<A>["partitions"]>>>>
): Reading<A, "Fixed", K> => reading(asset, { _tag: "Fixed", upstream })

/** The partitions that have one's own key in a dimension of a product, which either side may be. */
export const dimension = <A extends Partitioned, const N extends string & Partition.DimensionOf<A["partitions"]>>(
  asset: A,
  name: N
): Reading<A, "Dimension", N> =>
  reading(asset, { _tag: "Dimension", dimension: name, many: asset.partitions._tag === "Product" })

/** The partitions that a function of one's own key names. It is asked again for every plan, and is no part of the code version. */
export const mappedBy = <A extends Partitioned, K extends string = string>(
  asset: A,
  upstream: (key: K) => Iterable<Partition.KeyOf<NoInfer<A>["partitions"]>>
): Reading<A, "Custom", K> =>
  reading(asset, { _tag: "Custom", upstream: upstream as (key: string) => Iterable<string> })

/** The asset's own partition so many windows earlier, one unless said otherwise; `undefined` before the first. */
export const previous = ({ offset = 1 }: { readonly offset?: number } = {}): Previous => ({ _tag: "Previous", offset })

/** These go first when they are planned; they are not read and their versions are not recorded. */
export const after =
  <const As extends ReadonlyArray<Any>>(...assets: As) =>
  <A extends Any>(
    self: A
  ): Asset<Key<A>, Io<A>, Error<A>, Services<A>, A["partitions"], Needs<A> | Needs<As[number]>> =>
    extend(self, { after: [...self.after, ...assets] })

/** Retries a failed attempt while the asset's own error allows it. Of an `IoError` the runtime knows whether it may pass. */
export const retry =
  <E2>(policy: RetryPolicy<E2>) =>
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

/** A source without dependencies is Stale when this time has passed since it was last verified, or a cron moment (UTC). */
export const recheckAfter =
  (when: Duration.Input | { readonly cron: string }) =>
  <A extends Any>(self: A): A => {
    if (typeof when !== "object" || !("cron" in when)) {
      return extend(self, { recheckAfter: { _tag: "Duration", duration: Duration.fromInputUnsafe(when) } })
    }
    const problem = (detail: string) => extend<A>(self, { problems: [...self.problems, `recheckAfter: ${detail}`] })
    return Result.match(Cron.parse(when.cron, "UTC"), {
      onFailure: (error) => problem(`bad cron "${when.cron}": ${error.message}`),
      onSuccess: (cron) =>
        everComes(cron)
          ? extend<A>(self, { recheckAfter: { _tag: "Cron", expression: when.cron, cron } })
          : problem(`the cron "${when.cron}" names no moment that ever comes`)
    })
  }

/** The source forgets: partitions are frozen once their window ends. */
export const unrepeatable = <A extends Asset<string, any, any, any, Partition.Partitioning>>(self: A): A =>
  extend(self, { unrepeatable: true })

/** Lets a body set aside items that no schema accepts, up to a share of what arrived. */
export const quarantine =
  (limit: QuarantineLimit) =>
  <A extends Any>(self: A): A =>
    extend(self, { quarantine: limit })

/** The one group it is shown in; `/` makes groups of groups: `ingest/raw`. */
export const group =
  (name: string) =>
  <A extends Any>(self: A): A =>
    extend(self, { group: name })

/** Adds tags; a value may be empty. */
export const tags =
  (tags: Readonly<Record<string, string>>) =>
  <A extends Any>(self: A): A =>
    extend(self, { tags: { ...self.tags, ...tags } })

/** Adds what it is made with or of, beside the kind of its value: `sql`, `python`. */
export const kinds =
  (...kinds: ReadonlyArray<string>) =>
  <A extends Any>(self: A): A =>
    extend(self, { kinds: [...self.kinds, ...kinds] })

/** Adds who answers for it: mail addresses, or teams such as `team:data`. */
export const owners =
  (...owners: ReadonlyArray<string>) =>
  <A extends Any>(self: A): A =>
    extend(self, { owners: [...self.owners, ...owners] })
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

/** What an asset's kind needs to know of it. */
export const owner = ({ key, partitions }: Any): IoManager.Owner => ({ key, partitioned: partitions !== undefined })

/** The operations on an asset's values, for whoever runs with the services that its kind needs. */
export const store = (asset: Any): Effect.Effect<IoManager.AnyStore> =>
  asset.io.store(owner(asset)) as Effect.Effect<IoManager.AnyStore>

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const Proto = { [TypeId]: {}, ...Pipeable.Prototype }

const extend = <A extends Any>(self: Any, change: Partial<Any>): A => Object.assign(Object.create(Proto), self, change)

type Partitioned<P extends Partition.Partitioning = Partition.Partitioning> = Asset<string, any, any, any, P>

const reading = <A extends Any, M extends Mapping.Mapping["_tag"]>(
  asset: A,
  mapping: Mapping.Mapping & { readonly _tag: M }
): Reading<A, M, never> => ({ _tag: "Reading", asset, mapping })

const dependencies = (self: Any, deps: Deps): Readonly<Record<string, Dependency>> =>
  Object.fromEntries(
    Object.entries(deps).map(([name, dep]): [string, Dependency] => {
      if (!("_tag" in dep)) return [name, { asset: dep, mapping: Mapping.between(self.partitions, dep.partitions) }]
      return dep._tag === "Previous" ? [name, { asset: self, mapping: dep }] : [name, dep]
    })
  )

// The thirtieth of February parses, and throws when it is asked for.
const everComes = (cron: Cron.Cron): boolean => Result.isSuccess(Result.try(() => Cron.next(cron, 0)))

// Frame 0 is this function, 1 is `make`, 2 is the declaration.
const callerFile = () => Util.getCallSites(3)[2]?.scriptName ?? "unknown file"
