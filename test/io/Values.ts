/** Values of assets that no other test has, with what the runtime does with them. */
import * as Crypto from "node:crypto"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Stream from "effect/Stream"
import type * as IoManager from "../../runtime/IoManager.ts"

let taken = 0

/** An asset of its own, kept as `declare` says. */
export const slot = Effect.fnUntraced(function* <Input, Element, Handle, Handles, Candidate, R, RangeInput>(
  declare: (asset: string) => IoManager.Io<Input, Element, Handle, Handles, Candidate, R, RangeInput>,
  partition: string | null = null
) {
  taken += 1
  const asset = `asset_${taken}`
  const runId = Crypto.randomUUID()
  const ref = { asset, partition }
  const store = yield* declare(asset).store({ key: asset, partitioned: partition !== null })
  const stage = <E = never>(input: Input | Stream.Stream<Element, E>, key = partition) =>
    store.stage<E>({ asset, partition: key, runId }, input)
  const stageRange = <E = never>(partitions: ReadonlyArray<string>, input: RangeInput | Stream.Stream<Element, E>) =>
    store.stageRange!<E>({ asset, partitions, runId }, input)
  return {
    asset,
    ref,
    runId,
    stageRange,
    store,
    stage,
    /** Answers with the digest. */
    publish: <E = never>(input: Input | Stream.Stream<Element, E>, key = partition) =>
      Effect.scoped(
        Effect.flatMap(stage(input, key), (staged) => Effect.as(inTransaction(staged.publish), staged.digest))
      ),
    load: (version: string) => store.load({ ...ref, version }),
    digest: Effect.suspend(() => store.digest(ref))
  }
})

/** As the runtime publishes: in a transaction where there is a database. */
export const inTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.flatMap(Effect.serviceOption(SqlClient.SqlClient), (sql) =>
    Option.isNone(sql) ? effect : sql.value.withTransaction(effect)
  )
