/**
 * How fast requests may start: a rate with a small burst, and a common pause when the server asks for one.
 *
 * It delays, it never refuses. How many requests run at once is not its concern.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface Pace {
  /** Waits until one more request may start. */
  readonly wait: Effect.Effect<void>
  /** Lets no request start for this long from now. */
  readonly pause: (millis: number) => Effect.Effect<void>
}

/** At most `perSecond` starts a second in the long run, and `burst` at once after idling. */
export const make = (options: { readonly perSecond: number; readonly burst: number }): Pace => {
  const interval = 1000 / options.perSecond
  const tolerance = interval * (options.burst - 1)
  // The generic cell rate algorithm: each start moves this forward by one interval.
  let theoretical = 0
  let pausedUntil = 0

  const resume: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    pausedUntil > now ? Effect.andThen(Effect.sleep(pausedUntil - now), resume) : Effect.void
  )

  return {
    wait: Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const delay = theoretical - tolerance - now
      theoretical = Math.max(theoretical, now) + interval
      return delay > 0 ? Effect.andThen(Effect.sleep(delay), resume) : resume
    }),
    pause: (millis) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        pausedUntil = Math.max(pausedUntil, now + millis)
      })
  }
}
