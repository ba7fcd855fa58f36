/**
 * Values that are tables: rows of one schema, found by key, published whole, by partition, or merged by key.
 *
 * This module declares them. `SqlTables` keeps them in PostgreSQL and `MemoryTables` in this process.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Statement from "effect/sql/Statement"
import type * as Stream from "effect/Stream"
import * as Column from "./Column.ts"
import * as IoManager from "./IoManager.ts"
import * as RowCodec from "./RowCodec.ts"
import type * as RowRule from "./RowRule.ts"

export { asJson, Day, Long } from "./Column.ts"

/**
 * In a stream of rows: what came before it does not count. For a source that moved while it was read and has to be read
 * again from its start.
 */
export const restart: Restart = RowCodec.restart
export type Restart = RowCodec.Restart

/** The rows of a value: all of a table, or one partition, without the removed rows of a merged table. */
export interface Handle<out Row> {
  /** `music.users` */
  readonly name: string
  /** Stands in SQL for a table of just these rows with the schema's columns: sql`select … from ${users.table} u`. */
  readonly table: Statement.Fragment
  readonly version: string
  /** In the order of the key, some thousand at a time; a publish between two of these shows in what follows. */
  readonly rows: Stream.Stream<Row, IoManager.IoError>
  readonly count: Effect.Effect<number, IoManager.IoError>
}

/**
 * What publishing would do. `before` counts the rows published before that are not removed; `inserted`, `updated` and
 * `unchanged` add up to the rows after. Without merging every row before is removed and every row after inserted.
 */
export interface Changes {
  readonly before: number
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly removed: number
}

/** The staged rows as checks see them; `version` is their digest. The columns `N` may be null. */
export interface Candidate<out Row, in N extends string = NullableColumnOf<Row>> extends Handle<Row> {
  /** Of the whole, what publishing the slice would do. */
  readonly changes: Changes
  readonly key: ReadonlyArray<string>
  readonly columns: ReadonlyArray<Pick<Column.Column, "name" | "type" | "nullable">>
  /** Rows that break a rule: in a database one statement, whose rows stay there but for a sample. */
  readonly find: (rule: RowRule.RowRule<ColumnOf<Row>, N>) => Effect.Effect<RowRule.Found, IoManager.IoError>
  /** The newest moment or day of a column, in milliseconds since the epoch; `undefined` when there is none. */
  readonly newest: (column: ColumnOf<Row>) => Effect.Effect<number | undefined, IoManager.IoError>
}

export type ColumnOf<Row> = keyof Row & string

export type NullableColumnOf<Row> = {
  [C in keyof Row]-?: null extends Row[C] ? C : undefined extends Row[C] ? C : never
}[keyof Row] &
  string

/** Rows that a `select` finds in the database; they never enter this process. */
export interface Query {
  readonly _tag: "~assets/Table/query"
  readonly select: string | Statement.Fragment
}

export type Input<Row> = Iterable<Row> | Query

/** A `select`, without a semicolon, whose columns have the names of the row schema's; others are ignored. */
export const query = (select: string | Statement.Fragment): Query => ({ _tag: "~assets/Table/query", select })

export const isQuery = (input: unknown): input is Query =>
  typeof input === "object" && input !== null && "_tag" in input && input._tag === "~assets/Table/query"

/** A table as its asset declares it. */
export interface Definition extends RowCodec.Shape {
  readonly asset: string
  /** With its schema, `music.users`. */
  readonly name: string
  readonly partition: string | undefined
  readonly indexes: ReadonlyArray<ReadonlyArray<string>>
  readonly publishes: "by replacing" | "by merging"
}

export type Store<Row> = IoManager.Store<
  Input<Row>,
  Row | Restart,
  Handle<Row>,
  Handle<Row>,
  Candidate<Row>,
  Input<Row>
>

/** Keeps tables. */
export class Tables extends Context.Service<Tables, { readonly store: <Row>(definition: Definition) => Store<Row> }>()(
  "assets/Tables"
) {}

export type Io<Row> = IoManager.Io<
  Input<Row>,
  Row | Restart,
  Handle<Row>,
  Handle<Row>,
  Candidate<Row>,
  Tables,
  Input<Row>
>

type ColumnName<S extends Column.RowSchema> = keyof S["fields"] & string

type Columns<S extends Column.RowSchema> = readonly [ColumnName<S>, ...Array<ColumnName<S>>]

/** Publishing replaces all rows, or of a partition its own. `table` is `public.<asset key>` unless said otherwise. */
export const make = <S extends Column.RowSchema>(options: {
  readonly schema: S
  readonly key: Columns<S>
  readonly table?: string
  /** The column that holds the partition key: text or `Table.Day`, part of the key. */
  readonly partition?: ColumnName<S>
  /** Beside the one of the key. */
  readonly indexes?: ReadonlyArray<Columns<S>>
}): Io<S["Type"]> => declare(options, "by replacing")

/**
 * Publishing merges by key: rows that are gone are marked in `removed_at`, not deleted, and unmarked when they come back.
 * The table also has `first_seen_at`, and `run_id` of the run that last changed the row.
 */
export const merge = <S extends Column.RowSchema>(options: {
  readonly schema: S
  readonly key: Columns<S>
  readonly table?: string
  readonly indexes?: ReadonlyArray<Columns<S>>
}): Io<S["Type"]> => declare(options, "by merging")

/** Columns of merged tables that the schema does not have: written by the IO manager, outside the data version. */
export const bookkeeping = ["first_seen_at", "removed_at", "run_id"] as const

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Options {
  readonly schema: Column.RowSchema
  readonly key: ReadonlyArray<string>
  readonly table?: string
  readonly partition?: string
  readonly indexes?: ReadonlyArray<ReadonlyArray<string>>
}

const declare = <Row>(options: Options, publishes: Definition["publishes"]): Io<Row> => {
  const { columns, problems } = Column.of(options.schema)
  const define = ({ key: asset }: IoManager.Owner): Definition => ({
    asset,
    name: qualified(options.table ?? asset),
    schema: options.schema,
    columns,
    key: options.key,
    partition: options.partition,
    indexes: options.indexes ?? [],
    publishes
  })
  return IoManager.make({
    kind: "table",
    fields: columns.map(({ description, name, nullable, type }) => ({ name, type, nullable, description })),
    judged: "by slice or whole",
    refusesRanges: undefined,
    table: (owner) => define(owner),
    describe: (owner) => `table ${define(owner).name}`,
    problems: (owner) => [...problems, ...mistakes(define(owner), owner)],
    schema: () => ({
      columns: columns.map(({ name, nullable, type }) => ({ name, nullable, type })),
      key: options.key,
      publishes
    }),
    store: (owner) => Effect.map(Tables, (tables) => tables.store<Row>(define(owner)))
  })
}

const qualified = (table: string) => (table.includes(".") ? table : `public.${table}`)

const mistakes = (definition: Definition, { partitioned }: IoManager.Owner): ReadonlyArray<string> => {
  const { columns, indexes, key, name, partition, publishes } = definition
  const found: Array<string> = []
  const parts = name.split(".")
  if (parts.length !== 2 || !parts.every(Column.isName)) found.push(`${JSON.stringify(name)} is not a name of a table`)
  const repeated = [key, ...indexes].find((names) => new Set(names).size < names.length)
  if (repeated !== undefined) found.push(`a column is named twice in (${repeated.join(", ")})`)
  for (const column of columns.filter((column) => key.includes(column.name))) {
    if (column.nullable) found.push(`the key column ${column.name} may be null`)
    if (Column.isStructured(column)) found.push(`the key column ${column.name} is not a single value`)
  }
  for (const { name } of columns.filter(({ name, type }) => type === "json" && indexes.flat().includes(name))) {
    found.push(`the column ${name} is kept as json, which has no order: it cannot be indexed`)
  }
  if (publishes === "by merging") {
    if (partitioned)
      found.push("a partitioned asset cannot merge its rows by key: use Table.make with a partition column")
    const reserved = columns.find((column) => bookkeeping.some((name) => name === column.name))
    if (reserved !== undefined) found.push(`a merged table has a column ${reserved.name} of its own`)
    return found
  }
  if (partitioned && partition === undefined) found.push("a partitioned asset needs Table.make({ partition })")
  if (!partitioned && partition !== undefined) found.push(`partition: ${partition}, but the asset has no partitions`)
  if (partition !== undefined && !key.includes(partition))
    found.push(`the partition column ${partition} is not in the key`)
  const type = columns.find((column) => column.name === partition)?.type
  if (type !== undefined && type !== "text" && type !== "date") {
    found.push(`the partition column ${partition} is ${type}: partition keys are text or Table.Day`)
  }
  return found
}
