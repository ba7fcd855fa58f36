/**
 * A source API in the test's process: real HTTP over a world that stands still, whose answers can be held back and which
 * can die.
 */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"
import * as Contract from "../../assets/source/Contract.ts"
import * as Worlds from "../assets/Worlds.ts"

export interface Source {
  /** The value for `MUSIC_API_URL`. */
  readonly url: string
  /** Keeps back the answers of a route from its page `page` on; what is held can be awaited and released. */
  readonly hold: (route: Contract.Route, page: number) => Held
  /** Cuts every connection and refuses new ones. */
  readonly die: Effect.Effect<void>
}

export interface Held {
  /** Ends once a request is being held. */
  readonly reached: Effect.Effect<void>
  /** Lets go of what is held, and of what would be. */
  readonly release: Effect.Effect<void>
}

/** Several pages of users, one of tracks. */
export const world = Worlds.sample({ users: 300, tracks: 80 })

/** Listens on a free loopback port until the scope closes. */
export const make = Effect.fn("Source.make")(function* (shown: Worlds.Still = world) {
  const holds = new Set<Hold>()
  const today = Worlds.toWorld(shown)
  const answer = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
    const url = request.url ?? "/"
    await Promise.all(Array.from(holds, (hold) => hold.pass(url)))
    const { body, headers, status } = Contract.respond(today, 0, { method: request.method ?? "GET", url })
    response.writeHead(status, headers).end(body)
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => void answer(request, response))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => close(server))
  )
  const source: Source = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: (route, page) => {
      const hold = new Hold(route, page)
      holds.add(hold)
      return {
        reached: Effect.promise(() => hold.reached.promise),
        release: Effect.sync(() => {
          holds.delete(hold)
          hold.released.resolve()
        })
      }
    },
    die: Effect.sync(() => close(server))
  }
  return source
})

/** A URL where nobody listens. */
export const nowhere = Effect.map(Effect.scoped(make()), ({ url }) => url)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

class Hold {
  readonly reached = Promise.withResolvers<void>()
  readonly released = Promise.withResolvers<void>()
  private readonly route: Contract.Route
  private readonly page: number

  constructor(route: Contract.Route, page: number) {
    this.route = route
    this.page = page
  }

  pass(url: string): Promise<void> | void {
    const { pathname, searchParams } = new URL(url, "http://source")
    if (pathname !== this.route || Number(searchParams.get("page") ?? 1) < this.page) return
    this.reached.resolve()
    return this.released.promise
  }
}

const close = (server: Http.Server) => {
  server.close()
  server.closeAllConnections()
}
