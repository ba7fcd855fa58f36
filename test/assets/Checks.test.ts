import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { materialize, millisPerDay, noon, onDatabase, rows, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(40)

/** With only the first so many users, and their lists. */
const firstUsers = (count: number): Worlds.Still =>
  Worlds.withoutUsers(
    world,
    world.users.map(({ id }) => id!).filter((id) => id > count)
  )

const failed = (checks: Readonly<Record<string, string>>) =>
  Object.entries(checks).flatMap(([name, outcome]) => (outcome === "Failed" ? [name] : []))

describe("the checks of the recommender", () => {
  it.effect("pass on a world in which there are tastes to find", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world: Worlds.sample({ users: 400, tracks: 150 }) })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(failed(ran.checks), [])
        const checked = new Set(Object.keys(ran.checks).map((name) => name.split(/[/:]/)[0]))
        assert.sameMembers(Array.from(checked), [
          "users",
          "tracks",
          "listen_history",
          "features",
          "model",
          "model_champion",
          "recommendations"
        ])
      })
    )
  )

  it.effect("warn of a number of users and listens that is unusual for the weekday", () =>
    onDatabase(
      Effect.gen(function* () {
        const onSunday = (week: number, world: Worlds.Still) =>
          Effect.andThen(
            TestClock.setTime(noon + 7 * week * millisPerDay),
            materialize({ world, select: ["users", "tracks", "listen_history"] })
          )
        for (const week of [0, 1, 2, 3]) {
          assert.notInclude(failed((yield* onSunday(week, world)).checks).join(), "usual-for-weekday")
        }
        const ran = yield* onSunday(4, firstUsers(25))
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(failed(ran.checks), [
          "users:usual-for-weekday",
          "listen_history/2026-03-29:usual-for-weekday"
        ])
        const reasons = ran.events.flatMap((event) => (event._tag === "CheckFailed" ? [event.reason] : []))
        assert.deepStrictEqual(reasons, [
          "there are 25 rows, where the median of 4 such weekdays is 40: and it never was another number",
          "there are 125 rows, where the median of 4 such weekdays is 200: and it never was another number"
        ])
      })
    )
  )

  it.effect("warn of listens of users that the API no longer shows, with some of them", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const hidden = { ...world, users: world.users.filter(({ id }) => id !== 7) }
        yield* TestClock.setTime(noon + millisPerDay)
        const ran = yield* materialize({ world: hidden })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.include(failed(ran.checks), "listen_history/2026-03-02:users-shown")
        const failure = ran.events.find((event) => event._tag === "CheckFailed" && event.check === "users-shown")
        assert.deepInclude(failure, {
          severity: "warn",
          blocking: false,
          reason:
            "user_id is no id of music.users in 5 of 200 rows (2.5 %), such as 7 in (day=2026-03-02, user_id=7, position=0)"
        })
        const [{ listens }] = (yield* rows<{ listens: number }>(
          `select count(*)::integer as listens from music.listen_history where day > '${today}' and user_id = 7`
        )) as [{ listens: number }]
        assert.strictEqual(listens, 5)
      })
    )
  )

  it.effect("warn of listening that moved since the model learnt, of tracks it does not know and of strangers", () =>
    onDatabase(
      Effect.gen(function* () {
        const ring = Worlds.ring(300)
        const to = (track: (user: number) => number): Worlds.Still => ({
          ...ring,
          lists: ring.users.slice(0, 100).map(({ id }) => Worlds.list(id!, track(id!), track(id! + 1)))
        })
        const first = yield* materialize({ world: to((user) => 1 + (user % 7) * (user % 5)) })
        assert.deepStrictEqual(
          failed(first.checks).filter((name) => name.startsWith("recommendations")),
          ["recommendations:users-known"]
        )

        yield* TestClock.setTime(noon + millisPerDay)
        const select = ["listen_history", "features", "recommendations"]
        const moved = yield* materialize({ world: to((user) => 1 + 24 * (user % 4 === 0 ? 1 : 2)), select })
        const failures = moved.events.filter((event) => event._tag === "CheckFailed")
        const told = (name: string) => failures.find(({ check }) => check === name)
        assert.deepInclude(told("listening-as-learnt"), {
          severity: "warn",
          reason: "listening moved over deciles of popularity: the stability index is 2.95, over 0.64"
        })
        assert.match(told("tracks-known")!.reason, /^\d+\.\d % of the newest listens are of tracks that the model does/)
        assert.deepInclude(told("users-known"), {
          reason: "66.7 % of the users have no history, more than 50 %",
          metadata: { share: 0.666667, most: 0.5, users: 300 }
        })
      })
    )
  )
})
