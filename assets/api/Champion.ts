/** The model that is served, as the service asks it, and the one it may be compared with; the only module of the service that knows what models are like. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Blob, Published } from "../../runtime/index.ts"
import { model } from "../model.ts"
import { modelChampion } from "../model_champion.ts"
import * as Algorithms from "../recommender/Algorithms.ts"
import type * as FittedModel from "../recommender/FittedModel.ts"
import * as IdTable from "../recommender/IdTable.ts"
import type * as Listens from "../recommender/Listens.ts"
import type * as Manifest from "../recommender/Manifest.ts"
import { TopK } from "../recommender/TopK.ts"

export interface Scored {
  readonly track_id: number
  readonly score: number
  /** The track of the history that speaks most for it; `null` where the model has no reason to give. */
  readonly because_track_id: number | null
}

export interface Champion {
  /** What histories are to be weighed by. */
  readonly recency: Listens.Recency
  /** The best tracks for somebody who played these with these weights, without these. */
  readonly recommend: (history: ReadonlyMap<number, number>, most: number) => ReadonlyArray<Scored>
}

/** The one in force; `undefined` until there is one. */
export class InForce extends Context.Service<InForce, () => Published.Kept<Champion> | undefined>()(
  "music/Champion/InForce"
) {}

/** The model that was fitted last, promoted or not; `undefined` until there is one, and where nobody is served by it. */
export class Challenger extends Context.Service<Challenger, () => Published.Kept<Champion> | undefined>()(
  "music/Champion/Challenger"
) {}

const fitted = ({ bytes, manifest }: Blob.Handle<Manifest.Manifest>) =>
  Effect.map(
    Effect.flatMap(bytes, (bytes) => Algorithms.decode(bytes, manifest.parameters)),
    (model) => make(model, manifest.recency)
  )

export const layer = Layer.effect(InForce, Published.keep(modelChampion, fitted))

export const layerChallenger = Layer.effect(Challenger, Published.keep(model, fitted))

export const layerWithoutChallenger = Layer.succeed(Challenger, () => undefined)

export const make = (model: FittedModel.FittedModel, recency: Listens.Recency): Champion => {
  // Overwritten by each question: they are answered one after the other.
  const scores = new Float64Array(model.tracks.length)
  return {
    recency,
    recommend: (played, most) => {
      const history = toHistory(model.tracks, played)
      model.score(history, scores)
      for (const own of history.columns) scores[own] = -Infinity
      const best = new TopK(most)
      for (let track = 0; track < scores.length; track++)
        if (Number.isFinite(scores[track])) best.offer(track, scores[track]!)
      return Array.from({ length: best.size }, (_, place) => {
        const track = best.indices[place]!
        const [reason] = model.explain(history, track)
        return {
          track_id: model.tracks[track]!,
          score: best.scores[place]!,
          because_track_id: reason === undefined ? null : model.tracks[reason.track]!
        }
      })
    }
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Without tracks that the model does not know. */
const toHistory = (tracks: IdTable.IdTable, played: ReadonlyMap<number, number>): FittedModel.History => {
  const known = Array.from(played, ([track, weight]) => [IdTable.indexOf(tracks, track), weight] as const)
    .filter(([index]) => index !== -1)
    .sort(([left], [right]) => left - right)
  return {
    columns: Int32Array.from(known, ([index]) => index),
    values: Float64Array.from(known, ([, weight]) => weight)
  }
}
