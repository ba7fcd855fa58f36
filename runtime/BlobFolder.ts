/**
 * A folder of files named by what is in them: `<folder>/<sha256[0..2]>/<sha256>`, written aside, synced and renamed into
 * place, so that a name never stands for anything but the whole of its content.
 *
 * Which files are in use is known elsewhere.
 */
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as FsPromises from "node:fs/promises"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

export interface Content {
  /** Of the bytes, in hexadecimal. */
  readonly sha256: string
  /** In bytes. */
  readonly size: number
}

/** A file written aside; `place` may run again after it succeeded. */
export interface Aside extends Content {
  readonly path: string
  readonly place: Effect.Effect<void, FileError>
}

/** The file system's own words. */
export class FileError extends Error {
  readonly _tag = "FileError"
  readonly code: string | undefined

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.code = (cause as NodeJS.ErrnoException | null)?.code
  }
}

/** Writes bytes to a file that is on disk when this returns and gone, unless placed, when the scope closes. */
export const write = <E>(
  folder: string,
  name: string,
  bytes: Stream.Stream<Uint8Array, E>
): Effect.Effect<Aside, FileError | E, Scope.Scope> =>
  Effect.gen(function* () {
    const path = Path.join(asideFolder(folder), `${name}-${Crypto.randomBytes(6).toString("hex")}`)
    yield* attempt(() => FsPromises.mkdir(Path.dirname(path), { recursive: true }))
    yield* Effect.addFinalizer(() => Effect.ignore(attempt(() => FsPromises.rm(path, { force: true }))))
    const hasher = Crypto.createHash("sha256")
    let size = 0
    yield* Effect.acquireUseRelease(
      attempt(() => FsPromises.open(path, "wx")),
      (file) =>
        Stream.runForEach(bytes, (chunk) => {
          hasher.update(chunk)
          size += chunk.length
          return attempt(() => file.writeFile(chunk))
        }).pipe(Effect.andThen(attempt(() => file.sync()))),
      (file) => Effect.ignore(attempt(() => file.close()))
    )
    const sha256 = hasher.digest("hex")
    return { path, sha256, size, place: place(folder, path, sha256) }
  })

export const pathOf = (folder: string, { sha256 }: Pick<Content, "sha256">) =>
  Path.join(folder, sha256.slice(0, 2), sha256)

/** The bytes of the first of the files that exists, in pieces; fails at the end when they are not the content. */
export const read = (paths: ReadonlyArray<string>, { sha256 }: Content): Stream.Stream<Uint8Array, FileError> =>
  Stream.suspend(() => {
    const path = paths.find((path) => Fs.existsSync(path)) ?? paths[0]!
    const hasher = Crypto.createHash("sha256")
    const pieces: AsyncIterable<Uint8Array> = Fs.createReadStream(path, { highWaterMark: pieceBytes })
    const verify = Effect.suspend(() =>
      hasher.digest("hex") === sha256 ? Effect.void : Effect.fail(new FileError(`${path} is not what was written`))
    )
    return Stream.fromAsyncIterable(pieces, (cause) => new FileError(cause)).pipe(
      Stream.tap((piece) => Effect.sync(() => hasher.update(piece))),
      Stream.concat(Stream.drain(Stream.fromEffect(verify)))
    )
  })

/** Makes a file count as young again; one that is missing stays so. */
export const touch = (folder: string, content: Pick<Content, "sha256">) =>
  attempt(() => {
    const now = new Date()
    return FsPromises.utimes(pathOf(folder, content), now, now).catch(ifMissing(undefined))
  })

/** Removes files that were not written, placed or touched since `before` (milliseconds) and are not in use. */
export const collect = (folder: string, isUsed: (sha256: string) => boolean, before: number) =>
  attempt(async () => {
    const files = await FsPromises.readdir(folder, { recursive: true, withFileTypes: true }).catch(ifMissing([]))
    let removed = 0
    for (const file of files) {
      const path = Path.join(file.parentPath, file.name)
      if (!file.isFile() || isUsed(file.name)) continue
      const { mtimeMs } = await FsPromises.stat(path)
      if (mtimeMs >= before) continue
      await FsPromises.rm(path, { force: true })
      removed += 1
    }
    return removed
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const pieceBytes = 1 << 18

const asideFolder = (folder: string) => Path.join(folder, "staging")

/** Over a file that is already there too: its content is the same, and it counts as young again. */
const place = (folder: string, path: string, sha256: string) =>
  attempt(async () => {
    const target = pathOf(folder, { sha256 })
    const created = await FsPromises.mkdir(Path.dirname(target), { recursive: true })
    await FsPromises.utimes(path, new Date(), new Date()).catch(ifMissing(undefined))
    await FsPromises.rename(path, target).catch(async (cause) => {
      if (!isMissing(cause)) throw cause
      await FsPromises.access(target)
    })
    await sync(Path.dirname(target))
    if (created !== undefined) await sync(folder)
  })

/** A name is on disk when the folder it is in was synced. */
const sync = async (folder: string) => {
  const handle = await FsPromises.open(folder, "r")
  await handle.sync().finally(() => handle.close())
}

const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: (cause) => new FileError(cause) })

const isMissing = (cause: unknown) => (cause as NodeJS.ErrnoException | null)?.code === "ENOENT"

const ifMissing =
  <A>(instead: A) =>
  (cause: unknown): A => {
    if (isMissing(cause)) return instead
    throw cause
  }
