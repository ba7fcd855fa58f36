/**
 * A run around its work: opened, recorded, ended and traced, and the runs of dead processes closed on the way.
 *
 * What the work is, and the events of its own, are its caller's.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type * as Tracer from "effect/Tracer"
import { type Event, type Failure, failureOf } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as IoManager from "./IoManager.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Timestamp from "./Timestamp.ts"

/** A run that has an id and a trace, and is recorded only if there turns out to be work. */
export interface Root {
  readonly runId: string
  readonly span: Tracer.Span
}

export interface Work {
  readonly runId: string
  readonly session: EventLog.Session
  /** Appends the event and tells whoever observes. */
  readonly record: (event: EventLog.Fact) => Effect.Effect<void, EventLog.EventLogError>
}

export interface Options<A> {
  readonly trigger: string
  /** The backfill that it carries out, if any. */
  readonly backfill?: string | undefined
  readonly selection: ReadonlyArray<string>
  readonly steps: number
  /** Sees every event once it is recorded; those of the run and of each slice in order. */
  readonly observe: (event: Event) => Effect.Effect<void>
  /** Why the run failed although the work came to an end; nothing when it did not. */
  readonly failure: (value: A) => Failure | undefined
}

/** Sorts by time: 9 base-36 digits of milliseconds, the first of which is no letter before 2863, then 6 random ones. */
export const makeId = Effect.gen(function* () {
  const millis = yield* Clock.currentTimeMillis
  const random = yield* Random.nextIntBetween(0, 36 ** 6)
  return `${millis.toString(36).padStart(9, "0")}${random.toString(36).padStart(6, "0")}`
})

/** The span and the id of a run. */
export const traced = <A, E, R>(body: (root: Root) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(makeId, (runId) => Telemetry.run({ runId }, (span) => body({ runId, span })))

/** Records the work as a run, whatever becomes of it. An interrupt records `RunCanceled`. */
export const recorded = Effect.fnUntraced(function* <A, E, R>(
  { runId, span }: Root,
  options: Options<A>,
  work: (run: Work) => Effect.Effect<A, E, R>
) {
  const log = yield* EventLog.EventLog
  const staging = yield* IoManager.Staging
  const session = yield* open(runId)
  const record = (event: EventLog.Fact) => Effect.andThen(log.append([event]), options.observe(event))
  const { backfill, selection, steps, trigger } = options
  const { spanId, traceId } = span
  const about = { runId, trigger, selection, steps, traceId, spanId, ...(backfill === undefined ? {} : { backfill }) }
  const end = (event: (at: string) => EventLog.Fact, status: Telemetry.RunStatus) =>
    Effect.flatMap(Timestamp.now, (at) => Effect.andThen(record(event(at)), Telemetry.endRun(span, status)))

  // A run that was recorded as started is recorded as ended, also when the interrupt comes in between.
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      yield* record({ _tag: "RunStarted", at: yield* Timestamp.now, ...about })
      // Whatever is not collected is found by the next run.
      const all = Effect.tap(work({ runId, session, record }), () => Effect.ignore(staging.collect))
      return yield* restore(all).pipe(
        Effect.onExit((exit) => {
          const error = Exit.isSuccess(exit) ? options.failure(exit.value) : failureOf(exit.cause)
          if (error === undefined) return end((at) => ({ _tag: "RunSucceeded", at, runId }), "Succeeded")
          return Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
            ? end((at) => ({ _tag: "RunCanceled", at, runId }), "Canceled")
            : end((at) => ({ _tag: "RunFailed", at, runId, error }), "Failed")
        })
      )
    })
  )
}, Effect.scoped)

/** Closes what dead processes left open; for a run that has nothing else to do. */
export const reconcile = ({ runId }: Root) => Effect.scoped(Effect.asVoid(open(runId)))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const open = Effect.fnUntraced(function* (runId: string) {
  const log = yield* EventLog.EventLog
  const session = yield* log.session(runId)
  yield* Effect.forEach(session.abandoned, closeAbandoned, { discard: true })
  return session
})

/** A run whose process is gone: its staging is dropped, its record closed, its trace given the root it never got. */
const closeAbandoned = Effect.fnUntraced(function* (abandoned: EventLog.Session["abandoned"][number]) {
  const log = yield* EventLog.EventLog
  const staging = yield* IoManager.Staging
  yield* Effect.ignore(staging.drop(abandoned.id))
  const at = yield* Timestamp.now
  yield* log.append([{ _tag: "RunInterrupted", at, runId: abandoned.id }])
  const { spanId, startedAt, traceId } = abandoned
  if (traceId === null || spanId === null) return
  const attributes = { runId: abandoned.id }
  yield* Telemetry.closeRun({ traceId, spanId, startedAt, endedAt: at, status: "Interrupted", attributes })
})
