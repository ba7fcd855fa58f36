/**
 * The reference project with a database, a folder and an environment of its own, as commands find it.
 *
 * The database is a throw-away one with every table in place; `Folder` has the embedded server of a folder instead.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as SqlFailure from "../../runtime/SqlFailure.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Command from "./Command.ts"

export interface Project {
  readonly environment: Command.Environment
  /** Runs a command to its end. */
  readonly run: (args: ReadonlyArray<string>, environment?: Command.Environment) => Effect.Effect<Command.Ended>
  readonly start: (
    args: ReadonlyArray<string>,
    environment?: Command.Environment
  ) => Effect.Effect<Command.Running, never, Scope.Scope>
  /** Asks the database, beside every command. */
  readonly query: (statement: string) => Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>>
  readonly database: PgConnection.Config
}

export const migrations = new URL("../../sql/music/migrations/", import.meta.url)

/** On a throw-away database, reading the API at `url`. */
export const make = Effect.fn("Project.make")(function* (url: string) {
  const database = yield* TestDatabase.make({ migrations })
  const connection = yield* PgConnection.make(database)
  const environment = {
    ASSETS_HOME: yield* emptyFolder,
    DATABASE_URL: TestDatabase.toUrl(database),
    ...patientWith(url)
  }
  const project: Project = {
    environment,
    run: (args, more = {}) => Command.run(args, { ...environment, ...more }),
    start: (args, more = {}) => Command.start(args, { ...environment, ...more }),
    query: (statement) =>
      connection.query(statement, [], false).pipe(
        Effect.map(({ rows }) => rows),
        Effect.mapError((error) => new Error(`${SqlFailure.words(error)} in ${statement}`)),
        Effect.orDie
      ),
    database
  }
  return project
}, Effect.orDie)

/** The API at `url`, and little patience when it fails. */
export const patientWith = (url: string): Command.Environment => ({ MUSIC_API_URL: url, MUSIC_API_RETRIES: "1" })

/** A table to keep others from, and itself waited for, in a transaction of its own. */
export const locked = Effect.fn("Project.locked")(function* (project: Project, table: string) {
  const connection = yield* Effect.orDie(PgConnection.make(project.database))
  const query = (statement: string) => Effect.orDie(connection.query(statement))
  yield* query("begin")
  yield* query(`lock table ${table} in access exclusive mode`)
  return {
    /** Ends once a command's query waits for the table. */
    reached: until(project, `select from pg_locks where relation = '${table}'::regclass and not granted`),
    release: Effect.asVoid(query("rollback"))
  }
})

/** Waits until the query finds something. */
export const until = (project: Project, statement: string) =>
  project
    .query(statement)
    .pipe(
      Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("5 millis") }),
      Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(`never true: ${statement}`) }),
      Effect.asVoid
    )

/** The published tables without their bookkeeping, one digest each. */
export const published = Effect.fn("Project.published")(function* (project: Project) {
  const [row] = yield* project.query(publishedTables)
  return row!
})

/** Tables of runs that have not ended, or were not cleared away. */
export const staging = (project: Project) =>
  Effect.map(project.query("select tablename from pg_tables where schemaname = 'assets_staging'"), (rows) =>
    rows.map((row) => row["tablename"])
  )

/** Sessions of commands, and what they are at. */
export const sessions = `select query from pg_stat_activity
  where datname = current_database() and application_name = 'assets'`

/** How often each slice was published, by name. */
export const publications = Effect.fn("Project.publications")(function* (project: Project) {
  const rows = yield* project.query(`select asset, count(*)::integer as times from assets.event_log
    where tag = 'AssetMaterialized' group by asset, partition`)
  return Object.fromEntries(rows.map((row) => [String(row["asset"]), row["times"]]))
})

export const once = {
  users: 1,
  tracks: 1,
  listen_history: 1,
  features: 1,
  model: 1,
  model_champion: 1,
  recommendations: 1
}

/** An empty folder, removed with all it holds. */
export const emptyFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-process-")))
    // The server of root is not root and has to enter.
    Fs.chmodSync(folder, 0o755)
    return folder
  }),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const digest = (table: string, columns: string, key: string) =>
  `(select md5(coalesce(string_agg(r::text, chr(10) order by ${key}), '')) from (select ${columns} from music.${table}) r)`

const publishedTables = `select
  ${digest("users", "id, first_name, last_name, email, gender, favorite_genres, created_at, updated_at, removed_at is null", "id")} as users,
  ${digest("tracks", "id, name, artist, songwriters, duration, genres, album, created_at, updated_at, removed_at is null", "id")} as tracks,
  ${digest("listen_history", "*", "day, user_id, position")} as listen_history,
  ${digest("features", "*", "user_id, track_id")} as features,
  ${digest("recommendations", "*", "user_id")} as recommendations,
  (select json_object_agg(asset || '/' || partition, data_version order by asset) from assets.asset_state)::text as versions`
