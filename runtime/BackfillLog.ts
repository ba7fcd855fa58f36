/**
 * What is recorded of backfills, and the right to carry one out, which one process has at a time.
 *
 * Facts about backfills are appended to `EventLog` as all others are.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as BackfillHistory from "./BackfillHistory.ts"
import type { Event } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as Partition from "./Partition.ts"

export class BackfillLog extends Context.Service<
  BackfillLog,
  {
    /** Newest first. */
    readonly backfills: (limit: number) => Effect.Effect<ReadonlyArray<BackfillHistory.Counted>, EventLog.EventLogError>
    readonly backfill: (id: string) => Effect.Effect<Option.Option<BackfillHistory.History>, EventLog.EventLogError>
    /** One for each slice, or range of slices, that a run of the backfill has told of. */
    readonly outcomes: (id: string) => Effect.Effect<ReadonlyArray<BackfillHistory.Outcome>, EventLog.EventLogError>
    /** Takes the right to carry a backfill out until the scope closes; `false` when another process has it. */
    readonly hold: (id: string) => Effect.Effect<boolean, EventLog.EventLogError, Scope.Scope>
  }
>()("assets/BackfillLog") {}

/** Beside a log in memory. */
export const layerMemory: Layer.Layer<BackfillLog, never, EventLog.EventLog> = Layer.effect(
  BackfillLog,
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const held = new Set<string>()

    const fold = Effect.map(log.allEvents, (recorded) => {
      const builder = new BackfillHistory.Builder()
      const sizes = new Map<string, number>()
      for (const { event } of recorded) {
        builder.apply(event)
        if (event.runId === null || !("asset" in event)) continue
        const size = sizeOf(event)
        const step = stepOf(event)
        if (size !== undefined) sizes.set(step, Math.max(size, sizes.get(step) ?? 0))
      }
      return { builder, sizes }
    })
    const asItIs = <H extends BackfillHistory.History>(history: H): H =>
      history.status === "Running" && !held.has(history.id) ? { ...history, status: "Interrupted" } : history
    const outcomesOf = Effect.fnUntraced(function* ({ runs }: BackfillHistory.History) {
      const newest = new Map<string, BackfillHistory.Outcome>()
      for (const id of runs) {
        const run = yield* log.run(id)
        if (Option.isNone(run)) continue
        for (const { asset, error, partition, status } of run.value.steps) {
          newest.set(Partition.id({ asset, partition }), { runId: id, asset, partition, status, error })
        }
      }
      return Array.from(newest.values())
    })

    return BackfillLog.of({
      backfills: (limit) =>
        Effect.flatMap(fold, ({ builder, sizes }) =>
          Effect.forEach(builder.all().toReversed().slice(0, limit), (history) =>
            Effect.map(outcomesOf(history), (outcomes) =>
              BackfillHistory.counted(asItIs(history), count(history, outcomes, sizes))
            )
          )
        ),
      backfill: (id) => Effect.map(fold, ({ builder }) => Option.map(Option.fromUndefinedOr(builder.get(id)), asItIs)),
      outcomes: (id) =>
        Effect.flatMap(fold, ({ builder }) => {
          const history = builder.get(id)
          return history === undefined ? Effect.succeed([]) : outcomesOf(history)
        }),
      hold: (id) =>
        Effect.acquireRelease(
          Effect.sync(() => !held.has(id) && held.add(id) !== undefined),
          (taken) => Effect.sync(() => void (taken && held.delete(id)))
        )
    })
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const count = (
  { runs, status }: BackfillHistory.History,
  of: ReadonlyArray<BackfillHistory.Outcome>,
  sizes: ReadonlyMap<string, number>
): BackfillHistory.Counts => {
  const amount = (name: keyof BackfillHistory.Counts) =>
    of
      .filter((outcome) => BackfillHistory.outcomes[name].includes(outcome.status))
      .filter(({ runId }) => name === "done" || status !== "Failed" || runId === runs.at(-1))
      .reduce((sum, outcome) => sum + (sizes.get(stepOf(outcome)) ?? 1), 0)
  return { done: amount("done"), failed: amount("failed"), skipped: amount("skipped") }
}

/** How many slices an event of a step tells of, where they are a range. */
const sizeOf = (event: Event): number | undefined =>
  "covers" in event ? event.covers : "slices" in event ? event.slices?.length : undefined

const stepOf = (step: Partition.Ref & { readonly runId: string }) => `${step.runId} ${Partition.id(step)}`
