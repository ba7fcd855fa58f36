/**
 * The inverse of a symmetric positive definite matrix, row by row and cooperative, in double precision.
 * Leaves out pivoting and threads: n = 1,000 takes half a second, and eight times as long for each doubling.
 *
 * All sums run along rows, sixteen of which are worked on at a time, so that a row fetched from memory serves them all.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"

/** Inverts the n × n matrix in place (row-major; only its lower half is read); it needs as much memory again. Dies if the matrix is not positive definite. */
export const invert = Effect.fn("PositiveDefinite.invert")(function* (matrix: Float64Array, n: number) {
  const diagonal = yield* factorize(matrix, n)
  const inverseFactor = yield* invertFactor(matrix, diagonal, n)
  yield* multiplyByTranspose(inverseFactor, matrix, n)
})

// internal ------------------------------------------------------------------------------------------------------------------------

const block = 16

/** Cholesky: replaces A = L Lᵀ by L, below the diagonal, which is answered apart. */
const factorize = Effect.fnUntraced(function* (a: Float64Array, n: number) {
  const diagonal = new Float64Array(n)
  const sums = new Float64Array(block)
  for (let top = 0; top < n; top += block) {
    const end = Math.min(top + block, n)
    yield* Cooperative.forRange(end, (column) => {
      const first = Math.max(top, column)
      dots(a, column * n, a, first * n, end - first, n, 0, column, sums)
      for (let row = first; row < end; row++) {
        const rest = a[row * n + column]! - sums[row - first]!
        if (row === column) {
          if (!(rest > 0)) throw new RangeError(`The matrix is not positive definite: pivot ${row} is ${rest}`)
          diagonal[row] = Math.sqrt(rest)
        } else a[row * n + column] = rest / diagonal[column]!
      }
    })
  }
  return diagonal
})

/** The transpose of L⁻¹: its row j is the solution of L x = e_j, zero before j. */
const invertFactor = Effect.fnUntraced(function* (l: Float64Array, diagonal: Float64Array, n: number) {
  const u = new Float64Array(n * n)
  const sums = new Float64Array(block)
  for (let top = 0; top < n; top += block) {
    yield* Cooperative.forRange(n - top, (offset) => {
      const column = top + offset
      const count = Math.min(block, n - top, offset)
      dots(l, column * n, u, top * n, count, n, top, column, sums)
      for (let row = 0; row < count; row++) u[(top + row) * n + column] = -sums[row]! / diagonal[column]!
      if (offset < block) u[column * n + column] = 1 / diagonal[column]!
    })
  }
  return u
})

/** A⁻¹ = L⁻ᵀ L⁻¹, both halves of it. */
const multiplyByTranspose = Effect.fnUntraced(function* (u: Float64Array, into: Float64Array, n: number) {
  const sums = new Float64Array(block)
  for (let top = 0; top < n; top += block) {
    const count = Math.min(block, n - top)
    yield* Cooperative.forRange(top + count, (column) => {
      dots(u, column * n, u, top * n, count, n, Math.max(top, column), n, sums)
      for (let row = 0; row < count; row++) {
        into[(top + row) * n + column] = sums[row]!
        into[column * n + top + row] = sums[row]!
      }
    })
  }
})

/** The products of one row of `x` with `count` rows of `y`, over the columns `from` up to `to`. */
const dots = (
  x: Float64Array,
  xAt: number,
  y: Float64Array,
  yAt: number,
  count: number,
  stride: number,
  from: number,
  to: number,
  into: Float64Array
): void => {
  let row = 0
  for (; row + 4 <= count; row += 4) {
    const first = yAt + row * stride
    const second = first + stride
    const third = second + stride
    const fourth = third + stride
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let column = from; column < to; column++) {
      const value = x[xAt + column]!
      a += value * y[first + column]!
      b += value * y[second + column]!
      c += value * y[third + column]!
      d += value * y[fourth + column]!
    }
    into[row] = a
    into[row + 1] = b
    into[row + 2] = c
    into[row + 3] = d
  }
  for (; row < count; row++) {
    const only = yAt + row * stride
    let sum = 0
    for (let column = from; column < to; column++) sum += x[xAt + column]! * y[only + column]!
    into[row] = sum
  }
}
