/**
 * The first route of the service next to a bare handler of the same server stack that reads the same rows: requests a
 * second and the 99th percentile, asked over 16 connections by a client in a process of its own.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ChildProcess from "node:child_process"
import * as Http from "node:http"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as SqlClient from "effect/sql/SqlClient"
import * as Server from "../assets/api/Server.ts"
import { running } from "../assets/experiments/Running.ts"
import definitions from "../assets/index.ts"
import * as Blob from "../runtime/Blob.ts"
import * as Migrations from "../runtime/Migrations.ts"
import * as SqlEventLog from "../runtime/SqlEventLog.ts"
import * as SqlTables from "../runtime/SqlTables.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"
import type { Answered, Load } from "./LoadClient.ts"

const users = 10_000
const connections = 16
const seconds = 1.5

export default () =>
  Effect.gen(function* () {
    yield* Migrations.project(new URL("../sql/music/migrations/", import.meta.url))
    yield* fill
    const service = yield* Server.start({
      host,
      port: 0,
      open: true,
      perSecond: Number.MAX_SAFE_INTEGER,
      definitions,
      experiments: running
    })
    const bare = yield* startBare
    const ask = yield* client
    const at = (url: URL) => ask({ url: `${url.origin}/recommendations/{user}?size=10`, users, connections, seconds })
    const measured = yield* Bench.medians({
      bare: Effect.map(at(bare), ({ perSecond }) => perSecond),
      service: Effect.map(at(service), ({ perSecond }) => perSecond),
      bareP99: Effect.map(at(bare), ({ p99 }) => p99),
      serviceP99: Effect.map(at(service), ({ p99 }) => p99)
    })
    const throughput: Bench.Line = {
      bench: "serve",
      quantity: "requests a second",
      value: Bench.rounded(measured.service / measured.bare),
      unit: "share",
      better: "higher",
      target: 0.5,
      baseline: { name: "requests/s of a bare handler that reads the same rows", value: Bench.rounded(measured.bare) },
      note: `${Bench.rounded(measured.service)} requests/s`
    }
    const latency: Bench.Line = {
      bench: "serve",
      quantity: "99th percentile",
      value: Bench.rounded(measured.serviceP99 / measured.bareP99),
      unit: "times",
      better: "lower",
      target: 3,
      baseline: { name: "ms of the bare handler", value: Bench.rounded(measured.bareP99) },
      note: `${Bench.rounded(measured.serviceP99)} ms`
    }
    return [throughput, latency]
  }).pipe(Effect.scoped, Effect.provide(environment))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const host = "127.0.0.1"

const environment = Layer.mergeAll(SqlEventLog.layer, SqlTables.layer, Blob.layerMemory).pipe(
  Layer.provideMerge(Database.layer)
)

/** Users with 15 recommendations each, one of a thousand of whom told of a listen since. */
const fill = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const statements = [
    `insert into music.users (id, first_name, last_name, email, gender, favorite_genres, created_at, updated_at, run_id)
      select n, 'a', 'b', 'c', 'd', 'e', now(), now(), 'bench' from generate_series(1, ${users}) n`,
    `insert into music.tracks (id, name, artist, songwriters, duration, genres, album, created_at, updated_at, run_id)
      select n, 'a', 'b', 'c', 'd', 'e', 'f', now(), now(), 'bench' from generate_series(1, 2000) n`,
    `insert into music.recommendations (user_id, items, model_version, basis)
      select u, json_agg(json_build_array(1 + (u * 31 + rank * 17) % 2000, 1.0 / rank, 1 + u % 2000) order by rank),
        'bench', 'bench'
      from generate_series(1, ${users}) u, generate_series(1, 15) rank group by u`,
    `insert into music.posted_listen (user_id, track_id, listened_at)
      select u, 1 + (u * 31 + 17) % 2000, now() from generate_series(1, ${users}, 1000) u`,
    `insert into assets.asset_state
      (asset, partition, code_version, data_version, provenance, changed_position, verified_position, materialized_at, verified_at, metadata, run_id)
      select asset, '', '1', 'bench', '{}', 1, 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '{}', 'bench'
      from unnest(array['recommendations', 'tracks']) asset`,
    "analyze"
  ]
  for (const statement of statements) yield* sql.unsafe(statement)
})

const startBare = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const route = HttpRouter.add(
    "GET",
    "/recommendations/:user",
    Effect.gen(function* () {
      const { user } = yield* HttpRouter.params
      const rows = yield* sql`select items, model_version from music.recommendations where user_id = ${BigInt(user!)}`
      return HttpServerResponse.jsonUnsafe(rows)
    })
  )
  const server = yield* NodeHttpServer.make(Http.createServer, { host, port: 0 })
  const app = yield* HttpRouter.toHttpEffect(route)
  yield* Effect.provideService(HttpServer.serveEffect(app), HttpServer.HttpServer, server)
  return new URL(HttpServer.formatAddress(server.address))
})

const client = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => ChildProcess.fork(Path.join(import.meta.dirname, "LoadClient.ts"))),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ),
  (child) => (load: Load) =>
    Effect.promise(
      () =>
        new Promise<Answered>((resolve, reject) => {
          const lost = () => reject(new Error("the client ended"))
          child.once("exit", lost).once("message", (answered: Answered) => {
            child.off("exit", lost)
            resolve(answered)
          })
          child.send(load)
        })
    )
)
