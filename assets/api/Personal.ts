/** What was computed for a user, with the version of just these rows; and anew, once he told of something since. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import type { Published } from "../../runtime/index.ts"
import * as Listens from "../recommender/Listens.ts"
import type { Item } from "../recommender/Recommender.ts"
import type * as Answer from "./Answer.ts"
import * as Catalogue from "./Catalogue.ts"
import * as Champion from "./Champion.ts"
import * as Problem from "./Problem.ts"
import * as Stored from "./Stored.ts"

export interface Personal {
  /** `undefined` if nothing was ever computed for the user. */
  readonly made: Answer.Made | undefined
  /** Best first. What is only popular has no reason, and comes last. */
  readonly recommended: ReadonlyArray<Champion.Scored>
  /** What the user has heard, where that was asked for. */
  readonly known: ReadonlySet<number> | undefined
}

/** Fails where the source does not show such a user. */
export const of = Effect.fnUntraced(function* (user: number, most: number, asked: Stored.Asked) {
  const { computed, told } = yield* stored(user, asked)
  return told ? yield* anew(user, computed, most) : computed
})

/** What the challenger says of the same history; what was computed, where it is the champion or there is nothing to go by. */
export const byChallenger = Effect.fnUntraced(function* (user: number, most: number, asked: Stored.Asked) {
  const { computed, told } = yield* stored(user, asked)
  const challenger = (yield* Champion.Challenger)()
  if (challenger === undefined || challenger.inForce.version === computed.made?.modelVersion) {
    return told ? yield* anew(user, computed, most) : computed
  }
  const history = yield* historyOf(user, computed, challenger.value.recency)
  if (history.length === 0) return computed
  const { materializedAt } = challenger.inForce
  const computedAt = computed.made?.asOf ?? materializedAt
  const asOf = toldAt(history) ?? (computedAt > materializedAt ? computedAt : materializedAt)
  return { ...(yield* by(challenger, history, asOf, most)), known: computed.known }
})

export const unknown = (user: number) => new Problem.UnknownUser({ detail: `there is no user ${user}` })

/** Everything that the user is known to have heard: computed from, or told of here. */
export const known = Effect.fnUntraced(function* (user: number) {
  const sql = yield* SqlClient.SqlClient
  const id = BigInt(user)
  const [row] = yield* Effect.orDie(sql<{ readonly known: boolean; readonly tracks: ReadonlyArray<bigint> }>`
    select exists (select from music.users u where u.id = ${id} and u.removed_at is null) as known,
      ${Stored.heardBy(sql, id)} as tracks`)
  if (!row!.known) return yield* unknown(user)
  return new Set(row!.tracks.map(Number))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** With whether the user told of anything. Most have not, and theirs is the way that has to be cheap. */
const stored = Effect.fnUntraced(function* (user: number, asked: Stored.Asked) {
  const { heard, items, known, materialized_at, model_version, told } = yield* (yield* Stored.Stored).of(user, asked)
  if (!known) return yield* unknown(user)
  const computed: Personal = {
    made:
      materialized_at === null || model_version === null
        ? undefined
        : { asOf: materialized_at, modelVersion: model_version },
    recommended: (items ?? []).map(toScored),
    known: heard === null ? undefined : new Set(heard.map(Number))
  }
  return { computed, told }
})

const toScored = ([track_id, score, because_track_id]: Item): Champion.Scored => ({
  track_id,
  score,
  because_track_id
})

const readHistory = Fs.readFileSync(new URL("../../sql/music/read_history.sql", import.meta.url), "utf8")

interface Played {
  readonly track_id: number
  readonly weight: number
  readonly told: number
  readonly told_at: Date | null
}

/** Weighed by the age of listens where a model does so. */
const historyOf = Effect.fnUntraced(function* (
  user: number,
  { made }: Personal,
  recency: Listens.Recency = Listens.everything
) {
  const sql = yield* SqlClient.SqlClient
  const halfLife = recency._tag === "HalfLife" ? recency.days : null
  return yield* Effect.orDie(sql.unsafe<Played>(readHistory, [BigInt(user), made?.asOf ?? null, halfLife]))
})

/** When of the history something was told last; `undefined` if all of it was computed from. */
const toldAt = (history: ReadonlyArray<Played>): string | undefined => {
  const told = history.filter((track) => track.told > 0)
  return told.length === 0
    ? undefined
    : new Date(Math.max(...told.map(({ told_at }) => told_at!.getTime()))).toISOString()
}

/** The model folds in the whole history, with what was told and the computation did not know. */
const anew = Effect.fnUntraced(function* (user: number, computed: Personal, most: number) {
  const champion = (yield* Champion.InForce)()
  const history = yield* historyOf(user, computed, champion?.value.recency)
  const played = new Set(history.map(({ track_id }) => track_id))
  const left = { ...computed, recommended: computed.recommended.filter(({ track_id }) => !played.has(track_id)) }
  const asOf = toldAt(history)
  if (asOf === undefined || champion === undefined) return left
  return { ...(yield* by(champion, history, asOf, most)), known: computed.known }
})

const by = Effect.fnUntraced(function* (
  { inForce, value }: Published.Kept<Champion.Champion>,
  history: ReadonlyArray<Played>,
  asOf: string,
  most: number
) {
  const weights = history.map((track): [number, number] => [
    track.track_id,
    // A listen of the newest day weighs 1.
    track.told + track.weight
  ])
  const best = value.recommend(new Map(weights), 2 * most)
  const shown = yield* Catalogue.named(best.map(({ track_id }) => track_id))
  const recommended = best.filter(({ track_id }) => shown.has(track_id))
  const made: Answer.Made = { asOf, modelVersion: inForce.version }
  return { made, recommended }
})
