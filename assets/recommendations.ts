import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import { Asset, Table, TableCheck } from "../runtime/index.ts"
import { features } from "./features.ts"
import { listenHistory } from "./listen_history.ts"
import { modelChampion } from "./model_champion.ts"
import * as Algorithms from "./recommender/Algorithms.ts"
import * as Basis from "./recommender/Basis.ts"
import * as Recommender from "./recommender/Recommender.ts"
import * as Signal from "./recommender/Signal.ts"
import * as Signals from "./recommender/Signals.ts"
import * as StoredListens from "./recommender/StoredListens.ts"
import { tracks } from "./tracks.ts"
import { users } from "./users.ts"

const size = 15

const Item = Schema.Tuple([Table.Long, Schema.Finite, Schema.NullOr(Table.Long)])

export const Recommendations = Schema.Struct({
  user_id: Table.Long,
  /** Best first: track, score, and the track that speaks most for it. */
  items: Schema.Array(Item).check(Schema.isMaxLength(size)).pipe(Table.asJson),
  model_version: Schema.String,
  /** A digest of what all of this follows from and is: where it is the same it need not be computed again. */
  basis: Schema.String
})

/** What each user may like next, best first. */
export const recommendations = Asset.make("recommendations", {
  description: "What each user may like next, best first, and because of which track",
  // Features follow from the listens, which are read themselves where the model weighs them by another age than features do.
  deps: {
    model: modelChampion,
    features,
    users,
    tracks,
    listenHistory: Asset.ignoreVersion(listenHistory),
    standing: Asset.itself()
  },
  io: Table.make({ table: "music.recommendations", schema: Recommendations, key: ["user_id"] }),
  materialize: ({ model, standing, tracks, users }, step) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const fitted = yield* Algorithms.decode(yield* model.bytes, model.manifest.parameters)
        const history = yield* StoredListens.features(model.manifest.recency)
        const catalogue = yield* ids(tracks)
        const recommender = yield* Recommender.make({ model: fitted, history, catalogue })
        const method = `${step.codeVersion} ${size} ${model.version}`
        const basis = Basis.make({ method, modelTracks: fitted.tracks, history, catalogue })
        const everybody = yield* ids(users)
        const kept = standing === undefined ? new Set<number>() : yield* unchanged(standing, basis, everybody)
        const scored = everybody.filter((user) => !kept.has(user))
        yield* step.annotate({ kept: kept.size, scored: scored.length })
        return Stream.concat(
          standing === undefined ? Stream.empty : Stream.filter(standing.rows, ({ user_id }) => kept.has(user_id)),
          Stream.map(Recommender.stream(recommender, scored, size), (row) => ({
            ...row,
            model_version: model.version,
            basis: Basis.seal(isFull(row.items) ? basis.own(row.user_id) : basis.filled(row.user_id), row.items)
          }))
        )
      })
    )
}).pipe(
  Asset.check("nothing-played", {
    blocking: true,
    description: "No user is recommended a track he already played",
    reads: { features },
    ...TableCheck.noRows<{ readonly features: Table.Handle<unknown> }>(
      ({ table }, sql, { features }) => sql`select r.user_id, r.track_id
        from ${listed(sql, table)} r join ${features.table} f on f.user_id = r.user_id and f.track_id = r.track_id`
    )
  }),
  Asset.check("tracks-once", {
    blocking: true,
    description: "No user is recommended a track twice",
    ...TableCheck.noRows(
      ({ table }, sql) => sql`select user_id, track_id from ${listed(sql, table)} r group by 1, 2 having count(*) > 1`
    )
  }),
  Asset.check("tracks-shown", {
    description: "What is recommended, or a reason, is among the tracks",
    reads: { tracks },
    ...TableCheck.noRows<{ readonly tracks: Table.Handle<unknown> }>(
      ({ table }, sql, { tracks }) => sql`select r.user_id, named.id as track_id
        from ${listed(sql, table)} r cross join lateral (values (r.track_id), (r.because_track_id)) named (id)
        where named.id is not null and not exists (select from ${tracks.table} t where t.id = named.id)`
    )
  }),
  Asset.check("users-shown", TableCheck.references({ column: "user_id", to: users, key: "id" })),
  Asset.check("listening-as-learnt", {
    severity: "warn",
    description: "The newest week is listened to as what the model learnt from, over deciles of popularity",
    reads: { model: modelChampion },
    run: (_, { model }) => Effect.map(Signals.listening(model.manifest.newestDay), Signal.toCheck)
  }),
  Asset.check("tracks-known", {
    severity: "warn",
    description: "The model knows the tracks that are listened to in the newest week",
    reads: { model: modelChampion },
    run: (_, { model }) =>
      Effect.gen(function* () {
        const { tracks } = yield* Algorithms.decode(yield* model.bytes, model.manifest.parameters)
        return Signal.toCheck(yield* Signals.tracks(tracks, model.manifest.newestDay))
      })
  }),
  Asset.check("users-known", {
    severity: "warn",
    description: "Users have a history to recommend by",
    reads: { features, users },
    run: () => Effect.map(Signals.users, Signal.toCheck)
  }),
  Asset.check("clicked-as-before", {
    severity: "warn",
    description: "What the model recommends is not clicked on less than what the one before it did",
    reads: { model: modelChampion },
    run: (_, { model }) => Effect.map(Signals.clicks(model.version), Signal.toCheck)
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ids = ({ rows }: Table.Handle<{ readonly id: number }>) => Stream.runCollect(Stream.map(rows, ({ id }) => id))

type Row = typeof Recommendations.Type

/** A row for each item. */
const listed = (sql: SqlClient.SqlClient, table: Statement.Fragment) => sql`(
  select l.user_id, (item->>0)::bigint as track_id, (item->>2)::bigint as because_track_id
  from ${table} l cross join lateral json_array_elements(l.items) item)`

/** Of these users those whose recommendations would be what they are, and are what they were. */
const unchanged = Effect.fnUntraced(function* (
  standing: Table.Handle<Row>,
  basis: Basis.Basis,
  users: ReadonlyArray<number>
) {
  const wanted = new Set(users)
  const isSame = (row: Row) =>
    [basis.own(row.user_id), basis.filled(row.user_id)].some((from) => row.basis === Basis.seal(from, row.items))
  const kept = standing.rows.pipe(
    Stream.filter((row) => wanted.has(row.user_id) && isSame(row)),
    Stream.map(({ user_id }) => user_id)
  )
  return new Set(yield* Stream.runCollect(kept))
})

/** A list that is full of tracks with a reason owes nothing to popularity. */
const isFull = (items: Row["items"]) => items.length === size && items.every(([, , because]) => because !== null)
