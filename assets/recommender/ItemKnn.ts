/**
 * The item-based nearest neighbour model of Sarwar, Karypis, Konstan and Riedl ("Item-based collaborative filtering recommendation
 * algorithms", WWW10, 2001): for each track, the tracks played by the same users.
 * Leaves out lists and their filling up, which are the recommender's.
 */
import * as Effect from "effect/Effect"
import type * as Algorithm from "./Algorithm.ts"
import * as Cooperative from "./Cooperative.ts"
import * as FittedModel from "./FittedModel.ts"
import type * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as SparseRows from "./SparseRows.ts"
import { TopK } from "./TopK.ts"

/** `shrinkage` is in users: a similarity seen by that many users counts half. `neighbours` is the most that a track keeps. */
export type Parameters = {
  readonly shrinkage: number
  readonly neighbours: number
}

/** Row `t` of `neighbours` holds the tracks most similar to `tracks[t]` (indices in `tracks`), best first, with similarities above 0 and up to 1. */
export interface Model {
  readonly tracks: IdTable.IdTable
  readonly neighbours: SparseRows.SparseRows
}

/** Of shrinkages from 0 to 50, 5 is within 3 % of the best NDCG@10 on held-out listens of Last.fm, MovieLens and three synthetic worlds alike. */
export const defaults: Parameters = { shrinkage: 5, neighbours: 100 }

/** A model that knows no track. */
export const empty: Model = { tracks: new Float64Array(0), neighbours: SparseRows.empty(0) }

/**
 * Fits by cosine similarity (section 3.1.1) of the square roots of the weights, shrunk towards 0 by n / (n + shrinkage) where n users played both tracks
 * (Bell and Koren, "Scalable collaborative filtering with jointly derived neighborhood interpolation weights", ICDM 2007).
 * Roots damp heavy listeners; with equal weights this is the cosine of sets. Sums run in the order of user ids, so the same entries give
 * the same bits; similarities are rounded to single precision before they are compared, and ties go to the lower track id.
 */
export const fit = Effect.fn("ItemKnn.fit")(function* (
  interactions: Interactions.Interactions,
  { neighbours, shrinkage }: Parameters
) {
  const trackCount = interactions.tracks.length
  const byUser = rooted(interactions.rows)
  const byTrack = yield* SparseRows.transpose(byUser, trackCount)
  const norms = Float64Array.from({ length: trackCount }, (_, track) => norm(byTrack, track))
  const products = new Float64Array(trackCount)
  const shared = new Int32Array(trackCount)
  const touched = new Int32Array(trackCount)
  const best = new TopK(neighbours)
  const rows: Array<SparseRows.Row> = []
  yield* Cooperative.forRange(trackCount, (track) => {
    const touchedCount = multiply(byTrack, byUser, track, products, shared, touched)
    best.clear()
    for (let position = 0; position < touchedCount; position++) {
      const other = touched[position]!
      const users = shared[other]!
      const cosine = products[other]! / (norms[track]! * norms[other]!)
      const similarity = Math.fround((cosine * users) / (users + shrinkage))
      if (other !== track && similarity > 0) best.offer(other, similarity)
      products[other] = 0
      shared[other] = 0
    }
    rows.push({ columns: best.indices.slice(0, best.size), values: best.scores.slice(0, best.size) })
  })
  return { tracks: interactions.tracks, neighbours: stack(rows) } satisfies Model
})

/**
 * A track's score is the sum of its similarities to those of its neighbours that the user played: the weighted sum of Sarwar et al. (2001,
 * section 3.2.1) without its division by all similarities, which is for predicting ratings. What was played counts by the root of its
 * weight, as in the similarities. The model has nothing to say of tracks without such neighbours.
 */
export const algorithm: Algorithm.Algorithm<Parameters> = {
  name: "item-knn",
  fit: Effect.fnUntraced(function* (interactions, parameters) {
    const model = yield* fit(interactions, parameters)
    return yield* toFitted(model)
  }),
  // Each pair of tracks that a user played is a product, and each of them adds the similarities of those that have it as a neighbour: all over
  // memory, which takes more time than the sums do.
  work: ({ rows, tracks, users }, { neighbours }) =>
    25 * (pairs(rows) + rows.columns.length * Math.min(neighbours, tracks.length)) + users.length * tracks.length,
  restore: Effect.fnUntraced(function* (tracks, sections) {
    const { neighbours, offsets, similarities } = yield* FittedModel.readSections("item-knn", sections, {
      offsets: Int32Array,
      neighbours: Int32Array,
      similarities: Float32Array
    })
    const values = new Float64Array(similarities)
    return yield* toFitted({ tracks, neighbours: { offsets, columns: neighbours, values } })
  })
}

// internal ------------------------------------------------------------------------------------------------------------------------

const toFitted = Effect.fnUntraced(function* ({ neighbours, tracks }: Model) {
  // Row t holds the tracks that have track t among their neighbours.
  const admirers = yield* SparseRows.transpose(neighbours, tracks.length)
  return FittedModel.make({
    tracks,
    sections: [
      { name: "offsets", data: neighbours.offsets },
      { name: "neighbours", data: neighbours.columns },
      { name: "similarities", data: new Float32Array(neighbours.values) }
    ],
    score: ({ columns: played, values }, into) => {
      into.fill(-Infinity)
      for (let entry = 0; entry < played.length; entry++) {
        const own = played[entry]!
        const weight = Math.sqrt(values[entry]!)
        for (let edge = admirers.offsets[own]!; edge < admirers.offsets[own + 1]!; edge++) {
          const track = admirers.columns[edge]!
          into[track] = Math.max(into[track]!, 0) + admirers.values[edge]! * weight
        }
      }
    },
    explain: (history, track) => {
      const { columns, values } = SparseRows.row(neighbours, track)
      const similarity = new Map(Array.from(columns, (neighbour, at) => [neighbour, values[at]!]))
      return FittedModel.strongestFirst(
        Array.from(history.columns, (own, entry) => ({
          track: own,
          amount: (similarity.get(own) ?? 0) * Math.sqrt(history.values[entry]!)
        }))
      )
    }
  })
})

const pairs = ({ offsets }: SparseRows.SparseRows): number => {
  let sum = 0
  for (let row = 0; row + 1 < offsets.length; row++) sum += (offsets[row + 1]! - offsets[row]!) ** 2
  return sum
}

const rooted = (rows: SparseRows.SparseRows): SparseRows.SparseRows => ({ ...rows, values: rows.values.map(Math.sqrt) })

const norm = ({ offsets, values }: SparseRows.SparseRows, row: number): number => {
  let squares = 0
  for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) squares += values[entry]! ** 2
  return Math.sqrt(squares)
}

/** Fills one row of the product of the two matrices, and counts the users each of its values came from; returns how many tracks it touched. */
const multiply = (
  byTrack: SparseRows.SparseRows,
  byUser: SparseRows.SparseRows,
  track: number,
  products: Float64Array,
  shared: Int32Array,
  touched: Int32Array
): number => {
  let touchedCount = 0
  for (let listener = byTrack.offsets[track]!; listener < byTrack.offsets[track + 1]!; listener++) {
    const user = byTrack.columns[listener]!
    const weight = byTrack.values[listener]!
    for (let entry = byUser.offsets[user]!; entry < byUser.offsets[user + 1]!; entry++) {
      const other = byUser.columns[entry]!
      if (shared[other]! === 0) touched[touchedCount++] = other
      shared[other]! += 1
      products[other]! += weight * byUser.values[entry]!
    }
  }
  return touchedCount
}

const stack = (rows: ReadonlyArray<SparseRows.Row>): SparseRows.SparseRows => {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach((row, index) => (offsets[index + 1] = row.columns.length))
  SparseRows.accumulate(offsets)
  const columns = new Int32Array(offsets.at(-1)!)
  const values = new Float64Array(columns.length)
  rows.forEach((row, index) => {
    columns.set(row.columns, offsets[index]!)
    values.set(row.values, offsets[index]!)
  })
  return { offsets, columns, values }
}
