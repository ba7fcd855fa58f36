/**
 * A listing of the API as an asset takes it in: rows to publish, items to set aside, and a fresh start when the listing
 * moved while it was read.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { type Asset, type IoManager, Table } from "../../runtime/index.ts"
import * as MusicApi from "./MusicApi.ts"
import type { MusicApiError } from "./MusicApiError.ts"

/** Makes a page's rows, and may set more of its items aside; an item already in `rejected` is counted once. */
export type Rows<A, Row, E, R> = (page: MusicApi.Page<A>) => Effect.Effect<
  {
    readonly rows: ReadonlyArray<Row>
    readonly rejected: ReadonlyArray<MusicApi.Rejection>
  },
  E,
  R
>

/** Streams the rows of a listing into the staging of `step`, page by page. */
export const into = <A, Row, E, R, LE, LR>(
  step: Asset.Step,
  listing: Stream.Stream<MusicApi.Part<A>, LE, LR>,
  rowsOf: Rows<A, Row, E, R>
): Stream.Stream<Row | Table.Restart, IoManager.IoError | E | LE, R | LR> =>
  listing.pipe(
    Stream.mapEffect(
      Effect.fnUntraced(function* (part): Effect.fn.Return<
        ReadonlyArray<Row | Table.Restart>,
        IoManager.IoError | E,
        R
      > {
        if (part._tag === "Restart") {
          yield* step.startOver
          return [Table.restart]
        }
        const { rejected, rows } = yield* rowsOf(part)
        yield* step.seen(part.items)
        yield* step.reject(rejected.map(({ raw, reason }) => ({ item: raw, reason })))
        return rows
      })
    ),
    Stream.flattenIterable
  )

/**
 * For listings whose items are rows of `table`. What was set aside keeps the row it was known by: the API does show it, so
 * it must not count as removed.
 */
export const mergedInto = (table: "music.users" | "music.tracks") =>
  Effect.fnUntraced(function* <A extends { readonly id: number }>(page: MusicApi.Page<A>) {
    const ids = page.rejected.flatMap(({ key }) => (key === null ? [] : [BigInt(key)]))
    if (ids.length === 0) return page
    const sql = yield* SqlClient.SqlClient
    const known = yield* sql<A>`select * from ${sql(table)} where id = any(${ids}) and removed_at is null`
    return { ...page, rows: [...page.rows, ...known.map((row) => ({ ...row, id: Number(row.id) }))] }
  })

/** At most 1 % of the items may be set aside, or nine in all. */
export const tolerance: Asset.QuarantineLimit = { share: 0.01, atLeast: 10 }

/** The client has retried each request by itself; this is for a source that was down for a moment. */
export const retry: Asset.RetryPolicy<MusicApiError | SqlError> = {
  times: 1,
  schedule: Schedule.spaced("2 seconds"),
  while: (error) => (error._tag === "SqlError" ? error.isRetryable : MusicApi.isTransient(error))
}
