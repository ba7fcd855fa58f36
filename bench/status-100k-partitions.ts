/**
 * What `assets status` does about an asset of 100,000 partitions, every hundredth of them made from an older version of
 * what it reads, and about an asset that reads them all, half of which have changed since: the catalog in one query, the
 * status of every partition, and the causes with the partitions as ranges.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as IoManager from "../runtime/IoManager.ts"
import * as Partition from "../runtime/Partition.ts"
import * as SqlEventLog from "../runtime/SqlEventLog.ts"
import * as Staleness from "../runtime/Staleness.ts"
import * as StatusReport from "../runtime/StatusReport.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"

const count = 100_000
const day = 86_400_000
const now = Date.UTC(2026, 0, 1)

export default () =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    yield* store
    const half = partitionAt(count / 2)
    const expected = JSON.stringify([
      { Missing: 0, Stale: count / 100, Maybe: 0, Current: count - count / 100 },
      [{ _tag: "DependencyChanged", dependency: "report", partitions: [`${half}..${partitionAt(count - 1)}`] }]
    ])
    const judged = Effect.map(log.catalog, (catalog) => {
      const assessments = Staleness.assess(graph, catalog, now)
      const subject = { graph, catalog, assessments, failedChecks: [], lastAttempts: new Map() }
      const [report, summary] = StatusReport.make(subject, new Set(["report", "summary"]), "asset")
      const found = JSON.stringify([report!.partitions, summary!.causes])
      if (found !== expected) throw new Error(`not ${expected}: ${found}`)
    })
    const { read, status } = yield* Bench.medians({ status: Bench.millis(judged), read: Bench.millis(log.catalog) })
    const line = { bench: "status-100k-partitions", unit: "s", better: "lower", baseline: null } as const
    const lines: ReadonlyArray<Bench.Line> = [
      { ...line, quantity: "status", value: Bench.rounded(status / 1000), target: 1 },
      {
        ...line,
        quantity: "reading the catalog",
        value: Bench.rounded(read / 1000),
        target: 0.6,
        note: `${count} published partitions`
      }
    ]
    return lines
  }).pipe(Effect.provide(Layer.provideMerge(SqlEventLog.layer, Database.layer)))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const io = IoManager.make({
  kind: "none",
  describe: ({ key }) => `nothing of ${key}`,
  problems: () => [],
  store: () => Effect.never
})

const partitionAt = (index: number) => new Date(now - (count - 1 - index) * day).toISOString().slice(0, 10)

const partitions = Partition.daily({ start: partitionAt(0) })
const source = Asset.make("source", { io, codeVersion: "1", materialize: () => Effect.void })
const report = Asset.make("report", {
  io,
  codeVersion: "1",
  partitions,
  deps: { source },
  materialize: () => Effect.void
})
const summary = Asset.make("summary", { io, codeVersion: "1", deps: { report }, materialize: () => Effect.void })
const graph = AssetGraph.make([summary])

/** As a run for every partition would have left them; the log is not read by what is measured. */
const store = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into assets.asset_state (asset, partition, code_version, data_version, provenance,
      changed_position, verified_position, materialized_at, verified_at, rows, metadata, run_id, trace_id, span_id)
    select asset, partition, '1', md5(asset || n), made_from, n + 1, n + 1, t, t, n, '{"pages": 7}'::json,
      gen_random_uuid()::text, md5('trace' || n), left(md5('span' || n), 16)
    from (
      select 'source' asset, '' partition, 0 n, '{}'::json made_from
      union all
      select 'report', to_char(${partitionAt(0)}::text::date + n, 'YYYY-MM-DD'), n,
        json_build_object('source', json_build_object('version', md5(case when n % 100 = 99 then 'old' else 'source0' end), 'position', 1))
      from generate_series(0, ${count}::int - 1) n
      union all
      select 'summary', '', ${count}::int, json_build_object('report', json_build_object('version', 'old', 'position', ${count / 2}::int))
    ) x, to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') t`
  yield* sql`analyze assets.asset_state`
})
