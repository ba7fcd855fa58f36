/**
 * An epoch of iALS by three steps of conjugate gradients, on one thread and on two, next to the same in plain TypeScript.
 */
import * as Effect from "effect/Effect"
import * as Ials from "../assets/recommender/Ials.ts"
import type * as IalsModel from "../assets/recommender/IalsModel.ts"
import * as IalsReference from "../assets/recommender/IalsReference.ts"
import type * as Interactions from "../assets/recommender/Interactions.ts"
import * as Bench from "./Bench.ts"
import * as RandomListens from "./RandomListens.ts"

export default () =>
  Effect.gen(function* () {
    const all = RandomListens.make(100_000, 20_000)
    const tenth = RandomListens.make(10_000, 2_000)
    const small = yield* onOneAndTwo(all, 64)
    const large = yield* onOneAndTwo(all, 128)
    const plain = 10 * (yield* epoch(IalsReference.fit, tenth, { ...Ials.defaults, dimensions: 64, epochs: 2 }, 1))
    const line = (quantity: string, seconds: number, target: number, baseline: Bench.Line["baseline"]): Bench.Line => ({
      bench: "als",
      quantity,
      value: Bench.rounded(seconds),
      unit: "s an epoch",
      better: "lower",
      target,
      baseline
    })
    const plainTypeScript = { name: "plain TypeScript, s an epoch", value: Bench.rounded(plain) }
    const ratio: Bench.Line = {
      bench: "als",
      quantity: "d 64, one thread, against plain TypeScript",
      value: Bench.rounded(plain / small.one),
      unit: "times as fast",
      better: "higher",
      target: 10,
      baseline: plainTypeScript,
      note: "plain TypeScript ran one epoch after a warm-up, on a tenth of the data, and counts ten times"
    }
    const oneThread = (value: number) => ({ name: "one thread, s an epoch", value: Bench.rounded(value) })
    return [
      line("d 64, one thread", small.one, 2.5, plainTypeScript),
      line("d 64, two threads", small.two, 1.3, oneThread(small.one)),
      line("d 128, one thread", large.one, 5.5, null),
      line("d 128, two threads", large.two, 2.6, oneThread(large.one)),
      ratio
    ]
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const onOneAndTwo = Effect.fnUntraced(function* (interactions: Interactions.Interactions, dimensions: number) {
  const parameters = { ...Ials.defaults, dimensions, epochs: 6 }
  return {
    one: yield* epoch(Ials.fit, interactions, parameters, 1),
    two: yield* epoch(Ials.fit, interactions, parameters, 2)
  }
})

/** The median of the seconds between two epochs; the first, from the start, warms up. */
const epoch = Effect.fnUntraced(function* (
  fit: typeof Ials.fit,
  interactions: Interactions.Interactions,
  parameters: IalsModel.Parameters,
  threads: number
) {
  const ends: Array<number> = []
  yield* fit(interactions, parameters, {
    seed: 1,
    threads,
    onEpoch: () => Effect.sync(() => ends.push(performance.now() / 1000))
  })
  return Bench.median(ends.slice(1).map((end, index) => end - ends[index]!))
})
