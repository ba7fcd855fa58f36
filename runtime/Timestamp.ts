/**
 * Moments as events state them: ISO 8601 in UTC, by the runtime's clock.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Formatting takes longer than anything else a trivial step does, so steps of one millisecond share the text. */
export const now: Effect.Effect<string> = Effect.map(Clock.currentTimeMillis, (millis) => {
  if (millis !== last.millis) last = { millis, text: new Date(millis).toISOString() }
  return last.text
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

let last = { millis: 0, text: new Date(0).toISOString() }
