/**
 * Whether one way to recommend is clicked on more often than another, asked as often as one likes while answers come in.
 * Leaves out who is shown what.
 */

/** Of what was shown, how much was clicked on. */
export interface Clicks {
  readonly shown: number
  readonly clicked: number
}

/**
 * The p-value of equal rates that stays valid however often it is looked at and whenever one stops: the mixture sequential probability ratio
 * test with a normal mixture of standard deviation `scale` over the difference, in the normal approximation of proportions (Johari, Koomen,
 * Pekelis and Walsh, "Always valid inference: continuous monitoring of A/B tests", Operations Research 70(3), 2022, section 6; with the
 * variance of unequal groups). It never rises: `before` is the one of the look before, 1 at first.
 */
export const pValue = (before: number, control: Clicks, treatment: Clicks, scale = 0.01): number => {
  const variance = varianceOf(control) + varianceOf(treatment)
  // Also NaN, where nothing was shown yet: all or nothing was clicked on, and nothing is known of how rates vary.
  if (!(variance > 0)) return before
  const difference = rate(treatment) - rate(control)
  const mixed = variance + scale ** 2
  const logRatio = (difference ** 2 * scale ** 2) / (2 * variance * mixed) + Math.log(variance / mixed) / 2
  return Math.min(before, Math.exp(-logRatio))
}

// internal ------------------------------------------------------------------------------------------------------------------------

const rate = ({ clicked, shown }: Clicks): number => clicked / shown

const varianceOf = (clicks: Clicks): number => (rate(clicks) * (1 - rate(clicks))) / clicks.shown
