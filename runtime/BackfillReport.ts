/**
 * Backfills in words, and as programs read them: their list, and one with what became of its partitions.
 */
import * as Backfill from "./Backfill.ts"
import type * as BackfillHistory from "./BackfillHistory.ts"
import * as EventLine from "./EventLine.ts"
import * as Reason from "./Reason.ts"
import * as Report from "./Report.ts"

/** What `backfills --json` prints. */
export const toJson = (backfills: ReadonlyArray<BackfillHistory.Counted>) =>
  backfills.map(({ counts, endedAt, id, request, requestedAt, runs, status }) => ({
    id,
    status,
    selection: request.selection,
    which: request.which,
    requestedAt,
    endedAt,
    slices: request.slices,
    outcomes: { Done: counts.done, Failed: counts.failed, Skipped: counts.skipped },
    runs
  }))

/** `now` is in milliseconds since the epoch. */
export const toText = (
  backfills: ReadonlyArray<BackfillHistory.Counted>,
  now: number,
  medium: Report.Medium
): ReadonlyArray<string> =>
  backfills.length === 0
    ? ["There were no backfills yet; `assets backfill SELECTION` requests one"]
    : Report.table(
        [
          { title: "backfill" },
          { title: "status", paint },
          { title: "of", gives: true },
          { title: "slices", align: "right" },
          { title: "done", align: "right" },
          { title: "failed", align: "right" },
          { title: "skipped", align: "right" },
          { title: "requested" }
        ],
        backfills.map(({ counts, id, request, requestedAt, status }) => [
          id,
          status,
          request.selection.join(" "),
          Report.number(request.slices),
          unlessNone(counts.done),
          unlessNone(counts.failed),
          unlessNone(counts.skipped),
          Report.ago(requestedAt, now)
        ]),
        medium
      )

/** What `backfill ID --json` prints. */
export const oneToJson = (
  { endedAt, id, request, requestedAt, runs, status }: BackfillHistory.History,
  tally: Backfill.Tally
) => ({
  id,
  status,
  selection: request.selection,
  which: request.which,
  requestedAt,
  endedAt,
  assets: tally.assets.map((asset) => {
    const counts = tally.counts(asset)
    return {
      asset,
      outcomes: counts,
      ranges: Backfill.outcomes
        .filter((outcome) => counts[outcome] > 0)
        .map((outcome) => ({ outcome, partitions: tally.ranges(asset, outcome) }))
    }
  }),
  failures: tally.failures,
  runs
})

/** How it stands, what became of each asset's partitions, and how it can go on. */
export const oneToText = (
  { endedAt, id, request, requestedAt, runs, status }: BackfillHistory.History,
  tally: Backfill.Tally,
  medium: Report.Medium
): ReadonlyArray<string> => [
  `backfill ${id} of ${request.selection.join(" ")}: ${paint(medium.style, status)}`,
  `requested ${requestedAt}${endedAt === null ? "" : `, ended ${endedAt}`}`,
  "",
  ...Report.table(
    [
      { title: "asset" },
      ...Backfill.outcomes.map((outcome) => ({ title: outcome.toLowerCase(), align: "right" as const }))
    ],
    tally.assets.map((asset) => {
      const counts = tally.counts(asset)
      return [asset, ...Backfill.outcomes.map((outcome) => unlessNone(counts[outcome]))]
    }),
    medium
  ),
  ...section(tally.failures.map(failureInWords)),
  ...section([
    ...(runs.length === 0 ? [] : [`runs: ${runs.join(", ")}`]),
    ...hints[status].map((hint) => `${hint} ${id}`)
  ])
]

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const hints: { readonly [S in BackfillHistory.Status]: ReadonlyArray<string> } = {
  Running: ["to stop it: assets backfill pause"],
  Paused: ["to go on: assets backfill resume"],
  Interrupted: ["its process went away; to go on: assets backfill resume"],
  Canceled: [],
  Succeeded: [],
  Failed: ["to try again what failed: assets backfill retry"]
}

const failureInWords = ({ asset, error, partitions, slices }: Backfill.Failed): string => {
  const what = partitions === null ? asset : `${asset}/${Reason.few(partitions)}`
  return `${what}${slices > 1 ? ` (${Report.count(slices, "partition")})` : ""}: ${EventLine.showFailure(error)}`
}

const section = (lines: ReadonlyArray<string>): ReadonlyArray<string> => (lines.length === 0 ? [] : ["", ...lines])

const unlessNone = (amount: number): string => (amount === 0 ? "" : Report.number(amount))

const paint = (style: Report.Style, status: string): string =>
  status === "Failed" || status === "Interrupted"
    ? style.red(status)
    : status === "Succeeded"
      ? style.green(status)
      : status === "Paused"
        ? style.yellow(status)
        : status
