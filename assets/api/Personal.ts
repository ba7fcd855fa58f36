/** What was computed for a user, with the version of just these rows; and anew, once he told of something since. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import { Published } from "../../runtime/index.ts"
import { recommendations } from "../recommendations.ts"
import type { Item } from "../recommender/Recommender.ts"
import type * as Answer from "./Answer.ts"
import * as Catalogue from "./Catalogue.ts"
import * as Champion from "./Champion.ts"
import * as Problem from "./Problem.ts"

export interface Personal {
  /** `undefined` if nothing was ever computed for the user. */
  readonly made: Answer.Made | undefined
  /** Best first. What is only popular has no reason, and comes last. */
  readonly recommended: ReadonlyArray<Champion.Scored>
}

/**
 * Fails where the source does not show such a user. Most users have told of nothing, and theirs is the statement that has to
 * be cheap: with what was told in it, it took twice as long.
 */
export const of = Effect.fnUntraced(function* (user: number, most: number) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* Effect.orDie(sql<Row>`
    select v.materialized_at, u.id is not null as known, r.model_version, r.items,
      exists (select from music.posted_listen p where p.user_id = asked.id) as told
    from (values (${BigInt(user)}::bigint)) asked (id)
    left join ${Published.inStatement(recommendations)} v on true
    left join music.users u on u.id = asked.id and u.removed_at is null
    left join music.recommendations r on r.user_id = asked.id`)
  const { items, known, materialized_at, model_version, told } = row!
  if (!known) return yield* unknown(user)
  const computed: Personal = {
    made:
      materialized_at === null || model_version === null
        ? undefined
        : { asOf: materialized_at, modelVersion: model_version },
    recommended: (items ?? []).map(toScored)
  }
  return told ? yield* anew(user, computed, most) : computed
})

export const unknown = (user: number) => new Problem.UnknownUser({ detail: `there is no user ${user}` })

/** Everything that the user is known to have heard: computed from, or told of here. */
export const known = Effect.fnUntraced(function* (user: number) {
  const sql = yield* SqlClient.SqlClient
  const id = BigInt(user)
  const [row] = yield* Effect.orDie(sql<{ readonly known: boolean; readonly tracks: ReadonlyArray<bigint> }>`
    select exists (select from music.users u where u.id = ${id} and u.removed_at is null) as known, array(
      select track_id from music.features where user_id = ${id}
      union select track_id from music.posted_listen where user_id = ${id}
    ) as tracks`)
  if (!row!.known) return yield* unknown(user)
  return new Set(row!.tracks.map(Number))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Row {
  readonly materialized_at: string | null
  readonly known: boolean
  readonly model_version: string | null
  readonly items: ReadonlyArray<Item> | null
  readonly told: boolean
}

const toScored = ([track_id, score, because_track_id]: Item): Champion.Scored => ({
  track_id,
  score,
  because_track_id
})

const readHistory = Fs.readFileSync(new URL("../../sql/music/read_history.sql", import.meta.url), "utf8")

interface Played {
  readonly track_id: number
  readonly plays: number
  readonly weight: number
  readonly told: number
  readonly told_at: Date | null
}

/** The model folds in the whole history, with what was told and the computation did not know. */
const anew = Effect.fnUntraced(function* (user: number, computed: Personal, most: number) {
  const sql = yield* SqlClient.SqlClient
  const since = computed.made?.asOf ?? null
  const history = yield* Effect.orDie(sql.unsafe<Played>(readHistory, [BigInt(user), since]))
  const told = history.filter((track) => track.told > 0)
  const played = new Set(history.map(({ track_id }) => track_id))
  const left = { ...computed, recommended: computed.recommended.filter(({ track_id }) => !played.has(track_id)) }
  const champion = (yield* Champion.InForce)()
  if (told.length === 0 || champion === undefined) return left

  const byWeight = champion.value.recency._tag === "HalfLife"
  const weights = history.map((track): [number, number] => [
    track.track_id,
    // A listen of the newest day weighs 1.
    track.told + (byWeight ? track.weight : track.plays)
  ])
  const best = champion.value.recommend(new Map(weights), 2 * most)
  const shown = yield* Catalogue.named(best.map(({ track_id }) => track_id))
  const asOf = new Date(Math.max(...told.map(({ told_at }) => told_at!.getTime()))).toISOString()
  const anew: Personal = {
    made: { asOf, modelVersion: champion.inForce.version },
    recommended: best.filter(({ track_id }) => shown.has(track_id))
  }
  return anew
})
