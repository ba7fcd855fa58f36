/**
 * Running a program without uid 0, which PostgreSQL refuses: as oneself, or as nobody where one is root.
 * Leaves out Windows and machines whose root may not become nobody; the program's own words tell of those.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"

export interface Identity {
  readonly uid: number
  readonly gid: number
}

export interface Command {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly options: { readonly cwd: string; readonly uid?: number; readonly gid?: number }
}

/** Whether this process is the one that programs may not run as. */
export const isRoot = (): boolean => process.geteuid?.() === 0

/** Whom programs run as, and so who must own the files that they write. */
export const identity = (): Identity =>
  isRoot() ? nobody : { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }

/** Hands a file or folder that this process made to whom programs run as. */
export const give = (path: string): void => {
  if (isRoot()) Fs.lchownSync(path, nobody.uid, nobody.gid)
}

/**
 * How to run `file` so that it reaches `paths`, all of them real paths. Nobody cannot walk into folders closed to others, such as root's home;
 * there it keeps the one capability that can.
 */
export const command = (file: string, args: ReadonlyArray<string>, paths: ReadonlyArray<string>): Command => {
  if (!isRoot()) return { file, args, options: { cwd: "/" } }
  if ([file, ...paths].every(isOpenToAll)) return { file, args, options: { cwd: "/", ...nobody } }
  const { gid, uid } = nobody
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"]
  const capability = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
  return { file: "setpriv", args: [...identity, ...capability, file, ...args], options: { cwd: "/" } }
}

// internal

const nobody: Identity = { uid: 65534, gid: 65534 }

/** Whether everybody may walk to this file: search permission on every folder above it. */
const isOpenToAll = (path: string): boolean => {
  const folder = Path.dirname(path)
  return folder === path || ((Fs.statSync(folder).mode & 0o001) !== 0 && isOpenToAll(folder))
}
