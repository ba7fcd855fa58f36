/**
 * Everything that a project's assets may rely on and a run needs, put together.
 *
 * Leaves out what only some projects need: those are a project's resources.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Path from "node:path"
import * as BackfillLog from "./BackfillLog.ts"
import * as Blob from "./Blob.ts"
import * as EventLog from "./EventLog.ts"
import * as Executor from "./Executor.ts"
import * as IoManager from "./IoManager.ts"
import * as Json from "./Json.ts"
import * as MemoryTables from "./MemoryTables.ts"
import * as Quarantine from "./Quarantine.ts"
import * as Sql from "./Sql.ts"
import * as SqlBackfillLog from "./SqlBackfillLog.ts"
import * as SqlEventLog from "./SqlEventLog.ts"
import * as SqlFailure from "./SqlFailure.ts"
import * as SqlTables from "./SqlTables.ts"

const blobs = Layer.unwrap(Effect.map(Sql.home, (folder) => Blob.layer({ folder: Path.join(folder, "blobs") })))

const staging = Layer.effect(
  IoManager.Staging,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { collect } = yield* Blob.Blobs
    return IoManager.Staging.of({
      drop: (runId) =>
        SqlTables.dropStaging(runId).pipe(
          Effect.asVoid,
          Effect.provideService(SqlClient.SqlClient, sql),
          Effect.mapError(SqlFailure.toIoError("staging", "wipe"))
        ),
      collect: Effect.asVoid(collect)
    })
  })
)

const values = Layer.mergeAll(SqlTables.layer, Json.layer, Layer.provideMerge(staging, blobs))

/** Over a database that is already reached; see `Sql.layer`. */
export const layerSql = Executor.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(SqlEventLog.layer, SqlBackfillLog.layer, Quarantine.layer, values))
)

/** The configured database, or the embedded one, and blobs in the project's folder. */
export const layer = Layer.provideMerge(layerSql, Sql.layer)

/** What the assets of a project may ask for without bringing it along. */
export type Services = Layer.Success<typeof layer>

/** Nothing outside this process, and nothing after it. Bodies that ask for SQL do not fit. */
export const layerMemory = Executor.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      Layer.provideMerge(BackfillLog.layerMemory, EventLog.layerMemory),
      Quarantine.layerMemory,
      MemoryTables.layer,
      Json.layerMemory,
      Blob.layerMemory,
      Layer.succeed(IoManager.Staging, IoManager.Staging.of({ drop: () => Effect.void, collect: Effect.void }))
    )
  )
)
