/**
 * Items that arrived and could not become rows, with the reason, kept for the person who asks the source's owner.
 *
 * How many are too many is the Executor's to decide.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { Rejected } from "./Asset.ts"
import * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"

/** The attempt that rejected them; a later attempt of the same run starts with none. */
export interface Attempt extends Partition.Ref {
  readonly runId: string
  readonly attempt: number
}

export class Quarantine extends Context.Service<
  Quarantine,
  {
    readonly add: (attempt: Attempt, items: ReadonlyArray<Rejected>) => Effect.Effect<void, IoManager.IoError>
    /** Forgets what earlier attempts of this run rejected. */
    readonly clear: (attempt: Attempt) => Effect.Effect<void, IoManager.IoError>
    readonly items: (ref: Partition.Ref) => Effect.Effect<ReadonlyArray<Rejected>, IoManager.IoError>
  }
>()("assets/Quarantine") {}

/** Keeps items in `assets.quarantine`. */
export const layer: Layer.Layer<Quarantine, never, SqlClient.SqlClient> = Layer.effect(
  Quarantine,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return Quarantine.of({
      add: (attempt, items) =>
        sql`insert into assets.quarantine (run_id, asset, partition, attempt, at, reason, item)
          select ${attempt.runId}, ${attempt.asset}, ${attempt.partition ?? ""}, ${attempt.attempt}, now()::text, i ->> 'reason', i -> 'item'
          from jsonb_array_elements(${storable(items)}::text::jsonb) i`.pipe(failed(attempt, "stage")),
      clear: (attempt) =>
        sql`delete from assets.quarantine where run_id = ${attempt.runId} and asset = ${attempt.asset}
          and partition = ${attempt.partition ?? ""} and attempt < ${attempt.attempt}`.pipe(failed(attempt, "stage")),
      items: (ref) =>
        sql<{ item: unknown; reason: string }>`select item, reason from assets.quarantine
          where asset = ${ref.asset} and partition = ${ref.partition ?? ""} order by id`.pipe(
          Effect.mapError((error) => unavailable(ref, "load", error))
        )
    })
  })
)

export const layerMemory: Layer.Layer<Quarantine> = Layer.sync(Quarantine, () => {
  let kept: ReadonlyArray<{ readonly attempt: Attempt; readonly rejected: Rejected }> = []
  const sameSlice = (a: Partition.Ref, b: Partition.Ref) => a.asset === b.asset && a.partition === b.partition
  return Quarantine.of({
    add: (attempt, items) =>
      Effect.sync(() => void (kept = [...kept, ...items.map((rejected) => ({ attempt, rejected }))])),
    clear: (attempt) =>
      Effect.sync(() => {
        kept = kept.filter(
          (item) =>
            !sameSlice(item.attempt, attempt) ||
            item.attempt.runId !== attempt.runId ||
            item.attempt.attempt >= attempt.attempt
        )
      }),
    items: (ref) =>
      Effect.sync(() => kept.filter((item) => sameSlice(item.attempt, ref)).map(({ rejected }) => rejected))
  })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// jsonb refuses NUL and halves of surrogate pairs, which an item may hold precisely because it is broken.
const refused = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g

const storable = (items: ReadonlyArray<Rejected>) =>
  JSON.stringify(items.map(({ item, reason }) => ({ item: item ?? null, reason }))).replaceAll(refused, "$1\\ufffd")

const unavailable = (ref: Partition.Ref, operation: "stage" | "load", cause: unknown) =>
  new IoManager.IoError({
    asset: ref.asset,
    operation,
    detail: "assets.quarantine could not be reached",
    retryable: true,
    cause
  })

const failed =
  (ref: Partition.Ref, operation: "stage" | "load") =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<void, IoManager.IoError> =>
    Effect.mapError(Effect.asVoid(effect), (error) => unavailable(ref, operation, error))
