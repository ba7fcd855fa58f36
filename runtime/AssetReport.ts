/**
 * One asset as it is declared: what it is, where it is kept, what it is made from and how it is run.
 *
 * Says nothing of what is published; that is told by `StatusReport` and `WhyReport`.
 */
import * as Duration from "effect/Duration"
import * as Asset from "./Asset.ts"
import type * as AssetGraph from "./AssetGraph.ts"
import type * as IoManager from "./IoManager.ts"
import * as Mapping from "./Mapping.ts"
import * as Partition from "./Partition.ts"
import * as Report from "./Report.ts"
import * as Together from "./Together.ts"

/** What `describe --json` prints. */
export interface AssetReport {
  readonly asset: string
  readonly description: string | null
  readonly group: string | null
  readonly tags: Readonly<Record<string, string>>
  /** That of its value first. */
  readonly kinds: ReadonlyArray<string>
  readonly owners: ReadonlyArray<string>
  /** Where people find the value. */
  readonly location: string
  readonly columns: ReadonlyArray<{
    readonly name: string
    readonly type: string
    readonly nullable: boolean
    readonly description: string | null
  }>
  /** `reads` says which partitions, in words; of one that is not `versioned` another version makes nothing Stale. */
  readonly dependencies: ReadonlyArray<{
    readonly asset: string
    readonly mapping: string
    readonly reads: string
    readonly versioned: boolean
  }>
  /** Whether its body gets the value that it is about to replace. */
  readonly readsItself: boolean
  /** What only goes first. */
  readonly after: ReadonlyArray<string>
  /** What reads it. */
  readonly dependents: ReadonlyArray<string>
  readonly partitions: { readonly kind: string; readonly description: string } | null
  readonly checks: ReadonlyArray<{
    readonly name: string
    readonly blocking: boolean
    readonly severity: "warn" | "error"
    readonly over: "slice" | "whole"
    /** Assets that it reads beside the value. */
    readonly reads: ReadonlyArray<string>
    readonly description: string | null
  }>
  /** At most so many retries. */
  readonly retries: number
  /** In milliseconds. */
  readonly timeout: number | null
  /** A duration in words, or a cron expression in UTC. */
  readonly recheckAfter: string | null
  /** Whether values that differ may mean the same. */
  readonly cutoff: boolean
  readonly unrepeatable: boolean
  readonly external: boolean
  /** Whether something external can be looked at. */
  readonly observed: boolean
  /** The other assets that the same body computes. */
  readonly togetherWith: ReadonlyArray<string>
  /** Partitions that one step takes at most; `null` where it takes one. */
  readonly ranges: number | null
  /** `null` when it is computed: `status` tells it. */
  readonly codeVersion: string | null
}

export const make = (graph: AssetGraph.AssetGraph, key: string): AssetReport => {
  const { after, asset, dependents, deps } = graph.nodes.get(key)!
  const { io, partitions } = asset
  return {
    asset: key,
    description: asset.description ?? null,
    group: asset.group ?? null,
    tags: asset.tags,
    kinds: Array.from(new Set([io.kind, ...asset.kinds])),
    owners: asset.owners,
    location: io.describe(Asset.owner(asset)),
    columns: io.fields.map((field: IoManager.Field) => ({ ...field, description: field.description ?? null })),
    dependencies: deps.map(({ asset, mapping, versioned }) => ({
      asset,
      mapping: mapping._tag.toLowerCase(),
      reads: Mapping.describe(mapping),
      versioned
    })),
    readsItself: asset.itself !== undefined,
    after,
    dependents,
    partitions: partitions === undefined ? null : partitionsOf(partitions),
    checks: asset.checks.map(({ blocking, description, name, over, reads, severity }) => ({
      name,
      blocking,
      severity,
      over,
      reads: Object.values(reads).map((read) => read.asset.key),
      description: description ?? null
    })),
    retries: asset.retry?.times ?? 0,
    timeout: asset.timeout === undefined ? null : Duration.toMillis(asset.timeout),
    recheckAfter: recheckInWords(asset.recheckAfter),
    cutoff: asset.cutoff !== undefined,
    unrepeatable: asset.unrepeatable,
    external: asset.external !== undefined,
    observed: asset.external?.observe !== undefined,
    togetherWith: asset.together === undefined ? [] : Together.others(asset.together),
    ranges: asset.ranges?.most ?? null,
    codeVersion: asset.codeVersion ?? null
  }
}

/** What there is to say, one thing a line; then the columns. */
export const toText = (self: AssetReport, medium: Report.Medium): ReadonlyArray<string> => {
  const { bold, dim } = medium.style
  const facts: ReadonlyArray<readonly [title: string, text: string]> = [
    ["group", self.group ?? ""],
    ["tags", tagsInWords(self.tags)],
    ["kinds", self.kinds.join(", ")],
    ["owners", self.owners.join(", ")],
    ["kept as", self.location],
    ["partitions", partitionsInWords(self.partitions)],
    ["reads", [...self.dependencies.map(dependencyInWords), ...(self.readsItself ? ["its own value"] : [])].join(", ")],
    ["after", self.after.join(", ")],
    ["read by", self.dependents.join(", ")],
    ["checks", self.checks.map(checkInWords).join(", ")],
    ["retries", self.retries === 0 ? "" : `at most ${self.retries}`],
    ["timeout", self.timeout === null ? "" : Report.duration(self.timeout)],
    ["recheck", self.recheckAfter ?? ""],
    ["repeatable", self.unrepeatable ? "no: its source forgets, so partitions are frozen once they end" : ""],
    ["cutoff", self.cutoff ? "where its own function takes a new value for the old one" : ""],
    ["computed", self.external ? (self.observed ? "by somebody else, and observed" : "by somebody else") : ""],
    ["together", self.togetherWith.length === 0 ? "" : `computed with ${self.togetherWith.join(", ")}`],
    ["ranges", self.ranges === null ? "" : `at most ${Report.number(self.ranges)} partitions a step`],
    ["code", self.external ? "" : self.codeVersion === null ? "version computed" : `version ${self.codeVersion}`]
  ]
  const told = facts.filter(([, text]) => text !== "")
  const width = Math.max(...told.map(([title]) => title.length))
  return [
    bold(self.asset),
    ...(self.description === null ? [] : [self.description.replaceAll(/\s+/g, " ").trim()]),
    "",
    ...told.map(([title, text]) => `${dim(title.padEnd(width))}  ${text}`),
    ...(self.columns.length === 0 ? [] : ["", ...columnsToText(self.columns, medium)])
  ]
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const recheckInWords = (recheckAfter: Asset.RecheckAfter | undefined): string | null => {
  if (recheckAfter === undefined) return null
  return recheckAfter._tag === "Cron" ? recheckAfter.expression : Duration.format(recheckAfter.duration)
}

const partitionsOf = (partitions: Partition.Partitioning) => ({
  kind: Partition.kind(partitions),
  description: Partition.describe(partitions)
})

const tagsInWords = (tags: AssetReport["tags"]) =>
  Object.entries(tags)
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`))
    .join(", ")

const partitionsInWords = (partitions: AssetReport["partitions"]) => (partitions === null ? "" : partitions.description)

const dependencyInWords = ({ asset, reads, versioned }: AssetReport["dependencies"][number]): string => {
  const ways = [...(reads === "" ? [] : [reads]), ...(versioned ? [] : ["whatever the version"])]
  return ways.length === 0 ? asset : `${asset} (${ways.join(", ")})`
}

const checkInWords = ({ blocking, name, over, reads, severity }: AssetReport["checks"][number]): string => {
  const ways = [
    ...(blocking ? ["blocking"] : []),
    ...(severity === "warn" ? ["warns"] : []),
    ...(over === "whole" ? ["over the whole"] : []),
    ...(reads.length > 0 ? [`reads ${reads.join(" and ")}`] : [])
  ]
  return ways.length === 0 ? name : `${name} (${ways.join(", ")})`
}

const columnsToText = (columns: AssetReport["columns"], medium: Report.Medium) =>
  Report.table(
    [{ title: "column" }, { title: "type" }, { title: "null" }, { title: "description", gives: true }],
    columns.map(({ description, name, nullable, type }) => [name, type, nullable ? "yes" : "", description ?? ""]),
    medium
  )
