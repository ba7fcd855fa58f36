/**
 * Rows on their way into a table and out of it: cut into batches of columns, checked against their schema, put together.
 *
 * Memory stays bounded by one batch whatever the number of rows. Where rows are kept is the business of a table's layer.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Stream from "effect/Stream"
import type * as Column from "./Column.ts"

/** Kept values, column by column in the order of the schema; every column has `size` of them. */
export interface Batch {
  readonly _tag: "Batch"
  readonly size: number
  readonly columns: ReadonlyArray<ReadonlyArray<unknown>>
}

/** In a stream of rows: what came before it does not count, the source is read again from its start. */
export interface Restart {
  readonly _tag: "~assets/Table/restart"
}

export const restart: Restart = { _tag: "~assets/Table/restart" }

export interface Shape {
  readonly schema: Column.RowSchema
  readonly columns: ReadonlyArray<Column.Column>
  readonly key: ReadonlyArray<string>
}

/** Fails with what is wrong with a row, naming the row and its column, as `fail` makes an error of it. */
export const encode = <E, E2>(
  shape: Shape,
  rows: Iterable<unknown> | Stream.Stream<unknown, E>,
  fail: (detail: string) => E2
): Stream.Stream<Batch | Restart, E | E2> => {
  const elements: Stream.Stream<unknown, E> = Stream.isStream(rows) ? rows : Stream.fromIterable(rows, { chunkSize })
  return elements.pipe(
    Stream.mapAccumArrayEffect(
      () => new Builder(shape),
      (builder, chunk) => {
        const done: Array<Batch | Restart> = []
        for (const element of chunk) {
          if (element === restart) {
            builder.clear()
            done.push(restart)
            continue
          }
          const complaint = builder.add(element)
          if (complaint !== undefined) return Effect.fail(fail(complaint))
          if (builder.isFull()) done.push(builder.take())
        }
        const cut = [builder, done] as const
        // Of many rows, so that the batch before is sent meanwhile: else the server would wait for it as long as rows are cut.
        return chunk.length < chunkSize ? Effect.succeed(cut) : Effect.as(Effect.yieldNow, cut)
      },
      { onHalt: (builder) => (builder.size > 0 ? [builder.take()] : []) }
    )
  )
}

/** Rows of what was kept under their columns' names. Fails as `encode` does, where somebody else wrote the table. */
export const decode = <Row, E>(
  { columns, key, schema }: Shape,
  fail: (detail: string) => E
): ((kept: ReadonlyArray<object>) => Effect.Effect<ReadonlyArray<Row>, E>) => {
  const isClass = SchemaAST.isDeclaration(schema.ast)
  const decodeRow = (kept: object): Row => {
    const row: Record<string, unknown> = {}
    for (const { complaint, name, read } of columns) {
      const value = read((kept as Record<string, unknown>)[name])
      const wrong = complaint(value)
      if (wrong !== undefined) throw new Error(`column ${name}: ${wrong}`)
      if (value !== undefined) row[name] = value
    }
    return (isClass ? schema.make(row as never) : row) as Row
  }
  return (kept) =>
    Effect.suspend(() => {
      const rows: Array<Row> = []
      for (const row of kept) {
        try {
          rows.push(decodeRow(row))
        } catch (cause) {
          const detail = cause instanceof Error ? cause.message : String(cause)
          return Effect.fail(fail(`the row ${showKey(key, row)} is not as its schema says: ${detail}`))
        }
      }
      return Effect.succeed(rows)
    })
}

/** `(user_id=5, track_id=7)`: how people recognize a row. */
export const showKey = (key: ReadonlyArray<string>, row: unknown): string =>
  `(${key.map((name) => `${name}=${String((row as Record<string, unknown> | null)?.[name])}`).join(", ")})`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// Measured on (int, int, timestamptz): 10,000 to 50,000 rows a batch make no difference beyond 5 %.
const batchRows = 20_000
// Keeps a batch of long texts far from the protocol's limit of 1 GiB and from filling memory.
const batchCharacters = 4_000_000
const chunkSize = 1_024

class Builder {
  readonly #shape: Shape
  readonly #names: ReadonlyArray<string>
  readonly #accepts: ((row: unknown) => boolean) | undefined
  #columns: Array<Array<unknown>>
  #characters = 0
  #before = 0
  size = 0

  constructor(shape: Shape) {
    this.#shape = shape
    this.#names = shape.columns.map((column) => column.name)
    this.#accepts = hasRowChecks(shape.schema.ast) ? Schema.is(Schema.toType(shape.schema)) : undefined
    this.#columns = shape.columns.map(() => [])
  }

  isFull() {
    return this.size >= batchRows || this.#characters >= batchCharacters
  }

  /** What is wrong with the row; it is added when nothing is. */
  add(row: unknown): string | undefined {
    if (typeof row !== "object" || row === null) return `row ${this.#before + this.size + 1} is not an object`
    const { columns } = this.#shape
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!
      const value = (row as Record<string, unknown>)[this.#names[index]!]
      const complaint = column.complaint(value)
      if (complaint !== undefined) return `${this.#show(row)}, column ${column.name}: ${complaint}`
      const kept = column.write(value)
      const fault = column.fault(kept)
      if (fault !== undefined) return `${this.#show(row)}, column ${column.name}: ${fault}`
      if (typeof kept === "string") this.#characters += kept.length
      else if (typeof kept === "object" && kept !== null) this.#characters += guessedJsonCharacters
      this.#columns[index]!.push(kept)
    }
    if (this.#accepts?.(row) === false) return `${this.#show(row)} does not pass the checks of its schema`
    this.size += 1
    return undefined
  }

  take(): Batch {
    const batch: Batch = { _tag: "Batch", size: this.size, columns: this.#columns }
    this.#before += this.size
    this.#reset()
    return batch
  }

  clear() {
    this.#before = 0
    this.#reset()
  }

  #reset() {
    this.#columns = this.#shape.columns.map(() => [])
    this.#characters = 0
    this.size = 0
  }

  #show(row: unknown) {
    return `row ${this.#before + this.size + 1} ${showKey(this.#shape.key, row)}`
  }
}

const guessedJsonCharacters = 500

const hasRowChecks = (ast: SchemaAST.AST): boolean =>
  ast.checks !== undefined ||
  (SchemaAST.isDeclaration(ast) && ast.typeParameters.some((from) => from.checks !== undefined))
