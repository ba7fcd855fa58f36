/**
 * What happened in one run, read from its events in the words a test asserts with.
 *
 * Slices are named as people name them: `users`, `listen_history/2026-01-31`.
 */
import * as Event from "./Event.ts"
import * as Partition from "./Partition.ts"
import * as Reason from "./Reason.ts"
import type { Span } from "./RecordedSpans.ts"
import type * as Run from "./Run.ts"

/** What a step came to; `Canceled` when the run was interrupted in the middle of it. */
export type StepOutcome = "Materialized" | "Verified" | "Observed" | "CutOff" | "Skipped" | "Failed" | "Canceled"

type BySlice<A> = Readonly<Record<string, A>>

export interface RunReport {
  /** `null` when there was nothing to do. */
  readonly id: string | null
  readonly status: Run.Status
  readonly outcomes: BySlice<StepOutcome>
  /** Why each step that computed did so. */
  readonly reasons: BySlice<ReadonlyArray<Reason.Reason>>
  readonly errors: BySlice<Event.Failure>
  /** Of each skipped step the asset that was the cause; itself when its body had nothing new. */
  readonly because: BySlice<string>
  /** Of each step that published or failed; 1 when it worked the first time. */
  readonly attempts: BySlice<number>
  /** By slice and name, `users:at least one`: what the last attempt found. */
  readonly checks: Readonly<Record<string, "Passed" | "Failed" | "Accepted">>
  readonly events: ReadonlyArray<Event.Event>
  /** The run's own trace, in the order the spans started. */
  readonly spans: ReadonlyArray<Span>
  /** A line for each step with its outcome and why, then the run's. */
  readonly explain: string
}

/** A plan without steps is no run: nothing was recorded. */
export const nothingToDo: RunReport = {
  id: null,
  status: "Succeeded",
  outcomes: {},
  reasons: {},
  errors: {},
  because: {},
  attempts: {},
  checks: {},
  events: [],
  spans: [],
  explain: "Succeeded: nothing to do"
}

/** From all events of one run. `order` is that of the graph, in which `explain` tells. */
export const fromEvents = (
  events: ReadonlyArray<Event.Event>,
  order: ReadonlyArray<string>,
  spans: ReadonlyArray<Span>
): RunReport => {
  const story = emptyStory()
  for (const event of events) tell(story, event)
  const canceled = story.status === "Canceled" || story.status === "Interrupted"
  if (canceled) for (const slice of story.slices.keys()) story.outcomes[slice] ??= "Canceled"
  const { attempts, because, checks, errors, id, outcomes, reasons, status, traceId } = story
  return {
    id,
    status,
    outcomes,
    reasons,
    errors,
    because,
    attempts,
    checks,
    events,
    spans: spans.filter((span) => span.traceId === traceId),
    explain: explain(story, order)
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Writable<A> = {
  -readonly [K in keyof A]: A[K] extends Readonly<Record<string, infer V>> ? Record<string, V> : A[K]
}

interface Story extends Writable<
  Pick<RunReport, "id" | "status" | "outcomes" | "reasons" | "errors" | "because" | "attempts" | "checks">
> {
  traceId: string | null
  readonly slices: Map<string, Partition.Ref>
}

const emptyStory = (): Story => ({
  id: null,
  status: "Running",
  outcomes: {},
  reasons: {},
  errors: {},
  because: {},
  attempts: {},
  checks: {},
  traceId: null,
  slices: new Map()
})

const tell = (story: Story, event: Event.Event): void => {
  if (event._tag === "RunStarted") {
    story.id = event.runId
    story.traceId = event.traceId
    return
  }
  if (Event.isRunEnd(event)) {
    story.status = runStatuses[event._tag]
    return
  }
  if (!("asset" in event)) return
  const slice = Partition.show(event)
  story.slices.set(slice, event)
  const outcome = outcomes[event._tag]
  if (outcome !== undefined) story.outcomes[slice] = outcome
  if ("attempts" in event) story.attempts[slice] = event.attempts
  if (event._tag === "StepStarted") story.reasons[slice] = event.reasons
  if (event._tag === "StepFailed") story.errors[slice] = event.error
  if (event._tag === "StepSkipped") story.because[slice] = event.because
  if (event._tag === "CheckPassed") story.checks[`${slice}:${event.check}`] = "Passed"
  if (event._tag === "CheckFailed") story.checks[`${slice}:${event.check}`] = event.accepted ? "Accepted" : "Failed"
}

const runStatuses = {
  RunSucceeded: "Succeeded",
  RunFailed: "Failed",
  RunCanceled: "Canceled",
  RunInterrupted: "Interrupted"
} as const

const outcomes: { readonly [Tag in Event.Event["_tag"]]?: StepOutcome } = {
  AssetMaterialized: "Materialized",
  AssetVerified: "Verified",
  AssetObserved: "Observed",
  StepCutOff: "CutOff",
  StepSkipped: "Skipped",
  StepFailed: "Failed"
}

const explain = (story: Story, order: ReadonlyArray<string>): string => {
  const ranks = new Map(order.map((asset, rank) => [asset, rank]))
  const rank = ({ asset }: Partition.Ref) => ranks.get(asset) ?? order.length
  const slices = Array.from(story.slices).sort(([a, left], [b, right]) => rank(left) - rank(right) || (a < b ? -1 : 1))
  const lines = slices.map(([slice]) => [slice, story.outcomes[slice] ?? "Running", whyOf(story, slice)] as const)
  const widths = [0, 1].map((column) => Math.max(0, ...lines.map((line) => line[column]!.length)))
  return [
    ...lines.map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    ),
    story.status
  ].join("\n")
}

const whyOf = (story: Story, slice: string): string => {
  const because = story.because[slice]
  if (because !== undefined) return because === story.slices.get(slice)!.asset ? "nothing new" : `because of ${because}`
  const error = story.errors[slice]
  if (error !== undefined) return error.message === error._tag ? error._tag : `${error._tag}: ${error.message}`
  const reasons = story.reasons[slice] ?? []
  // That a dependency might change was a reason to look; of a step with another one it is no news.
  const news = reasons.filter(({ _tag }) => _tag !== "DependencyPlanned")
  return (news.length > 0 ? news : reasons).map(Reason.show).join(", ")
}
