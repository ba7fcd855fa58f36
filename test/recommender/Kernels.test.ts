import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Fs from "node:fs"
import type { Worker } from "node:worker_threads"
import * as Ials from "../../assets/recommender/Ials.ts"
import * as Interactions from "../../assets/recommender/Interactions.ts"
import * as KernelMemory from "../../assets/recommender/KernelMemory.ts"
import * as Kernels from "../../assets/recommender/Kernels.ts"
import * as KernelThreads from "../../assets/recommender/KernelThreads.ts"
import { compile } from "../../assets/recommender/kernels/build.ts"
import * as Listens from "./Listens.ts"

/** Threads that were started since, and of them those that have exited. */
const watched = Effect.acquireRelease(
  Effect.sync(() => {
    const started: Array<Worker> = []
    const exited: Array<Worker> = []
    const onWorker = (worker: Worker) => {
      started.push(worker)
      worker.once("exit", () => exited.push(worker))
    }
    process.on("worker", onWorker)
    return { started, exited, onWorker }
  }),
  ({ onWorker }) => Effect.sync(() => process.off("worker", onWorker))
)

const twoThreads = Effect.gen(function* () {
  const layout = new KernelMemory.Layout()
  const scratchSize = Kernels.scratchSize(8)
  const scratch = layout.bytes(2 * scratchSize)
  const room = layout.words(2 ** 20)
  const memory = yield* KernelMemory.allocate(layout)
  const threads = yield* KernelThreads.make({ memory, threads: 2, scratch, scratchSize })
  return { memory, room, threads, counter: new Int32Array(memory.buffer, 0, 1) }
})

/** Two chunks that add up the same number for a minute. */
const endless = (room: number): KernelThreads.Work => ({
  kernel: "gramSum",
  count: 8,
  chunk: 4,
  args: [room, 2 ** 31 - 1, 0, 1, room]
})

describe("the kernels", () => {
  it("are what their sources compile to", async () => {
    const committed = Fs.readFileSync(new URL("../../assets/recommender/kernels/kernels.wasm", import.meta.url))
    assert.isTrue(committed.equals(await compile()), "run `npm run kernels` and commit kernels.wasm")
  })
})

describe("threads that run kernels", () => {
  it.effect("have ended when the scope has", () =>
    Effect.gen(function* () {
      const { exited, started } = yield* watched
      yield* Effect.scoped(
        Effect.flatMap(twoThreads, ({ room, threads }) =>
          threads.run({ kernel: "gramSum", count: 8, chunk: 1, args: [room, 16, 8, 1, room + 65_536] })
        )
      )
      assert.strictEqual(started.length, 2)
      assert.isTrue(started.every((worker) => exited.includes(worker)))
    })
  )

  it.effect("have ended when an interruption in the middle of a kernel has", () =>
    Effect.gen(function* () {
      const { exited, started } = yield* watched
      const { counter, room, threads } = yield* twoThreads
      const fiber = yield* Effect.forkChild(threads.run(endless(room)))
      while (Atomics.load(counter, 0) < 2) yield* Effect.yieldNow
      assert.strictEqual(exited.length, 0)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.isTrue(started.every((worker) => exited.includes(worker)))
      const error = yield* Effect.flip(threads.run(endless(room)))
      assert.strictEqual(error.message, "A thread that ran kernels has ended: exit code 1")
    })
  )

  it.effect("have ended when fitting was interrupted between two epochs or within one", () =>
    Effect.gen(function* () {
      const { exited, started } = yield* watched
      const interactions = yield* Interactions.fromEntries(Listens.plays({ 1: [1, 2], 2: [2, 3] }))
      const first = yield* Deferred.make<void>()
      const onEpoch = () => Deferred.succeed(first, undefined)
      const parameters = { ...Ials.defaults, epochs: Number.MAX_SAFE_INTEGER }
      const fiber = yield* Effect.forkChild(Ials.fit(interactions, parameters, { seed: 1, threads: 2, onEpoch }))
      yield* Deferred.await(first)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(started.length, 2)
      assert.isTrue(started.every((worker) => exited.includes(worker)))
    })
  )

  it.effect("fail with what a kernel threw, and end", () =>
    Effect.gen(function* () {
      const { exited, started } = yield* watched
      const { memory, room, threads } = yield* twoThreads
      const beyond = memory.buffer.byteLength
      const error = yield* Effect.flip(
        threads.run({ kernel: "gramSum", count: 8, chunk: 1, args: [beyond, 16, 8, 1, room] })
      )
      assert.include(error.message, "memory access out of bounds")
      assert.isTrue(started.every((worker) => exited.includes(worker)))
    })
  )

  it.effect("fail when one of them disappears, and end", () =>
    Effect.gen(function* () {
      const { exited, started } = yield* watched
      const { counter, room, threads } = yield* twoThreads
      const fiber = yield* Effect.forkChild(Effect.flip(threads.run(endless(room))))
      while (Atomics.load(counter, 0) < 2) yield* Effect.yieldNow
      yield* Effect.promise(() => started[0]!.terminate())
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "KernelThreadFailed")
      assert.isTrue(started.every((worker) => exited.includes(worker)))
    })
  )
})

describe("the kernels' memory", () => {
  it.effect("is refused above what they can address, with what would be needed", () =>
    Effect.gen(function* () {
      const layout = new KernelMemory.Layout()
      layout.words(1.5 * 2 ** 30)
      const error = yield* Effect.flip(KernelMemory.allocate(layout))
      assert.strictEqual(
        error.message,
        "The kernels need 6.0 GiB of memory: they can address 4. Fewer dimensions or interactions need less."
      )
    })
  )

  it.effect("is counted up before fitting takes any", () =>
    Effect.gen(function* () {
      const { rows, users } = yield* Interactions.fromEntries([])
      const interactions = { users, tracks: new Float64Array(4_300_000), rows }
      const error = yield* Effect.flip(Ials.fit(interactions, { ...Ials.defaults, dimensions: 256 }, { seed: 1 }))
      assert.match(error.message, /^The kernels need 4\.2 GiB of memory/)
    })
  )

  it.effect("is handed out in cache lines, and never from 0", () =>
    Effect.sync(() => {
      const layout = new KernelMemory.Layout()
      assert.deepStrictEqual([layout.words(1), layout.bytes(65), layout.words(16), layout.size], [64, 128, 256, 320])
    })
  )
})
