/**
 * What a body is told of the step it runs in, and what it may tell in return.
 */
import type * as Effect from "effect/Effect"
import type * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import type { Ranged } from "./Ranges.ts"

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
  /** Of the body: what was computed by another one may be computed otherwise now. */
  readonly codeVersion: string
  /** From 1. */
  readonly attempt: number
  /** The plan's time in milliseconds since the epoch: the same for every step and attempt of a run. */
  readonly now: number
  /** Adds facts to the materialization's metadata. */
  readonly annotate: (metadata: IoManager.Metadata) => Effect.Effect<void>
  /** Says how far the body is, in a few words, to whoever watches the run and to its trace; nothing of it is recorded. */
  readonly progress: (words: string) => Effect.Effect<void>
  /** Counts items that arrived, good or bad: the whole of which `Asset.quarantine` limits a share. */
  readonly seen: (items: number) => Effect.Effect<void>
  /** Sets items aside in `assets.quarantine`, with the reason. */
  readonly reject: (items: ReadonlyArray<Rejected>) => Effect.Effect<void, IoManager.IoError>
  /**
   * Ends the body without a value, wherever it stands: a published value stays and counts as verified, and a slice that was
   * never published is skipped with what reads it, which fails nothing.
   */
  readonly nothingNew: Effect.Effect<never>
  /** Forgets what was seen and set aside so far: the source is read again from its start. */
  readonly startOver: Effect.Effect<void, IoManager.IoError>
}

/** Of a body that takes many partitions at once. */
export interface RangeStep<out P extends Partition.Partitioning> extends Omit<Step<P>, "partition" | "keys"> {
  /** What it is to compute, in order: neighbours, unless some were found to be Current. */
  readonly partitions: ReadonlyArray<Partition.KeyOf<P>>
  /** The same as people read it: `2026-01-01..2026-01-31,2026-02-03`. */
  readonly partition: string
}

export type StepOf<C> = C extends Ranged<infer P> ? RangeStep<P> : Step<C>
