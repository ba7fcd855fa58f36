/**
 * Rows that must go, such as those of a person who asks for it: deleted with all that refers to them, in tables of assets
 * and others, while what is recorded stays true.
 *
 * How it is done is `ErasureRun`'s; what keeps such rows from being taken in again is the project's.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Statement from "effect/sql/Statement"
import type * as Definitions from "./Definitions.ts"
import type { EventLogError } from "./EventLog.ts"
import type { IoError } from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import type * as Runtime from "./Runtime.ts"

/** The rows to delete; foreign keys that delete or unset by cascade say what goes with them. */
export interface Request {
  /** With its schema, `music.users`. */
  readonly table: string
  /** A condition in SQL. */
  readonly where: Statement.Fragment
}

export interface Erased {
  readonly runId: string
  /** What has a new version now, without those rows. */
  readonly slices: ReadonlyArray<Partition.Ref>
}

export class Erasure extends Context.Service<
  Erasure,
  {
    /** Nothing when there are no such rows. Repeating it does no harm. */
    readonly erase: (request: Request) => Effect.Effect<Option.Option<Erased>, EventLogError | IoError>
  }
>()("assets/Erasure") {}

/** Of the assets of these definitions. */
export const layer = (definitions: Definitions.Definitions): Layer.Layer<Erasure, never, Runtime.Services> =>
  Layer.effect(
    Erasure,
    Effect.gen(function* () {
      const ErasureRun = yield* Effect.promise(() => import("./ErasureRun.ts"))
      const within = Effect.provideContext(yield* Effect.context<Runtime.Services>())
      return { erase: (request) => within(ErasureRun.run(definitions, request)) }
    })
  )
