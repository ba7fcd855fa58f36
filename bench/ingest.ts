/**
 * How near the client of the source API, with everything it checks, comes to a loop that only fetches and parses the same
 * pages: read into nothing, and into a table's staging in Postgres.
 */
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Listing from "../assets/source/Listing.ts"
import * as MusicApi from "../assets/source/MusicApi.ts"
import * as Source from "../assets/source/Source.ts"
import { users } from "../assets/users.ts"
import type * as Asset from "../runtime/Asset.ts"
import * as SqlTables from "../runtime/SqlTables.ts"
import * as Bench from "./Bench.ts"
import * as Database from "./Database.ts"

const pages = 500
const pageSize = 100
const latency = 20
const concurrency = 8

export default () =>
  Effect.gen(function* () {
    const url = yield* source
    const settings = { MUSIC_API_URL: url, MUSIC_API_CONCURRENCY: concurrency, MUSIC_API_PAGE_SIZE: pageSize }
    const api = Source.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(settings))))
    const measured = yield* Bench.medians({
      nothing: Bench.millis(intoNothing),
      staging: Bench.millis(intoStaging),
      loop: Bench.millis(Effect.promise(() => fetchAll(url)))
    }).pipe(Effect.provide([api, Layer.provideMerge(SqlTables.layer, Database.layer)]))
    const line = (quantity: string, millis: number): Bench.Line => ({
      bench: "ingest",
      quantity,
      value: Bench.rounded(measured.loop / millis),
      unit: "share",
      better: "higher",
      target: 0.8,
      baseline: { name: "pages/s of a loop that fetches and parses", value: perSecond(measured.loop) },
      note: `${perSecond(millis)} pages/s`
    })
    return [line("into nothing", measured.nothing), line("into a staging table", measured.staging)]
  }).pipe(Effect.scoped)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const perSecond = (millis: number) => Bench.rounded((1000 * pages) / millis)

/** The URL of a source in a process of its own. */
const source = Effect.acquireRelease(
  Effect.sync(() =>
    ChildProcess.fork(Path.join(import.meta.dirname, "PageServer.ts"), [pages, pageSize, latency].map(String))
  ),
  (child) => Effect.sync(() => child.kill("SIGKILL"))
).pipe(
  Effect.flatMap((child) => Effect.promise(() => new Promise((resolve) => child.once("message", resolve)))),
  Effect.map((port) => `http://127.0.0.1:${port}`)
)

const intoNothing = Effect.flatMap(MusicApi.MusicApi, (api) => Stream.runDrain(api.users))

/** Everything that the asset's step does before its checks, the digest included. */
const intoStaging = Effect.gen(function* () {
  const api = yield* MusicApi.MusicApi
  const store = yield* users.io.store({ key: users.key, partitioned: false })
  const rows = Listing.into(step, api.users, Listing.mergedInto("music.users")).pipe(
    Stream.provideContext(yield* Effect.context<SqlClient.SqlClient>())
  )
  yield* store.stage({ asset: users.key, partition: null, runId: step.runId }, rows)
}).pipe(Effect.scoped)

const step: Asset.Step<undefined> = {
  asset: users.key,
  partition: null,
  keys: {},
  runId: "bench",
  codeVersion: "1",
  attempt: 1,
  now: 0,
  annotate: () => Effect.void,
  progress: () => Effect.void,
  seen: () => Effect.void,
  reject: () => Effect.void,
  nothingNew: Effect.never,
  startOver: Effect.void
}

const fetchAll = async (url: string) => {
  let page = 0
  const worker = async () => {
    while (page < pages) await (await fetch(`${url}/users?page=${++page}&size=${pageSize}`)).json()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}
