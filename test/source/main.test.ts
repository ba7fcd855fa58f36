import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"
import * as DemoSource from "../../assets/source/DemoSource.ts"

const main = Path.resolve(import.meta.dirname, "../../assets/source/main.ts")

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `npm run source` with these arguments; `onLine` sees the process and its standard output so far. */
const source = (
  args: ReadonlyArray<string>,
  onOutput: (child: ChildProcess.ChildProcess, out: string) => void = () => {}
) =>
  Effect.callback<Ended>((resume) => {
    const child = ChildProcess.spawn(process.execPath, [main, ...args], {
      env: { ...process.env, ASSETS_DATA_DIR: "" }
    })
    let [stdout, stderr] = ["", ""]
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk)
      onOutput(child, stdout)
    })
    child.stderr.on("data", (chunk) => (stderr += String(chunk)))
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("npm run source", () => {
  it.live("serves the demo world until Ctrl-C, and says where", () =>
    Effect.gen(function* () {
      let fetched: Promise<unknown> | undefined
      const { code, stdout } = yield* source(["--port", "0"], (child, out) => {
        const url = /MUSIC_API_URL=(\S+)\n/.exec(out)?.[1]
        if (url === undefined || fetched !== undefined) return
        fetched = fetch(`${url}/tracks?size=3`)
          .then((response) => response.json())
          .finally(() => child.kill("SIGINT"))
      })
      const today = Math.floor(Date.now() / 86_400_000)
      assert.strictEqual(code, 130)
      assert.include(stdout, DemoSource.world.description)
      assert.deepInclude(yield* Effect.promise(() => fetched!), { items: DemoSource.world.tracks(today).slice(0, 3) })
    })
  )

  it.live("says that a port is in use, without a stack", () =>
    Effect.gen(function* () {
      const taken = yield* DemoSource.start
      const { code, stderr } = yield* source(["--port", taken.port])
      assert.strictEqual(code, 1)
      assert.match(stderr, new RegExp(`Port ${taken.port} is in use`))
      assert.notInclude(stderr, "    at ")
    })
  )

  it.live("refuses a world that does not exist, naming those that do", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* source(["--world", "flat"])
      assert.strictEqual(code, 2)
      assert.match(stderr, /synthetic.*random.*lastfm/)
    })
  )

  it.live("says what the lastfm world needs", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* source(["--world", "lastfm"])
      assert.strictEqual(code, 1)
      assert.include(stderr, "ASSETS_DATA_DIR")
    })
  )
})
