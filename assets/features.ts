import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Schema from "effect/Schema"
import { Asset, Table, TableCheck } from "../runtime/index.ts"
import { listenHistory } from "./listen_history.ts"
import { tracks } from "./tracks.ts"
import { users } from "./users.ts"

export const UserTrackFeature = Schema.Struct({
  user_id: Table.Long,
  track_id: Table.Long,
  plays: Schema.Int,
  last_day: Table.Day,
  weight: Schema.Finite
})

const weighPlays = Fs.readFileSync(new URL("../sql/music/weigh_plays.sql", import.meta.url), "utf8")

/** How often each user played each track, newest plays weighing most. */
export const features = Asset.make("features", {
  description: "How often each user played each track, newest plays weighing most",
  deps: { users, tracks, listenHistory },
  io: Table.make({
    table: "music.features",
    schema: UserTrackFeature,
    key: ["user_id", "track_id"],
    indexes: [["track_id"]]
  }),
  materialize: () => Effect.succeed(Table.query(weighPlays))
}).pipe(
  Asset.check("weights-positive", {
    blocking: true,
    ...TableCheck.noRows(({ table }, sql) => sql`select * from ${table} f where f.weight <= 0`)
  })
)
