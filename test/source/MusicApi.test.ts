import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Faults from "../../runtime/Faults.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import { collect, idsOf, noon, reading, today, userIds, world } from "./Reading.ts"

const users = (api: MusicApi.MusicApi["Service"]) => collect(api.users)
const tracks = (api: MusicApi.MusicApi["Service"]) => collect(api.tracks)
const listens = (api: MusicApi.MusicApi["Service"]) => collect(api.listenHistory)
const page2 = { path: "/users", query: { page: 2 } }
const userAt = (place: number) => world.users(today).slice(place, place + 1)[0]!

const good = <A, E>(result: Result.Result<A, E>): A =>
  Result.getOrThrowWith(result, (error) => new Error(`expected data, got ${String(error)}`))

const bad = <A>(result: Result.Result<A, MusicApi.MusicApiError>): MusicApi.MusicApiError => {
  if (Result.isSuccess(result)) throw new Error("expected an error")
  return result.failure
}

describe("reading a listing", () => {
  it.effect("gives every row once, decoded, with zoneless times as UTC", () =>
    Effect.gen(function* () {
      const { result, calls } = yield* reading(users)
      const { rows, items, rejected, restarts } = good(result)
      const wire = world.users(today).slice(0, 1e9)
      assert.deepStrictEqual(idsOf(rows), userIds(world))
      assert.deepStrictEqual(rows[0], {
        ...wire[0]!,
        created_at: new Date(`${wire[0]!.created_at}Z`),
        updated_at: new Date(`${wire[0]!.updated_at}Z`)
      })
      assert.deepStrictEqual([items, rejected, restarts], [wire.length, [], []])
      // Each page once, and the first again to see that nothing moved.
      assert.strictEqual(calls.length, Math.ceil(wire.length / 20) + 1)
    })
  )

  it.effect("keeps the positions of a list, and takes a null list as an empty one", () =>
    Effect.gen(function* () {
      const { result } = yield* reading(listens)
      const { rows } = good(result)
      const wire = world.listenHistory(today).slice(0, 1e9)
      assert.isTrue(wire.some(({ items }) => items === null))
      assert.deepStrictEqual(
        rows.map((row) => row.tracks),
        wire.map(({ items }) => (items ?? []).map((track_id, position) => ({ position, track_id })))
      )
    })
  )

  it.effect("reads a listing of no rows with one request", () =>
    Effect.gen(function* () {
      const empty = { ...world, users: () => [] }
      const { result, calls } = yield* reading(users, { world: empty })
      assert.deepStrictEqual(good(result).rows, [])
      assert.strictEqual(calls.length, 1)
    })
  )

  it.effect("reads times with zones and microseconds, and refuses those that do not exist", () =>
    Effect.gen(function* () {
      const times = [
        "2025-03-04T05:06:07.123456",
        "2025-03-04T05:06:07+02:00",
        "2025-02-30T00:00:00",
        "2025-13-30T00:00:00",
        "yesterday"
      ]
      const { result } = yield* reading(users, {
        faults: times.map((created_at, place) =>
          Faults.on(
            { path: "/users", query: { page: place + 1 }, times: Infinity },
            FakeSource.items((user) => ({ ...user, created_at }), [0])
          )
        )
      })
      const { rows, rejected } = good(result)
      const created = (place: number) => rows.find(({ id }) => id === userAt(place).id)?.created_at.toISOString()
      assert.strictEqual(created(0), "2025-03-04T05:06:07.123Z")
      assert.strictEqual(created(20), "2025-03-04T03:06:07.000Z")
      assert.deepStrictEqual(rejected.map(({ key }) => key).toSorted(), [userAt(40).id, userAt(60).id, userAt(80).id])
      assert.include(rejected[0]!.reason, "an ISO 8601 timestamp")
    })
  )

  it.effect("never has more requests in flight than it may, over all listings", () =>
    Effect.gen(function* () {
      const slow = Faults.on({ times: Infinity }, Faults.Fault.Delay({ by: "50 millis" }))
      const { calls } = yield* reading((api) => Effect.all([users(api), tracks(api)], { concurrency: 2 }), {
        faults: [slow],
        env: { MUSIC_API_CONCURRENCY: "3" }
      })
      assert.strictEqual(Math.max(...calls.map(({ inFlight }) => inFlight)), 3)
    })
  )

  it.effect("starts no more requests a second than it may", () =>
    Effect.gen(function* () {
      const { calls } = yield* reading(users, { env: { MUSIC_API_RATE: "5", MUSIC_API_CONCURRENCY: "2" } })
      const starts = calls.map(({ startedAt }) => startedAt)
      // Two at once after idling, then one every 200 ms; any window of a second holds at most 5 + 2.
      for (const start of starts) {
        assert.isAtMost(starts.filter((other) => other >= start && other < start + 1000).length, 7)
      }
      assert.isAtLeast(starts.at(-1)! - noon, (calls.length - 2) * 200)
    })
  )

  it.effect("asks for nothing more when the reader stops", () =>
    Effect.gen(function* () {
      const { result, calls } = yield* reading((api) => Stream.runCollect(Stream.take(api.users, 1)), {
        env: { MUSIC_API_CONCURRENCY: "2" }
      })
      assert.strictEqual(good(result).length, 1)
      assert.isAtMost(calls.length, 5)
    })
  )
})

describe("a fault that passes leaves the right data", () => {
  const passing: ReadonlyArray<readonly [string, Faults.Fault]> = [
    ["429 with Retry-After", Faults.tooManyRequests(3)],
    ["429 without Retry-After", Faults.status(429)],
    ["500", Faults.status(500)],
    ["502 with an HTML body", Faults.status(502, { "content-type": "text/html" }, "<h1>Bad gateway</h1>")],
    ["a connection reset", Faults.Fault.Reset()],
    ["a timeout", Faults.Fault.Hang()],
    ["a slow answer", Faults.Fault.Delay({ by: "8 seconds" })],
    ["a connection lost in the body", Faults.Fault.Lost()],
    ["a truncated body", Faults.Fault.Truncated()],
    ["HTML where JSON is due", Faults.html],
    ["an empty body", Faults.status(200, {}, "")],
    ["a page whose items are null", Faults.Fault.Json({ change: (page) => ({ ...(page as object), items: null }) })],
    ["a page without a total", Faults.Fault.Json({ change: (page) => ({ ...(page as object), total: undefined }) })],
    ["unknown extra fields", FakeSource.unknownFields]
  ]
  for (const [name, fault] of passing) {
    it.effect(`${name}, once on the first page and twice on the second`, () =>
      Effect.gen(function* () {
        const { result } = yield* reading(users, {
          faults: [Faults.on({ path: "/users", query: { page: 1 } }, fault), Faults.on({ ...page2, times: 2 }, fault)]
        })
        const { rows, items, rejected } = good(result)
        assert.deepStrictEqual(idsOf(rows), userIds(world))
        assert.deepStrictEqual([items, rejected], [rows.length, []])
      })
    )
  }

  it.effect("Retry-After in seconds holds back all requests", () =>
    Effect.gen(function* () {
      const { calls } = yield* reading(users, { faults: [Faults.on(page2, Faults.tooManyRequests(30))] })
      const refused = calls.find(({ fault }) => fault === "Answer")!
      const after = calls.filter(({ startedAt }) => startedAt > refused.endedAt!)
      assert.isAtLeast(after.length, 1)
      for (const { startedAt } of after) assert.isAtLeast(startedAt, refused.endedAt! + 30_000)
    })
  )

  it.effect("Retry-After as an HTTP date holds until then", () =>
    Effect.gen(function* () {
      const until = noon + 45_000
      const { result, calls } = yield* reading(users, {
        faults: [Faults.on({ path: "/users" }, Faults.tooManyRequests(new Date(until).toUTCString()))]
      })
      assert.deepStrictEqual(idsOf(good(result).rows), userIds(world))
      assert.isAtLeast(calls[1]!.startedAt, until)
    })
  )
})

describe("a fault that stays ends in the right error", () => {
  const otherPage = { items: [], total: 60, page: 1, size: 20, pages: 3 }
  const staying: ReadonlyArray<
    readonly [string, Faults.Fault, MusicApi.MusicApiError["reason"]["_tag"], number, RegExp]
  > = [
    ["429", Faults.status(429), "Status", 6, /answered 429\. Lower MUSIC_API_RATE/],
    ["500", Faults.status(500), "Status", 6, /answered 500\. The service is failing/],
    ["401", Faults.status(401), "Status", 1, /answered 401\. Check that MUSIC_API_URL/],
    [
      "a Retry-After of a day",
      Faults.tooManyRequests(86_400),
      "Deferred",
      1,
      /wait 86400 s, longer than MUSIC_API_MAX_RETRY_AFTER/
    ],
    ["a reset", Faults.Fault.Reset(), "Unreachable", 6, /cannot be reached \(read ECONNRESET\)/],
    ["no answer", Faults.Fault.Hang(), "TimedOut", 6, /no complete answer within 10 s/],
    ["a lost body", Faults.Fault.Lost(), "Unreachable", 6, /cannot be reached \(terminated\)/],
    ["a truncated body", Faults.Fault.Truncated(), "Malformed", 6, /characters that are not JSON/],
    ["HTML", Faults.html, "Malformed", 6, /not JSON \("<!DOCTYPE html>/],
    ["another page", Faults.status(200, {}, JSON.stringify(otherPage)), "Malformed", 6, /it is page 1, not 2/],
    ["other JSON", Faults.status(200, {}, `{"ok":true}`), "Malformed", 6, /items/]
  ]
  for (const [name, fault, tag, attempts, message] of staying) {
    it.effect(`${name}: ${tag}`, () =>
      Effect.gen(function* () {
        const { result } = yield* reading(users, { faults: [Faults.on({ ...page2, times: Infinity }, fault)] })
        const error = bad(result)
        assert.strictEqual(error.reason._tag, tag)
        assert.strictEqual(error.attempts, attempts)
        assert.match(error.message, message)
        assert.include(error.message, "http://music.test/users?page=2&size=20")
        assert.strictEqual(MusicApi.isTransient(error), !["401", "a Retry-After of a day"].includes(name))
      })
    )
  }

  it.effect("waits twice as long from attempt to attempt, up to ten seconds, give or take a fifth", () =>
    Effect.gen(function* () {
      const { calls } = yield* reading(users, {
        faults: [Faults.on({ path: "/users", times: Infinity }, Faults.status(500))],
        env: { MUSIC_API_RETRIES: "10" }
      })
      const pauses = calls.slice(1).map(({ startedAt }, index) => startedAt - calls[index]!.startedAt)
      assert.strictEqual(pauses.length, 10)
      for (const [index, pause] of pauses.entries()) {
        const nominal = Math.min(10_000, 100 * 2 ** index)
        assert.isAtLeast(pause, 0.8 * nominal)
        // The clock of the test goes in steps of 20 ms.
        assert.isAtMost(pause, 1.2 * nominal + 40)
      }
      assert.isTrue(
        pauses.slice(7).some((pause) => Math.abs(pause - 10_000) > 100),
        String(pauses)
      )
    })
  )
})

describe("rows that fail their schema", () => {
  it.effect("are told with key, raw row and reason, and the others are kept", () =>
    Effect.gen(function* () {
      const { result } = yield* reading(users, {
        faults: [
          Faults.on(
            page2,
            FakeSource.items((user) => ({ ...user, email: 7 }), [3])
          )
        ]
      })
      const { rows, rejected, items } = good(result)
      const { id } = userAt(23)
      assert.deepStrictEqual(
        idsOf(rows),
        userIds(world).filter((other) => other !== id)
      )
      assert.strictEqual(items, rows.length + 1)
      assert.strictEqual(rejected.length, 1)
      assert.strictEqual(rejected[0]!.key, id)
      assert.deepStrictEqual(rejected[0]!.raw, { ...userAt(23), email: 7 })
      assert.match(rejected[0]!.reason, /string.*email/)
    })
  )

  const rowFaults: ReadonlyArray<readonly [string, (user: Record<string, unknown>) => unknown]> = [
    ["null in place of a row", () => null],
    ["a row without id", (user) => ({ ...user, id: undefined })],
    ["an id that is text", (user) => ({ ...user, id: String(user["id"]) })],
    ["an id that is null", (user) => ({ ...user, id: null })],
    ["a null where text is due", (user) => ({ ...user, first_name: null })],
    ["text with a NUL, which Postgres cannot hold", (user) => ({ ...user, last_name: "a\0b" })]
  ]
  for (const [name, change] of rowFaults) {
    it.effect(`${name} costs that row only, in one pass`, () =>
      Effect.gen(function* () {
        const { result } = yield* reading(users, { faults: [Faults.on(page2, FakeSource.items(change, [0, 5]))] })
        const { rows, rejected, items, restarts } = good(result)
        const lost = [userAt(20).id, userAt(25).id]
        assert.deepStrictEqual(
          idsOf(rows),
          userIds(world).filter((id) => !lost.includes(id))
        )
        assert.deepStrictEqual([rejected.length, items, restarts.length], [2, rows.length + 2, 0])
      })
    )
  }

  it.effect("a list with bad ids counts once and keeps its good ones at their positions", () =>
    Effect.gen(function* () {
      const { result } = yield* reading(listens, {
        faults: [
          Faults.on(
            { path: "/listen_history", query: { page: 2 } },
            FakeSource.items((list) => ({ ...list, items: [11, null, "12", 13, 1.5] }), [0])
          ),
          Faults.on(
            { path: "/listen_history", query: { page: 3 } },
            FakeSource.items((list) => ({ ...list, user_id: null }), [0])
          )
        ]
      })
      const { rows, rejected, items } = good(result)
      assert.deepStrictEqual(rows.find(({ user_id }) => user_id === userAt(20).id)?.tracks, [
        { position: 0, track_id: 11 },
        { position: 3, track_id: 13 }
      ])
      assert.strictEqual(items, userIds(world).length)
      assert.deepStrictEqual(
        rejected.map(({ key }) => key),
        [userAt(20).id, null]
      )
      assert.match(rejected[0]!.reason, /items\[1\].*null.*items\[2\].*"12".*items\[4\].*1\.5/)
    })
  )
})

describe("a listing that moves while it is read", () => {
  const turns = [
    ["a row joins in front", FakeSource.grown],
    ["a row leaves and one joins, the total standing still", FakeSource.shifted],
    ["the service restarts with as many rows under new ids", FakeSource.restarted]
  ] as const
  for (const [name, change] of turns) {
    it.effect(`is read again when ${name}, and nothing of the earlier pass remains`, () =>
      Effect.gen(function* () {
        const { result } = yield* reading(users, { faults: [FakeSource.turn({ path: "/users", after: 4 }, change)] })
        const { rows, restarts, items } = good(result)
        const now = userIds(change(world)).toSorted((left, right) => left - right)
        assert.deepStrictEqual(idsOf(rows), now)
        assert.strictEqual(items, now.length)
        assert.deepStrictEqual(
          restarts.map(({ pass }) => pass),
          [2]
        )
      })
    )
  }

  it.effect("is an error after three passes when it never rests", () =>
    Effect.gen(function* () {
      const { result } = yield* reading(users, {
        faults: [FakeSource.turn({ path: "/users", query: { page: 3 }, times: Infinity }, FakeSource.grown)]
      })
      const error = bad(result)
      const total = userIds(world).length
      assert.deepStrictEqual(error.reason, {
        _tag: "Inconsistent",
        passes: 3,
        last: { _tag: "TotalMoved", from: total + 2, to: total + 3 }
      })
      assert.match(error.message, /did not add up in 3 passes \(the total moved from \d+ to \d+\)/)
      assert.isTrue(MusicApi.isTransient(error))
    })
  )

  it.effect("is an error when the total promises more rows than there are", () =>
    Effect.gen(function* () {
      const inflated = Faults.Fault.Json({
        change: (page) => ({ ...(page as object), total: userIds(world).length + 5 })
      })
      const { result } = yield* reading(users, { faults: [Faults.on({ path: "/users", times: Infinity }, inflated)] })
      const { reason } = bad(result)
      const count = userIds(world).length
      assert.deepStrictEqual(reason, {
        _tag: "Inconsistent",
        passes: 3,
        last: { _tag: "CountDiffers", total: count + 5, rows: count, distinct: count }
      })
    })
  )

  it.effect("merges rows that the API itself repeats", () =>
    Effect.gen(function* () {
      const shown = world.users(today).slice(0, 1e9)
      const repeating = { ...world, users: () => [...shown, { ...shown[30]!, first_name: "Again" }] }
      const { result } = yield* reading(users, { world: repeating })
      const { rows, items, restarts } = good(result)
      assert.deepStrictEqual(idsOf(rows), userIds(world))
      assert.deepStrictEqual([items, restarts.length], [shown.length, 1])
      // The one read first, also where its page is the last to arrive.
      const late = Faults.on({ ...page2, times: Infinity }, Faults.Fault.Delay({ by: "900 millis" }))
      const { result: later } = yield* reading(users, { world: repeating, faults: [late] })
      assert.deepStrictEqual(good(later).rows, rows)
    })
  )
})

describe("the knobs", () => {
  it.effect("refuse what the API does not allow, before any request", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(reading(users, { env: { MUSIC_API_PAGE_SIZE: "101" } }))
      assert.include(String(error.message), "100")
    })
  )
})
