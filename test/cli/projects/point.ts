import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { ProjectCommand } from "../../../runtime/index.ts"
import { pointer } from "./pointer.ts"

const command = Command.make("point", { to: Flag.Int("to").pipe(Flag.withDescription("Where to")) }, ({ to }) =>
  Effect.gen(function* () {
    const { answer, history, publish } = yield* ProjectCommand.Call
    const [before] = yield* history(pointer, 1)
    const runId = yield* publish(pointer, to, "point")
    yield* answer({ to, runId, before: before?.dataVersion ?? null }, () => [`It points to ${to}`])
  })
)

export default command satisfies ProjectCommand.Handled
