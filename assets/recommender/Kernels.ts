/**
 * The compiled kernels of `kernels/`, over memory that threads share. It imports nothing, as every thread loads it.
 * Leaves out where things are in memory, which is the caller's.
 */
import * as Fs from "node:fs"

/** Memory of a fixed size, in pages of 64 KiB. */
export interface Memory {
  readonly buffer: SharedArrayBuffer
}

/**
 * Handles `from` to `to` of what there is to do, with scratch memory of the thread's own. Pointers are byte offsets, 0 for what is left
 * out; what each kernel takes stands in its source.
 */
export type Kernel = (from: number, to: number, scratch: number, ...args: ReadonlyArray<number>) => void

export interface Kernels {
  readonly cholesky: Kernel
  readonly conjugateGradient: Kernel
  readonly gramParts: Kernel
  readonly gramSum: Kernel
  readonly packTracks: Kernel
  readonly topTracks: Kernel
  /** (user, packed tracks, number of tracks, dimensions, scores) */
  readonly scoreTracks: (...args: ReadonlyArray<number>) => void
  /** (factorised matrix, inverses of its diagonal, vector, dimensions) */
  readonly solve: (...args: ReadonlyArray<number>) => void
}

/** The parts that a Gram matrix is summed in, so that its rounding does not depend on the number of threads. */
export const gramParts = 16

/** Bytes of scratch memory that every kernel gets by with. */
export const scratchSize = (dimensions: number): number => (dimensions + 4) * dimensions * 4 + 32_768

/** Whether this engine has what the kernels need: vectors of 128 bits, and memory that threads share. */
export const areSupported = (): boolean => engine()?.validate(read()) ?? false

/** Compiled anew for each memory, which takes about a millisecond. */
export const instantiate = (memory: Memory): Kernels => {
  const { Instance, Module } = engine()!
  return new Instance(new Module(read()), { env: { memory } }).exports as unknown as Kernels
}

/** All zero. Throws `RangeError` where the machine has not got it. */
export const allocate = (bytes: number): Memory => {
  const pages = Math.ceil(bytes / pageSize)
  return new (engine()!.Memory)({ initial: pages, maximum: pages, shared: true })
}

/** What 32 bits can address. */
export const mostBytes = 2 ** 32

// internal ------------------------------------------------------------------------------------------------------------------------

const pageSize = 65_536

const read = (): Uint8Array => Fs.readFileSync(new URL("./kernels/kernels.wasm", import.meta.url))

/** The part used here of what TypeScript declares for browsers alone. */
interface Engine {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
  readonly Memory: new (limits: object) => Memory
}

const engine = () => (globalThis as { readonly WebAssembly?: Engine }).WebAssembly
