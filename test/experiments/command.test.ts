import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { ExitCode } from "effect-assets"
import { assetsExperiment } from "../assets/Registry.ts"
import { onDatabase } from "../assets/Pipeline.ts"

const addUsers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into music.users (id, first_name, last_name, email, gender, favorite_genres, created_at, updated_at, run_id)
    select n, '', '', '', '', '', now(), now(), '' from generate_series(1, 200) n`
  yield* sql`insert into music.tracks (id, name, artist, songwriters, duration, genres, album, created_at, updated_at, run_id)
    select n, '', '', '', '', '', '', now(), now(), '' from generate_series(1, 40) n`
})

interface Exposed {
  readonly arm: string
  readonly users: readonly [first: number, last: number]
  /** How many places each is shown: track n at place n. */
  readonly places: number
  /** Of place 1, which draws. */
  readonly drawnWith?: number
}

const expose = Effect.fnUntraced(function* ({ arm, drawnWith, places, users: [first, last] }: Exposed) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into music.answer (user_id, as_of, model_version, arms, tracks, origins, propensities, at)
    select u, '2026-03-01', 'm', jsonb_build_object('randomised-slots', ${arm}::text),
      array(select generate_series(1, ${places}::int)),
      ${drawnWith === undefined ? "personal" : "explored"}::text || array_fill('personal'::text, array[${places}::int - 1]),
      ${drawnWith ?? 1}::float8 || array_fill(1::float8, array[${places}::int - 1]), '2026-03-01T10:00Z'
    from generate_series(${first}::int, ${last}::int) u`
})

const click = Effect.fnUntraced(function* (user: number, track: number, at = "2026-03-01T11:00:00Z", position = track) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`insert into music.feedback (user_id, track_id, kind, at, position, model_version)
    values (${BigInt(user)}, ${BigInt(track)}, 'click', ${at}::text::timestamptz, ${position}, 'm')`
})

const title =
  "randomised-slots: What it costs to leave 2 % of the places to chance, by which tracks that no model would show are learnt about"

describe("assets experiment", { timeout: 60_000 }, () => {
  it.effect("tells click-through by arm, with intervals by users, and of the places left to chance", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* addUsers
        yield* expose({ arm: "control", users: [1, 10], places: 10 })
        yield* expose({ arm: "explored", users: [11, 60], places: 10 })
        yield* expose({ arm: "explored", users: [61, 80], places: 10, drawnWith: 0.02 / 20 })
        yield* expose({ arm: "explored", users: [81, 100], places: 10, drawnWith: 0.02 / 30 })
        for (const user of [1, 2, 3, 11, 12, 13, 14, 61, 62, 81]) yield* click(user, 1)
        // Twice on the same, before it was shown, on what stands elsewhere, and on what he was not shown.
        yield* click(1, 1, "2026-03-01T12:00:00Z")
        yield* click(4, 1, "2026-03-01T09:00:00Z")
        yield* click(5, 2, "2026-03-01T11:00:00Z", 3)
        yield* click(6, 30)
        const { document, text } = yield* assetsExperiment("randomised-slots")
        assert.strictEqual(
          text,
          `${title}

arm       share  users  exposures  clicks  click-through          against control
control    10 %     10        100       3  3.00 % (0.01 to 5.99)
explored   90 %     90        900       7  0.78 % (0.22 to 1.33)  -2.22 points (-5.27 to 0.82), p 0.153

Left to chance in explored: 40 places, 3 clicks; click-through of tracks drawn evenly 7.00 % (0.00 to 14.91)
Users came to the arms by their shares (chi-squared 0, p 1)
Intervals are of 95 %, by users; a p-value is for one look that was decided on before`
        )
        assert.deepInclude(document, { id: "randomised-slots", trusted: true, warnings: [] })
        assert.deepStrictEqual(document.sampleRatio, { chiSquared: 0, degrees: 1, p: 1 })
        const [control, explored] = document.arms
        assert.deepInclude(control, { arm: "control", control: true, share: 0.1, serves: "champion", explores: 0 })
        assert.deepInclude(control, { users: 10, exposures: 100, clicks: 3, difference: null, chance: null })
        assert.deepInclude(explored, { arm: "explored", control: false, share: 0.9, explores: 0.02 })
        assert.deepInclude(explored.chance, { exposures: 40, clicks: 3 })
        // Two clicks of weight 1,000 and one of 1,500, by twenty of each.
        assert.closeTo(explored.chance.clickThrough.value, 0.07, 1e-12)
        assert.closeTo(explored.chance.clickThrough.interval[1], 0.149134, 1e-6)
        assert.closeTo(explored.difference.p, 0.1526, 1e-4)
      })
    )
  )

  it.effect("warns where users did not come to the arms by their shares, or changed between them", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* addUsers
        yield* expose({ arm: "control", users: [1, 30], places: 2 })
        yield* expose({ arm: "explored", users: [31, 100], places: 2 })
        yield* expose({ arm: "bygone", users: [101, 103], places: 2 })
        yield* expose({ arm: "control", users: [104, 105], places: 1 })
        const sql = yield* SqlClient.SqlClient
        yield* sql`update music.answer set arms = '{"randomised-slots": "explored"}' where user_id in (104, 105)`
        yield* sql`insert into music.answer
          select user_id, as_of, model_version, '{"randomised-slots": "control"}', tracks, origins, propensities, at + interval '1 day'
          from music.answer where user_id in (104, 105)`
        const { document, text } = yield* assetsExperiment("randomised-slots")
        assert.strictEqual(
          text.slice(0, text.indexOf("\n\narm ")),
          `${title}

warning: this is not to be trusted
  Users did not come to the arms by their shares (chi-squared 44.4, p below 0.0001): find out why before reading anything from it
  3 users had the arm bygone, which is not declared any more
  2 users had several arms, and count for none: shares or arms were changed under the same salt`
        )
        assert.notInclude(text, "Users came to the arms by their shares")
        assert.strictEqual(document.trusted, false)
        assert.deepStrictEqual(
          document.warnings.map(({ _tag, users }: { readonly _tag: string; readonly users?: number }) => [_tag, users]),
          [
            ["SampleRatioMismatch", undefined],
            ["UndeclaredArm", 3],
            ["UsersInSeveralArms", 2]
          ]
        )
        assert.deepStrictEqual(
          document.arms.map(({ users }: { readonly users: number }) => users),
          [30, 70]
        )
      })
    )
  )

  it.effect("lists what there is, and refuses what there is not", () =>
    onDatabase(
      Effect.gen(function* () {
        assert.strictEqual(
          (yield* assetsExperiment("randomised-slots")).text,
          `${title}\nNothing was shown under it yet`
        )
        yield* addUsers
        yield* expose({ arm: "control", users: [1, 2], places: 3 })
        const sql = yield* SqlClient.SqlClient
        yield* sql`update music.answer set arms = '{"bygone": "control"}' where user_id = 2`
        const { document, text } = yield* assetsExperiment()
        assert.strictEqual(
          text,
          `experiment        is       users  exposures  last shown   what
randomised-slots  running      1          3  2 hours ago  What it costs to leave 2 % of the places to chance, by which tracks that no model would show are learnt about
bygone                         1          3  2 hours ago`
        )
        const shown = { users: 1, exposures: 3, firstShownAt: "2026-03-01T10:00:00.000Z" }
        assert.deepInclude(document[0], { id: "randomised-slots", running: true, ...shown })
        assert.deepInclude(document[1], { id: "bygone", running: false, arms: null, ...shown })
        const { code, message } = ExitCode.fromError(yield* Effect.flip(assetsExperiment("no-such")))
        assert.strictEqual(code, 2)
        assert.strictEqual(message, 'no experiment "no-such" is declared; there is randomised-slots')
      })
    )
  )
})
