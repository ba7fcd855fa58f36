import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as TestClock from "effect/testing/TestClock"
import * as Listens from "../../assets/recommender/Listens.ts"
import * as SparseRows from "../../assets/recommender/SparseRows.ts"
import * as StoredListens from "../../assets/recommender/StoredListens.ts"
import { materialize, millisPerDay, noon, onDatabase, rows } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

interface Feature {
  readonly user_id: number
  readonly track_id: number
  readonly plays: number
  readonly last_day: string
  readonly weight: number
}

const readHistory = Fs.readFileSync(new URL("../../sql/music/read_history.sql", import.meta.url), "utf8")

const dayAt = (offset: number) => new Date(noon + offset * millisPerDay).toISOString().slice(0, 10)

/** Day by day, the lists of that day; the offsets are days after the first. */
const days: ReadonlyArray<readonly [offset: number, world: Worlds.Still]> = [0, 1, 30, 47, 1100].map((offset) => {
  const ring = Worlds.ring(25)
  const moved = ring.lists.map(({ items, user_id }) =>
    Worlds.list(user_id!, ...items!.map((track) => 1 + ((track * (1 + (offset % 3)) + offset) % 25)))
  )
  return [offset, { ...ring, lists: moved }]
})

const naive = (): ReadonlyArray<Feature> => {
  const newest = days.at(-1)![0]
  const features = new Map<string, Feature>()
  for (const [offset, { lists }] of days) {
    for (const { items, user_id } of lists) {
      for (const track_id of items!) {
        const before = features.get(`${user_id} ${track_id}`)
        features.set(`${user_id} ${track_id}`, {
          user_id: user_id!,
          track_id,
          plays: (before?.plays ?? 0) + 1,
          last_day: dayAt(offset),
          weight: (before?.weight ?? 0) + 0.5 ** ((newest - offset) / 30)
        })
      }
    }
  }
  return Array.from(features.values()).sort((a, b) => a.user_id - b.user_id || a.track_id - b.track_id)
}

const overDays = Effect.gen(function* () {
  for (const [offset, world] of days) {
    yield* TestClock.setTime(noon + offset * millisPerDay)
    const ran = yield* materialize({ world })
    assert.strictEqual(ran.status, "Succeeded", ran.explain)
  }
})

describe("features", () => {
  it.effect("count plays over all days and weigh them with a half-life of 30 days before the newest", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* overDays
        const found = yield* rows<Feature>("select * from music.features order by user_id, track_id")
        const expected = naive()
        const withoutWeight = ({ weight: _weight, ...feature }: Feature) => feature
        assert.deepStrictEqual(found.map(withoutWeight), expected.map(withoutWeight))
        assert.isTrue(expected.some(({ plays }) => plays > 2))
        for (const [index, { weight }] of found.entries()) assert.closeTo(weight / expected[index]!.weight, 1, 1e-9)
      })
    )
  )

  it.effect("weigh the same for a model and for the service, whatever the half-life", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* overDays
        for (const recency of [Listens.everything, Listens.halfLife(15), Listens.halfLife(30)]) {
          const found = yield* StoredListens.features(recency)
          const halfLife = recency._tag === "HalfLife" ? recency.days : null
          for (const [index, user] of found.users.entries()) {
            const { columns, values } = SparseRows.row(found.rows, index)
            const asked = yield* rows<Pick<Feature, "track_id" | "weight">>(readHistory, [BigInt(user), null, halfLife])
            const served = asked.sort((left, right) => left.track_id - right.track_id)
            assert.deepStrictEqual(
              served.map(({ track_id }) => track_id),
              Array.from(columns, (track) => found.tracks[track]!)
            )
            served.forEach(({ weight }, at) => assert.closeTo(values[at]! / weight, 1, 1e-6))
          }
        }
      })
    )
  )

  it.effect("are summed by user and by track in views", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* overDays
        const sums = (key: "user_id" | "track_id", count: "tracks" | "users") =>
          Array.from(
            Map.groupBy(naive(), (feature) => feature[key]),
            ([id, features]) => ({
              [key]: id,
              [count]: features.length,
              plays: features.reduce((sum, { plays }) => sum + plays, 0),
              last_day: features.reduce((last, { last_day }) => (last_day > last ? last_day : last), "")
            })
          ).sort((a, b) => Number(a[key]) - Number(b[key]))
        assert.deepStrictEqual(yield* rows("select * from music.user_features order by 1"), sums("user_id", "tracks"))
        assert.deepStrictEqual(yield* rows("select * from music.track_features order by 1"), sums("track_id", "users"))
      })
    )
  )

  it.effect("leave out users and tracks that are removed, and take them back when they return", () =>
    onDatabase(
      Effect.gen(function* () {
        const world = Worlds.ring(30)
        const features = rows("select * from music.features order by user_id, track_id")
        yield* materialize({ world })
        const before = yield* features
        yield* materialize({
          world: { ...world, users: world.users.slice(1), tracks: world.tracks.slice(0, -1) },
          recheck: true
        })
        const [first, last] = [1, 30]
        assert.deepStrictEqual(
          yield* features,
          before.filter(({ track_id, user_id }) => user_id !== first && track_id !== last)
        )
        yield* materialize({ world, recheck: true })
        assert.deepStrictEqual(yield* features, before)
      })
    )
  )

  it.effect("are computed in the database: no row of them passes through this process", () =>
    onDatabase(
      Effect.gen(function* () {
        const { spans } = yield* materialize({ world: Worlds.ring(30) })
        const within = (parent: string): ReadonlyArray<(typeof spans)[number]> =>
          spans.filter(({ parentId }) => parentId === parent).flatMap((span) => [span, ...within(span.spanId)])
        const step = spans.find(
          ({ attributes, name }) => name === "materialize features" || attributes["asset.key"] === "features"
        )
        const statements = within(step!.spanId).map(({ attributes }) => String(attributes["db.query.text"] ?? ""))
        assert.isTrue(statements.some((text) => /^insert into assets_staging.*\bmusic\.listen_history\b/s.test(text)))
        assert.isFalse(statements.some((text) => text.includes("unnest")))
      })
    )
  )
})
