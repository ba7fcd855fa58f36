/**
 * Reading rows of tables in PostgreSQL: as a fragment for other statements, as a stream, as a count.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import * as RowCodec from "./RowCodec.ts"
import * as SqlFailure from "./SqlFailure.ts"
import type * as Table from "./Table.ts"
import * as TableStatements from "./TableStatements.ts"

/** A whole table of the database by its quoted name. */
export const all = (table: string): Statement.Fragment => Statement.fragment([Statement.literal(table)])

/** The published rows of some partitions; `null` stands for all of them, and for a table that has none. */
export const published = (
  definition: Table.Definition,
  partitions: ReadonlyArray<Partition.Key>
): Statement.Fragment => {
  const table = TableStatements.target(definition)
  const select = `(select ${TableStatements.columnList(definition)} from ${table} where `
  if (definition.publishes === "by merging") return all(`${select}removed_at is null)`)
  const [only] = partitions
  if (definition.partition === undefined || only === null) return all(table)
  const [before, after] =
    partitions.length === 1
      ? TableStatements.isPartition(definition, definition.partition)
      : TableStatements.isOneOf(definition, definition.partition)
  return Statement.fragment([
    Statement.literal(select + before),
    Statement.parameter(partitions.length === 1 ? only : partitions.join("\u001f")),
    Statement.literal(`${after})`)
  ])
}

export const handle = <Row>(
  sql: SqlClient.SqlClient,
  definition: Table.Definition,
  table: Statement.Fragment,
  version: string
): Table.Handle<Row> => {
  const { asset } = definition
  const failure = SqlFailure.toIoError(asset, "load")
  return {
    name: definition.name,
    table,
    version,
    rows: rowsOf<Row>(sql, definition, table),
    count: sql<{ readonly count: bigint }>`select count(*) as count from ${table} as rows`.pipe(
      Effect.mapBoth({ onSuccess: ([row]) => Number(row!.count), onFailure: failure })
    )
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const pageRows = 5_000

/**
 * Page by page in the order of the key. A stream of the driver's would hold a connection for as long as its consumer
 * takes: as many steps as the pool has connections, each writing what it reads, would wait for each other for ever.
 */
const rowsOf = <Row>(sql: SqlClient.SqlClient, definition: Table.Definition, table: Statement.Fragment) => {
  const { asset } = definition
  const page = TableStatements.page(definition, pageRows)
  const [select, where, order] = [sql.literal(page.select), sql.literal(page.where), sql.literal(page.order)]
  const decode = RowCodec.decode<Row, IoManager.IoError>(
    definition,
    (detail) => new IoManager.IoError({ asset, operation: "load", detail, retryable: false })
  )
  const after = (last: Kept) => sql.csv(page.cursor.map(({ name, type }) => sql`${last[name]}::${sql.literal(type)}`))

  return Stream.paginate(undefined as Kept | undefined, (last) => {
    const condition = last === undefined ? sql.literal("") : sql`${where} (${after(last)})`
    return sql<Kept>`${select} from ${table} as rows ${condition} ${order}`.pipe(
      Effect.mapError(SqlFailure.toIoError(asset, "load")),
      Effect.flatMap((kept) => {
        const next = kept.length < pageRows ? Option.none() : Option.some(kept.at(-1))
        return Effect.map(decode(kept), (rows) => [rows, next] as const)
      })
    )
  })
}

type Kept = Readonly<Record<string, unknown>>
