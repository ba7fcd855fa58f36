import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Entry } from "../../assets/recommender/Interactions.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as ItemKnn from "../../assets/recommender/ItemKnn.ts"
import * as Recommender from "../../assets/recommender/Recommender.ts"
import * as Listens from "./Listens.ts"

const parameters = { shrinkage: 1, neighbours: 4 }

const recommend = Effect.fnUntraced(function* (options: {
  readonly entries: ReadonlyArray<Entry>
  readonly fittedTo?: ReadonlyArray<Entry>
  readonly users: Iterable<number>
  readonly catalogue: Iterable<number>
  readonly size: number
}) {
  const history = yield* Interactions.fromEntries(options.entries)
  const model = yield* ItemKnn.algorithm.fit(
    yield* Interactions.fromEntries(options.fittedTo ?? options.entries),
    parameters
  )
  const recommender = yield* Recommender.make({ model, history, catalogue: options.catalogue })
  return yield* Stream.runCollect(Recommender.stream(recommender, options.users, options.size))
})

/** The definition: each candidate scored by its own neighbours among what the user played, which counts by the root of its weight. */
const naive = Effect.fnUntraced(function* (
  entries: ReadonlyArray<Entry>,
  user: number,
  catalogue: ReadonlyArray<number>,
  size: number
) {
  const { neighbours, tracks } = yield* ItemKnn.fit(yield* Interactions.fromEntries(entries), parameters)
  const similarity = (track: number, other: number) => {
    const row = tracks.indexOf(track)
    const from = neighbours.offsets[row] ?? 0
    const at = neighbours.columns.subarray(from, neighbours.offsets[row + 1] ?? 0).indexOf(tracks.indexOf(other))
    return at === -1 ? 0 : neighbours.values[from + at]!
  }
  const histories = Listens.byUser(entries)
  const weights = histories.get(user) ?? new Map<number, number>()
  const played = [...weights.keys()]
  const listeners = (track: number) => [...histories.values()].filter((weights) => weights.has(track)).length
  return catalogue
    .filter((track) => !played.includes(track))
    .map((track) => {
      const reasons = played
        .filter((other) => catalogue.includes(other))
        .map((other) => ({ other, amount: similarity(track, other) * Math.sqrt(weights.get(other)!) }))
        .filter(({ amount }) => amount > 0)
      const best = reasons.reduce<(typeof reasons)[number] | undefined>(
        (strongest, reason) => (strongest && strongest.amount >= reason.amount ? strongest : reason),
        undefined
      )
      const score = reasons.reduce((sum, reason) => sum + reason.amount, 0)
      return { track_id: track, score, because_track_id: best?.other ?? null }
    })
    .sort(
      (left, right) =>
        right.score - left.score ||
        (left.score === 0 ? listeners(right.track_id) - listeners(left.track_id) : 0) ||
        left.track_id - right.track_id
    )
    .slice(0, size)
    .map(({ because_track_id, score, track_id }): Recommender.Item => [track_id, score, because_track_id])
})

/** Of each item the track and the reason. */
const named = (items: ReadonlyArray<Recommender.Item>) => items.map(([track, , because]) => [track, because])

const tracksOf = (items: ReadonlyArray<Recommender.Item>) => items.map(([track]) => track)

const catalogues = Arbitrary.schema(Schema.UniqueArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 14 }))))

describe("recommendations", () => {
  it.effect.prop(
    "are those of the definition, for any history, any removed tracks and users without history",
    [Listens.arbitrary, catalogues],
    ([entries, removed]) =>
      Effect.gen(function* () {
        const users = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        const catalogue = Array.from({ length: 14 }, (_, index) => index + 1).filter((id) => !removed.includes(id))
        const expected = yield* Effect.forEach(users, (user) =>
          Effect.map(naive(entries, user, catalogue, 5), (items) => ({ user_id: user, items }))
        )
        assert.deepStrictEqual(
          yield* recommend({ entries, users: users.toReversed(), catalogue: catalogue.toReversed(), size: 5 }),
          expected
        )
      })
  )

  it.effect("name the track of the user's own that speaks most for them", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [1, 2], 2: [2, 3], 3: [2, 3], 4: [1, 3], 5: [1] })
      const [first] = yield* recommend({ entries, users: [1], catalogue: [1, 2, 3], size: 15 })
      assert.deepStrictEqual(named(first!.items), [[3, 2]])
    })
  )

  it.effect("never hold a removed track, nor give one as a reason", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [1, 2], 2: [1, 3], 3: [2, 3, 4], 4: [1, 4] })
      const [first] = yield* recommend({ entries, users: [1], catalogue: [2, 3], size: 15 })
      assert.deepStrictEqual(named(first!.items), [[3, 2]])
    })
  )

  it.effect("are popular tracks without a reason for users without history, the most popular first", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [7, 5], 2: [7, 3], 3: [7, 5] })
      assert.deepStrictEqual(yield* recommend({ entries, users: [9], catalogue: [3, 4, 5, 7], size: 3 }), [
        {
          user_id: 9,
          items: [
            [7, 0, null],
            [5, 0, null],
            [3, 0, null]
          ]
        }
      ])
    })
  )

  it.effect("that the model has no word for come after those it has, by popularity", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [1], 2: [1, 2], 3: [8, 9], 4: [9] })
      const [first] = yield* recommend({ entries, users: [1], catalogue: [1, 2, 8, 9], size: 15 })
      assert.deepStrictEqual(named(first!.items), [
        [2, 1],
        [9, null],
        [8, null]
      ])
    })
  )

  it.effect("are none for who played the whole catalogue, and none from an empty catalogue", () =>
    Effect.gen(function* () {
      const entries = Listens.plays({ 1: [1, 2], 2: [1] })
      const all = yield* recommend({ entries, users: [1, 2], catalogue: [1, 2], size: 15 })
      assert.deepStrictEqual(
        all.map(({ items, user_id }) => [user_id, tracksOf(items)]),
        [
          [1, []],
          [2, [2]]
        ]
      )
      assert.deepStrictEqual(yield* recommend({ entries, users: [1, 2], catalogue: [], size: 15 }), [
        { user_id: 1, items: [] },
        { user_id: 2, items: [] }
      ])
    })
  )

  it.effect("are none when there are no users, and popularity in a world without listens", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* recommend({ entries: [], users: [], catalogue: [1], size: 15 }), [])
      const [only] = yield* recommend({ entries: [], users: [4], catalogue: [2, 1], size: 15 })
      assert.deepStrictEqual(tracksOf(only!.items), [1, 2])
    })
  )

  it.effect("follow listens that are newer than the model", () =>
    Effect.gen(function* () {
      const recommendations = yield* recommend({
        entries: Listens.plays({ 1: [1, 6], 3: [2] }),
        fittedTo: Listens.plays({ 1: [1], 2: [1, 2, 5] }),
        users: [1, 3],
        catalogue: [1, 2, 6],
        size: 2
      })
      assert.deepStrictEqual(
        recommendations.map(({ items, user_id }) => [user_id, named(items)]),
        [
          [1, [[2, 1]]],
          [
            3,
            [
              [1, 2],
              [6, null]
            ]
          ]
        ]
      )
    })
  )

  it.effect("come by user for more users than fit in one block", () =>
    Effect.gen(function* () {
      const users = Array.from({ length: 5_000 }, (_, index) => 5_000 - index)
      const entries = Listens.plays({ 1: [1, 2], 2: [2, 3] })
      const recommendations = yield* recommend({ entries, users, catalogue: [1, 2, 3, 4], size: 2 })
      assert.deepStrictEqual(
        recommendations.map(({ items, user_id }) => [user_id, items.length]),
        users.toReversed().map((user) => [user, 2])
      )
    })
  )
})
