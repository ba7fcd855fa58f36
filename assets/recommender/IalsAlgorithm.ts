/**
 * iALS behind the interface of all algorithms: users are folded in by their histories, so that a model is the factors of its tracks alone.
 * Leaves out learning and ranking themselves.
 */
import * as Effect from "effect/Effect"
import * as Algorithm from "./Algorithm.ts"
import * as Cooperative from "./Cooperative.ts"
import * as FittedModel from "./FittedModel.ts"
import * as FoldIn from "./FoldIn.ts"
import * as Ials from "./Ials.ts"
import type * as IalsModel from "./IalsModel.ts"
import type * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as SparseRows from "./SparseRows.ts"
import * as TopTracks from "./TopTracks.ts"

/** As of `IalsModel.Parameters`, by three steps of conjugate gradients. */
export type Parameters = {
  readonly dimensions: number
  readonly alpha0: number
  readonly lambda: number
  readonly epochs: number
  readonly seed: number
}

const name = "ials"

/** A track counts with a confidence of 1 at most, however often it was played: on Last.fm damped numbers of plays rank worse than that. */
export const algorithm: Algorithm.Algorithm<Parameters> = {
  name,
  fit: Effect.fn("IalsAlgorithm.fit")((interactions, parameters) => learn(interactions, parameters, parameters.epochs)),
  // Of the earlier model the factors of tracks are enough: an epoch solves for users first, and by these alone.
  resume: Effect.fn("IalsAlgorithm.resume")(function* (interactions, parameters, { sections, tracks }) {
    const { trackFactors } = yield* Effect.orDie(readFactors(sections))
    return yield* learn(interactions, parameters, 1, { tracks, trackFactors })
  }),
  // By the kernels, whose instructions do four at once: an epoch reads each entry from both sides, and the square matrix of each row as often as
  // there are steps; then each user is folded in exactly, and all tracks are multiplied with him.
  work: ({ rows, tracks, users }, { dimensions, epochs }) => {
    const [entries, both] = [rows.columns.length, users.length + tracks.length]
    const epoch = 4 * entries * dimensions * (solver.steps + 1) + both * dimensions ** 2 * (solver.steps + 1)
    const folding = entries * dimensions ** 2 + (users.length * dimensions ** 3) / 3
    return 0.13 * (epochs * epoch + folding + users.length * tracks.length * dimensions)
  },
  restore: Effect.fnUntraced(function* (tracks, sections, parameters) {
    const { trackFactors } = yield* readFactors(sections)
    return yield* Effect.orDie(toFitted(tracks, trackFactors, parameters))
  })
}

// internal ------------------------------------------------------------------------------------------------------------------------

const readFactors = (sections: ReadonlyArray<FittedModel.Section>) =>
  FittedModel.readSections(name, sections, { trackFactors: Float32Array })

const learn = Effect.fnUntraced(function* (
  interactions: Interactions.Interactions,
  parameters: Parameters,
  epochs: number,
  earlier?: Pick<IalsModel.Model, "tracks" | "trackFactors">
) {
  const { seed, ...others } = parameters
  const watcher = yield* Algorithm.Watcher
  const rows = { ...interactions.rows, values: confidences(interactions.rows.values) }
  const model = yield* refusing(
    Ials.fit(
      { ...interactions, rows },
      { ...others, epochs, solver },
      {
        seed,
        ...(earlier && { from: { parameters: { ...others, solver }, ...earlier, ...nobody } }),
        ...(watcher && { onEpoch: (epoch) => watcher({ algorithm: name, parameters, epochs, ...epoch }) })
      }
    )
  )
  return yield* toFitted(model.tracks, model.trackFactors, others)
})

const solver = { _tag: "ConjugateGradient", steps: 3 } as const

const confidences = (weights: Float64Array): Float64Array => weights.map((weight) => Math.min(1, weight))

/** What is too large for the kernels is a candidate less; wrong parameters and threads that disappear are defects. */
const refusing = <A, E extends { readonly _tag: string; readonly message: string }>(fitting: Effect.Effect<A, E>) =>
  Effect.catch(fitting, (error) =>
    error._tag === "NotEnoughMemory"
      ? Effect.fail(new Algorithm.NotApplicable({ algorithm: name, reason: error.message }))
      : Effect.die(error)
  )

const nobody = { users: new Float64Array(0), userFactors: new Float32Array(0) }

const toFitted = Effect.fnUntraced(function* (
  tracks: IdTable.IdTable,
  trackFactors: Float32Array,
  parameters: Omit<IalsModel.Parameters, "solver">
) {
  const model: IalsModel.Model = { parameters: { ...parameters, solver }, tracks, trackFactors, ...nobody }
  const foldIn = yield* refusing(FoldIn.make(model))
  const known = ({ columns, values }: FittedModel.History) => ({ columns, values: confidences(values) })
  return FittedModel.make({
    tracks,
    sections: [{ name: "trackFactors", data: trackFactors, columns: parameters.dimensions }],
    score: (history, into) => {
      if (history.columns.length === 0) into.fill(-Infinity)
      else into.set(foldIn.scores(known(history)))
    },
    explain: (history, track) => FittedModel.strongestFirst(foldIn.contributions(known(history), track)),
    // The kernels pass over what is no number, and so cannot count it.
    ...(trackFactors.every(Number.isFinite) && {
      topK: (audience: FittedModel.Audience, size: number) => topK(model, foldIn, audience, size)
    })
  })
})

/** All at once by the kernels, for which list l is of "user" l. */
const topK = Effect.fnUntraced(function* (
  model: IalsModel.Model,
  foldIn: FoldIn.FoldIn,
  { heard, histories, rows }: FittedModel.Audience,
  size: number
) {
  const { dimensions } = model.parameters
  const users = Float64Array.from(rows.keys())
  const userFactors = new Float32Array(rows.length * dimensions)
  yield* Cooperative.forRange(rows.length, (list) => {
    const { columns, values } = SparseRows.row(histories, rows[list]!)
    if (columns.length > 0) {
      userFactors.set(foldIn.solve({ columns, values: confidences(values) }), list * dimensions)
    }
  })
  const top = yield* Effect.orDie(
    TopTracks.make(
      { ...model, users, userFactors },
      { users, heard: { users, tracks: model.tracks, rows: yield* SparseRows.pick(heard, rows) }, size }
    )
  )
  const tracks = new Int32Array(rows.length * size).fill(-1)
  const scores = new Float64Array(tracks.length)
  let invalid = 0
  top.users.forEach((list, position) => {
    for (let at = 0; at < size; at++) {
      const track = top.tracks[position * size + at]!
      const score = top.scores[position * size + at]!
      if (track === -1) break
      if (!Number.isFinite(score)) {
        invalid++
        continue
      }
      tracks[list * size + at] = track
      scores[list * size + at] = score
    }
  })
  return { size, tracks, scores, invalid } satisfies FittedModel.Lists
})
