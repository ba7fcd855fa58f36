/**
 * What says that a model should learn again: listening that moved, tracks it does not know, users it cannot know.
 * Leaves out learning again.
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as SqlClient from "effect/sql/SqlClient"
import { AssetCheck } from "../../runtime/index.ts"
import * as Algorithms from "./Algorithms.ts"
import * as Drift from "./Drift.ts"
import * as IdTable from "./IdTable.ts"
import type * as Manifest from "./Manifest.ts"

/** Of the newest week, as far as it is newer than the model. */
export const listening = Effect.fn("Signals.listening")(function* (manifest: Manifest.Manifest) {
  const { limit, psi, ...metadata } = Drift.shift(yield* countListens(manifest))
  const measured = { psi: rounded(psi), limit: rounded(limit), ...metadata }
  return psi <= limit
    ? AssetCheck.pass(measured)
    : AssetCheck.fail(
        `listening moved over deciles of popularity: the stability index is ${psi.toFixed(2)}, over ${limit.toFixed(2)}`,
        measured
      )
})

/** The share of the same listens that are of tracks without a place in the model. */
export const tracks = Effect.fn("Signals.tracks")(function* <E, R>(model: {
  readonly bytes: Effect.Effect<Uint8Array, E, R>
  readonly manifest: Manifest.Manifest
}) {
  const known = (yield* Algorithms.decode(yield* model.bytes, model.manifest.parameters)).tracks
  let [listens, unknown] = [0, 0]
  for (const { since, track_id } of yield* countListens(model.manifest)) {
    listens += since
    if (IdTable.indexOf(known, track_id) === -1) unknown += since
  }
  return atMost(
    listens === 0 ? 0 : unknown / listens,
    mostUnknown,
    "of the newest listens are of tracks that the model does not know",
    { listens }
  )
})

/** The share of users of whom nothing is known that any model could use. */
export const users = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ strangers, users }] = (yield* sql<{ readonly users: number; readonly strangers: number }>`
    select count(*)::float8 as users,
      count(*) filter (where not exists (select from music.features f where f.user_id = u.id))::float8 as strangers
    from music.users u where u.removed_at is null`) as [{ readonly users: number; readonly strangers: number }]
  return atMost(users === 0 ? 0 : strangers / users, mostStrangers, "of the users have no history", { users })
}).pipe(Effect.withSpan("Signals.users"))

// internal ------------------------------------------------------------------------------------------------------------------------

const mostUnknown = 0.1
const mostStrangers = 0.5

const countListensOf = Fs.readFileSync(new URL("../../sql/music/count_listens.sql", import.meta.url), "utf8")

/** A model of no listens learnt from nothing, up to the day before the first one. */
const countListens = Effect.fnUntraced(function* ({ newestDay }: Manifest.Manifest) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql.unsafe<Drift.Counts & { readonly track_id: number }>(countListensOf, [newestDay ?? 0])
})

const atMost = (share: number, most: number, words: string, metadata: Readonly<Record<string, number>>) => {
  const measured = { share: rounded(share), most, ...metadata }
  if (share <= most) return AssetCheck.pass(measured)
  return AssetCheck.fail(`${(100 * share).toFixed(1)} % ${words}, more than ${100 * most} %`, measured)
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6
