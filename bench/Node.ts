/**
 * The project's node in processes of its own, timed from start to end.
 */
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

export type Environment = Readonly<Record<string, string>>

export interface Ended {
  readonly millis: number
  readonly stdout: string
}

export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly args: ReadonlyArray<string>
  readonly code: number | null
  readonly stderr: string
}> {
  override get message() {
    return `node ${this.args.join(" ")} ended with ${this.code}: ${this.stderr}`
  }
}

/** Runs node with these arguments in the repository, to an end that must be a good one; an interrupt is passed on. */
export const run = (args: ReadonlyArray<string>, environment: Environment = {}): Effect.Effect<Ended, CommandFailed> =>
  Effect.callback((resume) => {
    const start = performance.now()
    const child = ChildProcess.spawn(process.execPath, args, {
      cwd: repository,
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text))
    child.once("close", (code) => {
      const millis = performance.now() - start
      resume(code === 0 ? Effect.succeed({ millis, stdout }) : Effect.fail(new CommandFailed({ args, code, stderr })))
    })
    return Effect.callback<void>((ended) => {
      if (child.exitCode !== null || child.signalCode !== null) return ended(Effect.void)
      child.once("close", () => ended(Effect.void))
      child.kill("SIGINT")
    })
  })

/** The bin itself, as `npx assets` ends up running it. */
export const assets = (args: ReadonlyArray<string>, environment: Environment) =>
  run(["runtime/bin/assets.ts", ...args], environment)

/** Milliseconds of a node that has nothing to do. */
export const idle = Effect.map(run(["-e", "0"]), ({ millis }) => millis)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const repository = Path.resolve(import.meta.dirname, "..")
