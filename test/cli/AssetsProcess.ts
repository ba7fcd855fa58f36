/**
 * The command `assets` as its users start it: a process with arguments, an environment and pipes.
 */
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess.ChildProcess
  readonly finished: Promise<Finished>
  /** Resolves once the text was written, to either output; rejects when the process ends before. */
  readonly shows: (text: string) => Promise<void>
}

export type Environment = Readonly<Record<string, string | undefined>>

export const project = (name: string) => Path.join(import.meta.dirname, "projects", name)

/** Definitions are those of the shop unless the arguments name others. */
export const start = (args: ReadonlyArray<string>, env: Environment = {}): Running => {
  const named = args.includes("--definitions") ? [] : ["--definitions", project("shop.ts")]
  const bin = Path.join(import.meta.dirname, "../../runtime/bin/assets.ts")
  const child = ChildProcess.spawn(process.execPath, [bin, ...args, ...named], {
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, OTEL_EXPORTER_OTLP_ENDPOINT: undefined, ...env }
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text))
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
  const shows = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => void ((stdout.includes(text) || stderr.includes(text)) && resolve())
      for (const stream of [child.stdout, child.stderr]) stream.on("data", look)
      look()
      void finished.then(() => reject(new Error(`ended without showing ${text}: ${stdout}${stderr}`)))
    })
  return { child, finished, shows }
}

export const run = (args: ReadonlyArray<string>, env: Environment = {}): Promise<Finished> => start(args, env).finished

/** The only document on standard output. */
export const json = ({ stdout }: Finished): any => JSON.parse(stdout)

/** One document a line. */
export const jsonLines = ({ stdout }: Finished): ReadonlyArray<any> =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
