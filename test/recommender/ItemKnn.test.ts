import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Entry } from "../../assets/recommender/Interactions.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Listens from "./Listens.ts"

type Neighbour = readonly [track: number, similarity: number]

const fit = (entries: ReadonlyArray<Entry>, parameters: ItemKnn.Parameters) =>
  Effect.flatMap(Interactions.fromEntries(entries), (interactions) => ItemKnn.fit(interactions, parameters))

const toMap = ({ neighbours, tracks }: ItemKnn.Model) =>
  new Map(
    Array.from(tracks, (track, row) => {
      const from = neighbours.offsets[row]!
      const columns = neighbours.columns.subarray(from, neighbours.offsets[row + 1])
      return [track, Array.from(columns, (column, at): Neighbour => [tracks[column]!, neighbours.values[from + at]!])]
    })
  )

/** The definition, over all pairs of tracks. */
const naive = (entries: ReadonlyArray<Entry>, { neighbours, shrinkage }: ItemKnn.Parameters) => {
  const users = [...Listens.byUser(entries).values()]
  const tracks = [...new Set(entries.map((entry) => entry.track_id))].sort((left, right) => left - right)
  const column = (track: number) => users.map((weights) => Math.sqrt(weights.get(track) ?? 0))
  const dot = (left: Array<number>, right: Array<number>) =>
    left.reduce((sum, weight, user) => sum + weight * right[user]!, 0)
  const similarity = (left: Array<number>, right: Array<number>) => {
    const both = left.filter((weight, user) => weight * right[user]! > 0).length
    const cosine = dot(left, right) / (Math.sqrt(dot(left, left)) * Math.sqrt(dot(right, right)))
    return Math.fround((cosine * both) / (both + shrinkage))
  }
  return new Map(
    tracks.map((track) => {
      const all = tracks.map((other): Neighbour => [other, similarity(column(track), column(other))])
      const candidates = all.filter(([other, value]) => other !== track && value > 0)
      return [track, candidates.sort((left, right) => right[1] - left[1] || left[0] - right[0]).slice(0, neighbours)]
    })
  )
}

describe("item neighbours", () => {
  for (const parameters of [
    { shrinkage: 0, neighbours: 100 },
    { shrinkage: 5, neighbours: 100 },
    { shrinkage: 5, neighbours: 3 },
    { shrinkage: 5, neighbours: 0 }
  ]) {
    it.effect.prop(
      `are those of the definition with shrinkage ${parameters.shrinkage} and ${parameters.neighbours} neighbours`,
      [Listens.arbitrary],
      ([entries]) =>
        Effect.gen(function* () {
          const model = yield* fit(entries, parameters)
          assert.deepStrictEqual([...toMap(model)], [...naive(entries, parameters)])
        })
    )
  }

  it.effect.prop("do not depend on the order of the listens", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const model = yield* fit(entries, ItemKnn.defaults)
      assert.deepStrictEqual(yield* fit(entries.toReversed(), ItemKnn.defaults), model)
    })
  )

  it.effect.prop("do not depend on the unit of the weights", [Listens.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const model = yield* fit(entries, ItemKnn.defaults)
      const scaled = entries.map((entry) => ({ ...entry, weight: entry.weight * 2 ** -80 }))
      assert.deepStrictEqual(yield* fit(scaled, ItemKnn.defaults), model)
    })
  )

  it.effect("that are equally similar stand in the order of their ids, and the lowest ids stay", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [40, 10, 30, 20, 50] })
      const model = yield* fit(entries, { shrinkage: 1, neighbours: 3 })
      assert.deepStrictEqual(toMap(model).get(30), [
        [10, 0.5],
        [20, 0.5],
        [40, 0.5]
      ])
    })
  )

  it.effect("count half when as many users as the shrinkage played both tracks", () =>
    Effect.gen(function* () {
      const model = yield* fit(Listens.plays({ 1: [1, 2], 2: [1, 2] }), { shrinkage: 2, neighbours: 100 })
      assert.deepStrictEqual(toMap(model).get(1), [[2, 0.5]])
    })
  )

  it.effect("are none for tracks that no user shares", () =>
    Effect.gen(function* () {
      const model = yield* fit(Listens.plays({ 1: [1], 2: [2] }), ItemKnn.defaults)
      assert.deepStrictEqual(
        [...toMap(model)],
        [
          [1, []],
          [2, []]
        ]
      )
    })
  )

  it.effect("of no listens are the empty model", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* fit([], ItemKnn.defaults), ItemKnn.empty)
    })
  )
})
