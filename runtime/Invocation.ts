/**
 * What every command is told, what it starts from, and how it answers: one JSON document for programs, text for people.
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as AssetGraph from "./AssetGraph.ts"
import type * as Catalog from "./Catalog.ts"
import * as CheckHistory from "./CheckHistory.ts"
import * as CodeHistory from "./CodeHistory.ts"
import type * as Definitions from "./Definitions.ts"
import * as ConfigDigests from "./ConfigDigests.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Forecast from "./Forecast.ts"
import * as LastAttempt from "./LastAttempt.ts"
import * as Plan from "./Plan.ts"
import * as Project from "./Project.ts"
import * as Report from "./Report.ts"
import * as Selection from "./Selection.ts"
import * as SelectionFacts from "./SelectionFacts.ts"
import * as Staleness from "./Staleness.ts"
import type { Subject } from "./StatusReport.ts"

export interface Invocation {
  readonly json: boolean
  /** The definitions, as a path from the working directory. */
  readonly file: string
}

export const definitions = (invocation: Invocation) => Project.load(invocation.file)

/** Without computed code versions: for commands that do not look at versions. */
export const declarations = (invocation: Invocation) => Project.declarations(invocation.file)

/** What is selected. `subject` is only asked when the selection is about what is recorded. */
export const selected = Effect.fnUntraced(function* <E, R>(
  invocation: Invocation,
  { graph }: Definitions.Definitions,
  selection: ReadonlyArray<string>,
  subject: Effect.Effect<Subject, E, R>
) {
  const facts = Selection.needsFacts(selection) ? SelectionFacts.make((yield* subject).assessments) : undefined
  const { keys, unmatched } = yield* Effect.fromResult(Selection.evaluate(graph, selection, facts))
  yield* tellUnmatched(invocation, { unmatched, assets: keys.size })
  return keys
})

/** That a part of a selection matches nothing is no mistake, but worth knowing. */
export const tellUnmatched = Effect.fnUntraced(function* (
  { json }: Invocation,
  { assets, unmatched }: Pick<Plan.Plan, "assets" | "unmatched">
) {
  for (const part of unmatched) {
    const message = Selection.showUnmatched(part)
    yield* Console.error(json ? JSON.stringify({ _tag: "NothingMatched", message, ...part }) : message)
  }
  if (assets === 0 && !json) yield* Console.error("no asset is selected")
})

/** Everything that is recorded of a project now, judged. */
export const subject = Effect.fnUntraced(function* ({ graph }: Definitions.Definitions) {
  const log = yield* EventLog.EventLog
  const asked = [log.catalog, log.checks.failed, log.unpublished] as const
  const [stored, failed, unpublished] = yield* Effect.all(asked, { concurrency: asked.length })
  const catalog = yield* inForce(graph, stored)
  const assessments = Staleness.assess(graph, catalog, yield* Clock.currentTimeMillis)
  // What is no longer declared is no longer judged; what another process published meanwhile has results of its own.
  const failedChecks = failed.filter(
    (event) =>
      CheckHistory.isInForce(catalog, event) &&
      graph.nodes.get(event.asset)?.asset.checks.some(({ name }) => name === event.check)
  )
  const lastAttempts = LastAttempt.make(assessments.lineage, catalog, unpublished)
  const subject: Subject = { graph, catalog, assessments, failedChecks, lastAttempts }
  return subject
})

/** With the settings in force, and of code that has changed since what it was. */
const inForce = (graph: AssetGraph.AssetGraph, stored: Catalog.Catalog) =>
  Effect.flatMap(ConfigDigests.inForce(stored), (catalog) => CodeHistory.known(graph, catalog))

/** Likewise, for a command that asks nothing else of the database. */
export const recorded = (project: Definitions.Definitions) =>
  subject(project).pipe(Effect.provide(Project.services(project)))

/** What a request comes to by what is recorded now. */
export const plan = Effect.fn("Invocation.plan")(function* (graph: AssetGraph.AssetGraph, request: Plan.Request) {
  const log = yield* EventLog.EventLog
  const catalog = yield* inForce(graph, yield* log.catalog)
  return yield* Effect.fromResult(Plan.make(graph, catalog, request, yield* Clock.currentTimeMillis))
})

/** `ASSETS_CONCURRENCY`: steps that compute at the same time, at least 1. Default: 4. */
export const concurrency = Config.Int("ASSETS_CONCURRENCY").pipe(
  Config.withDefault(4),
  Effect.filterOrFail(
    (steps) => steps >= 1,
    (steps) => new ExitCode.UsageError({ message: `ASSETS_CONCURRENCY is ${steps}; it must be at least 1` })
  )
)

/** What a plan comes to with so many steps at a time, by how long its assets took before. */
export const forecast = Effect.fn("Invocation.forecast")(function* (
  graph: AssetGraph.AssetGraph,
  plan: Plan.Plan,
  concurrency: number
) {
  const log = yield* EventLog.EventLog
  const assets = new Set(plan.blocks.map(({ asset }) => asset))
  const durations = assets.size === 0 ? new Map<string, number>() : yield* log.durations(Array.from(assets))
  return Forecast.make(graph, plan, { durations, concurrency })
})

/** `text` gets the time in milliseconds since the epoch. */
export const answer = Effect.fnUntraced(function* (
  { json }: Invocation,
  document: unknown,
  text: (medium: Report.Medium, now: number) => ReadonlyArray<string>
) {
  if (json) return yield* Console.log(JSON.stringify(document))
  const lines = text(yield* Report.medium, yield* Clock.currentTimeMillis)
  if (lines.length > 0) yield* Console.log(lines.join("\n"))
})
