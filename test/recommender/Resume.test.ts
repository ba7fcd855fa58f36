import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Algorithms from "../../assets/recommender/Algorithms.ts"
import type * as FittedModel from "../../assets/recommender/FittedModel.ts"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as WorldListens from "../../bench/WorldListens.ts"
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"

const world = SyntheticWorld.make({ seed: 3, users: 150, tracks: 80 })
const today = 20_513

/** Everything from `days` days up to one. */
const until = (day: number, days: number) =>
  Effect.flatMap(WorldListens.collect(world, day, days), (listens) => Listens.weigh(listens, Listens.everything))

const ials = Tuning.ials[0]!

/** The losses that a watcher is told while something is fitted. */
const watched = Effect.fnUntraced(function* <A, E>(fitting: Effect.Effect<A, E>) {
  const told: Array<Algorithm.Epoch> = []
  const watch = (epoch: Algorithm.Epoch) => Effect.sync(() => void told.push(epoch))
  const model = yield* Effect.provideService(fitting, Algorithm.Watcher, watch)
  return { model, told, losses: told.map(({ loss }) => loss) }
})

const bytesOf = ({ algorithm }: Algorithm.Candidate, model: FittedModel.FittedModel) =>
  Buffer.from(Algorithms.encode(algorithm, model)).toString("base64")

describe("going on from an earlier model", () => {
  it.effect("comes in one epoch to where iALS is after more than two from nothing, by factors of tracks alone", () =>
    Effect.gen(function* () {
      const before = yield* until(today - 1, 6)
      const now = yield* until(today, 7)
      const earlier = yield* ials.fit(before)
      const cold = yield* watched(ials.fit(now))
      const warm = yield* watched(ials.resume(now, earlier))
      assert.deepInclude(warm.told[0], { algorithm: "ials", parameters: ials.parameters, epoch: 1, epochs: 1 })
      assert.strictEqual(warm.told.length, 1)
      assert.strictEqual(cold.told.length, 10)
      assert.isBelow(warm.losses[0]!, cold.losses[1]!)
      assert.match(
        Algorithm.describeEpoch(cold.told[2]!),
        /^epoch 3 of 10, loss [\d,]+: ials, dimensions 64, alpha0 0.1, lambda 0.01, epochs 10, seed 1$/
      )
    })
  )

  it.effect("gives the same bytes from the same, and from what was stored", () =>
    Effect.gen(function* () {
      const now = yield* until(today, 3)
      const earlier = yield* ials.fit(yield* until(today - 1, 2))
      const stored = yield* Algorithms.decode(Algorithms.encode("ials", earlier), ials.parameters)
      const [one, two] = yield* Effect.forEach([earlier, stored], (model) => ials.resume(now, model))
      assert.strictEqual(bytesOf(ials, two!), bytesOf(ials, one!))
      assert.notStrictEqual(bytesOf(ials, one!), bytesOf(ials, yield* ials.fit(now)))
    })
  )

  it.effect("follows the tracks there are: those that are new are learnt, those that are gone are left out", () =>
    Effect.gen(function* () {
      const listens = yield* WorldListens.collect(world, today, 3)
      const some = (isKept: (track: number) => boolean) =>
        Effect.flatMap(Listens.filterTracks(listens, isKept), (kept) => Listens.weigh(kept, Listens.everything))
      const before = yield* some((track) => track % 4 !== 0)
      const now = yield* some((track) => track % 4 !== 1)
      const { model, losses } = yield* watched(ials.resume(now, yield* ials.fit(before)))
      assert.deepStrictEqual(model.tracks, now.tracks)
      assert.notDeepEqual(now.tracks, before.tracks)
      const factors = model.sections[0]!.data
      for (let track = 0; track < model.tracks.length; track++) {
        assert.isTrue(factors.subarray(track * 64, (track + 1) * 64).some((factor) => factor !== 0))
      }
      assert.isBelow(losses[0]!, (yield* watched(ials.fit(now))).losses[0]!)
    })
  )

  it.effect("is to be fitted anew where an algorithm has no epochs", () =>
    Effect.gen(function* () {
      const now = yield* until(today, 2)
      const before = yield* until(today - 1, 1)
      for (const candidate of [Tuning.itemKnn[0]!, Tuning.ease[0]!]) {
        const { model, told } = yield* watched(candidate.resume(now, yield* candidate.fit(before)))
        assert.strictEqual(bytesOf(candidate, model), bytesOf(candidate, yield* candidate.fit(now)))
        assert.deepStrictEqual(told, [])
      }
    })
  )
})
