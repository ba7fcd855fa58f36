/**
 * The command line: commands, their flags and their help, and what becomes of their failures.
 *
 * What a command does is in `Questions` and the modules of actions, which are imported when one of theirs is called.
 */
import * as Fs from "node:fs"
import * as Argument from "effect/cli/Argument"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { backfill, backfills } from "./BackfillCommand.ts"
import * as ExitCode from "./ExitCode.ts"
import { atLeastOne, File, invocation, Json, partition, span, text, toggle, toSpan } from "./Flags.ts"
import * as GraphReport from "./GraphReport.ts"
import type { Invocation } from "./Invocation.ts"
import type * as Plan from "./Plan.ts"
import * as Process from "./Process.ts"
import * as ProjectCommands from "./ProjectCommands.ts"
import * as SettingFailure from "./SettingFailure.ts"
import * as ShellCompletion from "./ShellCompletion.ts"

/** Carries out a command line, without the program's name, and answers with the exit code. Never fails. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<number> =>
  ProjectCommands.of(args, ours).pipe(
    Effect.flatMap((commands) => Command.runWith(root(commands), { version: version() })(args)),
    Effect.as(ExitCode.done),
    Effect.catchIf(isShowHelp, (help) =>
      help.errors.length === 0 ? Effect.succeed(ExitCode.done) : Effect.fail(misuse(help))
    ),
    // Also where the flags could not be understood.
    Process.settle(args.includes("--json") ? "json" : "text"),
    Effect.provide(environment)
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const version = (): string =>
  JSON.parse(Fs.readFileSync(new URL("../package.json", import.meta.url), "utf8")).version as string

const asking = <A, E, R>(
  ask: (questions: typeof import("./Questions.ts"), invocation: Invocation) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(Effect.all([Effect.promise(() => import("./Questions.ts")), invocation]), ([module, told]) =>
    ask(module, told)
  )

const acting = <A, E, R>(
  act: (actions: typeof import("./Actions.ts"), invocation: Invocation) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(Effect.all([Effect.promise(() => import("./Actions.ts")), invocation]), ([module, told]) =>
    act(module, told)
  )

const partitioned = <A, E, R>(
  act: (actions: typeof import("./PartitionActions.ts"), invocation: Invocation) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(Effect.all([Effect.promise(() => import("./PartitionActions.ts")), invocation]), ([module, told]) =>
    act(module, told)
  )

const selection = Argument.String("selection").pipe(
  Argument.withDescription(
    "Assets: users, 'raw_*', +model (and what it needs), users+ (and what reads it), 2+model+1, group:ingest, " +
      "tag:team=data, kind:sql, owner:team:data, partitions:daily, check:NAME, status:stale, changed:code, " +
      "'sinks(X)', 'roots(X)', and 'not', 'and', 'or' with parentheses"
  ),
  Argument.variadic()
)

const runId = Argument.String("id").pipe(Argument.withDescription("As `assets runs` lists it"))

/** What `materialize` and `plan` share. */
const request = {
  concurrency: atLeastOne("concurrency", "Steps that compute at the same time (ASSETS_CONCURRENCY, else 4)").pipe(
    Flag.optional
  ),
  selection,
  ...span,
  recheck: toggle("recheck", "Ask the sources again that the selection reaches"),
  force: toggle("force", "Compute what is selected, Current or not"),
  accept: Flag.String("accept").pipe(
    Flag.withMetavar("ASSET:CHECK"),
    Flag.withDescription("Publish although this blocking check fails, in this run only; repeatable"),
    Flag.atLeast(0)
  )
}

const toRequest = (flags: {
  readonly selection: ReadonlyArray<string>
  readonly partition: Option.Option<string>
  readonly from: Option.Option<string>
  readonly to: Option.Option<string>
  readonly recheck: boolean
  readonly force: boolean
  readonly accept: ReadonlyArray<string>
}): Plan.Request => ({
  selection: flags.selection,
  ...toSpan(flags),
  recheck: flags.recheck,
  force: flags.force,
  accept: flags.accept
})

const nothingElse = { recheck: false, force: false, accept: [] }

const materialize = Command.make("materialize", request, ({ concurrency, ...flags }) =>
  acting((actions, told) => actions.materialize(told, toRequest(flags), Option.getOrUndefined(concurrency)))
).pipe(
  Command.withDescription("Bring the selection up to date: everything that is not Current without one"),
  Command.withExamples([
    { command: "assets materialize", description: "Everything that is not Current" },
    { command: "assets materialize +model", description: "The model, and what it needs first" },
    { command: "assets materialize --recheck", description: "Ask the sources whether the world has moved" }
  ])
)

const observe = Command.make(
  "observe",
  {
    selection,
    ...span,
    concurrency: request.concurrency
  },
  ({ concurrency, ...flags }) =>
    acting((actions, told) =>
      actions.observe(told, toRequest({ ...flags, ...nothingElse }), Option.getOrUndefined(concurrency))
    )
).pipe(
  Command.withDescription("Look whether external assets have changed, whatever their schedules say"),
  Command.withExamples([{ command: "assets observe is:external", description: "All that are observed" }])
)

const plan = Command.make(
  "plan",
  { ...request, check: toggle("check", "Exit with 3 when there is something to do") },
  ({ check, concurrency, ...flags }) =>
    asking((questions, told) =>
      questions.plan(told, toRequest(flags), { check, steps: Option.getOrUndefined(concurrency) })
    )
).pipe(Command.withDescription("Show what materialize would do, and why"))

const status = Command.make(
  "status",
  { selection, partitions: toggle("partitions", "One line a partition") },
  ({ partitions, selection }) =>
    asking((questions, told) => questions.status(told, selection, partitions ? "partition" : "asset"))
).pipe(Command.withDescription("Show what is Missing, Stale or Current, and why"))

const why = Command.make(
  "why",
  {
    asset: Argument.String("asset").pipe(Argument.withDescription("One asset's key")),
    partition: partition("One of its partitions")
  },
  ({ asset, partition }) => asking((questions, told) => questions.why(told, asset, Option.getOrNull(partition)))
).pipe(Command.withDescription("Explain one asset's status, all the way up"))

const describe = Command.make(
  "describe",
  { asset: Argument.String("asset").pipe(Argument.withDescription("One asset's key")) },
  ({ asset }) => asking((questions, told) => questions.describe(told, asset))
).pipe(Command.withDescription("Tell what one asset is: labels, columns, dependencies, checks, how it is run"))

const list = Command.make("list", { selection }, ({ selection }) =>
  asking((questions, told) => questions.list(told, selection))
).pipe(Command.withDescription("List the assets of a selection, dependencies first"))

const graph = Command.make(
  "graph",
  {
    selection,
    format: Flag.Literals("format", GraphReport.formats).pipe(
      Flag.withDescription("How to draw it"),
      Flag.withDefault("text" as const)
    )
  },
  ({ format, selection }) => asking((questions, told) => questions.graph(told, selection, format))
).pipe(Command.withDescription("Draw how the assets of a selection depend on each other"))

const partitioning = Argument.String("name").pipe(Argument.withDescription("The name given to Partition.dynamic"))

const keys = Argument.String("key").pipe(Argument.withDescription("Partition keys"), Argument.atLeast(1))

const partitions = Command.make("partitions").pipe(
  Command.withDescription("List partitions, and add or remove those of dynamic partitionings"),
  Command.withSubcommands([
    Command.make(
      "list",
      {
        name: Argument.String("name").pipe(Argument.withDescription("A dynamic partitioning's name, or an asset's key"))
      },
      ({ name }) => partitioned((actions, told) => actions.list(told, name))
    ).pipe(Command.withDescription("List the keys there are now, oldest first")),
    Command.make("add", { name: partitioning, keys }, ({ keys, name }) =>
      partitioned((actions, told) => actions.add(told, name, keys))
    ).pipe(Command.withDescription("Add keys to a dynamic partitioning; those it has stay as they are")),
    Command.make("remove", { name: partitioning, keys, yes: toggle("yes", "Do not ask") }, ({ keys, name, yes }) =>
      partitioned((actions, told) => actions.remove(told, name, keys, yes))
    ).pipe(Command.withDescription("Remove keys; what was published of them stays until it is wiped"))
  ])
)

const runs = Command.make(
  "runs",
  { limit: atLeastOne("limit", "The newest so many (default: 20)").pipe(Flag.withDefault(20)) },
  ({ limit }) => asking((questions, told) => questions.runs(told, limit))
).pipe(Command.withDescription("List what was run, newest first"))

const run_ = Command.make("run", { id: runId }, ({ id }) => asking((questions, told) => questions.run(told, id))).pipe(
  Command.withDescription("Show one run and its steps")
)

const logs = Command.make("logs", { id: runId }, ({ id }) =>
  asking((questions, told) => questions.logs(told, id))
).pipe(Command.withDescription("Show the events of one run"))

const check = Command.make(
  "check",
  {
    selection,
    only: Flag.String("only").pipe(
      Flag.withMetavar("ASSET:CHECK"),
      Flag.withDescription("Run just this check; repeatable"),
      Flag.atLeast(0)
    ),
    ...span,
    concurrency: atLeastOne("concurrency", "Values that are judged at the same time (ASSETS_CONCURRENCY, else 4)").pipe(
      Flag.optional
    )
  },
  ({ concurrency, only, selection, ...named }) =>
    acting((actions, told) => {
      const request = { selection, only, named: toSpan(named), concurrency: Option.getOrUndefined(concurrency) }
      return actions.check(told, request)
    })
).pipe(Command.withDescription("Run the checks of what is published, computing nothing"))

const wipe = Command.make(
  "wipe",
  { selection, ...span, yes: toggle("yes", "Do not ask") },
  ({ selection, yes, ...named }) => acting((actions, told) => actions.wipe(told, selection, toSpan(named), yes))
).pipe(Command.withDescription("Remove what is published of a selection"))

const build = Command.make(
  "build",
  { out: text("out", "FILE", "Write it there, beside the bundle that carries it, not to the terminal") },
  ({ out }) => acting((actions, told) => actions.build(told, Option.getOrUndefined(out)))
).pipe(Command.withDescription("Compute the code versions that a bundle of the project has to carry"))

const migrate = Command.make("migrate", {}, () => acting((actions, told) => actions.migrate(told))).pipe(
  Command.withDescription("Bring the database's schema up to date, and list its migrations")
)

const doctor = Command.make("doctor", {}, () => acting((actions, told) => actions.doctor(told))).pipe(
  Command.withDescription("Show what is installed and reached, and what to do about each problem")
)

const groups = [
  { group: "Do", commands: [materialize, backfill, observe, check, partitions, wipe] },
  { group: "Ask", commands: [plan, status, why, describe, list, graph] },
  { group: "Look back", commands: [runs, run_, logs, backfills] },
  { group: "Keep in order", commands: [migrate, doctor, build] }
] as const

const ours: ReadonlySet<string> = new Set(groups.flatMap(({ commands }) => commands.map(({ name }) => name)))

const root = (own: ProjectCommands.Commands) =>
  Command.make("assets").pipe(
    Command.withDescription("Keeps the data that a project promises up to date."),
    Command.withSubcommands([...groups, ...(own.length === 0 ? [] : [{ group: "This project's own", commands: own }])]),
    Command.withGlobalFlags([Json, File])
  )

/** A usage error is told like every other failure, not with the whole help. */
const presenter: CliOutput.Presenter = {
  present: (event) => (event._tag === "InvalidInvocation" ? Effect.void : CliOutput.defaultPresenter.present(event))
}

const environment = Layer.mergeAll(
  // Files, processes and the terminal are for kinds of flags that no command here has; they take 20 ms to import.
  Layer.succeedContext(Context.empty() as Context.Context<Command.Environment>),
  CliOutput.layerPresenter(presenter),
  Layer.succeed(CliConfig.CliConfig, { builtIns: [GlobalFlag.Help, GlobalFlag.Version, ShellCompletion.flag] }),
  Layer.succeed(Logger.LogToStderr, true)
)

const isShowHelp = (error: unknown): error is CliError.ShowHelp => error instanceof CliError.ShowHelp

const misuse = ({ commandPath, errors }: CliError.ShowHelp): ExitCode.UsageError =>
  new ExitCode.UsageError({
    message: [...errors.map(inWords), `\`${commandPath.join(" ")} --help\` shows what there is`].join("\n")
  })

const inWords = (error: CliError.ShowHelp["errors"][number]): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `unknown flag ${error.option}${suggested(error.suggestions)}`
    case "UnknownSubcommand":
      return `unknown command ${error.subcommand}${suggested(error.suggestions)}`
    case "MissingArgument":
      return `the ${error.argument} is missing`
    case "InvalidValue": {
      const name = error.kind === "argument" ? `the ${error.option}` : `--${error.option}`
      return error.value === "" && error.kind === "flag"
        ? `${name} needs a value: ${error.expected}`
        : `${name} ${JSON.stringify(error.value)} is wrong: ${SettingFailure.expectation(error.expected)}`
    }
    default:
      return error.message
  }
}

const suggested = (suggestions: ReadonlyArray<string>) =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`
