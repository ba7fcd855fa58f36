/**
 * A command that a project adds to `assets`, for what only it knows of, such as its models.
 *
 * It is declared in the definitions by name; its flags and what it does stand in a module of the project's own, which is
 * imported when the command is called.
 */
import type * as Command from "effect/cli/Command"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Asset from "./Asset.ts"
import type * as Confirmation from "./Confirmation.ts"
import type * as Definitions from "./Definitions.ts"
import type * as EventLog from "./EventLog.ts"
import type * as IoManager from "./IoManager.ts"
import type * as Publication from "./Publication.ts"
import type * as Report from "./Report.ts"
import type * as Runtime from "./Runtime.ts"

/** The call of a command: the project it is called for, how it answers, and what it may do to the project's assets. */
export class Call extends Context.Service<
  Call,
  {
    readonly definitions: Definitions.Definitions
    /** Prints one JSON document for programs (`--json`), the lines for people. */
    readonly answer: (
      document: unknown,
      text: (medium: Report.Medium, now: number) => ReadonlyArray<string>
    ) => Effect.Effect<void>
    /** What put values of an asset in force, newest first: of each step what it published or verified, read and told. */
    readonly history: (asset: Asset.Any, limit: number) => ReturnType<EventLog.EventLog["Service"]["values"]>
    /** Asks whether it is meant, on a terminal; elsewhere that is a usage error, which `--yes` is there for. */
    readonly confirm: (about: {
      /** For who cannot be asked, such as "would wipe users". */
      readonly intent: string
      readonly question: string
    }) => ReturnType<typeof Confirmation.ask>
    /** Publishes a value that somebody decided on, and answers with the run's id; see `Publication`. */
    readonly publish: <K extends string, I extends IoManager.Any>(
      asset: Asset.Asset<K, I, any, any, undefined>,
      value: IoManager.Input<NoInfer<I>>,
      trigger: string
    ) => ReturnType<typeof Publication.publish>
  }
>()("assets/ProjectCommand/Call") {}

/** What a module of the project exports as `default`, made by `effect/cli`'s `Command.make` and named as declared. */
export type Handled = Command.Command<any, any, any, unknown, Runtime.Services | Call>
