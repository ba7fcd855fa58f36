/**
 * A world with something to find in it: tracks have styles and a Zipf popularity, users have tastes, and users listen accordingly.
 *
 * Every row is a function of (seed, id, day). The world keeps about its size, but each day some users and tracks appear, some
 * disappear, some profiles are revised, and every user listens to something else.
 */
import * as Dice from "./Dice.ts"
import * as Names from "./Names.ts"
import type { WireListens, WireTrack, WireUser } from "./Wire.ts"
import { formatTimestamp } from "./Wire.ts"
import type { World } from "./World.ts"
import { byDay, millisPerDay } from "./World.ts"

export interface Options {
  readonly seed: number
  readonly users: number
  readonly tracks: number
  /** How much of a user's listening follows his taste; the rest follows popularity alone. Between 0 and 1, default 1. */
  readonly signal?: number
  /** Exponent of the popularity law; 0 makes all tracks of a style alike. Default 0.9. */
  readonly zipf?: number
  /** How many days a taste lasts before another follows it, on a day of the user's own. Default: for ever. */
  readonly tasteDays?: number
}

export interface SyntheticWorld extends World {
  /** The probability that any one listen of the user on that day is of each of `tracks(day)`, in their order; sums to 1. */
  probabilities(day: number, userId: number): Float64Array
}

export const make = (options: Options): SyntheticWorld => {
  const { seed, users, tracks, signal = 1, zipf = 0.9 } = options
  const charts = byDay((day) => makeCharts(day, { seed, tracks, zipf, signal }))
  const members = byDay((day) => population(seed, Kind.user, users, day))
  const tasteOn = (day: number, userId: number) => taste(seed, userId, era(options, userId, day))
  return {
    description: `synthetic world ${seed}: about ${users} users and ${tracks} tracks in ${Names.styles.length} styles`,
    users: byDay((day) => members(day).map((member) => makeUser(seed, member, day, tasteOn(day, member.id)))),
    tracks: byDay((day) => charts(day).tracks.map(({ member }) => makeTrack(seed, tracks, member, day))),
    listenHistory: byDay((day) =>
      members(day).map(({ id }) => makeListens(seed, id, day, tasteOn(day, id), charts(day)))
    ),
    probabilities: (day, userId) => charts(day).probabilities(tasteOn(day, userId))
  }
}

/** The shares of a user's listening that go to each style, at most three of them; sums to 1. Era 0 is the only one of a taste that stays. */
export const taste = (seed: number, userId: number, era = 0): Float64Array => {
  const dice = era === 0 ? Dice.make(seed, Kind.taste, userId) : Dice.make(seed, Kind.taste, userId, era)
  const shares = new Float64Array(Names.styles.length)
  for (let draw = 0; draw < 3; draw++) {
    const style = Dice.below(dice, shares.length)
    shares[style]! += -Math.log(1 - dice())
  }
  const sum = shares.reduce((left, right) => left + right, 0)
  return shares.map((share) => share / sum)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Keeps the dice of different things apart. */
const Kind = { user: 1, track: 2, taste: 3, artist: 4, listens: 5, revision: 6, lifetime: 7, affinity: 8 } as const

/** Which of his tastes a user has on a day. */
const era = ({ seed, tasteDays }: Options, userId: number, day: number): number =>
  tasteDays === undefined ? 0 : Math.floor((day + (Dice.hash(seed, Kind.taste, userId) % tasteDays)) / tasteDays)

interface Member {
  readonly id: number
  /** The first day on which the API shows it. */
  readonly born: number
}

/**
 * Who is there on a day. Each of `size` places is held by one member after the other, for 120 to 480 days each, and is vacant
 * for up to three days in between; so the population moves every day and yet keeps its size for ever.
 */
const population = (seed: number, kind: number, size: number, day: number): ReadonlyArray<Member> => {
  const members: Array<Member> = []
  for (let place = 0; place < size; place++) {
    const period = 120 + (Dice.hash(seed, Kind.lifetime, kind, place) % 361)
    const age = day + (Dice.hash(seed, Kind.lifetime, kind, place, 1) % period)
    const generation = Math.floor(age / period)
    const vacant = Dice.hash(seed, Kind.lifetime, kind, place, generation) % 4
    const shownFor = age - generation * period - vacant
    if (shownFor >= 0) members.push({ id: 1 + place + generation * size, born: day - shownFor })
  }
  return members.sort((left, right) => left.id - right.id)
}

/**
 * When a row was made and last revised, and how often. A quarter of all rows claim to be updated before they were created, as
 * the service's rows do; they are never revised. What shows on a day happened in the evening before it.
 */
const history = (seed: number, kind: number, { id, born }: Member, day: number) => {
  const dice = Dice.make(seed, Kind.revision, kind, id)
  const evening = () => Math.floor(dice() * 6 * 3_600_000)
  const created = born * millisPerDay - evening()
  if (dice() < 0.25) {
    return {
      revision: 0,
      created_at: formatTimestamp(created),
      updated_at: formatTimestamp(created - dice() * 30 * millisPerDay)
    }
  }
  const every = 30 + Dice.below(dice, 90)
  const revision = Math.floor((day - born) / every)
  const updated = revision === 0 ? created : (born + revision * every) * millisPerDay - evening()
  return { revision, created_at: formatTimestamp(created), updated_at: formatTimestamp(updated) }
}

const makeUser = (seed: number, member: Member, day: number, shares: Float64Array): WireUser => {
  const dice = Dice.make(seed, Kind.user, member.id)
  const { revision, ...times } = history(seed, Kind.user, member, day)
  const first = Names.firstName(dice)
  const last = Names.lastName(dice)
  const gender = Names.gender(dice)
  return {
    id: member.id,
    first_name: first,
    last_name: last,
    email: Names.email(Dice.make(seed, Kind.user, member.id, revision), first, last),
    gender,
    favorite_genres: Names.styles[shares.indexOf(Math.max(...shares))]!.genre,
    ...times
  }
}

/** An artist stays with one style, and about eight tracks share an artist. */
const makeArtist = (seed: number, tracks: number, trackId: number) => {
  const index = Dice.hash(seed, Kind.artist, trackId) % Math.max(Names.styles.length, Math.round(tracks / 8))
  const style = index % Names.styles.length
  return { index, style, name: () => Names.artist(Dice.make(seed, Kind.artist, index, 1), Names.styles[style]!) }
}

const makeTrack = (seed: number, tracks: number, member: Member, day: number): WireTrack => {
  const dice = Dice.make(seed, Kind.track, member.id)
  const { revision, ...times } = history(seed, Kind.track, member, day)
  const artist = makeArtist(seed, tracks, member.id)
  const style = Names.styles[artist.style]!
  return {
    id: member.id,
    name: Names.song(dice, style),
    artist: artist.name(),
    songwriters: dice() < 0.6 ? Names.person(dice) : `${Names.person(dice)}, ${Names.person(dice)}`,
    duration: Names.duration(dice),
    genres: Dice.pick(Dice.make(seed, Kind.track, member.id, revision), style.moods),
    album: Names.album(dice, style),
    ...times
  }
}

const makeListens = (seed: number, userId: number, day: number, shares: Float64Array, charts: Charts): WireListens => {
  const dice = Dice.make(seed, Kind.listens, userId, day)
  const created = day * millisPerDay - Math.floor((1 + dice() * 20) * 3_600_000)
  const updated = created + Math.floor(dice() * 3_600_000)
  const times = { created_at: formatTimestamp(created), updated_at: formatTimestamp(updated) }
  const luck = dice()
  if (luck < 0.01) return { user_id: userId, items: null, ...times }
  if (luck < 0.02) return { user_id: userId, items: [], ...times }
  const length = dice() < 0.8 ? 5 : 3 + Dice.below(dice, 5)
  const items = new Set<number>()
  for (let draw = 0; items.size < length && draw < 20 * length; draw++) {
    const track = charts.draw(shares, dice)
    if (track !== undefined) items.add(track)
  }
  return { user_id: userId, items: Array.from(items), ...times }
}

interface Charts {
  readonly tracks: ReadonlyArray<{ readonly member: Member }>
  draw(shares: Float64Array, dice: Dice.Dice): number | undefined
  probabilities(shares: Float64Array): Float64Array
}

interface ChartsOptions {
  readonly seed: number
  readonly tracks: number
  readonly zipf: number
  readonly signal: number
}

/** How the listening to each style, and to all of them together, divides among the tracks of a day. */
const makeCharts = (day: number, { seed, tracks: size, zipf, signal }: ChartsOptions): Charts => {
  const tracks = population(seed, Kind.track, size, day).map((member) => {
    const dice = Dice.make(seed, Kind.affinity, member.id)
    const popularity = 1 / (1 + Dice.below(dice, size)) ** zipf
    // Every style leaks a little into all others, or no recommender could be wrong.
    const affinity = new Float64Array(Names.styles.length).fill(0.01)
    affinity[makeArtist(seed, size, member.id).style]! += 1
    affinity[Dice.below(dice, affinity.length)]! += 0.3 * dice()
    return { member, popularity, affinity }
  })
  const overall = normalized(tracks.map(({ popularity }) => popularity))
  const byStyle = Names.styles.map((_, style) =>
    normalized(tracks.map(({ popularity, affinity }) => popularity * affinity[style]!))
  )
  const overallSums = sums(overall)
  const styleSums = byStyle.map(sums)
  return {
    tracks,
    draw: (shares, dice) => {
      const chart = dice() < signal ? styleSums[search(sums(shares), dice())]! : overallSums
      return tracks[search(chart, dice())]?.member.id
    },
    probabilities: (shares) =>
      overall.map((popular, index) => {
        const liked = shares.reduce((sum, share, style) => sum + share * byStyle[style]![index]!, 0)
        return signal * liked + (1 - signal) * popular
      })
  }
}

const normalized = (weights: ReadonlyArray<number>): Float64Array => {
  const sum = weights.reduce((left, right) => left + right, 0)
  return Float64Array.from(weights, (weight) => weight / sum)
}

const sums = (shares: Float64Array): Float64Array => {
  let sum = 0
  return shares.map((share) => (sum += share))
}

/** The first index whose running sum exceeds `x`, the last one when rounding left none. */
const search = (runningSums: Float64Array, x: number): number => {
  let low = 0
  let high = runningSums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (runningSums[middle]! <= x) low = middle + 1
    else high = middle
  }
  return low
}
