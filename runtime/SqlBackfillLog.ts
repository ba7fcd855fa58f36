/**
 * Backfills in Postgres: read from the tables that follow the event log, and carried out under an advisory lock.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import * as BackfillHistory from "./BackfillHistory.ts"
import { BackfillLog } from "./BackfillLog.ts"
import type { BackfillRequest, Failure } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import type { StepStatus } from "./Run.ts"
import * as Sql from "./Sql.ts"
import * as SqlFailure from "./SqlFailure.ts"

export const layer: Layer.Layer<BackfillLog, never, Sql.Sql> = Layer.effect(
  BackfillLog,
  Effect.gen(function* () {
    const { log: sql, session } = yield* Sql.Sql

    const history = sql`b.id, b.request, b.requested_at, b.ended_at,
      case when b.status = 'Running' and not exists (
        select from pg_locks k join pg_database d on d.oid = k.database
        where d.datname = current_database() and k.locktype = 'advisory' and k.granted and k.objsubid = 1
          and ((k.classid::bigint << 32) | k.objid::bigint) = assets.backfill_lock(b.id)
      ) then 'Interrupted' else b.status end as status,
      array(select r.run_id from assets.backfill_run r where r.backfill_id = b.id order by r.run_id) as runs`

    // Ids of runs grow with time, and the runs of one backfill follow each other.
    const newest = sql`select distinct on (r.backfill_id, s.asset, s.partition)
        r.backfill_id, r.run_id, s.asset, s.partition, s.status, s.error
      from assets.backfill_run r join assets.step s on s.run_id = r.run_id`
    const order = sql`order by r.backfill_id, s.asset, s.partition, r.run_id desc`
    // What one step tells of is one slice, unless it says how many. Only ranges have what no key may have in it, so that
    // the events of other runs, which may be a hundred thousand each, are not read.
    const sizes = sql`select e.run_id, e.asset, e.partition,
        max(coalesce((e.event ->> 'covers')::integer, jsonb_array_length(e.event -> 'slices'))) as slices
      from assets.event_log e
      where e.run_id in (select n.run_id from n where n.partition ~ ${ofRange}) and e.partition ~ ${ofRange}
      group by e.run_id, e.asset, e.partition`
    const tally = (name: keyof BackfillHistory.Counts) =>
      sql`coalesce(sum(coalesce(z.slices, 1)) filter (
        where n.status = any (${BackfillHistory.outcomes[name]}::text[])
          and (${name} = 'done' or b.status <> 'Failed' or n.run_id = (b.runs)[cardinality(b.runs)])
      ), 0)::integer`

    return BackfillLog.of({
      backfills: (limit) =>
        sql<CountedRow>`with b as (
            select ${history} from assets.backfill b order by requested_at desc, id desc limit ${limit}
          ), n as (
            ${newest} where r.backfill_id in (select id from b) ${order}
          ), z as (${sizes})
          select b.*, c.* from b cross join lateral (
            select ${tally("done")} as done, ${tally("failed")} as failed, ${tally("skipped")} as skipped
            from n left join z on z.run_id = n.run_id and z.asset = n.asset and z.partition = n.partition
            where n.backfill_id = b.id
          ) c order by b.requested_at desc, b.id desc`.pipe(
          Effect.map((rows) =>
            rows.map((row) =>
              BackfillHistory.counted(toHistory(row), { done: row.done, failed: row.failed, skipped: row.skipped })
            )
          ),
          asked("read backfills")
        ),
      backfill: (id) =>
        sql<HistoryRow>`select ${history} from assets.backfill b where b.id = ${id}`.pipe(
          Effect.map(([row]) => Option.map(Option.fromUndefinedOr(row), toHistory)),
          asked("read a backfill")
        ),
      outcomes: (id) =>
        sql<OutcomeRow>`${newest} where r.backfill_id = ${id} ${order}`.pipe(
          Effect.map((rows) => rows.map(toOutcome)),
          asked("read a backfill")
        ),
      hold: (id) =>
        Effect.gen(function* () {
          const connection = yield* session
          const { rows } = yield* connection.query(takeLock, [id])
          const isTaken = rows[0]!["taken"] === true
          // Whoever asks next may ask before the server has seen this session end.
          if (isTaken) yield* Effect.addFinalizer(() => Effect.ignore(connection.query(giveLockBack, [id])))
          return isTaken
        }).pipe(asked("take a backfill"))
    })
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ofRange = "[.][.]|[,= *]"

const takeLock = "select pg_try_advisory_lock(assets.backfill_lock($1)) as taken"
const giveLockBack = "select pg_advisory_unlock(assets.backfill_lock($1))"

interface HistoryRow {
  readonly id: string
  readonly status: BackfillHistory.Status
  readonly request: BackfillRequest
  readonly requested_at: string
  readonly ended_at: string | null
  readonly runs: ReadonlyArray<string>
}

interface CountedRow extends HistoryRow, BackfillHistory.Counts {}

interface OutcomeRow {
  readonly run_id: string
  readonly asset: string
  readonly partition: string
  readonly status: StepStatus
  readonly error: Failure | null
}

const toHistory = (row: HistoryRow): BackfillHistory.History => ({
  id: row.id,
  status: row.status,
  request: row.request,
  requestedAt: row.requested_at,
  endedAt: row.ended_at,
  runs: row.runs
})

const toOutcome = ({ asset, error, partition, run_id, status }: OutcomeRow): BackfillHistory.Outcome => ({
  runId: run_id,
  asset,
  partition: partition === "" ? null : partition,
  status,
  error
})

const asked =
  (operation: string) =>
  <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, EventLog.EventLogError, R> =>
    Effect.mapError(
      effect,
      (cause) => new EventLog.EventLogError({ operation, detail: SqlFailure.words(cause), cause })
    )
