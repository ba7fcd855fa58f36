/**
 * The event log in Postgres: facts, their fold and the fencing that guards them, each change in one transaction.
 *
 * Its statements are functions of the schema `assets`; what they promise is written there.
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { SqlError } from "effect/sql/SqlError"
import { decode, type Event, type Failure } from "./Event.ts"
import type { CodeManifest } from "./CodeManifest.ts"
import * as EventLog from "./EventLog.ts"
import * as Partition from "./Partition.ts"
import type * as Run from "./Run.ts"
import * as Sql from "./Sql.ts"
import * as SqlCatalog from "./SqlCatalog.ts"
import * as SqlCheckHistory from "./SqlCheckHistory.ts"
import * as SqlFailure from "./SqlFailure.ts"
import * as Timestamp from "./Timestamp.ts"

export const layer: Layer.Layer<EventLog.EventLog, never, Sql.Sql | SqlClient.SqlClient> = Layer.effect(
  EventLog.EventLog,
  Effect.gen(function* () {
    const { log: sql, session } = yield* Sql.Sql
    const values = yield* SqlClient.SqlClient

    const append = yield* batched(1000, (batches: ReadonlyArray<ReadonlyArray<Event>>) =>
      Effect.map(sql`select assets.append(${jsonbArray(batches.flat())}::text::jsonb[])`, () =>
        batches.map(() => undefined)
      )
    )

    // Whoever asks at the same time gets the answer to all that was asked.
    const states = yield* batched(500, (asked: ReadonlyArray<ReadonlyArray<Partition.Ref>>) => {
      const refs = Array.from(new Map(asked.flat().map((ref) => [Partition.id(ref), ref])).values())
      return Effect.map(SqlCatalog.states(sql, refs), (catalog) => asked.map(() => catalog))
    })

    const configKey = yield* Effect.cached(
      sql<{ readonly key: string }>`select key from assets.config_key`.pipe(
        Effect.map(([row]) => row!.key),
        failed("read the key of settings")
      )
    )

    return EventLog.EventLog.of({
      configKey,
      append: (events) => answered(append, events).pipe(failed("append")),
      events: (runId) =>
        sql<EventRow>`select position::float8, event from assets.event_log where run_id = ${runId} order by position`.pipe(
          Effect.map((rows) => rows.map(toRecorded)),
          failed("read events")
        ),
      values: (asset, limit) =>
        sql<EventRow>`select position::float8, event from assets.event_log where asset = ${asset}
          and tag in ('AssetMaterialized', 'AssetVerified', 'AssetObserved') order by position desc limit ${limit}`.pipe(
          Effect.map((rows) => rows.map((row) => toRecorded(row).event as EventLog.Value)),
          failed("read events")
        ),
      allEvents: sql<EventRow>`select position::float8, event from assets.event_log order by position`.pipe(
        Effect.map((rows) => rows.map(toRecorded)),
        failed("read events")
      ),
      catalog: failed("read the state")(SqlCatalog.read(sql)),
      states: (refs) => answered(states, refs).pipe(failed("read the state")),
      describeCode: (manifests) =>
        sql`insert into assets.code_version (version, manifest)
          select m ->> 0, m -> 1 from unnest(${jsonbArray(Array.from(manifests))}::text::jsonb[]) m
          on conflict do nothing`.pipe(Effect.asVoid, failed("record code versions")),
      codeManifests: (versions) =>
        sql<{ readonly version: string; readonly manifest: CodeManifest }>`
          select version, manifest from assets.code_version where version = any (${versions}::text[])`.pipe(
          Effect.map((rows) => new Map(rows.map(({ manifest, version }) => [version, manifest]))),
          failed("read code versions")
        ),
      runs: (limit) =>
        sql<RunRow>`${runsNow(sql)} order by started_at desc, id desc limit ${limit}`.pipe(
          Effect.map((rows) => rows.map(toRun)),
          failed("read runs")
        ),
      run: (id) =>
        Effect.gen(function* () {
          const [run] = yield* sql<RunRow>`${runsNow(sql)} where id = ${id}`
          if (run === undefined) return Option.none()
          const steps =
            yield* sql<StepRow>`select * from assets.step where run_id = ${id} order by started_at, ended_at, asset, partition`
          const left = run.status === "Interrupted" ? ({ status: "Interrupted" } as const) : {}
          return Option.some({
            ...toRun(run),
            steps: steps.map((step) => ({ ...toStep(step), ...(step.status === "Running" ? left : {}) }))
          })
        }).pipe(failed("read a run")),
      unpublished: sql<EventRow>`select position::float8, event from assets.unpublished`.pipe(
        Effect.map((rows) => rows.map(toRecorded)),
        failed("read events")
      ),
      checks: SqlCheckHistory.make(sql),
      session: (runId) => open(session, values, runId).pipe(failed("open a session")),
      wipe: (event, rows) =>
        values
          .withTransaction(
            Effect.andThen(rows, failed("append")(values`select assets.append(${jsonbArray([event])}::text::jsonb[])`))
          )
          .pipe(failed("wipe")),
      erase: ({ fenced, redacted }, rows) =>
        values
          .withTransaction(
            Effect.gen(function* () {
              yield* values`select assets.fence(${fenced}::text[])`
              const events = yield* rows
              yield* values`select assets.record_erased(${jsonbArray(events)}::text::jsonb[])`
              // Last, as a publish does: it locks what it depends on before it tells of checks.
              yield* values`select assets.redact_events(${redacted}::text[])`
              return events
            })
          )
          .pipe(failed("erase")),
      partitions: sql<{ readonly name: string; readonly keys: ReadonlyArray<string> }>`
        select name, array_agg(key order by place) as keys from assets.dynamic_partition group by name`.pipe(
        Effect.map((rows) => new Map(rows.map(({ keys, name }) => [name, keys]))),
        failed("read partitions")
      ),
      changePartitions: (change) =>
        sql<{ readonly key: string }>`select key from assets.change_partitions(${json(change)}::text::jsonb) key`.pipe(
          Effect.map((rows) => rows.map(({ key }) => key)),
          failed("change partitions")
        ),
      durations: (assets) =>
        sql<{ readonly asset: string; readonly median: number }>`
          select asset, median from assets.duration where asset = any (${assets}::text[])`.pipe(
          Effect.map((rows) => new Map(rows.map(({ asset, median }) => [asset, median]))),
          failed("read durations")
        )
    })
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Seconds between renewals; the lease itself expires after 15 (see `assets.exchange_claims`). */
const renewal = Schedule.spaced("5 seconds")

const renewClaims = `update assets.lease l set expires_at = clock_timestamp() + interval '15 seconds'
  from unnest($1::text[], $2::text[], $3::float8[]) h (asset, partition, epoch)
  where l.asset = h.asset and l.partition = h.partition and l.epoch = h.epoch`

const exchangeClaims = `select asset, partition, epoch::float8
  from assets.exchange_claims($1, $2::text::timestamptz, $3::text[], $4::text[], $5::text[], $6::text[])`

type Wish = { readonly take: Partition.Ref } | { readonly giveBack: EventLog.Claim }

const open = Effect.fnUntraced(function* (
  connect: Effect.Effect<PgConnection.PgConnection, SqlError, Scope.Scope>,
  values: SqlClient.SqlClient,
  runId: string
) {
  const connection = yield* connect
  yield* connection.query("select pg_advisory_lock(assets.run_lock($1))", [runId])
  const since = yield* connection.query(
    "select backend_start::text as since from pg_stat_activity where pid = pg_backend_pid()"
  )
  const abandoned = yield* connection.query("select * from assets.take_abandoned_runs()")
  // To the database, a lock that its own session holds is free, and any unlocking of it as good.
  const held = new Map<string, EventLog.Claim>()
  yield* Effect.suspend(() => {
    const claims = Array.from(held.values())
    return connection.query(renewClaims, [
      claims.map(({ asset }) => asset),
      claims.map(column),
      claims.map(({ epoch }) => epoch)
    ])
  }).pipe(Effect.ignore, Effect.repeat(renewal), Effect.forkScoped)

  // A worker gives back one slice and asks for the next in one breath, so both travel together.
  const exchange = yield* batched(500, (wishes: ReadonlyArray<Wish>) => {
    const back = wishes.flatMap((wish) => ("giveBack" in wish ? [wish.giveBack] : []))
    const free = new Map(wishes.flatMap((wish) => ("take" in wish ? [[Partition.id(wish.take), wish.take]] : [])))
    for (const id of held.keys()) free.delete(id)
    const wanted = Array.from(free.values())
    return connection
      .query(exchangeClaims, [
        runId,
        since.rows[0]!.since,
        back.map(({ asset }) => asset),
        back.map(column),
        wanted.map(({ asset }) => asset),
        wanted.map(column)
      ])
      .pipe(
        Effect.map(({ rows }) => {
          const epochs = new Map(rows.map((row) => [`${row.asset}\u001f${row.partition}`, Number(row.epoch)]))
          return wishes.map((wish) => {
            if ("giveBack" in wish) return Option.none()
            const id = Partition.id(wish.take)
            const epoch = epochs.get(id)
            if (epoch === undefined) return Option.none()
            epochs.delete(id)
            const claim: EventLog.Claim = { ...wish.take, epoch }
            held.set(id, claim)
            return Option.some(claim)
          })
        })
      )
  })

  return {
    claim: (ref: Partition.Ref) => answered(exchange, { take: ref }).pipe(failed("claim")),
    // Nobody waits for it, nor hears of a failure: a session that is gone holds nothing.
    release: (claim: EventLog.Claim) =>
      Effect.sync(() => {
        const id = Partition.id(claim)
        if (held.get(id)?.epoch !== claim.epoch) return
        held.delete(id)
        exchange({ giveBack: claim })
      }),
    publish: <E, R>(
      publication: EventLog.Publication,
      rows: Effect.Effect<void, E, R> | undefined
    ): Effect.Effect<EventLog.Published, E | EventLog.EventLogError, R> =>
      publish(values, publication, rows).pipe(failed("publish")),
    abandoned: abandoned.rows.map((row) => toRun(row as unknown as RunRow))
  } satisfies EventLog.Session
})

const publish = <E, R>(
  sql: SqlClient.SqlClient,
  { claim, event, loaded }: EventLog.Publication,
  rows: Effect.Effect<void, E, R> | undefined
): Effect.Effect<EventLog.Published, E | SqlError, R> => {
  const guard = sql`${claim.asset}, ${column(claim)}, ${claim.epoch}::float8::bigint,
    ${loaded.map((dep) => (dep._tag === "Slice" ? dep.ref.asset : dep.asset))}::text[],
    ${textArray(loaded.map((dep) => (dep._tag === "Slice" ? column(dep.ref) : null)))}::text::text[],
    ${textArray(loaded.map(versionOf))}::text::text[]`
  if (rows === undefined) {
    return Effect.gen(function* () {
      const value = event(yield* Timestamp.now)
      const [row] = yield* sql<Verdict>`select assets.publish_value(${guard}, ${json(value)}::text::jsonb) as verdict`
      return row!.verdict === "ok" ? recorded(value) : refused(row!.verdict)
    })
  }
  return sql
    .withTransaction(
      Effect.gen(function* () {
        const [row] = yield* sql<Verdict>`select assets.begin_publish(${guard}) as verdict`
        if (row!.verdict !== "ok") return yield* Effect.fail(new RolledBack(row!.verdict))
        yield* rows
        const value = event(yield* Timestamp.now)
        yield* sql`select assets.record_value(${json(value)}::text::jsonb)`
        return recorded(value)
      })
    )
    .pipe(
      Effect.catchIf(
        (error) => error instanceof RolledBack,
        ({ verdict }) => Effect.succeed(refused(verdict))
      )
    ) as Effect.Effect<EventLog.Published, E | SqlError, R>
}

const versionOf = (dep: EventLog.Loaded): string | null =>
  dep._tag === "AllSlices" ? `${dep.count}:${dep.positions}` : dep.position === null ? null : String(dep.position)

type Refusal = "fenced" | "moved"

interface Verdict {
  readonly verdict: "ok" | Refusal
}

/** Leaves the transaction without keeping what it did. */
class RolledBack {
  readonly verdict: Refusal
  constructor(verdict: Refusal) {
    this.verdict = verdict
  }
}

const recorded = (event: EventLog.Value): EventLog.Published => ({ _tag: "Recorded", event })
const refused = (verdict: Refusal): EventLog.Published => ({ _tag: verdict === "fenced" ? "Fenced" : "Moved" })

/** Gathers what is asked for while a statement is under way into the next one. */
const batched = <A, B, E>(
  most: number,
  flush: (items: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E>
): Effect.Effect<(item: A) => Deferred.Deferred<B, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<{ readonly item: A; readonly answer: Deferred.Deferred<B, E> }>()
    yield* Queue.takeBetween(queue, 1, most).pipe(
      Effect.flatMap((entries) =>
        Effect.matchCauseEffect(flush(entries.map(({ item }) => item)), {
          onSuccess: (answers) =>
            Effect.sync(() =>
              entries.forEach(({ answer }, index) => Deferred.doneUnsafe(answer, Effect.succeed(answers[index]!)))
            ),
          onFailure: (cause) =>
            Effect.sync(() => entries.forEach(({ answer }) => Deferred.doneUnsafe(answer, Effect.failCause(cause))))
        })
      ),
      Effect.forever,
      Effect.forkScoped
    )
    return (item) => {
      const answer = Deferred.makeUnsafe<B, E>()
      Queue.offerUnsafe(queue, { item, answer })
      return answer
    }
  })

const answered = <A, B, E>(ask: (item: A) => Deferred.Deferred<B, E>, item: A): Effect.Effect<B, E> =>
  Effect.suspend(() => Deferred.await(ask(item)))

const failed =
  (operation: string) =>
  <A, E, R>(
    effect: Effect.Effect<A, E | SqlError, R>
  ): Effect.Effect<A, Exclude<E, SqlError> | EventLog.EventLogError, R> =>
    Effect.mapError(effect, (error) =>
      error instanceof SqlError
        ? new EventLog.EventLogError({ operation, detail: SqlFailure.words(error), cause: error })
        : (error as Exclude<E, SqlError>)
    )

/** The key column: '' stands for the whole of an asset without partitions. */
const column = (ref: Partition.Ref) => ref.partition ?? ""

const quote = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`

// Arrays with nulls, and arrays of jsonb, travel as their text form.
const textArray = (values: ReadonlyArray<string | null>) =>
  `{${values.map((value) => (value === null ? "null" : quote(value))).join(",")}}`
const jsonbArray = (values: ReadonlyArray<unknown>) => textArray(values.map(json))

// jsonb refuses NUL and halves of surrogate pairs, which an error's message may quote; the last is `SqlCatalog.separator`.
const unstorable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2}|001e)/g

const json = (value: unknown) => JSON.stringify(value).replaceAll(unstorable, "$1\\ufffd")

interface EventRow {
  readonly position: number
  readonly event: unknown
}

/** An open run whose process is gone is one that was interrupted, before somebody closes it. */
const runsNow = (sql: SqlClient.SqlClient) => sql`
  select id, case when status = 'Running' and id in (select assets.abandoned_runs()) then 'Interrupted' else status end as status,
    trigger, started_at, ended_at, trace_id, span_id
  from assets.run`

interface RunRow {
  readonly id: string
  readonly status: Run.Status
  readonly trigger: string
  readonly started_at: string
  readonly ended_at: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
}

interface StepRow {
  readonly asset: string
  readonly partition: string
  readonly status: Run.StepStatus
  readonly attempts: number
  readonly started_at: string | null
  readonly ended_at: string | null
  readonly error: Failure | null
}

const toRecorded = (row: EventRow): EventLog.Recorded => ({ position: row.position, event: decode(row.event) })

const toPartition = (partition: string): Partition.Key => (partition === "" ? null : partition)

const toRun = (row: RunRow): Run.Run => ({
  id: row.id,
  status: row.status,
  trigger: row.trigger,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  traceId: row.trace_id,
  spanId: row.span_id
})

const toStep = (row: StepRow): Run.Step => ({
  asset: row.asset,
  partition: toPartition(row.partition),
  status: row.status,
  attempts: row.attempts,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  error: row.error
})
