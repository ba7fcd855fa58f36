/**
 * A world that the source API can show: its users, tracks and latest lists, as they stand on a day.
 *
 * A world is pure: the same day gives the same rows. Which day it is, is for whoever serves it.
 */
import type { WireListens, WireTrack, WireUser } from "./Wire.ts"

/** The rows of a route in the order of its pages. An array is one; a large world makes its rows when they are asked for. */
export interface Rows<A> {
  readonly length: number
  slice(start: number, end: number): ReadonlyArray<A>
}

export interface World {
  /** One line for people: which world, how large. */
  readonly description: string
  users(day: number): Rows<WireUser>
  tracks(day: number): Rows<WireTrack>
  listenHistory(day: number): Rows<WireListens>
}

export const millisPerDay = 86_400_000

/** The UTC day of an instant, counted from 1970-01-01: worlds count days so. */
export const dayOf = (millis: number): number => Math.floor(millis / millisPerDay)

/** Remembers the value of the last day asked for; a day's rows are asked for once a page. */
export const byDay = <A>(make: (day: number) => A): ((day: number) => A) => {
  let last: { readonly day: number; readonly value: A } | undefined
  return (day) => {
    if (last?.day !== day) last = { day, value: make(day) }
    return last.value
  }
}
