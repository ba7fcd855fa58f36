/**
 * The statements that a table's definition amounts to, as text. Nothing here runs them.
 *
 * Names are checked when a table is declared, so quotes are all they need.
 */
import * as Column from "./Column.ts"
import type { Definition } from "./Table.ts"

export const target = ({ name }: Definition): string => name.split(".").map(quote).join(".")

/** How many characters at the end of a staging's name no other has. */
export const stagingSuffix = 12

/** `name` is the table's within the schema of stagings. */
export const staging = (name: string): string => `assets_staging.${quote(name)}`

export const columnList = ({ columns }: Definition, of = ""): string => columns.map(qualifiedBy(of)).join(", ")

/** Creates the schema, the table and its indexes where the table is missing; two that try at once do not collide. */
export const createTarget = (definition: Definition): string => {
  const { key, name, partition, publishes } = definition
  const table = target(definition)
  const bookkeeping = ["first_seen_at timestamptz not null", "removed_at timestamptz", "run_id text not null"]
  const parts = [
    ...definition.columns.map(columnDefinition),
    ...(publishes === "by merging" ? bookkeeping : []),
    `primary key (${list(key)})`
  ]
  const byPartition = partition !== undefined && key[0] !== partition ? [[partition]] : []
  const indexes = [...byPartition, ...definition.indexes].map((names) => `create index on ${table} (${list(names)});`)
  const [schema, relation] = name.split(".")
  // Asks the catalogs: to_regclass may remember that there was no such table before it waited for the lock.
  return `do $create$ begin
    perform pg_advisory_xact_lock(7204, hashtext('${schema}'));
    if not exists (select from pg_namespace where nspname = '${schema}') then create schema "${schema}"; end if;
    perform pg_advisory_xact_lock(7204, hashtext('${name}'));
    if not exists (select from pg_tables where schemaname = '${schema}' and tablename = '${relation}') then
      create table ${table} (${parts.join(", ")});
      ${indexes.join("\n")}
    end if;
  end $create$`
}

export const createStaging = ({ columns }: Definition, name: string): string =>
  `create unlogged table ${staging(name)} (${columns.map(columnDefinition).join(", ")})
    with (autovacuum_enabled = false)`

/** As what the values of a column are sent: `jsonb` in its own form would take twice the time. */
export const sentAs = (type: Column.Type): Exclude<Column.Type, "jsonb"> => (type === "jsonb" ? "json" : type)

/** $1, $2, …: an array of each column's values. */
export const insertBatch = ({ columns }: Definition, into: string): string => {
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${sentAs(type)}[]`)
  return `insert into ${into} select * from unnest(${arrays.join(", ")})`
}

/** What stands before and after a query whose rows are to be staged. */
export const insertQuery = (definition: Definition, into: string): readonly [before: string, after: string] => [
  `insert into ${into} (${columnList(definition)}) select ${columnList(definition)} from (`,
  `) as query`
]

/**
 * Fails where two rows of a staging have one key, naming it; far faster than grouping (0.2 s to 0.8 s for a million
 * rows). Has a name, because those that PostgreSQL makes up collide when two tables of one run are indexed at once.
 */
export const uniqueKey = (key: ReadonlyArray<string>, name: string): string =>
  `create unique index ${quote(`key:${name.slice(-stagingSuffix)}`)} on ${staging(name)} (${list(key)})`

/** Finds a row of another partition than $1. */
export const strayRow = (definition: Definition, partition: string, from: string): string =>
  `select ${definition.key.map((name) => `${quote(name)}::text`).join(", ")} from ${from}
    where not (${isPartition(definition, partition).join("$1")}) limit 1`

/** Finds a row of a partition that is none of the list $1. */
export const strayRowOfRange = (definition: Definition, partition: string, from: string): string =>
  `select ${definition.key.map((name) => `${quote(name)}::text`).join(", ")} from ${from}
    where not (${isOneOf(definition, partition).join("$1")}) limit 1`

/** A page of rows in the order of the key, after a row whose values of `cursor` follow `where` in parentheses. */
export interface Page {
  readonly select: string
  readonly where: string
  readonly order: string
  readonly cursor: ReadonlyArray<{ readonly name: string; readonly type: Column.Type }>
}

export const page = (definition: Definition, rows: number): Page => {
  const cursor = definition.key.map((key) => {
    const type = typeOf(definition, key)
    // A moment is exact to the microsecond only as text.
    return { key, type, name: type === "timestamptz" ? `text of ${key}` : key }
  })
  const texts = cursor.filter(({ key, name }) => key !== name).map(({ key, name }) => `, "${key}"::text as "${name}"`)
  return {
    select: `select ${columnList(definition)}${texts.join("")}`,
    where: `where (${list(definition.key)}) >`,
    order: `order by ${list(definition.key)} limit ${rows}`,
    cursor
  }
}

/** What stands before and after the key in a condition that holds for the rows of one partition. */
export const isPartition = (definition: Definition, column: string): readonly [before: string, after: string] => [
  `${quote(column)} = `,
  `::${typeOf(definition, column)}`
]

/** Between the partitions of a list. */
export const separator = "\u001f"

/**
 * Likewise for the rows of any of a list of partitions, joined by U+001F, which no key has in it. As a query: an array would
 * be parsed anew for each row, with which staging and publishing 12,000 partitions took 44 s instead of 1.4.
 */
export const isOneOf = (definition: Definition, column: string): readonly [before: string, after: string] => [
  `${quote(column)} in (select listed::${typeOf(definition, column)} from unnest(string_to_array(`,
  `, chr(31))) listed)`
]

export const deleteRows = (definition: Definition): string =>
  `delete from ${target(definition)} where ${ofPartition(definition)}`

/** Of the partitions in the list $1. */
export const deleteRange = (definition: Definition, partition: string): string =>
  `delete from ${target(definition)} where ${isOneOf(definition, partition).join("$1")}`

export const insertRange = (definition: Definition, partition: string, from: string): string =>
  `insert into ${target(definition)} (${columnList(definition)})
    select ${columnList(definition)} from ${from} where ${isOneOf(definition, partition).join("$1")}
    order by ${list(definition.key)}`

/** Rows of a merged table are marked, as when they are gone from the source: deleting them would take their history along. */
export const wipeRows = (definition: Definition): string =>
  definition.publishes === "by merging"
    ? `update ${target(definition)} set removed_at = now() where removed_at is null`
    : deleteRows(definition)

// In the order of the key its index grows at the end: a million rows in any order took three times as long.
export const insertRows = (definition: Definition, from: string): string =>
  `insert into ${target(definition)} (${columnList(definition)})
    select ${columnList(definition)} from ${from} order by ${list(definition.key)}`

/** Writes only rows that differ or come back: an upsert would take three times as long. $1: the run. */
export const updateRows = (definition: Definition, from: string): string => {
  const values = valueColumns(definition)
  const updates = values.map(({ name }) => `${quote(name)} = staged.${quote(name)}`)
  return `update ${target(definition)} as kept
    set ${[...updates, "removed_at = null", "run_id = $1"].join(", ")}
    from ${from} as staged
    where ${sameKey(definition, "staged", "kept")}
    and (kept.removed_at is not null or ${differ(values, "kept", "staged")})`
}

/** $1: the run. */
export const insertNewRows = (definition: Definition, from: string): string =>
  `insert into ${target(definition)} (${columnList(definition)}, first_seen_at, run_id)
    select ${columnList(definition)}, now(), $1 from ${from} as staged
    where not exists (select from ${target(definition)} as kept where ${sameKey(definition, "staged", "kept")})
    order by ${list(definition.key)}`

/** $1: the run. */
export const markRemoved = (definition: Definition, from: string): string =>
  `update ${target(definition)} as kept set removed_at = now(), run_id = $1
    where removed_at is null
    and not exists (select from ${from} as staged where ${sameKey(definition, "staged", "kept")})`

/** How many rows a value has and the sum of their hashes; of a partition, $1, where there is one. */
export const digestOfTarget = (definition: Definition, half: Half): string => {
  const removed = definition.publishes === "by merging" ? ["removed_at is not null"] : []
  return `${sums(half)} from (
    select ${rowHash(definition, "", removed)} as hash from ${target(definition)}
    where ${ofPartition(definition)} offset 0) as hashed`
}

/** The same of staged rows that replace what is there. */
export const digestOfReplacing = (definition: Definition, from: string, half: Half): string =>
  `${sums(half)}, (select count(*) from ${target(definition)} where ${ofPartition(definition)}) as before
    from (select ${rowHash(definition, "", [])} as hash from ${from} offset 0) as hashed`

/** The same of each partition that has staged rows; as JSON a day is written as its key. */
export const digestOfRange = (definition: Definition, partition: string, from: string, half: Half): string =>
  `${sums(half)}, to_json(partition) #>> '{}' as partition
    from (select ${quote(partition)} as partition, ${rowHash(definition, "", [])} as hash from ${from} offset 0) as hashed
    group by hashed.partition`

/** How many rows each partition of the list $1 has that has some. */
export const countOfRange = (definition: Definition, partition: string): string =>
  `select to_json(${quote(partition)}) #>> '{}' as partition, count(*) as before from ${target(definition)}
    where ${isOneOf(definition, partition).join("$1")} group by ${quote(partition)}`

/** The same of what merging staged rows would make, with what it would change. */
export const digestOfMerging = (definition: Definition, from: string, half: Half): string => {
  const key = quote(definition.key[0]!)
  return `${sums(half)},
    count(*) filter (where live) as before,
    count(*) filter (where staged and not live) as inserted,
    count(*) filter (where staged and live and differs) as updated,
    count(*) filter (where staged and live and not differs) as unchanged,
    count(*) filter (where live and not staged) as removed
    from (
      select staged.${key} is not null as staged,
        kept.${key} is not null and kept.removed_at is null as live,
        ${differ(valueColumns(definition), "kept", "staged")} as differs,
        case when staged.${key} is not null then ${rowHash(definition, "staged", ["false"])}
          else ${rowHash(definition, "kept", ["true"])} end as hash
      from ${from} as staged full join ${target(definition)} as kept on ${sameKey(definition, "staged", "kept")}
      offset 0
    ) as merged`
}

/** How one half of a hash (from byte 1 or 9, 8 bytes long) becomes a bigint. */
export type Half = (from: 1 | 9) => string

/** Half the time of a digest (0.6 s to 1.3 s for a million rows), with the same outcome; since PostgreSQL 18. */
export const halfByCast: Half = (from) => `substr(hash, ${from}, 8)::bigint`

export const halfByHex: Half = (from) => `('x' || encode(substr(hash, ${from}, 8), 'hex'))::bit(64)::bigint`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const quote = (name: string) => `"${name}"`

const list = (names: ReadonlyArray<string>) => names.map(quote).join(", ")

const qualifiedBy =
  (table: string) =>
  ({ name }: { readonly name: string }) =>
    table === "" ? quote(name) : `${table}.${quote(name)}`

const columnDefinition = ({ name, nullable, type }: Column.Column) =>
  `${quote(name)} ${type}${nullable ? "" : " not null"}`

const typeOf = ({ columns }: Definition, column: string): Column.Type =>
  columns.find(({ name }) => name === column)?.type ?? "text"

const ofPartition = (definition: Definition) =>
  definition.partition === undefined ? "true" : isPartition(definition, definition.partition).join("$1")

const sameKey = ({ key }: Definition, a: string, b: string) =>
  key.map((name) => `${a}.${quote(name)} = ${b}.${quote(name)}`).join(" and ")

const valueColumns = ({ columns, key }: Definition) => columns.filter(({ name }) => !key.includes(name))

// As text, jsonb differs where its digest does: 1.0 and 1 are equal to its operator.
const differ = (columns: ReadonlyArray<Column.Column>, a: string, b: string) => {
  const row = (table: string) =>
    columns.map((column) => `${qualifiedBy(table)(column)}${Column.isStructured(column) ? "::text" : ""}`).join(", ")
  return columns.length === 0 ? "false" : `(row(${row(a)}) is distinct from row(${row(b)}))`
}

/**
 * sha256 over PostgreSQL's binary form of the row, in which every value has its type and its length before it, whatever
 * the session's settings. The row's own hash function will not do: it is linear in its columns, so values that change
 * places between rows would leave a sum unchanged.
 */
const rowHash = ({ columns }: Definition, table: string, more: ReadonlyArray<string>) => {
  const values = columns.map((column) => {
    const name = qualifiedBy(table)(column)
    // -0 equals 0 and must hash as 0 does.
    return column.type === "double precision" ? `${name} + 0::double precision` : name
  })
  return `sha256(record_send(row(${[...values, ...more].join(", ")})))`
}

// Both halves are signed; their sums determine the sum modulo 2^128 of one-to-one images of the hashes.
const sums = (half: Half) =>
  `select count(*) as hashed, coalesce(sum(${half(1)}), 0)::text as high, coalesce(sum(${half(9)}), 0)::text as low`
