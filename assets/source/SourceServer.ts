/**
 * The source API as an HTTP server over a world, answering as `Contract` says.
 *
 * "Today" is taken from the Clock for each request. Nothing is stored, nothing is written.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { CannotListen } from "./CannotListen.ts"
import * as Contract from "./Contract.ts"
import type { World } from "./World.ts"
import { dayOf } from "./World.ts"

export interface Options {
  readonly world: World
  /** 0 takes any free port. */
  readonly port: number
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string
}

/** Listens until the scope closes; gives the base URL. Open connections are cut then. */
export const start = Effect.fn("SourceServer.start")(function* ({ world, port, host = "127.0.0.1" }: Options) {
  const clock = yield* Clock.Clock
  const server = Http.createServer((request, response) => {
    const day = dayOf(clock.currentTimeMillisUnsafe())
    const answer = Contract.respond(world, day, { method: request.method ?? "GET", url: request.url ?? "/" })
    response.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(answer.body) })
    response.end(answer.body)
  })
  yield* Effect.acquireRelease(listen(server, host, port), () => close(server))
  const address = server.address() as AddressInfo
  return new URL(`http://${host}:${address.port}`)
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const listen = (server: Http.Server, host: string, port: number) =>
  Effect.callback<void, CannotListen>((resume) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      resume(Effect.fail(new CannotListen({ host, port, code: cause.code ?? "unknown" })))
    )
    server.listen(port, host, () => resume(Effect.void))
  })

const close = (server: Http.Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })
