/** What every layer of `EventLog` promises of claims, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { EventLog } from "../../runtime/EventLog.ts"
import * as Facts from "./Facts.ts"

const atOnce = { concurrency: "unbounded" } as const

const opened = Effect.gen(function* () {
  return yield* Facts.opened(yield* EventLog)
})

export const suite = (name: string, log: Layer.Layer<EventLog, unknown>) =>
  layer(log, { timeout: "60 seconds" })(name, (it) => {
    it.effect("belong to one session until it gives them back", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* opened, yield* opened]
        const ref = one.ref("a")
        const claim = yield* one.claim(ref)
        expect(claim).toEqual({ ...ref, epoch: 1 })
        expect(yield* other.session.claim(ref)).toEqual(Option.none())
        expect(yield* other.session.claim(one.ref("b"))).toEqual(Option.some({ ...one.ref("b"), epoch: 1 }))
        yield* one.session.release(claim)
        expect(yield* other.claim(ref)).toEqual({ ...ref, epoch: 2 })
        expect(yield* one.session.claim(ref)).toEqual(Option.none())
      })
    )

    it.effect("are not given twice to one session", () =>
      Effect.gen(function* () {
        const { claim, ref, session } = yield* opened
        const first = yield* claim(ref())
        expect(yield* session.claim(ref())).toEqual(Option.none())
        yield* session.release(first)
        expect(yield* claim(ref())).toEqual({ ...ref(), epoch: 2 })
        const many = yield* Effect.all(
          Array.from({ length: 10 }, () => session.claim(ref("a"))),
          atOnce
        )
        expect(many.flatMap(Option.toArray)).toEqual([{ ...ref("a"), epoch: 1 }])
      })
    )

    it.effect("are not given back by who has lost them", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* opened, yield* opened]
        const ref = one.ref()
        const lost = yield* one.claim(ref)
        yield* one.session.release(lost)
        const held = yield* one.claim(ref)
        yield* one.session.release(lost)
        // What a session is asked for later is done later.
        yield* one.claim(one.ref("later"))
        expect(yield* other.session.claim(ref)).toEqual(Option.none())
        yield* one.session.release(held)
        const taken = yield* other.claim(ref)
        yield* one.session.release(held)
        expect(yield* one.session.claim(ref)).toEqual(Option.none())
        const event = other.value(ref, "v1")
        expect(yield* other.session.publish({ claim: taken, loaded: [], event: () => event }, undefined)).toMatchObject(
          {
            _tag: "Recorded"
          }
        )
      })
    )

    it.effect("are free once their session is closed, and their epochs go on growing", () =>
      Effect.gen(function* () {
        const next = yield* opened
        const refs = ["a", "b", "c"].map((partition) => next.ref(partition))
        for (const epoch of [1, 2, 3]) {
          const scope = yield* Scope.make()
          const { session } = yield* Scope.provide(opened, scope)
          for (const ref of refs) expect(yield* Facts.claimed(session, ref)).toEqual({ ...ref, epoch })
          yield* Scope.close(scope, Exit.void)
        }
        for (const ref of refs) expect(yield* next.claim(ref)).toEqual({ ...ref, epoch: 4 })
      })
    )

    it.effect("go to exactly one of many who want them at the same time", () =>
      Effect.gen(function* () {
        const runs = yield* Effect.all(
          Array.from({ length: 10 }, () => opened),
          atOnce
        )
        const refs = Array.from({ length: 30 }, (_, index) => runs[0]!.ref(`${index}`))
        const given = yield* Effect.forEach(
          runs.flatMap(({ session }) => refs.map((ref) => session.claim(ref))),
          (claim) => claim,
          atOnce
        )
        const claims = given.flatMap(Option.toArray)
        expect(claims.map(({ partition }) => Number(partition)).toSorted((a, b) => a - b)).toEqual(
          refs.map((_, index) => index)
        )
        expect(new Set(claims.map(({ epoch }) => epoch))).toEqual(new Set([1]))
      })
    )

    it.effect("are waited for by many, one after the other", () =>
      Effect.gen(function* () {
        const runs = yield* Effect.all(
          Array.from({ length: 8 }, () => opened),
          atOnce
        )
        const ref = runs[0]!.ref()
        let holders = 0
        const epochs = yield* Effect.forEach(
          runs,
          ({ claim, session }) =>
            Effect.gen(function* () {
              const held = yield* claim(ref)
              holders += 1
              yield* Effect.yieldNow
              expect(holders).toBe(1)
              holders -= 1
              yield* session.release(held)
              return held.epoch
            }),
          atOnce
        )
        expect(epochs.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
      })
    )
  })
