/**
 * The graph of a selection as people and other programs read it: text, Mermaid, Graphviz, JSON.
 *
 * Says nothing of what is published.
 */
import type * as AssetGraph from "./AssetGraph.ts"
import * as Partition from "./Partition.ts"
import * as Together from "./Together.ts"

export const formats = ["text", "mermaid", "dot", "json"] as const
export type Format = (typeof formats)[number]

export interface Node {
  readonly key: string
  /** Of value: `table`, `json`, `blob`. */
  readonly kind: string
  /** Where people find the value. */
  readonly location: string
  readonly partitioned: boolean
  /** How it is cut: `daily`, `fixed`, …; `null` without partitions. */
  readonly partitions: Partition.Kind | null
  readonly description: string | null
  /** The other assets that the same body computes, selected or not. */
  readonly togetherWith: ReadonlyArray<string>
}

/** `to` reads `from`, or only comes after it. */
export interface Edge {
  readonly from: string
  readonly to: string
  readonly kind: "reads" | "after"
}

export interface GraphReport {
  /** Dependencies first. */
  readonly nodes: ReadonlyArray<Node>
  readonly edges: ReadonlyArray<Edge>
}

/** The selected assets, and the edges between them. */
export const make = (graph: AssetGraph.AssetGraph, selected: ReadonlySet<string>): GraphReport => {
  const nodes = Array.from(selected, (key): Node => {
    const { asset } = graph.nodes.get(key)!
    const partitioned = asset.partitions !== undefined
    const location = asset.io.describe({ key, partitioned })
    const partitions = asset.partitions === undefined ? null : Partition.kind(asset.partitions)
    const togetherWith = asset.together === undefined ? [] : Together.others(asset.together)
    const description = asset.description ?? null
    return { key, kind: asset.io.kind, location, partitioned, partitions, description, togetherWith }
  })
  const edges = nodes.flatMap(({ key }) => {
    const { after, deps } = graph.nodes.get(key)!
    return [
      ...deps.map((edge): Edge => ({ from: edge.asset, to: key, kind: "reads" })),
      ...after.map((from): Edge => ({ from, to: key, kind: "after" }))
    ].filter((edge) => selected.has(edge.from))
  })
  return { nodes, edges }
}

export const render = (self: GraphReport, format: Format): string =>
  ({ text: toText, mermaid: toMermaid, dot: toDot, json: JSON.stringify })[format](self)

/** One line an asset, indented by the longest way from a source. */
export const toText = ({ edges, nodes }: GraphReport): string => {
  const depths = new Map<string, number>()
  for (const { key } of nodes) {
    const above = edges.filter((edge) => edge.to === key).map((edge) => depths.get(edge.from)! + 1)
    depths.set(key, Math.max(0, ...above))
  }
  const name = ({ key, partitions }: Node) =>
    `${"  ".repeat(depths.get(key)!)}${key}${partitions === null ? "" : ` (${partitions})`}`
  const width = Math.max(0, ...nodes.map((node) => name(node).length))
  return nodes
    .map((node) => {
      const of = (kind: Edge["kind"]) => edges.filter((edge) => edge.to === node.key && edge.kind === kind)
      const clauses = (["reads", "after"] as const)
        .filter((kind) => of(kind).length > 0)
        .map(
          (kind) =>
            `${kind} ${of(kind)
              .map((edge) => edge.from)
              .join(", ")}`
        )
      return `${name(node).padEnd(width)}  ${clauses.join("; ")}`.trimEnd()
    })
    .join("\n")
}

/** Ordering-only edges are dotted; assets with partitions have a double border. */
export const toMermaid = ({ edges, nodes }: GraphReport): string =>
  [
    "flowchart LR",
    // With a prefix, because some words, such as `end`, cannot be names.
    ...nodes.map(
      ({ key, partitions }) => `  asset_${key}${partitions === null ? `["${key}"]` : `[["${key} (${partitions})"]]`}`
    ),
    ...edges.map(({ from, kind, to }) => `  asset_${from} ${kind === "reads" ? "-->" : "-.->"} asset_${to}`)
  ].join("\n")

/** Ordering-only edges are dashed; assets with partitions have a double border. */
export const toDot = ({ edges, nodes }: GraphReport): string =>
  [
    "digraph assets {",
    "  rankdir=LR",
    "  node [shape=box]",
    ...nodes.map(({ key, partitions }) =>
      partitions === null ? `  "${key}"` : `  "${key}" [label="${key} (${partitions})", peripheries=2]`
    ),
    ...edges.map(({ from, kind, to }) => `  "${from}" -> "${to}"${kind === "reads" ? "" : " [style=dashed]"}`),
    "}"
  ].join("\n")
