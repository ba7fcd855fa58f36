import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Faults } from "effect-assets/testing"
import { materialize, millisPerDay, noon, onDatabase, plan, rows, status, today } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.ring(30)
const tomorrow = "2026-03-02"
const midnight = noon + millisPerDay / 2

/** Everybody listens to something else. */
const otherLists: Worlds.Still = {
  ...world,
  lists: world.lists.map(({ items, user_id }) => Worlds.list(user_id!, ...items!.map((id) => 1 + ((id + 9) % 30))))
}

const listensOf = (day: string) =>
  rows("select * from music.listen_history where day = $1::date order by user_id, position", [day])

describe("the next day", () => {
  it.effect("begins at midnight UTC: users and tracks are due, and there is a new day of listens", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* TestClock.setTime(midnight - 1)
        assert.deepStrictEqual((yield* plan()).steps, [])

        yield* TestClock.setTime(midnight)
        assert.deepStrictEqual(yield* status, {
          users: "Stale",
          tracks: "Stale",
          [`listen_history/${today}`]: "Current",
          [`listen_history/${tomorrow}`]: "Missing",
          features: "Maybe",
          model: "Maybe",
          model_champion: "Maybe",
          recommendations: "Maybe"
        })
        const { steps } = yield* plan()
        const since = new Date(noon).toISOString()
        assert.deepStrictEqual(
          steps.filter(({ certainty }) => certainty === "Certain").map(({ asset, reasons }) => ({ asset, reasons })),
          [
            { asset: "users", reasons: [{ _tag: "RecheckDue", since }] },
            { asset: "tracks", reasons: [{ _tag: "RecheckDue", since }] },
            { asset: "listen_history", reasons: [{ _tag: "Missing" }] }
          ]
        )
      })
    )
  )

  it.effect("adds a day of listens and leaves the one before as it was, whatever is asked for", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const before = yield* listensOf(today)
        yield* TestClock.setTime(midnight + 1)
        const ran = yield* materialize({ world: otherLists })
        assert.strictEqual(ran.outcomes[`listen_history/${tomorrow}`], "Materialized")
        assert.notProperty(ran.outcomes, `listen_history/${today}`)
        assert.strictEqual((yield* listensOf(tomorrow)).length, 150)

        const forced = yield* materialize({ world, force: true, recheck: true })
        assert.property(forced.outcomes, `listen_history/${tomorrow}`)
        assert.notProperty(forced.outcomes, `listen_history/${today}`)
        assert.deepStrictEqual(yield* listensOf(today), before)
        assert.deepStrictEqual(yield* rows("select max(plays) as most from music.features"), [{ most: 2 }])
      })
    )
  )

  it.effect("never comes for days on which nothing ran", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* TestClock.setTime(noon + 4 * millisPerDay)
        yield* materialize({ world })
        const days = Object.keys(yield* status).filter((slice) => slice.startsWith("listen_history"))
        assert.deepStrictEqual(days, [`listen_history/${today}`, "listen_history/2026-03-05"])
      })
    )
  )

  it.effect("makes it an error to name a day that is over, whether it was published or not", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* TestClock.setTime(noon + 2 * millisPerDay)
        const naming = (partition: string) => Effect.flip(materialize({ world, select: "listen_history", partition }))
        const frozen = yield* naming(today)
        assert.strictEqual(frozen._tag, "PlanError")
        assert.include(frozen.message, `listen_history/${today} is frozen`)
        assert.include((yield* naming(tomorrow)).message, "was not materialized while its source could still be asked")
      })
    )
  )
})

describe("the day that is open", () => {
  it.effect("may be read again: its listens are replaced, those of other days are not", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        yield* TestClock.setTime(midnight)
        yield* materialize({ world })
        const first = yield* listensOf(today)
        yield* TestClock.setTime(midnight + 3_600_000)
        const ran = yield* materialize({ world: otherLists, recheck: true })
        assert.strictEqual(ran.outcomes[`listen_history/${tomorrow}`], "Materialized")
        const items = (yield* listensOf(tomorrow)).map((row) => row["track_id"])
        assert.deepStrictEqual(
          items,
          otherLists.lists.flatMap((list) => list.items ?? [])
        )
        assert.deepStrictEqual(yield* listensOf(today), first)
      })
    )
  )

  it.effect("is the one in which the run was planned, also where midnight passes before its listens are read", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* TestClock.setTime(midnight - 60_000)
        const meanwhile = Faults.Fault.Meanwhile({ happens: TestClock.setTime(midnight + 1) })
        const ran = yield* materialize({
          world,
          faults: [Faults.on({ path: "/users" }, meanwhile)],
          env: { MUSIC_API_TIMEOUT: "5 minutes" }
        })
        assert.strictEqual(ran.outcomes[`listen_history/${today}`], "Materialized", ran.explain)
        assert.isAbove(Date.parse(ran.events.at(-1)!.at), midnight)
        assert.deepStrictEqual(yield* rows("select distinct day from music.listen_history"), [{ day: today }])
      })
    )
  )
})
