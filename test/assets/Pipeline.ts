/**
 * The reference project on a throw-away database, reading a fake source under a clock that tests turn.
 *
 * One `onDatabase` is one database; each `materialize` in it is a run of its own, with the world and the faults it meets.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import definitions from "../../assets/index.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import { Faults } from "effect-assets/testing"
import * as Testing from "effect-assets/testing"
import * as Worlds from "./Worlds.ts"

/** 2026-03-01T12:00:00Z: when everything begins. */
export const noon = Date.UTC(2026, 2, 1, 12)
export const today = "2026-03-01"
export const millisPerDay = 86_400_000

export const project = Testing.pipeline(definitions)

export const { plan, quarantined, state, status } = project

/** Runs against a database of its own, from `noon` on. */
export const onDatabase = <A, E>(body: Effect.Effect<A, E, Layer.Success<typeof database>>) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(noon)
    return yield* body
  }).pipe(Effect.provide(database))

export interface Given extends Testing.Options {
  readonly world: Worlds.Still
  readonly select?: Testing.Selection
  readonly faults?: ReadonlyArray<Faults.Scripted | FakeSource.Turn>
  /** Settings of the client, by the names of their variables. */
  readonly env?: Readonly<Record<string, string>>
}

/** Plans and runs, by default everything that is not Current. While there are faults the clock goes on by itself. */
export const materialize = ({ world, faults = [], env = {}, select, ...options }: Given) => {
  const source = MusicApi.layer({ baseUrl: new URL("http://music.test") }).pipe(
    Layer.provide(FakeSource.layer({ world: Worlds.toWorld(world), faults })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...settings, ...env })))
  )
  const run = project.pipe(Testing.resources(source)).materialize(select, options)
  return faults.length === 0 ? run : goingOn(run)
}

/** Rows of a query, with numbers where the driver gives bigints. */
export const rows = <A extends object = Record<string, unknown>>(query: string, values: ReadonlyArray<unknown> = []) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const found = yield* sql.unsafe<A>(query, values)
    return found.map((row) => plain(row) as A)
  })

/** Everything that a reader of the database sees, by table. */
export const published = Effect.gen(function* () {
  const tables = ["users", "tracks", "listen_history", "features", "recommendations"]
  const found = yield* Effect.forEach(tables, (table) => rows(`select * from music.${table} t order by t::text`))
  return Object.fromEntries(tables.map((table, index) => [table, found[index]!]))
})

/** Metadata of the values that a run published, by slice. */
export const metadataOf = ({ events }: Testing.RunReport) =>
  Object.fromEntries(
    events
      .filter((event) => event._tag === "AssetMaterialized")
      .map(({ asset, metadata, partition }) => [partition === null ? asset : `${asset}/${partition}`, metadata])
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const database = Testing.layerPostgres(definitions)

/** The limits on requests would only make tests wait. */
const settings = { MUSIC_API_RATE: String(Number.MAX_SAFE_INTEGER), MUSIC_API_PAGE_SIZE: "20", MUSIC_API_RETRIES: "2" }

const goingOn = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1)))
      yield* TestClock.adjust("50 millis")
    }
    return yield* Fiber.join(fiber)
  })

const plain = (row: object) =>
  Object.fromEntries(Object.entries(row).map(([name, kept]) => [name, typeof kept === "bigint" ? Number(kept) : kept]))
