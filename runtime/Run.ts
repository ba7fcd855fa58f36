/**
 * What the event log says of each run and its steps: a fold over events, kept in tables as `Catalog`'s is.
 */
import * as Schema from "effect/Schema"
import type { Event, Failure } from "./Event.ts"
import * as Partition from "./Partition.ts"

export const Status = Schema.Literals(["Queued", "Running", "Succeeded", "Failed", "Canceled", "Interrupted"])
export type Status = typeof Status.Type

export interface Run {
  readonly id: string
  readonly status: Status
  readonly trigger: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt: string | null
  readonly traceId: string | null
  readonly spanId: string | null
}

export type StepStatus =
  | "Running"
  | "Materialized"
  | "Verified"
  | "Observed"
  | "CutOff"
  | "Skipped"
  | "Failed"
  | "Canceled"
  | "Interrupted"
  | "Wiped"
  | "Erased"

export interface Step extends Partition.Ref {
  readonly status: StepStatus
  readonly attempts: number
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly error: Failure | null
}

export interface History extends Run {
  readonly steps: ReadonlyArray<Step>
}

/** The fold, in place: a log in memory keeps one. */
export class Builder {
  private readonly runs = new Map<string, Recorded>()
  private readonly seconds = new Map<string, ReadonlyArray<number>>()

  apply(event: Event): void {
    if (event.runId === null) return
    if (event._tag === "RunStarted") {
      const { at, runId: id, spanId, traceId, trigger } = event
      const run: Run = { id, status: "Running", trigger, startedAt: at, endedAt: null, traceId, spanId }
      this.runs.set(id, { run, steps: new Map(), slices: new Map() })
      return
    }
    const known = this.runs.get(event.runId)
    if (known === undefined) return
    const runStatus = runStatuses[event._tag]
    if (runStatus !== undefined) {
      known.run = { ...known.run, status: runStatus, endedAt: event.at }
      const left = runStatus === "Interrupted" ? "Interrupted" : "Canceled"
      for (const [id, step] of known.steps) {
        if (step.status === "Running") known.steps.set(id, { ...step, status: left, endedAt: event.at })
      }
      this.remember(known)
      return
    }
    const status = stepStatuses[event._tag]
    if (status === undefined || !("asset" in event)) return
    const { asset, at, partition } = event
    const previous = known.steps.get(Partition.id(event))
    if ("slices" in event && event.slices !== undefined) known.slices.set(Partition.id(event), event.slices.length)
    known.steps.set(Partition.id(event), {
      asset,
      partition,
      status,
      attempts: Math.max(previous?.attempts ?? 0, attemptsOf(event)),
      startedAt: previous?.startedAt ?? (event._tag === "StepStarted" ? at : null),
      endedAt: status === "Running" ? null : at,
      error: event._tag === "StepFailed" ? event.error : null
    })
  }

  /** In the order they started. */
  all(): ReadonlyArray<Run> {
    return Array.from(this.runs.values(), ({ run }) => run)
  }

  history(id: string): History | undefined {
    const known = this.runs.get(id)
    return known && { ...known.run, steps: Array.from(known.steps.values()) }
  }

  /** Medians of the seconds that slices took in the last steps of these assets; see `EventLog.durations`. */
  durations(assets: ReadonlyArray<string>): ReadonlyMap<string, number> {
    return new Map(
      assets.flatMap((asset) => {
        const seconds = this.seconds.get(asset)
        return seconds === undefined ? [] : [[asset, median(seconds)] as const]
      })
    )
  }

  private remember({ slices, steps }: Recorded): void {
    const successful = Array.from(steps.values()).filter(
      ({ startedAt, status }) => startedAt !== null && timed.has(status)
    )
    for (const step of successful.sort((a, b) => (a.endedAt! < b.endedAt! ? -1 : 1))) {
      const { asset, endedAt, startedAt } = step
      const seconds = (Date.parse(endedAt!) - Date.parse(startedAt!)) / 1000 / (slices.get(Partition.id(step)) ?? 1)
      this.seconds.set(asset, [seconds, ...(this.seconds.get(asset) ?? [])].slice(0, 20))
    }
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Recorded {
  run: Run
  readonly steps: Map<string, Step>
  /** How many a step took that took a range. */
  readonly slices: Map<string, number>
}

const timed: ReadonlySet<StepStatus> = new Set(["Materialized", "Verified", "Observed"])

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const attemptsOf = (event: Event) => ("attempts" in event ? event.attempts : "attempt" in event ? event.attempt : 0)

const runStatuses: { readonly [Tag in Event["_tag"]]?: Status } = {
  RunSucceeded: "Succeeded",
  RunFailed: "Failed",
  RunCanceled: "Canceled",
  RunInterrupted: "Interrupted"
}

const stepStatuses: { readonly [Tag in Event["_tag"]]?: StepStatus } = {
  StepStarted: "Running",
  StepRetried: "Running",
  AssetMaterialized: "Materialized",
  AssetVerified: "Verified",
  AssetObserved: "Observed",
  StepCutOff: "CutOff",
  StepSkipped: "Skipped",
  StepFailed: "Failed",
  AssetWiped: "Wiped",
  AssetErased: "Erased"
}
