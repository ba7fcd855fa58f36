/**
 * One of the threads of `KernelThreads`: does the chunks of a work that no other has taken, and says when none is left.
 * Leaves out failure: what a kernel throws ends the thread.
 */
import { parentPort, workerData } from "node:worker_threads"
import * as Kernels from "./Kernels.ts"

/** A kernel to be run over 0 to `count`, in chunks of `chunk`. */
export interface Work {
  readonly kernel: Exclude<keyof Kernels.Kernels, "scoreTracks" | "solve">
  readonly count: number
  readonly chunk: number
  readonly args: ReadonlyArray<number>
}

const { memory, scratch } = workerData as { readonly memory: Kernels.Memory; readonly scratch: number }
const kernels = Kernels.instantiate(memory)
const counter = new Int32Array(memory.buffer, 0, 1)

parentPort!.on("message", ({ args, chunk, count, kernel }: Work) => {
  for (;;) {
    const from = Atomics.add(counter, 0, 1) * chunk
    if (from >= count) break
    kernels[kernel](from, Math.min(from + chunk, count), scratch, ...args)
  }
  parentPort!.postMessage(null)
})
