/**
 * Rules of rows as statements of PostgreSQL: one for each, so that only what breaks a rule enters this process, and of
 * that only a sample.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import * as IoManager from "./IoManager.ts"
import * as RowCodec from "./RowCodec.ts"
import * as RowRule from "./RowRule.ts"
import * as SqlFailure from "./SqlFailure.ts"
import * as SqlRows from "./SqlRows.ts"
import type * as Table from "./Table.ts"
import * as TableStatements from "./TableStatements.ts"

/** Rows as a check sees them. */
export const candidate = <Row>(
  sql: SqlClient.SqlClient,
  definition: Table.Definition,
  table: Statement.Fragment,
  { changes, version }: { readonly version: string; readonly changes: Table.Changes }
): Table.Candidate<Row> => ({
  ...SqlRows.handle<Row>(sql, definition, table, version),
  key: definition.key,
  columns: definition.columns,
  changes,
  find: (rule) => find(sql, definition, table, rule),
  newest: (column) => newest(sql, definition, table, column)
})

/** The staged rows of one partition among those of many. */
export const slice = (
  sql: SqlClient.SqlClient,
  definition: Table.Definition,
  staging: string,
  partition: string
): Statement.Fragment => {
  const columns = sql.literal(TableStatements.columnList(definition))
  const [before, after] = TableStatements.isPartition(definition, definition.partition!)
  return sql`(select ${columns} from ${sql.literal(staging)}
    where ${sql.literal(before)}${partition}${sql.literal(after)})`
}

/** The rows of some partitions in the place of those that are published under their keys, among all others. */
export const inPlace = (
  sql: SqlClient.SqlClient,
  definition: Table.Definition,
  staging: string,
  partitions: ReadonlyArray<string>
): Statement.Fragment => {
  const columns = sql.literal(TableStatements.columnList(definition))
  const [before, after] =
    partitions.length === 1
      ? TableStatements.isPartition(definition, definition.partition!)
      : TableStatements.isOneOf(definition, definition.partition!)
  return sql`(select ${columns} from ${sql.literal(TableStatements.target(definition))}
    where not (${sql.literal(before)}${partitions.join(TableStatements.separator)}${sql.literal(after)})
    union all select ${columns} from ${sql.literal(staging)})`
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// Names that no column has, for they have a space.
interface Counted {
  readonly "all rows": number
  readonly "bad rows": number
}

const find = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  definition: Table.Definition,
  table: Statement.Fragment,
  rule: RowRule.RowRule
) {
  const { asset } = definition
  const columns = sql.literal(TableStatements.columnList(definition))
  const key = sql.csv(definition.key.map((name) => sql`${sql(name)}`))
  const found = yield* sql<Counted>`
    with bad as materialized (select r.* from ${table} as r where ${condition(sql, definition, table, rule)})
    select counted.*, sample.*
    from (select (select count(*)::float8 from ${table} as r) as "all rows",
      (select count(*)::float8 from bad) as "bad rows") as counted
    left join (select ${columns} from bad order by ${key} limit ${RowRule.sampleSize}) as sample on true
    order by ${key}`.pipe(Effect.mapError(SqlFailure.toIoError(asset, "load")))
  const { "all rows": rows, "bad rows": violations } = found[0]!
  if (violations === 0) return { rows, violations, sample: [] } satisfies RowRule.Found
  const sample = yield* RowCodec.decode(
    definition,
    (detail) => new IoManager.IoError({ asset, operation: "load", detail, retryable: false })
  )(found)
  return { rows, violations, sample: RowRule.sampleOf(sample) } satisfies RowRule.Found
})

/** Holds for a row `r` that breaks the rule. */
const condition = (
  sql: SqlClient.SqlClient,
  definition: Table.Definition,
  table: Statement.Fragment,
  rule: RowRule.RowRule
): Statement.Fragment => {
  const column = (name: string) => sql`r.${sql(name)}`
  const typeOf = (of: string) => definition.columns.find(({ name }) => name === of)!.type
  const value = (of: string, value: RowRule.Comparable) => sql`${inWords(value)}::text::${sql.literal(typeOf(of))}`
  switch (rule._tag) {
    case "NotNull":
      return sql`${column(rule.column)} is null`
    case "OneOf":
      return rule.values.length === 0
        ? sql`${column(rule.column)} is not null`
        : sql`${column(rule.column)} not in (${sql.csv(rule.values.map((one) => value(rule.column, one)))})`
    case "Within": {
      const { column: name, max, min } = rule
      // In the order of their characters' codes, whatever the language of the database.
      const own = typeOf(name) === "text" ? sql`${column(name)} collate "C"` : column(name)
      const ends = [
        ...(min === undefined ? [] : [sql`${own} < ${value(name, min)}`]),
        ...(max === undefined ? [] : [sql`${own} > ${value(name, max)}`])
      ]
      return ends.length === 0 ? sql`false` : sql.or(ends)
    }
    case "Refers":
      return sql`${column(rule.column)} is not null and not exists (
        select from ${rule.to.table as Statement.Fragment} as other where other.${sql(rule.key)} = ${column(rule.column)})`
    case "Unique": {
      const names = sql.csv(rule.columns.map((name) => sql`${sql(name)}`))
      return sql`(${sql.csv(rule.columns.map(column))}) in (
        select ${names} from ${table} as r group by ${names} having count(*) > 1)`
    }
  }
}

/** A value as the text from which its column's type reads it. */
const inWords = (value: RowRule.Comparable): string =>
  typeof value === "object" ? new Date(RowRule.ordinal(value) as number).toISOString() : String(value)

const newest = (
  sql: SqlClient.SqlClient,
  { asset }: Table.Definition,
  table: Statement.Fragment,
  column: string
): Effect.Effect<number | undefined, IoManager.IoError> =>
  sql<{ readonly newest: number | null }>`
    select extract(epoch from max(r.${sql(column)}))::float8 * 1000 as newest
    from ${table} as r`.pipe(
    Effect.map(([row]) => row!.newest ?? undefined),
    Effect.mapError(SqlFailure.toIoError(asset, "load"))
  )
