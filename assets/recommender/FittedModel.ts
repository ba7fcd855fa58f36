/**
 * What every recommendation model can do, however it was fitted: score all tracks for somebody's history, and say why.
 * Leaves out whose history it is and where lists go. Tracks are indices in the model's table throughout.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Cooperative from "./Cooperative.ts"
import type * as IdTable from "./IdTable.ts"
import * as SparseRows from "./SparseRows.ts"
import { TopK } from "./TopK.ts"

/** What one user played, and how much each track counts; tracks ascend. The user need not have been there when the model was fitted. */
export type History = SparseRows.Row

/** How much one track of a history adds to a score. */
export interface Contribution {
  readonly track: number
  readonly amount: number
}

/** A named array of numbers that the model consists of: a vector or, with so many `columns`, a matrix row by row. */
export interface Section {
  readonly name: string
  readonly data: Int32Array | Float32Array | Float64Array
  readonly columns?: number
}

/** Sections that are no model of the algorithm they were given to. */
export class UnreadableSections extends Schema.TaggedError<UnreadableSections>()("UnreadableSections", {
  algorithm: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `The sections are no ${this.algorithm} model: ${this.reason}`
  }
}

/** Users to make lists for: row `rows[l]` of `histories` speaks for the taste of the l-th, and what row `rows[l]` of `heard` names is left out of his list. */
export interface Audience {
  readonly rows: Int32Array
  readonly histories: SparseRows.SparseRows
  readonly heard: SparseRows.SparseRows
}

/**
 * The list of the l-th user of an audience stands at `l * size`, best first and of equal scores the lowest index; where the model had no more to say,
 * tracks are -1. `invalid` counts the scores that were NaN or Infinity: such tracks are on no list.
 */
export interface Lists {
  readonly size: number
  readonly tracks: Int32Array
  readonly scores: Float64Array
  readonly invalid: number
}

export interface FittedModel {
  readonly tracks: IdTable.IdTable
  /** Overwrites `into`, which has the length of `tracks`; -Infinity where the model has nothing to say. */
  readonly score: (history: History, into: Float64Array) => void
  /** What of the history speaks for `track`, the strongest first; what speaks against it is left out. */
  readonly explain: (history: History, track: number) => Array<Contribution>
  readonly sections: ReadonlyArray<Section>
  readonly topK: (audience: Audience, size: number) => Effect.Effect<Lists>
}

/** Makes a model that fills its lists by scoring one user after the other; a model with a faster way gives its own `topK`. */
export const make = (options: Omit<FittedModel, "topK"> & { readonly topK?: FittedModel["topK"] }): FittedModel => ({
  topK: (audience, size) => topKByScore(options, audience, size),
  ...options
})

/** The data of the sections by name; there must be those that `kinds` names, of these
 * kinds of array, and no others. */
export const readSections = Effect.fnUntraced(function* <const Kinds extends Record<string, Kind>>(
  algorithm: string,
  sections: ReadonlyArray<Section>,
  kinds: Kinds
) {
  const data: Record<string, Section["data"]> = Object.fromEntries(sections.map(({ data, name }) => [name, data]))
  const [found, expected] = [Object.keys(data), Object.keys(kinds)].map((names) => names.sort().join(", "))
  if (found !== expected) {
    return yield* new UnreadableSections({ algorithm, reason: `there are ${found}, not ${expected}` })
  }
  for (const [name, kind] of Object.entries(kinds)) {
    if (!(data[name] instanceof kind)) {
      return yield* new UnreadableSections({ algorithm, reason: `${name} is no ${kind.name}` })
    }
  }
  return data as { readonly [Name in keyof Kinds]: InstanceType<Kinds[Name]> }
})

/** Positive contributions in the order of `explain`: of equal ones the lowest track first. */
export const strongestFirst = (contributions: ReadonlyArray<Contribution>): Array<Contribution> =>
  contributions
    .filter(({ amount }) => amount > 0)
    .sort((left, right) => right.amount - left.amount || left.track - right.track)

// internal ------------------------------------------------------------------------------------------------------------------------

type Kind = Int32ArrayConstructor | Float32ArrayConstructor | Float64ArrayConstructor

const topKByScore = Effect.fnUntraced(function* (
  { score, tracks }: Pick<FittedModel, "score" | "tracks">,
  { heard, histories, rows }: Audience,
  size: number
) {
  const best = new TopK(size)
  const scores = new Float64Array(tracks.length)
  const listed = new Int32Array(rows.length * size).fill(-1)
  const listedScores = new Float64Array(listed.length)
  let invalid = 0
  yield* Cooperative.forRange(rows.length, (list) => {
    const row = rows[list]!
    score(SparseRows.row(histories, row), scores)
    for (const track of SparseRows.row(heard, row).columns) scores[track] = -Infinity
    best.clear()
    for (let track = 0; track < scores.length; track++) {
      const value = scores[track]!
      if (Number.isFinite(value)) best.offer(track, value)
      else if (value !== -Infinity) invalid++
    }
    listed.set(best.indices.subarray(0, best.size), list * size)
    listedScores.set(best.scores.subarray(0, best.size), list * size)
  })
  return { size, tracks: listed, scores: listedScores, invalid } satisfies Lists
})
