/**
 * What a command's exit code says, and how a failure is told: one line for people, one JSON object for programs.
 *
 * Which errors there are is their modules' business; this one only knows whose fault each is.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SettingFailure from "./SettingFailure.ts"

export const done = 0
/** A run failed, or something outside this program did. */
export const failed = 1
/** The request or the declarations are wrong; nothing was done. */
export const usage = 2
/** `plan --check` found something to do. */
export const pending = 3
/** Every failed step failed by a blocking check. */
export const blocked = 4
export const interrupted = 130

/** A request that no command can serve as it was made. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { message: Schema.String }) {}

/** A command came to its end and has told all there is to tell; only its code is left. */
export class Ended extends Schema.TaggedError<Ended>()("Ended", { code: Schema.Int }) {}

export const end = (code: number): Effect.Effect<void, Ended> =>
  code === done ? Effect.void : Effect.fail(new Ended({ code }))

/** A failure as it is told; `data` holds the error's own fields. */
export interface Failure {
  readonly code: number
  readonly tag: string
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The code of a run that came to these failures. */
export const ofFailures = (failures: ReadonlyArray<{ readonly byCheck: boolean }>): number =>
  failures.length === 0 ? done : failures.every((failure) => failure.byCheck) ? blocked : failed

export const fromCause = (cause: Cause.Cause<unknown>): Failure => fromError(Cause.squash(cause))

export const fromError = (error: unknown): Failure => {
  const tag = tagOf(error)
  const message = SettingFailure.words(error) ?? (hasMessage(error) ? error.message : String(error))
  // Who made a mistake can use its parts to mend it; other errors may hold whatever their libraries put there.
  const [code, data] = usageTags.has(tag)
    ? [usage, fieldsOf(error)]
    : [tag === "PublicationBlocked" ? blocked : failed, {}]
  return { code, tag, message: message.trim(), data }
}

/** Without a stack: where the program was when it noticed is no help to the one who called it. */
export const show = ({ message }: Failure): string => `error: ${message}`

export const toJson = ({ data, message, tag }: Failure): string =>
  JSON.stringify({ _tag: tag, message, ...data }, (key, value: unknown) =>
    key === "cause" ? undefined : typeof value === "bigint" ? String(value) : value
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const usageTags: ReadonlySet<string> = new Set([
  "UsageError",
  "BadPartitionKey",
  "UnknownRun",
  "UnknownBackfill",
  "BackfillRefused",
  "BackfillHeld",
  "ProjectError",
  "PlanError",
  "SelectionError",
  "ConfigError",
  "DatabaseUrlInvalid"
])

const hasMessage = (error: unknown): error is { readonly message: string } =>
  typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string"
    ? error._tag
    : error instanceof Error
      ? error.name
      : "Defect"

const hidden = new Set(["_tag", "message", "name", "stack", "cause"])

const fieldsOf = (error: unknown): Readonly<Record<string, unknown>> =>
  typeof error !== "object" || error === null
    ? {}
    : Object.fromEntries(Object.entries(error).filter(([key]) => !hidden.has(key) && !key.startsWith("~")))
