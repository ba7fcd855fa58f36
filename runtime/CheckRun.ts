/**
 * The checks of published values, run on their own and recorded.
 *
 * Nothing is computed or published; values that are about to be published are checked by `Attempt`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Asset from "./Asset.ts"
import type * as AssetCheck from "./AssetCheck.ts"
import * as Catalog from "./Catalog.ts"
import type * as Definitions from "./Definitions.ts"
import { type Failure, failureOf, type Of } from "./Event.ts"
import * as EventLine from "./EventLine.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Partition from "./Partition.ts"
import * as Report from "./Report.ts"
import * as Resources from "./Resources.ts"
import * as RunRecord from "./RunRecord.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Timestamp from "./Timestamp.ts"

/** A check that could not say anything about a value, or of a value that could not be read (`check` is null). */
export interface Unable extends Partition.Ref {
  readonly check: string | null
  readonly error: Failure
}

export interface CheckRun {
  /** `null` when there was nothing to check. */
  readonly runId: string | null
  readonly results: ReadonlyArray<Of<"CheckPassed" | "CheckFailed">>
  readonly unable: ReadonlyArray<Unable>
  /** Selected assets that have checks and no published value. */
  readonly unpublished: ReadonlyArray<string>
}

/** Checks every published slice of the selected assets. */
export const run = Effect.fn("CheckRun.run")(function* (
  definitions: Definitions.Definitions,
  selection: ReadonlyArray<string>,
  selected: ReadonlySet<string>
) {
  const log = yield* EventLog.EventLog
  const catalog = yield* log.catalog
  const assets = Array.from(selected, (key) => definitions.graph.nodes.get(key)!.asset).filter(
    (asset) => asset.checks.length > 0
  )
  const slices = assets.flatMap((asset) =>
    Array.from(Catalog.slices(catalog, asset.key).values(), (state) => ({ asset, state }))
  )
  const unpublished = assets.map(({ key }) => key).filter((key) => Catalog.slices(catalog, key).size === 0)
  if (slices.length === 0) return { runId: null, results: [], unable: [], unpublished } satisfies CheckRun

  const options = { trigger: "check", selection, steps: slices.length, failure: refusal, observe: () => Effect.void }
  return yield* RunRecord.traced((root) =>
    Effect.gen(function* () {
      const resources = yield* Resources.build(definitions)
      const found = yield* RunRecord.recorded(root, options, (work) =>
        Effect.map(
          Effect.provideContext(
            Effect.forEach(slices, ({ asset, state }) => judge(work, asset, state)),
            resources
          ),
          (found) => ({
            results: found.flatMap(({ results }) => results),
            unable: found.flatMap(({ unable }) => unable)
          })
        )
      )
      const checked: CheckRun = { runId: root.runId, ...found, unpublished }
      return checked
    }).pipe(Effect.scoped)
  )
})

export const exitCode = ({ results, unable }: Pick<CheckRun, "results" | "unable">): number =>
  unable.length > 0 ? ExitCode.failed : results.some(isBlocking) ? ExitCode.blocked : ExitCode.done

export const toText = (
  { results, runId, unable, unpublished }: CheckRun,
  style: Report.Style
): ReadonlyArray<string> => [
  ...results.map((event) => {
    const mark =
      event._tag === "CheckPassed" ? style.green("+") : isBlocking(event) ? style.red("x") : style.yellow("!")
    return `${mark} ${Partition.show(event)}: ${EventLine.show(event)}`
  }),
  ...unable.map(
    (entry) =>
      `${style.red("x")} ${Partition.show(entry)}: ${entry.check === null ? "its value" : `check "${entry.check}"`} could not be ${
        entry.check === null ? "read" : "run"
      }: ${EventLine.showFailure(entry.error)}`
  ),
  ...unpublished.map((asset) => `${style.dim("-")} ${asset}: never materialized, nothing to check`),
  ...(runId === null && unpublished.length === 0 ? ["Nothing that is selected has checks"] : [])
]

/** What `check --json` prints. */
export const toJson = ({ results, runId, unable, unpublished }: CheckRun) => ({
  runId,
  checks: results.map((event) => ({
    asset: event.asset,
    partition: event.partition,
    check: event.check,
    blocking: event.blocking,
    passed: event._tag === "CheckPassed",
    reason: event._tag === "CheckPassed" ? null : event.reason,
    metadata: event.metadata
  })),
  unable,
  unpublished
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isBlocking = (event: Of<"CheckPassed" | "CheckFailed">) => event._tag === "CheckFailed" && event.blocking

const refusal = (found: Pick<CheckRun, "results" | "unable">): Failure | undefined => {
  const [unable] = found.unable
  if (unable !== undefined) return unable.error
  const failed = found.results.filter(isBlocking)
  if (failed.length === 0) return undefined
  const names = failed.map((event) => `"${event.check}" of ${Partition.show(event)}`).join(", ")
  return { _tag: "BlockingCheckFailed", message: `${Report.count(failed.length, "blocking check")} failed: ${names}` }
}

const judge = Effect.fnUntraced(function* (work: RunRecord.Work, asset: Asset.Any, state: Catalog.AssetState) {
  const results: Array<Of<"CheckPassed" | "CheckFailed">> = []
  const unable: Array<Unable> = []
  const ref = { asset: asset.key, partition: state.partition }
  const candidate = yield* Effect.exit(published(asset, state))
  if (Exit.isFailure(candidate)) {
    unable.push({ ...ref, check: null, error: failureOf(candidate.cause) })
    return { results, unable }
  }
  for (const check of asset.checks) {
    const verdict = yield* Effect.exit(Telemetry.check(check.name)(erased(check.run(candidate.value as never))))
    if (Exit.isFailure(verdict)) {
      unable.push({ ...ref, check: check.name, error: failureOf(verdict.cause) })
      continue
    }
    const event = judgement(check, verdict.value, { at: yield* Timestamp.now, runId: work.runId, ...ref, state })
    yield* work.record(event)
    results.push(event)
  }
  return { results, unable }
})

const judgement = (
  check: AssetCheck.Any,
  result: AssetCheck.Result,
  {
    state,
    ...step
  }: Partition.Ref & { readonly at: string; readonly runId: string; readonly state: Catalog.AssetState }
): Of<"CheckPassed" | "CheckFailed"> => {
  const { blocking, name, severity } = check
  const fact = { ...step, check: name, blocking, dataVersion: state.dataVersion, metadata: result.metadata }
  return result._tag === "Passed"
    ? { _tag: "CheckPassed", ...fact }
    : { _tag: "CheckFailed", ...fact, severity, accepted: false, reason: result.reason }
}

const published = (asset: Asset.Any, { dataVersion, partition }: Catalog.AssetState) =>
  Effect.flatMap(Asset.store(asset), (store) => store.published({ asset: asset.key, partition, version: dataVersion }))

// What a check needs is erased here; the project's resources and the runtime's services have it.
const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as unknown as Effect.Effect<A, E>
