import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as SparseRows from "../../assets/recommender/SparseRows.ts"
import * as Given from "./Listens.ts"

const weights = Effect.fnUntraced(function* (listens: Listens.Listens, recency: Listens.Recency) {
  const { rows, tracks, users } = yield* Listens.weigh(listens, recency)
  return Array.from(users).flatMap((user, index) => {
    const { columns, values } = SparseRows.row(rows, index)
    return Array.from(columns, (track, at) => [user, tracks[track]!, values[at]!])
  })
})

describe("listens", () => {
  it.effect.prop("weigh the sum of all of the same user and track", [Given.arbitrary], ([entries]) =>
    Effect.gen(function* () {
      const listens = Given.columns(entries.map(({ track_id, user_id, weight }) => [user_id, track_id, 0, weight]))
      const expected = new Map<string, number>()
      for (const { track_id, user_id, weight } of entries) {
        expected.set(`${user_id} ${track_id}`, (expected.get(`${user_id} ${track_id}`) ?? 0) + weight)
      }
      const found = yield* weights(listens, Listens.everything)
      assert.deepStrictEqual(new Map(found.map(([user, track, weight]) => [`${user} ${track}`, weight!])), expected)
      assert.deepStrictEqual(
        found,
        found.toSorted((left, right) => left[0]! - right[0]! || left[1]! - right[1]!)
      )
    })
  )

  it.effect.prop(
    "are collected user by user and in the order of time, whatever order they come in",
    [Given.arbitrary],
    ([entries]) =>
      Effect.gen(function* () {
        const blockOf = (some: typeof entries): Listens.Columns => ({
          users: Float64Array.from(some, ({ user_id }) => user_id),
          tracks: Float64Array.from(some, ({ track_id }) => track_id),
          days: Float64Array.from(some, ({ track_id, weight }) => (track_id % 3) + weight)
        })
        const forwards = yield* Listens.collect(Stream.make(blockOf(entries)))
        const backwards = yield* Listens.collect(
          Stream.fromIterable(entries.toReversed()).pipe(Stream.map((entry) => blockOf([entry])))
        )
        assert.deepStrictEqual(backwards, forwards)
        const told = Array.from(forwards.userOf, (user, listen) => [user, forwards.days[listen]!] as const)
        assert.deepStrictEqual(
          told,
          told.toSorted((left, right) => left[0] - right[0] || left[1] - right[1])
        )
        assert.lengthOf(told, entries.length)
      })
  )

  const aged = Given.columns([
    [7, 70, 100.9],
    [7, 70, 90.1, 4],
    [7, 80, 80.5],
    [3, 70, 91]
  ])

  it.effect("lose half their weight in a half-life before the day of the newest", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* weights(aged, Listens.halfLife(10)), [
        [3, 70, Math.fround(2 ** -0.9)],
        [7, 70, 1 + 4 / 2],
        [7, 80, 1 / 4]
      ])
    })
  )

  it.effect("count in full within a window, the newest day being its last, and not at all before", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* weights(aged, Listens.window(10)), [
        [3, 70, 1],
        [7, 70, 1]
      ])
      assert.deepStrictEqual(yield* weights(aged, Listens.window(11)), [
        [3, 70, 1],
        [7, 70, 5]
      ])
    })
  )

  it.effect("of some tracks have a table of just those", () =>
    Effect.gen(function* () {
      const listens = yield* Listens.filterTracks(aged, (track) => aged.tracks[track] === 80)
      assert.deepStrictEqual([[...listens.users], [...listens.tracks]], [[3, 7], [80]])
      assert.deepStrictEqual(yield* weights(listens, Listens.everything), [[7, 80, 1]])
    })
  )

  it.effect("count each user once as a listener of a track", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([...(yield* Listens.listeners(aged))], [2, 1])
    })
  )

  it.effect("may be none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* weights(Given.columns([]), Listens.halfLife(3)), [])
    })
  )
})
