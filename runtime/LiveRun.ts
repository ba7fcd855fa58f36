/**
 * A run that somebody watches: planned, shown, executed, and told while it goes on.
 *
 * What is told to people is `Progress`'s; programs get the events as they are recorded.
 */
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Body from "./Body.ts"
import type * as Definitions from "./Definitions.ts"
import * as Event from "./Event.ts"
import type * as EventLog from "./EventLog.ts"
import * as Executor from "./Executor.ts"
import * as Invocation from "./Invocation.ts"
import type * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import type { PlanError } from "./PlanError.ts"
import { Progress } from "./Progress.ts"
import type * as Resources from "./Resources.ts"
import type { Screen } from "./Screen.ts"
import type { SelectionError } from "./Selection.ts"

/** Is told of a plan before it is carried out, of each event once it is recorded, how far steps are, and of the end. */
export interface Watcher {
  readonly planned: (plan: Plan.Plan) => Effect.Effect<void, EventLog.EventLogError, EventLog.EventLog>
  readonly observe: (event: Event.Event) => Effect.Effect<void>
  readonly note: (step: Partition.Ref, words: string) => Effect.Effect<void>
  readonly ended: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

export interface Options {
  readonly request: Plan.Request
  /** What the run is recorded to be asked for by: `materialize`, `observe`. */
  readonly trigger: string
  readonly concurrency: number
  readonly watcher: Watcher
}

/** Plans the request by what is recorded now and carries the plan out. */
export const materialize = Effect.fn("LiveRun.materialize")(function* <D extends Definitions.Definitions>(
  definitions: D,
  { concurrency, request, trigger, watcher }: Options
): Effect.fn.Return<
  Executor.Outcome,
  EventLog.EventLogError | Resources.ResourcesUnavailable | Config.ConfigError | PlanError | SelectionError,
  Executor.Executor | EventLog.EventLog | Definitions.Requirements<D>
> {
  const executor = yield* Executor.Executor
  return yield* executor
    .execute(definitions, Invocation.plan(definitions.graph, request).pipe(Effect.tap(watcher.planned)), {
      trigger,
      concurrency,
      observe: watcher.observe
    })
    .pipe(
      Effect.provideService(Body.Watcher, watcher.note),
      Effect.onExit((exit) => watcher.ended(exit))
    )
})

/** What people are told of a run: see `Progress`. Where steps are too many to be named, how far one is is nothing to tell. */
export type Teller = Pick<Progress, "planned" | "apply" | "view"> & Partial<Pick<Progress, "note">>

/** For people: the plan, lines for what happened, a summary; on a terminal a live view below them. */
export const forPeople = (
  screen: Screen,
  tell: (plan: Plan.Plan) => Effect.Effect<Teller, EventLog.EventLogError, EventLog.EventLog>,
  goOn: string
): Effect.Effect<Watcher> =>
  Effect.sync(() => {
    let progress: Teller | undefined
    let open = false
    const draw = Effect.suspend(() =>
      progress === undefined
        ? Effect.void
        : Effect.flatMap(Clock.currentTimeMillis, (now) => screen.draw(progress!.view(now, viewRows)))
    )
    const watcher: Watcher = {
      planned: (plan) =>
        Effect.flatMap(tell(plan), (made) => {
          if (plan.steps.length > 0) progress = made
          return screen.print(made.planned())
        }),
      observe: (event) =>
        Effect.suspend(() => {
          const lines = progress?.apply(event) ?? []
          open = !Event.isRunEnd(event)
          if (event._tag === "RunStarted" && screen.medium.animated) {
            return Effect.asVoid(Effect.forkDetach(tick(draw, () => progress !== undefined)))
          }
          if (!Event.isRunEnd(event))
            return lines.length === 0 ? Effect.void : Effect.andThen(screen.print(lines), draw)
          progress = undefined
          return Effect.andThen(screen.draw([]), screen.print(lines))
        }),
      // For the next frame; lines that stay are for what happened.
      note: (step, words) => Effect.sync(() => progress?.note?.(step, words)),
      ended: (exit) =>
        Effect.suspend(() => {
          progress = undefined
          const lines = open && Exit.isFailure(exit) ? [`Broke off; what was published stays. ${goOn}`] : []
          return Effect.andThen(screen.draw([]), screen.print(lines))
        })
    }
    return watcher
  })

/** For programs: one event a line. The last line is a `Run…` event also when there was nothing to do. */
export const forPrograms: Effect.Effect<Watcher> = Effect.sync(() => {
  let runId: string | null = null
  let open = false
  const print = (line: unknown) => Console.log(JSON.stringify(line))
  const watcher: Watcher = {
    planned: (plan) =>
      plan.steps.length > 0
        ? Effect.void
        : Effect.flatMap(DateTime.now, (now) =>
            print({ _tag: "RunSucceeded", at: DateTime.formatIso(now), runId: null })
          ),
    observe: (event) =>
      Effect.suspend(() => {
        if (event._tag === "RunStarted") [runId, open] = [event.runId, true]
        else if (Event.isRunEnd(event)) open = false
        return print(event)
      }),
    note: () => Effect.void,
    // A log that can no longer be written cannot record the end either.
    ended: (exit) =>
      open && Exit.isFailure(exit)
        ? Effect.flatMap(DateTime.now, (now) =>
            print({ _tag: "RunFailed", at: DateTime.formatIso(now), runId, error: Event.failureOf(exit.cause) })
          )
        : Effect.void
  }
  return watcher
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Running steps that are shown at the same time; a view higher than the window could not be erased. */
const viewRows = 12

const tick = (draw: Effect.Effect<void>, goesOn: () => boolean) =>
  draw.pipe(Effect.repeat({ schedule: Schedule.spaced("100 millis"), while: goesOn }))
