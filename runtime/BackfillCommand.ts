/**
 * The command line of backfills: their flags and their help.
 *
 * What they do is in `BackfillActions`, which is imported when one of them is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { atLeastOne, invocation, range, text, toggle } from "./Flags.ts"
import type { Invocation } from "./Invocation.ts"

const backfillId = Argument.String("id").pipe(Argument.withDescription("As `assets backfills` lists it"))

const concurrency = atLeastOne("concurrency", "Steps that compute at the same time (ASSETS_CONCURRENCY, else 4)").pipe(
  Flag.optional
)

const onwards = {
  id: backfillId,
  concurrency: atLeastOne("concurrency", "Steps that compute at the same time (default: as it was requested)").pipe(
    Flag.optional
  )
}

/** One name for all of it: the first word tells a selection, the id of a backfill and what to do about one apart. */
export const backfill = Command.make(
  "backfill",
  {
    selection: Argument.String("selection").pipe(
      Argument.withDescription(
        "Assets, as materialize takes them (one called pause: 0+pause); or the id of a backfill, to show it"
      ),
      Argument.variadic()
    ),
    ...range,
    partitions: text("partitions", "EXPR", "Only these: 2026-01, a..b, 'day=2026-01 region=eu'"),
    missing: toggle("missing", "Only what was never published"),
    stale: toggle("stale", "What is not Current (the default)"),
    all: toggle("all", "Whether Current or not; frozen partitions are left out"),
    ranges: toggle("ranges", "Refuse assets whose steps take one partition each"),
    concurrency
  },
  ({ all, concurrency, from, missing, partitions, ranges, selection, stale, to }) =>
    backfilling((actions, told) =>
      actions.backfill(told, {
        selection,
        from: Option.getOrUndefined(from),
        to: Option.getOrUndefined(to),
        partitions: Option.getOrUndefined(partitions),
        concurrency: Option.getOrNull(concurrency),
        which: { missing, stale, all },
        ranges
      })
    )
).pipe(
  Command.withDescription(
    "Bring many partitions up to date, in a way that can be paused and resumed; assets without partitions as usual"
  ),
  Command.withExamples([
    { command: "assets backfill +report --from 2026-01-01 --to 2026-01-31", description: "January, and what it needs" },
    { command: "assets backfill sales --partitions 2025 --missing", description: "Gaps of a year" },
    { command: "assets backfill retry ID", description: "What failed, and what was skipped because of it" }
  ]),
  Command.withSubcommands([
    Command.make("pause", { id: backfillId }, ({ id }) =>
      backfilling((actions, told) => actions.stop(told, id, "pause"))
    ).pipe(Command.withDescription("Stop a backfill for now; its process notices within a second")),
    Command.make("resume", onwards, ({ concurrency, id }) =>
      backfilling((actions, told) => actions.resume(told, id, "resume", Option.getOrNull(concurrency)))
    ).pipe(Command.withDescription("Go on with one that was paused or interrupted: with all that is not done")),
    Command.make("cancel", { id: backfillId }, ({ id }) =>
      backfilling((actions, told) => actions.stop(told, id, "cancel"))
    ).pipe(Command.withDescription("Stop a backfill for good; what was published stays")),
    Command.make("retry", onwards, ({ concurrency, id }) =>
      backfilling((actions, told) => actions.resume(told, id, "retry", Option.getOrNull(concurrency)))
    ).pipe(Command.withDescription("Try again what failed of one that ended, and what was skipped because of it"))
  ])
)

export const backfills = Command.make(
  "backfills",
  { limit: atLeastOne("limit", "The newest so many (default: 20)").pipe(Flag.withDefault(20)) },
  ({ limit }) => backfilling((actions, told) => actions.list(told, limit))
).pipe(Command.withDescription("List backfills and how far they are, newest first"))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

function backfilling<A, E, R>(
  act: (actions: typeof import("./BackfillActions.ts"), invocation: Invocation) => Effect.Effect<A, E, R>
) {
  return Effect.flatMap(
    Effect.all([Effect.promise(() => import("./BackfillActions.ts")), invocation]),
    ([module, told]) => act(module, told)
  )
}
