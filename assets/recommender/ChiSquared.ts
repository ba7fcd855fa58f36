/**
 * The chi-squared distribution with whole degrees of freedom: how likely a sum of that many squared standard normal variables is at most so much.
 * Leaves out what the sum is of.
 */

/** The probability of at most `x`: the regularised incomplete gamma function P(df/2, x/2) by its series, DLMF 8.7.1 with 8.2.4. */
export const cumulative = (x: number, degrees: number): number => {
  if (x <= 0) return 0
  const [a, half] = [degrees / 2, x / 2]
  let term = Math.exp(a * Math.log(half) - half - logGamma(degrees + 2))
  // Where even the first term is too small to be told from 0, the sum is beyond the far end.
  if (term === 0) return half < a ? 0 : 1
  let sum = term
  for (let n = 1; term > sum * Number.EPSILON || n < half - a; n++) {
    term *= half / (a + n)
    sum += term
  }
  return Math.min(1, sum)
}

/** The value that is not exceeded with `probability`, which is above 0 and below 1: by bisection, to the last bits of `cumulative`. */
export const quantile = (probability: number, degrees: number): number => {
  let low = 0
  let high = degrees
  while (cumulative(high, degrees) < probability) high *= 2
  for (let step = 0; step < 100 && low < high; step++) {
    const middle = (low + high) / 2
    if (cumulative(middle, degrees) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

// internal ------------------------------------------------------------------------------------------------------------------------

/** The logarithm of gamma(halves / 2), from gamma(1/2) or gamma(1) upwards by gamma(z + 1) = z gamma(z). */
const logGamma = (halves: number): number => {
  let sum = halves % 2 === 0 ? 0 : Math.log(Math.PI) / 2
  for (let at = halves % 2 === 0 ? 2 : 1; at < halves; at += 2) sum += Math.log(at / 2)
  return sum
}
