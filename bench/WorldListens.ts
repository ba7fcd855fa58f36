/**
 * What a recommender would have collected from a world, and what is true of the world behind it.
 */
import * as Effect from "effect/Effect"
import * as FittedModel from "../assets/recommender/FittedModel.ts"
import * as IdTable from "../assets/recommender/IdTable.ts"
import * as Listens from "../assets/recommender/Listens.ts"
import * as SparseRows from "../assets/recommender/SparseRows.ts"
import type * as Split from "../assets/recommender/Split.ts"
import { TopK } from "../assets/recommender/TopK.ts"
import * as Names from "../assets/source/Names.ts"
import type { SyntheticWorld } from "../assets/source/SyntheticWorld.ts"
import type { Rows, World } from "../assets/source/World.ts"

/** The lists of `days` days up to and with `today`; a list counts at its day's start. */
export const collect = (world: World, today: number, days: number): Effect.Effect<Listens.Listens> => {
  const users: Array<number> = []
  const tracks: Array<number> = []
  const times: Array<number> = []
  for (let day = today - days + 1; day <= today; day++) {
    for (const { items, user_id } of all(world.listenHistory(day))) {
      for (const track of items ?? []) {
        users.push(Number(user_id))
        tracks.push(track)
        times.push(day)
      }
    }
  }
  return Listens.fromColumns({
    users: Float64Array.from(users),
    tracks: Float64Array.from(tracks),
    days: Float64Array.from(times),
    weights: new Float64Array(users.length).fill(1)
  })
}

/** Ranks tracks by the probability that the user listens to them on that day: no model can know more. */
export const oracle = (world: SyntheticWorld, day: number, { histories }: Split.Split): FittedModel.FittedModel => {
  const shown = Int32Array.from(all(world.tracks(day)), ({ id }) => IdTable.indexOf(histories.tracks, id))
  return FittedModel.make({
    tracks: histories.tracks,
    sections: [],
    score: (_, into) => void into.fill(-Infinity),
    explain: () => [],
    topK: ({ heard, rows }, size) =>
      Effect.sync(() => {
        const best = new TopK(size)
        const lists = {
          size,
          tracks: new Int32Array(rows.length * size).fill(-1),
          scores: new Float64Array(0),
          invalid: 0
        }
        rows.forEach((row, list) => {
          const known = new Set(SparseRows.row(heard, row).columns)
          best.clear()
          world.probabilities(day, histories.users[row]!).forEach((probability, position) => {
            const track = shown[position]!
            if (track !== -1 && !known.has(track)) best.offer(track, probability)
          })
          lists.tracks.set(best.indices.subarray(0, best.size), list * size)
        })
        return lists
      })
  })
}

/** The mean, over the tracks shown on that day that the model knows, of how many of the ten nearest tracks have the same style. */
export const purity = (world: World, day: number, model: FittedModel.FittedModel): number => {
  const styles = new Map(
    all(world.tracks(day)).map(({ genres, id }) => [id, Names.styles.findIndex(({ moods }) => moods.includes(genres))])
  )
  const scores = new Float64Array(model.tracks.length)
  const nearest = new TopK(10)
  let [sum, count] = [0, 0]
  for (const [track, id] of model.tracks.entries()) {
    model.score({ columns: Int32Array.of(track), values: Float64Array.of(1) }, scores)
    nearest.clear()
    scores.forEach((score, other) => {
      if (other !== track && score > -Infinity && styles.has(model.tracks[other]!)) nearest.offer(other, score)
    })
    if (!styles.has(id) || nearest.size === 0) continue
    const alike = nearest.indices.subarray(0, nearest.size)
    sum += alike.filter((other) => styles.get(model.tracks[other]!) === styles.get(id)).length / nearest.size
    count++
  }
  return sum / count
}

/** Scores tracks by the cosine of their factors with those of the first track of a history. */
export const byCosine = ({ sections, tracks }: FittedModel.FittedModel): FittedModel.FittedModel => {
  const factors = sections.find(({ name }) => name === "trackFactors")!.data
  const dimensions = factors.length / tracks.length
  const product = (one: number, other: number) => {
    let sum = 0
    for (let at = 0; at < dimensions; at++) sum += factors[one * dimensions + at]! * factors[other * dimensions + at]!
    return sum
  }
  const norms = Float64Array.from(tracks, (_, track) => Math.sqrt(product(track, track)))
  return FittedModel.make({
    tracks,
    sections: [],
    score: ({ columns }, into) => {
      const [one] = columns
      for (let other = 0; other < into.length; other++) {
        into[other] = norms[other] === 0 ? -Infinity : product(one!, other) / (norms[one!]! * norms[other]!)
      }
    },
    explain: () => []
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const all = <A>(rows: Rows<A>): ReadonlyArray<A> => rows.slice(0, rows.length)
