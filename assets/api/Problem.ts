/** What is wrong with a request, as RFC 9457 problem documents: those that routes tell of, and everything else. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as SqlError from "effect/sql/SqlError"

export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: ProblemDetails.blankType,
  status: 401,
  title: "Unauthorized"
}) {}

export class Forbidden extends HttpApiError.Problem<Forbidden>()("Forbidden", {
  type: ProblemDetails.blankType,
  status: 403,
  title: "Forbidden"
}) {}

export class TooManyRequests extends HttpApiError.Problem<TooManyRequests>()("TooManyRequests", {
  type: ProblemDetails.blankType,
  status: 429,
  title: "Too Many Requests"
}) {}

export class UnknownUser extends HttpApiError.Problem<UnknownUser>()("UnknownUser", {
  type: "urn:music:unknown-user",
  status: 404,
  title: "No such user"
}) {}

export class UnknownTrack extends HttpApiError.Problem<UnknownTrack>()("UnknownTrack", {
  type: "urn:music:unknown-track",
  status: 404,
  title: "No such track"
}) {}

/** Nothing of what was posted is recorded. */
export class UnknownIds extends HttpApiError.Problem<UnknownIds>()(
  "UnknownIds",
  { type: "urn:music:unknown-ids", status: 422, title: "Unknown users or tracks" },
  { errors: Schema.Array(HttpApiError.ProblemIssue) }
) {}

export class NothingPublished extends HttpApiError.Problem<NothingPublished>()("NothingPublished", {
  type: "urn:music:nothing-published",
  status: 503,
  title: "Nothing to recommend yet"
}) {}

/** A route as people would call it, with the methods it takes. */
export interface Route {
  readonly path: string
  readonly methods: ReadonlySet<string>
}

/**
 * Makes a problem document of every failure and every answer from 400 on that is none yet. What failed in the service
 * itself is logged, and nothing of it is told.
 */
export const everywhere =
  (routes: ReadonlyArray<Route>) =>
  <E, R>(self: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) => {
    const patterns = routes.map((route) => ({
      ...route,
      pattern: new RegExp(`^${route.path.replace(/:\w+/g, "[^/]+")}/?$`)
    }))
    return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      self.pipe(
        Effect.catchCause((cause) => answer(cause)),
        Effect.map((response) => {
          if (response.status < 400) return response
          const isProblem = response.headers["content-type"]?.startsWith(ProblemDetails.contentType) === true
          return withHeaders(isProblem ? response : render(response.status, request, patterns))
        })
      )
    )
  }

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Pattern = Route & { readonly pattern: RegExp }

/** Whoever hung up gets no answer; a database that is away may come back. */
const answer = <E>(cause: Cause.Cause<E>): Effect.Effect<HttpServerResponse.HttpServerResponse, E> => {
  if (Cause.hasInterrupts(cause)) return Effect.failCause(cause)
  if (isPassing(Cause.squash(cause))) {
    return Effect.as(Effect.logWarning("the database did not answer", cause), HttpServerResponse.empty({ status: 503 }))
  }
  return Effect.flatMap(HttpServerError.causeResponse(cause), ([response]) =>
    response.status < 500 ? Effect.succeed(response) : Effect.as(Effect.logError("a request failed", cause), response)
  )
}

/** A failure of the database that may be over soon, or an error that was made of one. */
const isPassing = (error: unknown): boolean =>
  SqlError.isSqlError(error)
    ? error.reason.isRetryable || isAway(error.reason.cause)
    : error instanceof Error && error.cause !== undefined && isPassing(error.cause)

/** By SQLSTATE. Class 53: out of connections, memory or disk. 57P: shutting down or starting. */
const isAway = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && /^(53|57P)/.test(String(cause.code))

const withHeaders = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const { status } = response
  if (status === 401) return HttpServerResponse.setHeader(response, "www-authenticate", "Bearer")
  if (status === 503) return HttpServerResponse.setHeader(response, "retry-after", "5")
  return response
}

const render = (
  status: number,
  request: HttpServerRequest.HttpServerRequest,
  routes: ReadonlyArray<Pattern>
): HttpServerResponse.HttpServerResponse => {
  const path = request.url.split("?", 1)[0]!
  const here = status === 404 ? routes.filter(({ pattern }) => pattern.test(path)) : []
  const allowed = here.flatMap(({ methods }) => Array.from(methods))
  // A method that is taken gets here where the path cannot be decoded.
  if (allowed.length > 0 && !allowed.includes(request.method)) {
    const response = problem(405, `${path} takes ${allowed.join(" and ")}`)
    return HttpServerResponse.setHeader(response, "allow", allowed.join(", "))
  }
  return problem(status, status === 404 ? `there is no ${path}; /openapi.json says what there is` : details.get(status))
}

const problem = (status: number, detail: string | undefined) =>
  ProblemDetails.toResponse({
    type: ProblemDetails.blankType,
    status,
    title: titles.get(status) ?? (status < 500 ? "Bad Request" : "Internal Server Error"),
    ...(detail === undefined ? {} : { detail })
  })

const titles = new Map([
  [400, "Bad Request"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [413, "Content Too Large"],
  [415, "Unsupported Media Type"],
  [500, "Internal Server Error"],
  [503, "Service Unavailable"]
])

const details = new Map([
  [413, "a body has at most 1 MiB"],
  [415, "send application/json"],
  [503, "the database does not answer; try again later"]
])
