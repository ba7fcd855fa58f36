import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as ApiKey from "../../assets/api/ApiKey.ts"
import { type Asked, database, Service, start } from "./Service.ts"

const read: Asked = {}
const write: Asked = {
  method: "POST",
  body: { listens: [{ user_id: 1, track_id: 1, listened_at: "2026-03-01T11:00:00Z" }] }
}

/** Asks for what there is not: who is let in is told so. */
const asking = (key?: string) =>
  Effect.gen(function* () {
    const ask = yield* Service
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
    return {
      read: yield* ask("/recommendations/1", { ...read, headers }),
      write: yield* ask("/listens", { ...write, headers })
    }
  })

const statuses = (key?: string) =>
  Effect.map(asking(key), ({ read, write }) => ({ read: read.status, write: write.status }))

const letIn = { read: 404, write: 422 }
const unknown = { read: 401, write: 401 }

/** How long a service goes on with the keys it knows. */
const later = TestClock.adjust("2 seconds")

const serving = (options: Parameters<typeof start>[0]) => Effect.provideServiceEffect(Service, start(options))

describe("access", { timeout: 60_000 }, () => {
  it.effect("is for everybody until a key was made, and for nobody without one from then on", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* statuses(), letIn)
      const { id, text } = yield* ApiKey.create("test", ["admin"])
      yield* later
      const { read } = yield* asking()
      assert.deepInclude(read, { status: 401, type: "application/problem+json" })
      assert.strictEqual(read.headers.get("www-authenticate"), "Bearer")
      assert.deepStrictEqual(yield* statuses(text), letIn)
      yield* ApiKey.revoke(id)
      yield* later
      assert.deepStrictEqual(yield* statuses(text), unknown)
      assert.deepStrictEqual(yield* statuses(), unknown)
    }).pipe(serving({}), Effect.scoped, Effect.provide(database))
  )

  it.effect("is for no page of a foreign site whose name leads here", () =>
    Effect.gen(function* () {
      const ask = yield* Service
      const asked = (host: string) => ask("/recommendations/1", { headers: { host } })
      for (const host of ["localhost:8080", "LOCALHOST", "127.0.0.1", "[::1]:8080"])
        assert.strictEqual((yield* asked(host)).status, 404)
      for (const host of ["evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"]) {
        const { body, status } = yield* asked(host)
        assert.strictEqual(status, 403)
        assert.strictEqual(body.detail, "without a key only requests to localhost are answered")
      }
      const { text } = yield* ApiKey.create("test", ["read"])
      yield* later
      const headers = { host: "music.example", authorization: `Bearer ${text}` }
      assert.strictEqual((yield* ask("/recommendations/1", { headers })).status, 404)
    }).pipe(serving({}), Effect.scoped, Effect.provide(database))
  )

  it.effect("is for nobody without a key where the service can be reached by others", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* statuses(), unknown)
      const ask = yield* Service
      for (const path of ["/health", "/openapi.json", "/docs"]) assert.strictEqual((yield* ask(path)).status, 200)
    }).pipe(serving({ open: false }), Effect.scoped, Effect.provide(database))
  )

  it.effect("is by the scopes of a key", () =>
    Effect.gen(function* () {
      const keys = {
        read: yield* ApiKey.create("reads", ["read"]),
        write: yield* ApiKey.create("writes", ["write"]),
        both: yield* ApiKey.create("does both", ["read", "write"])
      }
      assert.deepStrictEqual(yield* statuses(keys.read.text), { read: 404, write: 403 })
      assert.deepStrictEqual(yield* statuses(keys.write.text), { read: 403, write: 422 })
      assert.deepStrictEqual(yield* statuses(keys.both.text), letIn)
      for (const wrong of ["", "music_0_0", `${keys.both.text}x`])
        assert.deepStrictEqual(yield* statuses(wrong), unknown)
      const { write } = yield* asking(keys.read.text)
      assert.strictEqual(write.body.detail, `the key ${keys.read.id} lacks the scope write`)
    }).pipe(serving({}), Effect.scoped, Effect.provide(database))
  )

  it.effect("is so often a second for each key", () =>
    Effect.gen(function* () {
      const ask = yield* Service
      const [one, other] = [yield* ApiKey.create("one", ["read"]), yield* ApiKey.create("other", ["read"])]
      const status = ({ text }: typeof one) =>
        ask("/recommendations/1", { headers: { authorization: `Bearer ${text}` } })
      // Twice as many may come at once.
      for (let asked = 0; asked < 4; asked++) assert.strictEqual((yield* status(one)).status, 404)
      const refused = yield* status(one)
      assert.deepInclude(refused, { status: 429, type: "application/problem+json" })
      assert.strictEqual(refused.headers.get("retry-after"), "1")
      assert.strictEqual((yield* status(other)).status, 404)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual([(yield* status(one)).status, (yield* status(one)).status], [404, 429])
    }).pipe(serving({ perSecond: 2 }), Effect.scoped, Effect.provide(database))
  )

  it.effect("keeps no key, only what tells it again", () =>
    Effect.gen(function* () {
      const { id, text } = yield* ApiKey.create("kept", ["read"])
      const [key] = yield* ApiKey.list
      assert.deepInclude(key, { id, name: "kept", scopes: ["read"], revokedAt: null })
      assert.notInclude(JSON.stringify(yield* ApiKey.list), text)
      assert.isTrue(yield* ApiKey.revoke(id))
      assert.isFalse(yield* ApiKey.revoke(id))
    }).pipe(Effect.provide(database))
  )
})
