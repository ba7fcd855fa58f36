/**
 * Worlds that stand still, small enough to reason about, and what may happen to them between two runs.
 */
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"
import type { WireListens, WireTrack, WireUser } from "../../assets/source/Wire.ts"
import type { Rows, World } from "../../assets/source/World.ts"

/** The same rows every day. */
export interface Still {
  readonly users: ReadonlyArray<WireUser>
  readonly tracks: ReadonlyArray<WireTrack>
  readonly lists: ReadonlyArray<WireListens>
}

export const toWorld = ({ lists, tracks, users }: Still): World => ({
  description: `${users.length} users and ${tracks.length} tracks that stand still`,
  users: () => users,
  tracks: () => tracks,
  listenHistory: () => lists
})

/** A world as it is on one day, counted from 1970. */
export const on = (world: World, day: number): Still => ({
  users: rowsOf(world.users(day)),
  tracks: rowsOf(world.tracks(day)),
  lists: rowsOf(world.listenHistory(day))
})

/** About so many users and tracks, with tastes to find in their lists. */
export const sample = (size: { readonly users: number; readonly tracks: number }): Still =>
  on(SyntheticWorld.make({ seed: 3, ...size }), 20_513)

const times = { created_at: "2026-01-02T03:04:05", updated_at: "2026-01-02T03:04:05.678901" }

export const user = (id: number, first_name = `User ${id}`): WireUser => ({
  id,
  first_name,
  last_name: "Listener",
  email: `user${id}@example.org`,
  gender: "Other",
  favorite_genres: "Jazz",
  ...times
})

export const track = (id: number, name = `Track ${id}`): WireTrack => ({
  id,
  name,
  artist: "Artist",
  songwriters: "Writer",
  duration: "03:04",
  genres: "calm",
  album: "Album",
  ...times
})

export const list = (user_id: number, ...items: ReadonlyArray<number>): WireListens => ({ user_id, items, ...times })

/** `count` users and as many tracks, each from id 1; user n plays tracks n to n + 4, round the catalogue. */
export const ring = (count: number): Still => {
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  const at = (place: number) => 1 + (place % count)
  return {
    users: ids.map((id) => user(id)),
    tracks: ids.map((id) => track(id)),
    lists: ids.map((id) => list(id, ...[0, 1, 2, 3, 4].map((next) => at(id - 1 + next))))
  }
}

export const withUser = (world: Still, row: WireUser): Still => ({ ...world, users: [...world.users, row] })

/** Without these users and their lists. */
export const withoutUsers = (world: Still, ids: ReadonlyArray<number>): Still => ({
  ...world,
  users: world.users.filter(({ id }) => !ids.includes(id)),
  lists: world.lists.filter(({ user_id }) => user_id === null || !ids.includes(user_id))
})

/** Without these tracks, wherever they were played. */
export const withoutTracks = (world: Still, ids: ReadonlyArray<number>): Still => ({
  ...world,
  tracks: world.tracks.filter(({ id }) => !ids.includes(id)),
  lists: world.lists.map((row) => ({ ...row, items: row.items?.filter((id) => !ids.includes(id)) ?? null }))
})

/** With this list in place of the user's own. */
export const withList = (world: Still, row: WireListens): Still => ({
  ...world,
  lists: [...world.lists.filter(({ user_id }) => user_id !== row.user_id), row]
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const rowsOf = <A>(rows: Rows<A>) => rows.slice(0, rows.length)
