/**
 * The fibers that carry out a run: a bounded number at work, each taking whatever is ready next.
 *
 * What becomes ready when is told by the work itself; a worker that has to wait for something else stands aside.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"

export interface Workers {
  /**
   * Gives the caller's place to another worker while an effect waits, and waits for a place before it goes on. A
   * failure is not to be recovered from: it leaves without a place.
   */
  readonly standAside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export interface Options<E, R> {
  /** Workers at work at the same time; those that stand aside do not count. */
  readonly count: number
  /** Items there will have been in the end. */
  readonly total: number
  /** Items that are ready from the start. */
  readonly first: ReadonlyArray<number>
  /** Does what an item asks for and answers with the items that are ready now. */
  readonly work: (item: number, workers: Workers) => Effect.Effect<ReadonlyArray<number>, E, R>
}

/** Resolves when all items are done; the first failure, or an interrupt, ends every worker. */
export const run = Effect.fnUntraced(function* <E, R>({ count, first, total, work }: Options<E, R>) {
  if (total === 0) return
  const fork = yield* FiberSet.makeRuntime<R>()
  const ended = Deferred.makeUnsafe<void, E>()
  const ready = Array.from(first)
  const returning: Array<() => void> = []
  let taken = 0
  let done = 0
  let atWork = 0

  // Workers come and go with what is ready. A fiber for every item behind a semaphore is slow with 10,000 of them: each
  // release of a permit goes through all who wait.
  const hire = (hands: number) => {
    for (; hands > 0 && atWork < count; hands--) {
      atWork++
      fork(worker)
    }
  }
  const leave = () => {
    const next = returning.shift()
    if (next === undefined) atWork--
    else next()
  }
  const comeBack = Effect.callback<void>((resume) => {
    if (atWork === count) return void returning.push(() => resume(Effect.void))
    atWork++
    resume(Effect.void)
  })
  const workers: Workers = {
    standAside: (effect) =>
      Effect.suspend(() => {
        leave()
        hire(ready.length - taken)
        return Effect.tap(effect, comeBack)
      })
  }
  const worker: Effect.Effect<void, never, R> = Effect.gen(function* () {
    yield* Effect.yieldNow
    while (returning.length === 0 && taken < ready.length) {
      ready.push(...(yield* work(ready[taken++]!, workers)))
      done++
      hire(ready.length - taken - 1)
    }
    leave()
    if (done === total) Deferred.doneUnsafe(ended, Exit.void)
  }).pipe(Effect.catchCause((cause) => Effect.sync(() => Deferred.doneUnsafe(ended, Exit.failCause(cause)))))

  hire(ready.length)
  return yield* Deferred.await(ended)
}, Effect.scoped)
