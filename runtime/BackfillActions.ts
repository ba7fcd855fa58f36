/**
 * The commands about backfills: requested and carried out, looked at, stopped and taken up again.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Actions from "./Actions.ts"
import type * as Asset from "./Asset.ts"
import * as Backfill from "./Backfill.ts"
import * as BackfillLog from "./BackfillLog.ts"
import { BackfillProgress } from "./BackfillProgress.ts"
import * as BackfillReport from "./BackfillReport.ts"
import * as BackfillRun from "./BackfillRun.ts"
import type * as Definitions from "./Definitions.ts"
import * as Event from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import { answer, concurrency, definitions, type Invocation, recorded, selected, tellUnmatched } from "./Invocation.ts"
import { Lineage } from "./Lineage.ts"
import * as LiveRun from "./LiveRun.ts"
import * as Partition from "./Partition.ts"
import * as Project from "./Project.ts"
import * as Ranges from "./Ranges.ts"
import * as Screen from "./Screen.ts"

/** The command line of `backfill`, as it was written. */
export interface Line extends Omit<Backfill.Asked, "which"> {
  readonly which: { readonly missing: boolean; readonly stale: boolean; readonly all: boolean }
  readonly ranges: boolean
}

/**
 * Requests a backfill and carries it out; or shows the one whose id is the only word. Ids begin with a digit, which no
 * selection of a single word does.
 */
export const backfill = Effect.fn("BackfillActions.backfill")(function* (invocation: Invocation, line: Line) {
  const { ranges, which, ...asked } = line
  const chosen = Object.entries(whiches).filter(([flag]) => which[flag as keyof typeof whiches])
  if (chosen.length > 1) {
    const flags = chosen.map(([flag]) => `--${flag}`).join(" and ")
    return yield* new ExitCode.UsageError({ message: `${flags} do not go together: say one` })
  }
  const [word, ...others] = asked.selection
  if (word === undefined) {
    return yield* new ExitCode.UsageError({ message: "backfill needs a selection; '*' stands for everything" })
  }
  if (isId(word)) {
    const flags = [asked.from, asked.to, asked.partitions, asked.concurrency].some((value) => value != null)
    if (others.length === 0 && !flags && chosen.length === 0 && !ranges) return yield* show(invocation, word)
    return yield* new ExitCode.UsageError({
      message: `${word} is the id of a backfill, to which nothing can be added; \`assets backfill ${word}\` shows it`
    })
  }
  const project = yield* definitions(invocation)
  if (ranges) yield* takesRanges(project, yield* selected(invocation, project, asked.selection, recorded(project)))
  const request: Backfill.Asked = { ...asked, which: chosen[0]?.[1] ?? "Stale" }
  yield* carriedOut(invocation, project, (options) => BackfillRun.start(project, request, options))
})

export const resume = Effect.fn("BackfillActions.resume")(function* (
  invocation: Invocation,
  id: string,
  action: "resume" | "retry",
  concurrency: number | null
) {
  const project = yield* definitions(invocation)
  yield* carriedOut(invocation, project, (options) => BackfillRun.resume(project, { id, action, concurrency }, options))
})

export const stop = Effect.fn("BackfillActions.stop")(function* (
  invocation: Invocation,
  id: string,
  action: "pause" | "cancel"
) {
  yield* BackfillRun.stop(id, action).pipe(Effect.provide(Project.services(undefined)))
  const status = action === "pause" ? "Paused" : "Canceled"
  yield* answer(invocation, { id, status }, () => [
    status === "Paused" ? `Paused; to go on: assets backfill resume ${id}` : "Canceled; what was published stays"
  ])
})

export const show = Effect.fn("BackfillActions.show")(function* (invocation: Invocation, id: string) {
  const project = yield* definitions(invocation)
  const { history, tally } = yield* Effect.gen(function* () {
    const history = yield* BackfillRun.find(id)
    const log = yield* EventLog.EventLog
    const backfills = yield* BackfillLog.BackfillLog
    const moment = new Partition.Moment(yield* Clock.currentTimeMillis, yield* log.partitions)
    const lineage = new Lineage(project.graph, moment)
    return { history, tally: new Backfill.Tally(lineage, history, yield* backfills.outcomes(id)) }
  }).pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, BackfillReport.oneToJson(history, tally), (medium) =>
    BackfillReport.oneToText(history, tally, medium)
  )
})

export const list = Effect.fn("BackfillActions.list")(function* (invocation: Invocation, limit: number) {
  const found = yield* BackfillLog.BackfillLog.use((log) => log.backfills(limit)).pipe(
    Effect.provide(Project.services(undefined))
  )
  yield* answer(invocation, BackfillReport.toJson(found), (medium, now) => BackfillReport.toText(found, now, medium))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isId = (word: string): boolean => /^[0-9][0-9a-z]*$/.test(word)

const whiches = { missing: "Missing", stale: "Stale", all: "All" } as const

/** Refuses assets whose steps take one partition each, with the reason of each; those without partitions have none. */
const takesRanges = ({ graph }: Definitions.Definitions, keys: ReadonlySet<string>) => {
  const refused = Array.from(keys).flatMap((key) => {
    const reason = refusalOfRanges(graph.nodes.get(key)!.asset)
    return reason === undefined ? [] : [`${key}: ${reason}`]
  })
  return refused.length === 0
    ? Effect.void
    : Effect.fail(new ExitCode.UsageError({ message: `--ranges: ${refused.join("; ")}` }))
}

/** Assets without partitions are planned as usual. */
const refusalOfRanges = (asset: Asset.Any) => (asset.partitions === undefined ? undefined : Ranges.refusal(asset))

/** Shows a backfill while it is carried out, says how to go on with it, and ends with its exit code. */
const carriedOut = Effect.fnUntraced(function* <E>(
  invocation: Invocation,
  project: Definitions.Definitions,
  carryOut: (options: BackfillRun.Options) => Effect.Effect<BackfillRun.Outcome, E, any>
) {
  const { ended, observe, planned } = yield* invocation.json ? watchedByPrograms : watchedByPeople(project)
  const carried = carryOut({
    concurrency: yield* concurrency,
    planned: (plan) => Effect.andThen(tellUnmatched(invocation, plan), planned(plan)),
    observe
  })
  const outcome = yield* Effect.onExit(carried, ended).pipe(Actions.erased, Effect.provide(Project.services(project)))
  if (outcome._tag === "Stopped") return yield* ExitCode.end(ExitCode.interrupted)
  if (outcome._tag === "Ended") yield* ExitCode.end(ExitCode.ofFailures(outcome.run.failures))
})

type Watching = Omit<BackfillRun.Options, "concurrency"> & {
  readonly ended: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

/** One event a line, the last of which is of the backfill unless there was nothing to do. */
const watchedByPrograms: Effect.Effect<Watching> = Effect.map(LiveRun.forPrograms, (watcher) => ({
  ...watcher,
  observe: (event) => (Event.isOfBackfill(event) ? Console.log(JSON.stringify(event)) : watcher.observe(event))
}))

const watchedByPeople = Effect.fnUntraced(function* ({ graph }: Definitions.Definitions) {
  const screen = yield* Screen.standard
  const watcher = yield* LiveRun.forPeople(
    screen,
    (plan) => {
      const lineage = new Lineage(graph, new Partition.Moment(plan.at, plan.dynamic))
      return Effect.succeed(new BackfillProgress(plan, lineage, screen.medium.style))
    },
    "`assets backfills` shows how to go on."
  )
  const watching: Watching = {
    ...watcher,
    observe: (event) =>
      Event.isOfBackfill(event) ? screen.print(told(event._tag, event.backfill)) : watcher.observe(event)
  }
  return watching
})

const told = (tag: Event.Event["_tag"], id: string): ReadonlyArray<string> => {
  switch (tag) {
    case "BackfillRequested":
      return [`Backfill ${id}`]
    case "BackfillResumed":
      return [`Backfill ${id} goes on`]
    case "BackfillPaused":
      return [`Paused; to go on: assets backfill resume ${id}`]
    case "BackfillFailed":
      return [`To try again what failed: assets backfill retry ${id}`]
    case "BackfillCanceled":
      return ["Canceled; what was published stays"]
    default:
      return []
  }
}
