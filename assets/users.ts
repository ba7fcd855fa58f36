import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Asset, Table, TableCheck } from "../runtime/index.ts"
import * as Erased from "./source/Erased.ts"
import * as Listing from "./source/Listing.ts"
import * as MusicApi from "./source/MusicApi.ts"
import * as Removal from "./source/Removal.ts"

export const User = Schema.Struct({
  id: Table.Long,
  first_name: Schema.String,
  last_name: Schema.String,
  email: Schema.String,
  gender: Schema.String,
  favorite_genres: Schema.String,
  created_at: Schema.Date,
  updated_at: Schema.Date
})

/** Who listens. Users that the API no longer shows are marked as removed. */
export const users = Asset.make("users", {
  description: "Who listens",
  io: Table.merge({ table: "music.users", schema: User, key: ["id"] }),
  materialize: (_, step) =>
    Stream.unwrap(
      Effect.map(MusicApi.MusicApi, (api) => {
        const listed = Erased.leftOut(api.users, ({ id }) => id)
        return Listing.into(step, listed, Listing.mergedInto("music.users"))
      })
    )
}).pipe(
  Asset.check(Removal.name, { blocking: true, run: Removal.run }),
  Asset.check("usual-for-weekday", { severity: "warn", ...TableCheck.usualForWeekday() }),
  Asset.quarantine(Listing.tolerance),
  Asset.recheckAfter({ cron: "0 0 * * *" }),
  Asset.retry(Listing.retry)
)
