import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Column from "../../runtime/Column.ts"
import * as Table from "../../runtime/Table.ts"

const Row = Schema.Struct({ id: Schema.Int, day: Table.Day, name: Schema.NullOr(Schema.String) })

const whole = { key: "rows", partitioned: false }
const daily = { key: "rows", partitioned: true }

describe("a table's declaration", () => {
  it("names the table after its asset unless it has a name of its own", () => {
    expect(Table.make({ schema: Row, key: ["id"] }).describe(whole)).toBe("table public.rows")
    expect(Table.make({ schema: Row, key: ["id"], table: "music.rows" }).describe(whole)).toBe("table music.rows")
  })

  it("has no problems when there are none", () => {
    expect(Table.make({ schema: Row, key: ["id", "day"], partition: "day" }).problems(daily)).toEqual([])
    expect(Table.merge({ schema: Row, key: ["id"] }).problems(whole)).toEqual([])
  })

  it("says what types cannot see", () => {
    const problems = (io: Table.Io<typeof Row.Type>, owner = whole) => io.problems(owner)
    expect(problems(Table.make({ schema: Row, key: ["id"] }), daily)).toEqual([
      "a partitioned asset needs Table.make({ partition })"
    ])
    expect(problems(Table.merge({ schema: Row, key: ["id"] }), daily)).toEqual([
      "a partitioned asset cannot merge its rows by key: use Table.make with a partition column"
    ])
    expect(problems(Table.make({ schema: Row, key: ["id"], partition: "day" }), daily)).toEqual([
      "the partition column day is not in the key"
    ])
    expect(problems(Table.make({ schema: Row, key: ["id"], partition: "id" }), daily)).toEqual([
      "the partition column id is integer: partition keys are text or Table.Day"
    ])
    expect(problems(Table.make({ schema: Row, key: ["name", "name"], table: "a b" }))).toEqual([
      '"public.a b" is not a name of a table',
      "a column is named twice in (name, name)",
      "the key column name may be null"
    ])
  })

  it("refuses columns that no value fits and names that the table needs for itself", () => {
    const schema = Schema.Struct({ id: Schema.Int, when: Schema.Undefined, "a b": Schema.Int, run_id: Schema.String })
    expect(Table.merge({ schema, key: ["id"] }).problems(whole)).toEqual([
      "the column when has a type that has no values to keep",
      '"a b" cannot be the name of a column',
      "a merged table has a column run_id of its own"
    ])
  })

  it("refuses keys and indexes that PostgreSQL could not make", () => {
    const schema = Schema.Struct({ id: Schema.Int, list: Table.asJson(Schema.Array(Schema.Int)) })
    expect(Table.make({ schema, key: ["id", "list"], indexes: [["list"]] }).problems(whole)).toEqual([
      "the key column list is not a single value",
      "the column list is kept as json, which has no order: it cannot be indexed"
    ])
  })

  it("takes only columns of the schema as its key", () => {
    // @ts-expect-error "nam" is not a column
    Table.make({ schema: Row, key: ["nam"] })
    // @ts-expect-error a key has at least one column
    Table.make({ schema: Row, key: [] })
    // @ts-expect-error "dya" is not a column
    Table.make({ schema: Row, key: ["id"], partition: "dya" })
  })
})

describe("a column", () => {
  it("is described by its field, wherever that is annotated", () => {
    const said = { description: "How it went." }
    const schema = Schema.Struct({
      id: Schema.Int,
      annotated: Schema.Int.annotate(said),
      before_a_check: Schema.String.annotate(said).check(Schema.isMinLength(1)),
      key: Schema.String.annotateKey(said),
      or_null: Schema.NullOr(Schema.String.annotate(said)),
      or_absent: Schema.optionalKey(Schema.String.annotate(said)),
      encoded: Schema.DateTimeUtcFromString.annotate(said),
      one_of: Schema.Union([Schema.Literal("a").annotate(said), Schema.Literal("b")])
    })
    const { fields } = Table.make({ schema, key: ["id"] })
    const described = fields.filter((field) => field.description === "How it went.").map((field) => field.name)
    expect(described).toEqual(["annotated", "before_a_check", "key", "or_null", "or_absent", "encoded"])
    expect(fields[4]).toEqual({ name: "or_null", type: "text", nullable: true, description: "How it went." })
    expect(fields[0]).toEqual({ name: "id", type: "integer", nullable: false, description: undefined })
  })

  const typeOf = (field: Schema.Constraint) => {
    const [column] = Column.of({ ...Row, fields: { field } } as Column.RowSchema).columns
    return `${column?.type}${column?.nullable ? " or null" : ""}`
  }

  it("has the type of what a body handles, not of how it is encoded", () => {
    expect(
      [
        Schema.Int,
        Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.brand("Id")),
        Schema.NumberFromString,
        Table.Long,
        Schema.BigInt,
        Schema.NullOr(Schema.String),
        Schema.Literals(["a", "b"]),
        Schema.Literals([1, 2]),
        Schema.optional(Schema.Boolean),
        Schema.DateTimeUtcFromString,
        Schema.NullOr(Schema.Date),
        Schema.NullOr(Table.Day),
        Schema.Array(Schema.Int),
        Schema.NullOr(Schema.Array(Schema.Int).check(Schema.isMaxLength(3)).pipe(Table.asJson)),
        Schema.Option(Schema.String)
      ].map(typeOf)
    ).toEqual([
      "integer",
      "integer",
      "double precision",
      "bigint",
      "bigint",
      "text or null",
      "text",
      "integer",
      "boolean or null",
      "timestamptz",
      "timestamptz or null",
      "date or null",
      "jsonb",
      "json or null",
      "jsonb"
    ])
  })

  it("takes days that the calendar has", () => {
    const isDay = Schema.is(Table.Day)
    expect(["2024-02-29", "0001-01-01", "9999-12-31"].map(isDay)).toEqual([true, true, true])
    expect(["2025-02-29", "2025-04-31", "2025-13-01", "2025-1-01", "2025-01-00", "today"].some(isDay)).toBe(false)
  })
})
