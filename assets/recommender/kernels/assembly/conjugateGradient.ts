/**
 * Half an epoch of iALS by conjugate gradients, which start from the row's present factors (Takács, Pilászy and Tikk, "Applications of the
 * conjugate gradient method for implicit feedback collaborative filtering", RecSys 2011).
 * Leaves out the matrix of the normal equations, which is applied without being formed.
 */
import { add, dot, f32Size, scaleAndAdd, sum } from "./vectors"

/**
 * Solves rows `from` to `to` of `out`. `gram` is alpha0 times the Gram matrix of `factors`; a row of n entries is regularised by
 * lambda (n + others). `confidences` 0 stands for all ones. For each row `terms` gets its share of the loss and its share of the penalty.
 * Scratch: three rows.
 */
export function conjugateGradient(
  from: i32,
  to: i32,
  scratch: usize,
  offsets: usize,
  columns: usize,
  confidences: usize,
  factors: usize,
  gram: usize,
  lambda: f64,
  others: f64,
  out: usize,
  terms: usize,
  d: i32,
  steps: i32
): void {
  const size = <usize>d * f32Size
  const residual = scratch
  const direction = residual + size
  const product = direction + size
  for (let row = from; row < to; row++) {
    const start = load<i32>(offsets + ((<usize>row) << 2))
    const end = load<i32>(offsets + ((<usize>row) << 2), 4)
    const solution = out + <usize>row * size
    const term = terms + ((<usize>row) << 4)
    if (start == end) {
      memory.fill(solution, 0, size)
      memory.fill(term, 0, 16)
      continue
    }
    const ridge = <f32>(lambda * (<f64>(end - start) + others))
    multiply(gram, solution, product, d)
    add(product, ridge, solution, size)
    let loss = <f64>dot(solution, product, size)
    memory.fill(residual, 0, size)
    add(residual, -1, product, size)
    loss += accumulate(start, end, columns, confidences, factors, solution, 1, -1, residual, size)
    memory.copy(direction, residual, size)
    let squares = dot(residual, residual, size)
    for (let step = 0; step < steps && squares > 1e-20; step++) {
      multiply(gram, direction, product, d)
      add(product, ridge, direction, size)
      accumulate(start, end, columns, confidences, factors, direction, 0, 1, product, size)
      const length = squares / dot(direction, product, size)
      add(solution, length, direction, size)
      add(residual, -length, product, size)
      // What the step takes off the quadratic that is minimised.
      loss -= <f64>length * <f64>squares
      const left = dot(residual, residual, size)
      scaleAndAdd(direction, left / squares, residual, size)
      squares = left
    }
    store<f64>(term, loss)
    store<f64>(term, <f64>ridge * <f64>dot(solution, solution, size), 8)
  }
}

/** out = matrix vector, for a symmetric matrix of d x d. */
function multiply(matrix: usize, vector: usize, out: usize, d: i32): void {
  const size = <usize>d * f32Size
  for (let row = 0; row < d; row += 4) {
    const row0 = matrix + <usize>row * size
    const row1 = row0 + size
    const row2 = row1 + size
    const row3 = row2 + size
    let sum0 = f32x4.splat(0)
    let sum1 = sum0
    let sum2 = sum0
    let sum3 = sum0
    for (let at: usize = 0; at < size; at += 16) {
      const values = v128.load(vector + at)
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(row0 + at), values))
      sum1 = f32x4.add(sum1, f32x4.mul(v128.load(row1 + at), values))
      sum2 = f32x4.add(sum2, f32x4.mul(v128.load(row2 + at), values))
      sum3 = f32x4.add(sum3, f32x4.mul(v128.load(row3 + at), values))
    }
    v128.store(out + ((<usize>row) << 2), sums(sum0, sum1, sum2, sum3))
  }
}

/**
 * out += c (target + sign v.x) v over a row's entries, v being the factors and c the confidence of each.
 * Returns the sum of c (target + sign v.x)^2.
 */
function accumulate(
  start: i32,
  end: i32,
  columns: usize,
  confidences: usize,
  factors: usize,
  vector: usize,
  target: f32,
  sign: f32,
  out: usize,
  size: usize
): f64 {
  const targets = f32x4.splat(target)
  const signs = f32x4.splat(sign)
  let squares = f32x4.splat(0)
  let entry = start
  for (; entry + 4 <= end; entry += 4) {
    const at4 = (<usize>entry) << 2
    const row0 = factors + <usize>load<i32>(columns + at4) * size
    const row1 = factors + <usize>load<i32>(columns + at4, 4) * size
    const row2 = factors + <usize>load<i32>(columns + at4, 8) * size
    const row3 = factors + <usize>load<i32>(columns + at4, 12) * size
    let sum0 = f32x4.splat(0)
    let sum1 = sum0
    let sum2 = sum0
    let sum3 = sum0
    for (let at: usize = 0; at < size; at += 16) {
      const values = v128.load(vector + at)
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(row0 + at), values))
      sum1 = f32x4.add(sum1, f32x4.mul(v128.load(row1 + at), values))
      sum2 = f32x4.add(sum2, f32x4.mul(v128.load(row2 + at), values))
      sum3 = f32x4.add(sum3, f32x4.mul(v128.load(row3 + at), values))
    }
    const errors = f32x4.add(targets, f32x4.mul(signs, sums(sum0, sum1, sum2, sum3)))
    const weighted = confidences ? f32x4.mul(v128.load(confidences + at4), errors) : errors
    squares = f32x4.add(squares, f32x4.mul(weighted, errors))
    const weight0 = v128.shuffle<f32>(weighted, weighted, 0, 0, 0, 0)
    const weight1 = v128.shuffle<f32>(weighted, weighted, 1, 1, 1, 1)
    const weight2 = v128.shuffle<f32>(weighted, weighted, 2, 2, 2, 2)
    const weight3 = v128.shuffle<f32>(weighted, weighted, 3, 3, 3, 3)
    for (let at: usize = 0; at < size; at += 16) {
      let values = v128.load(out + at)
      values = f32x4.add(values, f32x4.mul(weight0, v128.load(row0 + at)))
      values = f32x4.add(values, f32x4.mul(weight1, v128.load(row1 + at)))
      values = f32x4.add(values, f32x4.mul(weight2, v128.load(row2 + at)))
      values = f32x4.add(values, f32x4.mul(weight3, v128.load(row3 + at)))
      v128.store(out + at, values)
    }
  }
  let total = <f64>sum(squares)
  for (; entry < end; entry++) {
    const at1 = (<usize>entry) << 2
    const row = factors + <usize>load<i32>(columns + at1) * size
    const error = target + sign * dot(row, vector, size)
    const weighted = confidences ? load<f32>(confidences + at1) * error : error
    total += <f64>weighted * <f64>error
    add(out, weighted, row, size)
  }
  return total
}

/** The sums of four registers, one in each lane. */
function sums(lanes0: v128, lanes1: v128, lanes2: v128, lanes3: v128): v128 {
  const sums01 = f32x4.add(v128.shuffle<f32>(lanes0, lanes1, 0, 4, 1, 5), v128.shuffle<f32>(lanes0, lanes1, 2, 6, 3, 7))
  const sums23 = f32x4.add(v128.shuffle<f32>(lanes2, lanes3, 0, 4, 1, 5), v128.shuffle<f32>(lanes2, lanes3, 2, 6, 3, 7))
  return f32x4.add(v128.shuffle<f32>(sums01, sums23, 0, 1, 4, 5), v128.shuffle<f32>(sums01, sums23, 2, 3, 6, 7))
}
