/**
 * What is in force of some assets, for services that answer from it: read at one version, and told of each publish.
 *
 * `SqlPublished` hears of publishes from PostgreSQL. What is stale or to be done is not told here.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type * as Asset from "./Asset.ts"
import * as EventLog from "./EventLog.ts"
import * as IoManager from "./IoManager.ts"
import * as Partition from "./Partition.ts"

/** A published slice. */
export interface InForce extends Partition.Ref {
  /** Its data version. */
  readonly version: string
  /** Grows with each publish of the slice, also where a version comes back. */
  readonly position: number
  /** ISO 8601. */
  readonly materializedAt: string
}

/** A slice was published, or wiped: then nothing of it is in force. */
export interface Change extends Partition.Ref {
  readonly inForce: InForce | undefined
}

/** Nothing of the asset was ever published. */
export class NotPublished extends Schema.TaggedError<NotPublished>()("NotPublished", { asset: Schema.String }) {
  override get message() {
    return `${this.asset} was never published: assets materialize ${this.asset}`
  }
}

export class Published extends Context.Service<
  Published,
  {
    /** As it was last heard of, without a query. */
    readonly current: (ref: Partition.Ref) => InForce | undefined
    /** As it is, by one query. */
    readonly look: (ref: Partition.Ref) => Effect.Effect<InForce | undefined, EventLog.EventLogError>
    /**
     * What changes from the moment this returns, in the order of each slice's publishes. Who was not listening for a
     * while hears of what is in force then, not of every publish before it.
     */
    readonly changes: Effect.Effect<Stream.Stream<Change>, never, Scope.Scope>
  }
>()("assets/Published") {}

type Unpartitioned<I extends IoManager.Any> = Asset.Asset<string, I, any, any, undefined>

/**
 * Runs `use` on the value in force, again from the start where the value is replaced meanwhile: what it answers was read
 * at one version, the one it was told. Costs one small query beside those of `use`.
 */
export const read = Effect.fn("Published.read")(function* <I extends IoManager.Any, A, E, R>(
  asset: Unpartitioned<I>,
  use: (handle: IoManager.Handle<I>, inForce: InForce) => Effect.Effect<A, E, R>
) {
  const { current, look } = yield* Published
  const ref: Partition.Ref = { asset: asset.key, partition: null }
  const store = yield* asset.io.store({ key: asset.key, partitioned: false }) as Effect.Effect<
    IoManager.AnyStore,
    never,
    IoManager.Services<I>
  >
  let inForce = current(ref) ?? (yield* look(ref))
  for (let reading = 0; reading < mostReadings; reading++) {
    if (inForce === undefined) return yield* new NotPublished({ asset: asset.key })
    const { version } = inForce
    const handle = Effect.map(store.load({ ...ref, version }), (loaded): IoManager.Handle<I> => loaded)
    const started = inForce
    const exit = yield* Effect.exit(Effect.flatMap(handle, (handle) => use(handle, started)))
    inForce = yield* look(ref)
    // A position is never taken twice, so nothing was published in between.
    if (inForce?.position === started.position) return yield* exit
    if (Exit.hasInterrupts(exit)) return yield* exit
  }
  const detail = `it was published anew each of the ${mostReadings} times it was read`
  return yield* new IoManager.IoError({ asset: asset.key, operation: "load", detail, retryable: true })
})

/** Something made from a value, and the value it was made from. */
export interface Kept<out A> {
  readonly value: A
  readonly inForce: InForce
}

/**
 * What `make` makes of the value in force, made anew after each publish and then put in the place of the one before, which
 * serves until then. `undefined` until there is one. Where making fails the one before stays, a warning says why, and it is tried again:
 * after a second, and after twice as long each time, up to five minutes.
 */
export const keep = Effect.fn("Published.keep")(function* <I extends IoManager.Any, A, E, R>(
  asset: Unpartitioned<I>,
  make: (handle: IoManager.Handle<I>) => Effect.Effect<A, E, R>
) {
  const { changes } = yield* Published
  const again = yield* Queue.sliding<void>(1)
  let kept: Kept<A> | undefined
  let failures = 0
  const refresh = read(asset, (handle, inForce) => Effect.map(make(handle), (value) => ({ value, inForce }))).pipe(
    Effect.map((made) => void (kept = made)),
    Effect.catchTag("NotPublished", () => Effect.sync(() => void (kept = undefined))),
    Effect.tap(() => Effect.sync(() => (failures = 0))),
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const pause = Duration.seconds(Math.min(2 ** failures++, mostSecondsBetween))
      return Effect.logWarning(`${asset.key} could not be taken up; what was made before serves on`, cause).pipe(
        Effect.andThen(Effect.forkScoped(Effect.delay(Queue.offer(again, undefined), pause)))
      )
    })
  )
  const later = yield* changes
  yield* refresh
  yield* later.pipe(
    Stream.filter((change) => change.asset === asset.key),
    Stream.merge(Stream.fromQueue(again)),
    Stream.runForEachArray(() => refresh),
    Effect.forkScoped
  )
  return () => kept
})

/**
 * Stands in SQL for a table of one row, or none if the asset was never published: its `version` and `materialized_at`,
 * as of the statement's own snapshot, and so of the rows that the same statement reads.
 */
export const inStatement = ({ key }: { readonly key: string }): Statement.Fragment =>
  Statement.fragment([
    Statement.literal(
      "(select s.data_version as version, s.materialized_at from assets.asset_state s where s.partition = '' and s.asset = "
    ),
    Statement.parameter(key),
    Statement.literal(")")
  ])

/** Follows these assets in the project's database; see `SqlPublished`. */
export const layer = (assets: ReadonlyArray<{ readonly key: string }>) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./SqlPublished.ts")),
      (SqlPublished) => SqlPublished.layer(assets)
    )
  )

/** An event log in this process that tells what it publishes, whatever the asset. */
export const layerMemory: Layer.Layer<Published | EventLog.EventLog> = Layer.effectContext(
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const board = yield* makeBoard
    const lookAt = (asset: string) =>
      Effect.map(log.states([{ asset, partition: null }]), (catalog) =>
        board.post([asset], Array.from(catalog.states.get(asset)?.values() ?? [], toInForce))
      )
    const telling = (session: EventLog.Session): EventLog.Session => ({
      ...session,
      publish: (publication, rows) =>
        Effect.tap(session.publish(publication, rows), ({ _tag }) =>
          _tag === "Recorded" ? lookAt(publication.claim.asset) : Effect.void
        )
    })
    const decorated = EventLog.EventLog.of({
      ...log,
      session: (runId) => Effect.map(log.session(runId), telling),
      wipe: (event, rows) => Effect.tap(log.wipe(event, rows), lookAt(event.asset)),
      erase: (erasing, rows) =>
        Effect.tap(log.erase(erasing, rows), (events) =>
          Effect.forEach(new Set(events.map(({ asset }) => asset)), lookAt, { discard: true })
        )
    })
    const published = Published.of({
      current: board.current,
      look: (ref) => Effect.map(lookAt(ref.asset), () => board.current(ref)),
      changes: board.changes
    })
    return Context.make(EventLog.EventLog, decorated).pipe(Context.add(Published, published))
  })
).pipe(Layer.provide(EventLog.layerMemory))

/** What was heard of, by slice, and who wants to hear more; for layers of `Published`. */
export const makeBoard = Effect.gen(function* () {
  const known = new Map<string, InForce>()
  const heard = yield* PubSub.unbounded<Change>()
  const tell = ({ asset, partition }: Partition.Ref, inForce: InForce | undefined) => {
    const id = Partition.id({ asset, partition })
    const before = known.get(id)
    // Of two answers that overtook each other the one before counts no more.
    if (inForce === undefined ? before === undefined : before !== undefined && inForce.position <= before.position)
      return
    if (inForce === undefined) known.delete(id)
    else known.set(id, inForce)
    PubSub.publishUnsafe(heard, { asset, partition, inForce })
  }
  return {
    current: (ref: Partition.Ref) => known.get(Partition.id(ref)),
    changes: Effect.map(PubSub.subscribe(heard), Stream.fromSubscription),
    /** All that is in force of these assets. */
    post: (assets: ReadonlyArray<string>, slices: ReadonlyArray<InForce>) => {
      const left = new Set(slices.map(Partition.id))
      for (const slice of Array.from(known.values()))
        if (assets.includes(slice.asset) && !left.has(Partition.id(slice))) tell(slice, undefined)
      for (const slice of slices) tell(slice, slice)
    },
    /** What is in force of one slice. */
    tell
  }
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const mostReadings = 5

const mostSecondsBetween = 300

const toInForce = (state: {
  readonly asset: string
  readonly partition: Partition.Key
  readonly dataVersion: string
  readonly changedPosition: number
  readonly materializedAt: string
}): InForce => ({
  asset: state.asset,
  partition: state.partition,
  version: state.dataVersion,
  position: state.changedPosition,
  materializedAt: state.materializedAt
})
