/**
 * Whether and when a step is tried again: its asset's typed policy for failures, a fixed bound for dependencies that
 * moved while it computed.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { RetryPolicy } from "./Asset.ts"
import * as AttemptError from "./AttemptError.ts"

/** The answers are milliseconds to wait before the next attempt, or undefined when there is none. */
export interface Retry {
  readonly afterFailure: (cause: Cause.Cause<unknown>) => Effect.Effect<number | undefined>
  readonly afterMove: Effect.Effect<number | undefined>
}

/** How often a step starts again because a dependency was published while it computed. */
const mostMoves = 5

export const make = Effect.fnUntraced(function* (policy: RetryPolicy<never> | undefined) {
  let failures = 0
  let moves = 0
  const next = policy === undefined ? undefined : yield* Schedule.toStep(policy.schedule)
  const retry: Retry = {
    afterFailure: (cause) =>
      Effect.gen(function* () {
        const error = Cause.findErrorOption(cause)
        if (policy === undefined || next === undefined || Option.isNone(error) || Cause.hasDies(cause)) return undefined
        if (++failures > policy.times || !(yield* mayPass(policy, error.value))) return undefined
        return yield* next(yield* Clock.currentTimeMillis, error.value).pipe(
          Effect.map(([, delay]) => Math.round(Duration.toMillis(delay))),
          Pull.catchDone(() => Effect.succeed(undefined))
        )
      }),
    afterMove: Effect.sync(() => (++moves > mostMoves ? undefined : 0))
  }
  return retry
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The runtime's own errors are judged by the runtime. A policy that throws has not asked for another attempt. */
const mayPass = (policy: RetryPolicy<never>, error: unknown): Effect.Effect<boolean> =>
  Effect.sync(() => AttemptError.isPassing(error) ?? policy.while(error as never)).pipe(
    Effect.catchDefect(() => Effect.succeed(false))
  )
