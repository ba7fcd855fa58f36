import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Contract from "../../assets/source/Contract.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import type { CannotListen } from "../../assets/source/CannotListen.ts"
import * as SourceServer from "../../assets/source/SourceServer.ts"
import { noon, today, world } from "./Reading.ts"

type Face = Effect.Effect<
  (path: string) => Effect.Effect<{
    readonly status: number
    readonly type: string | undefined
    readonly location: string | undefined
    readonly body: string
  }>,
  CannotListen,
  Scope.Scope
>

const asking = (base: string) =>
  Effect.map(
    HttpClient.HttpClient,
    (client) => (path: string) =>
      Effect.orDie(
        Effect.gen(function* () {
          const response = yield* client.get(base + path)
          return {
            status: response.status,
            type: response.headers["content-type"],
            location: response.headers["location"],
            body: yield* response.text
          }
        })
      )
  )

/** Fetch as the project uses it, but showing redirects instead of following them. */
const fetch = FetchHttpClient.layer.pipe(
  Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" } as const))
)

const server: Face = Effect.flatMap(SourceServer.start({ world, port: 0 }), (url) => asking(url.origin)).pipe(
  Effect.provide(fetch)
)
const fake: Face = asking("http://music.test").pipe(Effect.provide(FakeSource.layer({ world })))

const faces: ReadonlyArray<readonly [string, Face]> = [
  ["the server", server],
  ["the fake", fake]
]
for (const [name, face] of faces) {
  describe(name, () => {
    const answers = (sentence: string, test: (get: Effect.Success<Face>) => Effect.Effect<void>) =>
      it.effect(sentence, () =>
        Effect.gen(function* () {
          yield* TestClock.setTime(noon)
          yield* test(yield* face)
        })
      )

    answers("gives a hundred rows a page from page 1 by default", (get) =>
      Effect.gen(function* () {
        const answer = yield* get("/users")
        const total = world.users(today).length
        assert.deepStrictEqual(JSON.parse(answer.body), {
          items: world.users(today).slice(0, 100),
          total,
          page: 1,
          size: 100,
          pages: Math.ceil(total / 100)
        })
        assert.strictEqual(answer.type, "application/json")
      })
    )

    answers("gives the page and size asked for, and no rows past the end", (get) =>
      Effect.gen(function* () {
        const third = JSON.parse((yield* get("/tracks?page=3&size=7")).body)
        assert.deepStrictEqual(third.items, world.tracks(today).slice(14, 21))
        const past = JSON.parse((yield* get("/listen_history?page=99&size=100")).body)
        assert.deepStrictEqual([past.items, past.total, past.page], [[], world.listenHistory(today).length, 99])
      })
    )

    answers("refuses a size of 101 and a page of 0 with 422 and the reasons", (get) =>
      Effect.gen(function* () {
        const both = yield* get("/users?page=0&size=101")
        assert.strictEqual(both.status, 422)
        assert.deepStrictEqual(JSON.parse(both.body).detail, [
          {
            type: "greater_than_equal",
            loc: ["query", "page"],
            msg: "Input should be greater than or equal to 1",
            input: "0",
            ctx: { ge: 1 }
          },
          {
            type: "less_than_equal",
            loc: ["query", "size"],
            msg: "Input should be less than or equal to 100",
            input: "101",
            ctx: { le: 100 }
          }
        ])
        const text = yield* get("/users?size=many")
        assert.deepStrictEqual([text.status, JSON.parse(text.body).detail[0].type], [422, "int_parsing"])
      })
    )

    answers("answers 404 elsewhere, redirects / to /docs, and describes itself", (get) =>
      Effect.gen(function* () {
        for (const path of ["/artists", "//", "//users"]) {
          const elsewhere = yield* get(path)
          assert.deepStrictEqual([elsewhere.status, elsewhere.body], [404, `{"detail":"Not Found"}`], path)
        }
        const root = yield* get("/")
        assert.deepStrictEqual([root.status, root.location], [307, "/docs"])
        assert.include((yield* get("/docs")).body, "/openapi.json")
        const described = JSON.parse((yield* get("/openapi.json")).body)
        assert.sameMembers(Object.keys(described.paths), [...Contract.routes])
      })
    )

    answers("shows the next day's world when the clock passes midnight UTC", (get) =>
      Effect.gen(function* () {
        const before = JSON.parse((yield* get("/listen_history?size=1")).body)
        yield* TestClock.adjust("1 day")
        const after = JSON.parse((yield* get("/listen_history?size=1")).body)
        assert.deepStrictEqual(before.items, world.listenHistory(today).slice(0, 1))
        assert.deepStrictEqual(after.items, world.listenHistory(today + 1).slice(0, 1))
      })
    )
  })
}

describe("the two faces", () => {
  it.effect("answer alike, whatever is asked", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(noon)
      const fromServer = yield* server
      const fromFake = yield* fake
      const paths = Contract.routes.flatMap((route) =>
        ["", "/", "?page=2&size=33", "?size=0", "?page=-1", "?page=x", "?page=1&page=2", "?size=1e2", "?other=1"].map(
          (query) => route + query
        )
      )
      for (const path of [...paths, "/", "/docs", "/openapi.json", "/nothing"]) {
        assert.deepStrictEqual(yield* fromFake(path), yield* fromServer(path), path)
      }
    })
  )

  it("redirect / to /docs and a trailing slash to the route, and refuse other methods", () => {
    const respond = (method: string, url: string) => Contract.respond(world, today, { method, url })
    assert.strictEqual(respond("GET", "/").headers["location"], "/docs")
    assert.strictEqual(respond("GET", "/users/?page=2").headers["location"], "/users?page=2")
    assert.deepStrictEqual([respond("POST", "/users").status, respond("POST", "/users").headers["allow"]], [405, "GET"])
  })
})

describe("a server on a port in use", () => {
  it.effect("says which port, and what to do", () =>
    Effect.gen(function* () {
      const first = yield* SourceServer.start({ world, port: 0 })
      const error = yield* Effect.flip(SourceServer.start({ world, port: Number(first.port) }))
      assert.strictEqual(
        error.message,
        `Port ${first.port} is in use on 127.0.0.1. Stop what listens there, or choose another with --port.`
      )
    })
  )

  it.effect("has its port back once the scope of the first is closed", () =>
    Effect.gen(function* () {
      const first = yield* Effect.scoped(SourceServer.start({ world, port: 0 }))
      const second = yield* SourceServer.start({ world, port: Number(first.port) })
      assert.strictEqual(second.href, first.href)
    })
  )
})
