/**
 * What a model says of a listener it was not fitted to, or of one who has listened since: his factors are solved for exactly, with the
 * tracks' as they are.
 * Leaves out learning: the tracks' factors do not move.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"
import type * as IalsModel from "./IalsModel.ts"
import * as IalsReference from "./IalsReference.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as KernelMemory from "./KernelMemory.ts"
import * as Kernels from "./Kernels.ts"
import type * as SparseRows from "./SparseRows.ts"
import { TopK } from "./TopK.ts"

/** A track somebody listened to, weighed as in the interactions the model was fitted to. Of repeats the larger weight counts. */
export type Heard = Omit<Interactions.Entry, "user_id">

export interface Suggestion {
  readonly track_id: number
  readonly score: number
}

/** What a heard track adds to the score of another; it may be negative. */
export interface Contribution {
  readonly track_id: number
  readonly contribution: number
}

/**
 * Computes on the calling thread, and holds memory of the size of the catalogue. Tracks that the model does not know are ignored in
 * histories; the order of a history does not matter.
 */
export interface FoldIn {
  /** The factors of whoever has such a history: tracks by index, ascending, at least one, and how much each counts. */
  readonly solve: (history: SparseRows.Row) => Float32Array
  /** Of all tracks, in an array that the next call writes to. */
  readonly scores: (history: SparseRows.Row) => Float32Array
  /** As `explain` tells, by index and in the order of the history. */
  readonly contributions: (
    history: SparseRows.Row,
    track: number
  ) => Array<{ readonly track: number; readonly amount: number }>
  /** All 0 without a known track. */
  readonly factors: (history: Iterable<Heard>) => Float32Array
  /** The best unheard tracks, at most `size`, best first and of equals the lowest id; none without a known track. */
  readonly recommend: (history: Iterable<Heard>, size: number) => Array<Suggestion>
  /**
   * The score of a track taken apart, the largest contribution first: with A as in the normal equations and v the tracks' factors, that of
   * a heard track j to track i is c v_i' A^-1 v_j (Hu, Koren and Volinsky 2008, section 5). None for a track that the model does not know.
   */
  readonly explain: (history: Iterable<Heard>, trackId: number) => Array<Contribution>
}

/** Computes once what all listeners share. */
export const make = Effect.fn("FoldIn.make")(function* (model: IalsModel.Model) {
  const equations = yield* Kernels.areSupported() ? onKernels(model) : inTypeScript(model)
  const solve: FoldIn["solve"] = ({ columns, values }) => equations.solve(columns, Float32Array.from(values))
  const scores: FoldIn["scores"] = (history) => equations.scores(solve(history))
  const contributions: FoldIn["contributions"] = (history, track) => {
    solve(history)
    const influence = equations.solveLast(factorsOf(model, track))
    return Array.from(history.columns, (column, entry) => ({
      track: column,
      amount: history.values[entry]! * dot(factorsOf(model, column), influence)
    }))
  }
  const recommend: FoldIn["recommend"] = (history, size) => {
    const row = rowOf(model.tracks, history)
    if (row.columns.length === 0) return []
    const scored = scores(row)
    for (const column of row.columns) scored[column] = -Infinity
    const best = new TopK(size)
    let least = -Infinity
    for (let track = 0; track < scored.length; track++) {
      if (!(scored[track]! > least)) continue
      best.offer(track, scored[track]!)
      if (best.size === size) least = best.scores[size - 1]!
    }
    return Array.from({ length: best.size }, (_, rank) => ({
      track_id: model.tracks[best.indices[rank]!]!,
      score: best.scores[rank]!
    }))
  }
  const explain: FoldIn["explain"] = (history, trackId) => {
    const track = IdTable.indexOf(model.tracks, trackId)
    const row = rowOf(model.tracks, history)
    if (track === -1 || row.columns.length === 0) return []
    return contributions(row, track)
      .map(({ amount, track }) => ({ track_id: model.tracks[track]!, contribution: amount }))
      .sort((left, right) => right.contribution - left.contribution || left.track_id - right.track_id)
  }
  const factors: FoldIn["factors"] = (history) => solve(rowOf(model.tracks, history))
  return { solve, scores, contributions, factors, recommend, explain } satisfies FoldIn
})

// internal ------------------------------------------------------------------------------------------------------------------------

/** The normal equations of one listener after another. */
interface Equations {
  readonly solve: (columns: Int32Array, confidences: Float32Array) => Float32Array
  /** Solves once more, for the listener that was last and another right side. */
  readonly solveLast: (target: Float32Array) => Float32Array
  /** Of all tracks, in an array that the next call writes to. */
  readonly scores: (factors: Float32Array) => Float32Array
}

const onKernels = Effect.fnUntraced(function* ({ parameters, trackFactors, tracks }: IalsModel.Model) {
  const { alpha0, dimensions: d, lambda } = parameters
  const packedCount = Math.ceil(tracks.length / 8) * 8
  const layout = new KernelMemory.Layout()
  const at = {
    tracks: layout.words(trackFactors.length),
    packed: layout.words(packedCount * d),
    gram: layout.words(d * d),
    partSums: layout.words(Kernels.gramParts * d * d),
    offsets: layout.words(2),
    columns: layout.words(tracks.length),
    confidences: layout.words(tracks.length),
    solution: layout.words(d),
    terms: layout.words(4),
    scores: layout.words(packedCount),
    scratch: layout.bytes(Kernels.scratchSize(d))
  }
  const memory = yield* KernelMemory.allocate(layout)
  const { buffer } = memory
  const kernels = Kernels.instantiate(memory)
  yield* KernelMemory.copy(new Float32Array(buffer, at.tracks, trackFactors.length), trackFactors)
  yield* Cooperative.forRange(Kernels.gramParts, (part) =>
    kernels.gramParts(part, part + 1, at.scratch, at.tracks, tracks.length, d, Kernels.gramParts, at.partSums)
  )
  kernels.gramSum(0, d, at.scratch, at.partSums, Kernels.gramParts, d, alpha0, at.gram)
  kernels.packTracks(0, packedCount, at.scratch, at.tracks, tracks.length, d, at.packed)

  const offsets = new Int32Array(buffer, at.offsets, 2)
  const columnsRoom = new Int32Array(buffer, at.columns, tracks.length)
  const confidencesRoom = new Float32Array(buffer, at.confidences, tracks.length)
  const solution = new Float32Array(buffer, at.solution, d)
  const scores = new Float32Array(buffer, at.scores, tracks.length)
  const row = [at.offsets, at.columns, at.confidences, at.tracks, at.gram, lambda, alpha0 * tracks.length]
  return {
    solve: (columns, confidences) => {
      offsets[1] = columns.length
      columnsRoom.set(columns)
      confidencesRoom.set(confidences)
      kernels.cholesky(0, 1, at.scratch, ...row, at.solution, at.terms, d)
      return new Float32Array(solution)
    },
    solveLast: (target) => {
      solution.set(target)
      // The matrix that was factorised last lies in the scratch memory, and after it the inverses of its diagonal.
      kernels.solve(at.scratch, at.scratch + d * d * 4, at.solution, d)
      return new Float32Array(solution)
    },
    scores: (factors) => {
      solution.set(factors)
      kernels.scoreTracks(at.solution, at.packed, tracks.length, d, at.scores)
      return scores
    }
  } satisfies Equations
})

const inTypeScript = Effect.fnUntraced(function* (model: IalsModel.Model) {
  const gram = yield* IalsReference.gramOf(model.trackFactors, model.parameters.dimensions)
  let last: IalsReference.Equations
  return {
    solve: (columns, confidences) => {
      const entries = Array.from(columns, (column, entry) => ({
        factors: factorsOf(model, column),
        confidence: confidences[entry]!
      }))
      last = IalsReference.equationsOf(entries, gram, model.tracks.length, model.parameters)
      return new Float32Array(IalsReference.solve(last))
    },
    solveLast: (target) =>
      new Float32Array(IalsReference.solve({ matrix: last.matrix, target: new Float64Array(target) })),
    scores: (factors) => IalsReference.scores(factors, model)
  } satisfies Equations
})

/** Ascending, so that sums are the same whatever the order of the history. */
const rowOf = (tracks: IdTable.IdTable, history: Iterable<Heard>): SparseRows.Row => {
  const weights = new Map<number, number>()
  for (const { track_id, weight } of history) {
    const column = IdTable.indexOf(tracks, track_id)
    if (column !== -1) weights.set(column, Math.max(weight, weights.get(column) ?? 0))
  }
  const columns = Int32Array.from(weights.keys()).sort()
  return { columns, values: Float64Array.from(columns, (column) => weights.get(column)!) }
}

const factorsOf = ({ parameters: { dimensions }, trackFactors }: IalsModel.Model, track: number): Float32Array =>
  trackFactors.subarray(track * dimensions, (track + 1) * dimensions)

const dot = (left: Float32Array, right: Float32Array): number =>
  left.reduce((sum, factor, at) => sum + factor * right[at]!, 0)
