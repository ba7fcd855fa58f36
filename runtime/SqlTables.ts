/**
 * Tables in PostgreSQL: rows are staged in unlogged tables of their own, digested there, and published by delete and
 * insert, or by a merge, in the caller's transaction.
 *
 * Statements come from `TableStatements`, reading from `SqlRows`. Takes the plain client, whose interrupted queries are
 * cancelled on the server.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type * as Column from "./Column.ts"
import * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import * as RowCodec from "./RowCodec.ts"
import * as SqlFailure from "./SqlFailure.ts"
import * as SqlRows from "./SqlRows.ts"
import * as SqlRules from "./SqlRules.ts"
import * as Table from "./Table.ts"
import * as TableFailure from "./TableFailure.ts"
import * as TableFit from "./TableFit.ts"
import * as TableStatements from "./TableStatements.ts"
import * as Version from "./Version.ts"

export const layer: Layer.Layer<Table.Tables, never, SqlClient.SqlClient> = Layer.effect(
  Table.Tables,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const fitting = new Set<string>()
    const half = halfOf(sql)
    return {
      store: <Row>(definition: Table.Definition) => makeStore<Row>({ sql, half, fitting, definition })
    }
  })
)

/**
 * Drops what a run left in staging when its process died, and answers how many tables that were. A run that lives would
 * lose what it works on.
 */
export const dropStaging = Effect.fn("SqlTables.dropStaging")(function* (runId: string) {
  const sql = yield* SqlClient.SqlClient
  const left = yield* sql<{ readonly name: string }>`
    select tablename as name from pg_tables
    where schemaname = 'assets_staging' and starts_with(tablename, ${`${runId}:`})`
  for (const { name } of left) yield* sql.unsafe(`drop table if exists ${TableStatements.staging(name)}`)
  return left.length
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Bound {
  readonly sql: SqlClient.SqlClient
  readonly half: Effect.Effect<TableStatements.Half, SqlError.SqlError>
  /** Names of tables that were seen to exist and to fit. */
  readonly fitting: Set<string>
  readonly definition: Table.Definition
}

/** Asks the server once. */
const halfOf = (sql: SqlClient.SqlClient): Effect.Effect<TableStatements.Half, SqlError.SqlError> => {
  let known: TableStatements.Half | undefined
  const ask = sql<{ readonly version: number }>`select current_setting('server_version_num')::int as version`.pipe(
    Effect.map(([row]) => (known = row!.version >= 180_000 ? TableStatements.halfByCast : TableStatements.halfByHex))
  )
  return Effect.suspend(() => (known === undefined ? ask : Effect.succeed(known)))
}

const makeStore = <Row>(bound: Bound): Table.Store<Row> => {
  const { definition, sql } = bound
  const load = ({ partition, version }: IoManager.Source) =>
    SqlRows.handle<Row>(sql, definition, SqlRows.published(definition, [partition]), version)

  return {
    stage: (to, input) => stage(bound, to, input),
    stageRange: (to, input) => stageRange(bound, to, input),
    load: (source) => Effect.sync(() => load(source)),
    loadAll: (_, sources) =>
      Effect.sync(() => {
        const version = Version.ofPartitions(sources.map(({ partition, version }) => [partition ?? "", version]))
        const partitions = sources.map(({ partition }) => partition)
        return SqlRows.handle<Row>(sql, definition, SqlRows.published(definition, partitions), version)
      }),
    published: (source) =>
      Effect.map(load(source).count, (rows) => {
        const changes = { before: rows, inserted: 0, updated: 0, unchanged: rows, removed: 0 }
        const published = SqlRows.published(definition, [source.partition])
        return SqlRules.candidate<Row>(sql, definition, published, { version: source.version, changes })
      }),
    digest: (ref) => digest(bound, ref),
    wipe: Effect.fnUntraced(function* ({ partition }) {
      if (!(yield* exists(bound, "wipe"))) return
      yield* run(bound, "wipe", TableStatements.wipeRows(definition), parameters(definition, partition))
    })
  }
}

/** A statement that is sent once, so not prepared; its failures are the server's words. */
const run = <A extends object>(
  { definition, sql }: Bound,
  operation: IoManager.IoError["operation"],
  statement: string,
  values: ReadonlyArray<unknown> = []
) => Effect.mapError(sql.unsafe<A>(statement, values).unprepared, TableFailure.toIoError(definition, operation))

const stage = Effect.fnUntraced(function* <Row, E>(
  bound: Bound,
  to: IoManager.Target,
  input: Table.Input<Row> | Stream.Stream<Row | Table.Restart, E>
) {
  const { definition, sql } = bound
  yield* prepare(bound)
  const name = yield* acquireStaging(bound, to.runId)
  const staging = TableStatements.staging(name)
  yield* fill(bound, staging, input)
  yield* rejectStrays(bound, staging, to)
  const [, { changes, digest, rows }] = yield* Effect.all(
    [rejectDuplicates(bound, definition.key, name), summarize(bound, staging, to)],
    { concurrency: 2 }
  )
  const judged = (table: Statement.Fragment) =>
    SqlRules.candidate<Row>(sql, definition, table, { version: digest, changes })
  const candidate = judged(SqlRows.all(staging))
  const whole = to.partition === null ? candidate : judged(SqlRules.inPlace(sql, definition, staging, [to.partition]))
  return { candidate, whole, digest, rows, metadata: { rows, ...changes }, publish: publish(bound, staging, to) }
})

/** One staging for the rows of all partitions, each with a digest of its own; a partition without rows has that of none. */
const stageRange = Effect.fnUntraced(function* <Row, E>(
  bound: Bound,
  to: IoManager.RangeTarget,
  input: Table.Input<Row> | Stream.Stream<Row | Table.Restart, E>
) {
  const { definition, sql } = bound
  const column = definition.partition!
  const list = (partitions: ReadonlyArray<string>) => [partitions.join(TableStatements.separator)]
  yield* prepare(bound)
  const name = yield* acquireStaging(bound, to.runId)
  const staging = TableStatements.staging(name)
  yield* fill(bound, staging, input)
  yield* rejectRow(
    bound,
    TableStatements.strayRowOfRange(definition, column, staging),
    list(to.partitions),
    "is of no partition that was asked for"
  )
  const half = yield* Effect.mapError(bound.half, TableFailure.toIoError(definition, "stage"))
  const [, found, counted] = yield* Effect.all(
    [
      // Also finds the rows of a partition, for its checks.
      rejectDuplicates(bound, [column, ...definition.key.filter((name) => name !== column)], name),
      run<Sums & { readonly partition: string }>(
        bound,
        "stage",
        TableStatements.digestOfRange(definition, column, staging, half)
      ),
      run<{ readonly partition: string; readonly before: bigint }>(
        bound,
        "stage",
        TableStatements.countOfRange(definition, column),
        list(to.partitions)
      )
    ],
    { concurrency: 3 }
  )
  const sums = new Map(found.map((sum) => [sum.partition, sum]))
  const published = new Map(counted.map(({ before, partition }) => [partition, Number(before)]))
  const slices = to.partitions.map((partition) => {
    const own = sums.get(partition) ?? noRows
    return { partition, digest: digestOf(definition, own), rows: Number(own.hashed) }
  })
  const staged = new Map(slices.map((slice) => [slice.partition, slice]))
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0)
  const changes = replacing(
    rows,
    published.values().reduce((sum, before) => sum + before, 0)
  )
  const version = Version.ofPartitions(slices.map(({ digest, partition }) => [partition, digest]))
  const whole = SqlRules.inPlace(sql, definition, staging, to.partitions)
  return {
    candidate: (partition: string) => {
      const { digest, rows } = staged.get(partition)!
      return SqlRules.candidate<Row>(sql, definition, SqlRules.slice(sql, definition, staging, partition), {
        version: digest,
        changes: replacing(rows, published.get(partition) ?? 0)
      })
    },
    whole: SqlRules.candidate<Row>(sql, definition, whole, { version, changes }),
    slices,
    metadata: { rows, ...changes },
    publish: Effect.fnUntraced(function* (partitions: ReadonlyArray<string>) {
      yield* run(bound, "publish", TableStatements.deleteRange(definition, column), list(partitions))
      yield* run(bound, "publish", TableStatements.insertRange(definition, column, staging), list(partitions))
    })
  }
})

const replacing = (rows: number, before: number): Table.Changes => ({
  before,
  inserted: rows,
  updated: 0,
  unchanged: 0,
  removed: before
})

const noRows: Sums = { hashed: 0n, high: "0", low: "0" }

/** Creates the target where it is missing and makes sure that it fits; once for each process. */
const prepare = Effect.fnUntraced(function* (bound: Bound) {
  const { definition, fitting } = bound
  if (fitting.has(definition.name)) return
  const describe = run(bound, "open", describeTable, [TableStatements.target(definition)])
  let [described] = yield* describe
  if (described === undefined) {
    yield* run(bound, "open", TableStatements.createTarget(definition))
    described = (yield* describe)[0]
  }
  const differences = TableFit.mismatches(definition, yield* Effect.orDie(decodeDescription(described)))
  if (differences.length > 0) {
    return yield* new IoManager.IoError({
      asset: definition.asset,
      operation: "open",
      detail:
        `the table ${definition.name} does not fit the row schema: ${differences.join("; ")}. ` +
        "Change it in a migration, or drop it to have it made anew",
      retryable: false
    })
  }
  fitting.add(definition.name)
})

const describeTable = Fs.readFileSync(new URL("../sql/describe_table.sql", import.meta.url), "utf8")

const decodeDescription = Schema.decodeUnknownEffect(TableFit.Description)

/** Its name begins with the run, for whoever drops it if this process cannot. Names have 63 bytes: ids at most 50. */
const acquireStaging = (bound: Bound, runId: string) =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const name = `${runId}:${Crypto.randomBytes(TableStatements.stagingSuffix / 2).toString("hex")}`
      return Effect.as(run(bound, "stage", TableStatements.createStaging(bound.definition, name)), name)
    }),
    (name) => Effect.ignore(run(bound, "stage", `drop table if exists ${TableStatements.staging(name)}`))
  )

const fill = <Row, E>(
  bound: Bound,
  staging: string,
  input: Table.Input<Row> | Stream.Stream<Row | Table.Restart, E>
): Effect.Effect<void, IoManager.IoError | E> => {
  const { definition, sql } = bound
  const failure = TableFailure.toIoError(definition, "stage")
  if (Table.isQuery(input)) {
    const [before, after] = TableStatements.insertQuery(definition, staging)
    const select = typeof input.select === "string" ? sql.literal(input.select) : input.select
    const statement = sql`${sql.literal(before)}${select}${sql.literal(after)}`
    return Effect.asVoid(Effect.mapError(statement.unprepared, failure))
  }
  const insert = TableStatements.insertBatch(definition, staging)
  return RowCodec.encode(definition, input, (detail) => invalid(definition, detail)).pipe(
    // While the server inserts one batch, the next is cut.
    Stream.buffer({ capacity: 1 }),
    Stream.runForEach((step) =>
      step._tag === "Batch"
        ? Effect.mapError(sql.unsafe(insert, arrays(definition.columns, step)), failure)
        : run(bound, "stage", `truncate ${staging}`)
    )
  )
}

const arrays = (columns: ReadonlyArray<Column.Column>, batch: RowCodec.Batch) =>
  columns.map(({ type }, index) =>
    Result.getOrThrow(PgTypes.array(batch.columns[index]!, oids[TableStatements.sentAs(type)]))
  )

const oids: Record<ReturnType<typeof TableStatements.sentAs>, number> = {
  integer: PgTypes.OID.int4,
  bigint: PgTypes.OID.int8,
  "double precision": PgTypes.OID.float8,
  text: PgTypes.OID.text,
  boolean: PgTypes.OID.bool,
  timestamptz: PgTypes.OID.timestamptz,
  date: PgTypes.OID.date,
  json: PgTypes.OID.json
}

const invalid = ({ asset }: Table.Definition, detail: string) =>
  new IoManager.IoError({ asset, operation: "stage", detail, retryable: false })

const rejectStrays = Effect.fnUntraced(function* (bound: Bound, staging: string, { partition }: Partition.Ref) {
  const { definition } = bound
  if (definition.partition === undefined) return
  const statement = TableStatements.strayRow(definition, definition.partition, staging)
  yield* rejectRow(bound, statement, [partition], `is not of the partition ${partition}`)
})

const rejectRow = Effect.fnUntraced(function* (
  bound: Bound,
  statement: string,
  values: ReadonlyArray<unknown>,
  why: string
) {
  const { definition } = bound
  const [stray] = yield* run(bound, "stage", statement, values)
  if (stray === undefined) return
  return yield* invalid(definition, `the row ${RowCodec.showKey(definition.key, stray)} ${why}`)
})

const rejectDuplicates = ({ definition, sql }: Bound, key: ReadonlyArray<string>, name: string) =>
  Effect.mapError(sql.unsafe(TableStatements.uniqueKey(key, name)).unprepared, (error) =>
    SqlFailure.code(error) === SqlFailure.uniqueViolation
      ? invalid(definition, `two rows have one key: ${SqlFailure.detail(error) ?? SqlFailure.words(error)}`)
      : TableFailure.toIoError(definition, "stage")(error)
  )

interface Sums {
  readonly hashed: bigint
  readonly high: string
  readonly low: string
}

const summarize = Effect.fnUntraced(function* (bound: Bound, staging: string, { partition }: Partition.Ref) {
  const { definition } = bound
  const half = yield* Effect.mapError(bound.half, TableFailure.toIoError(definition, "stage"))
  if (definition.publishes === "by replacing") {
    const statement = TableStatements.digestOfReplacing(definition, staging, half)
    const values = parameters(definition, partition)
    const [found] = yield* run<Sums & { readonly before: bigint }>(bound, "stage", statement, values)
    const [rows, before] = [Number(found!.hashed), Number(found!.before)]
    return { digest: digestOf(definition, found!), rows, changes: replacing(rows, before) }
  }
  const statement = TableStatements.digestOfMerging(definition, staging, half)
  const [found] = yield* run<Sums & Record<keyof Table.Changes, bigint>>(bound, "stage", statement)
  const changes: Table.Changes = {
    before: Number(found!.before),
    inserted: Number(found!.inserted),
    updated: Number(found!.updated),
    unchanged: Number(found!.unchanged),
    removed: Number(found!.removed)
  }
  const rows = changes.inserted + changes.updated + changes.unchanged
  return { digest: digestOf(definition, found!), rows, changes }
})

const digest = Effect.fnUntraced(function* (bound: Bound, { partition }: Partition.Ref) {
  const { definition } = bound
  if (!(yield* exists(bound, "digest"))) return null
  const half = yield* Effect.mapError(bound.half, TableFailure.toIoError(definition, "digest"))
  const statement = TableStatements.digestOfTarget(definition, half)
  const [found] = yield* run<Sums>(bound, "digest", statement, parameters(definition, partition))
  return digestOf(definition, found!)
})

/** Asked first, because a statement on a missing table would end the caller's transaction. */
const exists = (bound: Bound, operation: "digest" | "wipe") =>
  run<{ readonly there: boolean }>(bound, operation, "select to_regclass($1) is not null as there", [
    TableStatements.target(bound.definition)
  ]).pipe(Effect.map(([row]) => row!.there))

/** Of a table: its columns, how many rows it has, and the sum of their hashes modulo 2^128. */
const digestOf = ({ columns }: Table.Definition, { hashed, high, low }: Sums) => {
  const sum = BigInt.asUintN(128, (BigInt(high) << 64n) + BigInt(low))
  return Version.hash("table", [
    ...columns.flatMap(({ name, type }) => [name, type]),
    String(hashed),
    sum.toString(16).padStart(32, "0")
  ])
}

/** May run again after a rollback: both ways of publishing end in the same rows when repeated. */
const publish = Effect.fnUntraced(function* (bound: Bound, staging: string, { partition, runId }: IoManager.Target) {
  const { definition } = bound
  if (definition.publishes === "by replacing") {
    yield* run(bound, "publish", TableStatements.deleteRows(definition), parameters(definition, partition))
    yield* run(bound, "publish", TableStatements.insertRows(definition, staging))
    return
  }
  yield* run(bound, "publish", TableStatements.updateRows(definition, staging), [runId])
  yield* run(bound, "publish", TableStatements.insertNewRows(definition, staging), [runId])
  yield* run(bound, "publish", TableStatements.markRemoved(definition, staging), [runId])
})

const parameters = ({ partition: column }: Table.Definition, partition: Partition.Key) =>
  column === undefined ? [] : [partition]
