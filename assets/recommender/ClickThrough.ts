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
 *
 * The variance is that of equal rates, which is what is tested: one of each group by itself is 0 for the first few of a treatment of which
 * nothing was clicked on, and more than a third of the treatments that are alike would be called worse.
 */
export const pValue = (before: number, control: Clicks, treatment: Clicks, scale = 0.01): number => {
  const variance = varianceOf(control, treatment)
  // Also NaN, where nothing was shown yet: all or nothing was clicked on, and nothing is known of how rates vary.
  if (!(variance > 0)) return before
  const difference = rate(treatment) - rate(control)
  const mixed = variance + scale ** 2
  const logRatio = (difference ** 2 * scale ** 2) / (2 * variance * mixed) + Math.log(variance / mixed) / 2
  return Math.min(before, Math.exp(-logRatio))
}

/**
 * The p-value after a look at each part of a treatment, in the order in which they came, against a control that was complete before the
 * first: the difference moves by independent steps then too, so that it is as valid as where both come in side by side.
 */
export const sequential = (control: Clicks, parts: ReadonlyArray<Clicks>, scale?: number): number => {
  let [p, treatment] = [1, nothing]
  for (const part of parts) {
    treatment = plus(treatment, part)
    p = pValue(p, control, treatment, scale)
  }
  return p
}

export const nothing: Clicks = { shown: 0, clicked: 0 }

export const plus = (one: Clicks, other: Clicks): Clicks => ({
  shown: one.shown + other.shown,
  clicked: one.clicked + other.clicked
})

export const rate = ({ clicked, shown }: Clicks): number => clicked / shown

// internal ------------------------------------------------------------------------------------------------------------------------

const varianceOf = (control: Clicks, treatment: Clicks): number => {
  const all = rate(plus(control, treatment))
  return all * (1 - all) * (1 / control.shown + 1 / treatment.shown)
}
