/**
 * What says that a model should learn again, measured: listening that moved, tracks it does not know, users it cannot know, clicks that fell.
 * Each is one question, whoever asks it.
 * Leaves out what is done about it.
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as SqlClient from "effect/sql/SqlClient"
import * as ClickThrough from "./ClickThrough.ts"
import * as Drift from "./Drift.ts"
import * as IdTable from "./IdTable.ts"
import type * as Signal from "./Signal.ts"

/** Of the newest week, as far as it is after the day up to which a model learnt (since 1970-01-01; null if it learnt from nothing). */
export const listening = Effect.fn("Signals.listening")(function* (learntUntil: number | null) {
  const { limit, psi, ...counts } = Drift.shift(yield* countListens(learntUntil))
  const signal: Signal.Listening = { _tag: "Listening", psi: rounded(psi), limit: rounded(limit), ...counts }
  return signal
})

/** Of the same listens. */
export const tracks = Effect.fn("Signals.tracks")(function* (known: IdTable.IdTable, learntUntil: number | null) {
  let [listens, unknown] = [0, 0]
  for (const { since, track_id } of yield* countListens(learntUntil)) {
    listens += since
    if (IdTable.indexOf(known, track_id) === -1) unknown += since
  }
  const signal: Signal.Tracks = { _tag: "Tracks", share: shareOf(unknown, listens), most: mostUnknown, listens }
  return signal
})

/** No reason to train again: models are of tracks, and nobody is better known by another one. */
export const users = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ strangers, users }] = (yield* sql<{ readonly users: number; readonly strangers: number }>`
    select count(*)::float8 as users,
      count(*) filter (where not exists (select from music.features f where f.user_id = u.id))::float8 as strangers
    from music.users u where u.removed_at is null`) as [{ readonly users: number; readonly strangers: number }]
  const signal: Signal.Users = { _tag: "Users", share: shareOf(strangers, users), most: mostStrangers, users }
  return signal
}).pipe(Effect.withSpan("Signals.users"))

/**
 * Of what a version of the champion recommended, against what was recommended before it. It is judged after each day, recomputed from the
 * feedback, so that nothing is kept between looks. Before and after is no experiment: whatever else changed on the same day counts too,
 * and users count as often as they are shown something, hence a warning and another training rather than a verdict.
 */
export const clicks = Effect.fn("Signals.clicks")(function* (version: string) {
  const sql = yield* SqlClient.SqlClient
  const days = yield* sql.unsafe<ClickThrough.Clicks & { readonly version: string }>(countClicksOf, [version])
  const own = days.filter((day) => day.version === version)
  const others = days.filter((day) => day.version !== version)
  const now = own.reduce(ClickThrough.plus, ClickThrough.nothing)
  const before = others.reduce(ClickThrough.plus, ClickThrough.nothing)
  const signal: Signal.Clicks = {
    _tag: "Clicks",
    version,
    shown: now.shown,
    clicked: now.clicked,
    before: others[0]?.version ?? null,
    shownBefore: before.shown,
    clickedBefore: before.clicked,
    pValue: Number(ClickThrough.sequential(before, own).toPrecision(6)),
    risk
  }
  return signal
})

/** The version whose recommendations are published; undefined as long as nobody has any. */
export const served = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly model_version: string }>`select model_version from music.recommendations limit 1`
  return row?.model_version
})

// internal ------------------------------------------------------------------------------------------------------------------------

const mostUnknown = 0.1
const mostStrangers = 0.5

/** That clicks of a version that is as good as the one before are ever said to have fallen. */
const risk = 0.01

const countListensOf = Fs.readFileSync(new URL("../../sql/music/count_listens.sql", import.meta.url), "utf8")
const countClicksOf = Fs.readFileSync(new URL("../../sql/music/count_clicks.sql", import.meta.url), "utf8")

const countListens = Effect.fnUntraced(function* (learntUntil: number | null) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.unsafe<Drift.Counts & { readonly track_id: number }>(countListensOf, [learntUntil ?? 0])
})

const shareOf = (part: number, all: number): number => (all === 0 ? 0 : rounded(part / all))

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6
