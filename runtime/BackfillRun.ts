/**
 * Backfills as they are carried out: requested, held by one process at a time, and stopped when somebody else says so.
 *
 * What there is to do is decided by `Backfill` and `Plan`, and done by the executor; how it is told is the caller's.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Backfill from "./Backfill.ts"
import * as BackfillHistory from "./BackfillHistory.ts"
import * as BackfillLog from "./BackfillLog.ts"
import * as ConfigDigests from "./ConfigDigests.ts"
import type * as Definitions from "./Definitions.ts"
import type { Event } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as Executor from "./Executor.ts"
import { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Timestamp from "./Timestamp.ts"

export class UnknownBackfill extends Schema.TaggedError<UnknownBackfill>()("UnknownBackfill", { id: Schema.String }) {
  override get message() {
    return `there is no backfill ${this.id}; \`assets backfills\` lists them`
  }
}

/** What cannot be done to a backfill as it stands; `status` is how it stands. */
export class BackfillRefused extends Schema.TaggedError<BackfillRefused>()("BackfillRefused", {
  id: Schema.String,
  status: BackfillHistory.Status,
  action: Schema.Literals(["pause", "resume", "cancel", "retry"])
}) {
  override get message() {
    return `backfill ${this.id} ${refusal[this.status](this)}`
  }
}

/** Another process is carrying it out. */
export class BackfillHeld extends Schema.TaggedError<BackfillHeld>()("BackfillHeld", { id: Schema.String }) {
  override get message() {
    return (
      `backfill ${this.id} is being carried out by another process; ` +
      `\`assets backfill ${this.id}\` shows how far it is, and \`assets backfill pause ${this.id}\` stops it`
    )
  }
}

export interface Options {
  /** Where the backfill does not say it. */
  readonly concurrency: number
  /** Is told of the plan before it is carried out. */
  readonly planned: (plan: Plan.Plan) => Effect.Effect<void, EventLog.EventLogError, EventLog.EventLog>
  /** Sees every event once it is recorded, those of the backfill and those of its run. */
  readonly observe: (event: Event) => Effect.Effect<void>
}

/** How a backfill goes on; `concurrency` is this time's, `null` for that of the request. */
export interface Resumption {
  readonly id: string
  readonly action: "resume" | "retry"
  readonly concurrency: number | null
}

export type Outcome =
  /** Everything that was asked for was Current: no backfill was made. */
  | { readonly _tag: "NothingToDo" }
  | { readonly _tag: "Ended"; readonly id: string; readonly run: Executor.Outcome }
  /** By another process. */
  | { readonly _tag: "Stopped"; readonly id: string; readonly status: "Paused" | "Canceled" }

/** Requests a backfill, unless there is nothing to do, and carries it out. It is left Paused by an interrupt, and when its run cannot go on. */
export const start = Effect.fn("BackfillRun.start")(function* <D extends Definitions.Definitions>(
  definitions: D,
  asked: Backfill.Asked,
  options: Options
) {
  const id = yield* RunRecord.makeId
  const plan = Effect.gen(function* () {
    const { catalog, now } = yield* recorded
    const plan = yield* Effect.fromResult(Backfill.plan(definitions.graph, catalog, Backfill.toPlan(asked), now))
    const lineage = new Lineage(definitions.graph, new Partition.Moment(now, catalog.dynamic))
    if (plan.blocks.length === 0) return { plan, event: undefined }
    const request = Backfill.request(asked, plan, lineage)
    return { plan, event: { _tag: "BackfillRequested", request } as const }
  })
  return yield* carryOut(definitions, id, plan, { ...options, concurrency: asked.concurrency ?? options.concurrency })
})

/** Goes on with what is not done of a backfill that was paused or interrupted, or, to `retry`, that failed. */
export const resume = Effect.fn("BackfillRun.resume")(function* <D extends Definitions.Definitions>(
  definitions: D,
  { action, concurrency, id }: Resumption,
  options: Options
) {
  const backfills = yield* BackfillLog.BackfillLog
  const before = yield* find(id)
  if (before.status === "Running") return yield* new BackfillHeld({ id })
  yield* goesOn(before, action)
  const plan = Effect.gen(function* () {
    // Anew: whoever held it until now may have come to its end. What is Running is so by this process.
    const history = yield* find(id)
    yield* goesOn(history.status === "Running" ? { ...history, status: "Interrupted" } : history, action)
    const { catalog, now } = yield* recorded
    const lineage = new Lineage(definitions.graph, new Partition.Moment(now, catalog.dynamic))
    const tally = new Backfill.Tally(lineage, history, yield* backfills.outcomes(id))
    const remaining = Backfill.remaining(history, tally)
    const plan = yield* Effect.fromResult(Backfill.plan(definitions.graph, catalog, remaining, now))
    return { plan, event: { _tag: "BackfillResumed" } as const }
  })
  const atATime = concurrency ?? before.request.concurrency ?? options.concurrency
  return yield* carryOut(definitions, id, plan, { ...options, concurrency: atATime })
})

/** Whoever carries it out ends its run, in order, within a second; a paused backfill can be resumed. */
export const stop = Effect.fn("BackfillRun.stop")(function* (id: string, action: "pause" | "cancel") {
  const log = yield* EventLog.EventLog
  const { status } = yield* find(id)
  const isOpen = status === "Running" || status === "Interrupted" || (status === "Paused" && action === "cancel")
  if (!isOpen) return yield* new BackfillRefused({ id, status, action })
  const _tag = action === "pause" ? "BackfillPaused" : "BackfillCanceled"
  yield* log.append([{ _tag, at: yield* Timestamp.now, runId: null, backfill: id }])
})

/** What is recorded of a backfill. */
export const find = Effect.fnUntraced(function* (id: string) {
  const backfills = yield* BackfillLog.BackfillLog
  const history = yield* backfills.backfill(id)
  return Option.isSome(history) ? history.value : yield* new UnknownBackfill({ id })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const refusal: {
  readonly [S in BackfillHistory.Status]: (refused: { readonly id: string; readonly action: string }) => string
} = {
  Running: ({ action }) => `is being carried out; there is nothing to ${action}`,
  Paused: ({ action, id }) =>
    action === "retry"
      ? `is paused; \`assets backfill resume ${id}\` also tries again what failed`
      : `is paused already`,
  Interrupted: ({ id }) => `was interrupted; \`assets backfill resume ${id}\` also tries again what failed`,
  Canceled: () => "was canceled; request another one",
  Succeeded: ({ action }) => `has succeeded; there is nothing to ${action}`,
  Failed: ({ action, id }) =>
    `has ended; there is nothing to ${action}, and \`assets backfill retry ${id}\` tries again what failed`
}

/** Refuses what a backfill, as it stands, cannot go on by. */
const goesOn = ({ id, status }: BackfillHistory.History, action: "resume" | "retry") =>
  (action === "retry" ? status === "Failed" : status === "Paused" || status === "Interrupted")
    ? Effect.void
    : Effect.fail(new BackfillRefused({ id, status, action }))

/** What a plan is made from. */
const recorded = Effect.gen(function* () {
  const log = yield* EventLog.EventLog
  return { catalog: yield* ConfigDigests.inForce(yield* log.catalog), now: yield* Clock.currentTimeMillis }
})

type Opening =
  | Pick<Extract<Event, { readonly _tag: "BackfillRequested" }>, "_tag" | "request">
  | { readonly _tag: "BackfillResumed" }

interface Opened {
  readonly plan: Plan.Plan
  /** What is recorded once there is a plan; nothing where there is nothing to do. */
  readonly event: Opening | undefined
}

/** How long a process that was told to stop is waited for. */
const patience = Schedule.max([Schedule.spaced("200 millis"), Schedule.recurs(25)])

const carryOut = Effect.fnUntraced(function* <D extends Definitions.Definitions, E, R>(
  definitions: D,
  id: string,
  opened: Effect.Effect<Opened, E, R>,
  options: Options
) {
  const backfills = yield* BackfillLog.BackfillLog
  const attempt = Effect.scoped(
    Effect.flatMap(backfills.hold(id), (isHeld) =>
      isHeld ? Effect.asSome(held(definitions, id, opened, options)) : Effect.succeedNone
    )
  )
  const outcome = yield* Effect.repeat(attempt, { until: Option.isSome, schedule: patience })
  return Option.isSome(outcome) ? outcome.value : yield* new BackfillHeld({ id })
})

/** By the one process that holds it. */
const held = Effect.fnUntraced(function* <D extends Definitions.Definitions, E, R>(
  definitions: D,
  id: string,
  opened: Effect.Effect<Opened, E, R>,
  { concurrency, observe, planned }: Options
) {
  const log = yield* EventLog.EventLog
  const executor = yield* Executor.Executor
  const about = Effect.map(Timestamp.now, (at) => ({ at, runId: null, backfill: id }))
  const record = (event: EventLog.Fact) => Effect.andThen(log.append([event]), observe(event))
  const begun = Deferred.makeUnsafe<void>()
  let isOpen = false

  const plan = Effect.gen(function* () {
    const { event, plan } = yield* opened
    if (event !== undefined) {
      yield* Effect.uninterruptible(
        Effect.andThen(
          Effect.flatMap(about, (about) => record({ ...event, ...about })),
          Effect.sync(() => void (isOpen = true))
        )
      )
      yield* Deferred.succeed(begun, undefined)
    }
    yield* planned(plan)
    return plan
  })
  const executed = executor.execute(definitions, plan, { trigger: "backfill", backfill: id, concurrency, observe })

  // Until it is resumed, a paused backfill is paused.
  const watched = Effect.andThen(Deferred.await(begun), stopped(id))

  return yield* Effect.raceFirst(Effect.asSome(executed), Effect.as(watched, Option.none())).pipe(
    Effect.flatMap(
      Effect.fnUntraced(function* (run) {
        if (Option.isNone(run)) {
          const { status } = yield* find(id)
          const outcome: Outcome = { _tag: "Stopped", id, status: status === "Canceled" ? status : "Paused" }
          yield* observe({ _tag: `Backfill${outcome.status}`, ...(yield* about) })
          return outcome
        }
        if (!isOpen) return { _tag: "NothingToDo" } satisfies Outcome as Outcome
        yield* record({ _tag: `Backfill${run.value.status}`, ...(yield* about) })
        return { _tag: "Ended", id, run: run.value } satisfies Outcome as Outcome
      }, Effect.uninterruptible)
    ),
    Effect.onExit((exit) =>
      // Also when the run could not go on: whatever it failed of, the backfill can.
      isOpen && Exit.isFailure(exit)
        ? Effect.ignore(Effect.flatMap(about, (about) => record({ _tag: "BackfillPaused", ...about })))
        : Effect.void
    )
  )
})

/** Ends once somebody has paused or canceled the backfill; a question that is not answered is asked again. */
const stopped = (id: string) =>
  Effect.gen(function* () {
    const backfills = yield* BackfillLog.BackfillLog
    yield* backfills.backfill(id).pipe(
      Effect.map(Option.exists(({ status }) => status === "Paused" || status === "Canceled")),
      Effect.orElseSucceed(() => false),
      Effect.repeat({ until: (isStopped) => isStopped, schedule: Schedule.spaced("500 millis") })
    )
  })
