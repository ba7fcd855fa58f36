/**
 * The ten best of all tracks for each user, without those he has heard, on one thread: what is in memory at first and is again in the end.
 */
import * as Effect from "effect/Effect"
import * as Ials from "../assets/recommender/Ials.ts"
import type * as IalsModel from "../assets/recommender/IalsModel.ts"
import * as IalsReference from "../assets/recommender/IalsReference.ts"
import { TopK } from "../assets/recommender/TopK.ts"
import * as TopTracks from "../assets/recommender/TopTracks.ts"
import * as Bench from "./Bench.ts"
import * as RandomListens from "./RandomListens.ts"

export default () =>
  Effect.gen(function* () {
    const heard = RandomListens.make(100_000, 20_000)
    const model = yield* Ials.fit(heard, { ...Ials.defaults, dimensions: 64, epochs: 1 }, { seed: 1 })
    const top = TopTracks.make(model, { users: model.users, heard, size, threads: 1 })
    const { kernels } = yield* Bench.medians({ kernels: Bench.millis(top) })
    const plain = yield* Bench.millis(Effect.sync(() => inTypeScript(model, heard.rows)))
    const line: Bench.Line = {
      bench: "topk",
      value: Bench.rounded(kernels / 1000),
      unit: "s",
      better: "lower",
      target: 9,
      baseline: { name: "plain TypeScript", value: Bench.rounded(plain / 10) },
      note: "plain TypeScript ran once, for a hundredth of the users, and counts a hundred times"
    }
    return line
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const size = 10

const inTypeScript = (model: IalsModel.Model, rows: { readonly offsets: Int32Array; readonly columns: Int32Array }) => {
  const d = model.parameters.dimensions
  const best = new TopK(size)
  for (let user = 0; user < model.users.length / 100; user++) {
    const scores = IalsReference.scores(model.userFactors.subarray(user * d, (user + 1) * d), model)
    for (const track of rows.columns.subarray(rows.offsets[user], rows.offsets[user + 1])) scores[track] = -Infinity
    best.clear()
    for (let track = 0; track < scores.length; track++) best.offer(track, scores[track]!)
  }
}
