/**
 * A program as a process: signals in, an exit code out, and nothing lost of what it wrote.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ExitCode from "./ExitCode.ts"

/**
 * Runs `program` and exits with the code it comes to. The first SIGINT, SIGTERM or SIGHUP interrupts it, and the code
 * is 130; the second ends the process at once.
 */
export const run = (program: Effect.Effect<number>): void => {
  const output = watchOutput()
  // Some things a program waits for, such as a lock file, do not keep a process alive.
  const alive = setInterval(() => undefined, 2 ** 31 - 1)
  const fiber = Effect.runFork(program)
  let signaled = false
  const onSignal = () => {
    if (signaled) process.exit(ExitCode.interrupted)
    signaled = true
    fiber.interruptUnsafe()
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal)
  fiber.addObserver((exit) => {
    clearInterval(alive)
    // Exits although timers may be left: those of exporters that try again would hold the process for seconds.
    void output.written().then((whole) => {
      const code = whole ? codeOf(exit) : ExitCode.failed
      process.exit(signaled && code !== ExitCode.done ? ExitCode.interrupted : code)
    })
  })
}

/** Tells a failure on stderr, as people or programs read it, and answers with the code it stands for. */
export const settle =
  (as: "text" | "json") =>
  <E, R>(program: Effect.Effect<number, E, R>): Effect.Effect<number, never, R> =>
    Effect.catchCause(program, (cause) => {
      // Left to `run`, which knows whether it was a signal.
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const error = Cause.squash(cause)
      if (error instanceof ExitCode.Ended) return Effect.succeed(error.code)
      const failure = ExitCode.fromError(error)
      return Effect.as(Console.error(as === "json" ? ExitCode.toJson(failure) : ExitCode.show(failure)), failure.code)
    })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const codeOf = (exit: Exit.Exit<number>): number => {
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) return ExitCode.interrupted
  process.stderr.write(`${Cause.pretty(exit.cause)}\n`)
  return ExitCode.failed
}

/** A reader that has seen enough (`assets list | head -1`) is no failure; a full disk is. */
const watchOutput = () => {
  let whole = true
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return
    if (whole) process.stderr.write(`error: the answer could not be written: ${error.message}\n`)
    whole = false
  })
  process.stderr.on("error", () => undefined)
  const drained = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => void stream.write("", () => resolve()))
  return { written: async () => (await Promise.all([drained(process.stdout), drained(process.stderr)]), whole) }
}
