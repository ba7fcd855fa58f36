import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { listenHistory } from "../../assets/listen_history.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import { tracks } from "../../assets/tracks.ts"
import { users } from "../../assets/users.ts"
import { Faults } from "effect-assets/testing"
import { materialize, metadataOf, onDatabase, published, quarantined, rows, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(30)
const listens = `listen_history/${today}`

/** Pages have 20 items: `places` counts from 0 over the whole listing. */
const spoiled = (
  path: string,
  places: ReadonlyArray<number>,
  change: (item: Record<string, unknown>) => unknown
): ReadonlyArray<Faults.Scripted> =>
  Array.from(
    Map.groupBy(places, (place) => Math.floor(place / 20)),
    ([page, onPage]) => {
      const inPage = onPage.map((place) => place % 20)
      return Faults.on({ path, query: { page: page + 1 }, times: Infinity }, FakeSource.items(change, inPage))
    }
  )

const first = (count: number) => Array.from({ length: count }, (_, index) => index)

/** A world with this list among its own. */
const listing = (...lists: ReadonlyArray<unknown>): Worlds.Still => ({
  ...world,
  lists: [...world.lists, ...(lists as ReadonlyArray<Worlds.Still["lists"][number]>)]
})

const listensOf = (user: number) =>
  rows("select position, track_id from music.listen_history where user_id = $1 order by position", [user])

describe("items that are no rows", () => {
  it.effect("are set aside with the reason as they came, and the others are published", () =>
    onDatabase(
      Effect.gen(function* () {
        const faults = [
          ...spoiled("/users", [3], (user) => ({ ...user, email: 7 })),
          ...spoiled("/tracks", [25], (track) => ({ ...track, created_at: "yesterday" }))
        ]
        const ran = yield* materialize({ world, faults, select: ["users", "tracks"] })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepInclude(metadataOf(ran)["users"], { rows: 29, quarantined: 1 })
        assert.deepInclude(metadataOf(ran)["tracks"], { rows: 29, quarantined: 1 })
        const [user] = yield* quarantined(users)
        assert.deepStrictEqual(user!.item, { ...world.users[3], email: 7 })
        assert.match(user!.reason, /string.*email/)
        const [track] = yield* quarantined(tracks)
        assert.deepStrictEqual(track!.item, { ...world.tracks[25], created_at: "yesterday" })
        assert.include(track!.reason, "ISO 8601")
      })
    )
  )

  it.effect("cannot break the quarantine, whatever is in them", () =>
    onDatabase(
      Effect.gen(function* () {
        const odd: ReadonlyArray<unknown> = [
          null,
          "text",
          17,
          [],
          { ...world.users[4], last_name: "a\0b" },
          { ...world.users[5], last_name: "half \ud800 of a pair" },
          { ...world.users[6], gender: "\\u0000", "ke\0y\udfff": { deep: ["\0"] }, id: "seven" }
        ]
        const faults = spoiled("/users", first(odd.length), ({ id }) => odd[Number(id) - 1])
        const ran = yield* materialize({ world, faults, select: "users" })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const kept = yield* quarantined(users)
        assert.strictEqual(kept.length, odd.length)
        assert.deepStrictEqual(
          kept.slice(0, 4).map(({ item }) => item),
          odd.slice(0, 4)
        )
        assert.include(JSON.stringify(kept[4]!.item), "a\ufffdb")
        assert.deepInclude(kept[6]!.item, { gender: "\\u0000", "ke\ufffdy\ufffd": { deep: ["\ufffd"] } })
      })
    )
  )

  it.effect("may be quoted in the error of a step, whatever is in them", () =>
    onDatabase(
      Effect.gen(function* () {
        const faults = spoiled("/users", first(10), () => ({ id: "half \ud800 \0" }))
        const ran = yield* materialize({ world, faults, select: "users" })
        assert.include(ran.errors["users"]!.message, "10 of 30 items were rejected")
      })
    )
  )

  it.effect("keep the row that was known before: the API still shows them", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* published
        const faults = [
          ...spoiled("/users", [3], (user) => ({ ...user, email: 7 })),
          ...spoiled("/tracks", [25], (track) => ({ ...track, name: null }))
        ]
        const ran = yield* materialize({ world, faults, recheck: true })
        assert.deepInclude(ran.outcomes, { users: "Verified", tracks: "Verified", features: "CutOff" })
        assert.deepStrictEqual(yield* published, before)
        assert.strictEqual((yield* quarantined(users)).length, 1)
      })
    )
  )
})

describe("the limit", () => {
  const many: Worlds.Still = { ...Worlds.ring(0), users: first(1000).map((id) => Worlds.user(id + 1)) }
  const reading = (world: Worlds.Still, bad: number) =>
    materialize({
      world,
      faults: spoiled("/users", first(bad), (user) => ({ ...user, first_name: null })),
      select: "users",
      env: { MUSIC_API_CONCURRENCY: "1" }
    })

  it.effect("is nine of a few", () =>
    onDatabase(
      Effect.gen(function* () {
        const nine = yield* reading(world, 9)
        assert.strictEqual(nine.outcomes["users"], "Materialized", nine.explain)
        assert.strictEqual(metadataOf(nine)["users"]!["quarantined"], 9)
      })
    )
  )

  it.effect("makes ten of a few too many: the step fails at once, nothing is published, the quarantine tells", () =>
    onDatabase(
      Effect.gen(function* () {
        const ten = yield* reading(world, 10)
        assert.strictEqual(ten.errors["users"]!._tag, "TooManyRejected")
        assert.match(ten.errors["users"]!.message, /10 of 30 items were rejected.*assets\.quarantine.*first_name/s)
        assert.strictEqual(ten.attempts["users"], 1)
        assert.deepStrictEqual(yield* rows("select from music.users"), [])
        assert.strictEqual((yield* quarantined(users)).length, 10)
      })
    )
  )

  it.effect("is one in a hundred of many, and not one more", () =>
    onDatabase(
      Effect.gen(function* () {
        const ten = yield* reading(many, 10)
        assert.strictEqual(ten.outcomes["users"], "Materialized", ten.explain)
        assert.strictEqual((yield* rows("select from music.users")).length, 990)
      })
    )
  )

  it.effect("stops one more, whatever was published before", () =>
    onDatabase(
      Effect.gen(function* () {
        const eleven = yield* reading(many, 11)
        assert.include(eleven.errors["users"]!.message, "11 of 1000 items were rejected, more than 1 %")
        assert.deepStrictEqual(yield* rows("select from music.users"), [])
      })
    )
  )
})

describe("lists", () => {
  it.effect("with bad ids are set aside once each, and their good listens keep their positions", () =>
    onDatabase(
      Effect.gen(function* () {
        const bad = { ...Worlds.list(31), items: [11, null, "12", 13, 1.5, 9999, 14] }
        const given: Worlds.Still = { ...listing(bad), users: [...world.users, Worlds.user(31)] }
        const ran = yield* materialize({ world: given })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(yield* listensOf(31), [
          { position: 0, track_id: 11 },
          { position: 3, track_id: 13 },
          { position: 6, track_id: 14 }
        ])
        assert.strictEqual(metadataOf(ran)[listens]!["quarantined"], 1)
        const kept = yield* quarantined(listenHistory, today)
        assert.deepStrictEqual(kept, [
          {
            item: bad,
            reason:
              'items[1]: expected a track id, got null; items[2]: expected a track id, got "12"; ' +
              "items[4]: expected a track id, got 1.5; items[5]: no track has the id 9999"
          }
        ])
      })
    )
  )

  it.effect("of users that nobody knows are set aside whole, and so are those of no user", () =>
    onDatabase(
      Effect.gen(function* () {
        const stranger = Worlds.list(77, 1, 2, 3)
        const nobody = { ...Worlds.list(0, 1, 2), user_id: null }
        const ran = yield* materialize({ world: listing(stranger, nobody) })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const kept = yield* quarantined(listenHistory, today)
        assert.deepStrictEqual(
          kept.map(({ item }) => item),
          [nobody, stranger]
        )
        assert.include(kept[0]!.reason, "user_id")
        assert.strictEqual(kept[1]!.reason, "no user has the id 77")
        assert.strictEqual((yield* rows("select from music.listen_history")).length, 150)
      })
    )
  )

  it.effect("of users who are removed are kept: history refers to them", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const ran = yield* materialize({ world: { ...world, users: world.users.slice(1) }, recheck: true })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.strictEqual((yield* listensOf(1)).length, 5)
        assert.deepStrictEqual(yield* quarantined(listenHistory, today), [])
      })
    )
  )

  it.effect("with unknown tracks fail the day when they are too many", () =>
    onDatabase(
      Effect.gen(function* () {
        const bad = first(10).map((index) => Worlds.list(index + 1, 1, 8000 + index))
        const ran = yield* materialize({ world: bad.reduce(Worlds.withList, world) })
        assert.include(ran.errors[listens]!.message, "10 of 30 items were rejected")
        assert.deepStrictEqual(yield* rows("select from music.listen_history"), [])
        assert.strictEqual((yield* quarantined(listenHistory, today)).length, 10)
        const nine = yield* materialize({ world: bad.slice(1).reduce(Worlds.withList, world) })
        assert.strictEqual(nine.outcomes[listens], "Materialized", nine.explain)
      })
    )
  )
})

describe("what was set aside", () => {
  it.effect("before a listing had to be read again does not count", () =>
    onDatabase(
      Effect.gen(function* () {
        const faults = [
          FakeSource.turn({ path: "/users", query: { page: 2 } }, FakeSource.grown),
          Faults.on(
            { path: "/users", query: { page: 1 } },
            FakeSource.items((user) => ({ ...user, email: 7 }), first(15))
          )
        ]
        const ran = yield* materialize({ world, faults, select: "users" })
        assert.strictEqual(ran.outcomes["users"], "Materialized", ran.explain)
        assert.deepStrictEqual(yield* quarantined(users), [])
        assert.strictEqual((yield* rows("select from music.users")).length, 31)
      })
    )
  )

  it.effect("by a run that failed stays when the next one is well", () =>
    onDatabase(
      Effect.gen(function* () {
        const faults = spoiled("/users", first(12), (user) => ({ ...user, email: 7 }))
        yield* materialize({ world, faults, select: "users" })
        const ran = yield* materialize({ world, select: "users" })
        assert.strictEqual(ran.outcomes["users"], "Materialized", ran.explain)
        assert.notProperty(metadataOf(ran)["users"], "quarantined")
        assert.strictEqual((yield* quarantined(users)).length, 12)
      })
    )
  )
})
