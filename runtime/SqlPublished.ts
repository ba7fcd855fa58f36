/**
 * Publishes as PostgreSQL tells of them, over a session of its own that is opened again whenever it is lost.
 *
 * A notification only says where to look. What was published while nobody listened is found by looking once after each
 * connect; and now and then without any, for a publish that was under way when its asset was first followed.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import { SqlError } from "effect/sql/SqlError"
import * as EventLog from "./EventLog.ts"
import type * as Partition from "./Partition.ts"
import * as Published from "./Published.ts"
import * as Sql from "./Sql.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** Follows these assets; others are not heard of. What is in force is known when the layer is built. */
export const layer = (
  assets: ReadonlyArray<{ readonly key: string }>
): Layer.Layer<Published.Published, EventLog.EventLogError, Sql.Sql> =>
  Layer.effect(
    Published.Published,
    Effect.gen(function* () {
      const { log: sql, session } = yield* Sql.Sql
      const followed = assets.map(({ key }) => key)
      const board = yield* Published.makeBoard

      const lookAtAll = (keys: ReadonlyArray<string>) =>
        Effect.map(
          sql<Row>`select ${columns(sql)} from assets.asset_state where asset = any (${keys}::text[])
            order by changed_position`,
          (rows) => board.post(keys, rows.map(toInForce))
        )

      const connected = yield* Deferred.make<void, SqlError>()
      const follow = Effect.gen(function* () {
        const notices = yield* (yield* session).listen(channel)
        yield* sql`insert into assets.followed select unnest(${followed}::text[]) on conflict do nothing`
        yield* lookAtAll(followed)
        yield* Deferred.succeed(connected, undefined)
        return yield* Queue.takeAll(notices).pipe(
          Effect.map((heard) => followed.filter((key) => heard.some(({ payload }) => payload === key))),
          Effect.timeoutOrElse({ duration: heartbeat, orElse: () => Effect.succeed(followed) }),
          Effect.flatMap((keys) => (keys.length === 0 ? Effect.void : lookAtAll(keys))),
          Effect.forever
        )
      }).pipe(Effect.scoped)

      yield* follow.pipe(
        // Only the first time there is somebody to tell.
        Effect.tapError((error) => Deferred.fail(connected, error)),
        Effect.retry(again),
        Effect.forkScoped
      )
      yield* failed(Deferred.await(connected))

      return Published.Published.of({
        current: board.current,
        look: (ref) =>
          sql<Row>`select ${columns(sql)} from assets.asset_state
            where asset = ${ref.asset} and partition = ${ref.partition ?? ""}`.pipe(
            Effect.map(([row]) => {
              const inForce = row === undefined ? undefined : toInForce(row)
              // Of another asset nobody would hear when it changes.
              if (followed.includes(ref.asset)) board.tell(ref, inForce)
              return inForce
            }),
            failed
          ),
        changes: board.changes
      })
    })
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** As `assets.tell_published` has it. */
const channel = "assets_published"

const heartbeat = "15 seconds"

const again = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")])

interface Row {
  readonly asset: string
  readonly partition: string
  readonly version: string
  readonly position: number
  readonly materialized_at: string
}

const columns = (sql: Sql.Sql["Service"]["log"]) =>
  sql.literal("asset, partition, data_version as version, changed_position::float8 as position, materialized_at")

const toInForce = ({ asset, materialized_at, partition, position, version }: Row): Published.InForce => ({
  asset,
  partition: partition === "" ? null : (partition satisfies Partition.Key),
  version,
  position,
  materializedAt: materialized_at
})

const failed = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, EventLog.EventLogError, R> =>
  Effect.mapError(
    effect,
    (error) =>
      new EventLog.EventLogError({
        operation: "read what is published",
        detail: SqlFailure.words(error),
        cause: error
      })
  )
