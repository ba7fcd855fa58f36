/**
 * Long computations that share the event loop: a loop that lets timers, sockets and signals through every few milliseconds.
 * Leaves out threads: the work still runs on the calling one.
 */
import * as Effect from "effect/Effect"

/**
 * Calls `body` with 0 to `count - 1` in order, yielding to the event loop after each slice of 10 ms and once at the end, so that a caller
 * who loops over short ranges yields as well. Interruption takes effect between two calls.
 */
export const forRange = Effect.fnUntraced(function* (count: number, body: (index: number) => void) {
  let sliceStart = performance.now()
  for (let index = 0; index < count; index++) {
    body(index)
    if (performance.now() - sliceStart > sliceMillis) {
      yield* Effect.yieldNow
      sliceStart = performance.now()
    }
  }
  yield* Effect.yieldNow
})

/** The same for bodies so short that looking at the clock between them would cost more than they do. */
export const forEachIndex = (count: number, body: (index: number) => void): Effect.Effect<void> =>
  forRange(Math.ceil(count / blockSize), (block) => {
    const end = Math.min(count, (block + 1) * blockSize)
    for (let index = block * blockSize; index < end; index++) body(index)
  })

// internal ------------------------------------------------------------------------------------------------------------------------

const blockSize = 16_384
const sliceMillis = 10
