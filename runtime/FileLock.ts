/**
 * A lock on a file that many processes hold shared or one holds exclusively, and that the kernel releases when its
 * holder dies, however it dies. Trying is all it does: how long to wait for another holder is the caller's decision.
 *
 * Node has no flock. SQLite locks its database file with `fcntl`, so a read transaction is a shared lock and an
 * exclusive transaction an exclusive one; the file stays empty. `fcntl` locks go with any descriptor of the file that
 * their process closes, so nothing else may open it.
 */
import { DatabaseSync } from "node:sqlite"

export type Mode = "shared" | "exclusive"

export type Release = () => void

/** `undefined` while another holder stands in the way; throws when the file cannot be opened for writing. */
export const tryAcquire = (file: string, mode: Mode): Release | undefined => {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec("pragma journal_mode = off")
    database.exec(mode === "shared" ? "begin; select * from sqlite_schema" : "begin exclusive")
    return () => database.close()
  } catch (cause) {
    database.close()
    if (cause instanceof Error && "errcode" in cause && cause.errcode === busy) return undefined
    throw cause
  }
}

// internal

const busy = 5
