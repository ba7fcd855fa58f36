/** Tracks to draw from at random, each as likely as any other and none twice. */
import * as IdTable from "../recommender/IdTable.ts"

export interface Urn {
  /** How many are left. */
  readonly size: () => number
  /** Takes one out; `lot` is uniform in [0, 1). The urn must not be empty. */
  readonly take: (lot: number) => number
}

export const make = (tracks: IdTable.IdTable, without: Iterable<number>): Urn => {
  const out = Array.from(new Set(without), (track) => IdTable.indexOf(tracks, track))
    .filter((index) => index !== -1)
    .sort((left, right) => left - right)
  return {
    size: () => tracks.length - out.length,
    take: (lot) => {
      let index = Math.floor(lot * (tracks.length - out.length))
      let before = 0
      for (; before < out.length && out[before]! <= index; before++) index++
      out.splice(before, 0, index)
      return tracks[index]!
    }
  }
}
