/**
 * Listens of known structure, drawn by seed: what decides which algorithm finds most in them.
 * Leaves out the worlds that a source can show.
 */
import * as Effect from "effect/Effect"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Dice from "../../assets/source/Dice.ts"

const firstDay = 20_000

/** Collects listens by user, track and day; each weighs 1. */
const collected = (each: (listen: (user: number, track: number, day: number) => void) => void) => {
  const [users, tracks, days]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  each((user, track, day) => {
    users.push(user + 1)
    tracks.push(track + 1)
    days.push(firstDay + day)
  })
  return Effect.runSync(
    Listens.fromColumns({
      users: Float64Array.from(users),
      tracks: Float64Array.from(tracks),
      days: Float64Array.from(days),
      weights: new Float64Array(users.length).fill(1)
    })
  )
}

/** The most popular of `count` first: by the density of x^-0.3. */
const popular = (dice: Dice.Dice, count: number): number => Math.floor(count * dice() ** 1.4)

/**
 * Everybody plays album after album, four tracks a day, and nine of ten tracks of each. Who plays one track of an album plays the others, and
 * that is all that can be known: of as many dimensions as there are albums.
 */
export const albums = (options: {
  readonly seed: number
  readonly users: number
  readonly albums: number
  readonly days: number
}): Listens.Listens =>
  collected((listen) => {
    for (let user = 0; user < options.users; user++) {
      const dice = Dice.make(options.seed, user)
      const queue: Array<number> = []
      for (let day = 0; day < options.days; day++) {
        while (queue.length < 4) {
          const album = popular(dice, options.albums)
          for (let track = 0; track < 12; track++) if (dice() < 0.9) queue.push(12 * album + track)
        }
        for (const track of queue.splice(0, 4)) listen(user, track, day)
      }
    }
  })

/**
 * Tastes and tracks are points in a few dimensions, and tracks are more or less popular: a user plays what is close to his taste or popular, three a
 * day and each once. Most of what tracks have in common is that they are popular.
 */
export const factors = (options: {
  readonly seed: number
  readonly users: number
  readonly tracks: number
  readonly days: number
}): Listens.Listens => {
  const point = (kind: number, index: number) => {
    const dice = Dice.make(options.seed, kind, index)
    return Array.from({ length: 6 }, () => dice() + dice() + dice() - 1.5)
  }
  const tracks = Array.from({ length: options.tracks }, (_, track) => point(1, track))
  return collected((listen) => {
    for (let user = 0; user < options.users; user++) {
      const dice = Dice.make(options.seed, 2, user)
      const taste = point(3, user)
      let sum = 0
      const sums = tracks.map((track, index) => {
        const close = track.reduce((dot, at, axis) => dot + at * taste[axis]!, 0)
        return (sum += Math.exp(2 * close) / (1 + index) ** 0.6)
      })
      const heard = new Set<number>()
      for (let day = 0; day < options.days; day++) {
        for (let draw = 0; draw < 3; draw++) {
          const at = dice() * sum
          const track = sums.findIndex((until) => until > at)
          if (heard.has(track)) continue
          heard.add(track)
          listen(user, track, day)
        }
      }
    }
  })
}
