/**
 * What the log in Postgres tells of checks, and what it tells to them.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Recorded } from "./AssetCheck.ts"
import type * as CheckHistory from "./CheckHistory.ts"
import { decode, type Of } from "./Event.ts"
import { EventLogError } from "./EventLog.ts"
import type * as Partition from "./Partition.ts"
import * as SqlFailure from "./SqlFailure.ts"

export const make = (sql: SqlClient.SqlClient): CheckHistory.CheckHistory<EventLogError> => ({
  earlier: (ref, before, limit) =>
    sql<EarlierRow>`select data_version, rows, at
      from assets.earlier_values(${ref.asset}, ${column(ref)}, ${before ?? null}::float8::bigint, ${limit})`.pipe(
      Effect.map((rows) =>
        rows.map(({ at, data_version, rows }): Recorded => ({
          partition: ref.partition,
          dataVersion: data_version,
          rows,
          at
        }))
      ),
      unread
    ),
  found: (ref, check, dataVersion) =>
    sql<EventRow>`select e.event from assets.check_result c join assets.event_log e using (position)
      where c.asset = ${ref.asset} and c.partition = ${column(ref)} and c.check_name = ${check}
        and c.data_version = ${dataVersion}
      order by c.position desc limit 1`.pipe(
      Effect.map(([row]) => (row === undefined ? undefined : (decode(row.event) as CheckHistory.Judgement))),
      unread
    ),
  failed: sql<EventRow>`select event from assets.failed_check order by position`.pipe(
    Effect.map((rows) => rows.map(({ event }) => decode(event) as Of<"CheckFailed">)),
    unread
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface EventRow {
  readonly event: unknown
}

interface EarlierRow {
  readonly data_version: string
  readonly rows: number | null
  readonly at: string
}

/** The key column: '' stands for the whole. */
const column = (ref: Partition.Ref) => ref.partition ?? ""

const unread = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, EventLogError> =>
  Effect.mapError(
    effect,
    (cause) => new EventLogError({ operation: "read checks", detail: SqlFailure.words(cause), cause })
  )
