/**
 * The commands that do something, or that look whether everything is in order.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as CheckRun from "./CheckRun.ts"
import * as Confirmation from "./Confirmation.ts"
import type * as Definitions from "./Definitions.ts"
import * as Doctor from "./Doctor.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import {
  answer,
  concurrency,
  declarations,
  definitions,
  forecast,
  type Invocation,
  recorded,
  selected,
  tellUnmatched
} from "./Invocation.ts"
import * as KeySpan from "./KeySpan.ts"
import { Lineage } from "./Lineage.ts"
import * as LiveRun from "./LiveRun.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import { Progress } from "./Progress.ts"
import * as Project from "./Project.ts"
import * as Report from "./Report.ts"
import type * as Runtime from "./Runtime.ts"
import * as Screen from "./Screen.ts"
import * as WipeRun from "./WipeRun.ts"

/** The types of a project that is loaded at run time are not known; what its assets ask for, it or the runtime has. */
export const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as Effect.Effect<A, E, Runtime.Services>

export const materialize = Effect.fn("Actions.materialize")(function* (
  invocation: Invocation,
  request: Plan.Request,
  steps: number | undefined,
  trigger = "materialize"
) {
  const project = yield* definitions(invocation)
  const atATime = steps ?? (yield* concurrency)
  const watcher = invocation.json ? yield* LiveRun.forPrograms : yield* watchedByPeople(project, atATime)
  const planned = (plan: Plan.Plan) => Effect.andThen(tellUnmatched(invocation, plan), watcher.planned(plan))
  const options = { request, trigger, concurrency: atATime, watcher: { ...watcher, planned } }
  const outcome = yield* erased(LiveRun.materialize(project, options)).pipe(Effect.provide(Project.services(project)))
  yield* ExitCode.end(ExitCode.ofFailures(outcome.failures))
})

/** Looks at the external assets of a selection, whether their schedules say so or not. */
export const observe = Effect.fn("Actions.observe")(function* (
  invocation: Invocation,
  request: Plan.Request,
  steps: number | undefined
) {
  const project = yield* definitions(invocation)
  const { nodes } = project.graph
  const keys = yield* selected(invocation, project, request.selection, recorded(project))
  const observed = Array.from(keys).filter((key) => nodes.get(key)!.asset.external?.observe !== undefined)
  if (observed.length === 0) {
    const message = "nothing that is selected is observed: declare an asset with Asset.external and Asset.observe"
    return yield* new ExitCode.UsageError({ message })
  }
  yield* materialize(invocation, { ...request, selection: observed, recheck: true }, steps, "observe")
})

/** `only` names checks as `ASSET:CHECK`; without a selection their assets are the selection. */
export interface CheckRequest {
  readonly selection: ReadonlyArray<string>
  readonly only: ReadonlyArray<string>
  readonly named: KeySpan.Named
  /** Values that are judged at the same time. */
  readonly concurrency: number | undefined
}

export const check = Effect.fn("Actions.check")(function* (
  invocation: Invocation,
  { concurrency: values, named, only, selection }: CheckRequest
) {
  const project = yield* definitions(invocation)
  const checks = yield* Effect.forEach(only, (text) => Effect.fromResult(CheckRun.find(project.graph, text)))
  const asked = selection.length === 0 ? Array.from(new Set(checks.map(({ asset }) => asset))) : selection
  const keys = yield* selected(invocation, project, asked, recorded(project))
  const left = checks.find(({ asset }) => !keys.has(asset))
  if (left !== undefined) {
    return yield* new ExitCode.UsageError({
      message: `${left.asset}, whose check "${left.check}" is asked for, is not selected`
    })
  }
  const undivided = KeySpan.isNamed(named)
    ? checks.find((check) => !CheckRun.isOfPartition(project.graph, check))
    : undefined
  if (undivided !== undefined) {
    return yield* new ExitCode.UsageError({
      message: `the check "${undivided.check}" of ${undivided.asset} is of no single partition: ask for it without naming any`
    })
  }
  const atATime = values ?? (yield* concurrency)
  const screen = yield* Screen.standard
  const watch = invocation.json ? () => Effect.void : yield* Screen.counting(screen, "values judged")
  const checked = yield* erased(
    CheckRun.run(project, { selection: asked, selected: keys, named, only: checks, concurrency: atATime, watch })
  ).pipe(Effect.ensuring(screen.draw([])), Effect.provide(Project.services(project)))
  yield* answer(invocation, CheckRun.toJson(checked), (medium) => CheckRun.toText(checked, medium))
  yield* ExitCode.end(CheckRun.exitCode(checked))
})

/** Asks on a terminal; needs `yes` elsewhere. */
export const wipe = Effect.fn("Actions.wipe")(function* (
  invocation: Invocation,
  selection: ReadonlyArray<string>,
  named: KeySpan.Named,
  yes: boolean
) {
  const project = yield* definitions(invocation)
  if (selection.length === 0) {
    return yield* new ExitCode.UsageError({ message: "wipe needs a selection; '*' stands for everything" })
  }
  const keys = yield* selected(invocation, project, selection, recorded(project))
  const { nodes } = project.graph
  if (keys.size > 0 && Array.from(keys).every((key) => nodes.get(key)!.asset.external !== undefined)) {
    const message = `${Array.from(keys).join(", ")}: somebody else computes it, so it is not ours to wipe`
    return yield* new ExitCode.UsageError({ message })
  }
  const wiped = Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const catalog = yield* log.catalog
    const lineage = new Lineage(
      project.graph,
      new Partition.Moment(yield* Clock.currentTimeMillis, catalog.dynamic, catalog.removed)
    )
    const intent = yield* Effect.fromResult(WipeRun.intend(lineage, catalog, { selected: keys, named }))
    if (intent.refs.length === 0 || !(yes || (yield* confirm(invocation, intent)))) return { ...intent, runId: null }
    const runId = yield* WipeRun.run(project, selection, intent.refs, (ref) =>
      Console.error(`${Partition.show(ref)} is being computed; waiting for it`)
    )
    return { ...intent, runId }
  })
  const { names, refs, runId } = yield* wiped.pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, { runId, wiped: runId === null ? [] : refs }, () => [
    runId !== null
      ? `Wiped ${names} (run ${runId})`
      : refs.length === 0
        ? "Nothing that is selected is published"
        : "Nothing was wiped"
  ])
})

/** Without `out` the manifest is the answer. */
export const build = Effect.fn("Actions.build")(function* (invocation: Invocation, out: string | undefined) {
  const built = yield* Project.build(invocation.file)
  if (out === undefined) return yield* Console.log(JSON.stringify(built, null, 2))
  yield* Effect.try({
    try: () => {
      Fs.mkdirSync(Path.dirname(out), { recursive: true })
      Fs.writeFileSync(out, `${JSON.stringify(built, null, 2)}\n`)
    },
    catch: (cause) => new ExitCode.UsageError({ message: `${out} could not be written: ${String(cause)}` })
  })
  const count = Object.keys(built.assets).length
  yield* answer(invocation, { file: out, assets: count }, () => [
    `Wrote the code versions of ${Report.count(count, "asset")} to ${out}`
  ])
})

/** Reaching the database is what migrates it. */
export const migrate = Effect.fn("Actions.migrate")(function* (invocation: Invocation) {
  const project = yield* declarations(invocation)
  const applied = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const of = (owner: "runtime" | "project") =>
      sql<{ readonly name: string; readonly appliedAt: string }>`
        select lpad(migration_id::text, 4, '0') || '_' || name as name,
          to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "appliedAt"
        from ${sql(`assets.${owner}_migration`)} order by migration_id`
    return { runtime: yield* of("runtime"), project: project.migrations === undefined ? [] : yield* of("project") }
  })
  const found = yield* applied.pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, found, (medium, now) =>
    Report.table(
      [{ title: "of" }, { title: "migration" }, { title: "applied" }],
      (["runtime", "project"] as const).flatMap((owner) =>
        found[owner].map(({ appliedAt, name }) => [owner, name, Report.ago(appliedAt, now)])
      ),
      medium
    )
  )
})

export const doctor = Effect.fn("Actions.doctor")(function* (invocation: Invocation) {
  const findings = yield* Doctor.examine(invocation.file)
  yield* answer(invocation, { findings }, ({ style }) => Doctor.toText(findings, style))
  yield* ExitCode.end(Doctor.isWell(findings) ? ExitCode.done : ExitCode.failed)
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const confirm = (invocation: Invocation, { lost, names }: WipeRun.Intent) => {
  const warning = lost === undefined ? "" : `${lost} cannot be computed again, because the source forgets`
  return Confirmation.ask(invocation, {
    intent: `would wipe ${names}${warning && `; ${warning}`}`,
    question: `Remove what is published of ${names}?${warning && ` ${warning}.`}`
  })
}

const watchedByPeople = Effect.fnUntraced(function* ({ graph }: Definitions.Definitions, atATime: number) {
  const screen = yield* Screen.standard
  return yield* LiveRun.forPeople(
    screen,
    (plan) => Effect.map(forecast(graph, plan, atATime), (foreseen) => new Progress(plan, foreseen, screen.medium)),
    "Run `assets materialize` again to go on."
  )
})
