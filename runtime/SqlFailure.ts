/**
 * What a failure of PostgreSQL means to an IO manager: the server's own words, and whether trying again may help.
 */
import type { SqlError } from "effect/sql/SqlError"
import * as IoManager from "./IoManager.ts"

export const toIoError =
  (asset: string, operation: IoManager.IoError["operation"]) =>
  (error: SqlError): IoManager.IoError =>
    new IoManager.IoError({ asset, operation, detail: words(error), retryable: isPassing(error), cause: error })

/** The server's message, its detail and its hint; the error's own message is only a label. */
export const words = (error: SqlError): string => {
  const cause = error.reason.cause
  if (!(cause instanceof Error) || cause.message === "") return error.message
  const parts = [cause.message, field(cause, "detail"), field(cause, "hint")]
  return parts.filter((part) => part !== undefined).join(": ")
}

/** The server's detail, such as `Key (id)=(5) is duplicated.` */
export const detail = (error: SqlError): string | undefined => field(error.reason.cause, "detail")

/** SQLSTATE, where the server answered. */
export const code = (error: SqlError): string | undefined => field(error.reason.cause, "code")

/** Lost connections, deadlocks and conflicts with other transactions. */
export const isPassing = (error: SqlError): boolean => {
  switch (error.reason._tag) {
    case "ConnectionError":
    case "DeadlockError":
    case "SerializationError":
    case "LockTimeoutError":
      return true
    default:
      // Class 53: out of connections, memory or disk. 57P: shutting down or starting.
      return /^(53|57P)/.test(code(error) ?? "")
  }
}

export const uniqueViolation = "23505"

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const field = (cause: unknown, name: "code" | "detail" | "hint"): string | undefined => {
  const value = (cause as Partial<Record<typeof name, unknown>> | null | undefined)?.[name]
  return typeof value === "string" && value !== "" ? value : undefined
}
