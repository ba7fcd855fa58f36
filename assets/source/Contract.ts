/**
 * What the source API answers to a request: one pure function that the server and the fake share, so that they cannot differ.
 *
 * It speaks as the original service (FastAPI with fastapi-pagination) does, errors included. No sockets and no clock here.
 */
import type { World } from "./World.ts"

export interface Request {
  readonly method: string
  /** Path and query; an absolute URL does as well. */
  readonly url: string
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export const routes = ["/tracks", "/users", "/listen_history"] as const
export type Route = (typeof routes)[number]

/** The answer of a service that shows `world` on `day`. */
export const respond = (world: World, day: number, request: Request): Response => {
  // Not relative to a base: two slashes would begin a host.
  const url = URL.parse(request.url.startsWith("/") ? `http://source${request.url}` : request.url)
  if (url === null) return notFound
  const answer = answers.get(url.pathname)
  if (answer === undefined) {
    const path = url.pathname.replace(/\/+$/, "")
    return answers.has(path) ? redirect(path + url.search) : notFound
  }
  if (request.method !== "GET") {
    return json(405, { detail: "Method Not Allowed" }, { allow: "GET" })
  }
  return answer(world, day, url.searchParams)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type Answer = (world: World, day: number, query: URLSearchParams) => Response

const json = (status: number, value: unknown, headers: Record<string, string> = {}): Response => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(value)
})

const notFound = json(404, { detail: "Not Found" })

const redirect = (location: string): Response => ({ status: 307, headers: { location }, body: "" })

const rowsOf = (world: World, route: Route, day: number) => {
  switch (route) {
    case "/tracks":
      return world.tracks(day)
    case "/users":
      return world.users(day)
    case "/listen_history":
      return world.listenHistory(day)
  }
}

const pageOf =
  (route: Route): Answer =>
  (world, day, query) => {
    const page = parameter(query, "page", { fallback: 1, least: 1 })
    const size = parameter(query, "size", { fallback: 100, least: 1, most: 100 })
    const detail = [...page.problems, ...size.problems]
    if (detail.length > 0) return json(422, { detail })
    const rows = rowsOf(world, route, day)
    const start = (page.value - 1) * size.value
    return json(200, {
      items: rows.slice(start, start + size.value),
      total: rows.length,
      page: page.value,
      size: size.value,
      pages: Math.ceil(rows.length / size.value)
    })
  }

interface Limits {
  readonly fallback: number
  readonly least: number
  readonly most?: number
}

/** One integer of the query; as in FastAPI the last of several counts, and problems are told in pydantic's words. */
const parameter = (
  query: URLSearchParams,
  name: string,
  { fallback, least, most = Number.MAX_SAFE_INTEGER }: Limits
) => {
  const input = query.getAll(name).at(-1)
  if (input === undefined) return { value: fallback, problems: [] }
  const problem = (type: string, msg: string, ctx?: Record<string, number>) => ({
    value: fallback,
    problems: [{ type, loc: ["query", name], msg, input, ...(ctx && { ctx }) }]
  })
  if (!/^\s*[+-]?\d+\s*$/.test(input)) {
    return problem("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
  }
  const value = Number(input)
  if (value < least) {
    return problem("greater_than_equal", `Input should be greater than or equal to ${least}`, { ge: least })
  }
  if (value > most) {
    return problem("less_than_equal", `Input should be less than or equal to ${most}`, { le: most })
  }
  return { value, problems: [] }
}

const docs = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>MooVitamix source API</title></head>
<body>
<h1>MooVitamix source API</h1>
<p>Pages of JSON, <code>?page=1&amp;size=100</code>. Described by <a href="/openapi.json">/openapi.json</a>.</p>
<ul>${routes.map((route) => `<li><a href="${route}">${route}</a></li>`).join("")}</ul>
</body>
</html>
`

const nullable = (schema: object) => ({ anyOf: [schema, { type: "null" }] })

const object = (properties: Record<string, object>) => ({
  type: "object",
  properties: {
    ...properties,
    created_at: { type: "string", format: "date-time" },
    updated_at: { type: "string", format: "date-time" }
  },
  required: [...Object.keys(properties), "created_at", "updated_at"]
})

const strings = (...names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, { type: "string" }]))

const schemas: Record<Route, object> = {
  "/tracks": object({
    id: { type: "integer" },
    ...strings("name", "artist", "songwriters", "duration", "genres", "album")
  }),
  "/users": object({
    id: { type: "integer" },
    ...strings("first_name", "last_name", "email", "gender", "favorite_genres")
  }),
  "/listen_history": object({
    user_id: nullable({ type: "integer" }),
    items: nullable({ type: "array", items: { type: "integer" } })
  })
}

const operation = (route: Route) => ({
  summary: `Pages of ${route.slice(1)}`,
  parameters: [
    { name: "page", in: "query", schema: { type: "integer", minimum: 1, default: 1 } },
    { name: "size", in: "query", schema: { type: "integer", minimum: 1, maximum: 100, default: 100 } }
  ],
  responses: {
    "200": {
      description: "Successful Response",
      content: {
        "application/json": {
          schema: {
            type: "object",
            properties: {
              items: { type: "array", items: schemas[route] },
              ...Object.fromEntries(["total", "page", "size", "pages"].map((name) => [name, { type: "integer" }]))
            },
            required: ["items", "total", "page", "size", "pages"]
          }
        }
      }
    },
    "422": { description: "Validation Error" }
  }
})

const openApi = {
  openapi: "3.1.0",
  info: { title: "MooVitamix", version: "1.0.0" },
  paths: Object.fromEntries(routes.map((route) => [route, { get: operation(route) }]))
}

const answers = new Map<string, Answer>([
  ["/", () => redirect("/docs")],
  ["/docs", () => ({ status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: docs })],
  ["/openapi.json", () => json(200, openApi)],
  ...routes.map((route): [string, Answer] => [route, pageOf(route)])
])
