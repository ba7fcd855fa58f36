/**
 * The checks of published values, run on their own and recorded.
 *
 * Nothing is computed or published; values that are about to be published are checked by `Attempt`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Asset from "./Asset.ts"
import type * as AssetGraph from "./AssetGraph.ts"
import * as Catalog from "./Catalog.ts"
import type * as Definitions from "./Definitions.ts"
import { type Failure, failureOf, type Of } from "./Event.ts"
import * as EventLine from "./EventLine.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Judgement from "./Judgement.ts"
import * as KeySpan from "./KeySpan.ts"
import { Lineage } from "./Lineage.ts"
import * as MetadataReport from "./MetadataReport.ts"
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
  /** Selected assets that have checks and of which nothing is published that was asked for. */
  readonly unpublished: ReadonlyArray<string>
  /** Whether only some partitions were asked for. */
  readonly isNamed: boolean
}

/** A check of an asset by name. */
export interface Named {
  readonly asset: string
  readonly check: string
}

/** Which checks to run: all of the selected assets, or of those the named ones. */
export interface Request extends KeySpan.Choice {
  /** The expressions that selected the assets. */
  readonly selection: ReadonlyArray<string>
  readonly only: ReadonlyArray<Named>
  /** Values that are judged at the same time. */
  readonly concurrency: number
  /** Is told after each value how many of them are judged. */
  readonly watch: (judged: number, all: number) => Effect.Effect<void>
}

/** Reads `ASSET:CHECK`, which is split at the first colon, and finds the check. */
export const find = (graph: AssetGraph.AssetGraph, text: string): Result.Result<Named, ExitCode.UsageError> => {
  const at = text.indexOf(":")
  const refuse = (message: string) => Result.fail(new ExitCode.UsageError({ message }))
  if (at < 1) return refuse(`"${text}" does not name a check; write ASSET:CHECK`)
  const [asset, check] = [text.slice(0, at), text.slice(at + 1)]
  const node = graph.nodes.get(asset)
  if (node === undefined) return refuse(`there is no asset "${asset}", whose check "${check}" is asked for`)
  const names = node.asset.checks.map(({ name }) => name)
  if (names.includes(check)) return Result.succeed({ asset, check })
  return refuse(
    `${asset} has no check called "${check}"; ${names.length === 0 ? "it has none" : `it has ${names.map(quoted).join(", ")}`}`
  )
}

/** Whether a check judges one partition at a time. */
export const isOfPartition = ({ nodes }: AssetGraph.AssetGraph, { asset: key, check }: Named): boolean => {
  const { checks, partitions } = nodes.get(key)!.asset
  return partitions !== undefined && checks.some(({ name, over }) => name === check && over === "slice")
}

/**
 * Checks every published slice of the selected assets, and of those with checks over the whole all slices together; of
 * slices that are named just those.
 */
export const run = Effect.fn("CheckRun.run")(function* (definitions: Definitions.Definitions, request: Request) {
  const { graph } = definitions
  const { concurrency, selection, watch } = request
  const isNamed = KeySpan.isNamed(request.named)
  const log = yield* EventLog.EventLog
  const catalog = yield* log.catalog
  const moment = new Partition.Moment(yield* Clock.currentTimeMillis, catalog.dynamic, catalog.removed)
  const isMeant = yield* Effect.fromResult(KeySpan.published(new Lineage(graph, moment), catalog, request))
  const asked = yield* Effect.forEach(checksOf(graph, request), ({ asset, checks }) =>
    Effect.map(
      Effect.forEach(checks, (check) =>
        Effect.map(Judgement.make(check, { log, asset, moment }), (judge): Prepared => ({ check, judge }))
      ),
      (checks) => ({ asset, checks })
    )
  )
  const published = asked.map((entry) => ({ ...entry, cases: casesOf(entry, catalog).filter(isMeant) }))
  const cases = published.flatMap(({ cases }) => cases)
  const unpublished = published.flatMap(({ asset, cases }) => (cases.length === 0 ? [asset.key] : []))
  if (cases.length === 0) return { runId: null, results: [], unable: [], unpublished, isNamed } satisfies CheckRun

  const options = { trigger: "check", selection, steps: cases.length, failure: refusal, observe: () => Effect.void }
  let judged = 0
  return yield* RunRecord.traced((root) =>
    Effect.gen(function* () {
      const resources = yield* Resources.build(definitions)
      const found = yield* RunRecord.recorded(root, options, (work) =>
        Effect.forEach(
          cases,
          (one) => Effect.tap(judge(work, one), () => Effect.suspend(() => watch(++judged, cases.length))),
          { concurrency }
        ).pipe(
          Effect.provideContext(resources),
          Effect.map((found) => ({
            results: found.flatMap(({ results }) => results),
            unable: found.flatMap(({ unable }) => unable)
          }))
        )
      )
      const checked: CheckRun = { runId: root.runId, ...found, unpublished, isNamed }
      return checked
    }).pipe(Effect.scoped)
  )
})

export const exitCode = ({ results, unable }: Pick<CheckRun, "results" | "unable">): number =>
  unable.length > 0 ? ExitCode.failed : results.some(isBlocking) ? ExitCode.blocked : ExitCode.done

export const toText = (
  { isNamed, results, runId, unable, unpublished }: CheckRun,
  medium: Report.Medium
): ReadonlyArray<string> => {
  const { style } = medium
  return [
    ...Array.from(Map.groupBy(results, lineOf).values()).flatMap(([event, ...others]) => {
      if (event!._tag === "CheckFailed") {
        const mark = isBlocking(event!) ? style.red("x") : style.yellow("!")
        const found = MetadataReport.toText(event!.metadata, medium).map((line) => `    ${line}`)
        return [`${mark} ${Partition.show(event!)}: ${EventLine.show(event!)}`, ...found]
      }
      const [name, many] =
        others.length === 0
          ? [Partition.show(event!), ""]
          : [event!.asset, ` for ${Report.count(others.length + 1, "partition")}`]
      return [`${style.green("+")} ${name}: ${EventLine.show(event!)}${many}`]
    }),
    ...unable.map(
      (entry) =>
        `${style.red("x")} ${Partition.show(entry)}: ${entry.check === null ? "its value" : `check "${entry.check}"`} could not be ${
          entry.check === null ? "read" : "run"
        }: ${EventLine.showFailure(entry.error)}`
    ),
    ...unpublished.map(
      (asset) =>
        `${style.dim("-")} ${asset}: ${isNamed ? "none of these partitions was" : "never"} materialized, nothing to check`
    ),
    ...(runId === null && unpublished.length === 0
      ? [`Nothing that is selected has checks${isNamed ? " of single partitions" : ""}`]
      : [])
  ]
}

/** What `check --json` prints. */
export const toJson = ({ results, runId, unable, unpublished }: CheckRun) => ({
  runId,
  checks: results.map((event) => ({
    asset: event.asset,
    partition: event.partition,
    check: event.check,
    blocking: event.blocking,
    severity: event._tag === "CheckPassed" ? null : event.severity,
    dataVersion: event.dataVersion,
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

/** Passed results of a check are one line; each failed one is a line of its own. */
const lineOf = (event: Of<"CheckPassed" | "CheckFailed">): unknown =>
  event._tag === "CheckFailed" ? event : JSON.stringify([event.asset, event.check, event.partition === null])

const isBlocking = (event: Of<"CheckPassed" | "CheckFailed">) => event._tag === "CheckFailed" && event.blocking

const refusal = (found: Pick<CheckRun, "results" | "unable">): Failure | undefined => {
  const [unable] = found.unable
  if (unable !== undefined) return unable.error
  const failed = found.results.filter(isBlocking)
  if (failed.length === 0) return undefined
  const names = failed.map((event) => `"${event.check}" of ${Partition.show(event)}`).join(", ")
  return { _tag: "BlockingCheckFailed", message: `${Report.count(failed.length, "blocking check")} failed: ${names}` }
}

/** The assets that have checks which are asked for, and those. */
const checksOf = (graph: AssetGraph.AssetGraph, { named, only, selected }: Request) =>
  Array.from(selected, (key) => {
    const { asset } = graph.nodes.get(key)!
    const isAsked = ({ name: check }: Judgement.Check) =>
      (only.length === 0 || only.some((one) => one.asset === key && one.check === check)) &&
      (!KeySpan.isNamed(named) || isOfPartition(graph, { asset: key, check }))
    return { asset, checks: asset.checks.filter(isAsked) }
  }).filter(({ checks }) => checks.length > 0)

/** A published value, or all slices as one, and the checks of it that are to be run. */
interface Case extends Partition.Ref {
  readonly asset: string
  readonly declared: Asset.Any
  readonly dataVersion: string
  readonly position: number
  readonly metadata: Catalog.AssetState["metadata"]
  readonly checks: ReadonlyArray<Prepared>
}

interface Prepared {
  readonly check: Judgement.Check
  readonly judge: Judgement.Judge
}

const casesOf = (
  { asset: declared, checks }: { readonly asset: Asset.Any; readonly checks: ReadonlyArray<Prepared> },
  catalog: Catalog.Catalog
): ReadonlyArray<Case> => {
  const { key: asset } = declared
  const ofSlice = checks.filter(({ check }) => check.over === "slice")
  const ofWhole = checks.filter(({ check }) => check.over === "whole")
  const slices = Array.from(Catalog.slices(catalog, asset).values())
  slices.sort((a, b) => ((a.partition ?? "") < (b.partition ?? "") ? -1 : 1))
  const cases = slices.map(({ changedPosition, dataVersion, metadata, partition }): Case => {
    return { asset, declared, partition, dataVersion, position: changedPosition, metadata, checks: ofSlice }
  })
  const whole = Catalog.versionOfAll(catalog, asset)
  if (whole !== undefined) {
    const { position, version } = whole
    cases.push({ asset, declared, partition: null, dataVersion: version, position, metadata: {}, checks: ofWhole })
  }
  return cases.filter(({ checks }) => checks.length > 0)
}

const judge = Effect.fnUntraced(function* (work: RunRecord.Work, one: Case) {
  const results: Array<Of<"CheckPassed" | "CheckFailed">> = []
  const unable: Array<Unable> = []
  const { asset, dataVersion, metadata, partition, position } = one
  const candidate = yield* Effect.exit(published(one))
  if (Exit.isFailure(candidate)) {
    unable.push({ asset, partition, check: null, error: failureOf(candidate.cause) })
    return { results, unable }
  }
  const subject: Judgement.Subject = { partition, dataVersion, position, candidate: candidate.value, metadata }
  for (const { check, judge } of one.checks) {
    const verdict = yield* Effect.exit(erased(Telemetry.check(check.name)(judge(subject))))
    if (Exit.isFailure(verdict)) {
      unable.push({ asset, partition, check: check.name, error: failureOf(verdict.cause) })
      continue
    }
    const fact = { at: yield* Timestamp.now, runId: work.runId, accepted: false }
    results.push(Judgement.toEvent(check, verdict.value, fact))
  }
  // All at once, so that they are written together.
  yield* Effect.forEach(results, work.record, { concurrency: "unbounded", discard: true })
  return { results, unable }
})

const published = ({ asset, dataVersion, declared, partition }: Case) =>
  Effect.flatMap(Asset.store(declared), (store) => store.published({ asset, partition, version: dataVersion }))

const quoted = (name: string) => `"${name}"`

// What a check needs is erased here; the project's resources and the runtime's services have it.
const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as unknown as Effect.Effect<A, E>
