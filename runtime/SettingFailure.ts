/**
 * A setting that is not there, or that cannot be what it is, in words for whoever sets it.
 *
 * Its value is never told: it may be a secret.
 */
import * as Config from "effect/Config"
import * as SchemaIssue from "effect/SchemaIssue"

/** `undefined` for what is no failure of a setting. */
export const words = (error: unknown): string | undefined => {
  if (!(error instanceof Config.ConfigError)) return undefined
  const { cause } = error
  if (cause._tag === "SourceError") return cause.message
  return format(cause.issue)
    .issues.map(({ message, path = [] }) => {
      const key = path.map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".")
      return missing.has(message)
        ? `the setting ${key} is not set; set it in the environment, or where the project reads its settings`
        : `the setting ${key} is wrong: ${expectation(message)}`
    })
    .join("; ")
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What is there is a string, whatever is read from it. */
const missing: ReadonlySet<string> = new Set(["Expected string", "Missing key"])

/** It is a string in the environment, which nobody has to be told. */
const expectation = (message: string) => message.replace(/^Expected (a string representing (?=a ))?/, "expected ")

const format = SchemaIssue.makeFormatterStandardSchemaV1()
