/**
 * One check of one value: what it is shown, what it found, and the fact that this is recorded as.
 *
 * The value is about to be published (`Inspection`) or is already (`CheckRun`); what follows from a failure is theirs.
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
import * as Version from "./Version.ts"

export type Check = AssetCheck.AssetCheck<Asset.Any>

/** What is the same for all values of an asset that a check judges. */
export interface Setting {
  readonly log: EventLog.EventLog["Service"]
  readonly asset: Asset.Any
  readonly moment: Partition.Moment
}

/** A value that is judged: of a slice, or of all slices together, whose partition is `null`. */
export interface Subject {
  readonly partition: Partition.Key
  readonly dataVersion: string
  /** Where the log has the value; `undefined` when it is not published yet. */
  readonly position: number | undefined
  readonly candidate: unknown
  readonly metadata: IoManager.Metadata
}

/** What a check found, of which version: over the whole that is not the slice's. */
export interface Verdict extends Partition.Ref {
  readonly result: AssetCheck.Result
  readonly dataVersion: string
}

export type Judge = (subject: Subject) => Effect.Effect<Verdict, unknown, unknown>

/**
 * How a check judges one value after the other, or many at the same time. Fails as the check itself does, and when
 * something that it reads cannot be loaded or was never published.
 */
export const make = Effect.fnUntraced(function* (check: Check, setting: Setting) {
  const read = yield* reader(check, setting)
  const { asset, log, moment } = setting
  const judge: Judge = Effect.fnUntraced(function* (subject) {
    const reads = yield* read(subject.partition)
    const { candidate, dataVersion, metadata, partition, position } = subject
    const ref = { asset: asset.key, partition }
    const context: AssetCheck.Context = {
      ...ref,
      now: moment.now,
      metadata,
      earlier: (limit) => readable(asset, log.checks.earlier(ref, position, limit)),
      published: (partitions) =>
        Effect.map(states(setting, partitions), (states) =>
          states.filter((state) => partitions.some((key) => key === state.partition)).map(recorded)
        ),
      others: Effect.map(states(setting), (states) =>
        states.filter((state) => state.partition !== partition).map(recorded)
      ),
      toldBefore: readable(
        asset,
        Effect.flatMap(log.checks.earlier(ref, position, 1), ([before]) =>
          before === undefined ? Effect.undefined : log.checks.found(ref, check.name, before.dataVersion)
        )
      ).pipe(Effect.map((found) => found?.metadata))
    }
    const result = yield* check.run(candidate as never, reads as never, context)
    const verdict: Verdict = { ...ref, result, dataVersion }
    return verdict
  })
  return judge
})

/** All published slices of an asset, with those of these versions in their places. */
export const whole = (
  setting: Setting,
  versions: ReadonlyMap<Partition.Key, string>,
  candidate: unknown
): Effect.Effect<Subject, IoManager.IoError> =>
  Effect.map(states(setting), (states) => {
    const all = new Map(states.map(({ dataVersion, partition }) => [partition, dataVersion]))
    for (const [partition, version] of versions) all.set(partition, version)
    const dataVersion = Version.ofPartitions(Array.from(all, ([partition, version]) => [partition ?? "", version]))
    return { partition: null, dataVersion, position: undefined, candidate, metadata: {} }
  })

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

const readable = <A>({ key: asset }: Asset.Any, effect: Effect.Effect<A, EventLog.EventLogError>) =>
  Effect.mapError(
    effect,
    (cause) => new IoManager.IoError({ asset, operation: "load", detail: cause.message, retryable: false, cause })
  )

/** The states of these partitions, and perhaps of others, or of all there are. */
const states = ({ asset, log }: Setting, partitions: ReadonlyArray<Partition.Key> = [null]) =>
  Effect.map(readable(asset, log.states(partitions.map((partition) => ({ asset: asset.key, partition })))), (catalog) =>
    Array.from(Catalog.slices(catalog, asset.key).values())
  )

const recorded = ({ dataVersion, materializedAt, partition, rows }: Catalog.AssetState): AssetCheck.Recorded => {
  return { partition, dataVersion, rows, at: materializedAt }
}

/** Loads what a check reads beside a value, in the versions that are in force; what all values read alike but once. */
const reader = Effect.fnUntraced(function* (check: Check, setting: Setting) {
  const load = (read: Read, refs: ReadonlyArray<Partition.Ref>) =>
    Effect.flatMap(readable(setting.asset, setting.log.states(refs)), (catalog) => handle(read, catalog, refs))
  const readers = yield* Effect.forEach(Object.entries(check.reads), ([name, read]) => {
    const refs = refsOf(check, read, setting)
    const loader = isAlike(read)
      ? Effect.map(Effect.cached(load(read, refs(null))), (loaded) => () => loaded)
      : Effect.succeed((partition: Partition.Key) => load(read, refs(partition)))
    return Effect.map(loader, (loader) => [name, loader] as const)
  })
  return (partition: Partition.Key) =>
    Effect.map(
      Effect.forEach(readers, ([name, loader]) => Effect.map(loader(partition), (loaded) => [name, loaded] as const)),
      Object.fromEntries<unknown>
    )
})

type Read = Check["reads"][string]

const isAlike = ({ asset, mapping }: Read) => mapping._tag === "All" || asset.partitions === undefined

/** `null` as partition stands for all there are. */
const refsOf = (
  { over }: Check,
  read: Read,
  { asset, moment }: Setting
): ((partition: Partition.Key) => ReadonlyArray<Partition.Ref>) => {
  const other = read.asset
  if (isAlike(read)) return () => [{ asset: other.key, partition: null }]
  const partitions = over === "whole" ? undefined : asset.partitions
  const down = { partitions, keys: partitions && moment.keys(partitions) }
  const up = { partitions: other.partitions, keys: moment.keys(other.partitions!) }
  const upstream = Mapping.upstream(read.mapping, down, up)
  return (partition) =>
    upstream(partition === null ? 0 : down.keys!.indexOf(partition)).flatMap(([from, to]) =>
      up.keys.all.slice(from, to).map((key) => ({ asset: other.key, partition: key }))
    )
}

const handle = Effect.fnUntraced(function* (
  { asset, mapping }: Read,
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
