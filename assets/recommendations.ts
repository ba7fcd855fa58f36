import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Asset, Table, TableCheck } from "../runtime/index.ts"
import { features } from "./features.ts"
import { modelChampion } from "./model_champion.ts"
import * as Algorithms from "./recommender/Algorithms.ts"
import * as Recommender from "./recommender/Recommender.ts"
import * as Signals from "./recommender/Signals.ts"
import * as StoredListens from "./recommender/StoredListens.ts"
import { tracks } from "./tracks.ts"
import { users } from "./users.ts"

export const Recommendation = Schema.Struct({
  user_id: Table.Long,
  rank: Schema.Int,
  track_id: Table.Long,
  score: Schema.Finite,
  because_track_id: Schema.NullOr(Table.Long),
  model_version: Schema.String
})

const size = 15

/** What each user may like next, best first. */
export const recommendations = Asset.make("recommendations", {
  description: "What each user may like next, best first, and because of which track",
  deps: { model: modelChampion, features, users, tracks },
  io: Table.make({
    table: "music.recommendations",
    schema: Recommendation,
    key: ["user_id", "rank"],
    indexes: [["track_id"], ["because_track_id"]]
  }),
  materialize: ({ model, tracks, users }) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const recommender = yield* Recommender.make({
          model: yield* Algorithms.decode(yield* model.bytes, model.manifest.parameters),
          history: yield* StoredListens.features(model.manifest.recency),
          catalogue: yield* ids(tracks)
        })
        return Recommender.stream(recommender, yield* ids(users), size).pipe(
          Stream.map((recommendation) => ({ ...recommendation, model_version: model.version }))
        )
      })
    )
}).pipe(
  Asset.check("nothing-played", {
    blocking: true,
    description: "No user is recommended a track he already played",
    reads: { features },
    ...TableCheck.noRows<{ readonly features: Table.Handle<unknown> }>(
      ({ table }, sql, { features }) => sql`select r.user_id, r.rank, r.track_id
        from ${table} r join ${features.table} f on f.user_id = r.user_id and f.track_id = r.track_id`
    )
  }),
  Asset.check("ranks-in-range", { blocking: true, ...TableCheck.within("rank", { min: 1, max: size }) }),
  Asset.check("tracks-once", { blocking: true, ...TableCheck.unique("user_id", "track_id") }),
  Asset.check("tracks-shown", TableCheck.references({ column: "track_id", to: tracks, key: "id" })),
  Asset.check("users-shown", TableCheck.references({ column: "user_id", to: users, key: "id" })),
  Asset.check("listening-as-learnt", {
    severity: "warn",
    description: "The newest week is listened to as what the model learnt from, over deciles of popularity",
    reads: { model: modelChampion },
    run: (_, { model }) => Signals.listening(model.manifest)
  }),
  Asset.check("tracks-known", {
    severity: "warn",
    description: "The model knows the tracks that are listened to in the newest week",
    reads: { model: modelChampion },
    run: (_, { model }) => Signals.tracks(model)
  }),
  Asset.check("users-known", {
    severity: "warn",
    description: "Users have a history to recommend by",
    reads: { features, users },
    run: () => Signals.users
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ids = ({ rows }: Table.Handle<{ readonly id: number }>) => Stream.runCollect(Stream.map(rows, ({ id }) => id))
