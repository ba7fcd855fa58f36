/**
 * 12,000 partitions of one asset that takes ranges, a row each, from the plan to the publish: read, planned, computed,
 * staged, digested and recorded in PostgreSQL. Next to the rows alone, written by one statement.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Definitions from "../runtime/Definitions.ts"
import * as Executor from "../runtime/Executor.ts"
import { Asset, IoManager, Partition, Table } from "../runtime/index.ts"
import * as Invocation from "../runtime/Invocation.ts"
import * as Plan from "../runtime/Plan.ts"
import * as Quarantine from "../runtime/Quarantine.ts"
import * as SqlEventLog from "../runtime/SqlEventLog.ts"
import * as SqlTables from "../runtime/SqlTables.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"

const count = 12_000

export default () =>
  Effect.gen(function* () {
    const { backfill, bare } = yield* Bench.medians({ backfill: Bench.millis(run), bare: Bench.millis(write) })
    const line: Bench.Line = {
      bench: "partitions-12k",
      value: Bench.rounded(backfill / 1000),
      unit: "s",
      better: "lower",
      target: 2,
      baseline: { name: "the same rows by one insert", value: Bench.rounded(bare / 1000) }
    }
    return line
  }).pipe(Effect.provide(layer))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const start = new Date(Date.now() - (count - 1) * 86_400_000).toISOString().slice(0, 10)

const Row = Schema.Struct({ day: Table.Day, value: Schema.Int })

let runs = 0

/** Of an asset that no run before has computed. */
const run = Effect.gen(function* () {
  runs += 1
  const asset = Asset.make(`trivial_${runs}`, {
    codeVersion: "1",
    io: Table.make({ schema: Row, key: ["day"], partition: "day" }),
    partitions: Asset.ranges(Partition.daily({ start }), { most: count }),
    materialize: (_, { partitions }) => Effect.succeed(partitions.map((day, value) => ({ day, value })))
  })
  const definitions = Definitions.make({ assets: [asset] })
  const executor = yield* Executor.Executor
  const plan = Invocation.plan(definitions.graph, Plan.everything)
  const options = { trigger: "bench", concurrency: 4, observe: () => Effect.void }
  const { plan: made, status } = yield* executor.execute(definitions, plan, options)
  if (status !== "Succeeded" || made.steps.length !== 1) throw new Error(`${status}: ${made.steps.length} steps`)
})

const write = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists bare (day date primary key, value integer not null)`
  yield* sql`delete from bare`
  yield* sql`insert into bare select ${start}::date + n, n from generate_series(0, ${count - 1}::int4) n`
})

const noStaging = Layer.succeed(IoManager.Staging, { drop: () => Effect.void, collect: Effect.void })

const layer = Executor.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(SqlEventLog.layer, Quarantine.layer, SqlTables.layer, noStaging)),
  Layer.provideMerge(Database.layer)
)
