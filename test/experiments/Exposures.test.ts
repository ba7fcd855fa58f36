import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as Exposures from "../../assets/experiments/Exposures.ts"
import { onDatabase, rows } from "../assets/Pipeline.ts"
import { until } from "../api/Service.ts"

const exposure = (user_id: number, ...tracks: ReadonlyArray<number>): Exposures.Exposure => ({
  user_id,
  as_of: "2026-03-01T00:00:00.000Z",
  model_version: "m",
  at: "2026-03-01T12:00:00.000Z",
  arms: { one: "control", two: "treated" },
  tracks,
  origins: tracks.map(() => "personal"),
  propensities: tracks.map((_, index) => 1 / (1 + index))
})

const addUsers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into music.users (id, first_name, last_name, email, gender, favorite_genres, created_at, updated_at, run_id)
    select n, '', '', '', '', '', now(), now(), '' from generate_series(1, 3) n`
})

const recorded = rows("select user_id, experiment, track_id, position, propensity from music.exposure order by 1, 2, 4")

const count = Effect.map(recorded, (rows) => rows.length)

/** The lines of warnings. */
const logging = <A, E, R>(body: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  return body(lines).pipe(
    Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(String([message].flat()[0])))]))
  )
}

const recording = <A, E, R>(use: (record: Exposures.Exposures["Service"]["record"]) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Exposures.Exposures, ({ record }) => use(record)).pipe(Effect.provide(Layer.fresh(Exposures.layer)))

describe("exposures", { timeout: 60_000 }, () => {
  it.effect("are written for each experiment and place, once, and all of them when the service ends", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* addUsers
        const twice = recording((record) =>
          Effect.sync(() => {
            record(exposure(2, 20, 21))
            record(exposure(1, 10))
            record(exposure(2, 20, 21))
            record(exposure(99, 10))
          })
        )
        yield* Effect.all([twice, twice], { concurrency: "unbounded" })
        yield* twice
        assert.deepStrictEqual(yield* recorded, [
          { user_id: 1, experiment: "one", track_id: 10, position: 1, propensity: 1 },
          { user_id: 1, experiment: "two", track_id: 10, position: 1, propensity: 1 },
          { user_id: 2, experiment: "one", track_id: 20, position: 1, propensity: 1 },
          { user_id: 2, experiment: "one", track_id: 21, position: 2, propensity: 0.5 },
          { user_id: 2, experiment: "two", track_id: 20, position: 1, propensity: 1 },
          { user_id: 2, experiment: "two", track_id: 21, position: 2, propensity: 0.5 }
        ])
      })
    )
  )

  it.effect("that the database refuses are counted, told, and written when the answer is given again", () =>
    logging((lines) =>
      onDatabase(
        Effect.gen(function* () {
          yield* addUsers
          const sql = yield* SqlClient.SqlClient
          yield* sql`alter table music.answer rename to elsewhere`
          yield* recording((record) =>
            Effect.gen(function* () {
              record(exposure(1, 10))
              yield* until(Effect.map(TestClock.adjust("100 millis"), () => lines.length === 2))
              assert.deepStrictEqual(lines, [
                "exposures could not be recorded",
                "what was shown in 1 answer was not recorded"
              ])
              yield* sql`alter table music.elsewhere rename to answer`
              record(exposure(1, 10))
              yield* TestClock.adjust("1 second")
              yield* until(Effect.map(count, (count) => count === 2))
            })
          )
        })
      )
    )
  )

  it.effect("are no more than there is room for", () =>
    logging((lines) =>
      onDatabase(
        Effect.gen(function* () {
          yield* addUsers
          yield* recording((record) =>
            Effect.sync(() => {
              for (let user = 1000; user < 11_000; user++) record(exposure(user, 10))
              record(exposure(1, 10))
              record(exposure(2, 10))
            })
          )
          assert.deepStrictEqual(lines, ["what was shown in 2 answers was not recorded"])
          assert.strictEqual(yield* count, 0)
        })
      )
    )
  )

  it.effect("do not keep the service from ending", () =>
    logging((lines) =>
      onDatabase(
        Effect.gen(function* () {
          yield* addUsers
          const sql = yield* SqlClient.SqlClient
          const waits = sql`select from pg_locks where relation = 'music.answer'::regclass and not granted`
          const locked = yield* Deferred.make<void>()
          const holder = yield* sql
            .withTransaction(
              Effect.andThen(
                sql`lock table music.answer`,
                Effect.andThen(Deferred.succeed(locked, undefined), Effect.never)
              )
            )
            .pipe(Effect.forkChild)
          yield* Deferred.await(locked)
          const ending = yield* Effect.forkChild(recording((record) => Effect.sync(() => record(exposure(1, 10)))))
          yield* until(Effect.map(waits, (rows) => rows.length > 0))
          yield* until(Effect.map(TestClock.adjust("1 second"), () => ending.pollUnsafe() !== undefined))
          assert.deepStrictEqual(lines, ["what was shown in 1 answer was not recorded"])
          yield* Fiber.interrupt(holder)
        })
      )
    )
  )
})
