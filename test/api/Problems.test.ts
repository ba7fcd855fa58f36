import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import { type Asked, ask, empty, post, until } from "./Service.ts"

const json = { "content-type": "application/json" }

const refusals: ReadonlyArray<
  readonly [what: string, path: string, asked: Asked, status: number, told: Readonly<Record<string, unknown>>]
> = [
  ["a path that there is not", "/songs", {}, 404, { detail: "there is no /songs; /openapi.json says what there is" }],
  ["a method that a path does not take", "/listens", { method: "GET" }, 405, { detail: "/listens takes POST" }],
  ["a path that cannot be decoded", "/recommendations/%zz", {}, 404, { title: "Not Found" }],
  ["a user that is no number", "/recommendations/me", {}, 400, { title: "Bad Request" }],
  ["a size out of bounds", "/recommendations/1?size=51", {}, 400, { detail: "Request validation failed" }],
  ["a body that is no JSON", "/listens", { method: "POST", body: "{", headers: json }, 400, { title: "Bad Request" }],
  ["a body without a field", "/listens", { method: "POST", body: {} }, 400, { title: "Bad Request" }],
  [
    "a moment that is none",
    "/listens",
    { method: "POST", body: { listens: [{ user_id: 1, track_id: 1, listened_at: "soon" }] } },
    400,
    { title: "Bad Request" }
  ],
  [
    "a body of another type",
    "/listens",
    { method: "POST", body: "a=1", headers: { "content-type": "text/plain" } },
    415,
    { detail: "send application/json" }
  ],
  [
    "a body that is too large",
    "/listens",
    { method: "POST", body: `"${"x".repeat(1 << 20)}"`, headers: json },
    413,
    { detail: "a body has at most 1 MiB" }
  ]
]

layer(empty, { timeout: "60 seconds" })("a request is refused by a problem document", (it) => {
  for (const [what, path, asked, status, told] of refusals) {
    it.effect(`for ${what}`, () =>
      Effect.gen(function* () {
        const answer = yield* ask(path, asked)
        assert.strictEqual(answer.status, status)
        assert.strictEqual(answer.type, "application/problem+json")
        assert.deepInclude(answer.body, { status, ...told })
      })
    )
  }

  it.effect("that names the place of each mistake", () =>
    Effect.gen(function* () {
      const answer = yield* post("/listens", {
        listens: [{ user_id: 1, track_id: -1, listened_at: "2026-03-01T11:00:00Z" }]
      })
      assert.deepStrictEqual(
        answer.body.errors.map(({ path }: { readonly path: unknown }) => path),
        [["payload", "listens", 0, "track_id"]]
      )
    })
  )

  it.effect("that says which methods there are", () =>
    Effect.gen(function* () {
      const answer = yield* ask("/recommendations/1", { method: "DELETE" })
      assert.strictEqual(answer.status, 405)
      assert.strictEqual(answer.headers.get("allow"), "GET")
    })
  )

  it.effect("that tells nothing of what is broken inside", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`alter table music.posted_listen rename to hidden`
      const answer = yield* ask("/recommendations/1")
      assert.deepInclude(answer, { status: 500, type: "application/problem+json" })
      assert.deepStrictEqual(answer.body, { type: "about:blank", status: 500, title: "Internal Server Error" })
      yield* sql`alter table music.hidden rename to posted_listen`
    })
  )
})

layer(empty, { timeout: "60 seconds" })("the service describes itself", (it) => {
  it.effect("as an OpenAPI document, with every route, refusal and header", () =>
    Effect.gen(function* () {
      const { body, status } = yield* ask("/openapi.json")
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(Object.keys(body.paths).sort(), [
        "/feedback",
        "/health",
        "/listens",
        "/recommendations/next",
        "/recommendations/{user}",
        "/tracks/{id}/similar",
        "/users/{id}"
      ])
      const { responses, security } = body.paths["/recommendations/{user}"].get
      assert.includeMembers(Object.keys(responses), ["200", "304", "400", "401", "403", "404", "429", "503"])
      assert.includeMembers(Object.keys(responses["200"].headers), ["x-model-version", "x-as-of", "etag"])
      assert.isNotEmpty(security)
    })
  )

  it.effect("as a page for people", () =>
    Effect.gen(function* () {
      const answer = yield* ask("/docs")
      assert.strictEqual(answer.status, 200)
      assert.include(answer.type!, "text/html")
    })
  )
})

describe("a database that goes away", { timeout: 60_000 }, () => {
  it.effect("is told of as such, and asked again by the next request", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const waiting = sql<{ readonly pid: number }>`select pid from pg_locks where not granted
        and database = (select oid from pg_database where datname = current_database())`
      const lost = yield* Effect.gen(function* () {
        yield* sql`lock table music.recommendations`
        const asked = yield* Effect.forkChild(ask("/recommendations/1"))
        yield* until(Effect.map(waiting, (found) => found.length > 0))
        yield* sql`select pg_terminate_backend(${(yield* waiting)[0]!.pid})`
        return yield* Fiber.join(asked)
      }).pipe(sql.withTransaction)
      assert.deepInclude(lost, { status: 503, type: "application/problem+json" })
      assert.strictEqual(lost.headers.get("retry-after"), "5")
      assert.strictEqual((yield* ask("/recommendations/1")).status, 404)
    }).pipe(Effect.provide(empty))
  )

  it.effect("is told of as such while it shuts down, starts, or has too many connections", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const code of ["57P01", "57P03", "53300"]) {
        yield* sql.unsafe(`create or replace function music.refuse() returns trigger language plpgsql as $$
          begin raise exception 'not now' using errcode = '${code}'; end $$`)
        yield* sql`create or replace trigger refusing before insert on music.posted_listen execute function music.refuse()`
        const listens = [{ user_id: 1, track_id: 1, listened_at: "2026-03-01T11:00:00Z" }]
        const { headers, status } = yield* post("/listens", { listens })
        assert.strictEqual(status, 503)
        assert.strictEqual(headers.get("retry-after"), "5")
      }
    }).pipe(Effect.provide(empty))
  )
})
