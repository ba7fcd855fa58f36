/**
 * A statement about a value that must hold.
 *
 * A check sees the staged value before it is published. This module leaves out what happens when one fails, and the
 * ready-made checks of tables, which are in `TableCheck`.
 */
import type * as Effect from "effect/Effect"
import type { IoError, Metadata } from "./IoManager.ts"
import type { Mapping } from "./Mapping.ts"
import type * as Partition from "./Partition.ts"

export interface Passed {
  readonly _tag: "Passed"
  readonly metadata: Metadata
}

export interface Failed {
  readonly _tag: "Failed"
  /** What was found, as a sentence for the person who has to act on it. */
  readonly reason: string
  readonly metadata: Metadata
}

export type Result = Passed | Failed

export const pass = (metadata: Metadata = {}): Result => ({ _tag: "Passed", metadata })

export const fail = (reason: string, metadata: Metadata = {}): Result => ({ _tag: "Failed", reason, metadata })

/** A value as it was recorded. */
export interface Recorded {
  readonly partition: Partition.Key
  readonly dataVersion: string
  readonly rows: number | null
  /** When it was recorded, ISO 8601. */
  readonly at: string
}

/** What a check may know beyond the value it judges. */
export interface Context {
  readonly asset: string
  /** `null` over the whole, and of an asset without partitions. */
  readonly partition: Partition.Key
  /** In milliseconds since the epoch: the plan's time, or when checks are run on their own the clock's. */
  readonly now: number
  /** What the body told of the value, its annotations among it; nothing over the whole. */
  readonly metadata: Metadata
  /** What was recorded of the slice before the value that is judged, since it was last wiped; newest first. */
  readonly earlier: (limit: number) => Effect.Effect<ReadonlyArray<Recorded>, IoError>
  /**
   * What is published of these partitions; those that never were are left out. Those that are about to be published with
   * the value, as one range, count as they are still.
   */
  readonly published: (partitions: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Recorded>, IoError>
  /** What is published of the asset's other partitions, however many those are. */
  readonly others: Effect.Effect<ReadonlyArray<Recorded>, IoError>
  /** What this check told of the value before the one that is judged; `undefined` when it did not judge that. */
  readonly toldBefore: Effect.Effect<Metadata | undefined, IoError>
}

/**
 * What a check of a partitioned asset sees: the slice that is to be published, or all published slices with that one in
 * its place. Slices that are published at the same time do not see each other there: only a check that is run alone
 * afterwards has certainly seen them all.
 */
export type Over = "slice" | "whole"

interface Statement {
  readonly name: string
  readonly blocking: boolean
  readonly severity: "warn" | "error"
  readonly description: string | undefined
  readonly over: Over
}

/** A failed blocking check publishes nothing; a failed non-blocking one is recorded. */
export interface AssetCheck<Asset> extends Statement {
  /** Assets that it reads beside the value, by the names it knows them by. */
  readonly reads: Readonly<Record<string, { readonly asset: Asset; readonly mapping: Mapping }>>
  readonly run: (candidate: never, reads: never, context: Context) => Effect.Effect<Result, unknown, unknown>
}
