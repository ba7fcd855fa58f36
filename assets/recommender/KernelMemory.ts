/**
 * Where arrays are in the kernels' memory: all are reserved first, so that what is needed is known before any of it is taken.
 * Leaves out freeing: memory goes as a whole.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Cooperative from "./Cooperative.ts"
import * as Kernels from "./Kernels.ts"

/** More than the kernels can address, or more than the machine has. */
export class NotEnoughMemory extends Schema.TaggedError<NotEnoughMemory>()("NotEnoughMemory", {
  bytes: Schema.Finite,
  reason: Schema.String
}) {
  override get message(): string {
    return `The kernels need ${(this.bytes / 2 ** 30).toFixed(1)} GiB of memory: ${this.reason}`
  }
}

/** Hands out byte offsets. The first 64 bytes are the counter of `KernelThreads`, so that none is 0. */
export class Layout {
  #end = 64

  get size(): number {
    return this.#end
  }

  /** Begins at a multiple of 64, as cache lines do. */
  bytes(count: number): number {
    const start = this.#end
    this.#end += Math.ceil(count / 64) * 64
    return start
  }

  /** Room for so many numbers of 32 bits. */
  words(count: number): number {
    return this.bytes(count * 4)
  }
}

/** Takes the memory that was reserved. */
export const allocate = (layout: Layout): Effect.Effect<Kernels.Memory, NotEnoughMemory> => {
  const bytes = layout.size
  return bytes > Kernels.mostBytes
    ? Effect.fail(
        new NotEnoughMemory({ bytes, reason: "they can address 4. Fewer dimensions or interactions need less." })
      )
    : Effect.try({
        try: () => Kernels.allocate(bytes),
        catch: (cause) => new NotEnoughMemory({ bytes, reason: String(cause) })
      })
}

/** Copies numbers to where they were given room, converting them to `target`'s type. */
export const copy = (target: Int32Array | Float32Array, source: ArrayLike<number> & Slices): Effect.Effect<void> =>
  Cooperative.forRange(Math.ceil(source.length / block), (index) => {
    target.set(source.subarray(index * block, (index + 1) * block), index * block)
  })

// internal ------------------------------------------------------------------------------------------------------------------------

const block = 2 ** 20

interface Slices {
  readonly subarray: (from: number, to: number) => ArrayLike<number>
}
