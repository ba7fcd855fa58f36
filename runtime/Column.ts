/**
 * The columns of a row schema: for each field its PostgreSQL type, what it accepts, and how values go in and out.
 *
 * A column holds the type side of its field, never the encoded side. Statements and tables are made elsewhere.
 */
import * as DateTime from "effect/DateTime"
import * as Formatter from "effect/Formatter"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"

export type Type =
  "integer" | "bigint" | "double precision" | "text" | "boolean" | "timestamptz" | "date" | "jsonb" | "json"

export interface Column {
  readonly name: string
  readonly type: Type
  readonly nullable: boolean
  /** As the schema of the field is annotated. */
  readonly description: string | undefined
  /** Why a value is none of the field's, in words; `undefined` when it is one. */
  readonly complaint: (value: unknown) => string | undefined
  /** A value of the field as the driver takes it; `null` for what is absent. */
  readonly write: (value: unknown) => unknown
  /** Why PostgreSQL cannot keep what `write` gave, in words; `undefined` when it can. */
  readonly fault: (written: unknown) => string | undefined
  /** The value of what the driver gives, or of what `write` gave; `undefined` for what is absent. */
  readonly read: (kept: unknown) => unknown
}

/** A row schema: a `Schema.Struct` or a `Schema.Class`. */
export interface RowSchema extends Schema.Constraint {
  readonly fields: Schema.Struct.Fields
  readonly make: (input: never) => unknown
}

export interface Columns {
  readonly columns: ReadonlyArray<Column>
  /** Fields that no column can hold, in words. */
  readonly problems: ReadonlyArray<string>
}

// Names the type of a column where the schema alone would not tell.
const typeAnnotation = "~assets/Column/type"

/** A calendar day without a zone, `YYYY-MM-DD`, kept as `date`. Partition keys of daily assets are days. */
export const Day = Schema.String.check(
  Schema.makeFilter((text: string) => isDay(text), { expected: "a day such as 2025-01-31", [typeAnnotation]: "date" })
)

/** An integer beyond 32 bits, within the safe integers of JavaScript, kept as `bigint`. */
export const Long = Schema.Int.annotate({ [typeAnnotation]: "bigint of number" })

/**
 * A structured value kept as `json`, the text it is written as, instead of `jsonb`, which PostgreSQL takes apart: lists are staged in a
 * third of the time and take little more than half the space. Such a column has no index, and other programs must not write it:
 * equal values that are written in another way have another digest.
 */
export const asJson = <S extends Schema.Top>(schema: S): S["Rebuild"] => schema.annotate({ [typeAnnotation]: "json" })

/** The columns of a row schema in the order of its fields. */
export const of = (schema: RowSchema): Columns => {
  const columns: Array<Column> = []
  const problems: Array<string> = []
  for (const [name, field] of Object.entries(schema.fields)) {
    const kind = kindOf(SchemaAST.toType(field.ast))
    if (!isName(name)) problems.push(`${JSON.stringify(name)} cannot be the name of a column`)
    else if (kind === undefined) problems.push(`the column ${name} has a type that has no values to keep`)
    else columns.push(make(name, kind, field))
  }
  if (columns.length === 0 && problems.length === 0) problems.push("the row schema has no columns")
  return { columns, problems }
}

/** Whether its values are lists or records, kept as JSON. */
export const isStructured = ({ type }: Pick<Column, "type">): boolean => type === "jsonb" || type === "json"

/** Whether a text can name a column or a table: PostgreSQL cuts names at 63 bytes. */
export const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(text)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** A type, and what its values are in JavaScript where there is a choice. */
type Kind = Exclude<Type, "timestamptz"> | "bigint of number" | "timestamptz of Date" | "timestamptz of DateTime"

const typeOf = (kind: Kind) => kind.split(" of ")[0] as Type

const make = (name: string, kind: Kind, field: Schema.Constraint): Column => {
  const schema = Schema.toType(field) as Schema.Codec<unknown>
  // For the values of a million rows.
  SchemaJITCompiler.enable(schema.ast)
  const is = Schema.is(schema)
  const absent = is(null) ? null : undefined
  const nullable = absent === null || is(undefined) || SchemaAST.isOptional(field.ast)
  const { fault, read, write } = representation(kind, schema)
  return {
    name,
    type: typeOf(kind),
    nullable,
    description: field.ast.context?.annotations?.description ?? describe(field.ast),
    complaint: (value) => {
      if (value === undefined || value === null) return nullable ? undefined : `${value} where a value is due`
      return is(value) ? undefined : describeMismatch(schema, value)
    },
    write: (value) => (value === undefined || value === null ? null : write(value)),
    fault: (written) => (written === null ? undefined : fault(written)),
    read: (kept) => (kept === undefined || kept === null ? absent : read(kept))
  }
}

interface Representation {
  readonly write: (value: unknown) => unknown
  readonly fault: (written: unknown) => string | undefined
  readonly read: (kept: unknown) => unknown
}

const none = () => undefined

const same = <A>(value: A) => value

const representation = (kind: Kind, schema: Schema.Codec<unknown>): Representation => {
  switch (kind) {
    case "integer":
      return { fault: int32Fault, write: same, read: same }
    case "bigint of number":
      return { fault: none, write: (value) => BigInt(value as number), read: Number }
    case "text":
      return { fault: textFault, write: same, read: same }
    case "timestamptz of Date":
      return { fault: none, write: Number, read: (kept) => new Date(Number(kept)) }
    case "timestamptz of DateTime":
      return {
        fault: none,
        write: (value) => (value as DateTime.Utc).epochMilliseconds,
        read: (kept) => DateTime.makeUnsafe(Number(kept))
      }
    case "json":
    case "jsonb": {
      const codec = Schema.toCodecJson(schema)
      if (codec.ast === schema.ast && isPlain(schema.ast)) return { fault: none, write: same, read: same }
      return { fault: jsonFault, write: Schema.encodeSync(codec), read: Schema.decodeUnknownSync(codec) }
    }
    case "bigint":
    case "double precision":
    case "boolean":
    case "date":
      return { fault: none, write: same, read: same }
  }
}

const int32Fault = (value: unknown) =>
  value === (Number(value) | 0) || Object.is(value, -0)
    ? undefined
    : `${value} is beyond 32 bits: declare the column as Table.Long`

const textFault = (value: unknown) => {
  const text = value as string
  if (text.includes("\0")) return nulFault
  // Half a pair would silently become U+FFFD on its way.
  if (!text.isWellFormed()) return "a text with half of a surrogate pair, which UTF-8 cannot express"
  return undefined
}

const jsonFault = (json: unknown) => {
  const text = JSON.stringify(json)
  return text.includes("\\u0000") && /(?<!\\)(?:\\\\)*\\u0000/.test(text) ? nulFault : undefined
}

/** Lists of numbers and the like: without texts, whose characters matter, and without keys, of which encoding leaves some out. */
const isPlain = (ast: SchemaAST.AST): boolean => {
  switch (ast._tag) {
    case "Number":
    case "Boolean":
    case "Null":
      return true
    case "Arrays":
      return ast.elements.every(isPlain) && ast.rest.every(isPlain)
    case "Union":
      return ast.types.every(isPlain)
    default:
      return false
  }
}

const nulFault = "a text with a NUL character, which PostgreSQL cannot keep"

const describeMismatch = (schema: Schema.Codec<unknown>, value: unknown) =>
  Result.match(Schema.decodeUnknownResult(schema)(value), {
    onFailure: (error) => `${Formatter.format(value)}: ${error.message.replaceAll(/\s+/g, " ")}`,
    onSuccess: () => Formatter.format(value)
  })

/** `undefined` for what no value or only absence belongs to. */
const kindOf = (ast: SchemaAST.AST): Kind | undefined => {
  const annotated = annotatedKind(ast)
  if (annotated !== undefined) return annotated
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return "text"
    case "Number":
      return ast.checks?.some(isInt) ? "integer" : "double precision"
    case "Boolean":
      return "boolean"
    case "BigInt":
      return "bigint"
    case "Literal":
      return kindOfValues([ast.literal])
    case "Enum":
      return kindOfValues(ast.enums.map(([, value]) => value))
    case "Declaration":
      return kindOfDeclaration(ast)
    case "Union":
      return kindOfUnion(ast.types)
    case "Null":
    case "Undefined":
    case "Void":
    case "Never":
    case "Symbol":
    case "UniqueSymbol":
      return undefined
    default:
      return "jsonb"
  }
}

const annotatedKind = (ast: SchemaAST.AST): Kind | undefined =>
  [ast, ...(ast.checks ?? [])].flatMap(
    ({ annotations }) => (annotations?.[typeAnnotation] as Kind | undefined) ?? []
  )[0]

const isInt = (check: SchemaAST.Check<unknown>): boolean =>
  representationId(check.annotations) === "effect/schema/isInt" ||
  (check._tag === "FilterGroup" && check.checks.some(isInt))

/** Of the schema itself, or of what it is beside null; the annotation may have come before a check. */
const describe = (ast: SchemaAST.AST): string | undefined => {
  const annotated = [ast.annotations, ...(ast.checks ?? []).map((check) => check.annotations)]
  const own = annotated.findLast((annotations) => annotations?.["description"] !== undefined)?.["description"]
  if (own !== undefined) return own as string
  const present = ast._tag === "Union" ? ast.types.filter((type) => type._tag !== "Null") : []
  return present.length === 1 ? describe(present[0]!) : undefined
}

// How Effect's own schemas say what they are.
const representationId = (annotations: Schema.Annotations.Annotations | undefined): unknown =>
  (annotations?.["representation"] as { readonly id: unknown } | undefined)?.id

const kindOfDeclaration = ({ annotations }: SchemaAST.Declaration): Kind => {
  switch (representationId(annotations)) {
    case "effect/schema/Date":
      return "timestamptz of Date"
    case "effect/schema/DateTimeUtc":
      return "timestamptz of DateTime"
    default:
      return "jsonb"
  }
}

const kindOfUnion = (types: ReadonlyArray<SchemaAST.AST>): Kind | undefined => {
  const present = types.filter((type) => type._tag !== "Null" && type._tag !== "Undefined")
  const kinds = new Set(present.map(kindOf))
  if (kinds.size > 1) return "jsonb"
  return kinds.values().next().value
}

const kindOfValues = (values: ReadonlyArray<SchemaAST.LiteralValue>): Kind => {
  const kinds = new Set(values.map((value) => typeof value))
  if (kinds.size > 1) return "jsonb"
  if (kinds.has("string")) return "text"
  if (kinds.has("boolean")) return "boolean"
  if (kinds.has("bigint")) return "bigint"
  return values.every(Number.isInteger) ? "integer" : "double precision"
}

const isDay = (text: string): boolean => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const [month, day] = [Number(text.slice(5, 7)), Number(text.slice(8))]
  if (month < 1 || month > 12 || day < 1 || day > 31) return false
  return day <= 28 || new Date(`${text}T00:00:00Z`).getUTCDate() === day
}
