/**
 * How far a mean difference between two models could be from what was seen, were other users judged: the paired percentile bootstrap
 * (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13).
 * Leaves out what follows. Only sums and integer draws are used, so equal seeds give equal bounds on any machine.
 */
import * as Effect from "effect/Effect"
import * as Dice from "../source/Dice.ts"
import * as Cooperative from "./Cooperative.ts"

/** Each bound is one-sided: the true mean lies above `lower` with confidence `level`, and below `upper` with the same. */
export interface Interval {
  readonly mean: number
  readonly lower: number
  readonly upper: number
  readonly level: number
}

/**
 * The 99.9 % bound is then the 20th smallest mean, whose tail probability is known to 22 % (1/sqrt(20)): this moves the bound by 2 % of its distance
 * from the mean. With 1,000 it would be the smallest of all, and a matter of luck.
 */
export const resamples = 20_000

/**
 * Bounds of the mean of `candidate[u] - other[u]` over users drawn with replacement. More than 1,024 users are dealt into as many groups, which are
 * drawn instead: the spread of the mean is then known to 2 % (1/sqrt(2 x 1,024)), and the time is bounded. All is 0 when there is nobody.
 */
export const paired = Effect.fn("Bootstrap.paired")(function* (
  candidate: Float64Array,
  other: Float64Array,
  options: { readonly level: number; readonly seed: number }
) {
  const { level, seed } = options
  const users = candidate.length
  if (users === 0) return { mean: 0, lower: 0, upper: 0, level } satisfies Interval
  let total = 0
  for (let user = 0; user < users; user++) total += candidate[user]! - other[user]!
  const mean = total / users
  // Of distances from the mean: groups differ by a user in size, and by the mean of one if it were in their sums.
  const sums = new Float64Array(Math.min(users, groups))
  for (let user = 0; user < users; user++) sums[user % sums.length]! += candidate[user]! - other[user]! - mean
  const drawn = new Float64Array(resamples)
  yield* Cooperative.forRange(resamples, (resample) => {
    drawn[resample] = mean + resampled(sums, Dice.hash(seed, users, resample)) / users
  })
  drawn.sort()
  const outside = Math.max(1, Math.round(resamples * (1 - level)))
  return {
    mean,
    lower: drawn[outside - 1]!,
    upper: drawn[resamples - outside]!,
    level
  } satisfies Interval
})

// internal ------------------------------------------------------------------------------------------------------------------------

const groups = 1_024

/** The sum of as many draws as there are values. The generator is mulberry32, written out, as there are millions of draws. */
const resampled = (values: Float64Array, seed: number): number => {
  let state = seed
  let sum = 0
  for (let draw = 0; draw < values.length; draw++) {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    sum += values[Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * values.length)]!
  }
  return sum
}
