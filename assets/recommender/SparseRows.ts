/**
 * A sparse matrix in compressed rows (CSR): for each row the columns that hold a value, and the values.
 * Leaves out arithmetic: whoever needs it walks the arrays.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"

/** Row `r` holds entries `offsets[r]` up to `offsets[r + 1]` of `columns` and `values`; there is one offset more than rows. */
export interface SparseRows {
  readonly offsets: Int32Array
  readonly columns: Int32Array
  readonly values: Float64Array
}

/** The entries of one row. */
export interface Row {
  readonly columns: Int32Array
  readonly values: Float64Array
}

/** Row `index`, without copying it. */
export const row = ({ columns, offsets, values }: SparseRows, index: number): Row => ({
  columns: columns.subarray(offsets[index]!, offsets[index + 1]!),
  values: values.subarray(offsets[index]!, offsets[index + 1]!)
})

/** A matrix of `rows` empty rows. */
export const empty = (rows: number): SparseRows => ({
  offsets: new Int32Array(rows + 1),
  columns: new Int32Array(0),
  values: new Float64Array(0)
})

/** The rows of these indices, in that order. */
export const pick = Effect.fnUntraced(function* (self: SparseRows, rows: Int32Array) {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach((row, index) => (offsets[index + 1] = self.offsets[row + 1]! - self.offsets[row]!))
  accumulate(offsets)
  const columns = new Int32Array(offsets.at(-1)!)
  const values = new Float64Array(columns.length)
  yield* Cooperative.forRange(rows.length, (index) => {
    const picked = row(self, rows[index]!)
    columns.set(picked.columns, offsets[index]!)
    values.set(picked.values, offsets[index]!)
  })
  return { offsets, columns, values } satisfies SparseRows
})

/** Swaps rows and columns. Whatever the order was, the columns of each row of the answer ascend. */
export const transpose = Effect.fnUntraced(function* (self: SparseRows, columnCount: number) {
  const rowCount = self.offsets.length - 1
  const offsets = new Int32Array(columnCount + 1)
  yield* Cooperative.forRange(rowCount, (row) => {
    for (let entry = self.offsets[row]!; entry < self.offsets[row + 1]!; entry++)
      offsets[self.columns[entry]! + 1]! += 1
  })
  accumulate(offsets)
  const next = offsets.slice(0, columnCount)
  const columns = new Int32Array(self.columns.length)
  const values = new Float64Array(self.columns.length)
  yield* Cooperative.forRange(rowCount, (row) => {
    for (let entry = self.offsets[row]!; entry < self.offsets[row + 1]!; entry++) {
      const target = next[self.columns[entry]!]!++
      columns[target] = row
      values[target] = self.values[entry]!
    }
  })
  return { offsets, columns, values } satisfies SparseRows
})

/** Turns counts, that of row `r` standing at `r + 1`, into offsets, in place. */
export const accumulate = (counts: Int32Array): void => {
  for (let row = 1; row < counts.length; row++) counts[row]! += counts[row - 1]!
}
