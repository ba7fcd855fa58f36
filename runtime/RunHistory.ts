/**
 * What happened in runs, for people and programs: their list, one of them with its steps, its events.
 */
import * as Schema from "effect/Schema"
import type { Event } from "./Event.ts"
import * as EventLine from "./EventLine.ts"
import type * as EventLog from "./EventLog.ts"
import * as MetadataReport from "./MetadataReport.ts"
import * as Partition from "./Partition.ts"
import * as Report from "./Report.ts"
import type * as Run from "./Run.ts"

export class UnknownRun extends Schema.TaggedError<UnknownRun>()("UnknownRun", { id: Schema.String }) {
  override get message() {
    return `there is no run ${this.id}; \`assets runs\` lists them`
  }
}

/** What `runs --json` prints. */
export const toJson = (runs: ReadonlyArray<Run.Run>) =>
  runs.map(({ endedAt, id, startedAt, status, trigger }) => ({ id, status, trigger, startedAt, endedAt }))

/** What `run ID --json` prints. */
export const historyToJson = ({ endedAt, id, startedAt, status, steps, traceId, trigger }: Run.History) => ({
  id,
  status,
  trigger,
  startedAt,
  endedAt,
  traceId,
  steps: steps.map(({ asset, attempts, endedAt, error, partition, startedAt, status }) => ({
    asset,
    partition,
    status,
    attempts,
    startedAt,
    endedAt,
    error
  }))
})

/** `now` is in milliseconds since the epoch. */
export const toText = (runs: ReadonlyArray<Run.Run>, now: number, medium: Report.Medium): ReadonlyArray<string> =>
  runs.length === 0
    ? ["There were no runs yet; `assets materialize` starts one"]
    : Report.table(
        [{ title: "run" }, { title: "status", paint }, { title: "trigger" }, { title: "started" }, { title: "took" }],
        runs.map((run) => [run.id, run.status, run.trigger, Report.ago(run.startedAt, now), took(run)]),
        medium
      )

/** A run, its steps in the order they started, the checks that failed, and what was told of the values. */
export const historyToText = (
  run: Run.History,
  events: ReadonlyArray<EventLog.Recorded>,
  medium: Report.Medium
): ReadonlyArray<string> => {
  const steps = Report.table(
    [
      { title: "asset" },
      { title: "status", paint },
      { title: "attempts", align: "right" },
      { title: "took", align: "right" }
    ],
    run.steps.map((step) => [
      Partition.show(step),
      step.status,
      step.attempts > 1 ? String(step.attempts) : "",
      took(step)
    ]),
    medium
  )
  // In full, below the table: what has to be done is often at the end of an error's message.
  const errors = run.steps.flatMap((step) =>
    step.error === null ? [] : [`${Partition.show(step)}: ${EventLine.showFailure(step.error)}`]
  )
  const told = events.flatMap(({ event }) =>
    event._tag === "CheckFailed" || (event._tag === "RunFailed" && errors.length === 0)
      ? [[EventLine.subject(event), EventLine.show(event)].filter((part) => part !== "").join(": ")]
      : []
  )
  return [
    `run ${run.id}: ${run.status}, asked for by ${run.trigger}`,
    `started ${run.startedAt}${run.endedAt === null ? "" : `, took ${took(run)}`}`,
    ...(run.traceId === null ? [] : [`trace ${run.traceId}`]),
    ...section(run.steps.length === 0 ? [] : steps),
    ...section(told),
    ...section(errors),
    ...section(facts(events, medium))
  ]
}

/** One line an event. */
export const logsToText = (events: ReadonlyArray<Event>): ReadonlyArray<string> => {
  const width = Math.max(0, ...events.map((event) => EventLine.subject(event).length))
  return events.map((event) =>
    `${event.at}  ${EventLine.subject(event).padEnd(width)}  ${EventLine.show(event)}`.replaceAll(/\s*\n\s*/g, " ")
  )
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What IO managers count of every table, which the events' own lines tell. */
const counts: ReadonlySet<string> = new Set(["rows", "before", "inserted", "updated", "unchanged", "removed", "bytes"])

/** What bodies and failed checks told, below the slice's name. */
const facts = (events: ReadonlyArray<EventLog.Recorded>, medium: Report.Medium): ReadonlyArray<string> =>
  events.flatMap(({ event }) => {
    if (event._tag !== "AssetMaterialized" && event._tag !== "CheckFailed") return []
    const isTold = ([name]: readonly [string, unknown]) => event._tag === "CheckFailed" || !counts.has(name)
    const lines = MetadataReport.toText(Object.fromEntries(Object.entries(event.metadata).filter(isTold)), medium)
    const check = event._tag === "CheckFailed" ? `, check "${event.check}"` : ""
    return lines.length === 0 ? [] : [`${Partition.show(event)}${check}:`, ...lines.map((line) => `  ${line}`)]
  })

const section = (lines: ReadonlyArray<string>): ReadonlyArray<string> => (lines.length === 0 ? [] : ["", ...lines])

const paint = (style: Report.Style, status: string): string =>
  status === "Failed" || status === "Interrupted"
    ? style.red(status)
    : status === "Succeeded" || status === "Materialized" || status === "Verified"
      ? style.green(status)
      : status

const took = ({
  endedAt,
  startedAt
}: {
  readonly startedAt: string | null
  readonly endedAt: string | null
}): string =>
  startedAt === null || endedAt === null ? "" : Report.duration(Date.parse(endedAt) - Date.parse(startedAt))
