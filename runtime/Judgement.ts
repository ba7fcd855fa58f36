/**
 * One check of one value: what it is shown, what it found, and the fact that this is recorded as.
 *
 * The value is about to be published (`Attempt`) or is already (`CheckRun`); what follows from a failure is theirs.
 */
import * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import type * as AssetCheck from "./AssetCheck.ts"
import * as Catalog from "./Catalog.ts"
import type { Judgement } from "./CheckHistory.ts"
import type * as EventLog from "./EventLog.ts"
import * as External from "./External.ts"
import * as IoManager from "./IoManager.ts"
import * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Version from "./Version.ts"

export type Check = AssetCheck.AssetCheck<Asset.Any>

/** A value that is judged, and what is known of it. */
export interface Subject extends Partition.Ref {
  readonly log: EventLog.EventLog["Service"]
  /** How its asset is cut; `undefined` over the whole. */
  readonly partitions: Partition.Partitioning | undefined
  readonly moment: Partition.Moment
  readonly dataVersion: string
  /** Where the log has the value; `undefined` when it is not published yet. */
  readonly position: number | undefined
  readonly candidate: unknown
  /** Of a range, the versions of its slices; `partition` is then what they are in words. */
  readonly versions?: ReadonlyMap<string, string>
}

/** What a check found, of which version: over the whole that is not the slice's. */
export interface Verdict extends Partition.Ref {
  readonly result: AssetCheck.Result
  readonly dataVersion: string
}

/** Fails as the check itself does, and when something that it reads cannot be loaded or was never published. */
export const make = Effect.fnUntraced(function* (check: Check, subject: Subject) {
  const reads = yield* load(check, subject)
  const { candidate, dataVersion, log, partition } = subject
  const context: AssetCheck.Context = {
    asset: subject.asset,
    partition,
    now: subject.moment.now,
    earlier: (limit) => readable(subject, log.checks.earlier(subject, subject.position, limit)),
    published: (partitions) =>
      Effect.map(states(subject, partitions), (states) =>
        states.filter((state) => partitions.some((key) => key === state.partition)).map(recorded)
      ),
    others: Effect.map(states(subject), (states) =>
      states
        .filter((state) => state.partition !== partition && !subject.versions?.has(state.partition ?? ""))
        .map(recorded)
    ),
    toldBefore: readable(
      subject,
      Effect.flatMap(log.checks.earlier(subject, subject.position, 1), ([before]) =>
        before === undefined ? Effect.undefined : log.checks.found(subject, check.name, before.dataVersion)
      )
    ).pipe(Effect.map((found) => found?.metadata))
  }
  const result = yield* check.run(candidate as never, reads as never, context)
  const verdict: Verdict = { asset: subject.asset, partition, result, dataVersion }
  return verdict
})

/** All published slices of a subject's asset, with that one in its place. */
export const whole = (subject: Subject, candidate: unknown): Effect.Effect<Subject, IoManager.IoError> =>
  Effect.map(states(subject), (states) => {
    const versions = new Map(states.map(({ dataVersion, partition }) => [partition ?? "", dataVersion]))
    if (subject.versions !== undefined) for (const [key, version] of subject.versions) versions.set(key, version)
    else if (subject.partition !== null) versions.set(subject.partition, subject.dataVersion)
    return {
      ...subject,
      partition: null,
      partitions: undefined,
      dataVersion: Version.ofPartitions(versions),
      candidate
    }
  })

/** The span of a check holds what it reads, too. */
export const traced = (check: Check, subject: Subject) => Telemetry.check(check.name)(make(check, subject))

export const toEvent = (
  check: Check,
  { result, ...judged }: Verdict,
  { accepted, at, runId }: { readonly at: string; readonly runId: string; readonly accepted: boolean }
): Judgement => {
  const { blocking, name, severity } = check
  const fact = { at, runId, ...judged, check: name, blocking, metadata: result.metadata }
  return result._tag === "Passed"
    ? { _tag: "CheckPassed", ...fact }
    : { _tag: "CheckFailed", ...fact, severity, accepted, reason: result.reason }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const readable = <A>({ asset }: Subject, effect: Effect.Effect<A, EventLog.EventLogError>) =>
  Effect.mapError(
    effect,
    (cause) => new IoManager.IoError({ asset, operation: "load", detail: cause.message, retryable: false, cause })
  )

/** The states of these partitions, and perhaps of others, or of all there are. */
const states = (subject: Subject, partitions: ReadonlyArray<Partition.Key> = [null]) =>
  Effect.map(
    readable(subject, subject.log.states(partitions.map((partition) => ({ asset: subject.asset, partition })))),
    (catalog) => Array.from(Catalog.slices(catalog, subject.asset).values())
  )

const recorded = ({ dataVersion, materializedAt, partition, rows }: Catalog.AssetState): AssetCheck.Recorded => {
  return { partition, dataVersion, rows, at: materializedAt }
}

/** What the check reads beside the value, in the versions that are in force now. */
const load = Effect.fnUntraced(function* ({ reads }: Check, subject: Subject) {
  const entries = Object.entries(reads).map(([name, read]) => ({ name, ...read, refs: refsOf(read, subject) }))
  if (entries.length === 0) return {}
  const catalog = yield* readable(subject, subject.log.states(entries.flatMap(({ refs }) => refs)))
  const loaded = yield* Effect.forEach(entries, ({ asset, mapping, name, refs }) =>
    Effect.map(handle(asset, mapping, catalog, refs), (handle) => [name, handle] as const)
  )
  return Object.fromEntries(loaded)
})

/** `null` as partition stands for all there are. */
const refsOf = (
  { asset, mapping }: Check["reads"][string],
  { moment, partition, partitions }: Subject
): ReadonlyArray<Partition.Ref> => {
  if (mapping._tag === "All" || asset.partitions === undefined) return [{ asset: asset.key, partition: null }]
  const down = { partitions, keys: partitions && moment.keys(partitions) }
  const up = { partitions: asset.partitions, keys: moment.keys(asset.partitions) }
  const index = partition === null ? 0 : down.keys!.indexOf(partition)
  return Mapping.upstream(
    mapping,
    down,
    up
  )(index).flatMap(([from, to]) => up.keys.all.slice(from, to).map((key) => ({ asset: asset.key, partition: key })))
}

const handle = Effect.fnUntraced(function* (
  asset: Asset.Any,
  mapping: Mapping.Mapping,
  catalog: Catalog.Catalog,
  refs: ReadonlyArray<Partition.Ref>
): Effect.fn.Return<unknown, IoManager.IoError> {
  const store = yield* Asset.store(asset)
  const slices = mapping._tag === "All" ? Array.from(Catalog.slices(catalog, asset.key).values()) : refs
  const sources = slices.flatMap((ref) => External.source(asset, ref, Catalog.get(catalog, ref)) ?? [])
  const [first, ...others] = sources
  if (first === undefined) {
    const [ref] = refs
    const what = ref === undefined || ref.partition === null ? "" : ` for ${ref.partition}`
    const detail = `it was never published${what}, and a check reads it`
    return yield* new IoManager.IoError({ asset: asset.key, operation: "load", detail, retryable: false })
  }
  return yield* Mapping.isMany(mapping) ? store.loadAll(asset.key, [first, ...others]) : store.load(first)
})
