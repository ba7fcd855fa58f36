/**
 * Threads that run kernels over one memory, each taking the next chunk of what there is to do.
 * Leaves out results: they are in the memory.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Os from "node:os"
import { Worker } from "node:worker_threads"
import * as Cooperative from "./Cooperative.ts"
import * as Kernels from "./Kernels.ts"
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

/**
 * As many as the machine runs at once, and none for a few chunks: they are done in less than the 80 ms of processor time that starting a thread
 * takes.
 */
export const suited = (chunks: number): number => Math.min(Os.availableParallelism(), Math.floor(chunks / 4))

/**
 * Starts the threads, which end with the scope; without any, kernels run on the calling thread, and interruption ends them between two chunks.
 * `scratch` is the offset of `scratchSize` bytes for each thread, or for the calling one.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly memory: Kernels.Memory
  readonly threads: number
  readonly scratch: number
  readonly scratchSize: number
}) {
  if (options.threads === 0) return onCallingThread(options.memory, options.scratch)
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

const onCallingThread = (memory: Kernels.Memory, scratch: number): KernelThreads => {
  const kernels = Kernels.instantiate(memory)
  return {
    run: ({ args, chunk, count, kernel }) =>
      Cooperative.forRange(Math.ceil(count / chunk), (index) =>
        kernels[kernel](index * chunk, Math.min(index * chunk + chunk, count), scratch, ...args)
      )
  }
}

/** Ends when all have ended. */
const terminate = (workers: ReadonlyArray<Worker>): Effect.Effect<void> =>
  Effect.promise(() => Promise.all(workers.map((worker) => worker.terminate())))
