/**
 * Runs an effect as an engine without WebAssembly would.
 * Leaves out whatever else such an engine lacks.
 */
import * as Effect from "effect/Effect"

const engine = globalThis as { WebAssembly?: unknown }

/** For this process, until the effect has ended. */
export const run = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const { WebAssembly } = engine
      engine.WebAssembly = undefined
      return WebAssembly
    }),
    () => effect,
    (WebAssembly) => Effect.sync(() => (engine.WebAssembly = WebAssembly))
  )
