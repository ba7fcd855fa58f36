/**
 * Source files as `CodeFile`s, kept in the project's own folder by their content.
 *
 * The parser is loaded only for content that was never seen. What is kept may be deleted at any time.
 */
import * as Fs from "node:fs"
import * as Module from "node:module"
import * as Path from "node:path"
import type * as Parser from "rolldown/utils"
import * as CodeFile from "./CodeFile.ts"
import type * as CodePackage from "./CodePackage.ts"
import * as CodeSql from "./CodeSql.ts"
import * as Version from "./Version.ts"

/** A source file that is not TypeScript. */
export class CodeMistake extends Error {
  readonly _tag = "CodeMistake"
  readonly path: string
  readonly position: CodeFile.Position
  constructor(path: string, { message, ...position }: CodeFile.Mistake) {
    super(message)
    this.name = "CodeMistake"
    this.path = path
    this.position = position
  }
}

/** What code versions came to, and all that was looked at to find out: as long as that is as it was, they hold. */
export interface Trace {
  /** Of what the assets themselves say. */
  readonly fingerprint: string
  /** Digests by path; `null` where there was no file. */
  readonly files: Readonly<Record<string, string | null>>
  readonly packages: CodePackage.Asked
  readonly versions: Readonly<Record<string, { readonly version: string; readonly free: ReadonlyArray<string> }>>
}

export interface CodeCache {
  /** `undefined` without such a file. Throws a `CodeMistake`. */
  readonly code: (path: string) => CodeFile.CodeFile | undefined
  /** Of what matters of a file, or of all files in a folder; `undefined` when there is neither. */
  readonly digest: (path: string) => string | undefined
  /** The digests that were asked for, also by `code`. */
  readonly asked: ReadonlyMap<string, string | undefined>
  /** As it was kept last. */
  readonly trace: Trace | undefined
  /** Keeps what was learnt, if anything. Never fails: the next one learns it again. */
  readonly save: (trace: Trace | undefined) => void
}

/** `format` moves when what is kept means something else. */
export const open = (folder: string, format: string): CodeCache => {
  const indexFile = Path.join(folder, "code/index")
  const index = read<Index>(indexFile, format)
  const files = new Map(Object.entries(index?.files ?? {}))
  const asked = new Map<string, string | undefined>()
  const codes = openCodes(Path.join(folder, "code/parsed"), format)
  const opened = new Map<string, CodeFile.CodeFile | undefined>()
  let learnt = false

  const find = (path: string): string | undefined => {
    const stat = Fs.statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    if (stat.isDirectory()) return digestOfFolder(path, digest)
    const { ctimeMs, mtimeMs, size } = stat
    const known = files.get(path)
    if (known?.size === size && known.mtimeMs === mtimeMs && known.ctimeMs === ctimeMs) return known.digest
    const found = digestOfFile(path)
    // A file may change twice between two ticks of the clock that stamps it.
    if (Date.now() - Math.max(ctimeMs, mtimeMs) > settled) {
      files.set(path, { size, mtimeMs, ctimeMs, digest: found })
      learnt = true
    } else files.delete(path)
    return found
  }
  const digest = (path: string): string | undefined => {
    if (!asked.has(path)) asked.set(path, find(path))
    return asked.get(path)
  }

  return {
    digest,
    asked,
    trace: index?.trace,
    code: (path) => {
      if (opened.has(path)) return opened.get(path)
      const found = digest(path)
      const code = found === undefined ? undefined : codes.get(path, found)
      opened.set(path, code)
      return code
    },
    save: (trace) => {
      const entries = Array.from(files).filter(([path]) => asked.has(path) || Fs.existsSync(path))
      if (learnt || trace !== index?.trace) write(indexFile, format, { files: Object.fromEntries(entries), trace })
      codes.save(
        new Set([
          ...entries.map(([path, { digest }]) => codeId(path, digest)),
          ...Array.from(asked, ([path, found]) => codeId(path, found))
        ])
      )
    }
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Milliseconds after which a time stamp is older than any clock is coarse. */
const settled = 2000

/** What is always read. */
interface Index {
  readonly files: Readonly<Record<string, Stamped>>
  readonly trace: Trace | undefined
}

interface Stamped {
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly digest: string
}

const codeId = (path: string, digest: string | undefined) => `${Path.extname(path)} ${digest}`

/** By extension and digest of content; read when something has changed. */
const openCodes = (file: string, format: string) => {
  let kept: Map<string, CodeFile.CodeFile> | undefined
  let parser: typeof Parser | undefined
  return {
    get: (path: string, digest: string): CodeFile.CodeFile => {
      kept ??= new Map(Object.entries(read<Readonly<Record<string, CodeFile.CodeFile>>>(file, format) ?? {}))
      const known = kept.get(codeId(path, digest))
      if (known !== undefined) return known
      parser ??= Module.createRequire(import.meta.url)("rolldown/utils") as typeof Parser
      const made = CodeFile.make(parser, path, Fs.readFileSync(path, "utf8"))
      if ("message" in made) throw new CodeMistake(path, made)
      kept.set(codeId(path, digest), made)
      return made
    },
    save: (used: ReadonlySet<string>) => {
      if (parser === undefined) return
      write(file, format, Object.fromEntries(Array.from(kept!).filter(([id]) => used.has(id))))
    }
  }
}

const read = <A>(file: string, format: string): A | undefined => {
  try {
    const text = Fs.readFileSync(file, "utf8")
    const value = text.slice(headLength)
    return text.startsWith(headOf(format, value)) ? (JSON.parse(value) as A) : undefined
  } catch {
    // Missing, cut short or not ours to read.
    return undefined
  }
}

/** Under a name of its own first, because others may write and read at the same time. */
const write = (file: string, format: string, value: unknown) => {
  const aside = `${file}.${process.pid}`
  const text = JSON.stringify(value)
  try {
    Fs.mkdirSync(Path.dirname(file), { recursive: true })
    Fs.writeFileSync(aside, headOf(format, text) + text)
    Fs.renameSync(aside, file)
  } catch {
    Fs.rmSync(aside, { force: true })
  }
}

/** Stands before what is kept. */
const headOf = (format: string, text: string) => Version.hash("kept", [format, text])
const headLength = headOf("", "").length

/** Of SQL without its comments, of others all bytes. */
const digestOfFile = (path: string): string => {
  const text = Fs.readFileSync(path, "latin1")
  return path.endsWith(".sql") ? Version.hash("sql", [CodeSql.canonical(text)]) : Version.hash("file", [text])
}

const digestOfFolder = (folder: string, digest: (path: string) => string | undefined): string =>
  Version.hash(
    "folder",
    Fs.readdirSync(folder)
      .sort()
      .flatMap((name) => [name, digest(Path.join(folder, name)) ?? ""])
  )
