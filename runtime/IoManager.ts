/**
 * How values are kept: the contract between the executor and whatever stages, publishes and loads values of one kind.
 *
 * The kinds themselves are `Table`, `Json` and `Blob`. This module leaves out when anything happens.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Partition from "./Partition.ts"

export const TypeId = "~assets/IoManager"

/** What is wrong, in words for the person who has to mend it; `retryable` when trying again may help. */
export class IoError extends Schema.TaggedError<IoError>()("IoError", {
  asset: Schema.String,
  operation: Schema.Literals(["stage", "publish", "load", "digest", "wipe", "open"]),
  detail: Schema.String,
  retryable: Schema.Boolean,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    return `${this.asset}: could not ${this.operation}: ${this.detail}`
  }
}

/** Facts about one materialization that people read: values of `Metadata`, or plain JSON. */
export const Metadata = Schema.Record(Schema.String, Schema.Json)
export type Metadata = typeof Metadata.Type

/** Where a value is to go: the slice and the run that names its staging. */
export interface Target extends Partition.Ref {
  readonly runId: string
}

/** A published slice and the data version in force when it was loaded. */
export interface Source extends Partition.Ref {
  readonly version: string
}

/** A value that is complete but not yet visible. Closing the scope it was staged in drops what is left of it. */
export interface Staged<out Candidate> {
  readonly candidate: Candidate
  /** All published slices with this one in its place, of kinds that can show them as one value. */
  readonly whole?: Candidate
  /** The digest of the content: what the published value would be, not only what the body returned. */
  readonly digest: string
  readonly rows: number | null
  readonly metadata: Metadata
  /** Makes the value visible; runs inside the transaction that records it, and may run again after a rollback. */
  readonly publish: Effect.Effect<void, IoError>
}

/** Where the value of a range goes: its slices, in order, and the run that names its staging. */
export interface RangeTarget {
  readonly asset: string
  readonly partitions: ReadonlyArray<string>
  readonly runId: string
}

/** Slices that one step computed: complete, and not yet visible. */
export interface StagedRange<out Candidate> {
  /** What a check sees of one of them. */
  readonly candidate: (partition: string) => Candidate
  /** All published slices with these in their places, of kinds that can show them as one value. */
  readonly whole?: Candidate
  /** One for each partition of the target, in its order. */
  readonly slices: ReadonlyArray<{ readonly partition: string; readonly digest: string; readonly rows: number | null }>
  readonly metadata: Metadata
  /** Makes the slices of these partitions visible; runs as `Staged.publish` does. */
  readonly publish: (partitions: ReadonlyArray<string>) => Effect.Effect<void, IoError>
}

/**
 * The operations on values of one kind, bound to one asset's declaration.
 *
 * `Input` is what a body returns, `Handle` what a dependent gets of one slice, `Handles` what it gets of all published
 * slices, `Candidate` what a check sees. `RangeInput` is what a body returns for many slices at once.
 */
export interface Store<in Input, in Element, out Handle, out Handles, out Candidate, in RangeInput = never> {
  readonly stage: <E = never>(
    target: Target,
    input: Input | Stream.Stream<Element, E>
  ) => Effect.Effect<Staged<Candidate>, IoError | E, Scope.Scope>
  /** Of kinds that take ranges. Refuses what is of no partition of the target. */
  readonly stageRange?: <E = never>(
    target: RangeTarget,
    input: RangeInput | Stream.Stream<Element, E>
  ) => Effect.Effect<StagedRange<Candidate>, IoError | E, Scope.Scope>
  readonly load: (source: Source) => Effect.Effect<Handle, IoError>
  readonly loadAll: (asset: string, sources: ReadonlyArray<Source>) => Effect.Effect<Handles, IoError>
  /** The published value as a check sees it, for checks that run on their own; all slices as one without a partition. */
  readonly published: (source: Source) => Effect.Effect<Candidate, IoError>
  /** The digest of what is published now, to be compared with the recorded one; `null` when nothing is stored. */
  readonly digest: (ref: Partition.Ref) => Effect.Effect<string | null, IoError>
  /** Removes what is published; runs inside the transaction that records it. */
  readonly wipe: (ref: Partition.Ref) => Effect.Effect<void, IoError>
}

/** What runs leave behind that no publish has made visible. */
export class Staging extends Context.Service<
  Staging,
  {
    /** Drops whatever the run staged and did not publish. */
    readonly drop: (runId: string) => Effect.Effect<void, IoError>
    /** Removes what nothing refers to any more and is too old to be on its way to a publish. */
    readonly collect: Effect.Effect<void, IoError>
  }
>()("assets/IoManager/Staging") {}

/** What a kind needs to know of the asset that chose it. */
export interface Owner {
  readonly key: string
  readonly partitioned: boolean
}

/** A column of a kind that has some, as people read about it; what `description` says is from the row schema. */
export interface Field {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly description: string | undefined
}

/** Where the rows of an asset are. */
export interface InTable {
  /** With its schema, `music.users`. */
  readonly name: string
  readonly partition: string | undefined
}

/**
 * An asset's choice of a kind, as declared. `store` finds the kind's manager among the services `R`.
 *
 * `Element` is what a body may return a stream of instead of an `Input`; `never` for kinds that do not stream.
 */
export interface Io<
  in out Input,
  in out Element,
  out Handle,
  out Handles,
  out Candidate,
  out R,
  in out RangeInput = never
> {
  readonly [TypeId]: {
    readonly RangeInput: RangeInput
    readonly Input: Input
    readonly Element: Element
    readonly Handle: Handle
    readonly Handles: Handles
    readonly Candidate: Candidate
    readonly R: R
  }
  readonly kind: string
  /** In the order of their declaration; empty for kinds without columns. */
  readonly fields: ReadonlyArray<Field>
  /** What a check of a partitioned asset may see; all slices are one value only to some kinds. */
  readonly judged: "by slice" | "by slice or whole"
  /** Why no step takes many slices at once, in words; `undefined` for kinds that stage ranges. */
  readonly refusesRanges: string | undefined
  /** Where people find the value: `table music.users`, `blob model`. */
  readonly describe: (owner: Owner) => string
  /** Declaration mistakes that types cannot see, in words; empty when there are none. */
  readonly problems: (owner: Owner) => ReadonlyArray<string>
  /** The table of the database that holds the rows, for kinds that have one, and its column of partition keys. */
  readonly table?: (owner: Owner) => InTable
  /** The schema of its values as JSON, for kinds that have one: part of the code version. */
  readonly schema?: () => unknown
  readonly store: (
    owner: Owner
  ) => Effect.Effect<Store<Input, Element, Handle, Handles, Candidate, RangeInput>, never, R>
}

/** A kind whose positions are erased, so that every kind fits; `Io` keeps them apart. */
export interface Any {
  readonly [TypeId]: {
    readonly RangeInput: any
    readonly Input: any
    readonly Element: any
    readonly Handle: any
    readonly Handles: any
    readonly Candidate: any
    readonly R: any
  }
  readonly kind: string
  readonly fields: ReadonlyArray<Field>
  readonly judged: "by slice" | "by slice or whole"
  readonly refusesRanges: string | undefined
  readonly describe: (owner: Owner) => string
  readonly problems: (owner: Owner) => ReadonlyArray<string>
  readonly table?: (owner: Owner) => InTable
  readonly schema?: () => unknown
  readonly store: (owner: Owner) => Effect.Effect<AnyStore, never, any>
}

export type AnyStore = Store<any, never, any, any, any, never>

export type Input<I extends Any> = I[typeof TypeId]["Input"]
export type Element<I extends Any> = I[typeof TypeId]["Element"]
export type Handle<I extends Any> = I[typeof TypeId]["Handle"]
export type Handles<I extends Any> = I[typeof TypeId]["Handles"]
export type Candidate<I extends Any> = I[typeof TypeId]["Candidate"]
export type Services<I extends Any> = I[typeof TypeId]["R"]

/** A kind whose body has to do with many slices at once. */
export type OfRanges<I extends Any> = Io<
  I[typeof TypeId]["RangeInput"],
  Element<I>,
  Handle<I>,
  Handles<I>,
  Candidate<I>,
  Services<I>
>

type Optional = "fields" | "judged" | "refusesRanges"

export const make = <Input, Element, Handle, Handles, Candidate, R, RangeInput = never>(
  io: Omit<Io<Input, Element, Handle, Handles, Candidate, R, RangeInput>, typeof TypeId | Optional> & {
    /** Default: none. */
    readonly fields?: ReadonlyArray<Field>
    /** Default: "by slice". */
    readonly judged?: Any["judged"]
    /** Default: that it is kept slice by slice. */
    readonly refusesRanges?: string | undefined
  }
): Io<Input, Element, Handle, Handles, Candidate, R, RangeInput> => ({
  [TypeId]: types,
  fields: [],
  judged: "by slice",
  refusesRanges: `a value of the kind ${io.kind} is staged slice by slice`,
  ...io
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// Carries types only; nothing reads its members.
const types = {} as never
