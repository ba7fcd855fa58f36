/**
 * Why an attempt failed for a reason of the runtime's own, and whether another may do better.
 *
 * What a body or a resource fails with is its asset's.
 */
import * as Schema from "effect/Schema"
import { SqlError } from "effect/sql/SqlError"
import { EventLogError } from "./EventLog.ts"
import { IoError } from "./IoManager.ts"
import * as PlanError from "./PlanError.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** A dependency was published while this step computed from its earlier value. */
export class DependencyMoved extends Schema.TaggedError<DependencyMoved>()("DependencyMoved", {
  asset: Schema.String
}) {
  override get message() {
    return `A dependency of ${this.asset} was published while it was computed`
  }
}

/** A dependency was wiped while this step computed from its value. */
export class DependencyWiped extends Schema.TaggedError<DependencyWiped>()("DependencyWiped", {
  asset: Schema.String,
  dependency: Schema.String
}) {
  override get message() {
    return `${this.dependency} was wiped while ${this.asset} was computed from it. To make both, materialize +${this.asset}`
  }
}

/** Another process took the slice over, because this one's lease had run out. */
export class ClaimLost extends Schema.TaggedError<ClaimLost>()("ClaimLost", { asset: Schema.String }) {
  override get message() {
    return `Another process took over ${this.asset} while it was computed here; nothing was published by this one`
  }
}

/** `slices` of a range: how many of them failed, in words which, and the first, which `reason` is about. */
export const FailedCheck = Schema.Struct({
  check: Schema.String,
  reason: Schema.String,
  slices: Schema.optionalKey(Schema.Struct({ first: Schema.String, count: Schema.Int, names: Schema.String }))
})
export type FailedCheck = typeof FailedCheck.Type

/** Nothing was published. */
export class BlockingCheckFailed extends Schema.TaggedError<BlockingCheckFailed>()("BlockingCheckFailed", {
  asset: Schema.String,
  failed: Schema.Array(FailedCheck)
}) {
  override get message() {
    const [first] = this.failed
    const accept = this.failed.map(({ check }) => `--accept ${PlanError.quoted(`${this.asset}:${check}`)}`).join(" ")
    return `${this.failed.map(inWords).join("; ")}. ${
      first === undefined ? "" : `To publish all the same, run again with ${accept}`
    }`
  }
}

/** More items were set aside than the asset allows; nothing was published. */
export class TooManyRejected extends Schema.TaggedError<TooManyRejected>()("TooManyRejected", {
  asset: Schema.String,
  rejected: Schema.Int,
  seen: Schema.Int,
  share: Schema.Number,
  example: Schema.String
}) {
  override get message() {
    return `${this.rejected} of ${this.seen} items were rejected, more than ${this.share * 100} %; they are in assets.quarantine. For example: ${this.example}`
  }
}

/** A body that computes several assets returned nothing for one of them. */
export class OutputMissing extends Schema.TaggedError<OutputMissing>()("OutputMissing", {
  asset: Schema.String,
  output: Schema.String
}) {
  override get message() {
    return `The body that computes ${this.asset} returned no value for its output "${this.output}", which step.outputs asked for`
  }
}

/** An attempt took longer than its asset allows. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  asset: Schema.String,
  after: Schema.String
}) {
  override get message() {
    return `${this.asset} was not done after ${this.after}`
  }
}

/** Whether trying again may help; undefined for an error that only its asset's policy can judge. */
export const isPassing = (error: unknown): boolean | undefined => {
  if (error instanceof IoError) return error.retryable
  if (error instanceof TimedOut) return true
  if (error instanceof EventLogError) return error.cause instanceof SqlError && SqlFailure.isPassing(error.cause)
  return own.some((type) => error instanceof type) ? false : undefined
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const inWords = ({ check, reason, slices }: FailedCheck): string => {
  if (slices === undefined) return `check "${check}" failed: ${reason}`
  return slices.count === 1
    ? `check "${check}" failed for ${slices.first}: ${reason}`
    : `check "${check}" failed for ${slices.count} partitions (${slices.names}), of ${slices.first} because ${reason}`
}

const own = [DependencyMoved, DependencyWiped, ClaimLost, BlockingCheckFailed, TooManyRejected, OutputMissing]
