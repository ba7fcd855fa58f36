/**
 * One event as one line for people.
 *
 * How lines are laid out and when they appear is `Progress`'s and `RunHistory`'s.
 */
import type { Event, Failure } from "./Event.ts"
import * as Partition from "./Partition.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"

/** What happened, without when and to which asset. */
export const show = (event: Event): string => {
  switch (event._tag) {
    case "RunStarted":
      return `run ${event.runId} started: ${Report.count(event.steps, "step")}, asked for by ${event.trigger}`
    case "StepStarted":
      return `started: ${event.reasons.map(Reason.show).join(", ")}`
    case "StepRetried":
      return `attempt ${event.attempt} failed, the next one follows in ${Report.duration(event.delayMillis)}: ${showFailure(event.error)}`
    case "AssetMaterialized":
      return `materialized${event.rows === null ? "" : ` ${Report.count(event.rows, "row")}`}${changes(event.metadata)}`
    case "AssetVerified":
      return "verified unchanged"
    case "AssetObserved":
      return `observed another version: ${Report.version(event.dataVersion)}`
    case "StepCutOff":
      return "cut off: it is Current after all"
    case "StepSkipped":
      return event.reason === undefined
        ? `skipped because of ${event.because}`
        : "skipped: nothing new, and nothing is published"
    case "StepFailed":
      return `failed${event.attempts > 1 ? ` after ${event.attempts} attempts` : ""}: ${showFailure(event.error)}`
    case "CheckPassed":
      return `check "${event.check}" passed`
    case "CheckFailed": {
      const consequence = event.accepted ? "accepted for this run" : event.blocking ? "blocking" : event.severity
      return `check "${event.check}" failed (${consequence}): ${event.reason}`
    }
    case "AssetWiped":
      return "wiped"
    case "AssetErased":
      return `rows were erased; ${event.rows === null ? "the rest stays" : `${Report.count(event.rows, "row")} left`}`
    case "PartitionsAdded":
      return `${event.name}: added ${event.keys.join(", ")}`
    case "PartitionsRemoved":
      return `${event.name}: removed ${event.keys.join(", ")}`
    case "BackfillRequested":
      return `backfill ${event.backfill} requested: ${Report.count(event.request.slices, "slice")}`
    case "BackfillPaused":
      return `backfill ${event.backfill} paused`
    case "BackfillResumed":
      return `backfill ${event.backfill} resumed`
    case "BackfillCanceled":
      return `backfill ${event.backfill} canceled`
    case "BackfillSucceeded":
      return `backfill ${event.backfill} succeeded`
    case "BackfillFailed":
      return `backfill ${event.backfill} failed`
    case "RunSucceeded":
      return "run succeeded"
    case "RunFailed":
      return `run failed: ${showFailure(event.error)}`
    case "RunCanceled":
      return "run canceled"
    case "RunInterrupted":
      return "run interrupted: its process went away"
  }
}

/** The slice an event is about, or nothing. */
export const subject = (event: Event): string => ("asset" in event ? Partition.show(event) : "")

/** Defects carry their class's name, which a message such as "x is not a function" needs. */
export const showFailure = ({ _tag, message }: Failure): string =>
  _tag.endsWith("Error") && !message.startsWith(_tag) && builtIn.test(_tag) ? `${_tag}: ${message}` : message

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const builtIn = /^(Type|Range|Reference|Syntax)Error$/

const told = ["inserted", "updated", "removed", "quarantined"]

/** Counts of rows that IO managers and the executor annotate; other metadata is in the event. */
const changes = (metadata: Readonly<Record<string, unknown>>): string => {
  const parts = told.flatMap((name) => {
    const amount = metadata[name]
    return typeof amount === "number" && amount > 0 ? [`${Report.number(amount)} ${name}`] : []
  })
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`
}
