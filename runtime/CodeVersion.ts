/**
 * The code versions of assets that declare none: computed from the code that each one's `Asset.make` is given.
 *
 * What that code reaches is found by `CodeSlice`; combinators are left out. Nothing here runs where versions are not
 * asked for.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Url from "node:url"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Asset from "./Asset.ts"
import * as CallSite from "./CallSite.ts"
import type * as AssetGraph from "./AssetGraph.ts"
import * as CodeArguments from "./CodeArguments.ts"
import * as CodeCache from "./CodeCache.ts"
import * as CodeFile from "./CodeFile.ts"
import * as CodeManifest from "./CodeManifest.ts"
import * as CodePackage from "./CodePackage.ts"
import * as CodeSlice from "./CodeSlice.ts"
import type * as Definitions from "./Definitions.ts"
import * as Version from "./Version.ts"

/**
 * Moves when the same code gets another version: with what is here, in the other modules named `Code…`, or in the
 * parser. Values made under another one are verified by digest, not computed again.
 */
export const algorithm = 2

/** An asset whose code version cannot be found out. */
export interface Problem {
  readonly asset: string
  readonly file: string
  readonly detail: string
}

export type Versions = ReadonlyMap<string, CodeManifest.Versioned>

/**
 * The code versions of all assets that declare none: from the manifest that the definitions name, if it is there,
 * otherwise computed. `folder` is the project's own, where what was learnt is kept.
 */
export const ofDefinitions = (
  definitions: Definitions.Definitions,
  folder: string
): Result.Result<Versions, ReadonlyArray<Problem>> => {
  const { codeVersions, graph } = definitions
  return codeVersions !== undefined && Fs.existsSync(codeVersions)
    ? fromBuild(unversioned(graph), Url.fileURLToPath(codeVersions))
    : compute(graph, folder)
}

/** The same from the code alone. */
export const compute = (
  graph: AssetGraph.AssetGraph,
  folder: string
): Result.Result<Versions, ReadonlyArray<Problem>> => {
  const assets = unversioned(graph)
  if (assets.length === 0) return Result.succeed(new Map())
  const cache = CodeCache.open(folder, String(algorithm))
  const { trace } = cache
  if (trace === undefined || !holds(trace, cache, graph)) return fromCode(graph, assets, cache)
  cache.save(trace)
  let whole: ReturnType<typeof fromCode> | undefined
  const manifestOf = (key: string) => {
    whole ??= fromCode(graph, assets, cache)
    return Result.isSuccess(whole) ? whole.success.get(key)?.manifest?.() : undefined
  }
  return Result.succeed(
    new Map(assets.map(({ key }) => [key, { version: trace.versions[key]!.version, manifest: () => manifestOf(key) }]))
  )
}

/** What `assets build` writes. */
export const toBuild = (versions: Versions): CodeManifest.Build => ({
  assets: Object.fromEntries(
    Array.from(versions).flatMap(([asset, { manifest, version }]) => {
      const known = manifest?.()
      return known === undefined ? [] : [[asset, { version, manifest: known }]]
    })
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const remedy = "declare a codeVersion for it, or"

const fromBuild = (assets: ReadonlyArray<Asset.Any>, path: string): ReturnType<typeof ofDefinitions> => {
  const build = Result.try(() => decodeBuild(JSON.parse(Fs.readFileSync(path, "utf8"))))
  if (Result.isFailure(build)) {
    const detail = `${path} is not what \`assets build\` writes`
    return Result.fail(assets.slice(0, 1).map(({ key }) => ({ asset: key, file: path, detail })))
  }
  const unknown = assets.filter(({ key }) => build.success.assets[key] === undefined)
  return unknown.length === 0
    ? Result.succeed(
        new Map(
          assets.map(({ key }) => {
            const { manifest, version } = build.success.assets[key]!
            return [key, { version, manifest: () => manifest }]
          })
        )
      )
    : Result.fail(
        unknown.map(({ file, key }) => ({
          asset: key,
          file,
          detail: `${path} holds no code version of it: ${remedy} write the file anew with \`assets build\``
        }))
      )
}

const decodeBuild = Schema.decodeUnknownSync(CodeManifest.Build)

const unversioned = (graph: AssetGraph.AssetGraph): ReadonlyArray<Asset.Any> =>
  Array.from(graph.nodes.values(), ({ asset }) => asset).filter(({ codeVersion }) => codeVersion === undefined)

const fromCode = (
  graph: AssetGraph.AssetGraph,
  assets: ReadonlyArray<Asset.Any>,
  cache: CodeCache.CodeCache
): ReturnType<typeof ofDefinitions> => {
  const { asked, resolve } = CodePackage.resolver((path) => cache.digest(path) !== undefined)
  const project: CodeSlice.Project = { cache, resolve, assets: madeIn(graph) }
  const slice = CodeSlice.reader(project)
  const computed = new Map<string, Computed>()
  const problems: Array<Problem> = []
  for (const asset of assets) {
    try {
      computed.set(asset.key, versionOf(project, slice, asset))
    } catch (cause) {
      problems.push(problemOf(asset, cause))
    }
  }
  if (problems.length > 0) {
    cache.save(undefined)
    return Result.fail(problems)
  }
  const versions = Object.fromEntries(
    Array.from(computed, ([key, { free, version }]) => [key, { version, free }] as const)
  )
  cache.save({
    fingerprint: fingerprint(graph, versions),
    files: Object.fromEntries(Array.from(cache.asked, ([path, digest]) => [path, digest ?? null])),
    packages: asked(),
    versions
  })
  return Result.succeed(
    new Map(Array.from(computed, ([key, { manifest, version }]) => [key, { version, manifest: () => manifest }]))
  )
}

const holds = (trace: CodeCache.Trace, cache: CodeCache.CodeCache, graph: AssetGraph.AssetGraph): boolean =>
  trace.fingerprint === fingerprint(graph, trace.versions) &&
  Object.entries(trace.files).every(([path, digest]) => (cache.digest(path) ?? null) === digest) &&
  CodePackage.holds(trace.packages)

/** All that assets themselves say that a version is made from, or that leads to their code. */
const fingerprint = ({ nodes }: AssetGraph.AssetGraph, versions: CodeCache.Trace["versions"]): string => {
  const parts: Array<string> = []
  for (const { asset } of nodes.values()) {
    const { codeVersion, declaredAt, dependsOnCodeAt, io, key } = asset
    parts.push(key)
    for (const { column, file, line } of [declaredAt, dependsOnCodeAt].flat(2)) parts.push(`${file}:${line}:${column}`)
    if (codeVersion !== undefined) continue
    parts.push(JSON.stringify([io.schema?.(), argumentsOf(asset, versions[key]?.free ?? []).values]))
  }
  return Version.hash("fingerprint", [parts.join("\n")])
}

class Unknowable extends Error {}

interface Computed {
  readonly version: string
  readonly manifest: CodeManifest.CodeManifest
  /** Names of what the code takes from its factory or loop. */
  readonly free: ReadonlyArray<string>
}

const versionOf = (
  project: CodeSlice.Project,
  sliceOf: ReturnType<typeof CodeSlice.reader>,
  asset: Asset.Any
): Computed => {
  const [site, ...around] = sitesOf(asset.declaredAt)
  if (site === undefined) {
    throw new Unknowable(
      asset.declaredAt.length === 0
        ? `it stands in a bundle: ${remedy} write a manifest with \`assets build\` and name it in Definitions.make`
        : `it stands outside of the project's own files: ${remedy} declare it in one of them`
    )
  }
  const made = givenAt(project, site, "Asset.make")
  const added = asset.dependsOnCodeAt.flatMap((calls) =>
    sitesOf(calls)
      .slice(0, 1)
      .map((at) => givenAt(project, at, "Asset.dependsOnCode"))
  )
  const { opaque, values } = argumentsOf(asset, made.given.free)
  // What cannot be written down is stood for by the code that gave it.
  const isCallersCode = opaque || added.some(({ given }) => given.free.length > 0)
  const callers = isCallersCode ? around.flatMap((at) => surrounding(project, at)) : []
  const slice = sliceOf([made, ...added, ...callers])
  if (asset.io.schema !== undefined) {
    values["schema"] = Version.hash("schema", [JSON.stringify(asset.io.schema())])
  }
  const told = relativeTo(rootOf(site.path))
  const packages = Object.fromEntries(sorted(slice.packages))
  const version = Version.computed(algorithm, [
    slice.lines.join("\n"),
    JSON.stringify([Object.entries(packages), Object.values(values)])
  ])
  const files = Object.fromEntries(Array.from(slice.files, ([path, digest]) => [told(path), digest] as const))
  return { version, manifest: { files, packages, values }, free: made.given.free }
}

interface Site extends CodeFile.Position {
  readonly path: string
}

const pathOf = ({ column, file, line }: CallSite.CallSite): Site => ({
  path: file.startsWith("file:") ? Url.fileURLToPath(file) : file,
  line,
  column
})

/** Calls in the project's own files, innermost first; none of a bundle, in which this runtime stands beside them. */
const sitesOf = (calls: ReadonlyArray<CallSite.CallSite>): ReadonlyArray<Site> =>
  calls
    .map(pathOf)
    .filter(({ path }) => Path.isAbsolute(path) && !CodePackage.isRuntime(path) && !path.includes("node_modules"))

const givenAt = ({ cache }: CodeSlice.Project, site: Site, name: string): CodeSlice.Root => {
  const given = cache.code(site.path)?.given[CodeFile.position(site)]
  if (given !== undefined) return { path: site.path, given }
  throw new Unknowable(`no call of ${name} is found in line ${site.line}: ${remedy} call it by that name`)
}

/** The declaration at the top of a file, or the statement there, that a call stands in. */
const surrounding = ({ cache }: CodeSlice.Project, { path, ...position }: Site): ReadonlyArray<CodeSlice.Root> =>
  Object.values(cache.code(path)?.pieces ?? {})
    .filter((piece) => CodeFile.isWithin(piece, position))
    .map(({ hash, refs }) => ({ path, given: { hash, refs, free: [] } }))

/** The outermost call is the one that was made while the file was loaded. */
const madeIn = ({ nodes }: AssetGraph.AssetGraph): CodeSlice.Assets => {
  const found = new Map<string, Array<{ readonly position: CodeFile.Position; readonly key: string }>>()
  for (const { asset } of nodes.values()) {
    const site = sitesOf(asset.declaredAt).at(-1)
    // Of a call that is too deep it is not known; then its code counts where its binding is named.
    if (site === undefined || asset.declaredAt.length === CallSite.most) continue
    const { path, ...position } = site
    const others = found.get(path)
    if (others === undefined) found.set(path, [{ position, key: asset.key }])
    else others.push({ position, key: asset.key })
  }
  return found
}

const argumentsOf = (asset: Asset.Any, names: ReadonlyArray<string>) => {
  const values: Record<string, string> = {}
  if (names.length === 0) return { values, opaque: false }
  const { version } = asset
  const functions = [asset.materialize, version._tag === "Custom" ? version.of : undefined]
  const encoded = CodeArguments.of(functions, names, keyOf)
  for (const name of names) {
    if (encoded[name] !== undefined) values[`argument ${name}`] = Version.hash("argument", [encoded[name]])
  }
  return { values, opaque: names.some((name) => encoded[name] === undefined) }
}

const keyOf = (value: object): string | undefined =>
  "~assets/Asset" in value && "key" in value ? String(value.key) : undefined

const problemOf = (asset: Asset.Any, cause: unknown): Problem => {
  const { key, file } = asset
  if (cause instanceof CodeCache.CodeMistake) {
    return { asset: key, file: cause.path, detail: `line ${cause.position.line}: ${cause.message}` }
  }
  if (cause instanceof Unknowable)
    return { asset: key, file, detail: `no code version can be computed: ${cause.message}` }
  throw cause
}

const sorted = (entries: ReadonlyMap<string, string>) => Array.from(entries).sort(([a], [b]) => (a < b ? -1 : 1))

/** A path inside a folder without it, with slashes. */
const relativeTo = (folder: string) => (path: string) =>
  (path.startsWith(folder + Path.sep) ? path.slice(folder.length + 1) : Path.relative(folder, path)).replaceAll(
    "\\",
    "/"
  )

const folders = new Map<string, string>()

/** The nearest folder around a file that has a package.json, from which paths are told. */
const rootOf = (path: string): string => {
  const folder = Path.dirname(path)
  const known = folders.get(folder)
  if (known !== undefined) return known
  const isRoot = Fs.existsSync(Path.join(folder, "package.json")) || Path.dirname(folder) === folder
  const found = isRoot ? folder : rootOf(folder)
  folders.set(folder, found)
  return found
}
