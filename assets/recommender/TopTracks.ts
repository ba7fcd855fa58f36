/**
 * The tracks with the highest scores for each of many users, exactly, over the whole catalogue, without those they have heard.
 * Leaves out users without factors: all tracks are alike to them.
 */
import * as Effect from "effect/Effect"
import * as Cooperative from "./Cooperative.ts"
import type * as IalsModel from "./IalsModel.ts"
import * as IalsReference from "./IalsReference.ts"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as KernelMemory from "./KernelMemory.ts"
import * as Kernels from "./Kernels.ts"
import * as KernelThreads from "./KernelThreads.ts"
import { TopK } from "./TopK.ts"

/**
 * The list of `users[u]` begins at `u * size`: indices of the model's tracks, best first and of equal scores the lowest, and -1 where all
 * others were heard.
 */
export interface TopTracks {
  readonly users: IdTable.IdTable
  readonly size: number
  readonly tracks: Int32Array
  readonly scores: Float32Array
}

/** Ranks for those of `users` that the model has factors of, on threads of their own; interruption ends them at once. */
export const make = Effect.fn("TopTracks.make")(function* (
  model: IalsModel.Model,
  options: {
    readonly users: IdTable.IdTable
    readonly heard: Interactions.Interactions
    readonly size: number
    readonly threads?: number
  }
) {
  const { dimensions } = model.parameters
  const rows = IdTable.locate(model.users, options.users)
  const known = model.users.filter(
    (_, row) =>
      rows[row] !== -1 &&
      model.userFactors.subarray(row * dimensions, (row + 1) * dimensions).some((factor) => factor !== 0)
  )
  const heard = yield* heardBy(known, options.heard, model.tracks)
  const { size, threads = KernelThreads.suited(Math.ceil(known.length / chunk)) } = options
  return Kernels.areSupported()
    ? yield* Effect.scoped(onThreads(model, known, heard, size, threads))
    : yield* inTypeScript(model, known, heard, size)
})

// internal ------------------------------------------------------------------------------------------------------------------------

/** For each user the tracks he has heard, as indices of the model's tracks, ascending. */
interface Heard {
  readonly offsets: Int32Array
  readonly columns: Int32Array
}

const heardBy = Effect.fnUntraced(function* (
  users: IdTable.IdTable,
  { rows, tracks, users: listeners }: Interactions.Interactions,
  modelTracks: IdTable.IdTable
) {
  const rowOf = IdTable.locate(users, listeners)
  const columnOf = IdTable.locate(tracks, modelTracks)
  const offsets = new Int32Array(users.length + 1)
  const columns = new Int32Array(rows.columns.length)
  let end = 0
  yield* Cooperative.forRange(users.length, (user) => {
    const row = rowOf[user]!
    const last = row === -1 ? 0 : rows.offsets[row + 1]!
    for (let entry = row === -1 ? 0 : rows.offsets[row]!; entry < last; entry++) {
      const column = columnOf[rows.columns[entry]!]!
      if (column !== -1) columns[end++] = column
    }
    offsets[user + 1] = end
  })
  return { offsets, columns: columns.subarray(0, end) } satisfies Heard
})

/** Users of a chunk, a multiple of the 64 that pass by a block of tracks together. */
const chunk = 128

const onThreads = Effect.fnUntraced(function* (
  { parameters: { dimensions }, trackFactors, tracks, userFactors, users: modelUsers }: IalsModel.Model,
  users: IdTable.IdTable,
  heard: Heard,
  size: number,
  threads: number
) {
  const packedCount = Math.ceil(tracks.length / 8) * 8
  const layout = new KernelMemory.Layout()
  const at = {
    offsets: layout.words(heard.offsets.length),
    columns: layout.words(heard.columns.length),
    // Users are scored by fours, the last ones together with whatever follows them.
    users: layout.words((users.length + 3) * dimensions),
    tracks: layout.words(trackFactors.length),
    packed: layout.words(packedCount * dimensions),
    indices: layout.words(users.length * size),
    scores: layout.words(users.length * size)
  }
  const scratchSize = Kernels.scratchSize(dimensions)
  const scratch = layout.bytes(Math.max(1, threads) * scratchSize)
  const memory = yield* KernelMemory.allocate(layout)
  const { buffer } = memory
  yield* KernelMemory.copy(new Int32Array(buffer, at.offsets, heard.offsets.length), heard.offsets)
  yield* KernelMemory.copy(new Int32Array(buffer, at.columns, heard.columns.length), heard.columns)
  yield* KernelMemory.copy(new Float32Array(buffer, at.tracks, trackFactors.length), trackFactors)
  const factors = new Float32Array(buffer, at.users, users.length * dimensions)
  const rows = IdTable.locate(users, modelUsers)
  yield* Cooperative.forRange(users.length, (user) => {
    factors.set(userFactors.subarray(rows[user]! * dimensions, (rows[user]! + 1) * dimensions), user * dimensions)
  })

  const pool = yield* KernelThreads.make({ memory, threads, scratch, scratchSize })
  yield* pool.run({
    kernel: "packTracks",
    count: packedCount,
    chunk: 512,
    args: [at.tracks, tracks.length, dimensions, at.packed]
  })
  yield* pool.run({
    kernel: "topTracks",
    count: users.length,
    chunk,
    args: [at.users, at.packed, tracks.length, dimensions, at.offsets, at.columns, size, at.indices, at.scores]
  })
  return {
    users,
    size,
    tracks: new Int32Array(new Int32Array(buffer, at.indices, users.length * size)),
    scores: new Float32Array(new Float32Array(buffer, at.scores, users.length * size))
  } satisfies TopTracks
})

const inTypeScript = Effect.fnUntraced(function* (
  model: IalsModel.Model,
  users: IdTable.IdTable,
  heard: Heard,
  size: number
) {
  const d = model.parameters.dimensions
  const rows = IdTable.locate(users, model.users)
  const tracks = new Int32Array(users.length * size).fill(-1)
  const scores = new Float32Array(users.length * size).fill(-Infinity)
  const best = new TopK(size)
  yield* Cooperative.forRange(users.length, (user) => {
    const scored = IalsReference.scores(model.userFactors.subarray(rows[user]! * d, (rows[user]! + 1) * d), model)
    for (const track of heard.columns.subarray(heard.offsets[user], heard.offsets[user + 1])) scored[track] = -Infinity
    best.clear()
    scored.forEach((score, track) => score !== -Infinity && best.offer(track, score))
    tracks.set(best.indices.subarray(0, best.size), user * size)
    scores.set(best.scores.subarray(0, best.size), user * size)
  })
  return { users, size, tracks, scores } satisfies TopTracks
})
