/**
 * An erasure as a run: who computes from the rows is fenced out, the rows are deleted by cascade, the slices they were in
 * get their new versions, and what quotes rows is purged, in one transaction.
 *
 * Whether it is meant is asked by the one who calls. Blobs that were made from the rows go like any other that nothing
 * refers to, once their assets were computed anew; spans and logs that were exported are out of reach.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { SqlError } from "effect/sql/SqlError"
import * as Asset from "./Asset.ts"
import * as AssetGraph from "./AssetGraph.ts"
import * as AttemptError from "./AttemptError.ts"
import * as Catalog from "./Catalog.ts"
import type * as Definitions from "./Definitions.ts"
import type { Erased, Request } from "./Erasure.ts"
import type { Of } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import type * as IoManager from "./IoManager.ts"
import * as Partition from "./Partition.ts"
import * as RunRecord from "./RunRecord.ts"
import * as SqlFailure from "./SqlFailure.ts"
import type * as Table from "./Table.ts"
import * as Timestamp from "./Timestamp.ts"
import * as Version from "./Version.ts"

/** Nothing when there are no such rows, of which no run is recorded. */
export const run = Effect.fn("ErasureRun.run")(
  function* (definitions: Definitions.Definitions, request: Request) {
    const sql = yield* SqlClient.SqlClient
    const log = yield* EventLog.EventLog
    const { table, where } = request
    const found = yield* sql`select from ${sql(table)} where ${where} limit 1`
    if (found.length === 0) return Option.none<Erased>()

    const reached = yield* reach(definitions, table)
    const fenced = reached.map(({ asset }) => asset.key)
    const redacted = definitions.graph.order.filter(
      (key) => fenced.includes(key) || !AssetGraph.ancestors(definitions.graph, key).isDisjointFrom(new Set(fenced))
    )
    const options = {
      trigger: "erase",
      selection: fenced,
      steps: fenced.length,
      observe: () => Effect.void,
      failure: () => undefined
    }
    return yield* RunRecord.traced((root) =>
      RunRecord.recorded(root, options, ({ runId }) =>
        log
          .erase({ fenced, redacted }, deleting(request, reached, runId))
          // Waits in a circle with a step that claims what nobody ever claimed, for one.
          .pipe(Effect.retry({ times: 3, while: (error) => AttemptError.isPassing(error) === true }))
      ).pipe(
        Effect.map((events) =>
          Option.some<Erased>({
            runId: root.runId,
            slices: events.map(({ asset, partition }) => ({ asset, partition }))
          })
        )
      )
    )
  },
  Effect.mapError((error) =>
    error instanceof SqlError
      ? new EventLog.EventLogError({ operation: "erase", detail: SqlFailure.words(error), cause: error })
      : error
  )
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** An asset whose table the deletion reaches. */
interface Reached {
  readonly asset: Asset.Any
  readonly table: IoManager.InTable
  /** Whether rows may change without being deleted. */
  readonly rewritten: boolean
}

/** By the foreign keys there are. What others compute has no version of ours. */
const reach = Effect.fnUntraced(function* ({ graph }: Definitions.Definitions, root: string) {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql<{ readonly name: string; readonly rewritten: boolean }>`
    with recursive reached (oid, rewritten) as (
      select ${root}::text::regclass::oid, false
      union
      select c.conrelid, c.confdeltype <> 'c'
      from reached r join pg_constraint c on c.confrelid = r.oid
      where c.contype = 'f' and c.confdeltype in ('c', 'n', 'd') and not r.rewritten
    )
    select n.nspname || '.' || t.relname as name, bool_or(r.rewritten) as rewritten
    from reached r join pg_class t on t.oid = r.oid join pg_namespace n on n.oid = t.relnamespace group by 1`
  const rewritten = new Map(found.map((reached) => [reached.name, reached.rewritten]))
  return graph.order.flatMap((key): ReadonlyArray<Reached> => {
    const { asset } = graph.nodes.get(key)!
    const table = asset.external === undefined ? asset.io.table?.(Asset.owner(asset)) : undefined
    const changes = table && rewritten.get(table.name)
    return table === undefined || changes === undefined ? [] : [{ asset, table, rewritten: changes }]
  })
})

/** Deletes, and answers with what has changed by it and is published. */
const deleting = Effect.fnUntraced(function* (
  { table, where }: Request,
  reached: ReadonlyArray<Reached>,
  runId: string
) {
  const sql = yield* SqlClient.SqlClient
  const log = yield* EventLog.EventLog
  const states = log.states(reached.map(({ asset }) => ({ asset: asset.key, partition: null })))
  const contents = Effect.flatMap(states, (catalog) => Effect.forEach(reached, (one) => contentOf(one, catalog)))
  // From here on nobody can add a row that refers to these.
  yield* sql`select from ${sql(table)} where ${where} for update`
  const before = yield* contents
  yield* sql`delete from ${sql(table)} where ${where}`
  const after = yield* contents
  const catalog = yield* states
  const changed = reached.flatMap(({ asset }, index) =>
    Array.from(Catalog.slices(catalog, asset.key).values())
      .filter(({ partition }) => before[index]!.get(partition) !== after[index]!.get(partition))
      .map((state) => ({ asset, state }))
  )
  return yield* Effect.forEach(changed, ({ asset, state }) => renewed(asset, state, runId))
})

/** By partition what changes when rows are deleted: how many there are. Where they may change otherwise, their digest. */
const contentOf = Effect.fnUntraced(function* ({ asset, rewritten, table }: Reached, catalog: Catalog.Catalog) {
  const content = new Map<Partition.Key, unknown>()
  if (rewritten) {
    const store = yield* Asset.store(asset)
    for (const state of Catalog.slices(catalog, asset.key).values()) {
      content.set(state.partition, yield* store.digest(state))
    }
    return content
  }
  const sql = yield* SqlClient.SqlClient
  const key = table.partition === undefined ? sql`null::text` : sql`${sql(table.partition)}::text`
  const counted = yield* sql<{ readonly partition: Partition.Key; readonly rows: bigint }>`
    select ${key} as partition, count(*) as rows from ${sql(table.name)} group by 1`
  for (const { partition, rows } of counted) content.set(partition, rows)
  return content
})

const renewed = Effect.fnUntraced(function* (asset: Asset.Any, state: Catalog.AssetState, runId: string) {
  const store = yield* Asset.store(asset)
  const ref: Partition.Ref = { asset: state.asset, partition: state.partition }
  const left: Table.Handle<unknown> = yield* store.load({ ...ref, version: state.dataVersion })
  const event: Of<"AssetErased"> = {
    _tag: "AssetErased",
    at: yield* Timestamp.now,
    runId,
    ...ref,
    dataVersion: yield* versionOf(asset, store, state, runId),
    rows: Number(yield* left.count)
  }
  return event
})

/** As a step that published these rows would have it. */
const versionOf = Effect.fnUntraced(function* (
  { version }: Asset.Any,
  store: IoManager.AnyStore,
  state: Catalog.AssetState,
  runId: string
) {
  if (version._tag === "PerRun") return Version.hash("run", [runId])
  if (version._tag === "Content") return (yield* store.digest(state))!
  const candidate = yield* store.published({ ...state, version: state.dataVersion })
  return Version.hash("custom", [yield* version.of(candidate as never) as Effect.Effect<string>])
})
