/**
 * The places of an answer of which some are left to chance, each with how likely what is shown there was.
 * Leaves out who explores, and what may be drawn.
 */
import * as Crypto from "node:crypto"
import type * as Urn from "./Urn.ts"

export interface Slot<out A> {
  readonly item: A
  /** Of just this at its place, given what came of the places before. */
  readonly propensity: number
}

/**
 * For each place the lot by which it draws, or `undefined` where it keeps what was ranked. The same seed draws alike in
 * every process, and a longer list at the same places as a shorter one.
 */
export const lots = (seed: string, places: number, rate: number): ReadonlyArray<number | undefined> => {
  const bits = Crypto.hash("shake256", seed, { outputEncoding: "buffer", outputLength: 12 * places })
  const uniform = (index: number) => bits.readUIntBE(6 * index, 6) / 2 ** 48
  return Array.from({ length: places }, (_, place) => (uniform(2 * place) < rate ? uniform(2 * place + 1) : undefined))
}

/** As long as the urn holds something a place draws with probability `rate`; an empty one leaves the ranked item no rival. */
export const explore = <A>(
  ranked: ReadonlyArray<A>,
  drawn: ReadonlyArray<number | undefined>,
  rate: number,
  urn: Urn.Urn,
  toItem: (track: number) => A
): ReadonlyArray<Slot<A>> =>
  ranked.map((item, place) => {
    const left = urn.size()
    const lot = drawn[place]
    if (left === 0) return { item, propensity: 1 }
    return lot === undefined ? { item, propensity: 1 - rate } : { item: toItem(urn.take(lot)), propensity: rate / left }
  })

/** Each as it was ranked; with a rate, one of which no place happened to draw. */
export const kept = <A>(ranked: ReadonlyArray<A>, rate = 0): ReadonlyArray<Slot<A>> =>
  ranked.map((item) => ({ item, propensity: 1 - rate }))
