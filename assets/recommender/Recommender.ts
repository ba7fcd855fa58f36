/**
 * The top tracks of each user, with the track of his own that speaks most for each of them.
 * Leaves out where models and histories come from, and who asks.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cooperative from "./Cooperative.ts"
import type * as FittedModel from "./FittedModel.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as Popularity from "./Popularity.ts"
import * as SparseRows from "./SparseRows.ts"

/** A track, and the one of the user's own that speaks most for it. A tuple, as names would take thrice the room where lists are kept. */
export type Item = readonly [track_id: number, score: number, because_track_id: number | null]

/**
 * Best first: scores never rise. What is recommended for its popularity alone comes last, with a score of at most 0 and without a reason.
 * Empty for who knows all tracks.
 */
export interface Recommendations {
  readonly user_id: number
  readonly items: ReadonlyArray<Item>
}

/** Recommends up to `size` tracks to each of some users, who are distinct and ascend, in their order. */
export interface Recommender {
  readonly recommend: (users: IdTable.IdTable, size: number) => Effect.Effect<Array<Recommendations>>
}

/**
 * Only tracks of `catalogue` are recommended, or count as a reason: the rest of a history is ignored. Users without history, and those for
 * whom the model runs out of tracks, get the most popular ones that they have not played, down to those that nobody played. Histories are
 * weighed as the model's own data was.
 */
export const make = Effect.fn("Recommender.make")(function* (options: {
  readonly model: FittedModel.FittedModel
  readonly history: Interactions.Interactions
  readonly catalogue: Iterable<number>
}) {
  const { history, model } = options
  const tracks = IdTable.fromIds(options.catalogue)
  const shown = IdTable.locate(model.tracks, tracks)
  const known = IdTable.locate(history.tracks, model.tracks).map((track) => (shown[track] === -1 ? -1 : track))
  const index: Index = {
    model,
    history,
    tracks,
    shown,
    hidden: shown.reduce((count, track) => count + (track === -1 ? 1 : 0), 0),
    known: yield* translate(history.rows, known),
    inCatalogue: IdTable.locate(history.tracks, tracks),
    popular: Popularity.order(history, tracks)
  }
  return {
    recommend: Effect.fnUntraced(function* (users, size) {
      const rows = IdTable.locate(users, history.users)
      // Of so many the hidden ones may be the best.
      const lists = yield* model.topK(
        { rows: rows.filter((row) => row !== -1), histories: index.known, heard: index.known },
        size + index.hidden
      )
      const recommendations: Array<Recommendations> = []
      let list = 0
      yield* Cooperative.forRange(users.length, (position) => {
        const row = rows[position]!
        const selected = row === -1 ? [] : select(index, lists, list++, row, size)
        fill(index, selected, row, size)
        recommendations.push({
          user_id: users[position]!,
          items: selected.map(({ reason, score, track }): Item => [
            tracks[track]!,
            score,
            reason === null ? null : model.tracks[reason]!
          ])
        })
      })
      return recommendations
    })
  } satisfies Recommender
})

/** Recommendations of all users, who ascend; at any time no more than 2,048 users' are in memory. */
export const stream = (self: Recommender, userIds: Iterable<number>, size: number): Stream.Stream<Recommendations> => {
  const users = IdTable.fromIds(userIds)
  return Stream.paginate(
    0,
    Effect.fnUntraced(function* (from: number) {
      const recommendations = yield* self.recommend(users.subarray(from, from + usersPerBlock), size)
      const next = from + usersPerBlock
      return [recommendations, next < users.length ? Option.some(next) : Option.none()] as const
    })
  )
}

// internal ------------------------------------------------------------------------------------------------------------------------

const usersPerBlock = 2_048

interface Index {
  readonly model: FittedModel.FittedModel
  readonly history: Interactions.Interactions
  /** The catalogue. */
  readonly tracks: IdTable.IdTable
  /** For each track of the model its index in the catalogue, or -1. */
  readonly shown: Int32Array
  /** How many tracks of the model are not in the catalogue. */
  readonly hidden: number
  /** What of the histories is in the catalogue and known to the model, as indices of the model. */
  readonly known: SparseRows.SparseRows
  /** For each track of the histories its index in the catalogue, or -1. */
  readonly inCatalogue: Int32Array
  /** Indices in the catalogue, the most popular first. */
  readonly popular: Int32Array
}

/** `track` is an index in the catalogue, `reason` one of the model. */
interface Selected {
  readonly track: number
  readonly score: number
  readonly reason: number | null
}

/** With other columns, without those that become -1. */
const translate = Effect.fnUntraced(function* ({ columns, offsets, values }: SparseRows.SparseRows, to: Int32Array) {
  const translated = new Int32Array(offsets.length)
  const kept = new Int32Array(columns.length)
  const weights = new Float64Array(columns.length)
  let end = 0
  yield* Cooperative.forRange(offsets.length - 1, (row) => {
    for (let entry = offsets[row]!; entry < offsets[row + 1]!; entry++) {
      const column = to[columns[entry]!]!
      if (column === -1) continue
      kept[end] = column
      weights[end] = values[entry]!
      end++
    }
    translated[row + 1] = end
  })
  return {
    offsets: translated,
    columns: kept.subarray(0, end),
    values: weights.subarray(0, end)
  } satisfies SparseRows.SparseRows
})

const select = (
  { known, model, shown }: Index,
  { scores, size: length, tracks }: FittedModel.Lists,
  list: number,
  row: number,
  size: number
): Array<Selected> => {
  const history = SparseRows.row(known, row)
  const selected: Array<Selected> = []
  for (let at = list * length; at < (list + 1) * length && selected.length < size; at++) {
    const track = tracks[at]!
    if (track === -1) break
    if (shown[track] === -1) continue
    const [strongest] = model.explain(history, track)
    selected.push({ track: shown[track]!, score: scores[at]!, reason: strongest?.track ?? null })
  }
  return selected
}

const fill = ({ history, inCatalogue, popular }: Index, selected: Array<Selected>, row: number, size: number): void => {
  if (selected.length >= Math.min(size, popular.length)) return
  const taken = new Set(selected.map(({ track }) => track))
  if (row !== -1) for (const track of SparseRows.row(history.rows, row).columns) taken.add(inCatalogue[track]!)
  const score = Math.min(0, selected.at(-1)?.score ?? 0)
  for (let position = 0; position < popular.length && selected.length < size; position++) {
    const track = popular[position]!
    if (!taken.has(track)) selected.push({ track, score, reason: null })
  }
}
