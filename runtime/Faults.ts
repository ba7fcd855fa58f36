/**
 * Faults for an `HttpClient`, scripted call by call: what a network, a proxy or a failing service does to requests.
 *
 * It wraps any client and knows nothing about what is asked for. Which answers are right is for the client it wraps.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/** What becomes of a call. `Reset` and `Hang` never reach the service; `Lost`, `Truncated` and `Json` spoil its real answer. */
export type Fault = Data.TaggedEnum<{
  /** The service (or a proxy) answers with this instead. */
  Answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  /** The connection is reset before an answer. */
  Reset: {}
  /** No answer, ever. */
  Hang: {}
  /** The real answer, late. */
  Delay: { readonly by: Duration.Input }
  /** The connection is lost halfway through the real body. */
  Lost: {}
  /** The real body ends halfway, as if that were all. */
  Truncated: {}
  /** Something happens to the service just before it answers. */
  Meanwhile: { readonly happens: Effect.Effect<void> }
  /** The real JSON body, changed. */
  Json: { readonly change: (body: unknown) => unknown }
}>
export const Fault = Data.taggedEnum<Fault>()

export const status = (
  code: number,
  headers: Readonly<Record<string, string>> = {},
  body = `{"detail":"status ${code}"}`
): Fault => Fault.Answer({ status: code, headers: { "content-type": "application/json", ...headers }, body })

/** 429 with a Retry-After: seconds, or an HTTP date. */
export const tooManyRequests = (retryAfter: number | string): Fault =>
  status(429, { "retry-after": String(retryAfter) })

/** An HTML page with status 200 where something else is due, as a captive portal or a proxy sends. */
export const html: Fault = Fault.Answer({
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>"
})

/** Which calls a fault meets. What is left out matches everything. */
export interface When {
  /** The path of the URL, such as "/users". */
  readonly path?: string
  /** Parameters of the query that must have these values. */
  readonly query?: Readonly<Record<string, string | number>>
  /** Lets this many matching calls through first. Default 0. */
  readonly after?: number
  /** Meets this many matching calls, then no more. Default 1; `Infinity` for ever. */
  readonly times?: number
}

export interface Scripted {
  readonly when: When
  readonly fault: Fault
}

/** One line of a script. Of several lines that match a call the first decides. */
export const on = (when: When, fault: Fault): Scripted => ({ when, fault })

/** A call as it was made. Times are milliseconds of the Clock; `endedAt` is undefined while it runs, or when nobody waited for it. */
export interface Call {
  readonly method: string
  readonly url: URL
  readonly startedAt: number
  readonly endedAt: number | undefined
  /** The tag of the fault it met. */
  readonly fault: Fault["_tag"] | undefined
  /** How many calls were running when it began, itself included. */
  readonly inFlight: number
}

/** The calls that were made through a client with faults, in the order in which they began. */
export class Calls extends Context.Service<Calls, { readonly all: Effect.Effect<ReadonlyArray<Call>> }>()(
  "effect-assets/runtime/Faults/Calls"
) {}

/** A script at its beginning: `apply` wraps a client in it, `calls` are those made through that client so far. */
export const make = (script: ReadonlyArray<Scripted>) => {
  const lines = script.map((line) => ({ ...line, matched: 0 }))
  const calls: Array<{ -readonly [K in keyof Call]: Call[K] }> = []
  let inFlight = 0

  const faultFor = (url: URL): Fault | undefined => {
    let fault: Fault | undefined
    for (const line of lines) {
      if (!matches(line.when, url)) continue
      const { after = 0, times = 1 } = line.when
      const index = line.matched++
      if (fault === undefined && index >= after && index < after + times) fault = line.fault
    }
    return fault
  }

  const intercept = (send: Answered, request: HttpClientRequest.HttpClientRequest): Answered =>
    Effect.gen(function* () {
      const url = urlOf(request)
      const fault = faultFor(url)
      const call = {
        method: request.method,
        url,
        startedAt: yield* Clock.currentTimeMillis,
        endedAt: undefined as number | undefined,
        fault: fault?._tag,
        inFlight: ++inFlight
      }
      calls.push(call)
      const ended = Effect.map(Clock.currentTimeMillis, (now) => {
        inFlight--
        call.endedAt = now
      })
      return yield* Effect.ensuring(fault === undefined ? send : meet(fault, send, request), ended)
    })

  return {
    apply: (client: HttpClient.HttpClient): HttpClient.HttpClient => HttpClient.transform(client, intercept),
    calls: Effect.sync((): ReadonlyArray<Call> => calls.map((call) => ({ ...call })))
  }
}

/** The client of the environment, wrapped in a script, and the calls made through it. */
export const layer = (
  script: ReadonlyArray<Scripted>
): Layer.Layer<HttpClient.HttpClient | Calls, never, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.map(HttpClient.HttpClient, (inner) => {
      const { apply, calls } = make(script)
      return Context.make(HttpClient.HttpClient, apply(inner)).pipe(Context.add(Calls, { all: calls }))
    })
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Body = string | ReadableStream<Uint8Array>

type Answered = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const urlOf = (request: HttpClientRequest.HttpClientRequest): URL =>
  Option.getOrElse(HttpClientRequest.toUrl(request), () => new URL(request.url, "http://localhost"))

const matches = ({ path, query = {} }: When, url: URL): boolean =>
  (path === undefined || url.pathname === path) &&
  Object.entries(query).every(([name, value]) => url.searchParams.get(name) === String(value))

const meet = (fault: Fault, send: Answered, request: HttpClientRequest.HttpClientRequest): Answered =>
  Fault.$match(fault, {
    Answer: ({ status, headers, body }) => Effect.succeed(answer(request, body, { status, headers })),
    Reset: () => Effect.fail(reset(request)),
    Hang: () => Effect.never,
    Delay: ({ by }) => Effect.delay(send, by),
    Lost: () => rewrite(send, (body) => brokenOff(half(body))),
    Truncated: () => rewrite(send, half),
    Meanwhile: ({ happens }) => Effect.andThen(happens, send),
    Json: ({ change }) => rewrite(send, (body) => JSON.stringify(change(JSON.parse(body))))
  })

const reset = (request: HttpClientRequest.HttpClientRequest) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    })
  })

const rewrite = (send: Answered, change: (body: string) => Body): Answered =>
  Effect.flatMap(send, (response) =>
    Effect.map(response.text, (body) =>
      answer(response.request, change(body), {
        status: response.status,
        headers: { "content-type": response.headers["content-type"] ?? "application/json" }
      })
    )
  )

const answer = (request: HttpClientRequest.HttpClientRequest, body: Body, init: ResponseInit) =>
  HttpClientResponse.fromWeb(request, new Response(body, init))

const half = (body: string): string => body.slice(0, Math.floor(body.length / 2))

const brokenOff = (body: string): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(body)),
    pull: (controller) => controller.error(new TypeError("terminated"))
  })
