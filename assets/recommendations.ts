import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { Asset, AssetCheck, Table } from "../runtime/index.ts"
import { features } from "./features.ts"
import { model } from "./model.ts"
import * as Interactions from "./recommender/Interactions.ts"
import * as ModelFile from "./recommender/ModelFile.ts"
import * as Recommender from "./recommender/Recommender.ts"
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
  codeVersion: "1",
  deps: { model, features, users, tracks },
  io: Table.make({
    table: "music.recommendations",
    schema: Recommendation,
    key: ["user_id", "rank"],
    indexes: [["track_id"], ["because_track_id"]]
  }),
  materialize: ({ features, model, tracks, users }) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const recommender = yield* Recommender.make({
          model: yield* ModelFile.decode(yield* model.bytes),
          history: yield* Interactions.collect(features.rows),
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
    run: Effect.fnUntraced(function* ({ table }) {
      const sql = yield* SqlClient.SqlClient
      const [row] = yield* sql<{ bad: number }>`select count(*)::integer as bad
        from ${table} r join music.features f on f.user_id = r.user_id and f.track_id = r.track_id`
      return row!.bad === 0 ? AssetCheck.pass() : AssetCheck.fail(`${row!.bad} recommended tracks were already played`)
    })
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ids = ({ rows }: Table.Handle<{ readonly id: number }>) => Stream.runCollect(Stream.map(rows, ({ id }) => id))
