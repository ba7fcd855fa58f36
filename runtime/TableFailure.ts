/**
 * What a failure of PostgreSQL means to a table: the server's words, which tell of the asset's own table rather than of
 * the staging that it is filled from.
 */
import type { SqlError } from "effect/sql/SqlError"
import * as IoManager from "./IoManager.ts"
import * as SqlFailure from "./SqlFailure.ts"
import type * as Table from "./Table.ts"
import * as TableStatements from "./TableStatements.ts"

export const toIoError =
  ({ asset, name }: Table.Definition, operation: IoManager.IoError["operation"]) =>
  (error: SqlError): IoManager.IoError => {
    const words = SqlFailure.words(error)
    // The server takes the query for one that should have looked the column up in the staging.
    const missing = words.includes("There is a column named")
      ? /column "(.*?)" does not exist/.exec(words)?.[1]
      : undefined
    const detail =
      missing === undefined
        ? words.replaceAll(stagings, `"${name}"`)
        : `the query gives no column "${missing}", which the rows of ${name} have`
    return new IoManager.IoError({ asset, operation, detail, retryable: SqlFailure.isPassing(error), cause: error })
  }

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Their names: a run, and random digits. */
const stagings = new RegExp(`"[^":]+:[0-9a-f]{${TableStatements.stagingSuffix}}"`, "g")
