import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Cooperative from "../../assets/recommender/Cooperative.ts"

describe("a cooperative loop", () => {
  it.effect("calls its body once for each index, in order", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      yield* Cooperative.forRange(4, (index) => seen.push(index))
      assert.deepStrictEqual(seen, [0, 1, 2, 3])
    })
  )

  it.effect("can be interrupted long before its end", () =>
    Effect.gen(function* () {
      let calls = 0
      const fiber = yield* Effect.forkChild(Cooperative.forRange(Number.MAX_SAFE_INTEGER, () => calls++))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.isAbove(calls, 0)
    })
  )

  it.effect("lets the event loop turn while it runs", () =>
    Effect.gen(function* () {
      let turned = false
      let callsAfterTurn = 0
      setImmediate(() => (turned = true))
      yield* Cooperative.forRange(20, () => {
        if (turned) callsAfterTurn++
        const start = performance.now()
        while (performance.now() - start < 1);
      })
      assert.isAbove(callsAfterTurn, 0)
    })
  )

  it.effect("lets the event loop turn at its end, however short it was", () =>
    Effect.gen(function* () {
      let turned = false
      setImmediate(() => (turned = true))
      yield* Cooperative.forRange(1, () => {})
      assert.isTrue(turned)
    })
  )
})
