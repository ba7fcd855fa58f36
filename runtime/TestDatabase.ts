/**
 * Throw-away PostgreSQL databases: each a copy of a template that was migrated once, so that tests in parallel share a
 * server and nothing else.
 *
 * The server is the one of `TEST_DATABASE_URL`, whose user must be allowed to create databases, or an embedded one under
 * the system's folder for temporary files. What tests do in a database is theirs.
 */
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
import * as Migrations from "./Migrations.ts"
import * as Sql from "./Sql.ts"

/** Selects a server for tests; without it an embedded one is used. */
export const url = Config.option(Config.Redacted("TEST_DATABASE_URL"))

/** What a project brings along: a folder of SQL files, see `Migrations`. */
export interface Project {
  readonly migrations?: URL | undefined
}

/** A database with the runtime's tables and the project's, dropped when the scope closes. */
export const make = Effect.fn("TestDatabase.make")(function* (project: Project = {}) {
  const server = yield* connect
  const template = yield* Effect.scoped(prepare(server, project))
  const name = `${template}_${Date.now().toString(36)}${Crypto.randomBytes(4).toString("hex")}`
  const administer = (statement: string) =>
    Effect.scoped(Effect.flatMap(PgConnection.make(server), (session) => session.query(statement)))
  yield* Effect.acquireRelease(administer(`create database ${name} template ${template}`), () =>
    Effect.ignore(administer(`drop database if exists ${name} with (force)`))
  )
  // Connecting is timed by the Clock, which tests turn.
  const config: PgConnection.Config = { ...server, database: name, connectTimeout: Duration.infinity }
  return config
})

/** `Sql` and the clients on a database of `make`. */
export const layer = (project: Project = {}) =>
  Layer.unwrap(Effect.map(make(project), (config) => Sql.fromConfig(config, "a throw-away database")))

/** What `DATABASE_URL` must be for a process to use a database of `make`. */
export const toUrl = (database: PgConnection.Config): string => {
  const url = new URL(database.url === undefined ? "postgres://localhost" : Redacted.value(database.url))
  url.pathname = `/${database.database}`
  if (database.username !== undefined) url.username = database.username
  if (database.host !== undefined) url.searchParams.set("host", database.host)
  if (database.port !== undefined) url.searchParams.set("port", String(database.port))
  return url.href
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const connect = Effect.gen(function* () {
  const selected = yield* url
  if (Option.isSome(selected)) {
    const server: PgConnection.Config = { url: selected.value }
    return server
  }
  const folder = Path.join(Os.tmpdir(), `effect-assets-tests-${Os.userInfo().uid}`)
  const server: PgConnection.Config = yield* EmbeddedPostgres.connect({ folder, settings, idle: "1 minute" })
  return server
})

/** Nothing here has to survive a crash. */
const settings = { fsync: "off", full_page_writes: "off", max_connections: "400" }

// Any number that no other advisory lock of a server for tests has.
const templates = 7210

/** Answers with the name of the template, which only the first of all tests has to make. */
const prepare = Effect.fnUntraced(function* (server: PgConnection.Config, project: Project) {
  const session = yield* PgConnection.make(server)
  yield* session.query("select pg_advisory_lock($1::bigint)", [templates])
  const template = `assets_test_${digestOf(project)}`
  const { rows } = yield* session.query("select datname from pg_database where starts_with(datname, 'assets_test_')")
  const names = rows.map((row) => String(row["datname"]))
  for (const name of names.filter(isForgotten)) yield* session.query(`drop database if exists ${name}`)
  if (names.includes(template)) return template

  // Under another name until it is complete, since this process may be killed.
  const draft = `${template}_draft`
  yield* session.query(`drop database if exists ${draft} with (force)`)
  yield* session.query(`create database ${draft} template template0`)
  yield* Effect.scoped(migrate({ ...server, database: draft }, project))
  yield* session.query(`alter database ${draft} rename to ${template}`)
  return template
})

const migrate = Effect.fnUntraced(function* (database: PgConnection.Config, { migrations }: Project) {
  const sql = yield* PgClient.make({ ...database, maxConnections: 1 }).pipe(Effect.provide(Reactivity.layer))
  const all = Effect.andThen(
    Migrations.runtime,
    migrations === undefined ? Effect.void : Migrations.project(migrations)
  )
  yield* Effect.provideService(all, SqlClient.SqlClient, sql)
})

const dayMillis = 86_400_000

/** The database of a test whose process was killed. */
const isForgotten = (name: string): boolean => {
  const [, millis] = /^assets_test_[0-9a-f]{16}_([0-9a-z]{8})[0-9a-f]{8}$/.exec(name) ?? []
  return millis !== undefined && Number.parseInt(millis, 36) < Date.now() - dayMillis
}

const digestOf = ({ migrations }: Project): string => {
  const hash = Crypto.createHash("sha256")
  for (const folder of [Migrations.runtimeFolder, migrations]) {
    if (folder === undefined) continue
    for (const file of Fs.readdirSync(folder).sort()) {
      hash
        .update(`${folder === migrations ? "project" : "runtime"} ${file}\n`)
        .update(Fs.readFileSync(new URL(file, folder)))
    }
  }
  return hash.digest("hex").slice(0, 16)
}
