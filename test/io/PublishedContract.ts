/** What every layer of `Published` promises, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Asset from "../../runtime/Asset.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import * as Json from "../../runtime/Json.ts"
import type * as Partition from "../../runtime/Partition.ts"
import * as Published from "../../runtime/Published.ts"
import * as Facts from "./Facts.ts"

const count = (key: string) =>
  Asset.make(key, { io: Json.make({ schema: Schema.Int }), codeVersion: "1", materialize: () => Effect.succeed(0) })

const told = count("told")
const verified = count("verified")
const wiped = count("wiped")
const sliced = count("sliced")
const read = count("read")
const moving = count("moving")
const missing = count("missing")
const kept = count("kept")
const refused = count("refused")
const retried = count("retried")

/** What a layer is to follow. */
export const assets = [told, verified, wiped, sliced, read, moving, missing, kept, refused, retried]

/** Publishes a number as a step does, or says that it was found to be the same. */
export const publish = Effect.fnUntraced(function* (
  { io, key: asset }: ReturnType<typeof count>,
  value: number,
  partition: Partition.Key = null,
  _tag: "AssetMaterialized" | "AssetVerified" = "AssetMaterialized"
) {
  const run = yield* Facts.opened(yield* EventLog.EventLog)
  const ref: Partition.Ref = { asset, partition }
  const store = yield* io.store({ key: asset, partitioned: partition !== null })
  const staged = yield* store.stage({ ...ref, runId: run.runId }, value)
  const claim = yield* run.claim(ref)
  const event = () => run.value(ref, `v${value}`, { _tag })
  yield* run.session.publish({ claim, loaded: [], event }, staged.publish)
}, Effect.scoped)

export const suite = <E>(
  name: string,
  published: Layer.Layer<Published.Published | EventLog.EventLog | Json.JsonValues, E>
) =>
  layer(published, { timeout: "60 seconds" })(name, (it) => {
    it.effect("tells of a publish, and what is in force from then on", () =>
      Effect.gen(function* () {
        const { changes, current, look } = yield* Published.Published
        const ref = { asset: told.key, partition: null }
        expect(current(ref)).toBeUndefined()
        expect(yield* look(ref)).toBeUndefined()
        const next = yield* changes
        yield* publish(told, 1)
        yield* publish(told, 2)
        const [first, second] = yield* heard(next, told.key, 2)
        expect(first).toMatchObject({ ...ref, inForce: { version: "v1" } })
        expect(second).toMatchObject({ ...ref, inForce: { version: "v2", materializedAt: expect.any(String) } })
        expect(second!.inForce!.position).toBeGreaterThan(first!.inForce!.position)
        expect(current(ref)).toEqual(second!.inForce)
        expect(yield* look(ref)).toEqual(second!.inForce)
      }).pipe(Effect.scoped)
    )

    it.effect("does not tell that a value was found to be the same", () =>
      Effect.gen(function* () {
        const { changes } = yield* Published.Published
        const next = yield* changes
        yield* publish(verified, 1)
        yield* publish(verified, 1, null, "AssetVerified")
        yield* publish(verified, 2)
        const versions = (yield* heard(next, verified.key, 2)).map(({ inForce }) => inForce?.version)
        expect(versions).toEqual(["v1", "v2"])
      }).pipe(Effect.scoped)
    )

    it.effect("tells that nothing is in force once the value is wiped", () =>
      Effect.gen(function* () {
        const { changes, current } = yield* Published.Published
        const ref = { asset: wiped.key, partition: null }
        const next = yield* changes
        yield* publish(wiped, 1)
        yield* heard(next, wiped.key, 1)
        const log = yield* EventLog.EventLog
        const run = yield* Facts.opened(log)
        yield* log.wipe(run.wiped(ref), Effect.void)
        expect(yield* heard(next, wiped.key, 1)).toEqual([{ ...ref, inForce: undefined }])
        expect(current(ref)).toBeUndefined()
      }).pipe(Effect.scoped)
    )

    it.effect("tells of slices by themselves", () =>
      Effect.gen(function* () {
        const { changes, current } = yield* Published.Published
        const next = yield* changes
        yield* publish(sliced, 1, "a")
        yield* publish(sliced, 2, "b")
        const told = yield* heard(next, sliced.key, 2)
        expect(told.map(({ inForce, partition }) => [partition, inForce?.version])).toEqual([
          ["a", "v1"],
          ["b", "v2"]
        ])
        expect(current({ asset: sliced.key, partition: "a" })?.version).toBe("v1")
      }).pipe(Effect.scoped)
    )

    it.effect("reads the value that it names", () =>
      Effect.gen(function* () {
        yield* publish(read, 7)
        const found = yield* Published.read(read, (value, { version }) => Effect.succeed({ value, version }))
        expect(found).toEqual({ value: 7, version: "v7" })
      })
    )

    it.effect("reads anew what was published while it was read", () =>
      Effect.gen(function* () {
        yield* publish(moving, 1)
        let readings = 0
        const found = yield* Published.read(
          moving,
          Effect.fnUntraced(function* (before, { version }) {
            if ((readings += 1) === 1) yield* publish(moving, 2)
            return { before, version }
          })
        )
        expect(found).toEqual({ before: 2, version: "v2" })
        expect(readings).toBe(2)
      })
    )

    it.effect("gives up on what is published anew each time", () =>
      Effect.gen(function* () {
        let next = 10
        const error = yield* Effect.flip(Published.read(moving, () => publish(moving, (next += 1))))
        expect(error).toMatchObject({ _tag: "IoError", retryable: true })
      })
    )

    it.effect("says that something was never published", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Published.read(missing, Effect.succeed))
        expect(error.message).toBe("missing was never published: assets materialize missing")
      })
    )

    it.effect("keeps what is made from a value up to date, one whole after the other", () =>
      Effect.gen(function* () {
        const { changes } = yield* Published.Published
        const [made, next] = [yield* Published.keep(kept, (value) => Effect.succeed(value * 10)), yield* changes]
        expect(made()).toBeUndefined()
        yield* publish(kept, 4)
        yield* heard(next, kept.key, 1)
        yield* until(() => made() !== undefined)
        expect(made()).toMatchObject({ value: 40, inForce: { version: "v4" } })
        yield* publish(kept, 5)
        yield* until(() => made()?.value === 50)
      }).pipe(Effect.scoped)
    )

    it.effect("tries again to make something of a value until it can", () =>
      Effect.gen(function* () {
        yield* publish(retried, 1)
        let tries = 0
        const made = yield* Published.keep(retried, (value) =>
          (tries += 1) < 4 ? Effect.fail("not yet") : Effect.succeed(value)
        )
        expect(made()).toBeUndefined()
        while (made() === undefined) {
          yield* TestClock.adjust("1 second")
          yield* turn
        }
        expect(made()?.value).toBe(1)
      }).pipe(Effect.scoped)
    )

    it.effect("keeps what it had when nothing can be made from a new value", () =>
      Effect.gen(function* () {
        yield* publish(refused, 1)
        let refusals = 0
        const made = yield* Published.keep(refused, (value) =>
          value === 2 ? Effect.failSync(() => `${value} is refused (${(refusals += 1)})`) : Effect.succeed(value)
        )
        yield* publish(refused, 2)
        yield* until(() => refusals > 0)
        expect(made()).toMatchObject({ value: 1, inForce: { version: "v1" } })
        yield* publish(refused, 3)
        yield* until(() => made()?.value === 3)
      }).pipe(Effect.scoped)
    )
  })

// Without time: whoever waits lets everybody else go on.
const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.andThen(turn, until(isSo))))

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const heard = (changes: Stream.Stream<Published.Change>, asset: string, most: number) =>
  changes.pipe(
    Stream.filter((change) => change.asset === asset),
    Stream.take(most),
    Stream.runCollect
  )
