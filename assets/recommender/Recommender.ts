/**
 * The top tracks of each user, with the track of his own that speaks most for each of them.
 * Leaves out where models and histories come from, and who asks.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cooperative from "./Cooperative.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import type * as ItemKnn from "./ItemKnn.ts"
import * as Popularity from "./Popularity.ts"
import * as SparseRows from "./SparseRows.ts"
import { TopK } from "./TopK.ts"

/**
 * `rank` counts from 1. `score` is the sum of similarities to the user's tracks and never rises with rank; what is recommended for its
 * popularity alone comes last, with score 0 and without a reason.
 */
export interface Recommendation {
  readonly user_id: number
  readonly rank: number
  readonly track_id: number
  readonly score: number
  readonly because_track_id: number | null
}

/** Recommends up to `size` tracks to one user at a time; it holds scratch memory of the size of the catalogue and is not to be shared by threads. */
export interface Recommender {
  readonly recommend: (userId: number, size: number) => Array<Recommendation>
}

/**
 * Only tracks of `catalogue` are recommended, or count as a reason: the rest of a history is ignored. Users without history, and those for
 * whom the model runs out of tracks, get the most popular ones that they have not played, down to those that nobody played.
 */
export const make = Effect.fn("Recommender.make")(function* (options: {
  readonly model: ItemKnn.Model
  readonly history: Interactions.Interactions
  readonly catalogue: Iterable<number>
}) {
  const { history, model } = options
  const tracks = IdTable.fromIds(options.catalogue)
  const neighbours = yield* restrict(model, tracks)
  const index: Index = {
    rows: history.rows,
    inCatalogue: IdTable.locate(history.tracks, tracks),
    popular: Popularity.order(history, tracks),
    neighbours,
    admirers: yield* SparseRows.transpose(neighbours, tracks.length)
  }
  const scratch: Scratch = {
    scores: new Float64Array(tracks.length),
    marks: new Uint8Array(tracks.length),
    touched: new Int32Array(tracks.length),
    touchedCount: 0
  }
  return {
    recommend: (userId, size) => {
      const user = IdTable.indexOf(history.users, userId)
      if (user !== -1) score(index, scratch, user)
      const best = select(index, scratch, size)
      fill(index, scratch, best, size)
      clear(scratch)
      return best.map(({ reason, score, track }, position): Recommendation => {
        const because = reason === null ? null : tracks[reason]!
        return { user_id: userId, rank: position + 1, track_id: tracks[track]!, score, because_track_id: because }
      })
    }
  } satisfies Recommender
})

/** Recommendations of all users, ordered by user and rank; at any time no more than 512 users' are in memory. */
export const stream = (self: Recommender, userIds: Iterable<number>, size: number): Stream.Stream<Recommendation> => {
  const users = IdTable.fromIds(userIds)
  return Stream.paginate(
    0,
    Effect.fnUntraced(function* (from: number) {
      const block = users.subarray(from, from + usersPerBlock)
      const recommendations: Array<Recommendation> = []
      yield* Cooperative.forRange(block.length, (position) => {
        recommendations.push(...self.recommend(block[position]!, size))
      })
      const next = from + usersPerBlock
      return [recommendations, next < users.length ? Option.some(next) : Option.none()] as const
    })
  )
}

// internal ------------------------------------------------------------------------------------------------------------------------

const usersPerBlock = 512

/** All tracks are indices in the catalogue, but for the columns of `rows`, the histories, which `inCatalogue` translates (-1: not there). */
interface Index {
  readonly rows: SparseRows.SparseRows
  readonly inCatalogue: Int32Array
  readonly popular: Int32Array
  /** For each track its nearest neighbours, best first. */
  readonly neighbours: SparseRows.SparseRows
  /** For each track those that have it among their neighbours. */
  readonly admirers: SparseRows.SparseRows
}

/** What is known about each track while one user is served; `touched` lists what has to be cleared after him. */
interface Scratch {
  readonly scores: Float64Array
  readonly marks: Uint8Array
  readonly touched: Int32Array
  touchedCount: number
}

interface Selected {
  readonly track: number
  readonly score: number
  readonly reason: number | null
}

const played = 1
const scored = 2

/** The neighbours of the model among `tracks` alone, as indices in `tracks`, in the order they had. */
const restrict = Effect.fnUntraced(function* (model: ItemKnn.Model, tracks: IdTable.IdTable) {
  const inModel = IdTable.locate(tracks, model.tracks)
  const inCatalogue = IdTable.locate(model.tracks, tracks)
  const offsets = new Int32Array(tracks.length + 1)
  const columns = new Int32Array(model.neighbours.columns.length)
  const values = new Float64Array(columns.length)
  let end = 0
  yield* Cooperative.forRange(tracks.length, (track) => {
    const row = inModel[track]!
    const to = row === -1 ? 0 : model.neighbours.offsets[row + 1]!
    for (let entry = row === -1 ? 0 : model.neighbours.offsets[row]!; entry < to; entry++) {
      const neighbour = inCatalogue[model.neighbours.columns[entry]!]!
      if (neighbour === -1) continue
      columns[end] = neighbour
      values[end] = model.neighbours.values[entry]!
      end++
    }
    offsets[track + 1] = end
  })
  return { offsets, columns: columns.subarray(0, end), values: values.subarray(0, end) } satisfies SparseRows.SparseRows
})

/**
 * A track's score is the sum of its similarities to those of its neighbours that the user played: the weighted sum of Sarwar et al. (2001,
 * section 3.2.1) without its division by all similarities, which is for predicting ratings.
 */
const score = ({ admirers, inCatalogue, rows }: Index, scratch: Scratch, user: number): void => {
  const { marks, scores, touched } = scratch
  const { columns, offsets, values } = admirers
  let touchedCount = 0
  for (let entry = rows.offsets[user]!; entry < rows.offsets[user + 1]!; entry++) {
    const own = inCatalogue[rows.columns[entry]!]!
    if (own === -1) continue
    if (marks[own] === 0) touched[touchedCount++] = own
    marks[own] = played
    for (let edge = offsets[own]!; edge < offsets[own + 1]!; edge++) {
      const track = columns[edge]!
      if (marks[track] === 0) {
        marks[track] = scored
        touched[touchedCount++] = track
      }
      scores[track]! += values[edge]!
    }
  }
  scratch.touchedCount = touchedCount
}

const select = (index: Index, { marks, scores, touched, touchedCount }: Scratch, size: number): Array<Selected> => {
  const best = new TopK(size)
  for (let position = 0; position < touchedCount; position++) {
    const track = touched[position]!
    if (marks[track] === scored) best.offer(track, scores[track]!)
  }
  return Array.from({ length: best.size }, (_, position) => {
    const track = best.indices[position]!
    return { track, score: best.scores[position]!, reason: strongestReason(index.neighbours, marks, track) }
  })
}

/** Neighbours stand best first and by id, so the first one that the user played is the strongest, and of equals the lowest. */
const strongestReason = ({ columns, offsets }: SparseRows.SparseRows, marks: Uint8Array, track: number): number => {
  let entry = offsets[track]!
  while (marks[columns[entry]!] !== played) entry++
  return columns[entry]!
}

/** Room is left only when all scored tracks were selected, so what has no mark is what is left. */
const fill = ({ popular }: Index, { marks }: Scratch, best: Array<Selected>, size: number): void => {
  for (let position = 0; position < popular.length && best.length < size; position++) {
    const track = popular[position]!
    if (marks[track] === 0) best.push({ track, score: 0, reason: null })
  }
}

const clear = (scratch: Scratch): void => {
  for (const track of scratch.touched.subarray(0, scratch.touchedCount)) {
    scratch.scores[track] = 0
    scratch.marks[track] = 0
  }
  scratch.touchedCount = 0
}
