/**
 * Ready-made checks of tables, typed on the row schema: `Asset.check("ids are unique", TableCheck.unique("id"))`.
 *
 * Each is what `Asset.check` takes, so more can be said beside it: `{ blocking: true, ...TableCheck.unique("id") }`. One
 * that fails names the column, how many rows, their share and an example, with up to five rows in its metadata.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import type * as Stream from "effect/Stream"
import type * as Asset from "./Asset.ts"
import * as AssetCheck from "./AssetCheck.ts"
import * as IoManager from "./IoManager.ts"
import * as Metadata from "./Metadata.ts"
import * as RowCodec from "./RowCodec.ts"
import * as RowRule from "./RowRule.ts"
import * as SqlFailure from "./SqlFailure.ts"
import type * as Table from "./Table.ts"
import * as Volume from "./Volume.ts"

/** A check of what has the members of `Seen`, which a table's candidate has if its rows are right. */
export interface TableCheck<in Seen, out R = never> {
  readonly run: (
    candidate: Seen,
    reads: unknown,
    context: AssetCheck.Context
  ) => Effect.Effect<AssetCheck.Result, IoManager.IoError, R>
}

/** No row lacks a value. A compile error for a column that cannot be null: its schema and its table see to that. */
export const notNull = <const C extends string>(column: C): TableCheck<Finds<RowRule.NotNull<C>>> => ({
  run: (candidate) => judge(candidate, { _tag: "NotNull", column }, { says: `${column} is null in`, column: undefined })
})

/** No two rows have the same values in these columns; a row with a null in one of them equals none. */
export const unique = <const Cs extends readonly [string, ...Array<string>]>(
  ...columns: Cs
): TableCheck<Finds<RowRule.Unique<Cs[number]>>> => ({
  run: (candidate) => {
    const names = columns.length === 1 ? columns[0] : `(${columns.join(", ")})`
    return judge(candidate, { _tag: "Unique", columns }, { says: `${names} is not unique in`, column: undefined })
  }
})

/** Every value is one of these, or null. */
export const oneOf = <const C extends string, V extends Single>(
  column: C,
  values: ReadonlyArray<V>
): TableCheck<Finds<RowRule.OneOf<C>> & HasRows<C, Widened<V>>> => ({
  run: (candidate) => {
    const known = values.map((value) => JSON.stringify(RowRule.ordinal(value), bigints)).join(", ")
    return judge(candidate, { _tag: "OneOf", column, values }, { says: `${column} is none of ${known} in`, column })
  }
})

/** Every value is at least `min` and at most `max`, or null. Moments are given as the column has them, days as texts. */
export const within = <const C extends string, V extends Ordered>(
  column: C,
  { max, min }: { readonly min?: V; readonly max?: V }
): TableCheck<Finds<RowRule.Within<C>> & HasRows<C, Widened<V>>> => ({
  run: (candidate) => {
    const ends = [
      ...(min === undefined ? [] : [`under ${inWords(min)}`]),
      ...(max === undefined ? [] : [`over ${inWords(max)}`])
    ]
    const says = `${column} is ${ends.join(" or ")} in`
    return judge(candidate, { _tag: "Within", column, min, max }, { says, column })
  }
})

/**
 * Every value is in the column `key` of another table, or null. Where both are partitioned that is the slice of the same
 * key; `Asset.allPartitions` takes all.
 */
export const references = <
  const C extends string,
  const To extends Asset.Any | Asset.AllPartitions<any>,
  const K extends Table.ColumnOf<RowOf<To>>
>(options: {
  readonly column: C
  readonly to: To
  readonly key: K
}): References<C, To, K> => {
  const { column, key, to } = options
  return {
    reads: { to },
    run: (candidate, reads) =>
      judge(
        candidate,
        { _tag: "Refers", column, to: reads.to, key },
        { says: `${column} is no ${key} of ${reads.to.name} in`, column }
      )
  }
}

/** A query finds no row: what it finds breaks the rule. Needs PostgreSQL. */
export const noRows = <R = unknown>(
  select: (value: Table.Handle<unknown>, sql: SqlClient.SqlClient, reads: R) => Statement.Fragment
): {
  readonly run: (
    candidate: Table.Handle<unknown>,
    reads: R,
    context: AssetCheck.Context
  ) => Effect.Effect<AssetCheck.Result, IoManager.IoError, SqlClient.SqlClient>
} => ({
  run: Effect.fnUntraced(function* (candidate, reads, { asset }) {
    const sql = yield* SqlClient.SqlClient
    const [found] = yield* sql<{ readonly violations: number; readonly sample: string }>`
      with bad as materialized (${select(candidate, sql, reads)})
      select (select count(*)::float8 from bad) as violations,
        (select coalesce(json_agg(b), '[]')::text from (select * from bad limit ${RowRule.sampleSize}) as b) as sample`.pipe(
      Effect.mapError((error: SqlError.SqlError) => SqlFailure.toIoError(asset, "load")(error))
    )
    const { violations } = found!
    if (violations === 0) return AssetCheck.pass({ violations })
    const sample = RowRule.sampleOf(JSON.parse(found!.sample) as ReadonlyArray<unknown>)
    return AssetCheck.fail(`the query finds ${counted(violations)}, such as ${JSON.stringify(sample[0])}`, {
      violations,
      sample: Metadata.table(sample)
    })
  })
})

/** Bounds of the number of rows: absolute ones, and of its ratio to the rows of the version before, if that had any. */
export interface Band {
  readonly min?: number
  readonly max?: number
  readonly ratio?: { readonly min?: number; readonly max?: number }
}

/** There are neither too few rows nor too many. */
export const rowCount = ({ max = Infinity, min = 0, ratio = {} }: Band): TableCheck<Counts> => ({
  run: Effect.fnUntraced(function* ({ count }, _, { earlier }) {
    const rows = yield* count
    const before = (yield* earlier(1))[0]?.rows ?? null
    const metadata = { rows, before }
    const said = thereAre(rows)
    if (rows < min) return AssetCheck.fail(`${said}, fewer than ${number(min)}`, metadata)
    if (rows > max) return AssetCheck.fail(`${said}, more than ${number(max)}`, metadata)
    if (before === null || before === 0) return AssetCheck.pass(metadata)
    const compared = `${said}, ${percent(rows / before)} of the ${number(before)} before`
    if (rows / before < (ratio.min ?? 0)) {
      return AssetCheck.fail(`${compared}, under ${percent(ratio.min!)}`, metadata)
    }
    if (rows / before > (ratio.max ?? Infinity)) {
      return AssetCheck.fail(`${compared}, over ${percent(ratio.max!)}`, metadata)
    }
    return AssetCheck.pass(metadata)
  })
})

/** The newest moment of a column, or the start of its newest day in UTC, is not older than this. */
export const fresh = <const C extends string>(
  column: C,
  age: Duration.Input
): TableCheck<Newest<C> & HasRows<C, Date | RowRule.Moment | string>> => {
  const most = Duration.fromInputUnsafe(age)
  return {
    run: (candidate, _, { now }) =>
      Effect.map(candidate.newest(column), (newest) => {
        if (newest === undefined) return AssetCheck.fail(`no row has a value in ${column}`)
        const metadata = { newest: new Date(newest).toISOString() }
        const old = Duration.millis(Math.max(0, now - newest))
        if (Duration.isLessThanOrEqualTo(old, most)) return AssetCheck.pass(metadata)
        return AssetCheck.fail(
          `the newest ${column} is ${metadata.newest}: ${Duration.format(old)} old, more than ${Duration.format(most)}`,
          metadata
        )
      })
  }
}

/** Columns and their types are those of the version before, as this check saw them; it passes when it did not. */
export const sameColumns = (): TableCheck<Pick<Table.Candidate<never>, "columns">> => ({
  run: ({ columns }, _, { toldBefore }) =>
    Effect.map(toldBefore, (told) => {
      const now = Object.fromEntries(
        columns.map(({ name, nullable, type }) => [name, nullable ? `${type} or null` : type])
      )
      const metadata = { columns: Metadata.json(now) }
      const before = columnsOf(told?.["columns"])
      const differences = before === undefined ? [] : differ(before, now)
      return differences.length === 0 ? AssetCheck.pass(metadata) : AssetCheck.fail(differences.join("; "), metadata)
    })
})

export interface VolumeOptions {
  /** Modified z-scores that are too far from the median. Default: 3.5, as Iglewicz and Hoaglin (1993) advise. */
  readonly threshold?: number
  /** So many weeks count: of slices those right before, of what was recorded the newest there are. Default: 12. */
  readonly weeks?: number
  /** With fewer weeks there is nothing to compare with, and it passes. Default: 4. */
  readonly atLeast?: number
  /** A difference up to this share of the median is usual, whatever the score. Default: 0.1. */
  readonly tolerance?: number
}

/**
 * The number of rows is usual for the weekday. Of an asset cut into days or hours the slices of the same weekday (and
 * hour) before are compared; of any other what was recorded of the slice on that weekday, the last of each day (UTC).
 */
export const usualForWeekday = ({
  atLeast = 4,
  threshold = 3.5,
  tolerance = 0.1,
  weeks = 12
}: VolumeOptions = {}): TableCheck<Counts> => ({
  run: Effect.fnUntraced(function* ({ count }, _, context) {
    const rows = yield* count
    const { now, partition } = context
    const keys = partition === null ? undefined : Volume.weeksBefore(partition, weeks)
    const history =
      keys === undefined
        ? Volume.recordedOnWeekday(now, yield* context.earlier(mostRecorded)).slice(0, weeks)
        : (yield* context.published(keys)).flatMap(({ rows }) => (rows === null ? [] : [rows]))
    if (history.length < atLeast) return AssetCheck.pass({ rows, weeks: history.length })
    const { mad, median, score } = Volume.compare(rows, history)
    const metadata = { rows, weeks: history.length, median, mad, score: Metadata.float(score) }
    const isUsual = Math.abs(score) <= threshold || Math.abs(rows - median) <= tolerance * median
    if (isUsual) return AssetCheck.pass(metadata)
    const words = Number.isFinite(score)
      ? `a modified z-score of ${score.toFixed(1)}`
      : "and it never was another number"
    return AssetCheck.fail(
      `${thereAre(rows)}, where the median of ${history.length} such weekdays is ${number(median)}: ${words}`,
      metadata
    )
  })
})

// -----------------------------------------------------------------------------
// what these checks look at
// -----------------------------------------------------------------------------

/** Finds what breaks a rule; a table's candidate does for rules of columns that it has. */
export interface Finds<in Rule> {
  readonly key: ReadonlyArray<string>
  readonly find: (rule: Rule) => Effect.Effect<RowRule.Found, IoManager.IoError>
}

/** Has rows with a column of this type, or a part of it, or none at all. */
export interface HasRows<C extends string, V> {
  readonly rows: Stream.Stream<{ readonly [column in C]?: V | null | undefined }, IoManager.IoError>
}

export type Counts = Pick<Table.Candidate<never>, "count">

export interface Newest<in C> {
  readonly newest: (column: C) => Effect.Effect<number | undefined, IoManager.IoError>
}

export interface References<C extends string, To extends Asset.Any | Asset.AllPartitions<any>, K extends string> {
  readonly reads: { readonly to: To }
  readonly run: (
    candidate: Finds<RowRule.Refers<C>> & HasRows<C, RowOf<To>[K & keyof RowOf<To>]>,
    reads: { readonly to: Table.Handle<unknown> },
    context: AssetCheck.Context
  ) => Effect.Effect<AssetCheck.Result, IoManager.IoError>
}

/** The rows of an asset that is a table. */
export type RowOf<To> =
  To extends Asset.AllPartitions<infer A>
    ? RowOf<A>
    : To extends Asset.Any
      ? IoManager.Handle<Asset.Io<To>> extends Table.Handle<infer Row>
        ? Row
        : never
      : never

export type Single = string | number | bigint | boolean

export type Ordered = string | number | bigint | Date | RowRule.Moment

/** What a column may hold that is compared with such values. */
export type Widened<V> = [V] extends [never]
  ? unknown
  : V extends string
    ? string
    : V extends number
      ? number
      : V extends bigint
        ? bigint
        : V extends boolean
          ? boolean
          : V

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** So many values are read of an asset without partitions: more than two a day for 24 weeks. */
const mostRecorded = 400

/** `column`: whose value an example shows beside the row's key. */
interface Words {
  readonly says: string
  readonly column: string | undefined
}

const judge = <Rule>(candidate: Finds<Rule>, rule: Rule, { column, says }: Words) =>
  Effect.map(candidate.find(rule), ({ rows, sample, violations }) => {
    const [first] = sample
    if (first === undefined) return AssetCheck.pass({ rows, violations })
    const row = RowCodec.showKey(candidate.key, first)
    const example = column === undefined ? row : `${JSON.stringify(first[column])} in ${row}`
    return AssetCheck.fail(
      `${says} ${number(violations)} of ${counted(rows)} (${percent(violations / rows)}), such as ${example}`,
      { rows, violations, sample: Metadata.table(sample) }
    )
  })

const columnsOf = (told: unknown): Readonly<Record<string, unknown>> | undefined => {
  const value = told === undefined ? undefined : Metadata.of(told as never)
  return value?._tag === "Metadata.Json" ? (value.value as Readonly<Record<string, unknown>>) : undefined
}

const differ = (before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>) =>
  Array.from(new Set([...Object.keys(before), ...Object.keys(now)])).flatMap((name) => {
    if (before[name] === now[name]) return []
    if (before[name] === undefined) return [`the column ${name} (${now[name]}) is new`]
    return now[name] === undefined
      ? [`the column ${name} (${before[name]}) is gone`]
      : [`${name} was ${before[name]} and is ${now[name]}`]
  })

const number = (amount: number) => amount.toLocaleString("en-US")

const counted = (rows: number) => `${number(rows)} ${rows === 1 ? "row" : "rows"}`

const thereAre = (rows: number) => `there ${rows === 1 ? "is" : "are"} ${counted(rows)}`

const percent = (share: number) => {
  const amount = share * 100
  return amount > 0 && amount < 0.1 ? "under 0.1 %" : `${Number(amount.toFixed(1))} %`
}

const inWords = (value: Ordered) =>
  typeof value === "object" ? new Date(RowRule.ordinal(value) as number).toISOString() : String(value)

const bigints = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value)
