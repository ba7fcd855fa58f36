import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { model } from "../../assets/model.ts"
import { modelChampion } from "../../assets/model_champion.ts"
import * as Experiment from "../../assets/experiments/Experiment.ts"
import * as ReadOut from "../../assets/experiments/ReadOut.ts"
import * as Pipeline from "../assets/Pipeline.ts"
import { type Answer, filled, start, tracksOf, until } from "./Service.ts"

const half = (id: string, treatment: Experiment.Treatment) =>
  Experiment.make(id, { description: "", arms: { control: { share: 0.5 }, treated: { share: 0.5, ...treatment } } })

/** Half of the places, so that thirty users are enough to see some. */
const exploring = half("exploring", { explores: 0.5 })
const serving = half("serving", { serves: "popular" })

const everybody = Array.from({ length: 30 }, (_, index) => 1 + index)
const within = (experiment: Experiment.Experiment, arm: string) =>
  everybody.filter((user) => Experiment.armOf(experiment, user).name === arm)

interface Row {
  readonly user_id: number
  readonly experiment: string
  readonly arm: string
  readonly position: number
  readonly track_id: number
  readonly origin: string
  readonly propensity: number
  readonly as_of: Date
  readonly model_version: string
  readonly at: Date
}

const exposures = (where = "true") =>
  Pipeline.rows<Row>(`select * from music.exposure where ${where} order by user_id, experiment, position, as_of`)

/** A service of its own, which has written everything once it ended. */
const served = <A, E, R>(
  experiments: ReadonlyArray<Experiment.Experiment>,
  use: (service: Effect.Success<ReturnType<typeof start>>) => Effect.Effect<A, E, R>
) => Effect.scoped(Effect.flatMap(start({ experiments }), use))

const originsOf = ({ body }: Answer): ReadonlyArray<string> =>
  body.items.map(({ origin }: { readonly origin: string }) => origin)

layer(filled, { timeout: "60 seconds" })("under an experiment", (it) => {
  it.effect(
    "places that draw show tracks that are neither heard nor listed, and the rest what it would be without",
    () =>
      Effect.gen(function* () {
        let drawn = 0
        const answers = yield* served([exploring], (ask) =>
          Effect.forEach(everybody, (user) =>
            Effect.map(ask(`/recommendations/${user}`), (answer) => [user, answer] as const)
          )
        )
        const plain = yield* served([], (ask) => Effect.forEach(everybody, (user) => ask(`/recommendations/${user}`)))
        for (const [index, [user, answer]] of answers.entries()) {
          const [tracks, ranked, origins] = [tracksOf(answer), tracksOf(plain[index]!), originsOf(answer)]
          const isTreated = Experiment.armOf(exploring, user).name === "treated"
          if (!isTreated) assert.deepStrictEqual(answer.body, plain[index]!.body)
          for (const [place, track] of tracks.entries()) {
            if (origins[place] !== "explored") {
              assert.deepStrictEqual(answer.body.items[place], plain[index]!.body.items[place])
              continue
            }
            drawn++
            assert.notInclude(ranked, track)
            for (let heard = 0; heard < 5; heard++) assert.notStrictEqual(track, 1 + ((user - 1 + heard) % 30))
          }
          assert.strictEqual(new Set(tracks).size, tracks.length)
          assert.deepInclude(answer.body, { origin: "personal", reason: "as asked" })
        }
        const places = 10 * within(exploring, "treated").length
        assert.closeTo(drawn / places, 0.5, 0.15)
      })
  )

  it.effect("what was shown is recorded with place, arm and propensity", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      const answers = yield* served([exploring, serving], (ask) =>
        Effect.forEach([1, 2, 3, 4, 5, 6], (user) => ask(`/recommendations/${user}?size=4`))
      )
      for (const [index, answer] of answers.entries()) {
        const user = 1 + index
        const rows = yield* exposures(`user_id = ${user} and experiment = 'serving'`)
        assert.deepStrictEqual(
          rows.map(({ track_id }) => track_id),
          tracksOf(answer)
        )
        assert.deepStrictEqual(
          rows.map(({ position }) => position),
          [1, 2, 3, 4]
        )
        assert.deepStrictEqual(
          rows.map(({ origin }) => origin),
          originsOf(answer)
        )
        for (const row of rows) {
          assert.strictEqual(row.arm, Experiment.armOf(serving, user).name)
          assert.strictEqual(row.model_version, answer.headers.get("x-model-version"))
          assert.strictEqual(row.as_of.toISOString(), answer.headers.get("x-as-of"))
          assert.strictEqual(row.at.toISOString(), "2026-03-01T12:01:00.000Z")
        }
        const explores = Experiment.armOf(exploring, user).name === "treated"
        // Of thirty tracks he heard five, and four are listed.
        let left = 21
        for (const { origin, propensity } of rows) {
          const expected = origin === "explored" ? 0.5 / left-- : explores ? 0.5 : 1
          assert.closeTo(propensity, expected, 1e-12)
        }
      }
    })
  )

  it.effect("the same answer is the same again, with one tag, and is one exposure, also of another service", () =>
    Effect.gen(function* () {
      const [user] = within(exploring, "treated").slice(-1)
      const path = `/recommendations/${user}`
      const first = yield* served([exploring], (ask) =>
        Effect.gen(function* () {
          const first = yield* ask(path)
          const tag = first.headers.get("etag")!
          assert.deepStrictEqual((yield* ask(path)).body, first.body)
          assert.strictEqual((yield* ask(path, { headers: { "if-none-match": tag } })).status, 304)
          return first
        })
      )
      assert.include(originsOf(first), "explored")
      const rows = yield* exposures(`user_id = ${user} and experiment = 'exploring'`)
      assert.strictEqual(rows.length, 10)
      yield* TestClock.adjust("1 minute")
      const other = yield* served([exploring], (ask) => Effect.tap(ask(path), () => ask(`${path}?size=3`)))
      assert.deepStrictEqual(other.body, first.body)
      assert.strictEqual(other.headers.get("etag"), first.headers.get("etag"))
      // A shorter answer shows what was ranked again; what it draws is its own.
      const ranked = `user_id = ${user} and experiment = 'exploring' and origin <> 'explored'`
      assert.deepStrictEqual(
        yield* exposures(ranked),
        rows.filter(({ origin }) => origin !== "explored")
      )
    })
  )

  it.effect("another answer draws anew, and is another exposure", () =>
    Effect.gen(function* () {
      const [user] = within(exploring, "treated")
      yield* served([exploring], (ask) =>
        Effect.gen(function* () {
          const before = yield* ask(`/recommendations/${user}`)
          const listens = [{ user_id: user, track_id: tracksOf(before)[0], listened_at: "2026-03-01T11:00:00Z" }]
          yield* ask("/listens", { method: "POST", body: { listens } })
          const after = yield* ask(`/recommendations/${user}`)
          assert.notDeepEqual(tracksOf(after), tracksOf(before))
          assert.notInclude(tracksOf(after), tracksOf(before)[0])
        })
      )
      const moments = new Set((yield* exposures(`user_id = ${user}`)).map(({ as_of }) => as_of.getTime()))
      assert.isAtLeast(moments.size, 2)
    })
  )

  it.effect("some get what is popular, and are told so", () =>
    Effect.gen(function* () {
      const [user] = within(serving, "treated")
      yield* served([serving], (ask) =>
        Effect.gen(function* () {
          const answer = yield* ask(`/recommendations/${user}?size=5`)
          assert.deepInclude(answer.body, { origin: "popular", reason: "for comparison" })
          assert.deepStrictEqual(new Set(originsOf(answer)), new Set(["popular"]))
          for (let heard = 0; heard < 5; heard++) assert.notInclude(tracksOf(answer), 1 + ((user! - 1 + heard) % 30))
          assert.strictEqual((yield* ask("/recommendations/999")).status, 404)
        })
      )
    })
  )

  it.effect("some get what the model says that was fitted last, promoted or not, of the same history", () =>
    Effect.gen(function* () {
      const challenging = half("challenging", { serves: "challenger" })
      const versions = { control: yield* Pipeline.state(modelChampion), treated: yield* Pipeline.state(model) }
      assert.notStrictEqual(versions.control!.dataVersion, versions.treated!.dataVersion)
      const answers = yield* served([challenging], (ask) =>
        Effect.forEach(
          [...within(challenging, "treated").slice(-3), ...within(challenging, "control").slice(-3), 31],
          (user) =>
            Effect.gen(function* () {
              const answer = yield* ask(`/recommendations/${user}`)
              const listens = [{ user_id: user, track_id: tracksOf(answer)[0], listened_at: "2026-03-01T11:00:00Z" }]
              yield* ask("/listens", { method: "POST", body: { listens } })
              return { user, answer, after: yield* ask(`/recommendations/${user}`) }
            })
        )
      )
      for (const { after, answer, user } of answers) {
        const { name } = Experiment.armOf(challenging, user)
        // Of user 31 nothing is known at first.
        const first = user === 31 ? "control" : name
        const version = (answer: Answer) => answer.headers.get("x-model-version")
        assert.strictEqual(version(answer), versions[first as "control" | "treated"]!.dataVersion)
        assert.strictEqual(version(after), versions[name as "control" | "treated"]!.dataVersion)
        assert.strictEqual(tracksOf(answer).length, 10)
        assert.notInclude(tracksOf(after), tracksOf(answer)[0])
        assert.isAbove(Date.parse(after.headers.get("x-as-of")!), Date.parse(answer.headers.get("x-as-of")!))
        for (let heard = 0; user < 31 && heard < 5; heard++) {
          assert.notInclude(tracksOf(answer), 1 + ((user - 1 + heard) % 30))
        }
      }
    })
  )

  it.effect("what was shown is written without waiting for the end", () =>
    served([serving], (ask) =>
      Effect.gen(function* () {
        yield* ask("/recommendations/30")
        yield* TestClock.adjust("1 second")
        yield* until(Effect.map(exposures("user_id = 30 and experiment = 'serving'"), (rows) => rows.length === 10))
      })
    )
  )

  it.effect("a click that was posted is one on what was shown at its place", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      yield* served([serving], (ask) =>
        Effect.gen(function* () {
          const answer = yield* ask("/recommendations/29")
          const click = (place: number, position: number) => ({
            user_id: 29,
            track_id: tracksOf(answer)[place - 1],
            kind: "click",
            at: "2026-03-01T13:00:00Z",
            position,
            model_version: answer.headers.get("x-model-version")
          })
          const feedback = [click(2, 2), click(3, 4)]
          assert.strictEqual((yield* ask("/feedback", { method: "POST", body: { feedback } })).status, 200)
        })
      )
      const { arms } = yield* ReadOut.read(serving)
      assert.strictEqual(
        arms.reduce((sum, { clicks }) => sum + clicks, 0),
        1
      )
    })
  )

  it.effect("a user who is erased leaves nothing that was shown to him, written or still to be written", () =>
    served([exploring], (ask) =>
      Effect.gen(function* () {
        yield* ask("/recommendations/28")
        yield* TestClock.adjust("1 second")
        yield* until(Effect.map(exposures("user_id = 28"), (rows) => rows.length > 0))
        yield* ask("/recommendations/28?size=4")
        assert.strictEqual((yield* ask("/users/28", { method: "DELETE" })).status, 204)
        yield* TestClock.adjust("1 second")
        yield* ask("/recommendations/27?size=6")
        yield* TestClock.adjust("1 second")
        yield* until(Effect.map(exposures("user_id = 27 and position = 6"), (rows) => rows.length > 0))
        assert.deepStrictEqual(yield* exposures("user_id = 28"), [])
      })
    )
  )
})
