/**
 * The assets of a project in an order in which everything an asset waits for comes before it.
 *
 * The only cycles are of assets that read earlier slices of themselves: dependencies are values. This module leaves out
 * what is stored about the assets.
 */
import * as Asset from "./Asset.ts"
import * as Label from "./Label.ts"
import * as Mapping from "./Mapping.ts"
import * as Partition from "./Partition.ts"
import type { Manifest, Versioned } from "./CodeManifest.ts"
import * as Ranges from "./Ranges.ts"
import * as Together from "./Together.ts"
import * as Version from "./Version.ts"

export interface Problem {
  readonly asset: string
  readonly file: string
  readonly detail: string
}

/** Everything that is wrong with the declarations of a project. */
export class DeclarationError extends Error {
  readonly _tag = "DeclarationError"
  readonly problems: ReadonlyArray<Problem>
  constructor(problems: ReadonlyArray<Problem>) {
    super(problems.map((problem) => `asset "${problem.asset}" (${problem.file}): ${problem.detail}`).join("\n"))
    this.name = "DeclarationError"
    this.problems = problems
  }
}

export interface Edge {
  readonly asset: string
  readonly mapping: Mapping.Mapping
  readonly versioned: boolean
}

export interface Node {
  readonly asset: Asset.Any
  /** Explicit, or computed and put here by `withCodeVersions`, or `Version.inProcess`. */
  readonly codeVersion: string
  /** What a computed code version was made from. */
  readonly codeManifest: Manifest | undefined
  /** In the order of declaration, each dependency once. */
  readonly deps: ReadonlyArray<Edge>
  /** Keys of assets that only go first. */
  readonly after: ReadonlyArray<string>
  /** Keys of further assets that only its checks read. They go first too, but it does not wait for them to exist. */
  readonly checkedAgainst: ReadonlyArray<string>
  /** Keys of assets that read this one. */
  readonly dependents: ReadonlyArray<string>
}

export interface AssetGraph {
  /** Dependencies first. */
  readonly order: ReadonlyArray<string>
  readonly nodes: ReadonlyMap<string, Node>
}

/**
 * Collects `roots` and everything they depend on, follow, or check against. Throws a `DeclarationError` that names every
 * mistake.
 */
export const make = (roots: Iterable<Asset.Any>): AssetGraph => {
  const assets = new Map<string, Asset.Any>()
  const problems: Array<Problem> = []
  // An own stack, because a long chain of dependencies would exhaust the call stack.
  const stack: Array<{ readonly asset: Asset.Any; readonly entered: boolean }> = Array.from(roots, (asset) => ({
    asset,
    entered: false
  })).reverse()
  const seen = new Set<Asset.Any>()
  while (stack.length > 0) {
    const { asset, entered } = stack.pop()!
    if (entered) {
      const known = assets.get(asset.key)
      if (known === undefined) {
        assets.set(asset.key, asset)
        continue
      }
      const detail = leadsBack(asset) ?? leadsBack(known) ?? `another asset has this key, in ${known.file}`
      problems.push({ asset: asset.key, file: asset.file, detail })
      continue
    }
    if (seen.has(asset)) continue
    seen.add(asset)
    stack.push({ asset, entered: true })
    const before = [
      ...Object.values(asset.deps)
        .filter(isOther)
        .map((dep) => dep.asset),
      ...asset.after,
      ...readByChecks(asset)
    ]
    for (const dep of before.reverse()) if (!seen.has(dep)) stack.push({ asset: dep, entered: false })
  }
  const places = new Map<string, Asset.Any>()
  const judge = judgeOfPartitions()
  for (const asset of assets.values()) {
    problems.push(...problemsOf(asset, judge))
    for (const other of asset.together === undefined ? [] : Together.others(asset.together)) {
      if (assets.has(other)) continue
      problems.push({ asset: asset.key, file: asset.file, detail: `"${other}", computed with it, is not declared` })
    }
    const place = asset.io.describe(Asset.owner(asset))
    const other = places.get(place)
    if (other === undefined) places.set(place, asset)
    else problems.push({ asset: asset.key, file: asset.file, detail: `"${other.key}" is kept in the same ${place}` })
  }
  if (problems.length > 0) throw new DeclarationError(problems)
  return fromAssets(assets)
}

/** Everything upstream of `key` that it reads, directly or not, without `key` itself. */
export const ancestors = (self: AssetGraph, key: string): ReadonlySet<string> =>
  reach(key, (at) =>
    self.nodes
      .get(at)!
      .deps.map((edge) => edge.asset)
      .filter((asset) => asset !== at)
  )

const none: ReadonlyArray<string> = []

/** The other assets that are always computed with this one, by the same body. */
export const togetherWith = (self: AssetGraph, key: string): ReadonlyArray<string> => {
  const { together } = self.nodes.get(key)!.asset
  if (together === undefined || together.subset) return none
  // One that was given another body is computed by itself.
  return Together.others(together).filter((other) => self.nodes.get(other)?.asset.together?.id === together.id)
}

/** With these code versions in force, by asset; the others stay as they are. */
export const withCodeVersions = (self: AssetGraph, versions: ReadonlyMap<string, Versioned>): AssetGraph => ({
  ...self,
  nodes: new Map(
    Array.from(self.nodes, ([key, node]) => {
      const known = versions.get(key)
      return [key, known === undefined ? node : { ...node, codeVersion: known.version, codeManifest: known.manifest }]
    })
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const fromAssets = (assets: ReadonlyMap<string, Asset.Any>): AssetGraph => {
  const dependents = new Map<string, Array<string>>(Array.from(assets.keys(), (key) => [key, []]))
  const nodes = new Map<string, Node>()
  for (const asset of assets.values()) {
    const edges = new Map<string, Edge>()
    for (const dep of Object.values(asset.deps)) {
      const { key } = dep.asset
      edges.set(key, {
        asset: key,
        mapping: dep.mapping,
        versioned: dep.versioned || edges.get(key)?.versioned === true
      })
    }
    for (const dep of edges.keys()) if (dep !== asset.key) dependents.get(dep)!.push(asset.key)
    const after = asset.after.map((other) => other.key).filter((key) => !edges.has(key))
    const read = new Set(readByChecks(asset).map((other) => other.key))
    nodes.set(asset.key, {
      asset,
      codeVersion: asset.codeVersion ?? Version.inProcess,
      codeManifest: undefined,
      deps: Array.from(edges.values()),
      after,
      checkedAgainst: Array.from(read).filter((key) => !edges.has(key) && !after.includes(key)),
      dependents: dependents.get(asset.key)!
    })
  }
  return { order: Array.from(nodes.keys()), nodes }
}

const isOther = (dep: Asset.Dependency): boolean => dep.mapping._tag !== "Previous"

const reach = (start: string, next: (key: string) => ReadonlyArray<string>): ReadonlySet<string> => {
  const found = new Set<string>()
  const stack = [start]
  while (stack.length > 0) {
    for (const key of next(stack.pop()!)) {
      if (found.has(key)) continue
      found.add(key)
      stack.push(key)
    }
  }
  return found
}

const readByChecks = (asset: Asset.Any): ReadonlyArray<Asset.Any> =>
  asset.checks.flatMap((check) => Object.values(check.reads).map((read) => read.asset))

/** The first asset with the key among `start` and all that it reads or follows. */
const findUpstream = (start: Asset.Any, key: string): Asset.Any | undefined => {
  const seen = new Set([start])
  for (const asset of seen) {
    if (asset.key === key) return asset
    for (const dep of Object.values(asset.deps).filter(isOther)) seen.add(dep.asset)
    for (const other of [...asset.after, ...readByChecks(asset)]) seen.add(other)
  }
  return undefined
}

/** Where a check leads back to its own asset, that asset is there twice: with the check and without. */
const leadsBack = (asset: Asset.Any): string | undefined => {
  for (const { name, reads } of asset.checks) {
    const read = Object.values(reads).find(({ asset: start }) => findUpstream(start, asset.key) !== undefined)
    if (read === undefined) continue
    const { key } = read.asset
    return key === asset.key
      ? `the check "${name}" reads "${key}", which it judges: its first argument is that value`
      : `the check "${name}" reads "${key}", which is made from "${asset.key}": a check reads what was published before`
  }
  return undefined
}

const checkProblems = ({ checks, io, partitions }: Asset.Any): ReadonlyArray<string> =>
  checks.flatMap(({ name, over }) => {
    if (over === "slice") return []
    if (partitions === undefined) {
      return [`the check "${name}" is over the whole, but the asset has no partitions: leave \`over\` out`]
    }
    return io.judged === "by slice"
      ? [`the check "${name}" is over the whole, but values of the kind ${io.kind} are judged by slice`]
      : []
  })

type Judge = (partitions: Partition.Partitioning) => ReadonlyArray<string>

/** Thousands of assets may be cut alike: what is said of one holds for all. */
const judgeOfPartitions = (): Judge => {
  const known = new Map<string, ReadonlyArray<string>>()
  return (partitions) => {
    const content = JSON.stringify(partitions)
    const problems = known.get(content) ?? Partition.problems(partitions)
    known.set(content, problems)
    return problems
  }
}

const problemsOf = (asset: Asset.Any, judge: Judge): ReadonlyArray<Problem> => {
  const details = [
    ...asset.problems,
    ...Label.problems(asset),
    ...asset.io.problems(Asset.owner(asset)),
    ...checkProblems(asset)
  ]
  const names = asset.checks.map((check) => check.name)
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index))) {
    details.push(`two checks are called "${name}"`)
  }
  if (asset.recheckAfter !== undefined && asset.itself === undefined && Object.values(asset.deps).some(isOther)) {
    details.push("recheckAfter is for assets without dependencies; this one follows the versions of its dependencies")
  }
  details.push(...problemsOfExternal(asset), ...problemsOfRanges(asset))
  if (asset.partitions !== undefined) details.push(...judge(asset.partitions))
  const mappings = new Map<string, Mapping.Mapping>()
  for (const { asset: dep, mapping } of Object.values(asset.deps)) {
    const other = mappings.get(dep.key) ?? mapping
    mappings.set(dep.key, mapping)
    details.push(...Mapping.problems(mapping, asset.partitions, dep.partitions, dep.key))
    if (Mapping.equals(other, mapping)) continue
    details.push(
      [other._tag, mapping._tag].includes("All")
        ? `it reads "${dep.key}" both by partition and as a whole; all its partitions include its own`
        : `it reads "${dep.key}" in two ways; what is read is recorded once for each asset`
    )
  }
  return details.map((detail) => ({ asset: asset.key, file: asset.file, detail }))
}

const problemsOfExternal = ({ external, recheckAfter, unrepeatable }: Asset.Any): ReadonlyArray<string> => {
  if (external === undefined) return none
  const details: Array<string> = []
  if (unrepeatable) details.push("unrepeatable is for what is computed here; nothing freezes an external asset")
  if (recheckAfter !== undefined && external.observe === undefined) {
    details.push("recheckAfter says when it is looked at; say how with Asset.observe")
  }
  return details
}

/** What is said or found slice by slice is not for a body that takes many. */
const problemsOfRanges = (asset: Asset.Any): ReadonlyArray<string> => {
  if (asset.ranges === undefined) return none
  const details: Array<string> = []
  const refusal = Ranges.refusal(asset)
  const refuse = (why: string) => details.push(`Asset.ranges is not for it: ${why}`)
  if (refusal !== undefined) refuse(refusal)
  if (!(asset.ranges.most >= 1)) refuse(`at most ${asset.ranges.most} partitions in a step are none`)
  if (Object.values(asset.deps).some(({ mapping }) => mapping._tag === "Previous")) {
    refuse("it reads earlier partitions of its own, which have to be published before")
  }
  if (asset.itself !== undefined) refuse("it reads the value of one partition that it is about to replace")
  if (asset.version._tag === "Custom") refuse("its data version is found by a function of one partition")
  if (asset.cutoff !== undefined) refuse("Asset.cutoff compares one partition with what is published of it")
  return details
}
