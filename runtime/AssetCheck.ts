/**
 * A statement about a value that must hold.
 *
 * A check sees the staged value before it is published. This module leaves out what happens when one fails.
 */
import type * as Effect from "effect/Effect"
import type { Metadata } from "./IoManager.ts"

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

/** A failed blocking check publishes nothing; a failed non-blocking one is recorded. */
export interface AssetCheck<in Candidate, out E, out R> {
  readonly name: string
  readonly blocking: boolean
  readonly severity: "warn" | "error"
  readonly description: string | undefined
  readonly run: (candidate: Candidate) => Effect.Effect<Result, E, R>
}

export interface Any {
  readonly name: string
  readonly blocking: boolean
  readonly severity: "warn" | "error"
  readonly description: string | undefined
  readonly run: (candidate: never) => Effect.Effect<Result, unknown, unknown>
}
