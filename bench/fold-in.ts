/**
 * The ten best of 20,000 tracks for a listener that the model does not know, from his 100 listens: factors solved for, all tracks scored.
 */
import * as Effect from "effect/Effect"
import * as FoldIn from "../assets/recommender/FoldIn.ts"
import * as Ials from "../assets/recommender/Ials.ts"
import * as IalsReference from "../assets/recommender/IalsReference.ts"
import { TopK } from "../assets/recommender/TopK.ts"
import * as Bench from "./Bench.ts"
import * as RandomListens from "./RandomListens.ts"

export default () =>
  Effect.gen(function* () {
    const { rows, tracks, users } = RandomListens.make(10_000, 20_000)
    const parameters = { ...Ials.defaults, dimensions: 64, epochs: 1 }
    const model = yield* Ials.fit({ rows, tracks, users }, parameters, { seed: 1 })
    const { recommend } = yield* FoldIn.make(model)
    const gram = yield* IalsReference.gramOf(model.trackFactors, 64)
    // Every fifth user has 100 listens.
    const histories = Array.from({ length: 100 }, (_, index) => rows.columns.subarray(...listens(rows.offsets, index)))
    const inTypeScript = (columns: Int32Array) => {
      const factorsOf = (track: number) => model.trackFactors.subarray(track * 64, (track + 1) * 64)
      const entries = Array.from(columns, (column) => ({ factors: factorsOf(column), confidence: 1 }))
      const equations = IalsReference.equationsOf(entries, gram, tracks.length, parameters)
      const best = new TopK(size)
      IalsReference.scores(Float32Array.from(IalsReference.solve(equations)), model).forEach((score, track) =>
        best.offer(track, score)
      )
    }
    const onKernels = (columns: Int32Array) =>
      recommend(
        Array.from(columns, (column) => ({ track_id: tracks[column]!, weight: 1 })),
        size
      )
    const all = (one: (columns: Int32Array) => void) => Bench.millis(Effect.sync(() => histories.forEach(one)))
    const { kernels, plain } = yield* Bench.medians({ kernels: all(onKernels), plain: all(inTypeScript) })
    const line: Bench.Line = {
      bench: "fold-in",
      value: Bench.rounded(kernels / histories.length),
      unit: "ms",
      better: "lower",
      target: 0.3,
      baseline: { name: "plain TypeScript", value: Bench.rounded(plain / histories.length) }
    }
    return line
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const size = 10

const listens = (offsets: Int32Array, index: number): [number, number] => [
  offsets[5 * index + 2]!,
  offsets[5 * index + 3]!
]
