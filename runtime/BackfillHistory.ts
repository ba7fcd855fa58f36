/**
 * What the event log says of each backfill: a fold over events, kept in tables as `Run`'s is.
 *
 * What became of its slices is told by the runs that carried it out; what of them is left to do is decided by `Backfill`.
 */
import * as Schema from "effect/Schema"
import type { BackfillRequest, Event, Failure } from "./Event.ts"
import type * as Partition from "./Partition.ts"
import type { StepStatus } from "./Run.ts"

/** `Interrupted`: its process went away without a word. Only a backfill in the first three can still go on. */
export const Status = Schema.Literals(["Running", "Paused", "Interrupted", "Canceled", "Succeeded", "Failed"])
export type Status = typeof Status.Type

export interface History {
  readonly id: string
  readonly status: Status
  readonly request: BackfillRequest
  /** ISO 8601. */
  readonly requestedAt: string
  readonly endedAt: string | null
  /** The ids of the runs that carried it out, oldest first. */
  readonly runs: ReadonlyArray<string>
}

/** Numbers of slices, as far as runs have told of them; once it has succeeded, of none that failed. */
export interface Counts {
  readonly done: number
  readonly failed: number
  readonly skipped: number
}

export interface Counted extends History {
  readonly counts: Counts
}

/** What a backfill's newest run that had a step for a slice came to; `partition` may be a range. */
export interface Outcome extends Partition.Ref {
  readonly runId: string
  readonly status: StepStatus
  readonly error: Failure | null
}

/** Which outcomes a slice is done with, and which it came to nothing by; after all others it is still to do. */
export const outcomes: Readonly<Record<keyof Counts, ReadonlyArray<StepStatus>>> = {
  done: ["Materialized", "Verified", "CutOff"],
  failed: ["Failed"],
  skipped: ["Skipped"]
}

export const counted = <H extends History>(history: H, counts: Counts): H & Counted =>
  // What had failed was Current by other means when it was tried again.
  ({ ...history, counts: history.status === "Succeeded" ? { ...counts, failed: 0, skipped: 0 } : counts })

/** What is recorded of whether a backfill goes on; that nobody carries it out is not recorded. */
type Recorded = Exclude<Status, "Interrupted">

/** The fold, in place. A fact that comes too late, such as a pause of what has ended meanwhile, changes nothing. */
export class Builder {
  private readonly histories = new Map<string, History>()

  apply(event: Event): void {
    if (event._tag === "BackfillRequested") {
      const { at: requestedAt, backfill: id, request } = event
      this.histories.set(id, { id, status: "Running", request, requestedAt, endedAt: null, runs: [] })
      return
    }
    if (!("backfill" in event)) return
    const known = this.histories.get(event.backfill)
    if (known === undefined) return
    if (event._tag === "RunStarted") {
      this.histories.set(known.id, { ...known, runs: [...known.runs, event.runId] })
      return
    }
    const { after, before, ends }: Transition = transitions[event._tag]
    if (!before.includes(known.status)) return
    this.histories.set(known.id, { ...known, status: after, endedAt: ends ? event.at : null })
  }

  /** In the order they were requested. */
  all(): ReadonlyArray<History> {
    return Array.from(this.histories.values())
  }

  get(id: string): History | undefined {
    return this.histories.get(id)
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Transition {
  readonly after: Recorded
  readonly before: ReadonlyArray<Status>
  readonly ends: boolean
}

const transitions = {
  BackfillPaused: { after: "Paused", before: ["Running"], ends: false },
  BackfillResumed: { after: "Running", before: ["Running", "Paused", "Failed"], ends: false },
  BackfillCanceled: { after: "Canceled", before: ["Running", "Paused"], ends: true },
  BackfillSucceeded: { after: "Succeeded", before: ["Running"], ends: true },
  BackfillFailed: { after: "Failed", before: ["Running"], ends: true }
} as const satisfies Record<string, Transition>
