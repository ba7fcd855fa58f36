import { expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as Catalog from "../../runtime/Catalog.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import type * as Partition from "../../runtime/Partition.ts"
import * as SqlEventLog from "../../runtime/SqlEventLog.ts"
import * as SqlFailure from "../../runtime/SqlFailure.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Facts from "./Facts.ts"

const atOnce = { concurrency: "unbounded" } as const

const recorded = { _tag: "Recorded" }

const opened = Effect.gen(function* () {
  return yield* Facts.opened(yield* EventLog.EventLog)
})

/** The runs of a process that is gone: each was open, and so was its session. */
const died = (count: number) =>
  Effect.scoped(
    Effect.map(Effect.all(Array.from({ length: count }, () => opened)), (runs) => runs.map(({ runId }) => runId))
  )

const state = (ref: Partition.Ref) =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    return Catalog.get(yield* log.states([ref]), ref)
  })

const slices = (asset: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    return Array.from(Catalog.slices(yield* log.states([{ asset, partition: null }]), asset).values())
  })

const asLoaded = ({ asset, changedPosition: position, partition }: Catalog.AssetState): EventLog.Loaded => ({
  _tag: "Slice",
  ref: { asset, partition },
  position
})

/** Until as many publishes as these wait for a lock. */
const waiting = (count: number, statement = "publish_value") =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql`select from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock' and query like ${`%${statement}%`}`
    return rows.length
  }).pipe(Effect.repeat({ until: (found) => found === count }))

/** Publishes of this slice without rows. */
const publisher = Effect.fnUntraced(function* (run: Facts.Opened, ref: Partition.Ref) {
  const claim = yield* run.claim(ref)
  return (version: string, loaded: ReadonlyArray<EventLog.Loaded> = []) =>
    run.session.publish({ claim, loaded, event: () => run.value(ref, version) }, undefined)
})

layer(Layer.provideMerge(SqlEventLog.layer, TestDatabase.layer()), { timeout: "60 seconds" })(
  "the event log in PostgreSQL only",
  (it) => {
    it.effect("cannot be changed, only added to", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const log = yield* EventLog.EventLog
        const { runId } = yield* opened
        for (const statement of ["update assets.event_log set tag = ''", "delete from assets.event_log"]) {
          expect(SqlFailure.words(yield* Effect.flip(sql.unsafe(statement)))).toContain("is append-only")
        }
        const truncated = yield* Effect.flip(sql.unsafe("truncate assets.event_log cascade"))
        expect(SqlFailure.words(truncated)).toContain("TRUNCATE refused")
        expect(yield* log.events(runId)).toHaveLength(1)
      })
    )

    it.effect(
      "replaces what jsonb refuses, NUL and halves of surrogate pairs, and what separates values, and nothing else",
      () =>
        Effect.gen(function* () {
          const log = yield* EventLog.EventLog
          const { runId, started, tell } = Facts.run()
          const message = "a\u0000b \ud800 c\udfff \\u0000 \\\u0000 \ud83c\udfb5 \\ud800"
          yield* log.append([started, tell({ _tag: "RunFailed", error: { _tag: "\u0000\u001e", message } })])
          const error = {
            _tag: "\ufffd\ufffd",
            message: "a\ufffdb \ufffd c\ufffd \\u0000 \\\ufffd \ud83c\udfb5 \\ud800"
          }
          expect((yield* log.events(runId)).at(-1)!.event).toMatchObject({ error })
        })
    )

    it.effect("goes on after an append that the database refused", () =>
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const { ref, runId, started, tell } = Facts.run()
        const failure = yield* Effect.flip(log.append([tell({ _tag: "StepCutOff", ...ref() })]))
        expect(failure.message).toContain("The event log could not append: ")
        expect(failure.message).toContain("foreign key")
        expect(yield* log.events(runId)).toEqual([])
        yield* log.append([started, tell({ _tag: "StepCutOff", ...ref() })])
        expect(yield* log.events(runId)).toHaveLength(2)
      })
    )

    it.effect("is the same to the next process, whose epochs go on growing", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const log = yield* EventLog.EventLog
        yield* sql`create table rows_of_restart (x integer)`
        const [ref, runId] = yield* Effect.scoped(
          Effect.gen(function* () {
            const run = yield* opened
            const publication = {
              claim: yield* run.claim(run.ref()),
              loaded: [],
              event: () => run.value(run.ref(), "v1")
            }
            yield* run.session.publish(publication, Effect.orDie(sql`insert into rows_of_restart values (1)`))
            return [run.ref(), run.runId] as const
          })
        )
        const restarted = Context.get(yield* Layer.build(Layer.fresh(SqlEventLog.layer)), EventLog.EventLog)
        expect(yield* restarted.events(runId)).toEqual(yield* log.events(runId))
        expect(yield* restarted.catalog).toEqual(yield* log.catalog)
        expect(yield* restarted.run(runId)).toEqual(yield* log.run(runId))
        const next = yield* Facts.opened(restarted)
        expect(yield* next.claim(ref)).toEqual({ ...ref, epoch: 2 })
      })
    )

    it.effect("leaves no rows, no event and no state of a publish that failed or was interrupted", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const log = yield* EventLog.EventLog
        yield* sql`create table rows_of_publish (x integer)`
        const run = yield* opened
        const insert = Effect.asVoid(sql`insert into rows_of_publish values (1)`)
        const left = Effect.gen(function* () {
          const rows = yield* sql`select from rows_of_publish`
          return [rows.length, (yield* state(run.ref()))?.dataVersion, (yield* log.events(run.runId)).length]
        })
        const publication = { claim: yield* run.claim(run.ref()), loaded: [], event: () => run.value(run.ref(), "v1") }
        const failing = run.session.publish(publication, Effect.andThen(insert, Effect.fail("down")))
        expect(yield* Effect.flip(failing)).toBe("down")
        const refused = run.session.publish(publication, Effect.andThen(insert, sql`select 1 / 0`.pipe(Effect.asVoid)))
        expect((yield* Effect.flip(refused)).message).toContain("could not publish: division by zero")
        const entered = Deferred.makeUnsafe<void>()
        const endless = Effect.andThen(Deferred.succeed(entered, undefined), Effect.never)
        const fiber = yield* Effect.forkChild(run.session.publish(publication, Effect.andThen(insert, endless)))
        yield* Deferred.await(entered)
        yield* Fiber.interrupt(fiber)
        expect(yield* left).toEqual([0, undefined, 1])
        expect(yield* Effect.flip(log.wipe(run.wiped(run.ref()), Effect.andThen(insert, Effect.fail("down"))))).toBe(
          "down"
        )
        expect(yield* left).toEqual([0, undefined, 1])
        expect(yield* run.session.publish(publication, insert)).toMatchObject(recorded)
        expect(yield* left).toEqual([1, "v1", 2])
      })
    )

    it.effect("locks the dependencies of a publish, so that their own publishes wait for its end", () =>
      Effect.gen(function* () {
        const [run, other] = [yield* opened, yield* opened]
        const refs = ["a", "b"].map((partition) => other.ref(partition))
        const publishes = yield* Effect.forEach(refs, (ref) => publisher(other, ref))
        yield* Effect.forEach(publishes, (publish) => publish("v1"))
        const loaded = (yield* slices(other.asset)).map(asLoaded)
        const [entered, leave] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
        const rows = Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(leave))
        const publication = { claim: yield* run.claim(run.ref()), loaded, event: () => run.value(run.ref(), "made") }
        const reading = yield* Effect.forkChild(run.session.publish(publication, rows))
        yield* Deferred.await(entered)
        const writing = yield* Effect.forkChild(
          Effect.all(
            publishes.map((publish) => publish("v2")),
            atOnce
          )
        )
        yield* waiting(2)
        expect((yield* slices(other.asset)).map(({ dataVersion }) => dataVersion)).toEqual(["v1", "v1"])
        yield* Deferred.succeed(leave, undefined)
        expect(yield* Fiber.join(reading)).toMatchObject(recorded)
        expect(yield* Fiber.join(writing)).toMatchObject([recorded, recorded])
        expect((yield* slices(other.asset)).map(({ dataVersion }) => dataVersion)).toEqual(["v2", "v2"])
      })
    )

    it.effect("notices a slice whose publish began before that of the newest and ended after it", () =>
      Effect.gen(function* () {
        const [run, other, reader] = [yield* opened, yield* opened, yield* opened]
        const [late, newest] = [
          yield* publisher(other, other.ref("late")),
          yield* publisher(other, other.ref("newest"))
        ]
        yield* Effect.all([late("v1"), newest("v1")])
        const [entered, leave] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
        const [loaded] = (yield* slices(other.asset)).filter(({ partition }) => partition === "late").map(asLoaded)
        const publication = {
          claim: yield* run.claim(run.ref()),
          loaded: [loaded!],
          event: () => run.value(run.ref(), "made")
        }
        const reading = yield* Effect.forkChild(
          run.session.publish(publication, Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(leave)))
        )
        yield* Deferred.await(entered)
        const writing = yield* Effect.forkChild(late("v2"))
        yield* waiting(1)
        yield* newest("v2")
        const all = EventLog.allSlices(other.asset, yield* slices(other.asset))
        yield* Deferred.succeed(leave, undefined)
        yield* Effect.all([Fiber.join(reading), Fiber.join(writing)])
        const publish = yield* publisher(reader, reader.ref())
        expect(yield* publish("made of the first", [all])).toEqual({ _tag: "Moved" })
        const now = EventLog.allSlices(other.asset, yield* slices(other.asset))
        expect(yield* publish("made of both", [now])).toMatchObject(recorded)
      })
    )

    it.effect("renews the lease of a slice whose rows take longer than it lasts", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const run = yield* opened
        const publication = {
          claim: yield* run.claim(run.ref()),
          loaded: [],
          event: () => run.value(run.ref(), "v1")
        }
        const [entered, leave] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
        const rows = Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(leave))
        const publishing = yield* Effect.forkChild(run.session.publish(publication, rows))
        yield* Deferred.await(entered)
        yield* sql`update assets.lease set expires_at = clock_timestamp() where run_id = ${run.runId}`
        const isAlive = sql`select from assets.lease where run_id = ${run.runId} and expires_at > clock_timestamp()`
        yield* TestClock.adjust("5 seconds")
        yield* Effect.repeat(isAlive, { until: (rows) => rows.length === 1 })
        yield* Deferred.succeed(leave, undefined)
        expect(yield* Fiber.join(publishing)).toMatchObject(recorded)
      })
    )

    it.effect("keeps who takes over waiting for what the lost session was publishing", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [lost, next] = [yield* opened, yield* opened]
        const ref = lost.ref()
        const publication = { claim: yield* lost.claim(ref), loaded: [], event: () => lost.value(ref, "v1") }
        const [entered, leave] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
        const rows = Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(leave))
        const publishing = yield* Effect.forkChild(lost.session.publish(publication, rows))
        yield* Deferred.await(entered)
        yield* sql`select pg_terminate_backend(holder_pid) from assets.lease where run_id = ${lost.runId}`
        const claiming = yield* Effect.forkChild(next.claim(ref))
        yield* waiting(1, "exchange_claims")
        yield* Deferred.succeed(leave, undefined)
        expect(yield* Fiber.join(publishing)).toMatchObject(recorded)
        expect(yield* Fiber.join(claiming)).toEqual({ ...ref, epoch: 2 })
      })
    )

    it.effect("takes over from a session that hangs, once its lease has expired", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const [hanging, next] = [yield* opened, yield* opened]
        const ref = hanging.ref()
        const lost = yield* hanging.claim(ref)
        const expire = sql`update assets.lease set expires_at = clock_timestamp() - interval '1 second'
          where run_id = ${hanging.runId}`
        const isAlive = sql`select from assets.lease where run_id = ${hanging.runId} and expires_at > clock_timestamp()`

        yield* expire
        yield* TestClock.adjust("5 seconds")
        yield* Effect.repeat(isAlive, { until: (rows) => rows.length === 1 })
        expect(yield* next.session.claim(ref)).toEqual(Option.none())

        yield* expire
        expect(yield* next.claim(ref)).toEqual({ ...ref, epoch: 2 })
        const event = hanging.value(ref, "late")
        expect(yield* hanging.session.publish({ claim: lost, loaded: [], event: () => event }, undefined)).toEqual({
          _tag: "Fenced"
        })
        expect((yield* Effect.flip(hanging.session.claim(hanging.ref("b")))).message).toContain("could not claim")
      })
    )
  }
)

layer(Layer.provideMerge(SqlEventLog.layer, TestDatabase.layer()), { timeout: "60 seconds" })(
  "runs that their process left open",
  (it) => {
    it.effect("are handed to one session of the next, and again if that is gone too", () =>
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const left = yield* died(3)
        const begin = Effect.suspend(() => Effect.map(log.session(Facts.run().runId), ({ abandoned }) => abandoned))
        const scope = yield* Scope.make()
        // A server takes a moment to notice that a session is gone.
        const statusesOf = Effect.forEach(left, (id) => Effect.map(log.run(id), (run) => Option.getOrThrow(run).status))
        while ((yield* statusesOf).some((status) => status !== "Interrupted"));
        expect((yield* log.runs(3)).map(({ id, status }) => [id, status])).toEqual(
          left.toReversed().map((id) => [id, "Interrupted"])
        )
        const taken: Array<string> = []
        while (taken.length < left.length) {
          for (const { id, status } of yield* Scope.provide(begin, scope)) {
            expect(status).toBe("Running")
            taken.push(id)
          }
        }
        expect(taken.toSorted()).toEqual(left)
        expect(yield* begin).toEqual([])

        yield* log.append([{ _tag: "RunInterrupted", at: "2026-01-31T00:00:00.000Z", runId: left[0]! }])
        yield* Scope.close(scope, Exit.void)
        const again = new Set<string>()
        while (left.slice(1).some((id) => !again.has(id))) for (const { id } of yield* begin) again.add(id)
        expect(again.has(left[0]!)).toBe(false)
        yield* log.append(
          Array.from(again, (runId) => ({ _tag: "RunCanceled", at: "2026-01-31T00:00:00.000Z", runId }))
        )
      })
    )

    it.effect("are each handed to exactly one of ten sessions that begin at the same time", () =>
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        const left = yield* died(20)
        const taken: Array<string> = []
        while (taken.length < left.length) {
          const sessions = yield* Effect.all(
            Array.from({ length: 10 }, () => log.session(Facts.run().runId)),
            atOnce
          )
          taken.push(...sessions.flatMap(({ abandoned }) => abandoned.map(({ id }) => id)))
        }
        expect(taken.toSorted()).toEqual(left)
        yield* log.append(left.map((runId) => ({ _tag: "RunInterrupted", at: "2026-01-31T00:00:00.000Z", runId })))
      })
    )

    it.effect("are not those that ended just as another session began", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const log = yield* EventLog.EventLog
        const [ending, scope] = [Facts.run(), yield* Scope.make()]
        yield* Scope.provide(log.session(ending.runId), scope)
        // So many that whoever begins is at them for a while, and comes to the last one late.
        yield* sql`insert into assets.run (id, status, trigger, selection, steps, started_at)
          select 'left ' || i, 'Running', 'test', '[]', 1, '' from generate_series(1, 10000) i`
        yield* log.append([ending.started])
        const beginning = yield* Effect.forkChild(log.session(Facts.run().runId))
        const taking = sql`select from pg_stat_activity
          where datname = current_database() and state = 'active' and query like '%take_abandoned_runs%' and pid <> pg_backend_pid()`
        yield* Effect.repeat(taking, { until: (rows) => rows.length === 1 })
        yield* log.append([ending.tell({ _tag: "RunSucceeded" })])
        yield* Scope.close(scope, Exit.void)
        const { abandoned } = yield* Fiber.join(beginning)
        expect(abandoned).toHaveLength(10_000)
        expect(abandoned.filter(({ id }) => id === ending.runId)).toEqual([])
      })
    )
  }
)
