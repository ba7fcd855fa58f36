/**
 * Folders of a bench's own, gone when it is done or interrupted.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as EmbeddedPostgres from "../runtime/EmbeddedPostgres.ts"

/** Everybody can enter it, because the server of a root is not root. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => {
    const made = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-bench-")))
    Fs.chmodSync(made, 0o755)
    return made
  }),
  // Tried for some seconds: what an interrupted command has started may still be cleaning up in it.
  (made) => Effect.promise(() => Fs.promises.rm(made, { recursive: true, force: true, maxRetries: 10 }))
)

/** One to be `ASSETS_HOME`: the server that commands started in it is stopped before it goes. */
export const home = Effect.tap(temporary, (folder) =>
  Effect.addFinalizer(() => Effect.orDie(EmbeddedPostgres.stop(folder)))
)
