/**
 * What every row of a table must satisfy, as a value, and how rows that do not are told.
 *
 * Judges rows one by one in this process; for a database a rule becomes a statement in `SqlRules`. What is null is judged
 * by `NotNull` alone: it is no duplicate, out of no range, and refers to nothing.
 */
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { IoError } from "./IoManager.ts"
import type * as Metadata from "./Metadata.ts"
import * as Version from "./Version.ts"

/** A value that rules compare: a moment counts as its milliseconds. */
export type Comparable = string | number | bigint | boolean | Date | Moment

/** As a `DateTime.Utc` has it. */
export interface Moment {
  readonly epochMilliseconds: number
}

export interface NotNull<out C extends string> {
  readonly _tag: "NotNull"
  readonly column: C
}

/** No two rows have the same values in all of these columns. */
export interface Unique<out C extends string> {
  readonly _tag: "Unique"
  readonly columns: ReadonlyArray<C>
}

export interface OneOf<out C extends string> {
  readonly _tag: "OneOf"
  readonly column: C
  readonly values: ReadonlyArray<Comparable>
}

/** Both ends are included. */
export interface Within<out C extends string> {
  readonly _tag: "Within"
  readonly column: C
  readonly min: Comparable | undefined
  readonly max: Comparable | undefined
}

/** Each value is one of `key` in the other table. */
export interface Refers<out C extends string> {
  readonly _tag: "Refers"
  readonly column: C
  readonly to: Referred
  readonly key: string
}

/** The other table, as its handle shows it. */
export interface Referred {
  readonly table: unknown
  readonly rows: Stream.Stream<unknown, IoError>
}

/** Of a table with columns `C`, of which `N` may be null. */
export type RowRule<C extends string = string, N extends string = C> =
  NotNull<N> | Unique<C> | OneOf<C> | Within<C> | Refers<C>

/** What looking for rows that break a rule came to. */
export interface Found {
  /** How many rows there are. */
  readonly rows: number
  /** How many of them break the rule. */
  readonly violations: number
  /** The first of those in the order of the key, at most `sampleSize`, cut where they are long. */
  readonly sample: ReadonlyArray<Metadata.Row>
}

export const sampleSize = 5

/** Rows as JSON that people read: texts are cut at 200 characters, and so are nested values. */
export const sampleOf = (rows: Iterable<unknown>): ReadonlyArray<Metadata.Row> =>
  Array.from(rows, (row) =>
    Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, shown(value)]))
  )

/** A value as rules compare it: a moment by its milliseconds, what is nested by its JSON. */
export const ordinal = (value: unknown): Ordinal => {
  if (value instanceof Date) return value.getTime()
  if (isMoment(value)) return value.epochMilliseconds
  return typeof value === "object" ? Version.canonicalJson(value) : (value as Ordinal)
}

export type Ordinal = string | number | bigint | boolean

/** Rows that break a rule among these, which come in the order of the key. */
export const findIn = (rows: Stream.Stream<unknown, IoError>, rule: RowRule): Effect.Effect<Found, IoError> =>
  Effect.gen(function* () {
    const breaks = yield* violation(rows, rule)
    let [all, violations] = [0, 0]
    const first: Array<unknown> = []
    yield* Stream.runForEach(rows, (row) =>
      Effect.sync(() => {
        all += 1
        if (!breaks(row as Row)) return
        violations += 1
        if (first.length < sampleSize) first.push(row)
      })
    )
    return { rows: all, violations, sample: sampleOf(first) }
  })

/** The newest moment of a column in milliseconds since the epoch, a day counting from its start. */
export const newestIn = (
  rows: Stream.Stream<unknown, IoError>,
  column: string
): Effect.Effect<number | undefined, IoError> =>
  Stream.runFold(
    rows,
    (): number | undefined => undefined,
    (newest, row) => {
      const value = (row as Row)[column]
      if (isAbsent(value)) return newest
      const at = typeof value === "string" ? Date.parse(value) : (ordinal(value) as number)
      return newest === undefined || at > newest ? at : newest
    }
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Row = Readonly<Record<string, unknown>>

const longest = 200

const isMoment = (value: unknown): value is Moment => Predicate.hasProperty(value, "epochMilliseconds")

const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined

const shown = (value: unknown): Schema.Json => {
  if (isAbsent(value)) return null
  if (Number.isFinite(value) || typeof value === "boolean") return value as number | boolean
  // JSON has no NaN.
  if (typeof value === "number" || typeof value === "bigint") return String(value)
  if (value instanceof Date || isMoment(value)) return new Date(ordinal(value) as number).toISOString()
  const text = typeof value === "string" ? value : Formatter.formatJson(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

const violation = (
  rows: Stream.Stream<unknown, IoError>,
  rule: RowRule
): Effect.Effect<(row: Row) => boolean, IoError> => {
  switch (rule._tag) {
    case "NotNull":
      return Effect.succeed((row) => isAbsent(row[rule.column]))
    case "OneOf": {
      const values = new Set(rule.values.map(ordinal))
      return Effect.succeed(unlessAbsent(rule.column, (value) => !values.has(value)))
    }
    case "Within": {
      const [min, max] = [rule.min, rule.max].map((end) => (end === undefined ? undefined : ordinal(end)))
      return Effect.succeed(
        unlessAbsent(
          rule.column,
          (value) => (min !== undefined && isLess(value, min)) || (max !== undefined && isLess(max, value))
        )
      )
    }
    case "Refers":
      return Effect.map(
        Stream.runFold(
          rule.to.rows,
          () => new Set<unknown>(),
          (keys, row) => keys.add(ordinal((row as Row)[rule.key]))
        ),
        (keys) => unlessAbsent(rule.column, (value) => !keys.has(value))
      )
    case "Unique": {
      const idOf = (row: Row) => {
        const values = rule.columns.map((column) => row[column])
        return values.some(isAbsent) ? undefined : JSON.stringify(values.map((value) => String(ordinal(value))))
      }
      return Effect.map(
        Stream.runFold(
          rows,
          () => new Map<string, number>(),
          (counts, row) => {
            const id = idOf(row as Row)
            return id === undefined ? counts : counts.set(id, (counts.get(id) ?? 0) + 1)
          }
        ),
        (counts) => (row: Row) => (counts.get(idOf(row) ?? "") ?? 0) > 1
      )
    }
  }
}

const unlessAbsent =
  (column: string, breaks: (value: Ordinal) => boolean) =>
  (row: Row): boolean => {
    const value = row[column]
    return !isAbsent(value) && breaks(ordinal(value))
  }

/** As in PostgreSQL, NaN is greater than every other number. */
const isLess = (a: Ordinal, b: Ordinal) => (Number.isNaN(b) ? !Number.isNaN(a) : a < b)
