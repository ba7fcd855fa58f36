import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as IdTable from "../../assets/recommender/IdTable.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as SparseRows from "../../assets/recommender/SparseRows.ts"
import * as Listens from "./Listens.ts"

const toMaps = ({ rows, tracks, users }: Interactions.Interactions) =>
  new Map(
    Array.from(users, (user, row) => {
      const entries = Array.from({ length: rows.offsets[row + 1]! - rows.offsets[row]! }, (_, position) => {
        const entry = rows.offsets[row]! + position
        return [tracks[rows.columns[entry]!]!, rows.values[entry]!] as const
      })
      return [user, new Map(entries)]
    })
  )

describe("interactions", () => {
  it.effect.prop("hold each pair once, with its largest weight", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const interactions = yield* Interactions.fromEntries(entries)
      assert.deepStrictEqual([...toMaps(interactions)], [...Listens.byUser(entries)])
    })
  )

  it.effect.prop("do not depend on the order or the chunks of the input", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const forwards = yield* Interactions.fromEntries(entries)
      const backwards = yield* Interactions.collect(
        Stream.fromIterable(entries.toReversed()).pipe(Stream.map((entry) => Listens.entryColumns([entry])))
      )
      assert.deepStrictEqual(backwards, forwards)
    })
  )

  it.effect("of nobody are an empty matrix", () =>
    Effect.gen(function* () {
      const interactions = yield* Interactions.fromEntries([])
      assert.deepStrictEqual(
        [interactions.users.length, interactions.tracks.length, [...interactions.rows.offsets]],
        [0, 0, [0]]
      )
    })
  )

  it.effect("keep ids beyond 32 bits apart", () =>
    Effect.gen(function* () {
      const large = 2 ** 52
      const interactions = yield* Interactions.fromEntries(Listens.plays({ [large + 1]: [large], 1: [7, large] }))
      assert.deepStrictEqual([...interactions.users], [1, large + 1])
      assert.deepStrictEqual([...interactions.tracks], [7, large])
    })
  )

  it.effect("fail with the error of the stream they are collected from", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Interactions.collect(Stream.fail("connection lost")))
      assert.strictEqual(error, "connection lost")
    })
  )
})

describe("sparse rows", () => {
  it.effect.prop("transposed twice are what they were", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const { rows, tracks, users } = yield* Interactions.fromEntries(entries)
      const once = yield* SparseRows.transpose(rows, tracks.length)
      assert.deepStrictEqual(yield* SparseRows.transpose(once, users.length), {
        offsets: rows.offsets,
        columns: rows.columns.slice(),
        values: rows.values.slice()
      })
    })
  )
})

describe("an id table", () => {
  it("locates each id of another, or says that it is not there", () => {
    const even = IdTable.fromIds([8, 2, 4, 2, 6])
    const some = IdTable.fromIds([1, 2, 6, 9])
    assert.deepStrictEqual([...even], [2, 4, 6, 8])
    assert.deepStrictEqual([...IdTable.locate(some, even)], [-1, 0, 2, -1])
    assert.deepStrictEqual(
      [0, 2, 5, 8, 9].map((id) => IdTable.indexOf(even, id)),
      [-1, 0, -1, 3, -1]
    )
  })
})
