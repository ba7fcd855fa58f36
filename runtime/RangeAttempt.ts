/**
 * One try of a step that takes many slices: one load, one body, one staging, one publish and one event for all of them.
 *
 * Each slice keeps a version and a provenance of its own: of those that come out as they are nothing is written, and what
 * reads only them stays Current.
 */
import * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import * as Attempt from "./Attempt.ts"
import * as AttemptError from "./AttemptError.ts"
import * as Body from "./Body.ts"
import * as Catalog from "./Catalog.ts"
import type { Config, Provenance, Slice } from "./Event.ts"
import type * as EventLog from "./EventLog.ts"
import * as Inspection from "./Inspection.ts"
import type * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import * as Staleness from "./Staleness.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Verification from "./Verification.ts"
import * as Version from "./Version.ts"
import { VersionsInForce } from "./VersionsInForce.ts"

export const run = (context: Attempt.Context) => {
  const { asset } = context.lineage.graph.nodes.get(context.step.asset)!
  const attempt = Effect.scoped(once(context, asset))
  return context.isTraced ? Telemetry.attempt(attempt) : attempt
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const once = Effect.fnUntraced(function* (context: Attempt.Context, asset: Asset.Any) {
  const { catalog, lineage, slices } = context
  const inForce = new VersionsInForce(lineage, catalog)
  const provenances: Array<Provenance> = []
  for (const slice of slices) {
    const { provenance, unpublished } = Staleness.inputs(lineage, catalog, slice, inForce)
    const [dependency] = unpublished
    if (dependency !== undefined) return yield* new AttemptError.DependencyWiped({ asset: asset.key, dependency })
    provenances.push(provenance)
  }
  const made = yield* Attempt.withTimeout(asset, make(context, asset, inForce))
  if (made === undefined) return nothingNew
  return yield* publish(context, asset, made, provenances)
})

const nothingNew: Attempt.Result = { _tag: "NothingNew" }

interface Made {
  /** By partition; nothing of a slice that was never published and of which the body had nothing. */
  readonly slices: ReadonlyMap<string, Omit<Slice, "provenance">>
  readonly config: Config
  readonly metadata: IoManager.Metadata
  /** Nothing where every slice stays. */
  readonly publish: Effect.Effect<void, IoManager.IoError> | undefined
}

/** Nothing when the body had nothing new and nothing was ever published. */
const make = Effect.fnUntraced(function* (context: Attempt.Context, asset: Asset.Any, inForce: VersionsInForce) {
  const standing: Array<Catalog.AssetState> = []
  const due: Array<Partition.Ref> = []
  for (const slice of context.slices) {
    const state = yield* Verification.standing(context, asset, slice, inForce)
    if (state === undefined) due.push(slice)
    else standing.push(state)
  }
  // The settings of all of them are those of each: one event has one list.
  const config: Config = Object.assign({}, ...standing.map(({ config }) => config))
  const staying = kept(standing, { config, metadata: {} })
  if (due.length === 0) return staying
  const made = yield* compute({ ...context, slices: due }, asset)
  if (made === undefined) return standing.length === 0 ? undefined : staying
  const all: Made = {
    ...made,
    slices: new Map([...staying.slices, ...made.slices]),
    config: { ...staying.config, ...made.config }
  }
  return all
})

const compute = Effect.fnUntraced(function* (context: Attempt.Context, asset: Asset.Any) {
  const { attempt, quarantine, runId, slices, step } = context
  const partitions = slices.map(({ partition }) => partition!)
  const body = yield* Body.make(context, asset)
  if (attempt > 1) yield* quarantine.clear({ ...Attempt.sliceOf(context), attempt })

  const store = yield* Asset.store(asset)
  // A declaration is refused whose kind does not take ranges.
  const stageRange = store.stageRange!
  const staged = yield* body.run(
    Effect.gen(function* () {
      const inputs = yield* Attempt.load(context, asset).pipe(Attempt.io(context, "load"))
      const output = asset.materialize(inputs as never, { ...body.step, partitions } as never)
      const value = Effect.isEffect(output) ? yield* Attempt.erased(output) : output
      return yield* stageRange({ asset: asset.key, partitions, runId }, value as never).pipe(
        Attempt.io(context, "stage")
      )
    })
  )
  yield* body.limit()
  const config = yield* body.settings()
  if (staged === undefined) {
    const states = slices.flatMap((slice) => Catalog.get(context.catalog, slice) ?? [])
    return states.length === 0 ? undefined : kept(states, { config, metadata: body.metadata() })
  }

  const found = yield* versioned(context, asset, store, staged)
  yield* Inspection.run(context, asset, {
    versions: new Map(Array.from(found, ([partition, { dataVersion }]) => [partition, dataVersion])),
    candidate: (partition) => staged.candidate(partition!),
    metadata: { ...staged.metadata, ...body.metadata() },
    whole: staged.whole
  })

  // Force is how people mend what something else did to a value, so that all of it is written again.
  const written = Verification.isForced(step)
    ? partitions
    : partitions.filter((partition) => found.get(partition)!.changed)
  const made: Made = {
    slices: found,
    config,
    metadata: { ...staged.metadata, ...body.metadata() },
    publish: written.length === 0 ? undefined : staged.publish(written)
  }
  return made
})

/** Each slice with its version, and whether that is another one than before, or not in its place any more. */
const versioned = Effect.fnUntraced(function* (
  context: Attempt.Context,
  asset: Asset.Any,
  store: IoManager.AnyStore,
  staged: IoManager.StagedRange<unknown>
) {
  const { catalog, runId, step } = context
  const found = new Map<string, Omit<Slice, "provenance">>()
  for (const { digest, partition, rows } of staged.slices) {
    const slice = { asset: step.asset, partition }
    const dataVersion = asset.version._tag === "PerRun" ? Version.hash("run", [runId]) : digest
    const isSame = Catalog.get(catalog, slice)?.dataVersion === dataVersion
    const stays =
      isSame && (Verification.isForced(step) || (yield* Verification.isInPlace(context, asset, store, slice)))
    found.set(partition, { partition, dataVersion, rows, changed: !stays })
  }
  return found
})

/** What is published of slices, which stays. */
const kept = (states: ReadonlyArray<Catalog.AssetState>, told: Pick<Made, "config" | "metadata">): Made => ({
  slices: new Map(
    states.map(({ dataVersion, partition, rows }) => [
      partition!,
      { partition: partition!, dataVersion, rows, changed: false }
    ])
  ),
  ...told,
  publish: undefined
})

const publish = Effect.fnUntraced(function* (
  context: Attempt.Context,
  asset: Asset.Any,
  made: Made,
  provenances: ReadonlyArray<Provenance>
) {
  const { attempt, claim, lineage, session, slices: asked, span, step } = context
  const shared = inCommon(provenances)
  const slices = asked.flatMap(({ partition }, at): ReadonlyArray<Slice> => {
    const slice = made.slices.get(partition!)
    if (slice === undefined) return []
    const own = Object.entries(provenances[at]!).filter(([dependency]) => !(dependency in shared))
    return [own.length === 0 ? slice : { ...slice, provenance: Object.fromEntries(own) }]
  })
  const [only, ...others] = slices as [Slice, ...ReadonlyArray<Slice>]
  const value =
    others.length === 0
      ? { partition: only.partition, dataVersion: only.dataVersion, provenance: { ...shared, ...only.provenance } }
      : {
          partition: slices.length === asked.length ? step.partition : spans(context, slices),
          dataVersion: Version.ofPartitions(slices.map(({ dataVersion, partition }) => [partition, dataVersion])),
          provenance: shared,
          slices
        }
  const event = (at: string): EventLog.Value => ({
    _tag: slices.some(({ changed }) => changed) ? "AssetMaterialized" : "AssetVerified",
    at,
    ...Attempt.sliceOf(context),
    codeVersion: lineage.graph.nodes.get(asset.key)!.codeVersion,
    ...value,
    config: made.config,
    rows: slices.every(({ rows }) => rows === null) ? null : slices.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    metadata: made.metadata,
    attempts: attempt,
    traceId: span.traceId,
    spanId: span.spanId
  })
  const loaded = lineage.readings(asset.key).flatMap((reading) => Attempt.loadedAs(context, reading))
  const published = yield* session.publish({ claim, loaded, event }, made.publish).pipe(Attempt.io(context, "publish"))
  if (published._tag === "Fenced") return yield* new AttemptError.ClaimLost({ asset: asset.key })
  return published
})

const spans = ({ lineage, step }: Attempt.Context, slices: ReadonlyArray<Slice>) =>
  lineage.spans(
    step.asset,
    slices.map(({ partition }) => lineage.index({ asset: step.asset, partition }))
  )

/** What all slices were made from in the same version. */
const inCommon = ([first, ...others]: ReadonlyArray<Provenance>): Provenance =>
  Object.fromEntries(
    Object.entries(first!).filter(([dependency, { position, version }]) =>
      others.every((other) => other[dependency]?.version === version && other[dependency].position === position)
    )
  )
