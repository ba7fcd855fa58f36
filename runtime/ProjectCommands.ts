/**
 * The commands that the project of a command line adds to those of `assets`.
 *
 * The definitions are loaded for them only where no command of ours is called: most commands have no time for that here.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Definitions from "./Definitions.ts"
import * as ExitCode from "./ExitCode.ts"
import { invocation } from "./Flags.ts"
import { Call, type Handled } from "./ProjectCommand.ts"
import * as Project from "./Project.ts"

export type Commands = ReadonlyArray<Command.Command<string, any, any, unknown, GlobalFlags>>

/** What a command line without the program's name may call of the project's own; `ours` are the names that are taken. */
export const of = Effect.fn("ProjectCommands.of")(function* (args: ReadonlyArray<string>, ours: ReadonlySet<string>) {
  const { file, word } = read(args)
  if (word !== undefined && ours.has(word)) return none
  const loaded = Project.declarations(file)
  // Whoever asks for help or misspells a command is not to be told of definitions that do not load.
  const definitions = yield* word === undefined
    ? Effect.orElseSucceed(loaded, () => undefined)
    : Effect.catchIf(
        loaded,
        ({ problem }) => problem._tag === "NotFound",
        () => Effect.succeed(undefined)
      )
  const commands = definitions?.commands ?? []
  const taken = commands.find(({ name }) => ours.has(name))
  if (taken !== undefined) {
    const message = `${file} declares a command "${taken.name}", which assets has already: give it another name`
    return yield* new ExitCode.UsageError({ message })
  }
  const isWhole = args.some((arg) => arg.startsWith("--completions"))
  return yield* Effect.forEach(commands, (command) =>
    isWhole || command.name === word ? handled(definitions!, command) : Effect.succeed(named(command))
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Those of `assets`, which a call reads. */
type GlobalFlags = Effect.Services<typeof invocation>

const none: Commands = []

/** The first word that is no flag, which says what is called, and the file that the definitions are in. */
const read = (args: ReadonlyArray<string>): { readonly word: string | undefined; readonly file: string } => {
  let word: string | undefined
  let file = "assets/index.ts"
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    if (arg === "--definitions") file = args[++at] ?? file
    else if (arg.startsWith("--definitions=")) file = arg.slice("--definitions=".length)
    else if (arg === "--completions") at++
    else if (!arg.startsWith("-")) word ??= arg
  }
  return { word, file }
}

/** As the help of `assets` lists it. */
const named = ({ description, name }: Definitions.ProjectCommand): Commands[number] =>
  Command.make(name).pipe(Command.withDescription(description))

const handled = Effect.fnUntraced(function* (
  definitions: Definitions.Definitions,
  { description, load, name }: Definitions.ProjectCommand
): Effect.fn.Return<Commands[number], ExitCode.UsageError> {
  const { default: command } = yield* Effect.tryPromise({
    try: load,
    catch: (cause) =>
      new ExitCode.UsageError({ message: `the command "${name}" could not be loaded: ${String(cause)}` })
  })
  if (!Command.isCommand(command) || command.name !== name) {
    const message = `the module of the command "${name}" has no default export made by Command.make("${name}", …)`
    return yield* new ExitCode.UsageError({ message })
  }
  return (command as Handled).pipe(
    Command.withDescription(description),
    Command.provide(Layer.provideMerge(call, Project.services(definitions)))
  )
})

const call = Layer.effect(
  Call,
  Effect.gen(function* () {
    const told = yield* invocation
    const [Confirmation, EventLog, Invocation, Publication] = yield* Effect.promise(() =>
      Promise.all([
        import("./Confirmation.ts"),
        import("./EventLog.ts"),
        import("./Invocation.ts"),
        import("./Publication.ts")
      ])
    )
    const log = yield* EventLog.EventLog
    // With the versions of the code in force, by which what it publishes is judged.
    const definitions = yield* Invocation.definitions(told)
    return Call.of({
      definitions,
      answer: (document, text) => Invocation.answer(told, document, text),
      history: ({ key }, limit) => log.values(key, limit),
      confirm: (about) => Confirmation.ask(told, about),
      publish: (asset, value, trigger) => Publication.publish(definitions, asset, value, trigger)
    })
  })
)
