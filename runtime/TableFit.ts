/**
 * Whether a table that exists can hold what a definition declares, and if not, what differs and what to do about it.
 *
 * A project may create its tables itself, with foreign keys and columns of its own; nobody alters them here.
 */
import * as Schema from "effect/Schema"
import type * as Column from "./Column.ts"
import * as Table from "./Table.ts"

/** What `sql/describe_table.sql` tells of a table. */
export const Description = Schema.Struct({
  columns: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      type: Schema.String,
      required: Schema.Boolean,
      /** The database has a value for it when an insert names none. */
      filled: Schema.Boolean
    })
  ),
  /** The sets of columns that are unique, each in alphabetical order. */
  keys: Schema.Array(Schema.Array(Schema.String))
})
export type Description = typeof Description.Type

/** Everything that differs, in words; empty when the table fits. */
export const mismatches = (definition: Table.Definition, { columns: existing, keys }: Description) => {
  const merging = definition.publishes === "by merging"
  const expected = [...definition.columns, ...(merging ? bookkeeping : [])]
  const found: Array<string> = []
  for (const column of expected) {
    const there = existing.find(({ name }) => name === column.name)
    if (there === undefined) found.push(`it has no column ${column.name} (${column.type})`)
    else if (there.type !== typeName(column.type)) found.push(`${column.name} is ${there.type}, not ${column.type}`)
    else if (there.required && column.nullable) found.push(`${column.name} is not null, but the schema has it null`)
  }
  for (const { filled, name, required } of existing) {
    if (required && !filled && expected.every((column) => column.name !== name)) {
      found.push(`${name} is not null, has no default and is not in the schema`)
    }
  }
  const key = JSON.stringify(definition.key.toSorted())
  if (!keys.some((names) => JSON.stringify(names) === key)) {
    found.push(`(${definition.key.join(", ")}) has no unique index of its own`)
  }
  return found
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const bookkeeping: ReadonlyArray<Pick<Column.Column, "name" | "type" | "nullable">> = [
  { name: Table.bookkeeping[0], type: "timestamptz", nullable: false },
  { name: Table.bookkeeping[1], type: "timestamptz", nullable: true },
  { name: Table.bookkeeping[2], type: "text", nullable: false }
]

/** As `format_type` calls it. */
const typeName = (type: Column.Type) => (type === "timestamptz" ? "timestamp with time zone" : type)
