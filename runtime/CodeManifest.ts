/**
 * What a computed code version was made from: digests of what it has of each file, and versions of packages.
 *
 * Kept beside the version so that one can tell what changed; the version itself is `CodeVersion`'s.
 */
import * as Schema from "effect/Schema"

/** Paths are from the project's folder, with slashes. */
export const CodeManifest = Schema.Struct({
  files: Schema.Record(Schema.String, Schema.String),
  packages: Schema.Record(Schema.String, Schema.String),
  /** What code alone does not show: `schema`, and each `argument` of the factory that made the asset. */
  values: Schema.Record(Schema.String, Schema.String)
})
export type CodeManifest = typeof CodeManifest.Type

/** A code version in force; explicit ones have no manifest. */
export interface Versioned {
  readonly version: string
  readonly manifest: Manifest | undefined
}

/** Found out when somebody asks, because few do; `undefined` when the code cannot be read any more. */
export type Manifest = () => CodeManifest | undefined

/** The manifests of code versions in force, by version. */
export const inForce = (
  nodes: Iterable<{ readonly codeVersion: string; readonly codeManifest: Manifest | undefined }>
): ReadonlyMap<string, CodeManifest> => {
  const found = new Map<string, CodeManifest>()
  for (const { codeManifest, codeVersion } of nodes) {
    const manifest = codeManifest?.()
    if (manifest !== undefined) found.set(codeVersion, manifest)
  }
  return found
}

/** What a manifest of `assets build` holds: the computed versions by asset. */
export const Build = Schema.Struct({
  assets: Schema.Record(Schema.String, Schema.Struct({ version: Schema.String, manifest: CodeManifest }))
})
export type Build = typeof Build.Type

/** What differs, each where anything does: `files` by path, `packages` as `effect 4.1.0 → 4.1.1`, sorted. */
export interface Changes {
  readonly files?: ReadonlyArray<string>
  readonly packages?: ReadonlyArray<string>
  /** Such as `schema`, or `argument size`. */
  readonly values?: ReadonlyArray<string>
}

/** Empty when one of the two is not known. */
export const changes = (from: CodeManifest | undefined, manifest: Manifest | undefined): Changes => {
  const to = from === undefined ? undefined : manifest?.()
  if (from === undefined || to === undefined) return {}
  const files = differing(from.files, to.files)
  const values = differing(from.values, to.values)
  const packages = differing(from.packages, to.packages).map(
    (name) => `${name} ${from.packages[name] ?? "(none)"} → ${to.packages[name] ?? "(none)"}`
  )
  return {
    ...(files.length === 0 ? {} : { files }),
    ...(packages.length === 0 ? {} : { packages }),
    ...(values.length === 0 ? {} : { values })
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const differing = (from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>) =>
  Array.from(new Set([...Object.keys(from), ...Object.keys(to)]))
    .filter((name) => from[name] !== to[name])
    .sort()
