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
  extends Pipeable.Pipeable {
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
  readonly checks: ReadonlyArray<AssetCheck.Any>
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
  readonly mapping: Partition.Mapping
}

/** Every published partition of an upstream asset; made by `allPartitions`. */
export interface AllPartitions<A extends Any> {
  readonly _tag: "AllPartitions"
  readonly asset: A
}

export type Deps = Readonly<Record<string, Any | AllPartitions<any>>>

type NeedsOf<D extends Any | AllPartitions<any>> =
  D extends AllPartitions<infer A> ? Needs<A> : D extends Any ? Needs<D> : never

/** What a body receives for each dependency: a handle of the slice, or of all slices. */
export type Inputs<D extends Deps, P> = {
  readonly [N in keyof D]: D[N] extends AllPartitions<infer A>
    ? IoManager.Handles<Io<A>>
    : D[N] extends Any
      ? [D[N]["partitions"]] extends [undefined]
        ? IoManager.Handle<Io<D[N]>>
        : [P] extends [undefined]
          ? IoManager.Handles<Io<D[N]>>
          : IoManager.Handle<Io<D[N]>>
      : never
}

/** A rejected item: what arrived, and why it cannot be a row. */
export interface Rejected {
  readonly item: unknown
  readonly reason: string
}

/** What a body may know and tell about its own step. */
export interface Step<out P = Partition.Partitioning | undefined> {
  readonly asset: string
  readonly partition: [P] extends [undefined] ? null : string
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
  readonly deps?: D
  readonly partitions?: P
  readonly description?: string
  /** How the data version is found; by content unless said otherwise. */
  readonly version?: Version.Policy<IoManager.Candidate<NoInfer<I>>, E, R>
  readonly materialize: (
    inputs: Inputs<NoInfer<D>, P>,
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
  return Object.assign(Object.create(Proto), {
    key,
    io: options.io,
    partitions,
    deps: dependencies(options.deps ?? {}, partitions),
    after: [],
    codeVersion: options.codeVersion,
    description: options.description,
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
}

/** Makes a partitioned asset read every published partition of another, not only the one of its own key. */
export const allPartitions = <A extends Asset<string, any, any, any, Partition.Partitioning>>(
  asset: A
): AllPartitions<A> => ({ _tag: "AllPartitions", asset })

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

/** Adds a check, run on the staged value before it is published. One that fails with an error has not passed. */
export const check =
  <A extends Any, E2, R2>(
    name: string,
    options: {
      readonly blocking?: boolean
      readonly severity?: "warn" | "error"
      readonly description?: string
      readonly run: (candidate: IoManager.Candidate<Io<A>>) => Effect.Effect<AssetCheck.Result, E2, R2>
    }
  ) =>
  (self: A): Asset<Key<A>, Io<A>, Error<A>, Services<A>, A["partitions"], Needs<A> | Need<null, R2>> =>
    extend(self, {
      checks: [
        ...self.checks,
        {
          name,
          blocking: options.blocking ?? false,
          severity: options.severity ?? "error",
          description: options.description,
          run: options.run
        }
      ]
    })

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

const dependencies = (deps: Deps, partitions: Partition.Partitioning | undefined) =>
  Object.fromEntries(
    Object.entries(deps).map(([name, dep]): [string, Dependency] => {
      if ("_tag" in dep) return [name, { asset: dep.asset, mapping: "all" }]
      if (dep.partitions === undefined) return [name, { asset: dep, mapping: "whole" }]
      return [name, { asset: dep, mapping: partitions === undefined ? "all" : "identity" }]
    })
  )

// The thirtieth of February parses, and throws when it is asked for.
const everComes = (cron: Cron.Cron): boolean => Result.isSuccess(Result.try(() => Cron.next(cron, 0)))

// Frame 0 is this function, 1 is `make`, 2 is the declaration.
const callerFile = () => Util.getCallSites(3)[2]?.scriptName ?? "unknown file"
