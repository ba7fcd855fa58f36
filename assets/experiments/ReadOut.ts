/**
 * What came of an experiment: click-through by arm, how far apart the arms are, and whether any of it is to be trusted.
 * Leaves out how it is told.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import * as ChiSquared from "../recommender/ChiSquared.ts"
import type * as Experiment from "./Experiment.ts"
import * as Ratio from "./Ratio.ts"

/** Of the users of an arm; `arm` is `null` for who were in several. */
export interface Tally {
  readonly arm: string | null
  readonly clicks: Ratio.Sums
  /** Of the places left to chance; each exposure, and each click, weighs its inverse propensity. */
  readonly weighed: Ratio.Sums
  readonly explored: number
  readonly explored_clicked: number
}

export interface ArmResult {
  readonly arm: Experiment.Arm
  readonly users: number
  /** Places that were shown, and of these the ones clicked on. */
  readonly exposures: number
  readonly clicks: number
  readonly clickThrough: Ratio.Estimate
  /** To the control; `null` of the control itself, and where too little is known. */
  readonly difference: Ratio.Difference | null
  /**
   * Of the places left to chance the click-through as if each track that may be drawn were shown equally often: the
   * self-normalised inverse-propensity estimate (Swaminathan and Joachims, NIPS 2015). `null` where there were none.
   */
  readonly chance: {
    readonly exposures: number
    readonly clicks: number
    readonly clickThrough: Ratio.Estimate
  } | null
}

/** Whether users came to the arms by their shares: Pearson's test. */
export interface SampleRatio {
  readonly chiSquared: number
  readonly degrees: number
  /** `null` where an arm should have fewer than five users, too few for the test. */
  readonly p: number | null
}

/** Why the rest is not to be trusted. */
export type Warning =
  | { readonly _tag: "SampleRatioMismatch"; readonly chiSquared: number; readonly p: number }
  | { readonly _tag: "UsersInSeveralArms"; readonly users: number }
  | { readonly _tag: "UndeclaredArm"; readonly arm: string; readonly users: number }

export interface ReadOut {
  readonly experiment: Experiment.Experiment
  readonly arms: ReadonlyArray<ArmResult>
  readonly sampleRatio: SampleRatio
  readonly warnings: ReadonlyArray<Warning>
}

/** Below this probability the arms do not have the users they should. */
export const suspicious = 0.001

export const read = Effect.fn("ReadOut.read")(function* (experiment: Experiment.Experiment) {
  const sql = yield* SqlClient.SqlClient
  return make(experiment, yield* sql.unsafe<Tally>(tallyExposures, [experiment.id]))
})

export const make = (experiment: Experiment.Experiment, tallies: ReadonlyArray<Tally>): ReadOut => {
  const byArm = new Map(tallies.map((tally) => [tally.arm, tally]))
  const found = experiment.arms.map((arm) => ({ ...(byArm.get(arm.name) ?? nothing), arm }))
  const sampleRatio = sampleRatioOf(found.map(({ arm, clicks }) => ({ share: arm.share, users: clicks.users })))
  const control = found[0]!.clicks
  return {
    experiment,
    arms: found.map(({ arm, clicks, explored, explored_clicked, weighed }, index): ArmResult => ({
      arm,
      users: clicks.users,
      exposures: clicks.shown,
      clicks: clicks.clicked,
      clickThrough: Ratio.estimate(clicks),
      difference: index === 0 ? null : Ratio.difference(control, clicks),
      chance:
        explored === 0 ? null : { exposures: explored, clicks: explored_clicked, clickThrough: Ratio.estimate(weighed) }
    })),
    sampleRatio,
    warnings: warningsOf(experiment, tallies, sampleRatio)
  }
}

export const sampleRatioOf = (arms: ReadonlyArray<{ readonly share: number; readonly users: number }>): SampleRatio => {
  const all = arms.reduce((sum, { users }) => sum + users, 0)
  const degrees = arms.length - 1
  if (all === 0) return { chiSquared: 0, degrees, p: null }
  const chiSquared = arms.reduce((sum, { share, users }) => sum + (users - share * all) ** 2 / (share * all), 0)
  const isEnough = arms.every(({ share }) => share * all >= 5)
  return { chiSquared, degrees, p: isEnough ? 1 - ChiSquared.cumulative(chiSquared, degrees) : null }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const tallyExposures = Fs.readFileSync(new URL("../../sql/music/tally_exposures.sql", import.meta.url), "utf8")

const empty: Ratio.Sums = { users: 0, shown: 0, clicked: 0, shownSquared: 0, clickedSquared: 0, product: 0 }

const nothing: Omit<Tally, "arm"> = { clicks: empty, weighed: empty, explored: 0, explored_clicked: 0 }

const warningsOf = (
  { arms }: Experiment.Experiment,
  tallies: ReadonlyArray<Tally>,
  { chiSquared, p }: SampleRatio
): ReadonlyArray<Warning> => {
  const warnings: Array<Warning> = []
  if (p !== null && p < suspicious) warnings.push({ _tag: "SampleRatioMismatch", chiSquared, p })
  for (const { arm, clicks } of tallies) {
    const { users } = clicks
    if (arm === null) warnings.push({ _tag: "UsersInSeveralArms", users })
    else if (arms.every(({ name }) => name !== arm)) warnings.push({ _tag: "UndeclaredArm", arm, users })
  }
  return warnings
}
