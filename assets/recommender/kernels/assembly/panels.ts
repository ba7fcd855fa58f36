/**
 * Sums of outer products, from rows packed so that the innermost loop reads memory in order: a panel holds 8 columns of all rows, row by row.
 * Leaves out the upper triangle: what is summed is symmetric.
 */
import { f32Size } from "./vectors"

/** Rows that are packed at a time, so that the panels stay in the first-level cache. */
export function panelRows(d: i32): i32 {
  return 8192 / d
}

/** Packs a row of `d` numbers, times `factor`, as row `row` of `rows`. */
export function pack(source: usize, factor: f32, panels: usize, row: i32, rows: i32, d: i32): void {
  const panel = <usize>rows * 32
  const factors = f32x4.splat(factor)
  let target = panels + <usize>row * 32
  for (let column = 0; column < d; column += 8) {
    v128.store(target, f32x4.mul(factors, v128.load(source)))
    v128.store(target, f32x4.mul(factors, v128.load(source, 16)), 16)
    target += panel
    source += 32
  }
}

/** matrix += panels' panels, the lower triangle of d x d. */
export function addOuterProducts(panels: usize, rows: i32, matrix: usize, d: i32): void {
  const panel = <usize>rows * 32
  const line = <usize>d * f32Size
  for (let column = 0; column < d; column += 8) {
    const right = panels + <usize>(column >> 3) * panel
    for (let row = column; row < d; row += 4) {
      const left = panels + <usize>(row >> 3) * panel + <usize>((row & 4) << 2)
      addTile(rows, left, right, matrix + <usize>row * line + ((<usize>column) << 2), line)
    }
  }
}

/** A tile of 4 x 8, in eight registers. */
function addTile(rows: i32, left: usize, right: usize, tile: usize, line: usize): void {
  const tile1 = tile + line
  const tile2 = tile1 + line
  const tile3 = tile2 + line
  let sum00 = v128.load(tile)
  let sum01 = v128.load(tile, 16)
  let sum10 = v128.load(tile1)
  let sum11 = v128.load(tile1, 16)
  let sum20 = v128.load(tile2)
  let sum21 = v128.load(tile2, 16)
  let sum30 = v128.load(tile3)
  let sum31 = v128.load(tile3, 16)
  for (let row = 0; row < rows; row++) {
    const right0 = v128.load(right)
    const right1 = v128.load(right, 16)
    const left0 = v128.load_splat<f32>(left)
    sum00 = f32x4.add(sum00, f32x4.mul(left0, right0))
    sum01 = f32x4.add(sum01, f32x4.mul(left0, right1))
    const left1 = v128.load_splat<f32>(left, 4)
    sum10 = f32x4.add(sum10, f32x4.mul(left1, right0))
    sum11 = f32x4.add(sum11, f32x4.mul(left1, right1))
    const left2 = v128.load_splat<f32>(left, 8)
    sum20 = f32x4.add(sum20, f32x4.mul(left2, right0))
    sum21 = f32x4.add(sum21, f32x4.mul(left2, right1))
    const left3 = v128.load_splat<f32>(left, 12)
    sum30 = f32x4.add(sum30, f32x4.mul(left3, right0))
    sum31 = f32x4.add(sum31, f32x4.mul(left3, right1))
    left += 32
    right += 32
  }
  v128.store(tile, sum00)
  v128.store(tile, sum01, 16)
  v128.store(tile1, sum10)
  v128.store(tile1, sum11, 16)
  v128.store(tile2, sum20)
  v128.store(tile2, sum21, 16)
  v128.store(tile3, sum30)
  v128.store(tile3, sum31, 16)
}
