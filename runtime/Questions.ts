/**
 * The commands that only ask: what there is, what state it is in and why, what would be done, what was done.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as AssetGraph from "./AssetGraph.ts"
import * as Event from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import * as GraphReport from "./GraphReport.ts"
import { answer, definitions, type Invocation, plan as planned, selected, subject } from "./Invocation.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import { PlanError } from "./PlanError.ts"
import * as PlanReport from "./PlanReport.ts"
import * as Project from "./Project.ts"
import * as Report from "./Report.ts"
import * as RunHistory from "./RunHistory.ts"
import * as Scope from "./Scope.ts"
import * as Staleness from "./Staleness.ts"
import * as StatusReport from "./StatusReport.ts"
import * as WhyReport from "./WhyReport.ts"

export const list = Effect.fn("Questions.list")(function* (invocation: Invocation, selection: ReadonlyArray<string>) {
  const { graph } = yield* definitions(invocation)
  const keys = yield* selected(graph, selection)
  yield* answer(invocation, Array.from(keys), (medium) => {
    if (!medium.animated) return Array.from(keys)
    const { nodes } = GraphReport.make(graph, keys)
    return Report.table(
      [{ title: "asset" }, { title: "partitions" }, { title: "value" }, { title: "description", gives: true }],
      nodes.map((node) => [
        node.key,
        node.partitioned ? "daily" : "",
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
  const { graph } = yield* definitions(invocation)
  const report = GraphReport.make(graph, yield* selected(graph, selection))
  yield* Console.log(GraphReport.render(report, invocation.json ? "json" : format))
})

/** With `check`, exit code 3 when there is something to do. */
export const plan = Effect.fn("Questions.plan")(function* (
  invocation: Invocation,
  request: Plan.Request,
  { check }: { readonly check: boolean }
) {
  const project = yield* definitions(invocation)
  const plan = yield* planned(project.graph, request).pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, PlanReport.toJson(plan), () => PlanReport.explain(plan))
  if (check && plan.blocks.length > 0) yield* ExitCode.end(ExitCode.pending)
})

export const status = Effect.fn("Questions.status")(function* (
  invocation: Invocation,
  selection: ReadonlyArray<string>,
  each: "asset" | "partition"
) {
  const project = yield* definitions(invocation)
  const keys = yield* selected(project.graph, selection)
  const found = yield* subject(project).pipe(Effect.provide(Project.services(project)))
  const rows = StatusReport.make(found, keys, each)
  yield* answer(invocation, rows, (medium, now) => StatusReport.toText(rows, now, medium))
})

export const why = Effect.fn("Questions.why")(function* (
  invocation: Invocation,
  asset: string,
  partition: string | null
) {
  const project = yield* definitions(invocation)
  if (!project.graph.nodes.has(asset)) {
    yield* selected(project.graph, [asset])
    return yield* new ExitCode.UsageError({ message: `why explains one asset; "${asset}" is a selection` })
  }
  const found = yield* subject(project).pipe(Effect.provide(Project.services(project)))
  if (partition !== null) yield* hasPartition(project.graph, found, { asset, partition })
  const report = WhyReport.make(found, { asset, partition })
  yield* answer(invocation, report, (_, now) => WhyReport.toText(report, found, now))
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
  if (!Scope.isPartitioned(declared)) return yield* new PlanError({ problem: { _tag: "NotPartitioned" } })
  const { partitions } = declared
  if (!Partition.isKey(partitions, partition)) {
    const partitioning = Partition.describe(partitions)
    return yield* new PlanError({ problem: { _tag: "BadPartition", asset, key: partition, partitioning } })
  }
  if (Staleness.get(assessments, ref) !== undefined) return
  const problem = Scope.problemOf(declared, assessments, partition)
  if (problem !== undefined) return yield* new PlanError({ problem })
})
