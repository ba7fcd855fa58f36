/**
 * A plan in words, and as programs read it.
 *
 * Slices of an asset that are planned for the same reasons share a line.
 */
import type * as Forecast from "./Forecast.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"

/** A line for each asset and why, then what is left out and why. */
export const explain = (plan: Plan.Plan): ReadonlyArray<string> => {
  const lines = [...lined(plan.blocks.map(unforeseen), false, Report.paper), ...leftOut(plan)]
  if (plan.assets === 0) return ["Nothing to do: no asset is selected"]
  return lines.length === 0 ? ["Everything is Current"] : lines
}

/** Likewise, with how long each takes and when it would end: a table on a terminal. The last lines tell of the run. */
export const toText = (plan: Plan.Plan, forecast: Forecast.Forecast, medium: Report.Medium): ReadonlyArray<string> =>
  plan.blocks.length === 0 ? explain(plan) : [...steps(forecast, medium), ...leftOut(plan), ...summary(forecast)]

/** What there is to do, dependencies first. */
export const steps = ({ blocks, seconds }: Forecast.Forecast, medium: Report.Medium): ReadonlyArray<string> =>
  lined(blocks, seconds !== undefined, medium)

/** How long the run takes, what an early cutoff could save of it, and what no concurrency could. */
export const summary = ({
  concurrency,
  conditional,
  criticalPath,
  seconds,
  work
}: Forecast.Forecast): ReadonlyArray<string> => {
  const all = Report.count(work.steps, "step")
  const run =
    seconds === undefined
      ? `${all}; no step was run before, so nothing is known of how long it takes`
      : `${all}, about ${inTime(seconds)} with ${Report.number(concurrency)} at a time`
  const { assets, seconds: shortest } = criticalPath
  const isShorter = seconds !== undefined && assets.length > 1 && shortest < 0.99 * seconds
  const were = work.unknown === 1 ? "was" : "were"
  return [
    conditional.steps === 0 ? run : `${run}; ${saving(conditional, work)}`,
    ...(seconds === undefined || work.unknown === 0
      ? []
      : [`Not counted: ${Report.count(work.unknown, "step")} that ${were} never run before`]),
    ...(isShorter ? [`Not before ${inTime(shortest)}, however many at a time: ${chain(assets)}`] : [])
  ]
}

/** What is selected and not planned, and what would have to be selected with it. */
export const leftOut = (plan: Plan.Plan): ReadonlyArray<string> => [
  ...Map.groupBy(plan.upstreamNotSelected, (entry) => `${entry.asset} ${entry.ancestors.join(" ")}`)
    .values()
    .map(notSelectedInWords),
  ...plan.nothingToRead.map(
    ({ asset, dependency }) => `${asset} is left out: it depends on ${dependency}, no partition of which has begun`
  ),
  ...plan.frozen.map(
    ({ asset, partitions, slices }) =>
      `${asset}/${Reason.few(partitions)} ${slices === 1 ? "is" : "are"} left out: frozen, the source forgets`
  )
]

/** What `plan --json` prints. Seconds of a block are those of its steps one after another. */
export const toJson = (
  plan: Plan.Plan,
  { blocks, concurrency, conditional, criticalPath, seconds, work }: Forecast.Forecast
) => {
  const each = new Map(blocks.map(({ block, each }) => [block.asset, each]))
  return {
    steps: plan.steps.map(({ asset, certainty, partition, range: [from, to] = [0, 1], reasons }) => {
      const seconds = each.get(asset)
      return { asset, partition, certainty, reasons, expectedSeconds: toMillisecond(seconds && (to - from) * seconds) }
    }),
    blocks: blocks.map(({ block: { asset, certainty, partitions, reasons }, count, each, ends, slices, starts }) => ({
      asset,
      partitions,
      count,
      certainty,
      reasons,
      expectedSeconds: toMillisecond(each && slices * each),
      startsAfterSeconds: toMillisecond(starts),
      endsAfterSeconds: toMillisecond(ends)
    })),
    forecast: {
      seconds: toMillisecond(seconds),
      unknown: work.unknown,
      conditionalSeconds: toMillisecond(conditional.seconds),
      concurrency,
      criticalPath: { ...criticalPath, seconds: toMillisecond(criticalPath.seconds) }
    },
    upstreamNotSelected: plan.upstreamNotSelected,
    nothingToRead: plan.nothingToRead,
    frozen: plan.frozen
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const unforeseen = (block: Plan.Block): Forecast.Expected => {
  const slices = block.to - block.from
  return { block, count: slices, slices, each: undefined, starts: undefined, ends: undefined }
}

const lined = (
  expected: ReadonlyArray<Forecast.Expected>,
  isForeseen: boolean,
  medium: Report.Medium
): ReadonlyArray<string> => {
  const alike = Map.groupBy(expected, ({ block }) =>
    [block.asset, block.certainty, ...toldOf(block).map(idOf)].join(" ")
  )
  const rows = Array.from(alike.values(), (group) => {
    const blocks = group.map(({ block }) => block)
    const [takes, ends] = timesOf(group)
    // Without titles the times say what they are.
    const times = medium.animated ? [takes, ends] : [`takes ${takes}`, `ends after ${ends}`]
    return [
      nameOf(blocks),
      blocks[0]!.certainty.padEnd("Conditional".length),
      ...(isForeseen ? times : ["", ""]),
      reasonsInWords(blocks)
    ]
  })
  const lines = Report.table(columns, rows, medium)
  return medium.animated ? lines : lines.slice(1)
}

const columns: ReadonlyArray<Report.Column> = [
  { title: "step" },
  { title: "certainty", paint: (style, text) => (text.startsWith("Conditional") ? style.dim(text) : text) },
  { title: "takes" },
  { title: "ends after" },
  { title: "why", gives: true }
]

/** How long its slices take, and when the last one ends. */
const timesOf = (group: ReadonlyArray<Forecast.Expected>): readonly [string, string] => {
  const { each } = group[0]!
  const amount = group.reduce((sum, { slices }) => sum + slices, 0)
  const ends = group.map(({ ends }) => ends ?? Infinity).reduce((last, end) => Math.max(last, end))
  const times = amount === 1 ? "" : `${Report.number(amount)} × `
  return [each === undefined ? "?" : times + inTime(each), ends === Infinity ? "?" : inTime(ends)]
}

const toMillisecond = (seconds: number | undefined) =>
  seconds === undefined ? null : Math.round(seconds * 1000) / 1000

const inTime = (seconds: number) => Report.estimate(seconds * 1000)

const saving = ({ seconds, steps, unknown }: Forecast.Amount, work: Forecast.Amount): string => {
  const which = steps === work.steps ? (steps === 1 ? "it" : "all of them") : `${Report.number(steps)} of them`
  const time = unknown === steps ? "" : ` (${unknown === 0 ? "" : "at least "}${inTime(seconds)})`
  return steps === 1
    ? `${which}${time} is conditional and falls away if what it reads comes out the same`
    : `${which}${time} are conditional and fall away if what they read comes out the same`
}

const chain = (assets: ReadonlyArray<string>): string =>
  (assets.length <= 7 ? assets : [...assets.slice(0, 3), "…", ...assets.slice(-3)]).join(", then ")

/** Slices that are Stale because of their own slice of a dependency are alike. */
const idOf = (reason: Reason.Reason): string =>
  reason._tag === "DependencyChanged" ? `${reason._tag} ${reason.dependency}` : JSON.stringify(reason)

const mostSpans = 3

const nameOf = (blocks: ReadonlyArray<Plan.Block>): string => {
  const { asset, partitions } = blocks[0]!
  if (partitions === null) return asset
  const slices = blocks.reduce((sum, { from, to }) => sum + to - from, 0)
  if (slices === 1) return Partition.show({ asset, partition: partitions })
  const spans = spansOf(blocks)
  const more = spans.length > mostSpans ? ", …" : ""
  return `${asset}/${spans.slice(0, mostSpans).join(", ")}${more} (${Report.count(slices, "partition")})`
}

/** Blocks that follow each other become one span, except of products, whose keys have no order by themselves. */
const spansOf = (blocks: ReadonlyArray<Plan.Block>): ReadonlyArray<string> => {
  const runs: Array<{ readonly first: string; last: string; to: number }> = []
  for (const { from, partitions, to } of blocks) {
    const isOfProduct = /[=|]/.test(partitions!)
    const [first, last = first] = (isOfProduct ? [partitions!] : partitions!.split("..")) as [string, string?]
    const run = runs.at(-1)
    if (run?.to === from && !isOfProduct) Object.assign(run, { last, to })
    else runs.push({ first, last, to })
  }
  return runs.map(({ first, last }) => (first === last ? first : `${first}..${last}`))
}

/** Of a certain step that something it reads may change too is no news. */
const toldOf = ({ certainty, reasons }: Plan.Block): ReadonlyArray<Reason.Reason> =>
  reasons.filter((reason) => certainty === "Conditional" || reason._tag !== "DependencyPlanned")

const reasonsInWords = (blocks: ReadonlyArray<Plan.Block>): string =>
  toldOf(blocks[0]!)
    .map((reason) =>
      blocks.length > 1 && reason._tag === "DependencyChanged"
        ? `${reason.dependency} has changed`
        : Reason.show(reason)
    )
    .join(", ")

const notSelectedInWords = (entries: ReadonlyArray<Plan.UpstreamNotSelected>) => {
  const { ancestors, asset } = entries[0]!
  const what = entries.length === 1 ? Partition.show(entries[0]!) : `${asset} (${entries.length} partitions)`
  const rest = ancestors.length > 5 ? ` and ${ancestors.length - 5} more` : ""
  return `${what} is left out: it depends on ${ancestors.slice(0, 5).join(", ")}${rest}, not selected; try +${asset}`
}
