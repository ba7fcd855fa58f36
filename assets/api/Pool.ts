/** Every track that the source shows, to draw from. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { Published } from "../../runtime/index.ts"
import * as IdTable from "../recommender/IdTable.ts"
import { tracks } from "../tracks.ts"

/** `undefined` until there are tracks. */
export class InForce extends Context.Service<InForce, () => Published.Kept<IdTable.IdTable> | undefined>()(
  "music/Pool/InForce"
) {}

export const layer = Layer.effect(
  InForce,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* Published.keep(tracks, ({ table }) =>
      Effect.map(sql<{ readonly id: bigint }>`select t.id from ${table} t`, (rows) =>
        IdTable.fromIds(rows.map(({ id }) => Number(id)))
      )
    )
  })
)
