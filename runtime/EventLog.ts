/**
 * The append-only record of what happened, and the right to add to it: the only module that writes events.
 *
 * A `Session` belongs to one run and dies with its process; what it claimed is free at that moment. This module leaves
 * out what to claim and when: that is the Executor's.
 */
import * as Crypto from "node:crypto"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Catalog from "./Catalog.ts"
import * as CheckHistory from "./CheckHistory.ts"
import type { CodeManifest } from "./CodeManifest.ts"
import { type Event, type Of, redact } from "./Event.ts"
import * as Partition from "./Partition.ts"
import * as Run from "./Run.ts"
import * as Timestamp from "./Timestamp.ts"

/** The log could not be read or written. */
export class EventLogError extends Schema.TaggedError<EventLogError>()("EventLogError", {
  operation: Schema.String,
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    const detail = this.detail.replace(/\.$/, "")
    return `The event log could not ${this.operation}: ${detail}. Run \`assets doctor\` to see whether the database is reached.`
  }
}

export interface Recorded {
  readonly position: number
  readonly event: Event
}

/** The right to publish one slice, as long as no later epoch exists. */
export interface Claim extends Partition.Ref {
  readonly epoch: number
}

/**
 * A dependency as a step loaded it: one slice as the position it was changed at (`null` where nothing was recorded of it),
 * because a version may come back after another one was read; or all slices of an asset as their count and the sum of those positions. The newest position alone
 * would miss a slice whose publish took an earlier one and came to an end later.
 */
export type Loaded =
  | { readonly _tag: "Slice"; readonly ref: Partition.Ref; readonly position: number | null }
  | { readonly _tag: "AllSlices"; readonly asset: string; readonly count: number; readonly positions: number }

/** What a step that loads these slices, all of the asset's, has loaded. */
export const allSlices = (
  asset: string,
  slices: Iterable<Catalog.AssetState>
): Extract<Loaded, { readonly _tag: "AllSlices" }> => {
  let [count, positions] = [0, 0]
  for (const { changedPosition } of slices) {
    count += 1
    positions += changedPosition
  }
  return { _tag: "AllSlices", asset, count, positions }
}

/** What came of a publish: done; the claim was lost to a later epoch; or a dependency was published meanwhile. */
export type Published =
  { readonly _tag: "Recorded"; readonly event: Value } | { readonly _tag: "Fenced" } | { readonly _tag: "Moved" }

/** That a value is in force: recorded by a publish, and by nothing else. */
export type Value = Of<"AssetMaterialized" | "AssetVerified" | "AssetObserved">

/** A change of a dynamic partitioning. */
export type PartitionChange = Of<"PartitionsAdded" | "PartitionsRemoved">

/** Whatever else can be recorded. */
export type Fact = Exclude<Event, Value | PartitionChange | Of<"AssetErased">>

/** The assets that an erasure is about. */
export interface Erasing {
  /** Those whose rows it deletes: whoever computes a slice of them loses his claim. */
  readonly fenced: ReadonlyArray<string>
  /**
   * Those whose recorded errors and check results may quote such rows, and are redacted (see `Event.redact`), as is what runs that
   * began before tell of them after. What was set aside of them goes.
   */
  readonly redacted: ReadonlyArray<string>
}

export interface Publication {
  readonly claim: Claim
  readonly loaded: ReadonlyArray<Loaded>
  /** Made once the rows are in place, which can take longer than all that came before. */
  readonly event: (at: string) => Value
}

export interface Session {
  /** Takes the slice if nobody holds it. */
  readonly claim: (ref: Partition.Ref) => Effect.Effect<Option.Option<Claim>, EventLogError>
  /** Gives the slice back, soon after it returns at the latest. */
  readonly release: (claim: Claim) => Effect.Effect<void>
  /**
   * Makes a value visible and records it, both or neither: checks the claim and the loaded versions under lock, runs
   * `rows`, appends the event and updates the state.
   */
  readonly publish: <E = never, R = never>(
    publication: Publication,
    rows: Effect.Effect<void, E, R> | undefined
  ) => Effect.Effect<Published, E | EventLogError, R>
  /** Runs that were still open although their process is gone; closing them is the caller's. */
  readonly abandoned: ReadonlyArray<Run.Run>
}

export class EventLog extends Context.Service<
  EventLog,
  {
    /** Every event is durable when this returns. */
    readonly append: (events: ReadonlyArray<Fact>) => Effect.Effect<void, EventLogError>
    /** Events of a run, oldest first. */
    readonly events: (runId: string) => Effect.Effect<ReadonlyArray<Recorded>, EventLogError>
    /** What put values of an asset in force, whatever became of them since: newest first. */
    readonly values: (asset: string, limit: number) => Effect.Effect<ReadonlyArray<Value>, EventLogError>
    /** Every event there is, oldest first. */
    readonly allEvents: Effect.Effect<ReadonlyArray<Recorded>, EventLogError>
    /** The state of every slice, in one query. */
    readonly catalog: Effect.Effect<Catalog.Catalog, EventLogError>
    /**
     * The state of these slices, and perhaps of others; `null` as partition stands for every slice of the asset,
     * partitioned or not.
     */
    readonly states: (refs: ReadonlyArray<Partition.Ref>) => Effect.Effect<Catalog.Catalog, EventLogError>
    /** The key of digests of settings: made with the log, never changed, never shown. */
    readonly configKey: Effect.Effect<string, EventLogError>
    /** Keeps what code versions were made from, by version; each is written once. */
    readonly describeCode: (manifests: ReadonlyMap<string, CodeManifest>) => Effect.Effect<void, EventLogError>
    /** What these code versions were made from, as far as it is known. */
    readonly codeManifests: (
      versions: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, CodeManifest>, EventLogError>
    /** Newest first. One whose process is gone is told as `Interrupted`, whether somebody has closed it or not. */
    readonly runs: (limit: number) => Effect.Effect<ReadonlyArray<Run.Run>, EventLogError>
    readonly run: (id: string) => Effect.Effect<Option.Option<Run.History>, EventLogError>
    /**
     * Of each slice, or range that one step took, the last failure, the last time that its body had nothing new, and the
     * last wipe, as far as no value of just that was recorded since. See `LastAttempt`.
     */
    readonly unpublished: Effect.Effect<ReadonlyArray<Recorded>, EventLogError>
    /** What checks found, and what they may look back on. */
    readonly checks: CheckHistory.CheckHistory<EventLogError>
    /** Opens a run's session; it ends with the scope. */
    readonly session: (runId: string) => Effect.Effect<Session, EventLogError, Scope.Scope>
    /** Removes a slice and records that, both or neither. */
    readonly wipe: <E, R>(
      event: Of<"AssetWiped">,
      rows: Effect.Effect<void, E, R>
    ) => Effect.Effect<void, E | EventLogError, R>
    /**
     * Fences out whoever computes, then deletes rows and records the slices that they were in, with their new versions;
     * all or nothing. Answers with what was recorded.
     */
    readonly erase: <E, R>(
      erasing: Erasing,
      rows: Effect.Effect<ReadonlyArray<Of<"AssetErased">>, E, R>
    ) => Effect.Effect<ReadonlyArray<Of<"AssetErased">>, E | EventLogError, R>
    /** The keys of dynamic partitionings by name, in the order they were added. */
    readonly partitions: Effect.Effect<Catalog.Catalog["dynamic"], EventLogError>
    /**
     * Adds or removes keys, each once; answers with those that were not there, or that were. Records only them, and
     * nothing when there are none.
     */
    readonly changePartitions: (change: PartitionChange) => Effect.Effect<ReadonlyArray<string>, EventLogError>
    /**
     * By asset, the median of the seconds its last steps took (at most 20, only successful ones, from start to publish,
     * of runs that have ended), of a step that took a range its share of each slice; without those that never ran.
     */
    readonly durations: (assets: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, number>, EventLogError>
  }
>()("assets/EventLog") {}

/** Keeps everything in this process, for tests and for pipelines that need no memory of yesterday. */
export const layerMemory: Layer.Layer<EventLog> = Layer.sync(EventLog, () => {
  const log: Array<Recorded> = []
  const builder = new Catalog.Builder()
  let runs = new Run.Builder()
  const configKey = Crypto.randomUUID()
  const manifests = new Map<string, CodeManifest>()
  const claims = new Map<string, { epoch: number; holder: string | undefined }>()

  /** Where in the log each run begins, and where the last erasure stands that may be seen in an asset. */
  const begun = new Map<string, number>()
  const erased = new Map<string, number>()

  const write = (told: Event) => {
    const position = log.length + 1
    if (told._tag === "RunStarted") begun.set(told.runId, position)
    const event = "asset" in told && erased.get(told.asset)! > begun.get(told.runId)! ? redact(told) : told
    log.push({ position, event })
    builder.apply(event, position)
    runs.apply(event)
  }
  const fence = (assets: ReadonlyArray<string>) => {
    for (const [id, { epoch }] of claims)
      if (assets.some((asset) => id.startsWith(Partition.id({ asset, partition: null }))))
        claims.set(id, { epoch: epoch + 1, holder: undefined })
  }
  const redactAll = (assets: ReadonlyArray<string>) => {
    runs = new Run.Builder()
    for (const [index, { event, position }] of log.entries()) {
      if ("asset" in event && assets.includes(event.asset)) log[index] = { position, event: redact(event) }
      runs.apply(log[index]!.event)
    }
    for (const asset of assets) erased.set(asset, log.length + 1)
  }
  const append = (events: ReadonlyArray<Event>) => Effect.sync(() => events.forEach(write))

  const current = (loaded: Loaded) => {
    if (loaded._tag === "Slice") return (builder.get(loaded.ref)?.changedPosition ?? null) === loaded.position
    const { count, positions } = allSlices(loaded.asset, builder.slices(loaded.asset).values())
    return count === loaded.count && positions === loaded.positions
  }
  const refusal = ({ claim, loaded }: Publication): "Fenced" | "Moved" | undefined =>
    claims.get(Partition.id(claim))?.epoch !== claim.epoch ? "Fenced" : loaded.every(current) ? undefined : "Moved"

  // Publishing is one at a time, as the locks of a database would have it for a slice and its dependencies.
  let turn: Deferred.Deferred<void> | undefined
  const exclusively = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (turn !== undefined) return Effect.andThen(Deferred.await(turn), exclusively(effect))
      const mine = (turn = Deferred.makeUnsafe<void>())
      return Effect.ensuring(
        effect,
        Effect.suspend(() => {
          turn = undefined
          return Deferred.succeed(mine, undefined)
        })
      )
    })

  const session = (runId: string): Session => ({
    claim: (ref) =>
      Effect.sync(() => {
        const id = Partition.id(ref)
        const known = claims.get(id)
        if (known?.holder !== undefined) return Option.none()
        const epoch = (known?.epoch ?? 0) + 1
        claims.set(id, { epoch, holder: runId })
        return Option.some({ ...ref, epoch })
      }),
    release: (claim) =>
      Effect.sync(() => {
        const id = Partition.id(claim)
        if (claims.get(id)?.epoch === claim.epoch) claims.set(id, { epoch: claim.epoch, holder: undefined })
      }),
    publish: (publication, rows = Effect.void) =>
      exclusively(
        Effect.suspend(() => {
          const refused = refusal(publication)
          if (refused !== undefined) return Effect.succeed<Published>({ _tag: refused })
          return Effect.map(Effect.andThen(rows, Timestamp.now), (at): Published => {
            const event = publication.event(at)
            write(event)
            return { _tag: "Recorded", event }
          })
        })
      ),
    abandoned: []
  })

  return EventLog.of({
    append,
    events: (runId) => Effect.sync(() => log.filter((recorded) => recorded.event.runId === runId)),
    values: (asset, limit) =>
      Effect.sync(() => {
        const values = log.flatMap(({ event }) => (isValue(event) && event.asset === asset ? [event] : []))
        return values.toReversed().slice(0, limit)
      }),
    allEvents: Effect.sync(() => log.slice()),
    catalog: Effect.sync(() => builder.snapshot()),
    states: (refs) =>
      Effect.sync(() =>
        Catalog.fromStates(
          refs.flatMap((ref) => {
            if (ref.partition === null) return Array.from(builder.slices(ref.asset).values())
            const state = builder.get(ref)
            return state === undefined ? [] : [state]
          })
        )
      ),
    configKey: Effect.succeed(configKey),
    describeCode: (described) =>
      Effect.sync(() =>
        described.forEach((manifest, version) => manifests.set(version, manifests.get(version) ?? manifest))
      ),
    codeManifests: (versions) =>
      Effect.sync(() => new Map(Array.from(manifests).filter(([version]) => versions.includes(version)))),
    runs: (limit) => Effect.sync(() => runs.all().toReversed().slice(0, limit)),
    run: (id) => Effect.sync(() => Option.fromUndefinedOr(runs.history(id))),
    unpublished: Effect.sync(() => {
      const last = new Map<string, Recorded>()
      for (const recorded of log) {
        const { event } = recorded
        if (isUnpublished(event)) last.set(`${event._tag} ${Partition.id(event)}`, recorded)
      }
      return Array.from(last.values()).filter(
        ({ event, position }) => !(position < (builder.get(event as Partition.Ref & Event)?.verifiedPosition ?? 0))
      )
    }),
    checks: CheckHistory.fromEvents(log, () => builder.snapshot()),
    session: (runId) =>
      Effect.acquireRelease(
        Effect.sync(() => session(runId)),
        () =>
          Effect.sync(() => {
            for (const [id, claim] of claims)
              if (claim.holder === runId) claims.set(id, { ...claim, holder: undefined })
          })
      ),
    wipe: (event, rows) => exclusively(Effect.andThen(rows, append([event]))),
    erase: ({ fenced, redacted }, rows) =>
      exclusively(
        Effect.tap(rows, (events) =>
          Effect.sync(() => {
            fence(fenced)
            redactAll(redacted)
            events.forEach(write)
          })
        )
      ),
    partitions: Effect.sync(() => builder.partitions()),
    changePartitions: (change) =>
      Effect.sync(() => {
        const adds = change._tag === "PartitionsAdded"
        const keys = Array.from(new Set(change.keys)).filter((key) => builder.has(change.name, key) !== adds)
        if (keys.length > 0) write({ ...change, keys })
        return keys
      }),
    durations: (assets) => Effect.sync(() => runs.durations(assets))
  })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isValue = (event: Event): event is Value =>
  event._tag === "AssetMaterialized" || event._tag === "AssetVerified" || event._tag === "AssetObserved"

const isUnpublished = (event: Event): event is Of<"StepFailed" | "AssetWiped" | "StepSkipped"> =>
  event._tag === "StepFailed" ||
  event._tag === "AssetWiped" ||
  (event._tag === "StepSkipped" && event.reason === "NothingNew")
