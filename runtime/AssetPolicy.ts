/**
 * How an asset is run, apart from what it is: when it is tried again, asked again, refused, and taken for the same.
 *
 * Who acts on it is the executor, and `Staleness`.
 */
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"

/** At most `times` retries, spaced by `schedule`, of failures for which `while` holds. */
export interface RetryPolicy<in E> {
  readonly times: number
  readonly schedule: Schedule.Schedule<unknown>
  readonly while: (error: E) => boolean
}

export type RecheckAfter =
  | { readonly _tag: "Duration"; readonly duration: Duration.Duration }
  | { readonly _tag: "Cron"; readonly expression: string; readonly cron: Cron.Cron }

/** A step fails when it sets aside at least `atLeast` items that are more than `share` of those seen. */
export interface QuarantineLimit {
  readonly share: number
  readonly atLeast: number
}

/** Whether a value that is published and one that is staged mean the same. */
export type Cutoff = (old: never, next: never) => Effect.Effect<boolean, unknown, unknown>

export const cutoff =
  <C, E, R>(isSame: (old: C, next: C) => boolean | Effect.Effect<boolean, E, R>): Cutoff =>
  (old, next) => {
    const answer = isSame(old, next)
    return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
  }

/** Fails with what is wrong, in words. */
export const recheckAfter = (when: Duration.Input | { readonly cron: string }): Result.Result<RecheckAfter, string> => {
  if (typeof when !== "object" || !("cron" in when)) {
    return Result.succeed({ _tag: "Duration", duration: Duration.fromInputUnsafe(when) })
  }
  const { cron: expression } = when
  return Result.match(Cron.parse(expression, "UTC"), {
    onFailure: (error) => Result.fail(`bad cron "${expression}": ${error.message}`),
    onSuccess: (cron) =>
      everComes(cron)
        ? Result.succeed({ _tag: "Cron" as const, expression, cron })
        : Result.fail(`the cron "${expression}" names no moment that ever comes`)
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// The thirtieth of February parses, and throws when it is asked for.
const everComes = (cron: Cron.Cron): boolean => Result.isSuccess(Result.try(() => Cron.next(cron, 0)))
