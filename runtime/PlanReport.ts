/**
 * A plan in words, and as programs read it.
 *
 * Slices of an asset that are planned for the same reasons share a line.
 */
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"

/** A line for each asset and why, then what is left out and why. */
export const explain = (plan: Plan.Plan): ReadonlyArray<string> => {
  const lines = [...steps(plan), ...leftOut(plan)]
  return lines.length === 0 ? ["Everything is Current"] : lines
}

/** What there is to do, dependencies first. */
export const steps = (plan: Plan.Plan): ReadonlyArray<string> => {
  const rows = Array.from(
    Map.groupBy(plan.blocks, (block) => [block.asset, block.certainty, ...block.reasons.map(idOf)].join(" ")).values(),
    (blocks) => [nameOf(blocks), blocks[0]!.certainty, reasonsInWords(blocks)] as const
  )
  const width = rows.reduce((width, [name]) => Math.max(width, name.length), 0)
  return rows.map(([name, certainty, reasons]) => `${name.padEnd(width)}  ${certainty.padEnd(11)}  ${reasons}`)
}

/** What is selected and not planned, and what would have to be selected with it. */
export const leftOut = (plan: Plan.Plan): ReadonlyArray<string> => [
  ...Map.groupBy(plan.upstreamNotSelected, (entry) => `${entry.asset} ${entry.ancestors.join(" ")}`)
    .values()
    .map(notSelectedInWords),
  ...plan.nothingToRead.map(
    ({ asset, dependency }) => `${asset} is left out: it depends on ${dependency}, no partition of which has begun`
  )
]

/** What `plan --json` prints. */
export const toJson = (plan: Plan.Plan) => ({
  steps: plan.steps.map(({ asset, certainty, partition, reasons }) => ({ asset, partition, certainty, reasons })),
  upstreamNotSelected: plan.upstreamNotSelected,
  nothingToRead: plan.nothingToRead
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Slices that are Stale because of their own slice of a dependency are alike. */
const idOf = (reason: Reason.Reason): string =>
  reason._tag === "DependencyChanged" ? `${reason._tag} ${reason.dependency}` : JSON.stringify(reason)

const mostSpans = 3

const nameOf = (blocks: ReadonlyArray<Plan.Block>): string => {
  const { asset, partitions } = blocks[0]!
  if (partitions === null) return asset
  const slices = blocks.reduce((sum, { from, to }) => sum + to - from, 0)
  if (slices === 1) return Partition.show({ asset, partition: partitions })
  const spans = blocks.slice(0, mostSpans).map((block) => block.partitions)
  const more = blocks.length > mostSpans ? ", …" : ""
  return `${asset}/${spans.join(", ")}${more} (${Report.count(slices, "partition")})`
}

/** Of a certain step that something it reads may change too is no news. */
const reasonsInWords = (blocks: ReadonlyArray<Plan.Block>): string => {
  const { certainty, reasons } = blocks[0]!
  return reasons
    .filter((reason) => certainty === "Conditional" || reason._tag !== "DependencyPlanned")
    .map((reason) =>
      blocks.length > 1 && reason._tag === "DependencyChanged"
        ? `${reason.dependency} has changed`
        : Reason.show(reason)
    )
    .join(", ")
}

const notSelectedInWords = (entries: ReadonlyArray<Plan.UpstreamNotSelected>) => {
  const { ancestors, asset } = entries[0]!
  const what = entries.length === 1 ? Partition.show(entries[0]!) : `${asset} (${entries.length} partitions)`
  const rest = ancestors.length > 5 ? ` and ${ancestors.length - 5} more` : ""
  return `${what} is left out: it depends on ${ancestors.slice(0, 5).join(", ")}${rest}, not selected; try +${asset}`
}
