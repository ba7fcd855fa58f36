/** `assets serve`, which `npm run serve` calls: answers over HTTP until Ctrl-C. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { ExitCode, ProjectCommand } from "../../runtime/index.ts"
import { running } from "../experiments/Running.ts"
import * as ApiKey from "./ApiKey.ts"
import { paths } from "./Api.ts"
import * as Loopback from "./Loopback.ts"
import * as Server from "./Server.ts"

const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))

const settings = {
  host: Config.String("MUSIC_SERVE_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("MUSIC_SERVE_PORT").pipe(Config.withDefault(8080)),
  perSecond: Config.schema(Schema.Int.check(Schema.isGreaterThan(0)), "MUSIC_SERVE_RATE").pipe(Config.withDefault(100))
}

const makeKey = "npx assets key create NAME --scope read"

const command = Command.make(
  "serve",
  {
    host: Flag.String("host").pipe(
      Flag.withDescription("The address to listen on (default: MUSIC_SERVE_HOST, or 127.0.0.1)"),
      Flag.optional
    ),
    port: Flag.Int("port").pipe(
      Flag.withSchema(Port),
      Flag.withDescription("0 takes any free port (default: MUSIC_SERVE_PORT, or 8080)"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* (flags) {
    const host = Option.getOrElse(flags.host, () => "") || (yield* settings.host)
    const port = Option.isSome(flags.port) ? flags.port.value : yield* settings.port
    const perSecond = yield* settings.perSecond
    const keys = (yield* ApiKey.list).length
    const open = Loopback.isName(host)
    if (!open && keys === 0) {
      const message = `${host} can be reached by others, and there is no key yet: ${makeKey}`
      return yield* new ExitCode.UsageError({ message })
    }
    const { answer, definitions } = yield* ProjectCommand.Call
    const url = yield* Server.start({ host, port, open, perSecond, definitions, experiments: running })
    yield* answer({ url: url.origin, keys }, () => [
      `Serving on ${url.origin}  (described at ${paths.docs}; Ctrl-C stops)`,
      ...(keys === 0 ? [`There is no key yet, so everybody on this machine is let in: ${makeKey}`] : [])
    ])
    return yield* Effect.never
  }, Effect.scoped)
)

export default command satisfies ProjectCommand.Handled
