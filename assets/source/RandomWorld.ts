/**
 * A world without any signal: names, tastes and lists are uniform, as the original service makes them.
 *
 * Users and tracks stay; only the lists are new every day. Rows are made when asked for, so the size costs nothing.
 */
import * as Dice from "./Dice.ts"
import * as Names from "./Names.ts"
import type { WireListens, WireTrack, WireUser } from "./Wire.ts"
import { formatTimestamp } from "./Wire.ts"
import type { Rows, World } from "./World.ts"
import { millisPerDay } from "./World.ts"

export interface Options {
  readonly seed: number
  readonly users: number
  readonly tracks: number
  /** Ids count upwards from here; another number is another, disjoint world. Default 1. */
  readonly firstId?: number
}

export const make = ({ seed, users, tracks, firstId = 1 }: Options): World => ({
  description: `random world ${seed}: ${users} users and ${tracks} tracks, all alike`,
  users: () => rows(users, (index) => makeUser(seed, firstId + index)),
  tracks: () => rows(tracks, (index) => makeTrack(seed, firstId + index)),
  listenHistory: (day) => rows(users, (index) => makeListens(seed, firstId + index, day, { firstId, tracks }))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const Kind = { user: 11, track: 12, listens: 13 } as const

const rows = <A>(length: number, make: (index: number) => A): Rows<A> => ({
  length,
  slice: (start, end) =>
    Array.from({ length: Math.max(0, Math.min(end, length) - start) }, (_, index) => make(start + index))
})

/** Created some time in 2024; a quarter of all rows claim to be updated before that. */
const times = (dice: Dice.Dice) => {
  const created = Date.UTC(2024, 0, 1) + dice() * 366 * millisPerDay
  const later = (dice() < 0.25 ? -1 : 1) * dice() * 30 * millisPerDay
  return { created_at: formatTimestamp(created), updated_at: formatTimestamp(created + later) }
}

const makeUser = (seed: number, id: number): WireUser => {
  const dice = Dice.make(seed, Kind.user, id)
  const first_name = Names.firstName(dice)
  const last_name = Names.lastName(dice)
  return {
    id,
    first_name,
    last_name,
    email: Names.email(dice, first_name, last_name),
    gender: Names.gender(dice),
    favorite_genres: Dice.pick(dice, Names.styles).genre,
    ...times(dice)
  }
}

const makeTrack = (seed: number, id: number): WireTrack => {
  const dice = Dice.make(seed, Kind.track, id)
  const style = Dice.pick(dice, Names.styles)
  return {
    id,
    name: Names.song(dice, style),
    artist: Names.artist(dice, Dice.pick(dice, Names.styles)),
    songwriters: Names.person(dice),
    duration: Names.duration(dice),
    genres: Dice.pick(dice, Dice.pick(dice, Names.styles).moods),
    album: Names.album(dice, style),
    ...times(dice)
  }
}

const makeListens = (
  seed: number,
  userId: number,
  day: number,
  catalogue: { readonly firstId: number; readonly tracks: number }
): WireListens => {
  const dice = Dice.make(seed, Kind.listens, userId, day)
  const at = formatTimestamp(day * millisPerDay - dice() * millisPerDay)
  const items =
    catalogue.tracks === 0
      ? []
      : Array.from({ length: 5 }, () => catalogue.firstId + Dice.below(dice, catalogue.tracks))
  return { user_id: userId, items, created_at: at, updated_at: at }
}
