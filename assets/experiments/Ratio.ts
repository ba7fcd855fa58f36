/**
 * Ratios such as clicks by exposures where users, not exposures, are what was dealt at random: one user's are alike, and to
 * take them for independent would make intervals too narrow.
 */
import * as ChiSquared from "../recommender/ChiSquared.ts"

/** Over users: sums of what each was shown and clicked on, of the squares, and of the products. */
export interface Sums {
  readonly users: number
  readonly shown: number
  readonly clicked: number
  readonly shownSquared: number
  readonly clickedSquared: number
  readonly product: number
}

export interface Estimate {
  /** `null` where nothing was shown. */
  readonly value: number | null
  /** Of 95 %; `null` where one user, or users who are all alike, say nothing of how users vary. */
  readonly interval: readonly [low: number, high: number] | null
}

export interface Difference {
  readonly value: number
  /** Of 95 %. */
  readonly interval: readonly [low: number, high: number]
  /** Of no difference, two-sided, for one look that was decided on before. */
  readonly p: number
}

/** The ratio of the sums, in the normal approximation; an interval ends at 0 and 1. */
export const estimate = (sums: Sums): Estimate => {
  const value = valueOf(sums)
  const variance = varianceOf(sums)
  if (value === null || variance === null) return { value, interval: null }
  const [low, high] = around(value, variance)
  return { value, interval: [Math.max(0, low), Math.min(1, high)] }
}

/** Treatment less control; `null` where one of the two has no interval. */
export const difference = (control: Sums, treatment: Sums): Difference | null => {
  const [before, after] = [valueOf(control), valueOf(treatment)]
  const [spreadBefore, spreadAfter] = [varianceOf(control), varianceOf(treatment)]
  if (before === null || after === null || spreadBefore === null || spreadAfter === null) return null
  const value = after - before
  const variance = spreadBefore + spreadAfter
  // The square of a standard normal variable is chi-squared with one degree of freedom.
  return { value, interval: around(value, variance), p: 1 - ChiSquared.cumulative(value ** 2 / variance, 1) }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const valueOf = ({ clicked, shown }: Sums): number | null => (shown === 0 ? null : clicked / shown)

/**
 * By the delta method (Deng, Knoblich and Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 2), in the
 * form of residuals: those of users, clicked less ratio times shown, add up to zero.
 */
const varianceOf = (sums: Sums): number | null => {
  const ratio = valueOf(sums)
  if (ratio === null || sums.users < 2) return null
  const residuals = sums.clickedSquared - 2 * ratio * sums.product + ratio ** 2 * sums.shownSquared
  // What the rounding of sums leaves of nothing.
  if (residuals <= 1e-12 * sums.clickedSquared) return null
  return ((sums.users / (sums.users - 1)) * residuals) / sums.shown ** 2
}

/** The 97.5th percentile of the standard normal distribution. */
const reach = 1.959964

const around = (value: number, variance: number): readonly [low: number, high: number] => {
  const half = reach * Math.sqrt(variance)
  return [value - half, value + half]
}
