/** `assets key`: makes, lists and revokes keys to the service. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { ExitCode, ProjectCommand } from "../../runtime/index.ts"
import * as ApiKey from "./ApiKey.ts"

/** As a terminal shows it. */
const Name = Schema.String.check(
  Schema.isPattern(/^(?=.*\S)\P{C}{1,100}$/u, { expected: "1 to 100 characters that can be seen" })
)

const create = Command.make(
  "create",
  {
    name: Argument.String("name").pipe(
      Argument.withSchema(Name),
      Argument.withDescription("What it is for, as the list shows it")
    ),
    scopes: Flag.Literals("scope", ApiKey.Scope.literals).pipe(
      Flag.withDescription("What it may do: read, write, or admin for everything; repeatable"),
      Flag.atLeast(1)
    )
  },
  Effect.fnUntraced(function* ({ name, scopes }) {
    const { id, text } = yield* ApiKey.create(name, Array.from(new Set(scopes)))
    const { answer } = yield* ProjectCommand.Call
    yield* answer({ id, key: text }, () => [text, "It is not shown again; send it as Authorization: Bearer KEY"])
  })
).pipe(Command.withDescription("Make a key and show it, this once"))

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const keys = yield* ApiKey.list
    const { answer } = yield* ProjectCommand.Call
    yield* answer(
      keys.map(({ createdAt, id, name, revokedAt, scopes }) => ({ id, name, scopes, createdAt, revokedAt })),
      () => (keys.length === 0 ? ["There is no key yet: assets key create NAME --scope read"] : keys.map(toLine))
    )
  })
).pipe(Command.withDescription("List the keys there are, newest first"))

const revoke = Command.make(
  "revoke",
  { id: Argument.String("id").pipe(Argument.withDescription("As the list has it")) },
  Effect.fnUntraced(function* ({ id }) {
    if (!(yield* ApiKey.revoke(id))) {
      return yield* new ExitCode.UsageError({ message: `no key in force has the id ${id}; assets key list shows them` })
    }
    const { answer } = yield* ProjectCommand.Call
    yield* answer({ id }, () => [`${id} is revoked; a running service lets it in for up to two seconds more`])
  })
).pipe(Command.withDescription("Revoke a key"))

const command = Command.make("key").pipe(Command.withSubcommands([create, list, revoke]))

export default command satisfies ProjectCommand.Handled

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const toLine = ({ id, name, revokedAt, scopes }: ApiKey.ApiKey) =>
  [id, name, scopes.join(", "), ...(revokedAt === null ? [] : ["revoked"])].join("  ")
