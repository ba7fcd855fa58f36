/**
 * The one interface behind which all algorithms stand, and candidates: an algorithm with all its choices made.
 * Leaves out how candidates are compared.
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import type * as Effect from "effect/Effect"
import { Report } from "../../runtime/index.ts"
import type * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import type * as Listens from "./Listens.ts"
import type * as FittedModel from "./FittedModel.ts"

/** The algorithm is not made for such data: no failure of a run, but a candidate less. */
export class NotApplicable extends Schema.TaggedError<NotApplicable>()("NotApplicable", {
  algorithm: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.algorithm} does not apply: ${this.reason}`
  }
}

/** The same interactions and parameters give the same model, bit by bit. */
export interface Algorithm<Parameters> {
  readonly name: string
  readonly fit: (
    interactions: Interactions.Interactions,
    parameters: Parameters
  ) => Effect.Effect<FittedModel.FittedModel, NotApplicable>
  /**
   * What it takes to fit a model and to rank all tracks for each of the users, as `Tuning` budgets it: in operations of about a nanosecond of one
   * core. It follows from the sizes of the data alone, so that it is the same on any machine. Of 100,000 to a million listens it was true within a
   * factor of three.
   */
  readonly work: (interactions: Interactions.Interactions, parameters: Parameters) => number
  /**
   * Goes on for one epoch from an earlier model of the same parameters, whose tracks may be others by now. Algorithms without epochs have no
   * such thing: they are fitted anew.
   */
  readonly resume?: (
    interactions: Interactions.Interactions,
    parameters: Parameters,
    earlier: FittedModel.FittedModel
  ) => Effect.Effect<FittedModel.FittedModel, NotApplicable>
  /** The model again, from its table of tracks and its sections, and the parameters it was fitted with. */
  readonly restore: (
    tracks: IdTable.IdTable,
    sections: ReadonlyArray<FittedModel.Section>,
    parameters: Parameters
  ) => Effect.Effect<FittedModel.FittedModel, FittedModel.UnreadableSections>
}

/** Histories given to its models are to be weighed by the same `recency` as what it is fitted to. */
export interface Candidate {
  readonly algorithm: string
  readonly parameters: { readonly [name: string]: Schema.Json }
  readonly recency: Listens.Recency
  readonly fit: (interactions: Interactions.Interactions) => Effect.Effect<FittedModel.FittedModel, NotApplicable>
  /** Warm: as `Algorithm.resume`, or fitted anew without it. */
  readonly resume: (
    interactions: Interactions.Interactions,
    earlier: FittedModel.FittedModel
  ) => Effect.Effect<FittedModel.FittedModel, NotApplicable>
  readonly work: (interactions: Interactions.Interactions) => number
}

/** What was learnt by now of all that an algorithm learns; `loss` is what it minimises. Epochs count from 1. */
export interface Epoch {
  readonly algorithm: string
  readonly parameters: Candidate["parameters"]
  readonly epoch: number
  readonly epochs: number
  readonly loss: number
}

/** Is told of every epoch of whatever is fitted, and waited for. Nobody is told unless this is provided. */
export const Watcher = Context.Reference<((epoch: Epoch) => Effect.Effect<void>) | undefined>(
  "music/Algorithm/Watcher",
  { defaultValue: () => undefined }
)

export const candidate = <Parameters extends { readonly [name in keyof Parameters]: Schema.Json }>(
  { fit, name, resume = fit, work }: Algorithm<Parameters>,
  parameters: Parameters,
  recency: Listens.Recency
): Candidate => ({
  algorithm: name,
  parameters,
  recency,
  fit: (interactions) => fit(interactions, parameters),
  resume: (interactions, earlier) => resume(interactions, parameters, earlier),
  work: (interactions) => work(interactions, parameters)
})

/** One line that tells candidates apart, such as `item-knn, shrinkage 5, neighbours 100, half-life 30 days`. */
export const describe = (candidate: Candidate): string => {
  const { recency } = candidate
  const age = recency._tag === "HalfLife" ? "half-life" : "window"
  return [...choices(candidate), ...(recency._tag === "Everything" ? [] : [`${age} ${recency.days} days`])].join(", ")
}

/** What changes comes first, as in `epoch 3 of 10, loss 65,583: ials, dimensions 64`. */
export const describeEpoch = (told: Epoch): string => {
  const { epoch, epochs, loss } = told
  return `epoch ${epoch} of ${epochs}, loss ${Report.number(Math.round(loss))}: ${choices(told).join(", ")}`
}

// internal ------------------------------------------------------------------------------------------------------------------------

const choices = ({ algorithm, parameters }: Pick<Candidate, "algorithm" | "parameters">): ReadonlyArray<string> => [
  algorithm,
  ...Object.entries(parameters).map(([name, value]) => `${name} ${String(value)}`)
]
