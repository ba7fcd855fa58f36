/**
 * The Gram matrix of a factor matrix: the sum over its rows of their outer products, in parts that do not depend on the number of threads.
 * Leaves out how many parts there are.
 */
import { addOuterProducts, pack, panelRows } from "./panels"
import { f32Size } from "./vectors"

/** Parts `from` to `to` of `parts`, each a lower triangle of d x d. Scratch: 32 KB. */
export function gramParts(
  from: i32,
  to: i32,
  scratch: usize,
  factors: usize,
  rows: i32,
  d: i32,
  parts: i32,
  out: usize
): void {
  const line = <usize>d * f32Size
  const most = panelRows(d)
  const rowsOfPart = (rows + parts - 1) / parts
  for (let part = from; part < to; part++) {
    const sums = out + <usize>part * line * <usize>d
    const end = min(rows, (part + 1) * rowsOfPart)
    memory.fill(sums, 0, line * <usize>d)
    for (let start = part * rowsOfPart; start < end; start += most) {
      const count = min(most, end - start)
      for (let row = 0; row < count; row++) pack(factors + <usize>(start + row) * line, 1, scratch, row, count, d)
      addOuterProducts(scratch, count, sums, d)
    }
  }
}

/** Rows `from` to `to` of the whole: the parts added in order, times `factor`, both triangles. */
export function gramSum(
  from: i32,
  to: i32,
  _scratch: usize,
  partSums: usize,
  parts: i32,
  d: i32,
  factor: f32,
  out: usize
): void {
  const line = <usize>d * f32Size
  for (let row = from; row < to; row++) {
    for (let column = 0; column <= row; column++) {
      const cell = <usize>row * line + ((<usize>column) << 2)
      let total: f32 = 0
      for (let part = 0; part < parts; part++) total += load<f32>(partSums + <usize>part * line * <usize>d + cell)
      store<f32>(out + cell, total * factor)
      store<f32>(out + <usize>column * line + ((<usize>row) << 2), total * factor)
    }
  }
}
