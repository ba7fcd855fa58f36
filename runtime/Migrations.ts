/**
 * The schema's history as SQL files, applied in order, each once, in one transaction under a lock.
 *
 * File names are `0001_verb_or_noun.sql`; a file on main is never edited. A project's own tables live in a folder of its
 * own, recorded apart from the runtime's.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Url from "node:url"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** A migration did not apply; the database is as it was before. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  folder: Schema.String,
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `A migration in ${this.folder} failed and was rolled back: ${this.detail}`
  }
}

/** Brings the runtime's schema `assets` up to date; answers with the names of what was applied. */
export const runtime = Effect.suspend(() => apply("runtime", runtimeFolder))

/** Brings a project's own tables up to date. `folder` is a path or a file URL. */
export const project = (folder: string | URL) => apply("project", folder)

export const runtimeFolder = new URL("../sql/migrations/", import.meta.url)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const apply = Effect.fn("Migrations.apply")(function* (
  owner: "runtime" | "project",
  folder: string | URL
): Effect.fn.Return<ReadonlyArray<string>, MigrationFailed | SqlError, SqlClient.SqlClient> {
  const path = folder instanceof URL ? Url.fileURLToPath(folder) : folder
  const sql = yield* SqlClient.SqlClient
  yield* sql`select 1 from pg_namespace where nspname = 'assets'`.pipe(
    Effect.filterOrElse(
      (rows) => rows.length > 0,
      // `if not exists` alone lets two first starts collide.
      () => sql`do $$ begin perform pg_advisory_xact_lock(7203); create schema if not exists assets; end $$`
    )
  )
  const applied = yield* Migrator.make({})({ loader: loader(path, sql), table: `assets.${owner}_migration` }).pipe(
    Effect.catchTag("MigrationError", (error) =>
      Effect.fail(new MigrationFailed({ folder: path, detail: causes(error).join(": "), cause: error }))
    )
  )
  return applied.map(([id, name]) => `${String(id).padStart(4, "0")}_${name}`)
})

const loader = (folder: string, sql: SqlClient.SqlClient): Migrator.Loader =>
  Effect.try({
    try: () =>
      Fs.readdirSync(folder)
        .filter((file) => file.endsWith(".sql"))
        .sort()
        .map((file): Migrator.ResolvedMigration => {
          const [, id, name] = /^(\d+)_(.+)\.sql$/.exec(file) ?? []
          if (id === undefined || name === undefined) throw new Error(`${file} is not called like 0001_name.sql`)
          const text = Fs.readFileSync(Path.join(folder, file), "utf8")
          return [Number(id), name, Effect.succeed(run(sql, text))]
        }),
    catch: (cause) => new Migrator.MigrationError({ kind: "ImportError", message: String(cause), cause })
  })

// The protocol takes one statement a query; a block takes many.
const run = (sql: SqlClient.SqlClient, text: string) => sql.unsafe(`do $migration$ begin ${text}\nend $migration$`)

const causes = (error: unknown): ReadonlyArray<string> =>
  error instanceof Error ? [error.message, ...causes(error.cause)] : []
