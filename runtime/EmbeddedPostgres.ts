/**
 * The PostgreSQL that a folder carries with it: started when a command needs it, shared by all, stopped when idle,
 * reachable only through a socket that its owner alone can open. Hands out an address; clients, pools and schemas are
 * made elsewhere.
 *
 * Holding the folder's lock shared, a command opens a session if a server answers. Otherwise it takes the lock
 * exclusively and starts one, so first starts, restarts and the watchdog's stop exclude each other. The session stays
 * open for as long as the address is in use: it is what the watchdog counts.
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { EmbeddedPostgresError, FolderUnusable, ForeignOwner, Locked, Unreachable } from "./EmbeddedPostgresError.ts"
import * as FileLock from "./FileLock.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"
import * as PostgresSession from "./PostgresSession.ts"
import * as Postmaster from "./Postmaster.ts"
import * as Unprivileged from "./Unprivileged.ts"

/** An address for PgClient; `host` is the folder of the socket. */
export interface Server {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly database: string
}

export interface Options {
  /** Holds the data, the log and the lock; made when it is missing. */
  readonly folder: string
  /** How long without sessions until the server stops. Default: Config `ASSETS_POSTGRES_IDLE`, or ten minutes. */
  readonly idle?: Duration.Input
  /** Server settings, in force if this call starts it, such as `{ fsync: "off" }` for data that may be lost. */
  readonly settings?: Readonly<Record<string, string>>
}

export type Status =
  | { readonly _tag: "Running"; readonly pid: number; readonly version: string; readonly socket: string }
  | { readonly _tag: "Stopped" }

/**
 * Makes sure that the folder's server runs until the scope closes; from then on it is the watchdog's to stop.
 * Of servers that other commands started it changes neither the settings nor the idle time.
 */
export const connect = Effect.fn("EmbeddedPostgres.connect")(function* (options: Options) {
  const launch: Launch = { idle: options.idle ?? (yield* idleConfig), settings: options.settings ?? {} }
  const home = yield* prepare(options.folder)
  const joined = open(home).pipe(
    Effect.tap((session) => watch(home, session, launch)),
    withLock(home, "shared")
  )
  const session = yield* Effect.acquireRelease(
    joined.pipe(Effect.catchIf(isRefusal, () => withLock(home, "exclusive")(joinOrStart(home, launch)))),
    (session) => Effect.sync(session.close),
    { interruptible: true }
  )
  yield* Effect.forkScoped(stay(home, session, launch))
  const { host, port } = session
  const server: Server = { host, port, username: Postmaster.username, database: Postmaster.database }
  return server
}, realTime)

/** What runs in the folder, for people to read; starts nothing. */
export const status = Effect.fn("EmbeddedPostgres.status")(function* (folder: string) {
  if (!Fs.existsSync(folder)) return stopped
  const home = yield* prepare(folder)
  return yield* Effect.acquireUseRelease(
    open(home),
    ({ host, port, version }) =>
      Effect.succeed<Status>({
        _tag: "Running",
        pid: Postmaster.read(home.data)?.pid ?? 0,
        version,
        socket: PostgresSession.socketPath(host, port)
      }),
    (session) => Effect.sync(session.close)
  ).pipe(
    Effect.catchIf(
      (refusal) => runningPid(home) === null && isPassing(refusal),
      () => Effect.succeed(stopped)
    ),
    Effect.catchIf(isRefusal, (refusal) => unreachable(home, refusal))
  )
}, realTime)

/** Stops the folder's server if one runs, ending every session; resolves when it is gone. */
export const stop = Effect.fn("EmbeddedPostgres.stop")(function* (folder: string) {
  if (!Fs.existsSync(folder)) return
  const home = yield* prepare(folder)
  yield* Effect.suspend(() => {
    const postmaster = Postmaster.read(home.data)
    if (postmaster === undefined || runningPid(home) === null) return Effect.void
    return Effect.tryPromise({ try: () => Postmaster.stop(postmaster, home.data), catch: unusable(home.folder) })
  }).pipe(withLock(home, "exclusive"))
}, realTime)

// internal

const stopped: Status = { _tag: "Stopped" }

const idleConfig = Config.Duration("ASSETS_POSTGRES_IDLE").pipe(Config.withDefault(Duration.minutes(10)))

interface Launch {
  readonly idle: Duration.Input
  readonly settings: PostgresBinaries.Settings
}

/** Absolute paths without symbolic links. */
interface Home {
  readonly folder: string
  readonly data: string
  readonly lock: string
  readonly log: string
}

/** Other processes live by the wall clock, also when a test has a clock of its own. */
function realTime<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
  return Effect.provideService(effect, Clock.Clock, Clock.Clock.defaultValue())
}

/** Makes the folder if it is missing, and fails early and clearly where it cannot serve. */
const prepare = Effect.fnUntraced(function* (path: string) {
  const home = yield* Effect.try({
    try: (): Home => {
      Fs.mkdirSync(path, { recursive: true })
      const folder = Fs.realpathSync(path)
      const inside = (name: string) => Path.join(folder, name)
      return { folder, data: inside("postgres"), lock: inside("lock"), log: inside("postgres.log") }
    },
    catch: unusable(path)
  })
  const { gid, uid } = Unprivileged.identity()
  const owner = Fs.statSync(home.data, { throwIfNoEntry: false })?.uid ?? uid
  if (owner !== uid) {
    return yield* failed(new ForeignOwner({ path: Unprivileged.isRoot() ? home.data : home.folder, owner, uid, gid }))
  }
  const closed = [home.folder, home.lock, home.log].find((path) => Fs.existsSync(path) && !isWritable(path))
  if (closed !== undefined) {
    return yield* failed(new ForeignOwner({ path: home.folder, owner: Fs.statSync(closed).uid, uid, gid }))
  }
  return home
})

const isWritable = (path: string): boolean => {
  try {
    Fs.accessSync(path, Fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** What is uninterruptible is each try, not the wait. */
const withLock =
  (home: Home, mode: FileLock.Mode) =>
  <A, E, R>(use: Effect.Effect<A, E, R>): Effect.Effect<A, E | EmbeddedPostgresError, R> =>
    Effect.acquireUseRelease(
      Effect.try({ try: () => FileLock.tryAcquire(home.lock, mode), catch: unusable(home.folder) }).pipe(
        Effect.flatMap((release) => (release ? Effect.succeed(release) : failed(new Locked({ lock: home.lock }))))
      ),
      () => use,
      (release) => Effect.sync(release)
    ).pipe(Effect.retry({ while: isLocked, schedule: every("10 millis", "2 minutes") }))

const open = (home: Home): Effect.Effect<PostgresSession.Session, PostgresSession.Refusal> =>
  Effect.uninterruptible(
    Effect.tryPromise({
      try: () => Postmaster.open(home.data, "assets"),
      catch: (cause) => (isRefusal(cause) ? cause : new PostgresSession.Refusal("XX000", String(cause)))
    })
  )

/**
 * Under the exclusive lock. A server that says "not now" is on its way up or down, in recovery perhaps: it gets a
 * minute. Silence gets five seconds, as does a start in the remains of a killed server, whose last processes hold on
 * to its shared memory for a moment.
 */
const joinOrStart = (home: Home, launch: Launch) =>
  open(home).pipe(
    Effect.retry({ while: isNotNow, schedule: every("20 millis", "1 minute") }),
    Effect.tap((session) => watch(home, session, launch)),
    Effect.catchIf(
      (refusal) => isPassing(refusal) && runningPid(home) === null,
      () => start(home, launch)
    ),
    Effect.retry({
      while: (error) => (isRefusal(error) ? isPassing(error) : isStartFailed(error) && hasRemains(home)),
      schedule: every("20 millis", "5 seconds")
    }),
    Effect.catchIf(isRefusal, (refusal) => unreachable(home, refusal))
  )

const start = Effect.fnUntraced(function* (home: Home, launch: Launch) {
  const binaries = yield* PostgresBinaries.load
  if (!Fs.existsSync(home.data)) yield* PostgresBinaries.initialize(binaries, home.data, launch.settings)
  const server = yield* PostgresBinaries.launch(binaries, home.data, home.log, launch.settings)
  // Before the server answers: if this process is killed meanwhile, somebody must be there to stop it.
  const watchdog = spawnWatchdog(home, launch)
  const session = yield* open(home).pipe(
    Effect.retry({ while: isPassing, schedule: every("5 millis", "1 minute") }),
    Effect.raceFirst(server.exited),
    Effect.tapError(() => Effect.sync(() => watchdog.kill()))
  )
  yield* untilWatched(session)
  return session
})

/** A server whose watchdog was killed gets a new one. */
const watch = Effect.fnUntraced(function* (home: Home, session: PostgresSession.Session, launch: Launch) {
  if (yield* isWatched(session)) return
  spawnWatchdog(home, launch)
  yield* untilWatched(session)
})

const isWatched = (session: PostgresSession.Session): Effect.Effect<boolean, PostgresSession.Refusal> =>
  Effect.tryPromise({
    try: () => session.query(`select from pg_stat_activity where application_name = '${Postmaster.watchdog}'`),
    catch: (cause) => (isRefusal(cause) ? cause : new PostgresSession.Refusal("XX000", String(cause)))
  }).pipe(Effect.map((rows) => rows.length > 0))

/** So that the next command, once it gets the lock, finds the watchdog and does not start another. */
const untilWatched = (session: PostgresSession.Session) =>
  isWatched(session).pipe(Effect.repeat({ until: (watched) => watched, schedule: every("5 millis", "5 seconds") }))

const spawnWatchdog = (home: Home, launch: Launch): ChildProcess.ChildProcess => {
  const program = Path.join(import.meta.dirname, "bin", `watchdog${Path.extname(import.meta.filename)}`)
  const idle = String(Duration.toMillis(launch.idle))
  const output = Fs.openSync(home.log, "a")
  const watchdog = ChildProcess.spawn(process.execPath, [program, home.data, home.lock, idle], {
    cwd: "/",
    detached: true,
    // Without this process's environment: options for its Node, such as a debugger's, are not for the watchdog.
    env: {},
    stdio: ["ignore", output, output]
  })
  Fs.closeSync(output)
  watchdog.unref()
  return watchdog
}

/** Opens the session again after a crash of the server, so that the watchdog goes on counting this process. */
const stay = (home: Home, first: PostgresSession.Session, launch: Launch) =>
  Effect.promise(() => first.closed).pipe(
    Effect.andThen(
      Effect.acquireUseRelease(
        open(home),
        (session) => watch(home, session, launch).pipe(Effect.andThen(Effect.promise(() => session.closed))),
        (session) => Effect.sync(session.close)
      ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced("1 second")))
    )
  )

const runningPid = (home: Home): number | null => {
  const pid = Postmaster.read(home.data)?.pid
  return pid !== undefined && Postmaster.isServerOf(pid, home.data) ? pid : null
}

const hasRemains = (home: Home): boolean => Postmaster.read(home.data) !== undefined

const isRefusal = (error: unknown): error is PostgresSession.Refusal => error instanceof PostgresSession.Refusal

const isNotNow = (refusal: PostgresSession.Refusal): boolean => refusal.code === PostgresSession.cannotConnectNow

/** Nobody listens, or the server goes down: waiting or starting one helps. */
const isPassing = (refusal: PostgresSession.Refusal): boolean => passing.includes(refusal.code)

const passing = [
  PostgresSession.cannotConnectNow,
  "57P01",
  "57P02",
  "08006",
  "ENOENT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE"
]

const isStartFailed = (error: EmbeddedPostgresError): boolean => error.reason._tag === "StartFailed"

const isLocked = (error: unknown): boolean => error instanceof EmbeddedPostgresError && error.reason._tag === "Locked"

const every = (delay: Duration.Input, upTo: Duration.Input) =>
  Schedule.spaced(delay).pipe(Schedule.upTo({ duration: upTo }))

const failed = (reason: EmbeddedPostgresError["reason"]) => Effect.fail(new EmbeddedPostgresError({ reason }))

const unusable = (folder: string) => (cause: unknown) =>
  new EmbeddedPostgresError({ reason: new FolderUnusable({ folder, cause }) })

const unreachable = (home: Home, { code, message }: PostgresSession.Refusal) =>
  failed(new Unreachable({ data: home.data, pid: runningPid(home), code, detail: message }))
