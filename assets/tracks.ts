import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Asset, Table, TableCheck } from "../runtime/index.ts"
import * as Listing from "./source/Listing.ts"
import * as MusicApi from "./source/MusicApi.ts"
import * as Removal from "./source/Removal.ts"

export const Track = Schema.Struct({
  id: Table.Long,
  name: Schema.String,
  artist: Schema.String,
  songwriters: Schema.String,
  duration: Schema.String,
  genres: Schema.String,
  album: Schema.String,
  created_at: Schema.Date,
  updated_at: Schema.Date
})

/** What is listened to. Tracks that the API no longer shows are marked as removed. */
export const tracks = Asset.make("tracks", {
  description: "What is listened to",
  io: Table.merge({ table: "music.tracks", schema: Track, key: ["id"] }),
  materialize: (_, step) =>
    Stream.unwrap(
      Effect.map(MusicApi.MusicApi, (api) => Listing.into(step, api.tracks, Listing.mergedInto("music.tracks")))
    )
}).pipe(
  Asset.check(Removal.name, { blocking: true, run: Removal.run }),
  Asset.check("usual-for-weekday", { severity: "warn", ...TableCheck.usualForWeekday() }),
  Asset.quarantine(Listing.tolerance),
  Asset.recheckAfter({ cron: "0 0 * * *" }),
  Asset.retry(Listing.retry)
)
