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

/** What a schema says of a text that will not do, as it ends a sentence. That it reads a string nobody has to be told. */
export const expectation = (message: string): string =>
  `expected ${message.replace(/^(Schema validation failed: )?Expected:? (a string representing (?=a ))?/, "")}`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What is there is a string, whatever is read from it. */
const missing: ReadonlySet<string> = new Set(["Expected string", "Missing key"])

const format = SchemaIssue.makeFormatterStandardSchemaV1()
