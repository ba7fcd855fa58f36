import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Crypto from "node:crypto"
import * as Ials from "../../assets/recommender/Ials.ts"
import type * as IalsModel from "../../assets/recommender/IalsModel.ts"
import * as IalsReference from "../../assets/recommender/IalsReference.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as Listens from "./Listens.ts"
import * as WithoutKernels from "./WithoutKernels.ts"

const cholesky: IalsModel.Solver = { _tag: "Cholesky" }
const parameters: IalsModel.Parameters = { ...Ials.defaults, dimensions: 24, epochs: 4 }

/** 700 users and 200 tracks, a few of which half of the users listen to; every third listen is an old one. */
const entries = Array.from({ length: 6_000 }, (_, index) => ({
  user_id: 1 + Math.floor(((index * 7_919) % 6_007) ** 2 / 6_007 / 8.6),
  track_id: 1 + Math.floor(((index * 31) % 997) ** 2 / 997 / 5),
  weight: index % 3 === 0 ? 0.25 : 1
}))

const listens = Interactions.fromEntries(entries)

const plainListens = Interactions.fromEntries(entries.map((entry) => ({ ...entry, weight: 1 })))

const largestDifference = (left: Float32Array, right: Float32Array): number =>
  left.reduce((most, factor, index) => Math.max(most, Math.abs(factor - right[index]!)), 0)

const bytesOf = ({ trackFactors, userFactors }: IalsModel.Model) => [
  Buffer.from(userFactors.buffer).toString("base64"),
  Buffer.from(trackFactors.buffer).toString("base64")
]

/** The model, and what was told of its epochs. */
const fitted = Effect.fnUntraced(function* (
  fit: typeof Ials.fit,
  interactions: Interactions.Interactions,
  own: IalsModel.Parameters,
  options?: { readonly threads?: number; readonly from?: IalsModel.Model }
) {
  const epochs: Array<IalsModel.Epoch> = []
  const model = yield* fit(interactions, own, {
    seed: 1,
    threads: 1,
    ...options,
    onEpoch: (epoch) => Effect.sync(() => epochs.push(epoch))
  })
  return { model, epochs, losses: epochs.map(({ loss }) => loss) }
})

describe("iALS", () => {
  it.effect.each([
    { name: "conjugate gradients", own: parameters, from: listens },
    { name: "conjugate gradients, all weights being 1", own: parameters, from: plainListens },
    { name: "Cholesky", own: { ...parameters, solver: cholesky }, from: listens },
    { name: "Cholesky, all weights being 1", own: { ...parameters, solver: cholesky }, from: plainListens },
    { name: "the fewest dimensions", own: { ...parameters, dimensions: 8, solver: cholesky }, from: listens },
    {
      name: "rows of more entries than are packed at a time",
      own: { ...parameters, dimensions: 96, epochs: 1, solver: cholesky },
      from: listens
    },
    { name: "the most dimensions", own: { ...parameters, dimensions: 256, epochs: 1 }, from: listens }
  ])("finds what the reference finds, and tells the same losses, by $name", ({ from, own }) =>
    Effect.gen(function* () {
      const interactions = yield* from
      const kernels = yield* fitted(Ials.fit, interactions, own)
      const reference = yield* fitted(IalsReference.fit, interactions, own)
      assert.isBelow(largestDifference(kernels.model.userFactors, reference.model.userFactors), 1e-3)
      assert.isBelow(largestDifference(kernels.model.trackFactors, reference.model.trackFactors), 1e-3)
      assert.strictEqual(kernels.losses.length, own.epochs)
      for (const [index, loss] of reference.losses.entries()) {
        assert.approximately(kernels.losses[index]! / loss, 1, 1e-5)
      }
    })
  )

  it.effect("leaves the tracks where the sum that is defined is least, and tells that sum", () =>
    Effect.gen(function* () {
      const { rows, tracks, users } = yield* listens
      const own = { ...parameters, dimensions: 8, solver: cholesky }
      const { losses, model } = yield* fitted(Ials.fit, { rows, tracks, users }, own)
      const { alpha0, lambda } = own
      const factors = (all: Float32Array, row: number) => Array.from(all.subarray(row * 8, row * 8 + 8))
      const dot = (left: ReadonlyArray<number>, right: ReadonlyArray<number>) =>
        left.reduce((sum, factor, at) => sum + factor * right[at]!, 0)
      const userRows = Array.from(users.keys(), (user) => factors(model.userFactors, user))
      let loss = 0
      for (const [user, u] of userRows.entries()) {
        const count = rows.offsets[user + 1]! - rows.offsets[user]!
        loss += lambda * (count + alpha0 * tracks.length) * dot(u, u)
      }
      for (const track of tracks.keys()) {
        const v = factors(model.trackFactors, track)
        const slope = new Float64Array(8)
        let count = 0
        for (const [user, u] of userRows.entries()) {
          const entry = rows.columns.subarray(rows.offsets[user], rows.offsets[user + 1]).indexOf(track)
          const confidence = entry === -1 ? 0 : rows.values[rows.offsets[user]! + entry]!
          if (entry !== -1) count++
          const score = dot(u, v)
          loss += confidence * (1 - score) ** 2 + alpha0 * score ** 2
          u.forEach((factor, at) => (slope[at]! += factor * (confidence * (score - 1) + alpha0 * score)))
        }
        const ridge = lambda * (count + alpha0 * users.length)
        loss += ridge * dot(v, v)
        v.forEach((factor, at) => assert.approximately(slope[at]! + ridge * factor, 0, 1e-3))
      }
      assert.approximately(losses.at(-1)! / loss, 1, 1e-5)
    })
  )

  it.effect("finds the same by conjugate gradients as by Cholesky when it takes enough steps", () =>
    Effect.gen(function* () {
      const interactions = yield* listens
      const exact = yield* fitted(Ials.fit, interactions, { ...parameters, solver: cholesky })
      const stepwise = yield* fitted(Ials.fit, interactions, {
        ...parameters,
        solver: { _tag: "ConjugateGradient", steps: 100 }
      })
      assert.isBelow(largestDifference(exact.model.trackFactors, stepwise.model.trackFactors), 1e-3)
    })
  )

  it.effect.each(["ConjugateGradient", "Cholesky"] as const)("loses less with every epoch (%s)", (tag) =>
    Effect.gen(function* () {
      const solver = tag === "Cholesky" ? cholesky : parameters.solver
      const { epochs, losses } = yield* fitted(Ials.fit, yield* listens, { ...parameters, solver, epochs: 8 })
      assert.deepStrictEqual(
        epochs.map(({ epoch }) => epoch),
        [1, 2, 3, 4, 5, 6, 7, 8]
      )
      assert.deepStrictEqual(
        losses,
        losses.toSorted((left, right) => right - left)
      )
    })
  )

  it.effect.each(["ConjugateGradient", "Cholesky"] as const)(
    "gives the same bytes and the same losses for any number of threads, none included (%s)",
    (tag) =>
      Effect.gen(function* () {
        const interactions = yield* listens
        const solver = tag === "Cholesky" ? cholesky : parameters.solver
        const [one, ...others] = yield* Effect.forEach([0, 1, 2, 3], (threads) =>
          fitted(Ials.fit, interactions, { ...parameters, solver }, { threads })
        )
        for (const other of others) {
          assert.deepStrictEqual(bytesOf(other.model), bytesOf(one!.model))
          assert.deepStrictEqual(other.losses, one!.losses)
        }
      })
  )

  // A change of these is a change of every model: say so where the change is told.
  it.effect.each([
    { solver: parameters.solver, digest: "2787123f3fad80c2c0f01df3e61f940b8234b4d3e386859d5b75f4fd0d2b2216" },
    { solver: cholesky, digest: "0a25480398c8394e51bbfa68daa96d8c4eb0042eb31d8f4fa463756442dcfe34" }
  ])("gives the same bytes on every machine ($solver._tag)", ({ digest, solver }) =>
    Effect.gen(function* () {
      const { trackFactors, userFactors } = yield* Ials.fit(yield* listens, { ...parameters, solver }, { seed: 1 })
      const hash = Crypto.createHash("sha256").update(userFactors).update(trackFactors)
      assert.strictEqual(hash.digest("hex"), digest)
    })
  )

  it.effect("gives other factors with another seed", () =>
    Effect.gen(function* () {
      const interactions = yield* listens
      const [one, two] = yield* Effect.forEach([1, 2], (seed) => Ials.fit(interactions, parameters, { seed }))
      assert.notDeepEqual(bytesOf(one!), bytesOf(two!))
    })
  )

  it.effect("scores a listen nearer to 1 the more its weight is", () =>
    Effect.gen(function* () {
      const score = Effect.fnUntraced(function* (weight: number) {
        const entries = Listens.plays({ 1: [1, 2], 2: [1], 3: [2] }).map((entry) => ({ ...entry, weight }))
        const { trackFactors, userFactors } = yield* Ials.fit(yield* Interactions.fromEntries(entries), parameters, {
          seed: 1
        })
        return userFactors.subarray(0, 24).reduce((sum, factor, at) => sum + factor * trackFactors[at]!, 0)
      })
      const scores = yield* Effect.forEach([0.25, 1, 2], score)
      assert.deepStrictEqual(scores, scores.toSorted())
      assert.isAbove(scores[1]! - scores[0]!, 0.05)
      assert.isBelow(scores[2]!, 1)
    })
  )

  it.effect.each(["ConjugateGradient", "Cholesky"] as const)(
    "stays finite where regularisation is too small to be seen in single precision (%s)",
    (tag) =>
      Effect.gen(function* () {
        const interactions = yield* Interactions.fromEntries(Listens.plays({ 1: [1, 2], 2: [1], 3: [2] }))
        const solver = tag === "Cholesky" ? cholesky : parameters.solver
        const { losses, model } = yield* fitted(Ials.fit, interactions, { ...parameters, lambda: 1e-12, solver })
        assert.isTrue([...losses, ...model.userFactors, ...model.trackFactors].every(Number.isFinite))
      })
  )

  it.effect("starts from an earlier model where it knows the ids, and goes on from there", () =>
    Effect.gen(function* () {
      const interactions = yield* listens
      const own = { ...parameters, epochs: 6 }
      const whole = yield* fitted(Ials.fit, interactions, own)
      const half = yield* fitted(Ials.fit, interactions, { ...own, epochs: 3 })
      const rest = yield* fitted(Ials.fit, interactions, { ...own, epochs: 3 }, { from: half.model })
      assert.deepStrictEqual(bytesOf(rest.model), bytesOf(whole.model))
    })
  )

  it.effect("starts tracks and users that an earlier model does not know like any new ones", () =>
    Effect.gen(function* () {
      const before = yield* Interactions.fromEntries(Listens.plays({ 2: [20, 30], 3: [30, 40] }))
      const after = yield* Interactions.fromEntries(Listens.plays({ 1: [10, 30], 2: [20, 30], 3: [30, 40, 50] }))
      const from = yield* Ials.fit(before, parameters, { seed: 1 })
      const unchanged = yield* Ials.fit(after, { ...parameters, epochs: 0 }, { seed: 1, from })
      const fresh = yield* Ials.fit(after, { ...parameters, epochs: 0 }, { seed: 1 })
      assert.deepStrictEqual(unchanged.userFactors.subarray(24), from.userFactors)
      assert.deepStrictEqual(unchanged.trackFactors.subarray(24, 4 * 24), from.trackFactors)
      assert.deepStrictEqual(unchanged.trackFactors.subarray(0, 24), fresh.trackFactors.subarray(0, 24))
      assert.deepStrictEqual(unchanged.userFactors.subarray(0, 24), new Float32Array(24))
    })
  )

  it.effect("starts a track at the same place whatever other tracks there are", () =>
    Effect.gen(function* () {
      const start = Effect.fnUntraced(function* (entries: ReadonlyArray<Interactions.Entry>) {
        return yield* Ials.fit(yield* Interactions.fromEntries(entries), { ...parameters, epochs: 0 }, { seed: 1 })
      })
      const one = yield* start(Listens.plays({ 1: [5] }))
      const more = yield* start(Listens.plays({ 1: [3, 5], 2: [9] }))
      assert.deepStrictEqual(more.trackFactors.subarray(24, 48), one.trackFactors)
      assert.isAbove(largestDifference(more.trackFactors.subarray(0, 24), more.trackFactors.subarray(24, 48)), 0)
    })
  )

  it.effect("leaves users and tracks without interactions at 0, and none at all as they are", () =>
    Effect.gen(function* () {
      const { rows } = yield* Interactions.fromEntries(Listens.plays({ 1: [1] }))
      const sparse = {
        users: Float64Array.of(1, 2),
        tracks: Float64Array.of(1, 2, 3),
        rows: { ...rows, offsets: Int32Array.of(0, 1, 1) }
      }
      const { model } = yield* fitted(Ials.fit, sparse, parameters)
      assert.isTrue(model.userFactors.subarray(0, 24).some((factor) => factor !== 0))
      assert.deepStrictEqual(model.userFactors.subarray(24), new Float32Array(24))
      assert.deepStrictEqual(model.trackFactors.subarray(24), new Float32Array(48))
      const empty = yield* fitted(Ials.fit, yield* Interactions.fromEntries([]), parameters)
      assert.deepStrictEqual(empty.losses, [0, 0, 0, 0])
    })
  )

  it.effect("is fitted by the reference where there are no kernels", () =>
    Effect.gen(function* () {
      const interactions = yield* listens
      const without = yield* WithoutKernels.run(Ials.fit(interactions, parameters, { seed: 1 }))
      assert.deepStrictEqual(bytesOf(without), bytesOf(yield* IalsReference.fit(interactions, parameters, { seed: 1 })))
      assert.notDeepEqual(bytesOf(without), bytesOf(yield* Ials.fit(interactions, parameters, { seed: 1 })))
    })
  )

  it.effect("refuses parameters out of range, all of them at once", () =>
    Effect.gen(function* () {
      const interactions = yield* listens
      const wrong = { ...parameters, dimensions: 60, alpha0: 0, lambda: Number.NaN }
      const error = yield* Effect.flip(Ials.fit(interactions, wrong, { seed: 1 }))
      assert.strictEqual(
        error.message,
        "iALS cannot be fitted: dimensions must be a multiple of 8 from 8 to 256, not 60; alpha0 must be above 0, not 0; lambda must be above 0, not NaN"
      )
      const from = yield* Ials.fit(interactions, { ...parameters, epochs: 0 }, { seed: 1 })
      const other = yield* Effect.flip(Ials.fit(interactions, { ...parameters, dimensions: 32 }, { seed: 1, from }))
      assert.strictEqual(other.message, "iALS cannot be fitted: the earlier model has 24 dimensions and this one 32")
    })
  )
})
