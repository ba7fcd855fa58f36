/**
 * How long it takes to decide about 10,000 assets: their states read from Postgres in one query, the status of all, and
 * the plan of what a change of every hundredth asset's code asks for.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as SqlClient from "effect/sql/SqlClient"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as IoManager from "../runtime/IoManager.ts"
import * as Plan from "../runtime/Plan.ts"
import * as RecordedSpans from "../runtime/RecordedSpans.ts"
import * as SqlEventLog from "../runtime/SqlEventLog.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"

const count = 10_000

export default () =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    const declared = graph()
    const published = states(declared, 100)
    yield* store(published)
    const decide = Effect.map(log.catalog, (catalog) => plan(declared, catalog))
    const inMemory = Effect.sync(() => plan(declared, Catalog.fromStates(published)))
    const { decided, pure } = yield* Bench.medians({ decided: Bench.millis(decide), pure: Bench.millis(inMemory) }, 9)
    const lines: ReadonlyArray<Bench.Line> = [
      {
        bench: "plan-10k",
        quantity: "time",
        value: Bench.rounded(decided),
        unit: "ms",
        better: "lower",
        target: 150,
        baseline: { name: "with the states at hand", value: Bench.rounded(pure) },
        note: `${(yield* decide).steps.length} steps planned`
      },
      {
        bench: "plan-10k",
        quantity: "queries",
        value: yield* queriesOf(decide),
        unit: "queries",
        better: "lower",
        target: 1,
        baseline: null
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

/** 10,000 assets of three dependencies each, drawn from the thousand before; the same every time. */
const graph = (): AssetGraph.AssetGraph => {
  const assets: Array<Asset.Any> = []
  const random = xorshift(42)
  for (let index = 0; index < count; index++) {
    const deps: Record<string, Asset.Any> = {}
    for (let dep = 0; dep < Math.min(3, index); dep++) {
      const other = assets[index - 1 - (random() % Math.min(1000, index))]!
      deps[other.key] = other
    }
    assets.push(Asset.make(`asset_${index}`, { io, codeVersion: "1", deps, materialize: () => Effect.void }))
  }
  return AssetGraph.make(assets)
}

/** Every asset published from the versions in force, except that the code of one in `every` has moved since. */
const states = (graph: AssetGraph.AssetGraph, every: number): ReadonlyArray<Catalog.AssetState> =>
  graph.order.map((asset, index) => ({
    asset,
    partition: null,
    codeVersion: index % every === every - 1 ? "0" : "1",
    dataVersion: `${asset} version`,
    provenance: Object.fromEntries(
      graph.nodes.get(asset)!.deps.map((edge) => [edge.asset, { version: `${edge.asset} version`, position: 1 }])
    ),
    config: {},
    changedPosition: index + 1,
    verifiedPosition: index + 1,
    materializedAt: "2026-01-01T00:00:00.000Z",
    verifiedAt: "2026-01-01T00:00:00.000Z",
    rows: null,
    metadata: {},
    runId: "run",
    traceId: null,
    spanId: null
  }))

/** As so many runs would have left them; the log is not read by what is measured. */
const store = Effect.fnUntraced(function* (states: ReadonlyArray<Catalog.AssetState>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into assets.asset_state (asset, partition, code_version, data_version, provenance,
      changed_position, verified_position, materialized_at, verified_at, metadata, run_id)
    select s ->> 'asset', '', s ->> 'codeVersion', s ->> 'dataVersion', s -> 'provenance', (s ->> 'changedPosition')::bigint,
      (s ->> 'verifiedPosition')::bigint, s ->> 'materializedAt', s ->> 'verifiedAt', s -> 'metadata', s ->> 'runId'
    from jsonb_array_elements(${JSON.stringify(states)}::text::jsonb) s`
  yield* sql`analyze assets.asset_state`
})

const plan = (graph: AssetGraph.AssetGraph, catalog: Catalog.Catalog): Plan.Plan =>
  Result.getOrThrow(Plan.make(graph, catalog, Plan.everything, Date.UTC(2026, 0, 2)))

/** The client makes a span for each. */
const queriesOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* effect
    const { all } = yield* RecordedSpans.RecordedSpans
    return (yield* all).length
  }).pipe(Effect.provide(RecordedSpans.layer))

/** Marsaglia (2003). */
const xorshift = (seed: number) => {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
