/**
 * The database of a project: which one it is, how it is reached, and that its schema is up to date.
 *
 * Three ways in, because they do not mix: a plain pool whose queries can be interrupted, for values; a multiplexed pool,
 * whose queries are pipelined and cannot, for what the runtime records; and sessions of one's own, for locks that live as
 * long as their holder.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
import * as Migrations from "./Migrations.ts"
import * as SqlFailure from "./SqlFailure.ts"

export class Sql extends Context.Service<
  Sql,
  {
    /** Multiplexed: many small statements share its connections; an interrupt does not reach the server. */
    readonly log: SqlClient.SqlClient
    /** A session that ends with the scope, and with it every advisory lock it holds. */
    readonly session: Effect.Effect<PgConnection.PgConnection, SqlError, Scope.Scope>
    /** Where the database is, for people; never a password. */
    readonly location: string
  }
>()("assets/Sql") {}

/** The database could not be reached. */
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>()("DatabaseUnavailable", {
  location: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `Cannot reach ${this.location}: ${this.detail}. Run \`assets doctor\` to see what is configured.`
  }
}

/** `DATABASE_URL` is not the address of a PostgreSQL server; nothing was asked of one. */
export class DatabaseUrlInvalid extends Schema.TaggedError<DatabaseUrlInvalid>()("DatabaseUrlInvalid", {
  detail: Schema.String
}) {
  override get message() {
    return `DATABASE_URL ${this.detail}; it should read postgres://user:password@host:port/database`
  }
}

/** Selects a PostgreSQL server; without it the embedded one in `ASSETS_HOME` is used. */
export const databaseUrl = Config.option(Config.Redacted("DATABASE_URL"))

/** The project's own folder for data that is not source. */
export const home = Config.String("ASSETS_HOME").pipe(Config.withDefault(".assets"))

/** The configured database, migrated. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const url = yield* databaseUrl
    if (Option.isSome(url)) return fromConfig({ url: url.value }, yield* withoutPassword(url.value))
    const folder = yield* home
    return Layer.unwrap(
      Effect.map(EmbeddedPostgres.connect({ folder }), (server) =>
        fromConfig(server, `the embedded PostgreSQL in ${folder}`)
      )
    )
  })
)

/** The database that `config` reaches, migrated. */
export const fromConfig = (config: PgConnection.Config, location: string) =>
  Layer.effectContext(
    Effect.gen(function* () {
      // The catalog's query looks dear enough to the planner to be compiled, which takes longer than to answer it.
      const startupParameters = { timezone: "UTC", jit: "off" }
      const shared = { ...config, applicationName: "assets", startupParameters }
      const values = yield* PgClient.make({ ...shared, maxConnections: 10, minConnections: 0 })
      const log = yield* PgClient.make({ ...shared, maxConnections: 4, minConnections: 0, multiplex: true })
      yield* Migrations.runtime.pipe(Effect.provideService(SqlClient.SqlClient, values))
      return Context.make(Sql, { log, session: PgConnection.make(shared), location }).pipe(
        Context.add(SqlClient.SqlClient, values),
        Context.add(PgClient.PgClient, values)
      )
    }).pipe(
      Effect.catchTag("SqlError", (error) =>
        Effect.fail(new DatabaseUnavailable({ location, detail: SqlFailure.words(error) }))
      )
    )
  ).pipe(Layer.provide(Reactivity.layer))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Where the URL leads, for people. */
const withoutPassword = (secret: Redacted.Redacted): Effect.Effect<string, DatabaseUrlInvalid> => {
  const invalid = (detail: string) => Effect.fail(new DatabaseUrlInvalid({ detail }))
  const url = URL.parse(Redacted.value(secret))
  if (url === null) return invalid("is not a URL")
  const { host, password, pathname, protocol, username } = url
  if (protocol !== "postgres:" && protocol !== "postgresql:") return invalid(`begins with ${protocol}`)
  // The driver's own order.
  const user = url.searchParams.get("user") ?? (username || (process.env["USER"] ?? process.env["USERNAME"]))
  if (user === undefined) return invalid("names no user")
  if (!isEncoded(username) || !isEncoded(password))
    return invalid("has a % in its user or password, which is written %25")
  return Effect.succeed(`postgres://${username === "" ? "" : `${username}@`}${host}${pathname}`)
}

const isEncoded = (text: string): boolean => {
  try {
    return decodeURIComponent(text) !== undefined
  } catch {
    return false
  }
}
