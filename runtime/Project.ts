/**
 * The project a command works on: its definitions file, found and loaded, and the services its database stands behind.
 *
 * Those are imported when they are asked for, because most of the time of a short command is spent importing.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Url from "node:url"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssetGraph from "./AssetGraph.ts"
import * as Definitions from "./Definitions.ts"
import * as SqlFailure from "./SqlFailure.ts"

export const Problem = Schema.TaggedUnion({
  NotFound: {},
  /** It, or something it imports, does not compile or throws. */
  Broken: { detail: Schema.String },
  NotDefinitions: {},
  WrongDeclarations: {
    problems: Schema.Array(Schema.Struct({ asset: Schema.String, file: Schema.String, detail: Schema.String }))
  }
})
export type Problem = typeof Problem.Type

/** The definitions cannot be used; `file` is as it was given. */
export class ProjectError extends Schema.TaggedError<ProjectError>()("ProjectError", {
  file: Schema.String,
  problem: Problem
}) {
  override get message() {
    return show(this.file, this.problem)
  }
}

/** `ASSETS_HOME`: the project's own folder for data that is not source. */
export const home = Config.String("ASSETS_HOME").pipe(Config.withDefault(".assets"))

/** The definitions in `file`, a path from the working directory, with computed code versions in force. */
export const load = Effect.fn("Project.load")(function* (file: string) {
  const definitions = yield* declarations(file)
  const CodeVersion = yield* codeVersion
  const versions = yield* known(file, CodeVersion.ofDefinitions(definitions, yield* home))
  return Definitions.withCodeVersions(definitions, versions)
})

/** The same without those, at once: for whoever neither asks what is Stale nor computes it. */
export const declarations = Effect.fn("Project.declarations")(function* (
  file: string
): Effect.fn.Return<Definitions.Definitions, ProjectError> {
  const path = Path.resolve(file)
  const failed = (problem: Problem) => new ProjectError({ file, problem })
  if (!Fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return yield* failed({ _tag: "NotFound" })
  const module: unknown = yield* Effect.tryPromise({
    try: () => import(Url.pathToFileURL(path).href),
    catch: (cause) => failed(problemOf(cause))
  })
  const definitions = typeof module === "object" && module !== null && "default" in module ? module.default : undefined
  return Definitions.isDefinitions(definitions) ? definitions : yield* failed({ _tag: "NotDefinitions" })
})

/** What `assets build` writes for the definitions in `file`: their code versions, computed from the sources. */
export const build = Effect.fn("Project.build")(function* (file: string) {
  const { graph } = yield* declarations(file)
  const CodeVersion = yield* codeVersion
  return CodeVersion.toBuild(yield* known(file, CodeVersion.compute(graph, yield* home)))
})

/** The configured database, migrated, with the tables of the project's own; and telemetry around all of it. */
export const services = (definitions: Definitions.Definitions | undefined) =>
  Layer.unwrap(
    Effect.promise(async () => {
      const [Runtime, Telemetry] = await Promise.all([import("./Runtime.ts"), import("./Telemetry.ts")])
      return migrations(definitions?.migrations).pipe(
        Layer.provideMerge(Runtime.layer),
        Layer.provideMerge(Layer.mergeAll(Telemetry.layer, Telemetry.layerRunsOnly))
      )
    })
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const show = (file: string, problem: Problem): string =>
  Problem.match(problem, {
    NotFound: () => `there is no file ${file}; name the definitions with --definitions FILE`,
    Broken: ({ detail }) => `${file} could not be loaded: ${detail}`,
    NotDefinitions: () => `the default export of ${file} is not made by Definitions.make`,
    WrongDeclarations: ({ problems }) =>
      problems.map(({ asset, detail, file }) => `asset "${asset}" (${file}): ${detail}`).join("\n")
  })

const problemOf = (cause: unknown): Problem => {
  if (!(cause instanceof AssetGraph.DeclarationError)) return { _tag: "Broken", detail: detailOf(cause) }
  return wrongDeclarations(cause.problems)
}

const codeVersion = Effect.promise(() => import("./CodeVersion.ts"))

const known = <A>(file: string, versions: Result.Result<A, ReadonlyArray<AssetGraph.Problem>>) =>
  Effect.fromResult(
    Result.mapError(versions, (problems) => new ProjectError({ file, problem: wrongDeclarations(problems) }))
  )

const wrongDeclarations = (problems: ReadonlyArray<AssetGraph.Problem>): Problem => ({
  _tag: "WrongDeclarations",
  problems: problems.map(({ asset, detail, file }) => ({
    asset,
    file: relative(file),
    // It may name another file.
    detail: detail.replaceAll(/file:\S+/g, relative)
  }))
})

/** From the working directory, if the file is in it. */
const relative = (file: string): string => {
  const path = file.startsWith("file:") ? Url.fileURLToPath(file) : file
  const below = Path.relative("", path)
  return below.startsWith("..") ? path : below
}

/** The message, and where the mistake is: a stack starts with that, or names it in the first frame of a project's file. */
const detailOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const stack = cause.stack ?? ""
  const [, file, line] = /^(\S+):(\d+)\n/.exec(stack) ?? /(file:\S+):(\d+):\d+/.exec(stack) ?? []
  return file === undefined || file.includes("node_modules") || cause.message.includes(file)
    ? cause.message
    : `${cause.message} (${relative(file)}:${line})`
}

const migrations = (folder: URL | undefined) =>
  folder === undefined
    ? Layer.empty
    : Layer.effectDiscard(
        Effect.gen(function* () {
          const [Migrations, Sql] = yield* Effect.promise(() =>
            Promise.all([import("./Migrations.ts"), import("./Sql.ts")])
          )
          const { location } = yield* Sql.Sql
          yield* Migrations.project(folder).pipe(
            Effect.catchTag("SqlError", (error) =>
              Effect.fail(new Sql.DatabaseUnavailable({ location, detail: SqlFailure.words(error) }))
            )
          )
        })
      )
