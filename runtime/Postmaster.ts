/**
 * The server process of a data folder, as its `postmaster.pid` tells of it. Starts nothing: it reads what stands, says
 * whether that is still true, opens sessions and stops what runs.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as PostgresSession from "./PostgresSession.ts"

export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly socketFolder: string
}

export const username = "assets"

export const database = "postgres"

/** The watchdog's `application_name`, by which commands see that there is one. */
export const watchdog = "assets watchdog"

/** What the file says, which the crash of a machine or a server leaves behind; `undefined` without a whole one. */
export const read = (data: string): Postmaster | undefined => {
  try {
    return parse(Fs.readFileSync(Path.join(data, "postmaster.pid"), "utf8"))
  } catch {
    return undefined
  }
}

/** Of the text of a `postmaster.pid`, whose lines PostgreSQL's `miscadmin.h` numbers. */
export const parse = (text: string): Postmaster | undefined => {
  const lines = text.split("\n")
  const [pid, port, socketFolder] = [Number(lines[0]), Number(lines[3]), lines[4]]
  return pid > 0 && port > 0 && socketFolder ? { pid, port, socketFolder } : undefined
}

/** Whether the process is a server of this data folder, by its command line: after a crash others get its number. */
export const isServerOf = (pid: number, data: string): boolean => {
  if (process.platform === "linux") {
    try {
      return Fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`\0-D\0${data}\0`)
    } catch {
      return false
    }
  }
  const { stdout } = ChildProcess.spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" })
  return stdout.includes(` -D ${data} `)
}

/** Rejects with a `Refusal`, also where another user has put a socket folder in the place of the server's. */
export const open = async (data: string, applicationName: string): Promise<PostgresSession.Session> => {
  const postmaster = read(data)
  if (postmaster === undefined) throw new PostgresSession.Refusal("ENOENT", "No server runs")
  const folder = Fs.lstatSync(postmaster.socketFolder, { throwIfNoEntry: false })
  if (folder === undefined) throw new PostgresSession.Refusal("ENOENT", `${postmaster.socketFolder} is gone`)
  if (folder.uid !== Fs.statSync(data).uid) {
    throw new PostgresSession.Refusal("EACCES", `${postmaster.socketFolder} belongs to uid ${folder.uid}`)
  }
  const { port, socketFolder: host } = postmaster
  return PostgresSession.open({ host, port, username, database, applicationName })
}

/** Ends every session and the server (a "fast" shutdown); resolves when it is gone, rejects after a minute. */
export const stop = async (postmaster: Postmaster, data: string): Promise<void> => {
  interrupt(postmaster.pid)
  for (let waited = 0; isThere(postmaster, data); waited += pollMillis) {
    if (waited > stopMillis) throw new Error(`PostgreSQL (pid ${postmaster.pid}) did not stop within a minute`)
    await sleep(pollMillis)
  }
  removeIfEmpty(postmaster.socketFolder)
}

/** A socket folder, unless something listens there or a killed server left its socket, which the next start replaces. */
export const removeIfEmpty = (folder: string): void => {
  try {
    Fs.rmdirSync(folder)
  } catch {
    // Then it stays; nothing depends on its being gone.
  }
}

// internal

const pollMillis = 10
const stopMillis = 60_000

const interrupt = (pid: number): void => {
  try {
    process.kill(pid, "SIGINT")
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ESRCH")) throw cause
  }
}

/** A server removes its file last; one that was killed leaves it. */
const isThere = (postmaster: Postmaster, data: string): boolean =>
  read(data)?.pid === postmaster.pid && isServerOf(postmaster.pid, data)
