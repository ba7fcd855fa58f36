import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Algorithms from "../../assets/recommender/Algorithms.ts"
import * as Ease from "../../assets/recommender/Ease.ts"
import type * as FittedModel from "../../assets/recommender/FittedModel.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as ModelFile from "../../assets/recommender/ModelFile.ts"
import * as Popularity from "../../assets/recommender/Popularity.ts"
import * as Listens from "./Listens.ts"

const bytesOf = Effect.fnUntraced(function* (entries: ReadonlyArray<Interactions.Entry>) {
  const model = yield* ItemKnn.algorithm.fit(yield* Interactions.fromEntries(entries), ItemKnn.defaults)
  return Algorithms.encode("item-knn", model)
})

/** For each of these histories the scores of all tracks. */
const scoresOf = ({ score, tracks }: FittedModel.FittedModel) =>
  [[], [0], Array.from(tracks.keys())].map((played) => {
    const into = new Float64Array(tracks.length)
    const known = Int32Array.from(played.filter((track) => track < tracks.length))
    score({ columns: known, values: new Float64Array(known.length).fill(1) }, into)
    return into
  })

const small = bytesOf(Listens.plays({ 1: [1, 2], 2: [2, 3] }))

const failsWith = (bytes: Uint8Array, reason: RegExp) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(ModelFile.decode(bytes))
    assert.strictEqual(error._tag, "UnreadableModel")
    assert.match(error.message, reason)
  })

describe("a model file", () => {
  for (const [{ fit, name }, parameters] of [
    [ItemKnn.algorithm, ItemKnn.defaults],
    [Ease.algorithm, { lambda: 2, minimumListeners: 1 }],
    [Popularity.algorithm, {}]
  ] as ReadonlyArray<[Algorithm.Algorithm<any>, Algorithms.Described["parameters"]]>) {
    it.effect.prop(`gives back the ${name} model that was written`, [Listens.arbitrary], ([entries]) =>
      Effect.gen(function* () {
        const model = yield* fit(yield* Interactions.fromEntries(entries), parameters)
        const bytes = Algorithms.encode(name, model)
        const restored = yield* Algorithms.decode(bytes, parameters)
        assert.deepStrictEqual(scoresOf(restored), scoresOf(model))
        assert.deepStrictEqual(Algorithms.encode(name, restored), bytes)
      })
    )
  }

  it.effect("is the same for the same listens in another order", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [1, 2, 9], 2: [2, 3, 9], 7: [1, 9] })
      assert.deepStrictEqual(yield* bytesOf(entries.toReversed()), yield* bytesOf(entries))
    })
  )

  it.effect("can be read from the middle of a larger buffer", () =>
    Effect.gen(function* () {
      const bytes = yield* small
      const larger = Buffer.alloc(bytes.length + 7)
      larger.set(bytes, 3)
      const file = yield* ModelFile.decode(larger.subarray(3, 3 + bytes.length))
      assert.deepStrictEqual(ModelFile.encode(file), bytes)
    })
  )

  it.effect("of an algorithm that is not known is refused by its name", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Algorithms.decode(ModelFile.encode({ algorithm: "oracle", sections: [] }), {}))
      assert.match(error.message, /no algorithm "oracle"/)
    })
  )

  it.effect("is refused when any one bit of it is wrong", () =>
    Effect.gen(function* () {
      const bytes = yield* small
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = bytes.slice()
        damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7))
        yield* failsWith(damaged, /^The model file cannot be read: /)
      }
    })
  )

  it.effect("is refused with what is wrong about it", () =>
    Effect.gen(function* () {
      const bytes = yield* small
      yield* failsWith(new Uint8Array(0), /only 0 bytes/)
      yield* failsWith(bytes.subarray(0, bytes.length - 1), /checksum/)
      yield* failsWith(new Uint8Array(64), /not a model file/)
      const ofBigEndian = bytes.slice()
      for (let word = 0; word < 16; word += 4) ofBigEndian.subarray(word, word + 4).reverse()
      yield* failsWith(ofBigEndian, /not a model file/)
      const newer = bytes.slice()
      newer[4] = 2
      yield* failsWith(newer, /version is 2, not 1/)
      const damaged = bytes.slice()
      damaged[bytes.length - 1] = damaged[bytes.length - 1]! ^ 1
      yield* failsWith(damaged, /checksum/)
    })
  )
})
