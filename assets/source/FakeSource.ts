/**
 * The source API without a socket: an `HttpClient` that answers as the server does, with scripted faults on chosen calls.
 *
 * `runtime/Faults` knows what networks do; here stands what this service does: rows that move, other worlds, odd rows.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { Faults } from "../../runtime/Testing.ts"
import * as Contract from "./Contract.ts"
import type { WireListens, WireTrack, WireUser } from "./Wire.ts"
import type { Rows, World } from "./World.ts"
import { dayOf } from "./World.ts"

/** From the call that matches on, the service shows what `change` makes of its world. */
export interface Turn {
  readonly when: Faults.When
  readonly change: (world: World) => World
}

/** The world changes just before this call is answered, and stays so. */
export const turn = (when: Faults.When, change: (world: World) => World): Turn => ({ when, change })

/** Answers requests to any host from the world. The calls made are in `Faults.Calls`. */
export const layer = (options: {
  readonly world: World
  readonly faults?: ReadonlyArray<Faults.Scripted | Turn>
}): Layer.Layer<HttpClient.HttpClient | Faults.Calls> =>
  Layer.unwrap(
    Effect.sync(() => {
      let world = options.world
      const script = (options.faults ?? []).map((line) =>
        "fault" in line
          ? line
          : Faults.on(
              line.when,
              Faults.Fault.Meanwhile({ happens: Effect.sync(() => void (world = line.change(world))) })
            )
      )
      return Layer.provide(
        Faults.layer(script),
        Layer.succeed(
          HttpClient.HttpClient,
          serve(() => world)
        )
      )
    })
  )

/** In every listing a row joins at the front, so that all others move on by one and the total grows. */
export const grown = (world: World): World =>
  mapRows(world, {
    users: (rows) => [{ ...rows[0]!, id: 1 + maximum(rows.map(({ id }) => id)) }, ...rows],
    tracks: (rows) => [{ ...rows[0]!, id: 1 + maximum(rows.map(({ id }) => id)) }, ...rows],
    listens: (rows) => [{ ...rows[0]!, user_id: 1 + maximum(rows.map(({ user_id }) => user_id ?? 0)) }, ...rows]
  })

/** In every listing the first row leaves and one joins at the end: all others move up by one and the total stays. */
export const shifted = (world: World): World =>
  mapRows(grown(world), {
    users: ([joined, , ...rows]) => [...rows, joined!],
    tracks: ([joined, , ...rows]) => [...rows, joined!],
    listens: ([joined, , ...rows]) => [...rows, joined!]
  })

/** The service came up again with as many rows as before, all under new ids. */
export const restarted = (world: World): World => {
  const renewed = (id: number) => id + 1_000_000
  return mapRows(world, {
    users: (rows) => rows.map((row) => ({ ...row, id: renewed(row.id) })),
    tracks: (rows) => rows.map((row) => ({ ...row, id: renewed(row.id) })),
    listens: (rows) =>
      rows.map((row) => ({
        ...row,
        user_id: row.user_id === null ? null : renewed(row.user_id),
        items: row.items?.map(renewed) ?? null
      }))
  })
}

/** Changes the items of a page: those at these places of it, or all. */
export const items = (
  change: (item: Record<string, unknown>) => unknown,
  places?: ReadonlyArray<number>
): Faults.Fault =>
  Faults.Fault.Json({
    change: (body) => {
      const page = body as { readonly items: ReadonlyArray<Record<string, unknown>> }
      const touches = (place: number) => places === undefined || places.includes(place)
      return { ...page, items: page.items.map((item, place) => (touches(place) ? change(item) : item)) }
    }
  })

/** Fields that nobody declared, on the rows and on the page. */
export const unknownFields: Faults.Fault = Faults.Fault.Json({
  change: (body) => ({
    ...(body as object),
    links: { self: "/" },
    items: (body as { readonly items: ReadonlyArray<object> }).items.map((item) => ({ ...item, mood: "new" }))
  })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const serve = (world: () => World): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const { status, headers, body } = Contract.respond(world(), dayOf(now), { method: request.method, url: url.href })
      return HttpClientResponse.fromWeb(request, new Response(body === "" ? null : body, { status, headers }))
    })
  )

interface Changes {
  readonly users: (rows: ReadonlyArray<WireUser>) => ReadonlyArray<WireUser>
  readonly tracks: (rows: ReadonlyArray<WireTrack>) => ReadonlyArray<WireTrack>
  readonly listens: (rows: ReadonlyArray<WireListens>) => ReadonlyArray<WireListens>
}

const mapRows = (world: World, changes: Changes): World => ({
  ...world,
  users: (day) => changes.users(all(world.users(day))),
  tracks: (day) => changes.tracks(all(world.tracks(day))),
  listenHistory: (day) => changes.listens(all(world.listenHistory(day)))
})

const all = <A>(rows: Rows<A>): ReadonlyArray<A> => rows.slice(0, rows.length)

const maximum = (ids: ReadonlyArray<number>): number => ids.reduce((left, right) => Math.max(left, right), 0)
