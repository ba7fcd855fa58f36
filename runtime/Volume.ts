/**
 * Whether an amount is usual among those that came before it.
 *
 * Which amounts are comparable, such as those of the same weekday, is the caller's business.
 */

/** What an amount is judged by, and how far it is off in modified z-scores; 0 when it is like the median. */
export interface Comparison {
  readonly median: number
  /** Median absolute deviation from the median. */
  readonly mad: number
  readonly score: number
}

/**
 * The modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993), section 3: 0.6745 times the
 * distance from the median over the MAD. Where over half of the history is one number, so that the MAD is 0, the mean
 * absolute deviation takes its place with the factor 0.7979; where all of it is, any other amount is infinitely far off.
 * `history` must not be empty.
 */
export const compare = (amount: number, history: ReadonlyArray<number>): Comparison => {
  const middle = median(history)
  const deviations = history.map((other) => Math.abs(other - middle))
  const [mad, distance] = [median(deviations), amount - middle]
  const mean = deviations.reduce((sum, deviation) => sum + deviation, 0) / deviations.length
  const scale = mad > 0 ? mad / 0.6745 : mean / 0.7979
  return { median: middle, mad, score: distance === 0 ? 0 : distance / scale }
}

export interface Counted {
  readonly rows: number | null
  /** ISO 8601. */
  readonly at: string
}

/**
 * The keys of the slices 1, 2, … `weeks` weeks before one whose key begins with a day; what follows the day, such as the
 * hour, stays. `undefined` for a key that begins with no day.
 */
export const weeksBefore = (partition: string, weeks: number): ReadonlyArray<string> | undefined => {
  const day = dayOf(partition)
  if (day === undefined) return undefined
  return Array.from({ length: weeks }, (_, index) => {
    const before = new Date(day - (index + 1) * 7 * dayMillis)
    return `${before.toISOString().slice(0, 10)}${partition.slice(10)}`
  })
}

/**
 * Row counts, newest first, of what was recorded on earlier days (UTC) of the weekday of `now`, the last of each day.
 * `recorded` comes newest first.
 */
export const recordedOnWeekday = (now: number, recorded: ReadonlyArray<Counted>): ReadonlyArray<number> => {
  const today = Math.floor(now / dayMillis)
  const days = new Map<number, number>()
  for (const { at, rows } of recorded) {
    const day = Math.floor(Date.parse(at) / dayMillis)
    if (rows !== null && day < today && (today - day) % 7 === 0 && !days.has(day)) days.set(day, rows)
  }
  return Array.from(days.values())
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const dayMillis = 86_400_000

const dayOf = (key: string): number | undefined => {
  const at = /^\d{4}-\d{2}-\d{2}/.test(key) ? Date.parse(key.slice(0, 10)) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
