/**
 * Threads that run kernels over one memory, each taking the next chunk of what there is to do.
 * Leaves out results: they are in the memory.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Os from "node:os"
import { Worker } from "node:worker_threads"
import type * as Kernels from "./Kernels.ts"
import type * as KernelThread from "./KernelThread.ts"

/** A thread ended before its work. */
export class KernelThreadFailed extends Schema.TaggedError<KernelThreadFailed>()("KernelThreadFailed", {
  reason: Schema.String
}) {
  override get message(): string {
    return `A thread that ran kernels has ended: ${this.reason}`
  }
}

export type Work = KernelThread.Work

/** Runs one kernel at a time on all threads. */
export interface KernelThreads {
  /** Interruption ends the threads at once, and with them this value. */
  readonly run: (work: Work) => Effect.Effect<void, KernelThreadFailed>
}

/** As many as the machine runs at once, and no more than there are chunks: starting a thread takes 80 ms. */
export const suited = (chunks: number): number => Math.max(1, Math.min(Os.availableParallelism(), chunks))

/**
 * Starts the threads, which end with the scope. `scratch` is the offset of `scratchSize` bytes for each of them.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly memory: Kernels.Memory
  readonly threads: number
  readonly scratch: number
  readonly scratchSize: number
}) {
  if (!(options.threads >= 1))
    return yield* Effect.die(new RangeError(`there must be a thread, not ${options.threads}`))
  const counter = new Int32Array(options.memory.buffer, 0, 1)
  let failure: KernelThreadFailed | undefined
  let settle: (failure?: KernelThreadFailed) => void = () => {}
  const fail = (reason: string) => {
    failure ??= new KernelThreadFailed({ reason })
    settle(failure)
  }
  const start = (index: number) => {
    const workerData = { memory: options.memory, scratch: options.scratch + index * options.scratchSize }
    const worker = new Worker(new URL("./KernelThread.ts", import.meta.url), { workerData, execArgv: [] })
    worker.on("error", (error) => fail(String(error)))
    worker.on("exit", (code) => fail(`exit code ${code}`))
    worker.on("message", () => settle())
    return worker
  }
  const workers = yield* Effect.acquireRelease(
    Effect.sync(() => Array.from({ length: options.threads }, (_, index) => start(index))),
    terminate
  )
  const run = (work: Work) =>
    Effect.callback<void, KernelThreadFailed>((resume) => {
      let busy = workers.length
      settle = (failure) => {
        if (failure !== undefined) resume(Effect.andThen(terminate(workers), Effect.fail(failure)))
        else if (--busy === 0) resume(Effect.void)
      }
      if (failure !== undefined) return settle(failure)
      Atomics.store(counter, 0, 0)
      for (const worker of workers) worker.postMessage(work)
      return terminate(workers)
    })
  return { run } satisfies KernelThreads
})

// internal ------------------------------------------------------------------------------------------------------------------------

/** Ends when all have ended. */
const terminate = (workers: ReadonlyArray<Worker>): Effect.Effect<void> =>
  Effect.promise(() => Promise.all(workers.map((worker) => worker.terminate())))
