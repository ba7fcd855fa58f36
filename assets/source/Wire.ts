/**
 * The rows of the source API: what stands on the wire (`Encoded`) and what a pipeline works with (`Type`).
 *
 * Rows refer to each other by id only; whether an id exists is not known here.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** A string that a Postgres `text` can hold: without the character NUL and without halves of surrogate pairs. */
export const Text = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text.includes("\0") || !text.isWellFormed() ? "text without NUL characters and unpaired surrogates" : undefined
  )
)

/** ISO 8601; without a zone it is UTC. Fractions beyond a millisecond are cut off, as `Date` holds no more. */
export const Timestamp = Schema.String.annotate({ expected: "an ISO 8601 timestamp" }).pipe(
  Schema.decodeTo(
    Schema.Date,
    SchemaTransformation.transformEffect<Date, string>({
      decode: (text, options) => {
        const date = parseTimestamp(text)
        return date === undefined
          ? Effect.fail(new SchemaIssue.InvalidValue({ expected: "an ISO 8601 timestamp" }, text, options))
          : Effect.succeed(date)
      },
      encode: (date) => Effect.succeed(date.toISOString().slice(0, -1))
    })
  )
)

export const User = Schema.Struct({
  id: Schema.Int,
  first_name: Text,
  last_name: Text,
  email: Text,
  gender: Text,
  favorite_genres: Text,
  created_at: Timestamp,
  updated_at: Timestamp
})
export type User = typeof User.Type

export const Track = Schema.Struct({
  id: Schema.Int,
  name: Text,
  artist: Text,
  songwriters: Text,
  /** "MM:SS" */
  duration: Text,
  genres: Text,
  album: Text,
  created_at: Timestamp,
  updated_at: Timestamp
})
export type Track = typeof Track.Type

/** One user's latest list. The ids are checked one by one by the reader, so that a bad one costs only itself. */
export const Listens = Schema.Struct({
  user_id: Schema.Int,
  items: Schema.NullOr(Schema.Array(Schema.Unknown)),
  created_at: Timestamp,
  updated_at: Timestamp
})

/** What a server sends as a user, as a track and as a user's list. */
export type WireUser = typeof User.Encoded
export type WireTrack = typeof Track.Encoded
export interface WireListens {
  readonly user_id: number | null
  readonly items: ReadonlyArray<number> | null
  readonly created_at: string
  readonly updated_at: string
}

/** The frame around a page of rows. The rows are decoded one by one, so that a bad one does not spoil its page. */
export const Page = Schema.Struct({
  items: Schema.Array(Schema.Unknown),
  total: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  page: Schema.Int,
  pages: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})
export type Page = typeof Page.Type

/** Writes an instant as the API does: UTC, to the second, without a zone. */
export const formatTimestamp = (millis: number): string => new Date(millis).toISOString().slice(0, 19)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const pattern = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/

const parseTimestamp = (text: string): Date | undefined => {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, fraction, zone = "Z"] = match
  const plain = text.length === 19 ? text : `${text.slice(0, 19)}${fraction?.slice(0, 4) ?? ""}`
  const date = new Date(plain + zone)
  if (Number.isNaN(date.getTime())) return undefined
  // Date turns the 30th of February into the 2nd of March instead of refusing it.
  const day = text.slice(0, 10)
  return day.slice(8) <= "28" || new Date(day).toISOString().startsWith(day) ? date : undefined
}
