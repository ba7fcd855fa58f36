import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ials from "../../assets/recommender/Ials.ts"
import type * as IalsModel from "../../assets/recommender/IalsModel.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as TopTracks from "../../assets/recommender/TopTracks.ts"
import * as Listens from "./Listens.ts"
import * as WithoutKernels from "./WithoutKernels.ts"

/** Factors of a quarter, a half and so on, so that many scores are equal. */
const coarse = (length: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => (((index * index + 3 * index) % 13) - 6) / 4)

const modelOf = (users: number, tracks: number, dimensions: number): IalsModel.Model => ({
  parameters: { ...Ials.defaults, dimensions },
  users: Float64Array.from({ length: users }, (_, index) => 10 + 2 * index),
  tracks: Float64Array.from({ length: tracks }, (_, index) => 5 + 3 * index),
  userFactors: coarse(users * dimensions),
  trackFactors: coarse(tracks * dimensions + 1).subarray(1)
})

/** Each user has heard every seventh track and one that the model does not know; every third user has heard nothing. */
const heardIn = ({ tracks, users }: IalsModel.Model) =>
  Interactions.fromEntries(
    Array.from(users).flatMap((user_id, user) =>
      user % 3 === 2
        ? []
        : [...tracks.filter((_, track) => (track + user) % 7 === 0), 4].map((track_id) => ({
            user_id,
            track_id,
            weight: 1
          }))
    )
  )

/** The definition: every unheard track scored in single precision, and sorted. */
const naive = (
  { parameters: { dimensions }, trackFactors, tracks, userFactors, users }: IalsModel.Model,
  { rows, tracks: heardTracks, users: listeners }: Interactions.Interactions,
  userId: number,
  size: number
): ReadonlyArray<{ readonly track: number; readonly score: number }> => {
  const user = users.indexOf(userId)
  const row = listeners.indexOf(userId)
  const heard = rows.columns.subarray(rows.offsets[row] ?? 0, rows.offsets[row + 1] ?? 0)
  const heardIds = row === -1 ? [] : Array.from(heard, (column) => heardTracks[column]!)
  return Array.from(tracks.keys())
    .filter((track) => !heardIds.includes(tracks[track]!))
    .map((track) => {
      let score = 0
      for (let at = 0; at < dimensions; at++) {
        const product = Math.fround(userFactors[user * dimensions + at]! * trackFactors[track * dimensions + at]!)
        score = Math.fround(score + product)
      }
      return { track, score }
    })
    .sort((left, right) => right.score - left.score || left.track - right.track)
    .slice(0, size)
}

const assertAreThoseOf = (
  found: TopTracks.TopTracks,
  model: IalsModel.Model,
  heard: Interactions.Interactions,
  size: number
) => {
  for (const [row, user] of found.users.entries()) {
    const expected = naive(model, heard, user, size)
    const missing = Array.from({ length: size - expected.length })
    assert.deepStrictEqual(
      Array.from(found.tracks.subarray(row * size, (row + 1) * size)),
      [...expected.map(({ track }) => track), ...missing.map(() => -1)],
      `of user ${user}`
    )
    assert.deepStrictEqual(Array.from(found.scores.subarray(row * size, (row + 1) * size)), [
      ...expected.map(({ score }) => score),
      ...missing.map(() => -Infinity)
    ])
  }
}

describe("the best tracks of many users", () => {
  it.effect.each([
    { name: "more users than pass by together, more tracks than a block", users: 131, tracks: 600, size: 400 },
    { name: "a single user and a single track", users: 1, tracks: 1, size: 3 },
    { name: "a list as long as the catalogue", users: 6, tracks: 21, size: 21 },
    { name: "one track more than fits a register", users: 5, tracks: 9, size: 2 },
    { name: "a last block of one track", users: 3, tracks: 257, size: 257 }
  ])("are those of the definition, filtered and with ties to the lower track: $name", ({ size, tracks, users }) =>
    Effect.gen(function* () {
      const model = modelOf(users, tracks, 8)
      const heard = yield* heardIn(model)
      const found = yield* TopTracks.make(model, { users: model.users, heard, size, threads: 2 })
      assert.deepStrictEqual(found.users, model.users)
      assertAreThoseOf(found, model, heard, size)
    })
  )

  it.effect("are the same without kernels, to the last bit", () =>
    Effect.gen(function* () {
      const interactions = yield* Interactions.fromEntries(
        Array.from({ length: 2_000 }, (_, index) => ({
          user_id: (index * index) % 97,
          track_id: (index * 31) % 151,
          weight: 1
        }))
      )
      const model = yield* Ials.fit(interactions, { ...Ials.defaults, dimensions: 40, epochs: 3 }, { seed: 1 })
      const options = { users: model.users, heard: interactions, size: 12 }
      assert.deepStrictEqual(
        yield* TopTracks.make(model, options),
        yield* WithoutKernels.run(TopTracks.make(model, options))
      )
    })
  )

  it.effect("are found for the users that are asked for, as if all had been", () =>
    Effect.gen(function* () {
      const model = modelOf(40, 50, 16)
      const heard = yield* heardIn(model)
      const users = Float64Array.of(9, 12, 40, 44, 1_000)
      const found = yield* TopTracks.make(model, { users, heard, size: 5 })
      assert.deepStrictEqual(found.users, Float64Array.of(12, 40, 44))
      assertAreThoseOf(found, model, heard, 5)
    })
  )

  it.effect("are none for users without factors, and from an empty catalogue", () =>
    Effect.gen(function* () {
      const { rows } = yield* Interactions.fromEntries(Listens.plays({ 1: [1] }))
      const heard = {
        users: Float64Array.of(1, 2),
        tracks: Float64Array.of(1, 2),
        rows: { ...rows, offsets: Int32Array.of(0, 1, 1) }
      }
      const model = yield* Ials.fit(heard, { ...Ials.defaults, epochs: 1 }, { seed: 1 })
      const found = yield* TopTracks.make(model, { users: model.users, heard, size: 1 })
      assert.deepStrictEqual([found.users, found.tracks], [Float64Array.of(1), Int32Array.of(1)])
      const nothing = modelOf(2, 0, 8)
      const none = yield* TopTracks.make(nothing, { users: nothing.users, heard, size: 2 })
      assert.deepStrictEqual(none.tracks, Int32Array.of(-1, -1, -1, -1))
    })
  )
})
