/**
 * What users were shown, on its way into the database: written in batches after the answers, so that no answer waits for it.
 *
 * Written within a second, and at the latest when the service ends, the same answer once however often and by however many
 * services it is given. A process that is killed loses what it had not written; what the database refuses or is too slow for
 * is counted, logged, and recorded when the same answer is given again.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import { Report } from "../../runtime/index.ts"

/** An answer to a user, with the tracks, their origins and their propensities by place. */
export interface Exposure {
  readonly user_id: number
  /** ISO 8601. */
  readonly as_of: string
  readonly model_version: string
  /** ISO 8601. */
  readonly at: string
  /** By experiment. */
  readonly arms: Readonly<Record<string, string>>
  readonly tracks: ReadonlyArray<number>
  readonly origins: ReadonlyArray<string>
  readonly propensities: ReadonlyArray<number>
}

export class Exposures extends Context.Service<Exposures, { readonly record: (exposure: Exposure) => void }>()(
  "music/Exposures"
) {}

export const layer = Layer.effect(
  Exposures,
  Effect.gen(function* () {
    const { flush, forget, record, some } = makeQueue(yield* SqlClient.SqlClient)
    yield* Effect.addFinalizer(() =>
      Effect.timeoutOrElse(Effect.interruptible(flush), { duration: "5 seconds", orElse: () => forget })
    )
    yield* Effect.gen(function* () {
      yield* some.await
      yield* some.close
      yield* flush
      // So that the next statement takes many at once.
      yield* Effect.sleep("250 millis")
    }).pipe(Effect.forever, Effect.forkScoped)
    return Exposures.of({ record })
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** `some` opens when something is recorded; `forget` gives up what was not written. */
const makeQueue = (sql: SqlClient.SqlClient) => {
  const waiting: Array<Exposure> = []
  const some = Latch.makeUnsafe()
  /** What each user was shown last. */
  const shown = new Map<number, string>()
  let dropped = 0

  const drop = (exposures: ReadonlyArray<Exposure>) => {
    for (const { user_id } of exposures) shown.delete(user_id)
    dropped += exposures.length
  }

  const tellDropped = Effect.suspend(() => {
    const told = `what was shown in ${Report.count(dropped, "answer")} was not recorded`
    if (dropped === 0) return Effect.void
    dropped = 0
    return Effect.logWarning(told)
  })

  const write = (batch: ReadonlyArray<Exposure>) =>
    sql.unsafe(recordAnswers, [JSON.stringify(batch)]).pipe(
      // A user who is erased meanwhile fails the whole batch, and is left out by the next try.
      Effect.retry({ times: 2, schedule: Schedule.spaced("100 millis") }),
      Effect.catchCause((cause) => {
        if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
        drop(batch)
        return Effect.logWarning("exposures could not be recorded", cause)
      })
    )

  const flush = Effect.gen(function* () {
    // What comes meanwhile has its turn the next time.
    for (let left = waiting.length; left > 0; left -= batchSize) {
      const batch = waiting.slice(0, Math.min(left, batchSize))
      yield* write(batch)
      // Not before: what is interrupted is written again, which makes no difference.
      waiting.splice(0, batch.length)
    }
    yield* tellDropped
  }).pipe(Effect.withSpan("Exposures.flush"))

  const record = (exposure: Exposure) => {
    const answer = `${exposure.as_of} ${exposure.model_version} ${exposure.tracks.join(" ")}`
    if (shown.get(exposure.user_id) === answer) return
    if (waiting.length >= mostWaiting) return drop([exposure])
    waiting.push(exposure)
    some.openUnsafe()
    if (shown.size >= mostRemembered) shown.clear()
    shown.set(exposure.user_id, answer)
  }

  const forget = Effect.suspend(() => {
    drop(waiting)
    return tellDropped
  })

  return { some, flush, record, forget }
}

const recordAnswers = Fs.readFileSync(new URL("../../sql/music/record_answers.sql", import.meta.url), "utf8")

/** Answers in one statement. */
const batchSize = 200

/** Answers: some seconds of as many as the service can give. */
const mostWaiting = 10_000

/** Users: some 5 MB. */
const mostRemembered = 20_000
