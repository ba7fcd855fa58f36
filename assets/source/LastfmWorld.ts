/**
 * Real listening as a world: the HetRec 2011 Last.fm set, artists served as tracks, each user's artists as his list, most played first.
 *
 * It stands still from day to day. The data is read where it lies and never copied; its terms are non-commercial
 * (Cantador, Brusilovsky, Kuflik, HetRec 2011).
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import type { WireListens, WireTrack, WireUser } from "./Wire.ts"
import type { World } from "./World.ts"

/** The data is not where it should be, or is not the data this world is made of. */
export class LastfmWorldError extends Data.TaggedError("LastfmWorldError")<{
  readonly file: string
  readonly reason: "Unreadable" | "Different"
  readonly cause?: unknown
}> {
  override get message(): string {
    return this.reason === "Unreadable"
      ? `Cannot read ${this.file}. Set ASSETS_DATA_DIR to the folder that holds lastfm/user_artists.dat and lastfm/artists.tsv.`
      : `${this.file} is not the HetRec 2011 file (its sha256 differs). Download hetrec2011-lastfm-2k again.`
  }
}

/** Reads `lastfm/user_artists.dat` and `lastfm/artists.tsv` under the folder. */
export const load = Effect.fn("LastfmWorld.load")(function* (dataDir: string) {
  const listens = yield* read(Path.join(dataDir, "lastfm", "user_artists.dat"))
  if (Crypto.createHash("sha256").update(listens).digest("hex") !== sha256) {
    return yield* new LastfmWorldError({ file: Path.join(dataDir, "lastfm", "user_artists.dat"), reason: "Different" })
  }
  const artists = yield* read(Path.join(dataDir, "lastfm", "artists.tsv"))
  return make(listens, artists)
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const sha256 = "254272fa721c3935e8be286d28c051b206844307128698ab4eaa41d483379416"

/** The set was published in May 2011 and says when of nothing. */
const times = { created_at: "2011-05-01T00:00:00", updated_at: "2011-05-01T00:00:00" }

const read = (file: string) =>
  Effect.tryPromise({
    try: () => Fs.readFile(file, "utf8"),
    catch: (cause) => new LastfmWorldError({ file, reason: "Unreadable", cause })
  })

const make = (listensText: string, artistsText: string): World => {
  const names = new Map(tableOf(artistsText).map(([id, name]) => [Number(id), name ?? ""]))
  const plays = new Map<number, Array<{ readonly artist: number; readonly count: number }>>()
  const artists = new Set<number>()
  for (const [user, artist, count] of tableOf(listensText)) {
    const list = plays.get(Number(user)) ?? []
    list.push({ artist: Number(artist), count: Number(count) })
    plays.set(Number(user), list)
    artists.add(Number(artist))
  }
  const ascending = (ids: Iterable<number>) => Array.from(ids).sort((left, right) => left - right)
  const userIds = ascending(plays.keys())
  const users = userIds.map(makeUser)
  const tracks = ascending(artists).map((id) => makeTrack(id, names.get(id) ?? `Artist ${id}`))
  const lists = userIds.map((userId): WireListens => {
    const byPlays = plays.get(userId)!.sort((left, right) => right.count - left.count || left.artist - right.artist)
    return { user_id: userId, items: byPlays.map(({ artist }) => artist), ...times }
  })
  return {
    description: `Last.fm 2K (HetRec 2011): ${users.length} users, ${tracks.length} artists as tracks`,
    users: () => users,
    tracks: () => tracks,
    listenHistory: () => lists
  }
}

/** The cells of a tab-separated table, without its header. */
const tableOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text
    .split(/\r?\n/)
    .slice(1)
    .filter((line) => line !== "")
    .map((line) => line.split("\t"))

const makeUser = (id: number): WireUser => ({
  id,
  first_name: "Listener",
  last_name: String(id),
  email: `listener${id}@example.org`,
  gender: "",
  favorite_genres: "",
  ...times
})

const makeTrack = (id: number, name: string): WireTrack => ({
  id,
  name,
  artist: name,
  songwriters: "",
  duration: "00:00",
  genres: "",
  album: "",
  ...times
})
