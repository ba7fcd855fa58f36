/**
 * Folders, processes and questions for the tests of the embedded PostgreSQL. Whatever a test starts here ends with it.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import * as ChildProcess from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Consumers from "node:stream/consumers"
import * as EmbeddedPostgres from "../runtime/EmbeddedPostgres.ts"
import * as FileLock from "../runtime/FileLock.ts"
import * as Postmaster from "../runtime/Postmaster.ts"

export const settings = { fsync: "off", full_page_writes: "off" }

const isRoot = process.getuid?.() === 0

export const repository = Path.dirname(import.meta.dirname)

export const watchdogs = `select count(*)::int from pg_stat_activity where application_name = '${Postmaster.watchdog}'`

export const ordinary = { uid: 1000, gid: 1000 }

/** In a folder everybody can enter, as the server of a root is not root. */
export const emptyFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-test-")))
    Fs.chmodSync(folder, 0o755)
    return folder
  }),
  (folder) =>
    Effect.promise(async () => {
      for (const file of Fs.globSync("**/postmaster.pid", { cwd: folder })) {
        const data = Path.dirname(Path.join(folder, file))
        const postmaster = Postmaster.read(data)
        if (postmaster !== undefined && Postmaster.isServerOf(postmaster.pid, data))
          await Postmaster.stop(postmaster, data)
      }
      // A server that is just ending removes files too, and rmSync ends early, without an error, where one is missing.
      while (Fs.existsSync(folder)) Fs.rmSync(folder, { recursive: true, force: true })
    })
)

/** With a copy of the data in `template`, since making them takes six times as long as a start. */
export const folderLike = (template: string) =>
  emptyFolder.pipe(
    Effect.tap((folder) =>
      Effect.sync(() => ChildProcess.execFileSync("cp", ["-a", Path.join(template, "postgres"), folder]))
    )
  )

export const query = (folder: string, statement: string) =>
  Effect.gen(function* () {
    const server = yield* EmbeddedPostgres.connect({ folder, settings })
    const sql = yield* PgClient.make(server)
    return yield* sql.unsafe(statement)
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))

export const connectedOnce = (folder: string, idle: Duration.Input) =>
  Effect.scoped(EmbeddedPostgres.connect({ folder, settings, idle }))

export const serverPid = (folder: string) =>
  EmbeddedPostgres.connect({ folder, settings }).pipe(
    Effect.andThen(EmbeddedPostgres.status(folder)),
    Effect.map((status) => (status._tag === "Running" ? status.pid : 0)),
    Effect.scoped
  )

export const moduleUrl = (name: string) => new URL(`../runtime/${name}.ts`, import.meta.url).href

/** Connects, prints the server's pid, and stays if it is told to. */
const client = `
  import * as Effect from "effect/Effect"
  import * as EmbeddedPostgres from ${JSON.stringify(moduleUrl("EmbeddedPostgres"))}
  const [folder, stay] = process.argv.slice(1)
  const program = EmbeddedPostgres.connect({ folder, settings: ${JSON.stringify(settings)} }).pipe(
    Effect.andThen(EmbeddedPostgres.status(folder)),
    Effect.tap((status) => Effect.sync(() => console.log(status.pid))),
    Effect.andThen(stay ? Effect.never : Effect.void),
    Effect.scoped
  )
  Effect.runPromise(program).catch((error) => {
    console.error(error.message)
    process.exitCode = 1
  })`

/** A Node process with a process group of its own, as a shell gives to a command. */
export const spawned = (program: string, args: ReadonlyArray<string>, identity: { uid?: number; gid?: number } = {}) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      ChildProcess.spawn(process.execPath, ["--input-type=module", "--eval", program, ...args], {
        ...identity,
        cwd: repository,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

type Spawned = Effect.Success<ReturnType<typeof spawned>>

export const said = (child: Spawned) => Effect.promise(async () => String((await once(child.stdout, "data"))[0]))

export const ended = (child: Spawned) =>
  Effect.promise(async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  })

export const connectedProcess = (folder: string) => spawned(client, [folder, "stay"]).pipe(Effect.tap(said))

export const pidSeenByProcess = (folder: string, identity?: { uid: number; gid: number }) =>
  Effect.gen(function* () {
    const child = yield* spawned(client, [folder], identity)
    const [out, err] = yield* Effect.promise(() =>
      Promise.all([Consumers.text(child.stdout), Consumers.text(child.stderr)])
    )
    return err === "" ? Number(out) : yield* Effect.fail(new Error(err))
  }).pipe(Effect.scoped)

export const until = (condition: () => boolean) =>
  Effect.sync(condition).pipe(
    Effect.repeat({ until: (met) => met, schedule: Schedule.spaced("2 millis") }),
    Effect.timeout("20 seconds")
  )

/** Or stopped, since nobody is promised to look in time. */
export const isBeingStopped = (folder: string) => {
  const release = FileLock.tryAcquire(Path.join(folder, "lock"), "shared")
  release?.()
  return release === undefined || !isRunning(folder)
}

export const isRunning = (folder: string) => Postmaster.read(Path.join(folder, "postgres")) !== undefined

export const watchdogPid = (folder: string) =>
  Number(
    ChildProcess.execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" })
      .split("\n")
      .find((line) => line.includes("watchdog") && line.includes(` ${folder}/`))
      ?.trim()
      .split(" ")[0] ?? 0
  )

export const ownerAndText = (file: string) => {
  const { gid, uid } = Fs.statSync(file)
  return { uid, gid, text: Fs.readFileSync(file, "utf8") }
}

export const sleeper = Effect.suspend(() =>
  spawned("setInterval(() => {}, 1000)", [], isRoot ? { uid: 65534, gid: 65534 } : {})
)

export function isReadableByAll(path: string): boolean {
  return (
    path === Path.dirname(path) || ((Fs.statSync(path).mode & 0o005) === 0o005 && isReadableByAll(Path.dirname(path)))
  )
}
