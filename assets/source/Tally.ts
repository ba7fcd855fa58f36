/**
 * Whether the pages of a pass add up to one listing: as many different rows as the total says, under one total.
 *
 * It holds the keys of the pass, never the rows.
 */
import type { Discrepancy } from "./MusicApiError.ts"

export interface Tally {
  readonly total: number
  readonly keys: Set<number>
  /** Rows without a usable key; each counts as a row of its own. */
  keyless: number
  rows: number
  movedTo: number | undefined
}

export const make = (total: number): Tally => ({ total, keys: new Set(), keyless: 0, rows: 0, movedTo: undefined })

/** Takes note of the total that a page states; false when it differs from the first, so that reading on is pointless. */
export const agrees = (tally: Tally, total: number): boolean => {
  if (total !== tally.total) tally.movedTo ??= total
  return total === tally.total
}

/** Counts a row; false when its key was counted before. */
export const count = (tally: Tally, key: number | undefined): boolean => {
  tally.rows++
  if (key === undefined) {
    tally.keyless++
    return true
  }
  const known = tally.keys.has(key)
  tally.keys.add(key)
  return !known
}

/**
 * What is wrong with a finished pass. Repeated rows mean that the listing moved, unless the pass before met exactly the same
 * keys: then the API itself repeats them, and they are merged.
 *
 * What escapes this: a row that leaves pages not read yet while another joins at the end, and an API that repeats one row
 * and leaves out another, the same in two passes.
 */
export const discrepancy = (tally: Tally, previous: Tally | undefined): Discrepancy | undefined => {
  const { total, rows, movedTo } = tally
  if (movedTo !== undefined) return { _tag: "TotalMoved", from: total, to: movedTo }
  const distinct = tally.keys.size + tally.keyless
  const settled = distinct === total || (previous !== undefined && sameKeys(tally, previous))
  return rows === total && settled ? undefined : { _tag: "CountDiffers", total, rows, distinct }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const sameKeys = (left: Tally, right: Tally): boolean =>
  left.rows === right.rows &&
  left.keyless === right.keyless &&
  left.keys.size === right.keys.size &&
  left.keys.isSubsetOf(right.keys)
