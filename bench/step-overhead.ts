/**
 * What the executor adds to a step: thousands of assets whose bodies and values are nothing, published anew by every
 * run, concurrency 16. In memory, and with the whole protocol in Postgres next to bare transactions of one insert.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Asset from "../runtime/Asset.ts"
import * as Definitions from "../runtime/Definitions.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as Executor from "../runtime/Executor.ts"
import * as IoManager from "../runtime/IoManager.ts"
import * as Plan from "../runtime/Plan.ts"
import * as Quarantine from "../runtime/Quarantine.ts"
import * as SqlEventLog from "../runtime/SqlEventLog.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"

const concurrency = 16

export default () =>
  Effect.gen(function* () {
    const memory = yield* Bench.medians({ run: run(10_000) }).pipe(Effect.provide(inMemory))
    const postgres = yield* Bench.medians({ run: run(2_000), bare: bare(2_000) }).pipe(Effect.provide(inPostgres))
    const inMicros: Bench.Line = {
      bench: "step-overhead",
      quantity: "in memory",
      value: Bench.rounded(memory.run * 1000),
      unit: "us",
      better: "lower",
      target: 20,
      baseline: null
    }
    const inMillis: Bench.Line = {
      bench: "step-overhead",
      quantity: "in Postgres",
      value: Bench.rounded(postgres.run),
      unit: "ms",
      better: "lower",
      target: 0.5,
      baseline: { name: "begin, insert, commit", value: Bench.rounded(postgres.bare) }
    }
    return [inMicros, inMillis]
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

let versions = 0

/** Values that are never stored and never the same twice. */
const io = IoManager.make<unknown, unknown, unknown, unknown, unknown, never>({
  kind: "nothing",
  describe: ({ key }) => `nothing of ${key}`,
  problems: () => [],
  store: () => Effect.succeed(store)
})

const store: IoManager.Store<unknown, unknown, unknown, unknown, unknown> = {
  stage: () =>
    Effect.sync(() => ({
      candidate: undefined,
      digest: String(++versions),
      rows: null,
      metadata: {},
      publish: Effect.void
    })),
  load: () => Effect.void,
  loadAll: () => Effect.void,
  published: () => Effect.void,
  digest: () => Effect.succeed(null),
  wipe: () => Effect.void
}

const declare = (steps: number) =>
  Definitions.make({
    assets: Array.from({ length: steps }, (_, index) =>
      Asset.make(`a${index}`, { io, codeVersion: "1", materialize: () => Effect.void })
    )
  })

/** Milliseconds a step of a run that computes everything, once it is planned. */
const run = (steps: number) => {
  const definitions = declare(steps)
  return Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const executor = yield* Executor.Executor
    const request = { ...Plan.everything, force: true }
    const now = yield* Clock.currentTimeMillis
    const plan = yield* Effect.fromResult(Plan.make(definitions.graph, yield* log.catalog, request, now))
    const execute = executor.execute(definitions, Effect.succeed(plan), {
      trigger: "bench",
      concurrency,
      observe: () => Effect.void
    })
    return (yield* Bench.millis(execute)) / steps
  })
}

/** Milliseconds a transaction of one small insert. */
const bare = (transactions: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table if not exists bare (id bigint generated always as identity primary key, fact jsonb not null)`
    const insert = sql.withTransaction(sql`insert into bare (fact) values (${'{"_tag":"Nothing"}'}::text::jsonb)`)
    const all = Effect.forEach(Array.from({ length: transactions }), () => insert, { concurrency, discard: true })
    return (yield* Bench.millis(all)) / transactions
  })

const noStaging = Layer.succeed(IoManager.Staging, { drop: () => Effect.void, collect: Effect.void })

const inMemory = Executor.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(EventLog.layerMemory, Quarantine.layerMemory, noStaging))
)

const inPostgres = Executor.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(SqlEventLog.layer, Quarantine.layer, noStaging)),
  Layer.provideMerge(Database.layer)
)
