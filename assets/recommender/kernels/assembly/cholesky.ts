/**
 * Half an epoch of iALS solved exactly, row by row, by Cholesky's factorisation of the normal equations (Hu, Koren and Volinsky,
 * "Collaborative filtering for implicit feedback datasets", ICDM 2008).
 * Leaves out pivoting: the regularisation keeps the matrix positive definite.
 */
import { addOuterProducts, pack, panelRows } from "./panels"
import { add, dot, f32Size } from "./vectors"

/**
 * Solves rows `from` to `to` as `conjugateGradient` does, without regard to what `out` held.
 * Scratch: the factorised d x d matrix of the last row solved, the inverses of its diagonal, a row, and 32 KB.
 */
export function cholesky(
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
  d: i32
): void {
  const size = <usize>d * f32Size
  const matrix = scratch
  const inverses = matrix + <usize>d * size
  const target = inverses + size
  const panels = target + size
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
    memory.copy(matrix, gram, <usize>d * size)
    for (let diagonal = matrix; diagonal < inverses; diagonal += size + f32Size) {
      store<f32>(diagonal, load<f32>(diagonal) + ridge)
    }
    const confidence = addEntries(start, end, columns, confidences, factors, matrix, target, panels, d)
    factorise(matrix, inverses, d)
    memory.copy(solution, target, size)
    solve(matrix, inverses, solution, d)
    store<f64>(term, confidence - <f64>dot(target, solution, size))
    store<f64>(term, <f64>ridge * <f64>dot(solution, solution, size), 8)
  }
}

/** matrix += sum of c v v' and target = sum of c v over a row's entries; returns the sum of c. */
function addEntries(
  start: i32,
  end: i32,
  columns: usize,
  confidences: usize,
  factors: usize,
  matrix: usize,
  target: usize,
  panels: usize,
  d: i32
): f64 {
  const size = <usize>d * f32Size
  const most = panelRows(d)
  let total: f64 = 0
  memory.fill(target, 0, size)
  for (let first = start; first < end; first += most) {
    const count = min(most, end - first)
    for (let row = 0; row < count; row++) {
      const at = (<usize>(first + row)) << 2
      const vector = factors + <usize>load<i32>(columns + at) * size
      const confidence: f32 = confidences ? load<f32>(confidences + at) : 1
      total += <f64>confidence
      add(target, confidence, vector, size)
      pack(vector, sqrt<f32>(confidence), panels, row, count, d)
    }
    addOuterProducts(panels, count, matrix, d)
  }
  return total
}

/**
 * The lower triangle becomes L with L L' = matrix, row by row; `inverses` gets 1 / diagonal, or 0 where rounding left nothing of it, which
 * makes that factor 0.
 */
function factorise(matrix: usize, inverses: usize, d: i32): void {
  const size = <usize>d * f32Size
  for (let row = 0; row < d; row++) {
    const line = matrix + <usize>row * size
    for (let column = 0; column < row; column++) {
      const at = (<usize>column) << 2
      const rest = load<f32>(line + at) - dotPrefix(line, matrix + <usize>column * size, column)
      store<f32>(line + at, rest * load<f32>(inverses + at))
    }
    const at = (<usize>row) << 2
    const whole = load<f32>(line + at)
    const rest = whole - dotPrefix(line, line, row)
    const diagonal: f32 = rest > whole * 1e-6 ? sqrt<f32>(rest) : 0
    store<f32>(line + at, diagonal)
    store<f32>(inverses + at, diagonal > 0 ? <f32>1 / diagonal : 0)
  }
}

/** Solves L L' x = b in place, given what `factorise` left. */
export function solve(matrix: usize, inverses: usize, vector: usize, d: i32): void {
  const size = <usize>d * f32Size
  for (let row = 0; row < d; row++) {
    const at = (<usize>row) << 2
    const rest = load<f32>(vector + at) - dotPrefix(matrix + <usize>row * size, vector, row)
    store<f32>(vector + at, rest * load<f32>(inverses + at))
  }
  for (let row = d - 1; row >= 0; row--) {
    const line = matrix + <usize>row * size
    const at = (<usize>row) << 2
    const value = load<f32>(vector + at) * load<f32>(inverses + at)
    store<f32>(vector + at, value)
    const whole = at & ~15
    add(vector, -value, line, whole)
    for (let rest = whole; rest < at; rest += f32Size) {
      store<f32>(vector + rest, load<f32>(vector + rest) - value * load<f32>(line + rest))
    }
  }
}

/** The product of the first `count` numbers of two vectors. */
function dotPrefix(left: usize, right: usize, count: i32): f32 {
  const end = (<usize>count) << 2
  const whole = end & ~15
  let total = dot(left, right, whole)
  for (let at = whole; at < end; at += f32Size) total += load<f32>(left + at) * load<f32>(right + at)
  return total
}
