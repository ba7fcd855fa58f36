/**
 * How far listening has moved from what a model learnt from: a reason to learn again.
 * Leaves out where counts come from, and what is done about it.
 */
import * as ChiSquared from "./ChiSquared.ts"

/**
 * Of one track: its listens that the model learnt from, by one half of the users and by the other, and those of the newest days that came
 * after. Deciles are cut by the one half and compared with the other: what is most popular in a sample is so partly by chance, and less so
 * in the next, so that nearly half of the samples in which nothing moved would be called drifted.
 */
export interface Counts {
  readonly ordering: number
  readonly learnt: number
  readonly since: number
}

export interface Shift {
  /** The population stability index: the sum of (q - p) ln(q / p) over bins, p being a bin's share then and q its share since. */
  readonly psi: number
  /** What chance alone keeps it under, and what is too little to matter. */
  readonly limit: number
  readonly bins: number
  readonly learnt: number
  readonly since: number
}

export interface Rules {
  /** Of a false alarm, were listens drawn one by one. */
  readonly risk: number
  /** Less than this is no reason for anything, however certain. Siddiqi, "Credit risk scorecards" (2006), calls 0.1 to 0.25 a small change. */
  readonly least: number
}

export const defaults: Rules = { risk: 0.001, least: 0.1 }

/**
 * Over deciles of popularity: tracks from the most to the least listened to, in groups of a tenth of the listens. Tracks that the model did not
 * learn from have no decile and are left out. If nothing moved, the index is (1/n + 1/m) times chi-squared with one degree of freedom
 * less than bins (Yurdakul and Naranjo, "Statistical properties of the population stability index", J. Risk Model Validation 14(4), 2020).
 */
export const shift = (tracks: ReadonlyArray<Counts>, { least, risk }: Rules = defaults): Shift => {
  const bins = deciles(tracks)
  const learnt = sumOf(bins, "learnt")
  const since = sumOf(bins, "since")
  if (bins.length < 2 || learnt === 0 || since === 0) return { psi: 0, limit: least, bins: bins.length, learnt, since }
  // Half a listen more in each bin, as of an empty one there is no logarithm.
  const share = (count: number, of: number) => (count + 0.5) / (of + bins.length / 2)
  const psi = bins.reduce((sum, bin) => {
    const [then, now] = [share(bin.learnt, learnt), share(bin.since, since)]
    return sum + (now - then) * Math.log(now / then)
  }, 0)
  const chance = (1 / learnt + 1 / since) * ChiSquared.quantile(1 - risk, bins.length - 1)
  return { psi, limit: Math.max(least, chance), bins: bins.length, learnt, since }
}

// internal ------------------------------------------------------------------------------------------------------------------------

/** Fewer than ten where a single track has more than a tenth. */
const deciles = (tracks: ReadonlyArray<Counts>): ReadonlyArray<Bin> => {
  const known = tracks.filter(({ learnt, ordering }) => ordering + learnt > 0)
  const all = known.reduce((sum, { ordering }) => sum + ordering, 0)
  const bins = new Map<number, Bin>()
  let before = 0
  for (const { learnt, ordering, since } of known.sort((left, right) => right.ordering - left.ordering)) {
    const decile = Math.min(9, Math.floor((10 * (before + ordering / 2)) / all))
    const bin = bins.get(decile) ?? { learnt: 0, since: 0 }
    bins.set(decile, { learnt: bin.learnt + learnt, since: bin.since + since })
    before += ordering
  }
  return Array.from(bins.values())
}

type Bin = Pick<Counts, "learnt" | "since">

const sumOf = (bins: ReadonlyArray<Bin>, count: keyof Bin): number => bins.reduce((sum, bin) => sum + bin[count], 0)
