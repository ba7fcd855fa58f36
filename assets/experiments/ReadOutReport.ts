/** Experiments and what came of them, as people read of them and as documents for programs. */
import { Report } from "../../runtime/index.ts"
import type * as Experiment from "./Experiment.ts"
import type * as Ratio from "./Ratio.ts"
import type * as ReadOut from "./ReadOut.ts"

/** What is recorded of an experiment. */
export interface Recorded {
  readonly id: string
  readonly users: number
  readonly exposures: number
  /** ISO 8601: when something was shown first, and last. */
  readonly first: string
  readonly last: string
}

/** One that runs, or ran: then it is not declared any more. */
export interface Listed {
  readonly id: string
  readonly experiment: Experiment.Experiment | undefined
  readonly recorded: Recorded | undefined
}

export const listToJson = (listed: ReadonlyArray<Listed>) =>
  listed.map(({ experiment, id, recorded }) => ({
    id,
    running: experiment !== undefined,
    description: experiment?.description ?? null,
    arms: experiment?.arms.map(armToJson) ?? null,
    users: recorded?.users ?? 0,
    exposures: recorded?.exposures ?? 0,
    firstShownAt: recorded?.first ?? null,
    lastShownAt: recorded?.last ?? null
  }))

export const listToText = (listed: ReadonlyArray<Listed>, medium: Report.Medium, now: number): ReadonlyArray<string> =>
  listed.length === 0
    ? ["There are no experiments"]
    : Report.table(
        [
          { title: "experiment" },
          { title: "is", paint: ({ green }, text) => green(text) },
          { title: "users", align: "right" },
          { title: "exposures", align: "right" },
          { title: "last shown" },
          { title: "what", gives: true }
        ],
        listed.map(({ experiment, id, recorded }) => [
          id,
          experiment === undefined ? "" : "running",
          Report.number(recorded?.users ?? 0),
          Report.number(recorded?.exposures ?? 0),
          recorded === undefined ? "" : Report.ago(recorded.last, now),
          experiment?.description ?? ""
        ]),
        medium
      )

export const toJson = ({ arms, experiment, sampleRatio, warnings }: ReadOut.ReadOut) => ({
  id: experiment.id,
  description: experiment.description,
  trusted: warnings.length === 0,
  warnings: warnings.map((warning) => ({ ...warning, message: sentence(warning) })),
  sampleRatio,
  arms: arms.map(({ arm, ...result }, index) => ({ ...armToJson(arm), control: index === 0, ...result }))
})

export const toText = ({ arms, experiment, sampleRatio, warnings }: ReadOut.ReadOut, medium: Report.Medium) => {
  const { style } = medium
  const title = `${experiment.id}: ${experiment.description}`
  if (arms.every(({ exposures }) => exposures === 0) && warnings.length === 0) {
    return [title, "Nothing was shown under it yet"]
  }
  const chances = arms.flatMap(({ arm, chance }) => (chance === null ? [] : [chanceToText(arm.name, chance)]))
  return [
    title,
    ...(warnings.length === 0 ? [] : ["", style.red("warning: this is not to be trusted")]),
    ...warnings.map((warning) => style.red(`  ${sentence(warning)}`)),
    "",
    ...Report.table(
      [
        { title: "arm" },
        { title: "share", align: "right" },
        { title: "users", align: "right" },
        { title: "exposures", align: "right" },
        { title: "clicks", align: "right" },
        { title: "click-through" },
        { title: "against control" }
      ],
      arms.map(({ arm, clickThrough, clicks, difference, exposures, users }) => [
        arm.name,
        `${round(100 * arm.share)} %`,
        Report.number(users),
        Report.number(exposures),
        Report.number(clicks),
        estimateToText(clickThrough),
        difference === null ? "" : differenceToText(difference)
      ]),
      medium
    ),
    "",
    ...chances,
    ...(sampleRatio.p === null
      ? ["There are too few users to say whether they came to the arms by their shares"]
      : warnings.some(({ _tag }) => _tag === "SampleRatioMismatch")
        ? []
        : [
            `Users came to the arms by their shares (chi-squared ${round(sampleRatio.chiSquared)}, ${probability(sampleRatio.p)})`
          ]),
    "Intervals are of 95 %, by users; a p-value is for one look that was decided on before"
  ]
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const armToJson = ({ explores, name, serves, share }: Experiment.Arm) => ({
  arm: name,
  share,
  serves: serves ?? "champion",
  explores: explores ?? 0
})

const sentence = (warning: ReadOut.Warning): string => {
  switch (warning._tag) {
    case "SampleRatioMismatch":
      return `Users did not come to the arms by their shares (chi-squared ${round(warning.chiSquared)}, ${probability(warning.p)}): find out why before reading anything from it`
    case "UsersInSeveralArms":
      return `${Report.count(warning.users, "user")} had several arms, and count for none: shares or arms were changed under the same salt`
    case "UndeclaredArm":
      return `${Report.count(warning.users, "user")} had the arm ${warning.arm}, which is not declared any more`
  }
}

const round = (value: number): string => String(Number(value.toPrecision(3)))

const probability = (p: number): string => (p < 0.0001 ? "p below 0.0001" : `p ${round(p)}`)

const percent = (value: number): string => (100 * value).toFixed(2)

const rangeToText = ([low, high]: readonly [number, number]): string => `${percent(low)} to ${percent(high)}`

const estimateToText = ({ interval, value }: Ratio.Estimate): string =>
  value === null ? "" : `${percent(value)} %${interval === null ? "" : ` (${rangeToText(interval)})`}`

const differenceToText = ({ interval, p, value }: Ratio.Difference): string =>
  `${value < 0 ? "" : "+"}${percent(value)} points (${rangeToText(interval)}), ${probability(p)}`

const chanceToText = (arm: string, { clickThrough, clicks, exposures }: NonNullable<ReadOut.ArmResult["chance"]>) =>
  `Left to chance in ${arm}: ${Report.count(exposures, "place")}, ${Report.count(clicks, "click")}; click-through of tracks drawn evenly ${estimateToText(clickThrough)}`
