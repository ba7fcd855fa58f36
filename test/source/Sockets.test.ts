import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Contract from "../../assets/source/Contract.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import { collect, idsOf, today, userIds, world } from "./Reading.ts"

type Handler = (call: number, url: string, response: Http.ServerResponse) => void

const serving = (handle: Handler) =>
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      let calls = 0
      const server = Http.createServer((request, response) => handle(++calls, request.url ?? "/", response))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`)))

const readUsers = (baseUrl: URL, env: Readonly<Record<string, string>>) =>
  Effect.flatMap(MusicApi.MusicApi, (api) => collect(api.users)).pipe(
    Effect.provide(
      MusicApi.layer({ baseUrl }).pipe(
        Layer.provide(FetchHttpClient.layer),
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))
      )
    )
  )

const answer = (url: string) => Contract.respond(world, today, { method: "GET", url: url.replace("/base", "") })

describe("over real sockets", () => {
  it.live("a reset, a broken body, a silent server and a bad gateway are overcome", () =>
    Effect.gen(function* () {
      const baseUrl = yield* serving((call, url, response) => {
        const { status, headers, body } = answer(url)
        const length = { "content-length": Buffer.byteLength(body) }
        if (call === 1) return void response.socket?.resetAndDestroy()
        if (call === 2) {
          response.writeHead(status, { ...headers, ...length }).write(body.slice(0, 100))
          return void setImmediate(() => response.socket?.destroy())
        }
        if (call === 3) return
        if (call === 4) return void response.writeHead(502, { "content-type": "text/html" }).end("<h1>502</h1>")
        response.writeHead(status, { ...headers, ...length }).end(body)
      })
      const { rows } = yield* readUsers(baseUrl, { MUSIC_API_TIMEOUT: "300 millis" })
      assert.deepStrictEqual(idsOf(rows), userIds(world))
    })
  )

  it.live("a port where nobody listens is an error that says so", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(serving(() => {}))
      const error = yield* Effect.flip(readUsers(gone, { MUSIC_API_RETRIES: "1" }))
      assert.instanceOf(error, MusicApi.MusicApiError)
      assert.match(
        error.message,
        /^http:\/\/127\.0\.0\.1:\d+\/base\/users\?page=1&size=100 \(2 attempts\): the API cannot be reached \(connect ECONNREFUSED/
      )
    })
  )

  it.live("interruption ends the requests in flight", () =>
    Effect.gen(function* () {
      let arrived = () => {}
      let closed = () => {}
      const waiting = new Promise<void>((resolve) => (arrived = resolve))
      const ended = new Promise<void>((resolve) => (closed = resolve))
      const baseUrl = yield* serving((_, __, response) => {
        response.on("close", closed)
        arrived()
      })
      yield* Effect.raceFirst(
        readUsers(baseUrl, {}),
        Effect.promise(() => waiting)
      )
      yield* Effect.promise(() => ended)
    })
  )
})
