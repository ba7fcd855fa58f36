/**
 * The commands that only ask: what there is, what state it is in and why, what would be done, what was done.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as AssetGraph from "./AssetGraph.ts"
import * as AssetReport from "./AssetReport.ts"
import * as Event from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import * as GraphReport from "./GraphReport.ts"
import {
  answer,
  concurrency,
  declarations,
  definitions,
  forecast,
  type Invocation,
  plan as planned,
  recorded,
  selected,
  tellUnmatched
} from "./Invocation.ts"
import * as KeySpan from "./KeySpan.ts"
import type * as Plan from "./Plan.ts"
import { PlanError } from "./PlanError.ts"
import * as PlanReport from "./PlanReport.ts"
import * as Project from "./Project.ts"
import * as Report from "./Report.ts"
import * as RunHistory from "./RunHistory.ts"
import * as Scope from "./Scope.ts"
import * as Staleness from "./Staleness.ts"
import * as Selection from "./Selection.ts"
import * as StatusReport from "./StatusReport.ts"
import * as WhyReport from "./WhyReport.ts"

export const list = Effect.fn("Questions.list")(function* (invocation: Invocation, selection: ReadonlyArray<string>) {
  const project = yield* declarations(invocation)
  const { graph } = project
  const keys = yield* selected(invocation, project, selection, Effect.flatMap(definitions(invocation), recorded))
  yield* answer(invocation, Array.from(keys), (medium) => {
    if (!medium.animated) return Array.from(keys)
    const { nodes } = GraphReport.make(graph, keys)
    return Report.table(
      [{ title: "asset" }, { title: "partitions" }, { title: "value" }, { title: "description", gives: true }],
      nodes.map((node) => [
        node.key,
        node.partitions ?? "",
        node.location,
        (node.description ?? "").replaceAll(/\s+/g, " ")
      ]),
      medium
    )
  })
})

export const graph = Effect.fn("Questions.graph")(function* (
  invocation: Invocation,
  selection: ReadonlyArray<string>,
  format: GraphReport.Format
) {
  const project = yield* declarations(invocation)
  const keys = yield* selected(invocation, project, selection, Effect.flatMap(definitions(invocation), recorded))
  const report = GraphReport.make(project.graph, keys)
  yield* Console.log(GraphReport.render(report, invocation.json ? "json" : format))
})

/** With `check`, exit code 3 when there is something to do. */
export const plan = Effect.fn("Questions.plan")(function* (
  invocation: Invocation,
  request: Plan.Request,
  { check, steps }: { readonly check: boolean; readonly steps: number | undefined }
) {
  const project = yield* definitions(invocation)
  const atATime = steps ?? (yield* concurrency)
  const { foreseen, plan } = yield* Effect.gen(function* () {
    const plan = yield* planned(project.graph, request)
    return { plan, foreseen: yield* forecast(project.graph, plan, atATime) }
  }).pipe(Effect.provide(Project.services(project)))
  yield* tellUnmatched(invocation, plan)
  // People are told of blocks: of millions of single steps only programs want to know.
  const document = invocation.json ? PlanReport.toJson(plan, foreseen) : undefined
  yield* answer(invocation, document, (medium) => PlanReport.toText(plan, foreseen, medium))
  if (check && plan.blocks.length > 0) yield* ExitCode.end(ExitCode.pending)
})

export const status = Effect.fn("Questions.status")(function* (
  invocation: Invocation,
  selection: ReadonlyArray<string>,
  each: "asset" | "partition"
) {
  const project = yield* definitions(invocation)
  const subject = yield* Effect.cached(recorded(project))
  const keys = yield* selected(invocation, project, selection, subject)
  const found = yield* subject
  const rows = StatusReport.make(found, keys, each)
  yield* answer(invocation, rows, (medium, now) => StatusReport.toText(rows, now, medium))
})

export const why = Effect.fn("Questions.why")(function* (
  invocation: Invocation,
  asset: string,
  partition: string | null
) {
  const project = yield* definitions(invocation)
  yield* isOneAsset("why explains", project.graph, asset)
  const found = yield* recorded(project)
  if (partition !== null) yield* hasPartition(project.graph, found, { asset, partition })
  const report = WhyReport.make(found, { asset, partition })
  yield* answer(invocation, report, (_, now) => WhyReport.toText(report, found, now))
})

/** As declared: the database is not asked. */
export const describe = Effect.fn("Questions.describe")(function* (invocation: Invocation, asset: string) {
  const { graph } = yield* declarations(invocation)
  yield* isOneAsset("describe tells of", graph, asset)
  const report = AssetReport.make(graph, asset)
  yield* answer(invocation, report, (medium) => AssetReport.toText(report, medium))
})

export const runs = Effect.fn("Questions.runs")(function* (invocation: Invocation, limit: number) {
  const runs = yield* EventLog.EventLog.use((log) => log.runs(limit)).pipe(Effect.provide(Project.services(undefined)))
  yield* answer(invocation, RunHistory.toJson(runs), (medium, now) => RunHistory.toText(runs, now, medium))
})

export const run = Effect.fn("Questions.run")(function* (invocation: Invocation, id: string) {
  const { events, run } = yield* history(id)
  yield* answer(invocation, RunHistory.historyToJson(run), (medium) => RunHistory.historyToText(run, events, medium))
})

/** Programs get one event a line. */
export const logs = Effect.fn("Questions.logs")(function* (invocation: Invocation, id: string) {
  const events = (yield* history(id)).events.map(({ event }) => event)
  const lines = invocation.json
    ? events.map((event) => JSON.stringify(Event.encode(event)))
    : RunHistory.logsToText(events)
  yield* Console.log(lines.join("\n"))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isOneAsset = Effect.fnUntraced(function* (does: string, graph: AssetGraph.AssetGraph, asset: string) {
  if (graph.nodes.has(asset)) return
  if (!Selection.needsFacts([asset])) yield* Effect.fromResult(Selection.resolve(graph, [asset]))
  return yield* new ExitCode.UsageError({ message: `${does} one asset; "${asset}" is a selection` })
})

const history = (id: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const run = yield* log.run(id)
    if (Option.isNone(run)) return yield* new RunHistory.UnknownRun({ id })
    return { run: run.value, events: yield* log.events(id) }
  }).pipe(Effect.provide(Project.services(undefined)))

/** Refuses a partition that does not exist, in the planner's words. */
const hasPartition = Effect.fnUntraced(function* (
  graph: AssetGraph.AssetGraph,
  { assessments }: StatusReport.Subject,
  ref: { readonly asset: string; readonly partition: string }
) {
  const { asset, partition } = ref
  const declared = graph.nodes.get(asset)!.asset
  if (!KeySpan.isPartitioned(declared)) return yield* new PlanError({ problem: { _tag: "NotPartitioned" } })
  yield* Effect.fromResult(KeySpan.make(assessments.lineage, [declared], { partition }))
  if (Staleness.get(assessments, ref) !== undefined) return
  const problem = Scope.problemOf(declared, assessments, partition)
  if (problem !== undefined) return yield* new PlanError({ problem })
})
