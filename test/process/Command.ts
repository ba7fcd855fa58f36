/**
 * The command line tool as its users have it: a process of its own, with captured output, signals and an exit code.
 *
 * What it works on is said by its environment, of which it gets nothing else; see `Project`.
 */
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"
import type { Readable } from "node:stream"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export type Environment = Readonly<Record<string, string>>

export interface Ended {
  /** `null` when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

/** One line of `materialize --json`: what tests ask about. */
export const Line = Schema.Struct({
  _tag: Schema.String,
  at: Schema.String,
  runId: Schema.NullOr(Schema.String),
  asset: Schema.optionalKey(Schema.String),
  partition: Schema.optionalKey(Schema.NullOr(Schema.String)),
  because: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.Struct({ _tag: Schema.String, message: Schema.String })),
  check: Schema.optionalKey(Schema.String),
  accepted: Schema.optionalKey(Schema.Boolean)
})
export type Line = typeof Line.Type

export interface Running {
  readonly pid: number
  /** The first line of JSON like this, printed already or to come; dies if the process ends without it. */
  readonly line: (isLike: (line: Line) => boolean) => Effect.Effect<Line>
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  readonly ended: Effect.Effect<Ended>
}

export const repository = Path.resolve(import.meta.dirname, "../..")

/** Starts `assets` with these arguments in the repository; killed, if it still runs, when the scope closes. */
export const start = (args: ReadonlyArray<string>, environment: Environment) =>
  Effect.acquireRelease(
    Effect.sync(() => new Child(args, environment)),
    (child) => Effect.sync(() => child.signalUnsafe("SIGKILL"))
  ).pipe(
    Effect.map((child): Running => ({
      pid: child.process.pid!,
      line: (isLike) => Effect.promise(() => child.line(isLike)),
      signal: (name) => Effect.sync(() => child.signalUnsafe(name)),
      ended: Effect.promise(() => child.ended)
    }))
  )

/** Runs `assets` to its end. */
export const run = (args: ReadonlyArray<string>, environment: Environment) =>
  Effect.scoped(Effect.flatMap(start(args, environment), ({ ended }) => ended))

/** What a command printed with `--json`, one document or one event a line, and nothing else. */
export const lines = ({ stdout }: Ended): ReadonlyArray<Line> =>
  stdout
    .trim()
    .split("\n")
    .map((line) => decodeLine(line))

export const document = <S extends Schema.Decoder<unknown>>(schema: S, { stderr, stdout }: Ended): S["Type"] => {
  if (stdout === "") throw new Error(`nothing was printed; stderr: ${stderr}`)
  return Schema.decodeUnknownSync(schema)(JSON.parse(stdout))
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const decodeLine = Schema.decodeUnknownSync(Schema.fromJsonString(Line))

// All that a command gets of the environment that tests run in: what starts it, and starts it quickly.
const { NODE_COMPILE_CACHE, PATH } = process.env

class Child {
  readonly process: ChildProcess.ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ended>
  private stdout = ""
  private stderr = ""
  private seen = 0
  private readonly lines: Array<string> = []
  private hear: () => void = () => {}
  private over = false

  constructor(args: ReadonlyArray<string>, environment: Environment) {
    const started = performance.now()
    const child = ChildProcess.spawn(process.execPath, ["runtime/bin/assets.ts", ...args], {
      cwd: repository,
      env: { PATH, NODE_COMPILE_CACHE, ...environment },
      // A process group of its own, as a shell gives to a command.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.process = child
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.print(chunk))
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => void (this.stderr += chunk))
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => {
        this.over = true
        this.hear()
        const seconds = (performance.now() - started) / 1000
        resolve({ code, stdout: this.stdout, stderr: this.stderr, seconds })
      })
    })
  }

  signalUnsafe(name: NodeJS.Signals): void {
    this.process.kill(name)
  }

  async line(isLike: (line: Line) => boolean): Promise<Line> {
    for (let next = 0; ; next++) {
      while (next >= this.lines.length) {
        if (this.over) throw new Error(`it ended without such a line:\n${this.stdout}\n${this.stderr}`)
        await new Promise<void>((resolve) => {
          const before = this.hear
          this.hear = () => (before(), resolve())
        })
      }
      const line = decodeLine(this.lines[next]!)
      if (isLike(line)) return line
    }
  }

  private print(chunk: string): void {
    this.stdout += chunk
    for (let end; (end = this.stdout.indexOf("\n", this.seen)) >= 0; this.seen = end + 1) {
      this.lines.push(this.stdout.slice(this.seen, end))
    }
    const hear = this.hear
    this.hear = () => {}
    hear()
  }
}
