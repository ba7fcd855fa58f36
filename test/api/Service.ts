/**
 * The service over HTTP on a throw-away database, after one run of the project: 30 users and as many tracks, of which
 * user n plays n to n + 4, round the catalogue. Users above 30 have no lists.
 */
import { once } from "node:events"
import * as Http from "node:http"
import { text } from "node:stream/consumers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Server from "../../assets/api/Server.ts"
import definitions from "../../assets/index.ts"
import { modelChampion } from "../../assets/model_champion.ts"
import * as Algorithms from "../../assets/recommender/Algorithms.ts"
import * as Manifest from "../../assets/recommender/Manifest.ts"
import * as StoredListens from "../../assets/recommender/StoredListens.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import * as Testing from "effect-assets/testing"
import * as Pipeline from "../assets/Pipeline.ts"
import * as Worlds from "../assets/Worlds.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly type: string | null
  readonly body: any
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown
}

export class Service extends Context.Service<Service, (path: string, asked?: Asked) => Effect.Effect<Answer>>()(
  "test/Service"
) {}

export const world = [31, 32, 33].reduce((world, id) => Worlds.withUser(world, Worlds.user(id)), Worlds.ring(30))

/** The project with a model that was not judged, which 30 users are too few for: item-knn, fitted to what there is. */
const project = Testing.pipeline(definitions).pipe(
  Testing.override(modelChampion, (step) =>
    Effect.gen(function* () {
      const [candidate] = Tuning.itemKnn
      const fitted = yield* Effect.orDie(candidate!.fit(yield* StoredListens.features(candidate!.recency)))
      const manifest = Manifest.make(candidate!, yield* StoredListens.listens, "none", [], {
        model: fitted,
        dataVersions: {},
        codeVersion: step.codeVersion
      })
      return { bytes: Algorithms.encode(candidate!.algorithm, fitted), manifest }
    })
  )
)

/** Runs everything that is not Current. */
export const materialize = (world: Worlds.Still) => {
  const api = MusicApi.layer({ baseUrl: new URL("http://music.test") })
  const source = Layer.provide(api, FakeSource.layer({ world: Worlds.toWorld(world), faults: [] }))
  return project.pipe(Testing.resources(source)).materialize()
}

export const database = Testing.layerPostgres(definitions)

/** With requests without end and, until a key is made, for everybody; without experiments, unless there are some. */
export const start = (options: Partial<Server.Options> = {}) =>
  Effect.map(
    Server.start({ host: "127.0.0.1", port: 0, open: true, perSecond: 1e6, definitions, experiments: [], ...options }),
    (url) => asking(url)
  )

/** The service before anything was materialized. */
export const empty = Layer.effect(Service, start()).pipe(Layer.provideMerge(database))

/** The service after one run. */
export const filled = Layer.effect(
  Service,
  Effect.gen(function* () {
    yield* TestClock.setTime(Pipeline.noon)
    yield* materialize(world)
    return yield* start()
  })
).pipe(Layer.provideMerge(database))

/** The service after one run in which no model was found to be better than popularity. */
export const unproven = Layer.effect(
  Service,
  Effect.gen(function* () {
    yield* TestClock.setTime(Pipeline.noon)
    yield* Pipeline.materialize({ world })
    return yield* start()
  })
).pipe(Layer.provideMerge(database))

export const ask = (path: string, asked?: Asked) => Effect.flatMap(Service, (service) => service(path, asked))

export const post = (path: string, body: unknown, headers: Asked["headers"] = {}) =>
  ask(path, { method: "POST", body, headers })

/** The ids of an answer's items, in its order. */
export const tracksOf = ({ body }: Answer): ReadonlyArray<number> =>
  body.items.map(({ track_id }: { readonly track_id: number }) => track_id)

/** Asks until it is so; a test that waits in vain runs into its timeout. */
export const until = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isSo, (so) => (so ? Effect.void : until(isSo)))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** By Node's own client, as `fetch` does not let a request name another host. */
const asking =
  (base: URL) =>
  (path: string, { body, headers, method = "GET" }: Asked = {}) =>
    Effect.promise(async (): Promise<Answer> => {
      const request = Http.request(new URL(path, base), {
        method,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }
      })
      request.end(typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body))
      const [response] = (await once(request, "response")) as [Http.IncomingMessage]
      const received = await text(response)
      const told = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]))
      const type = told.get("content-type")
      return {
        status: response.statusCode!,
        headers: told,
        type,
        body: type?.includes("json") ? JSON.parse(received) : received
      }
    })
