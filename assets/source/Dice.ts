/**
 * Random numbers that are a pure function of a few integers, so that any row of a world can be made without making the others.
 *
 * Not for secrets, and not shared state: every use starts a generator of its own.
 */

/** Draws from [0, 1). */
export type Dice = () => number

/** A 32-bit hash of integers (murmur3 finalizer over each), the same on every machine. */
export const hash = (...values: ReadonlyArray<number>): number => {
  let h = 0x9e3779b9
  for (const value of values) {
    h = Math.imul(h ^ (value | 0), 0x85ebca6b)
    h ^= h >>> 13
    h = Math.imul(h, 0xc2b2ae35)
    h ^= h >>> 16
  }
  return h >>> 0
}

/** A generator (sfc32) seeded by integers: equal seeds give equal sequences. */
export const make = (...seed: ReadonlyArray<number>): Dice => {
  const key = hash(...seed)
  let a = hash(key, 1)
  let b = hash(key, 2)
  let c = hash(key, 3)
  let counter = 1
  return () => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return (t >>> 0) / 4294967296
  }
}

/** An integer from [0, n). */
export const below = (dice: Dice, n: number): number => Math.floor(dice() * n)

/** One of the options, which must not be empty. */
export const pick = <A>(dice: Dice, options: ReadonlyArray<A>): A => options[below(dice, options.length)]!
