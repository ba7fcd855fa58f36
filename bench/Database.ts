/**
 * A PostgreSQL of a bench's own, durable as the embedded one always is, and gone when the bench is done.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EmbeddedPostgres from "../runtime/EmbeddedPostgres.ts"
import * as Sql from "../runtime/Sql.ts"
import * as Folder from "./Folder.ts"

export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const server = yield* EmbeddedPostgres.connect({ folder: yield* Folder.home })
    return Sql.fromConfig(server, "the bench's own PostgreSQL")
  })
)
