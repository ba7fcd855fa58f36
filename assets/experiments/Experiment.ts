/**
 * Experiments on what users are shown: who is in which arm, and what an arm does differently.
 * Leaves out what came of one, which is `ReadOut`'s.
 */
import * as Crypto from "node:crypto"

/** Whose recommendations: the champion's, those of the model that was fitted last, promoted or not, or what is popular. */
export type Source = "champion" | "challenger" | "popular"

/** What an arm says nothing of is as without the experiment: the champion's recommendations, with no place left to chance. */
export interface Treatment {
  readonly serves?: Source
  /** The probability with which each place of an answer gets a track drawn at random. */
  readonly explores?: number
}

export interface Arm extends Treatment {
  readonly name: string
  /** Of the users, as a fraction. */
  readonly share: number
}

export interface Experiment {
  readonly id: string
  readonly description: string
  readonly salt: string
  /** The control first. */
  readonly arms: ReadonlyArray<Arm>
}

export interface Declaration {
  readonly description: string
  /** What users are dealt by: another one deals them anew. By default the id. */
  readonly salt?: string
  readonly arms: {
    readonly control: Omit<Arm, "name">
    readonly [treatment: string]: Omit<Arm, "name">
  }
}

export class ExperimentError extends Error {
  override readonly name = "ExperimentError"
}

/** Buckets that users are dealt into; a share is a whole number of them. */
export const buckets = 10_000

/** Throws an `ExperimentError` that names the experiment and all that is wrong with it. */
export const make = (id: string, { arms, description, salt = id }: Declaration): Experiment => {
  const { control, ...treatments } = arms
  const all = Object.entries({ control, ...treatments }).map(([name, arm]): Arm => ({ name, ...arm }))
  const dealt = all.reduce((sum, { share }) => sum + share * buckets, 0)
  const problems = [
    ...(/^[a-z0-9-]+$/.test(id) ? [] : ["its id may hold lower-case letters, digits and hyphens only"]),
    ...(all.length < 2 ? ["there is no arm beside control"] : []),
    ...all.flatMap(problemsOf),
    ...(Math.abs(dealt - buckets) < tolerance ? [] : [`the shares of its arms add up to ${dealt / buckets}, not 1`])
  ]
  if (problems.length > 0) throw new ExperimentError(`experiment "${id}": ${problems.join("; ")}`)
  return { id, description, salt, arms: all }
}

/** Experiments that run at the same time, each dealing users independently; throws where two of them do not fit together. */
export const together = (...experiments: ReadonlyArray<Experiment>): ReadonlyArray<Experiment> => {
  for (const [index, experiment] of experiments.entries()) {
    for (const other of experiments.slice(0, index)) {
      if (other.id === experiment.id) throw new ExperimentError(`experiment "${other.id}" is declared twice`)
      const both = `experiments "${other.id}" and "${experiment.id}"`
      if (other.salt === experiment.salt) {
        throw new ExperimentError(`${both} have the same salt, so that they would deal users alike`)
      }
      for (const [part, words] of parts) {
        if (varies(other, part) && varies(experiment, part)) {
          throw new ExperimentError(`${both} both say ${words}: let one run after the other`)
        }
      }
    }
  }
  return experiments
}

/** From 0; the same in every process, and by another salt independent of it. */
export const bucketOf = (salt: string, user: number): number =>
  // 48 bits: no bucket is more likely than another by more than 1 in 10^10.
  Number.parseInt(Crypto.hash("sha256", `${salt} ${user}`).slice(0, 12), 16) % buckets

export const armOf = ({ arms, salt }: Experiment, user: number): Arm => {
  const bucket = bucketOf(salt, user)
  let end = 0
  return arms.find(({ share }) => bucket < (end += Math.round(share * buckets)))!
}

/** Whether anybody is served from there. */
export const serves = (experiments: ReadonlyArray<Experiment>, source: Source): boolean =>
  experiments.some(({ arms }) => arms.some((arm) => arm.serves === source))

/** What a user is shown, and which arms decided it. */
export interface Assignment {
  readonly serves: Source
  /** Which experiment leaves places to chance, and with what probability. */
  readonly explores: { readonly by: string; readonly rate: number } | undefined
  /** By experiment. */
  readonly arms: Readonly<Record<string, string>>
}

export const assign = (experiments: ReadonlyArray<Experiment>, user: number): Assignment => {
  const drawn = experiments.map((experiment) => ({ experiment, arm: armOf(experiment, user) }))
  const explorer = drawn.find(({ arm }) => arm.explores !== undefined)
  return {
    serves: drawn.find(({ arm }) => arm.serves !== undefined)?.arm.serves ?? "champion",
    explores: explorer && { by: explorer.experiment.salt, rate: explorer.arm.explores! },
    arms: Object.fromEntries(drawn.map(({ arm, experiment }) => [experiment.id, arm.name]))
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Sums of decimal fractions are not exact. */
const tolerance = 1e-6

const parts = [
  ["serves", "what is served"],
  ["explores", "which places are left to chance"]
] as const

const varies = ({ arms }: Experiment, part: keyof Treatment): boolean => arms.some((arm) => arm[part] !== undefined)

const problemsOf = ({ explores, name, share }: Arm): ReadonlyArray<string> => [
  ...(share > 0 && Math.abs(share * buckets - Math.round(share * buckets)) < tolerance
    ? []
    : [`the share of ${name} is ${share}, which is no whole number of ten-thousandths above 0`]),
  ...(explores === undefined || (explores > 0 && explores < 1)
    ? []
    : [`${name} leaves ${explores} of its places to chance, which is not between 0 and 1`])
]
