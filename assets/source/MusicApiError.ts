/**
 * Why the source API could not be read: one error, its reason as data, its message computed from both.
 *
 * Rows that fail their schema are not errors; `MusicApi` hands them on as rejected.
 */
import * as Schema from "effect/Schema"

/** How the pages of one pass contradicted each other. */
export const Discrepancy = Schema.TaggedUnion({
  /** Two pages of a pass stated different totals. */
  TotalMoved: { from: Schema.Int, to: Schema.Int },
  /** The pages did not hold as many rows, or not as many different ones, as the total says. */
  CountDiffers: { total: Schema.Int, rows: Schema.Int, distinct: Schema.Int },
  /** At the end of a pass its first page held other rows than at the beginning. */
  RowsShifted: {}
})
export type Discrepancy = typeof Discrepancy.Type

export const Reason = Schema.TaggedUnion({
  Unreachable: { cause: Schema.Defect() },
  TimedOut: { millis: Schema.Finite },
  Status: { status: Schema.Int, retryAfterMillis: Schema.NullOr(Schema.Finite) },
  /** It asks to be left alone for longer than anyone here will wait. */
  Deferred: { status: Schema.Int, retryAfterMillis: Schema.Finite },
  Malformed: { detail: Schema.String },
  Inconsistent: { passes: Schema.Int, last: Discrepancy }
})
export type Reason = typeof Reason.Type

export class MusicApiError extends Schema.TaggedError<MusicApiError>()("MusicApiError", {
  url: Schema.String,
  reason: Reason,
  /** Requests made for this URL before giving up; for `Inconsistent` it is 1, as each of its requests was answered. */
  attempts: Schema.Int
}) {
  override get message(): string {
    const tries = this.attempts > 1 ? ` (${this.attempts} attempts)` : ""
    return `${this.url}${tries}: ${describe(this.reason)}`
  }
}

/** Whether asking again soon may help; false where the request itself is refused, as by 401, 404 or 422. */
export const isTransient = (error: MusicApiError): boolean => isTransientReason(error.reason)

export const isTransientReason = (reason: Reason): boolean =>
  reason._tag === "Status" ? reason.status >= 500 || passing.has(reason.status) : reason._tag !== "Deferred"

/** One clause saying what did not add up. */
export const explain = (discrepancy: Discrepancy): string =>
  Discrepancy.match(discrepancy, {
    TotalMoved: ({ from, to }) => `the total moved from ${from} to ${to}`,
    CountDiffers: ({ total, rows, distinct }) => `${rows} rows, ${distinct} different ones, for a total of ${total}`,
    RowsShifted: () => "the first page changed while the others were read"
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const passing: ReadonlySet<number> = new Set([408, 425, 429])

const describe = (reason: Reason): string =>
  Reason.match(reason, {
    Unreachable: ({ cause }) =>
      `the API cannot be reached (${rootMessage(cause)}). Check that it runs, and MUSIC_API_URL.`,
    TimedOut: ({ millis }) => `no complete answer within ${millis / 1000} s. Try later, or raise MUSIC_API_TIMEOUT.`,
    Status: ({ status, retryAfterMillis }) => `the API answered ${status}. ${advice(status, retryAfterMillis)}`,
    Deferred: ({ status, retryAfterMillis }) =>
      `the API answered ${status} and asks to wait ${Math.ceil(retryAfterMillis / 1000)} s, longer than ` +
      "MUSIC_API_MAX_RETRY_AFTER. Try again after that.",
    Malformed: ({ detail }) => `the answer is not a page of the API: ${detail}. Check MUSIC_API_URL.`,
    Inconsistent: ({ passes, last }) =>
      `the pages did not add up in ${passes} passes (${explain(last)}). The data moves while it is read; try later.`
  })

const advice = (status: number, retryAfterMillis: number | null): string => {
  if (retryAfterMillis !== null) return `It asks to wait ${Math.ceil(retryAfterMillis / 1000)} s; try again after that.`
  if (status === 429) return "Lower MUSIC_API_RATE or MUSIC_API_CONCURRENCY."
  return status >= 500 ? "The service is failing; try later." : "Check that MUSIC_API_URL is the API's base URL."
}

/** Network errors are wrapped several times; the innermost says what happened. */
const rootMessage = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? innermost(cause) : rootMessage(cause.cause)
}

/** An AggregateError (one try an address) has an empty message and a code. */
const innermost = (error: Error & { readonly code?: unknown }): string =>
  error.message === "" ? String(error.code ?? error.name) : error.message
