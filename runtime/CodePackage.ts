/**
 * Where an import leads: to source code of the project, to a package in some version, or out of sight.
 *
 * Follows Node's rules as far as they decide that; what a package exports is not looked into.
 */
import * as Fs from "node:fs"
import * as Module from "node:module"
import * as Path from "node:path"
import * as Url from "node:url"

export type Destination =
  /** Code, or another file, of the project. */
  | { readonly _tag: "File"; readonly path: string }
  /** `version` is `missing` for one that is not installed. */
  | { readonly _tag: "Package"; readonly name: string; readonly version: string }
  /** Part of Node, or of this runtime, whose own changes `CodeVersion.algorithm` stands for. */
  | { readonly _tag: "Platform" }

/** Folders, what was imported in them, and where that led. */
export type Asked = ReadonlyArray<readonly [folder: string, specifier: string, Destination]>

export interface Resolver {
  readonly resolve: (from: string, specifier: string) => Destination
  /** What was asked about packages. */
  readonly asked: () => Asked
}

/** Whether these answers still hold. */
export const holds = (asked: Asked): boolean => {
  const { resolve } = resolver(() => false)
  return asked.every(
    ([folder, specifier, answer]) =>
      JSON.stringify(resolve(Path.join(folder, "file"), specifier)) === JSON.stringify(answer)
  )
}

/** Answers for the imports of one moment; `exists` tells whether there is such a file. */
export const resolver = (exists: (path: string) => boolean): Resolver => {
  const packages = new Map<string, Destination | undefined>()
  const inFolder = (folder: string, name: string): Destination | undefined => {
    const id = `${folder} ${name}`
    if (packages.has(id)) return packages.get(id)
    const parent = Path.dirname(folder)
    const found =
      installed(Path.join(folder, "node_modules", name), name) ??
      (parent === folder ? undefined : inFolder(parent, name))
    packages.set(id, found)
    return found
  }
  const beside = (folder: string, specifier: string): Destination => {
    const path = existing(
      specifier.startsWith("file:") ? Url.fileURLToPath(specifier) : Path.resolve(folder, specifier),
      exists
    )
    return isRuntime(path) ? platform : { _tag: "File", path }
  }
  const inPackage = (folder: string, specifier: string): Destination => {
    const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
    if (name === own) return platform
    const found = specifier.startsWith("#") ? { _tag: "File" as const, path: "" } : inFolder(folder, name)
    if (found === undefined) return { _tag: "Package", name, version: "missing" }
    return found._tag === "File" ? linked(folder, specifier) : found
  }
  const answers = new Map<string, Destination>()
  const asked: Array<Asked[number]> = []
  return {
    asked: () => asked,
    resolve: (from, specifier) => {
      const folder = Path.dirname(from)
      const id = `${folder} ${specifier}`
      const known = answers.get(id)
      if (known !== undefined) return known
      const isBeside = /^(\.{0,2}\/|file:)/.test(specifier)
      const answer = Module.isBuiltin(specifier)
        ? platform
        : isBeside
          ? beside(folder, specifier)
          : inPackage(folder, specifier)
      if (!isBeside && answer._tag !== "Platform") asked.push([folder, specifier, answer])
      answers.set(id, answer)
      return answer
    }
  }
}

/** Whether a file is one of this runtime's own. */
export const isRuntime = (path: string): boolean => path.startsWith(here + Path.sep)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const here = import.meta.dirname

const platform: Destination = { _tag: "Platform" }

const manifest = (folder: string) =>
  JSON.parse(Fs.readFileSync(Path.join(folder, "package.json"), "utf8")) as {
    readonly name?: string
    readonly version?: string
  }

/** The name of the package that this is part of. */
const own = "effect-assets"

/** A package that is a link to a folder beside the project is part of the project. */
const installed = (folder: string, name: string): Destination | undefined => {
  if (!Fs.existsSync(Path.join(folder, "package.json"))) return undefined
  const real = Fs.realpathSync(folder)
  return real.includes(`${Path.sep}node_modules${Path.sep}`)
    ? { _tag: "Package", name, version: manifest(real).version ?? "unknown" }
    : { _tag: "File", path: real }
}

const linked = (folder: string, specifier: string): Destination => {
  try {
    const path = Fs.realpathSync(Module.createRequire(Path.join(folder, "file")).resolve(specifier))
    return isRuntime(path) ? platform : { _tag: "File", path }
  } catch {
    return { _tag: "Package", name: specifier, version: "unresolved" }
  }
}

/** Compiled and bundled projects say `./x.js` of what is `./x.ts`. */
const existing = (path: string, exists: (path: string) => boolean): string => {
  if (exists(path)) return path
  const candidates = [path.replace(/\.([cm]?)js(x?)$/, ".$1ts$2"), `${path}.ts`, Path.join(path, "index.ts")]
  return candidates.find(exists) ?? path
}
