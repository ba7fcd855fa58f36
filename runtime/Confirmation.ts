/**
 * Whether what a command would remove is meant: asked on a terminal; elsewhere the command needs `--yes`.
 */
import * as Prompt from "effect/cli/Prompt"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as ExitCode from "./ExitCode.ts"
import type { Invocation } from "./Invocation.ts"

/** `question` for people; `intent`, such as "would wipe users", for who cannot be asked. */
export const ask = Effect.fn("Confirmation.ask")(function* (
  { json }: Invocation,
  { intent, question }: { readonly intent: string; readonly question: string }
) {
  const { canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
  if (json || !canPrompt) return yield* new ExitCode.UsageError({ message: `${intent}; --yes does it` })
  const NodeServices = yield* Effect.promise(() => import("@effect/platform-node/NodeServices"))
  return yield* Prompt.run(Prompt.Confirm({ message: question })).pipe(Effect.provide(NodeServices.layer))
})
