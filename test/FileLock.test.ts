import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Path from "node:path"
import * as FileLock from "../runtime/FileLock.ts"
import { emptyFolder, moduleUrl, spawned, said, ended } from "./embeddedPostgresFixture.ts"

describe("a lock on a file", () => {
  it.live("is shared by many or held by one", () =>
    Effect.gen(function* () {
      const file = Path.join(yield* emptyFolder, "lock")
      const readers = [FileLock.tryAcquire(file, "shared"), FileLock.tryAcquire(file, "shared")]
      expect(FileLock.tryAcquire(file, "exclusive")).toBeUndefined()
      for (const release of readers) release?.()
      const release = FileLock.tryAcquire(file, "exclusive")
      expect(FileLock.tryAcquire(file, "shared")).toBeUndefined()
      expect(FileLock.tryAcquire(file, "exclusive")).toBeUndefined()
      release?.()
      expect(FileLock.tryAcquire(file, "exclusive")).toBeDefined()
    })
  )

  it.live("of a process that was killed is free", () =>
    Effect.gen(function* () {
      const file = Path.join(yield* emptyFolder, "lock")
      const holder = yield* spawned(
        `import * as FileLock from ${JSON.stringify(moduleUrl("FileLock"))}
         FileLock.tryAcquire(process.argv[1], "exclusive")
         console.log("held")
         setInterval(() => {}, 1000)`,
        [file]
      )
      yield* said(holder)
      expect(FileLock.tryAcquire(file, "shared")).toBeUndefined()
      process.kill(holder.pid!, "SIGKILL")
      yield* ended(holder)
      expect(FileLock.tryAcquire(file, "shared")).toBeDefined()
    })
  )
})
