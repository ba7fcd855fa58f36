/**
 * The client of the source API: reads whole listings as streams of decoded pages.
 *
 * It keeps no rows and knows no tables; what becomes of rejected rows and of users or tracks that nobody knows is for the assets.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Route } from "./Contract.ts"
import type { Discrepancy } from "./MusicApiError.ts"
import { MusicApiError } from "./MusicApiError.ts"
import * as PageReader from "./PageReader.ts"
import * as Tally from "./Tally.ts"
import * as Wire from "./Wire.ts"

export { isTransient, MusicApiError } from "./MusicApiError.ts"

/** A user's latest list. `position` counts from 0 in the list as the API sent it, so a rejected id leaves a gap. */
export interface Listens {
  readonly user_id: number
  readonly tracks: ReadonlyArray<{ readonly position: number; readonly track_id: number }>
  /** The item as it came. */
  readonly raw: unknown
  readonly created_at: Date
  readonly updated_at: Date
}

/** An API item that failed its schema, whole or in part. */
export interface Rejection {
  /** Its id (or user_id), when that much of it could be read. */
  readonly key: number | null
  readonly raw: unknown
  readonly reason: string
}

export interface Page<A> {
  readonly _tag: "Page"
  /** In the order of the listing. A key comes once in a pass; of rows that the API repeats, the one read first. */
  readonly rows: ReadonlyArray<A>
  /** At most one for an API item. A list with a bad id is here, and its good ids are in `rows`. */
  readonly rejected: ReadonlyArray<Rejection>
  /** API items on this page, good or bad, that were not seen before in this pass. */
  readonly items: number
}

/** The pages so far did not add up, so all that came before this is void; the listing follows from its beginning. */
export interface Restart {
  readonly _tag: "Restart"
  /** The number of the pass that follows, from 2. */
  readonly pass: number
  readonly because: Discrepancy
}

export type Part<A> = Page<A> | Restart

/**
 * Each stream is one listing, read anew whenever it is run. The pages after its last `Restart` are the listing; until the stream
 * has ended well they are only a claim.
 */
export class MusicApi extends Context.Service<
  MusicApi,
  {
    readonly users: Stream.Stream<Part<Wire.User>, MusicApiError>
    readonly tracks: Stream.Stream<Part<Wire.Track>, MusicApiError>
    readonly listenHistory: Stream.Stream<Part<Listens>, MusicApiError>
  }
>()("effect-assets/assets/source/MusicApi") {}

/** The knobs, from the environment. Where the API is, is for whoever builds the layer. */
export const settings = Config.all({
  /** Requests in flight at once, over all listings. */
  concurrency: count("MUSIC_API_CONCURRENCY", { least: 1, fallback: 8 }),
  /** Rows a page; the API allows 1 to 100. */
  pageSize: count("MUSIC_API_PAGE_SIZE", { least: 1, most: 100, fallback: 100 }),
  /** Requests a second, over all listings. */
  rate: count("MUSIC_API_RATE", { least: 1, fallback: 500 }),
  /** For one request, its body included. */
  timeout: Config.Duration("MUSIC_API_TIMEOUT").pipe(Config.withDefault(Duration.seconds(10))),
  /** Attempts after the first, with 100 ms, 200 ms, 400 ms, … up to 10 s in between, give or take a fifth. */
  retries: count("MUSIC_API_RETRIES", { least: 0, fallback: 5 }),
  /** The longest Retry-After to wait for; a longer one is an error that says so. */
  maxRetryAfter: Config.Duration("MUSIC_API_MAX_RETRY_AFTER").pipe(Config.withDefault(Duration.minutes(2))),
  /** How often a listing that does not add up is read before that is an error. */
  passes: count("MUSIC_API_PASSES", { least: 1, fallback: 3 })
})

/** The client of the API at this URL. */
export const layer = (options: {
  readonly baseUrl: URL
}): Layer.Layer<MusicApi, Config.ConfigError, HttpClient.HttpClient> => Layer.effect(MusicApi, make(options))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

function count(name: string, limits: { readonly least: number; readonly most?: number; readonly fallback: number }) {
  const { least, most = Number.MAX_SAFE_INTEGER, fallback } = limits
  const between = Schema.Int.check(Schema.isBetween({ minimum: least, maximum: most }))
  return Config.schema(between, name).pipe(Config.withDefault(fallback))
}

const make = Effect.fnUntraced(function* ({ baseUrl }: { readonly baseUrl: URL }) {
  const { passes, ...limits } = yield* settings
  const reader = PageReader.make(yield* HttpClient.HttpClient, { baseUrl, ...limits })
  const { concurrency } = limits
  const listing = <A>(route: Route, decode: Decode<A>) =>
    pass({ reader, route, decode, concurrency, passes }, 1, undefined)
  return MusicApi.of({
    users: listing("/users", decodeUser),
    tracks: listing("/tracks", decodeTrack),
    listenHistory: listing("/listen_history", decodeListens)
  })
})

interface Decoded<A> {
  readonly key: number | undefined
  readonly row: A | undefined
  readonly problem: string | undefined
}

type Decode<A> = (item: unknown) => Decoded<A>

interface Listing<A> {
  readonly reader: PageReader.PageReader
  readonly route: Route
  readonly decode: Decode<A>
  readonly concurrency: number
  readonly passes: number
}

/**
 * Reads the first page, then the others concurrently, then the first again: a service that restarted in between with as many
 * rows under other ids shows itself only there.
 */
const pass = <A>(
  listing: Listing<A>,
  number: number,
  previous: Tally.Tally | undefined
): Stream.Stream<Part<A>, MusicApiError> =>
  Stream.unwrap(
    Effect.map(listing.reader.read(listing.route, 1), (first) => {
      const tally = Tally.make(first.total)
      const size = first.items.length
      // A page count that the total does not bear out is not followed.
      const pages = size === 0 ? 1 : Math.min(first.pages, Math.ceil(first.total / size))
      const others = pages < 2 ? Stream.empty : Stream.range(2, pages)
      return Stream.succeed({ page: first, number: 1 }).pipe(
        Stream.concat(
          Stream.mapEffect(
            others,
            (number) => Effect.map(listing.reader.read(listing.route, number), (page) => ({ page, number })),
            // Twice the requests that may be in flight: while half the pages travel, the others are decoded and staged.
            // In order once rows repeat, so that which of them is kept does not depend on who answers first.
            { concurrency: 2 * listing.concurrency, unordered: number === 1 }
          )
        ),
        Stream.takeWhile(({ page }) => Tally.agrees(tally, page.total)),
        Stream.map(({ page }): Part<A> => decodePage(listing, tally, page)),
        Stream.concat(
          Stream.unwrap(
            Effect.map(verdict(listing, tally, first, previous), (discrepancy) => {
              if (discrepancy === undefined) return Stream.empty
              if (number < listing.passes) return again(listing, number + 1, tally, discrepancy)
              const url = listing.reader.urlOf(listing.route, 1)
              const reason = { _tag: "Inconsistent" as const, passes: number, last: discrepancy }
              return Stream.fail(new MusicApiError({ url, reason, attempts: 1 }))
            })
          )
        )
      )
    })
  )

/** Waits a moment that doubles from pass to pass: what moved may come to rest. */
const again = <A>(listing: Listing<A>, number: number, previous: Tally.Tally, because: Discrepancy) =>
  Stream.concat(
    Stream.succeed<Part<A>>({ _tag: "Restart", pass: number, because }),
    Stream.unwrap(Effect.as(Effect.sleep(Duration.millis(250 * 2 ** (number - 2))), pass(listing, number, previous)))
  )

const verdict = Effect.fnUntraced(function* <A>(
  listing: Listing<A>,
  tally: Tally.Tally,
  first: Wire.Page,
  previous: Tally.Tally | undefined
) {
  const discrepancy = Tally.discrepancy(tally, previous)
  if (discrepancy !== undefined || first.pages < 2) return discrepancy
  const now = yield* listing.reader.read(listing.route, 1)
  if (now.total !== first.total) return { _tag: "TotalMoved" as const, from: first.total, to: now.total }
  const same = JSON.stringify(now.items) === JSON.stringify(first.items)
  return same ? undefined : { _tag: "RowsShifted" as const }
})

const decodePage = <A>(listing: Listing<A>, tally: Tally.Tally, page: Wire.Page): Page<A> => {
  const rows: Array<A> = []
  const rejected: Array<Rejection> = []
  let items = 0
  for (const raw of page.items) {
    const { key, row, problem } = listing.decode(raw)
    if (!Tally.count(tally, key)) continue
    items++
    if (row !== undefined) rows.push(row)
    if (problem !== undefined) rejected.push({ key: key ?? null, raw, reason: problem })
  }
  return { _tag: "Page", rows, rejected, items }
}

const decoderOf = <A>(schema: Schema.ConstraintDecoder<A>, keyName: string): Decode<A> => {
  const decode = Schema.decodeUnknownResult(schema)
  return (item) =>
    Result.match(decode(item), {
      onSuccess: (row) => ({ key: keyIn(item, keyName), row, problem: undefined }),
      onFailure: (error) => ({ key: keyIn(item, keyName), row: undefined, problem: error.message.replace(/\s+/g, " ") })
    })
}

/** A text of a number is one, too: it says whose an item is that will not do. */
const keyIn = (item: unknown, name: string): number | undefined => {
  const told = typeof item === "object" && item !== null ? (item as Record<string, unknown>)[name] : undefined
  const key = typeof told === "string" && /^\s*\d+\s*$/.test(told) ? Number(told) : told
  return Number.isSafeInteger(key) ? (key as number) : undefined
}

const decodeUser = decoderOf(Wire.User, "id")
const decodeTrack = decoderOf(Wire.Track, "id")
const decodeList = decoderOf(Wire.Listens, "user_id")

/** A list that is null is an empty one. Ids that are no integers are left out and told; the others keep their positions. */
const decodeListens: Decode<Listens> = (item) => {
  const { key, row, problem } = decodeList(item)
  if (row === undefined) return { key, row, problem }
  const tracks: Array<Listens["tracks"][number]> = []
  const bad: Array<string> = []
  for (const [position, id] of (row.items ?? []).entries()) {
    if (Number.isSafeInteger(id)) tracks.push({ position, track_id: id as number })
    else bad.push(`items[${position}]: expected a track id, got ${JSON.stringify(id)}`)
  }
  const { user_id, created_at, updated_at } = row
  return {
    key,
    row: { user_id, tracks, raw: item, created_at, updated_at },
    problem: bad.length > 0 ? bad.join("; ") : undefined
  }
}
