/**
 * Implicit alternating least squares in plain TypeScript and double precision: what the kernels compute, to be read, to be compared with,
 * and for engines that cannot run them.
 * Leaves out speed, and rounding in the same places: factors agree to about five digits.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"
import * as IalsModel from "./IalsModel.ts"
import type * as Interactions from "./Interactions.ts"
import * as SparseRows from "./SparseRows.ts"

/** Fits on the calling thread, letting others through. */
export const fit = Effect.fnUntraced(function* <E = never, R = never>(
  interactions: Interactions.Interactions,
  parameters: IalsModel.Parameters,
  options: IalsModel.Options<E, R>
) {
  yield* IalsModel.validate(parameters, options.from)
  const { rows, tracks, users } = interactions
  const { dimensions, epochs } = parameters
  const byTrack = yield* SparseRows.transpose(rows, tracks.length)
  const userFactors = new Float64Array(users.length * dimensions)
  const trackFactors = new Float64Array(tracks.length * dimensions)
  yield* IalsModel.start({ userFactors, trackFactors }, interactions, dimensions, options)
  for (let epoch = 1; epoch <= epochs; epoch++) {
    yield* improve(userFactors, rows, trackFactors, parameters)
    yield* improve(trackFactors, byTrack, userFactors, parameters)
    if (options.onEpoch === undefined) continue
    yield* options.onEpoch({ epoch, loss: yield* loss(rows, byTrack, userFactors, trackFactors, parameters) })
  }
  return {
    parameters,
    users,
    tracks,
    userFactors: new Float32Array(userFactors),
    trackFactors: new Float32Array(trackFactors)
  } satisfies IalsModel.Model
})

/** The sum over rows of v v', d x d, where `factors` holds rows v of d numbers. */
export const gramOf = Effect.fnUntraced(function* (factors: ArrayLike<number>, d: number) {
  const gram = new Float64Array(d * d)
  yield* Cooperative.forRange(factors.length / d, (row) => {
    for (let i = 0; i < d; i++) {
      const factor = factors[row * d + i]!
      for (let j = 0; j < d; j++) gram[i * d + j]! += factor * factors[row * d + j]!
    }
  })
  return gram
})

/** One of a row's interactions. */
export interface Entry {
  readonly factors: Float64Array | Float32Array
  readonly confidence: number
}

/** A symmetric positive definite matrix, d x d, and a right side. */
export interface Equations {
  readonly matrix: Float64Array
  readonly target: Float64Array
}

/**
 * The matrix A and the right side b of one row's normal equations: A = alpha0 G + sum of c v v' + lambda (n + alpha0 m) I, b = sum of c v,
 * for n entries with factors v and confidence c, m columns in all, and their Gram matrix G.
 */
export const equationsOf = (
  entries: ReadonlyArray<Entry>,
  gram: Float64Array,
  columns: number,
  { alpha0, dimensions: d, lambda }: IalsModel.Parameters
): Equations => {
  const matrix = gram.map((value) => alpha0 * value)
  const target = new Float64Array(d)
  for (let i = 0; i < d; i++) matrix[i * d + i]! += lambda * (entries.length + alpha0 * columns)
  for (const { confidence, factors } of entries) {
    for (let i = 0; i < d; i++) {
      target[i]! += confidence * factors[i]!
      for (let j = 0; j < d; j++) matrix[i * d + j]! += confidence * factors[i]! * factors[j]!
    }
  }
  return { matrix, target }
}

/** Solves A x = b for a symmetric positive definite A = L L'. */
export const solve = ({ matrix, target }: Equations): Float64Array => {
  const d = target.length
  const lower = new Float64Array(d * d)
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * d + j]!
      for (let k = 0; k < j; k++) rest -= lower[i * d + k]! * lower[j * d + k]!
      lower[i * d + j] = i === j ? Math.sqrt(rest) : rest / lower[j * d + j]!
    }
  }
  const solution = target.slice()
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < i; k++) solution[i]! -= lower[i * d + k]! * solution[k]!
    solution[i]! /= lower[i * d + i]!
  }
  for (let i = d - 1; i >= 0; i--) {
    for (let k = i + 1; k < d; k++) solution[i]! -= lower[k * d + i]! * solution[k]!
    solution[i]! /= lower[i * d + i]!
  }
  return solution
}

/** The scores of all tracks for one user. In single precision and in order, so that they are the kernels' to the last bit. */
export const scores = (user: Float32Array, { trackFactors, tracks }: IalsModel.Model): Float32Array =>
  Float32Array.from(tracks, (_, track) => {
    let total = 0
    for (let i = 0; i < user.length; i++) {
      total = Math.fround(total + Math.fround(user[i]! * trackFactors[track * user.length + i]!))
    }
    return total
  })

// internal ------------------------------------------------------------------------------------------------------------------------

const entriesOf = (rows: SparseRows.SparseRows, row: number, factors: Float64Array, d: number): Array<Entry> => {
  const entries: Array<Entry> = []
  for (let at = rows.offsets[row]!; at < rows.offsets[row + 1]!; at++) {
    const column = rows.columns[at]!
    entries.push({ factors: factors.subarray(column * d, (column + 1) * d), confidence: rows.values[at]! })
  }
  return entries
}

/** Solves for `own`, given the factors of the other side. */
const improve = Effect.fnUntraced(function* (
  own: Float64Array,
  rows: SparseRows.SparseRows,
  others: Float64Array,
  parameters: IalsModel.Parameters
) {
  const { alpha0, dimensions: d, lambda, solver } = parameters
  const gram = yield* gramOf(others, d)
  const scaled = gram.map((value) => alpha0 * value)
  yield* Cooperative.forRange(own.length / d, (row) => {
    const entries = entriesOf(rows, row, others, d)
    const solution = own.subarray(row * d, (row + 1) * d)
    if (entries.length === 0) {
      solution.fill(0)
    } else if (solver._tag === "Cholesky") {
      solution.set(solve(equationsOf(entries, gram, others.length / d, parameters)))
    } else {
      descend(solution, entries, scaled, lambda * (entries.length + (alpha0 * others.length) / d), solver.steps)
    }
  })
})

/** Conjugate gradients on a row's normal equations, from where its factors are, without forming their matrix. */
const descend = (
  solution: Float64Array,
  entries: ReadonlyArray<Entry>,
  gram: Float64Array,
  ridge: number,
  steps: number
): void => {
  const d = solution.length
  const product = apply(entries, gram, ridge, solution)
  const residual = product.map((value) => -value)
  for (const { confidence, factors } of entries) add(residual, confidence, factors)
  const direction = residual.slice()
  let squares = dot(residual, residual)
  for (let step = 0; step < steps && squares > 1e-20; step++) {
    const product = apply(entries, gram, ridge, direction)
    const length = squares / dot(direction, product)
    add(solution, length, direction)
    add(residual, -length, product)
    const left = dot(residual, residual)
    for (let i = 0; i < d; i++) direction[i] = residual[i]! + (left / squares) * direction[i]!
    squares = left
  }
}

/** A x, for the matrix A of a row's normal equations. */
const apply = (
  entries: ReadonlyArray<Entry>,
  gram: Float64Array,
  ridge: number,
  vector: Float64Array
): Float64Array => {
  const d = vector.length
  const product = new Float64Array(d)
  for (let i = 0; i < d; i++) {
    let total = ridge * vector[i]!
    for (let j = 0; j < d; j++) total += gram[i * d + j]! * vector[j]!
    product[i] = total
  }
  for (const { confidence, factors } of entries) add(product, confidence * dot(factors, vector), factors)
  return product
}

/**
 * Sum of c (1 - u.v)^2 over the interactions, of alpha0 (u.v)^2 over all pairs, and of the penalties. The second is a sum over tracks of
 * v' G v with the users' Gram matrix G.
 */
const loss = Effect.fnUntraced(function* (
  rows: SparseRows.SparseRows,
  byTrack: SparseRows.SparseRows,
  userFactors: Float64Array,
  trackFactors: Float64Array,
  { alpha0, dimensions: d, lambda }: IalsModel.Parameters
) {
  const users = userFactors.length / d
  const tracks = trackFactors.length / d
  const gram = yield* gramOf(userFactors, d)
  let total = 0
  yield* Cooperative.forRange(users, (row) => {
    const own = userFactors.subarray(row * d, (row + 1) * d)
    const entries = entriesOf(rows, row, trackFactors, d)
    for (const { confidence, factors } of entries) total += confidence * (1 - dot(factors, own)) ** 2
    total += lambda * (entries.length + alpha0 * tracks) * dot(own, own)
  })
  yield* Cooperative.forRange(tracks, (row) => {
    const own = trackFactors.subarray(row * d, (row + 1) * d)
    const entries = byTrack.offsets[row + 1]! - byTrack.offsets[row]!
    total += alpha0 * dot(own, apply([], gram, 0, own)) + lambda * (entries + alpha0 * users) * dot(own, own)
  })
  return total
})

const dot = (left: ArrayLike<number>, right: ArrayLike<number>): number => {
  let total = 0
  for (let i = 0; i < left.length; i++) total += left[i]! * right[i]!
  return total
}

const add = (target: Float64Array, factor: number, vector: ArrayLike<number>): void => {
  for (let i = 0; i < target.length; i++) target[i]! += factor * vector[i]!
}
