/**
 * What implicit alternating least squares learn: a vector of factors for each user and each track, whose product is how much the one likes
 * the other (Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008).
 * Leaves out how they are learnt.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Cooperative from "./Cooperative.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"

/** How each row is solved for: by so many steps from where it stands, or exactly. */
export type Solver = { readonly _tag: "ConjugateGradient"; readonly steps: number } | { readonly _tag: "Cholesky" }

/**
 * `dimensions` is a multiple of 8 up to 256. `alpha0` is the confidence that a pair without interaction is worth 0, where an interaction
 * of weight 1 is worth 1 with confidence 1. A row of n interactions is regularised by lambda (n + alpha0 m), m being the number of all
 * columns, as in Rendle, Krichene, Zhang and Koren, "Revisiting the performance of iALS on item recommendation benchmarks" (RecSys 2022),
 * with nu = 1.
 */
export interface Parameters {
  readonly dimensions: number
  readonly alpha0: number
  readonly lambda: number
  readonly epochs: number
  readonly solver: Solver
}

/** The factors of `users[u]` begin at `u * dimensions` of `userFactors`. Who has no interactions has factors of 0. */
export interface Model {
  readonly parameters: Parameters
  readonly users: IdTable.IdTable
  readonly tracks: IdTable.IdTable
  readonly userFactors: Float32Array
  readonly trackFactors: Float32Array
}

/** Factors that are being learnt, in whatever precision. */
export interface Factors {
  readonly userFactors: Float32Array | Float64Array
  readonly trackFactors: Float32Array | Float64Array
}

/** `loss` is the sum that is minimised, after the epoch. Epochs count from 1. */
export interface Epoch {
  readonly epoch: number
  readonly loss: number
}

/** Factors start from those of `from` for the ids it knows; `onEpoch` is awaited; `threads` is for those who have any. */
export interface Options<E = never, R = never> {
  readonly seed: number
  readonly threads?: number
  readonly from?: Model
  readonly onEpoch?: (epoch: Epoch) => Effect.Effect<void, E, R>
}

/** Parameters that nothing can be fitted with. */
export class InvalidParameters extends Schema.TaggedError<InvalidParameters>()("InvalidParameters", {
  reason: Schema.String
}) {
  override get message(): string {
    return `iALS cannot be fitted: ${this.reason}`
  }
}

/** Fails on parameters outside their ranges, and on an earlier model of other dimensions. */
export const validate = (
  { alpha0, dimensions, epochs, lambda, solver }: Parameters,
  from?: Model
): Effect.Effect<void, InvalidParameters> => {
  const reasons = [
    unless(
      dimensions % 8 === 0 && dimensions >= 8 && dimensions <= 256,
      `dimensions must be a multiple of 8 from 8 to 256, not ${dimensions}`
    ),
    unless(alpha0 > 0 && Number.isFinite(alpha0), `alpha0 must be above 0, not ${alpha0}`),
    unless(lambda > 0 && Number.isFinite(lambda), `lambda must be above 0, not ${lambda}`),
    unless(Number.isInteger(epochs) && epochs >= 0, `epochs must be a whole number, not ${epochs}`),
    solver._tag === "Cholesky"
      ? []
      : unless(Number.isInteger(solver.steps) && solver.steps > 0, `steps must be 1 or more, not ${solver.steps}`),
    from === undefined
      ? []
      : unless(
          from.parameters.dimensions === dimensions,
          `the earlier model has ${from.parameters.dimensions} dimensions and this one ${dimensions}`
        )
  ].flat()
  return reasons.length === 0 ? Effect.void : Effect.fail(new InvalidParameters({ reason: reasons.join("; ") }))
}

/**
 * Fills in the factors to start from. New users start at 0, as they are solved for first; new tracks at random, by seed and id alone, with
 * a standard deviation of 0.1 / sqrt(dimensions).
 */
export const start = Effect.fnUntraced(function* (
  factors: Factors,
  { tracks, users }: Interactions.Interactions,
  dimensions: number,
  { from, seed }: { readonly from?: Model; readonly seed: number }
) {
  const scale = 0.1 / Math.sqrt(dimensions * bytesVariance)
  yield* Cooperative.forRange(tracks.length, (track) => {
    const id = tracks[track]!
    const row = mix(mix(mix(seed) ^ (id | 0)) ^ Math.floor(id / 2 ** 32))
    for (let at = 0; at < dimensions; at++) {
      factors.trackFactors[track * dimensions + at] = sumOfBytes(mix(row + at)) * scale
    }
  })
  if (from === undefined) return
  inherit(factors.userFactors, users, from.userFactors, from.users, dimensions)
  inherit(factors.trackFactors, tracks, from.trackFactors, from.tracks, dimensions)
})

// internal ------------------------------------------------------------------------------------------------------------------------

const unless = (holds: boolean, reason: string): ReadonlyArray<string> => (holds ? [] : [reason])

const inherit = (
  factors: Float32Array | Float64Array,
  ids: IdTable.IdTable,
  earlier: Float32Array,
  earlierIds: IdTable.IdTable,
  dimensions: number
): void => {
  IdTable.locate(ids, earlierIds).forEach((row, index) => {
    if (row === -1) return
    const own = earlier.subarray(row * dimensions, (row + 1) * dimensions)
    // What had no interactions then would stay where it is for ever.
    if (own.some((factor) => factor !== 0)) factors.set(own, index * dimensions)
  })
}

/** Nearly normal (Irwin and Hall), of mean 0: logarithms and cosines differ from engine to engine in their last bits. */
const sumOfBytes = (bits: number): number =>
  (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510

/** Four times (256^2 - 1) / 12. */
const bytesVariance = 21_845

/** A bijection of 32 bits without visible pattern: "lowbias32" of Wellons' hash prospector. */
const mix = (bits: number): number => {
  let mixed = bits + 0x9e3779b9
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
