/**
 * Why an asset is not Current, and why a step is in a plan: the tagged data that every answer to "why" is made of.
 *
 * Reasons are found by `Staleness` and `Plan`; this module only names them and puts them into words.
 */
import * as Schema from "effect/Schema"
import * as Version from "./Version.ts"

export const Status = Schema.Literals(["Missing", "Stale", "Maybe", "Current"])
/** By version: never published; made from other versions than those in force; undecided until an ancestor ran; neither. */
export type Status = typeof Status.Type

const causes = {
  /** Of computed versions that are both known, what changed; see `CodeManifest.Changes`. */
  CodeChanged: {
    from: Schema.String,
    to: Schema.String,
    files: Schema.optionalKey(Schema.Array(Schema.String)),
    packages: Schema.optionalKey(Schema.Array(Schema.String)),
    values: Schema.optionalKey(Schema.Array(Schema.String))
  },
  /** `key` is as `ConfigDigests` writes it; its values are nowhere. */
  ConfigChanged: { key: Schema.String },
  DependencyAdded: { dependency: Schema.String },
  DependencyRemoved: { dependency: Schema.String },
  /**
   * `partitions` are those that moved since the value was made, neighbours merged to ranges such as
   * `2026-01-01..2026-01-31`; `null` for a dependency without partitions.
   */
  DependencyChanged: {
    dependency: Schema.String,
    partitions: Schema.NullOr(Schema.Array(Schema.String)),
    /** Of a dynamic partitioning, the keys it had when the value was made and has no longer. */
    removed: Schema.optionalKey(Schema.Array(Schema.String))
  },
  /** `since` is when the source was last verified (ISO 8601); `null` for an external asset that was never observed. */
  RecheckDue: { since: Schema.NullOr(Schema.String) }
}

/** Why a published value is Stale. */
export const Cause = Schema.TaggedUnion(causes)
export type Cause = typeof Cause.Type

/** Why a step is in a plan. */
export const Reason = Schema.TaggedUnion({
  ...causes,
  Missing: {},
  /** A dependency has a step in the same plan, and may come out different. */
  DependencyPlanned: { dependency: Schema.String },
  /** Another asset that the same body computes has to be. */
  ComputedTogether: { with: Schema.String },
  RecheckRequested: {},
  Forced: {}
})
export type Reason = typeof Reason.Type

/** A phrase that fits after a dash: `features — users has changed`. */
export const show = (reason: Reason): string =>
  Reason.match(reason, {
    Missing: () => "never materialized",
    CodeChanged: (cause) => showCodeChange(cause, few),
    ConfigChanged: ({ key }) => `setting ${key} has changed`,
    DependencyAdded: ({ dependency }) => `now depends on ${dependency}`,
    DependencyRemoved: ({ dependency }) => `no longer depends on ${dependency}`,
    DependencyChanged: (cause) => showChange(cause),
    RecheckDue: ({ since }) => (since === null ? "never observed" : `not rechecked since ${since}`),
    DependencyPlanned: ({ dependency }) => `${dependency} may change`,
    ComputedTogether: (reason) => `computed together with ${reason.with}`,
    RecheckRequested: () => "recheck requested",
    Forced: () => "forced"
  })

/** `orders has changed in bolt, and acme was removed`. */
export const showChange = ({
  dependency,
  partitions,
  removed = []
}: Extract<Cause, { readonly _tag: "DependencyChanged" }>): string => {
  const gone = `${few(removed)} ${removed.length === 1 ? "was" : "were"} removed`
  if (partitions === null || partitions.length === 0) {
    return removed.length === 0 ? `${dependency} has changed` : `${dependency} ${gone}`
  }
  const changed = `${dependency} has changed in ${few(partitions)}`
  return removed.length === 0 ? changed : `${changed}, and ${gone}`
}

/** What has changed in the code, by all of its names. */
export const showCodeChange = (
  { files = [], from, packages = [], to, values = [] }: CodeChanged,
  names = all
): string => {
  if (Version.isComputedOtherwise(from, to)) return "code versions are computed in another way now"
  const changed = [...files, ...values, ...packages]
  if (changed.length > 0) return `code has changed: ${names(changed)}`
  return Version.algorithmOf(from) === undefined || Version.algorithmOf(to) === undefined
    ? `code version ${short(from)} became ${short(to)}`
    : "code has changed"
}

/** The first few of many names. */
export const few = (names: ReadonlyArray<string>): string =>
  names.length <= 4 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

type CodeChanged = Extract<Cause, { readonly _tag: "CodeChanged" }>

const all = (names: ReadonlyArray<string>) => names.join(", ")

/** As much of a computed version as tells it from others. */
const short = (version: string) => {
  const algorithm = Version.algorithmOf(version)
  return algorithm === undefined ? version : version.slice(0, `${algorithm}:`.length + 8)
}
