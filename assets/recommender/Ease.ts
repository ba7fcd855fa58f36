/**
 * EASE^R, the linear model of Steck ("Embarrassingly shallow autoencoders for sparse data", WWW 2019): each track is predicted from all others.
 * Leaves out weights: what counts is whether somebody played a track.
 */
import * as Effect from "effect/Effect"
import type * as Algorithm from "./Algorithm.ts"
import { NotApplicable } from "./Algorithm.ts"
import * as Cooperative from "./Cooperative.ts"
import * as FittedModel from "./FittedModel.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as PositiveDefinite from "./PositiveDefinite.ts"
import * as SparseRows from "./SparseRows.ts"

/** `lambda`, above 0, is the L2 regularization; tracks with fewer than `minimumListeners` users are left out. */
export type Parameters = {
  readonly lambda: number
  readonly minimumListeners: number
}

/** The matrix of weights grows with the square of the number of tracks, the time to invert it with the cube: 8,000 take 256 MB and minutes. */
export const maximumTracks = 8_000

/**
 * Closed form (equation 8): B = I - P diag(1 / diag(P)) with P = (XᵀX + lambda I)⁻¹. Where there are fewer users than tracks, P comes from
 * the smaller matrix by the Woodbury identity, P = (I - Xᵀ(XXᵀ + lambda I)⁻¹X) / lambda. Weights are rounded to single precision.
 */
export const algorithm: Algorithm.Algorithm<Parameters> = {
  name: "ease",
  fit: Effect.fn("Ease.fit")(function* (interactions, { lambda, minimumListeners }) {
    const byTrack = yield* SparseRows.transpose(interactions.rows, interactions.tracks.length)
    const kept = withListeners(interactions, minimumListeners)
    if (kept.length > maximumTracks) {
      const reason = `it takes up to ${maximumTracks} tracks, and ${kept.length} have ${minimumListeners} listeners or more`
      return yield* new NotApplicable({ algorithm: "ease", reason })
    }
    const known = Float64Array.from(kept, (track) => interactions.tracks[track]!)
    const columns = yield* SparseRows.pick(byTrack, kept)
    const users = interactions.users.length
    const weights =
      users < kept.length
        ? yield* weightsByUsers(columns, users, lambda)
        : yield* weightsByTracks(columns, users, lambda)
    return toModel(interactions.tracks, known, weights)
  }),
  work: (interactions, { minimumListeners }) => {
    const [users, entries] = [interactions.users.length, interactions.rows.columns.length]
    const size = withListeners(interactions, minimumListeners).length
    // Refused at once.
    if (size > maximumTracks) return 0
    const inverted = Math.min(users, size)
    return 0.6 * (inverted ** 3 + entries * (2 * size + inverted)) + users * interactions.tracks.length
  },
  restore: Effect.fnUntraced(function* (tracks, sections) {
    const { known, weights } = yield* FittedModel.readSections("ease", sections, {
      known: Float64Array,
      weights: Float32Array
    })
    return toModel(tracks, known, weights)
  })
}

// internal ------------------------------------------------------------------------------------------------------------------------

/** Indices of tracks. */
const withListeners = ({ rows, tracks }: Interactions.Interactions, fewest: number): Int32Array => {
  const listeners = new Int32Array(tracks.length)
  for (const track of rows.columns) listeners[track]! += 1
  return Int32Array.from(tracks.keys()).filter((track) => listeners[track]! >= fewest)
}

/** Row i of `weights` says what having played `known[i]` adds to the score of each of `known`. */
const toModel = (tracks: IdTable.IdTable, known: IdTable.IdTable, weights: Float32Array): FittedModel.FittedModel => {
  const size = known.length
  const positions = IdTable.locate(tracks, known)
  const indices = IdTable.locate(known, tracks)
  const sums = new Float64Array(size)
  return FittedModel.make({
    tracks,
    sections: [
      { name: "known", data: known },
      { name: "weights", data: weights, columns: size }
    ],
    score: ({ columns: played }, into) => {
      into.fill(-Infinity)
      if (played.every((track) => positions[track] === -1)) return
      sums.fill(0)
      for (const track of played) {
        const row = positions[track]!
        if (row === -1) continue
        for (let column = 0; column < size; column++) sums[column]! += weights[row * size + column]!
      }
      for (let column = 0; column < size; column++) into[indices[column]!] = sums[column]!
    },
    explain: ({ columns: played }, track) => {
      const column = positions[track]!
      const amountOf = (own: number) => (positions[own]! === -1 ? 0 : weights[positions[own]! * size + column]!)
      if (column === -1) return []
      return FittedModel.strongestFirst(Array.from(played, (own) => ({ track: own, amount: amountOf(own) })))
    }
  })
}

const weightsByTracks = Effect.fnUntraced(function* (byTrack: SparseRows.SparseRows, users: number, lambda: number) {
  const size = byTrack.offsets.length - 1
  const inverse = yield* gram(byTrack, yield* SparseRows.transpose(byTrack, users), lambda)
  yield* PositiveDefinite.invert(inverse, size)
  const weights = new Float32Array(size * size)
  yield* Cooperative.forRange(size, (row) => {
    for (let column = 0; column < size; column++) {
      if (column !== row)
        weights[row * size + column] = -inverse[row * size + column]! / inverse[column * size + column]!
    }
  })
  return weights
})

const weightsByUsers = Effect.fnUntraced(function* (byTrack: SparseRows.SparseRows, users: number, lambda: number) {
  const size = byTrack.offsets.length - 1
  const inverse = yield* gram(yield* SparseRows.transpose(byTrack, users), byTrack, lambda)
  yield* PositiveDefinite.invert(inverse, users)
  // Row t is the column of (XXᵀ + lambda I)⁻¹X that belongs to track t.
  const projected = new Float64Array(size * users)
  const diagonal = new Float64Array(size)
  yield* Cooperative.forRange(size, (track) => {
    const row = projected.subarray(track * users, (track + 1) * users)
    for (let entry = byTrack.offsets[track]!; entry < byTrack.offsets[track + 1]!; entry++) {
      const from = byTrack.columns[entry]! * users
      for (let user = 0; user < users; user++) row[user]! += inverse[from + user]!
    }
    diagonal[track] = 1 - sumAt(row, byTrack, track)
  })
  const weights = new Float32Array(size * size)
  yield* Cooperative.forRange(size, (column) => {
    const projection = projected.subarray(column * users, (column + 1) * users)
    for (let row = 0; row < size; row++) {
      if (row !== column) weights[row * size + column] = sumAt(projection, byTrack, row) / diagonal[column]!
    }
  })
  return weights
})

const sumAt = (values: Float64Array, { columns, offsets }: SparseRows.SparseRows, row: number): number => {
  let sum = 0
  for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) sum += values[columns[entry]!]!
  return sum
}

/** The lower half of A Aᵀ + lambda I, where A has a one at each entry of `rows` and `transposed` is its transpose. */
const gram = Effect.fnUntraced(function* (
  rows: SparseRows.SparseRows,
  transposed: SparseRows.SparseRows,
  lambda: number
) {
  const size = rows.offsets.length - 1
  const matrix = new Float64Array(size * size)
  yield* Cooperative.forRange(size, (row) => {
    matrix[row * size + row] = lambda
    for (let entry = rows.offsets[row]!; entry < rows.offsets[row + 1]!; entry++) {
      const shared = rows.columns[entry]!
      for (let other = transposed.offsets[shared]!; other < transposed.offsets[shared + 1]!; other++) {
        if (transposed.columns[other]! <= row) matrix[row * size + transposed.columns[other]!]! += 1
      }
    }
  })
  return matrix
})
