/** `assets erase USER`: deletes a user with all that refers to him. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { Erasure, ExitCode, ProjectCommand } from "../../runtime/index.ts"
import * as Erased from "../source/Erased.ts"

const command = Command.make(
  "erase",
  {
    user: Argument.Int("user").pipe(
      Argument.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
      Argument.withDescription("The user's id, as the source has it")
    ),
    yes: Flag.Boolean("yes").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Do not ask whether it is meant"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ user, yes }) {
    const { answer, confirm, definitions } = yield* ProjectCommand.Call
    const isMeant =
      yes ||
      (yield* confirm({
        intent: `would erase user ${user}, who cannot be brought back`,
        question: `Erase user ${user}, with all that refers to him? He cannot be brought back.`
      }))
    if (!isMeant) return yield* answer({ runId: null, erased: [] }, () => ["Nobody was erased"])
    const outcome = yield* Erased.erase(user).pipe(Effect.provide(Erasure.layer(definitions)))
    switch (outcome._tag) {
      case "Unknown":
        return yield* new ExitCode.UsageError({ message: `there is no user ${user}` })
      case "ErasedBefore":
        return yield* answer({ runId: null, erased: [] }, () => [`User ${user} was erased before`])
      case "Erased": {
        const { runId, slices } = outcome
        const assets = Array.from(new Set(slices.map(({ asset }) => asset))).join(", ")
        return yield* answer({ runId, erased: slices }, () => [
          `Erased user ${user} from ${assets} (run ${runId}); npx assets materialize computes anew what was made from it`
        ])
      }
    }
  })
)

export default command satisfies ProjectCommand.Handled
