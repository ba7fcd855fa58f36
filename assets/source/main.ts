/**
 * `npm run source`: serves a world as the source API until Ctrl-C.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as DemoSource from "./DemoSource.ts"
import * as LastfmWorld from "./LastfmWorld.ts"
import * as RandomWorld from "./RandomWorld.ts"
import * as SourceServer from "./SourceServer.ts"
import * as SyntheticWorld from "./SyntheticWorld.ts"

/** What went wrong, for the terminal: the message alone. */
class SourceFailed extends Schema.TaggedError<SourceFailed>()("SourceFailed", { message: Schema.String }) {
  override readonly [CliError.userMessage] = this.message
}

/** A command line that was refused; the presenter has said why. */
class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {
  override readonly [Runtime.errorExitCode] = 2
  override readonly [Runtime.errorReported] = false
}

const between = (minimum: number, maximum: number) =>
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const size = (name: string, description: string) =>
  Flag.Int(name).pipe(between(0, 10_000_000), Flag.withDescription(description))

const source = Command.make("source", {
  world: Flag.Literals("world", ["synthetic", "random", "lastfm"]).pipe(
    Flag.withDescription("synthetic: tastes to discover; random: none; lastfm: real listening from ASSETS_DATA_DIR"),
    Flag.withDefault("synthetic")
  ),
  users: size("users", "Users, for synthetic and random").pipe(Flag.withDefault(DemoSource.defaults.users)),
  tracks: size("tracks", "Tracks, for synthetic and random").pipe(Flag.withDefault(DemoSource.defaults.tracks)),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Another seed is another world"),
    Flag.withDefault(DemoSource.defaults.seed)
  ),
  port: Flag.Int("port").pipe(between(0, 65_535), Flag.withDescription("0 takes any free port"), Flag.withDefault(8000))
}).pipe(
  Command.withDescription("Serve a world as the music source API"),
  Command.withExamples([
    { command: "npm run source", description: "The world that the project uses when MUSIC_API_URL is not set" },
    { command: "npm run source -- --world random --users 10000", description: "A large one without any pattern" }
  ]),
  Command.withHandler(
    Effect.fnUntraced(
      function* ({ world: kind, port, ...options }) {
        const world =
          kind === "synthetic"
            ? SyntheticWorld.make(options)
            : kind === "random"
              ? RandomWorld.make(options)
              : yield* LastfmWorld.load(yield* dataDir)
        const url = yield* SourceServer.start({ world, port })
        yield* Console.log(`Serving a ${world.description}\n  ${url.origin}  (described at /docs; Ctrl-C stops)`)
        yield* Console.log(`To use it: MUSIC_API_URL=${url.origin}`)
        return yield* Effect.never
      },
      Effect.scoped,
      Effect.mapError((error) => new SourceFailed({ message: error.message }))
    )
  )
)

const dataDir = Config.String("ASSETS_DATA_DIR").pipe(
  Effect.mapError(
    () => new SourceFailed({ message: "The lastfm world needs ASSETS_DATA_DIR: the folder that holds lastfm/." })
  )
)

/** Usage errors are one line each on stderr instead of the whole help on stdout. */
const presenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          `${event.errors.map((error) => `error: ${error.message}`).join("\n")}\nSee npm run source -- --help.`
        )
      : CliOutput.defaultPresenter.present(event)
})

source.pipe(
  Command.run({ version: "0.1.0" }),
  Effect.catchTag("ShowHelp", (shown) => (shown.errors.length > 0 ? Effect.fail(new Refused()) : Effect.void)),
  Effect.provide([NodeServices.layer, presenter]),
  Effect.provideService(Logger.LogToStderr, true),
  NodeRuntime.runMain
)
