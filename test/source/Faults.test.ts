import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as TestClock from "effect/testing/TestClock"
import * as Faults from "../../runtime/Faults.ts"

/** A service that counts how often it was asked, at any path. */
const counter = () => {
  let asked = 0
  return HttpClient.make((request) =>
    Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(JSON.stringify({ asked: ++asked }))))
  )
}

const asking = (script: ReadonlyArray<Faults.Scripted>) => {
  const faults = Faults.make(script)
  const client = faults.apply(counter())
  const get = (path: string) =>
    Effect.gen(function* () {
      const response = yield* client.get(`http://service.test${path}`)
      return `${response.status} ${yield* response.text}`
    }).pipe(Effect.catch((error) => Effect.succeed(error.reason._tag)))
  return { get, calls: faults.calls }
}

describe("a script of faults", () => {
  it.effect("meets the calls it names and no others", () =>
    Effect.gen(function* () {
      const { get } = asking([
        Faults.on({ path: "/a", query: { page: 2 }, after: 1, times: 2 }, Faults.status(503, {}, "down"))
      ])
      const answers: Array<string> = []
      for (const path of ["/a?page=1", "/a?page=2", "/b?page=2", "/a?page=2&size=9", "/a?page=2", "/a?page=2"]) {
        answers.push(yield* get(path))
      }
      assert.deepStrictEqual(answers, [
        `200 {"asked":1}`,
        `200 {"asked":2}`,
        `200 {"asked":3}`,
        "503 down",
        "503 down",
        `200 {"asked":4}`
      ])
    })
  )

  it.effect("lets the first of several lines decide", () =>
    Effect.gen(function* () {
      const { get } = asking([Faults.on({}, Faults.Fault.Reset()), Faults.on({ times: 2 }, Faults.status(500, {}, ""))])
      assert.deepStrictEqual(yield* Effect.all([get("/"), get("/"), get("/")]), [
        "TransportError",
        "500 ",
        `200 {"asked":1}`
      ])
    })
  )

  it.effect("spoils real answers", () =>
    Effect.gen(function* () {
      const change = (body: unknown) => ({ was: body })
      const { get } = asking([
        Faults.on({}, Faults.Fault.Truncated()),
        Faults.on({ after: 1 }, Faults.Fault.Lost()),
        Faults.on({ after: 2 }, Faults.Fault.Json({ change }))
      ])
      assert.deepStrictEqual(yield* Effect.all([get("/"), get("/"), get("/")]), [
        `200 {"ask`,
        "DecodeError",
        `200 {"was":{"asked":3}}`
      ])
    })
  )

  it.effect("records every call with its times and its fault", () =>
    Effect.gen(function* () {
      const { get, calls } = asking([
        Faults.on({ path: "/late" }, Faults.Fault.Delay({ by: "3 seconds" })),
        Faults.on({ path: "/never" }, Faults.Fault.Hang())
      ])
      const late = yield* Effect.forkChild(get("/late"))
      const never = yield* Effect.forkChild(get("/never"))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(late)
      yield* get("/now")
      assert.deepStrictEqual(
        (yield* calls).map(({ url, startedAt, endedAt, fault, inFlight }) => [
          url.pathname,
          startedAt,
          endedAt,
          fault,
          inFlight
        ]),
        [
          ["/late", 0, 3000, "Delay", 1],
          ["/never", 0, undefined, "Hang", 2],
          ["/now", 3000, 3000, undefined, 2]
        ]
      )
      yield* Fiber.interrupt(never)
      assert.strictEqual((yield* calls)[1]!.endedAt, 3000)
    })
  )
})
