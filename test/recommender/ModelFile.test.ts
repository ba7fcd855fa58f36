import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as ModelFile from "../../assets/recommender/ModelFile.ts"
import * as Listens from "./Listens.ts"

const bytesOf = Effect.fnUntraced(function* (entries: ReadonlyArray<Interactions.Entry>) {
  return ModelFile.encode(yield* ItemKnn.fit(yield* Interactions.fromEntries(entries), ItemKnn.defaults))
})

const small = bytesOf(Listens.plays({ 1: [1, 2], 2: [2, 3] }))

const failsWith = (bytes: Uint8Array, reason: RegExp) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(ModelFile.decode(bytes))
    assert.strictEqual(error._tag, "UnreadableModel")
    assert.match(error.message, reason)
  })

describe("a model file", () => {
  it.effect.prop("gives back the model that was written", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const model = yield* ItemKnn.fit(yield* Interactions.fromEntries(entries), ItemKnn.defaults)
      assert.deepStrictEqual(yield* ModelFile.decode(ModelFile.encode(model)), model)
    })
  )

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
      const model = yield* ModelFile.decode(larger.subarray(3, 3 + bytes.length))
      assert.deepStrictEqual(ModelFile.encode(model), bytes)
    })
  )

  it.effect("of an empty model is read as one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* ModelFile.decode(ModelFile.encode(ItemKnn.empty)), ItemKnn.empty)
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
      yield* failsWith(bytes.subarray(0, bytes.length - 1), /bytes where \d+ are due/)
      yield* failsWith(new Uint8Array(64), /not a model file/)
      const newer = bytes.slice()
      newer[4] = 2
      yield* failsWith(newer, /version is 2, not 1/)
      const damaged = bytes.slice()
      damaged[bytes.length - 1] = damaged[bytes.length - 1]! ^ 1
      yield* failsWith(damaged, /checksum/)
    })
  )
})
