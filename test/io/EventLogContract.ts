/** What every layer of `EventLog` promises, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Catalog from "../../runtime/Catalog.ts"
import {
  allSlices,
  type Claim,
  EventLog,
  type Fact,
  type Loaded,
  type Publication,
  type Value
} from "../../runtime/EventLog.ts"
import type * as Partition from "../../runtime/Partition.ts"
import * as Facts from "./Facts.ts"

const error = { _tag: "Down", message: "no answer" }

const recorded = { _tag: "Recorded" }
const fenced = { _tag: "Fenced" }
const moved = { _tag: "Moved" }

const odd = ['"', "\\", "\\u0000", "'", "{x,y}", "null", "NULL", "$1", "a\tb\n", "ü 日本 🎵", " "]

const atOnce = { concurrency: "unbounded" } as const

const state = (ref: Partition.Ref) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    return Catalog.get(yield* log.states([ref]), ref)
  })

const tags = (runId: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    return (yield* log.events(runId)).map(({ event }) => event._tag)
  })

const opened = Effect.gen(function* () {
  return yield* Facts.opened(yield* EventLog)
})

const asLoaded = (ref: Partition.Ref) =>
  Effect.map(state(ref), (state): Loaded => ({ _tag: "Slice", ref, position: state!.changedPosition }))

/** A published slice, whose claim is still held. */
const published = Effect.fnUntraced(function* (run: Facts.Opened, ref: Partition.Ref, dataVersion = "v1") {
  const claim = yield* run.claim(ref)
  const publish = (version: string, _tag: "AssetMaterialized" | "AssetVerified" = "AssetMaterialized") =>
    run.session.publish({ claim, loaded: [], event: () => run.value(ref, version, { _tag }) }, undefined)
  expect(yield* publish(dataVersion)).toMatchObject(recorded)
  return { publish, loaded: yield* asLoaded(ref) }
})

export const suite = (name: string, log: Layer.Layer<EventLog, unknown>) =>
  layer(log, { timeout: "60 seconds" })(name, (it) => {
    it.effect("gives events back in the order they were appended, at positions that grow", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { asset, runId, started, tell } = Facts.run()
        const ref = { asset, partition: "2026-01-31" }
        const check = { ...ref, check: "unique", blocking: true, dataVersion: "v1", metadata: { rows: 5, of: [null] } }
        const events: ReadonlyArray<Fact> = [
          started,
          tell({ _tag: "StepStarted", ...ref, reasons: [{ _tag: "CodeChanged", from: "1", to: "2" }] }),
          tell({ _tag: "StepRetried", ...ref, attempt: 1, error, delayMillis: 200 }),
          tell({ _tag: "CheckPassed", ...check }),
          tell({ _tag: "CheckFailed", ...check, severity: "warn", accepted: false, reason: "two are one" }),
          tell({ _tag: "StepFailed", ...ref, error, attempts: 2 }),
          tell({ _tag: "RunFailed", error })
        ]
        yield* log.append(events.slice(0, 1))
        yield* log.append([])
        yield* log.append(events.slice(1))
        const read = yield* log.events(runId)
        expect(read.map(({ event }) => event)).toEqual(events)
        const positions = read.map(({ position }) => position)
        expect(positions).toEqual(Array.from(new Set(positions)).toSorted((a, b) => a - b))
        expect((yield* log.allEvents).slice(-events.length)).toEqual(read)
      })
    )

    it.effect("tells what put values of an asset in force, newest first, also after a wipe", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const { publish } = yield* published(run, run.ref())
        yield* publish("v1", "AssetVerified")
        yield* publish("v2")
        yield* published(yield* opened, Facts.run().ref())
        yield* log.wipe(run.wiped(run.ref()), Effect.void)
        const told = (values: ReadonlyArray<Value>) => values.map(({ _tag, dataVersion }) => [_tag, dataVersion])
        const all = told(yield* log.values(run.asset, 10))
        expect(all).toEqual([
          ["AssetMaterialized", "v2"],
          ["AssetVerified", "v1"],
          ["AssetMaterialized", "v1"]
        ])
        expect(told(yield* log.values(run.asset, 2))).toEqual(all.slice(0, 2))
      })
    )

    it.effect("keeps what many append at the same time, each in its order", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const runs = Array.from({ length: 50 }, Facts.run)
        const tell = ({ asset, started, tell }: Facts.Run) =>
          Effect.gen(function* () {
            yield* log.append([started])
            const skipped = ["a", "b", "c"].map((partition) =>
              tell({ _tag: "StepSkipped", asset, partition, because: "other" })
            )
            yield* Effect.forEach(skipped, (event) => log.append([event]))
            yield* log.append([tell({ _tag: "StepCutOff", asset, partition: "d" }), tell({ _tag: "RunSucceeded" })])
          })
        yield* Effect.forEach(runs, tell, atOnce)
        for (const { runId } of runs) {
          const read = (yield* log.events(runId)).map(({ event }) =>
            "partition" in event ? event.partition : event._tag
          )
          expect(read).toEqual(["RunStarted", "a", "b", "c", "d", "RunSucceeded"])
          expect(Option.getOrThrow(yield* log.run(runId))).toMatchObject({ status: "Succeeded", steps: { length: 4 } })
        }
      })
    )

    it.effect("keeps texts as they are", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const values = odd.map((text) => {
          const more = {
            metadata: { [text]: [text, ""], "": null },
            provenance: { [text]: { version: "", position: 0 } }
          }
          return run.value(run.ref(text), text, more)
        })
        for (const event of values) {
          const claim = yield* run.claim(event)
          expect(yield* run.session.publish({ claim, loaded: [], event: () => event }, undefined)).toMatchObject(
            recorded
          )
        }
        const loaded = yield* Effect.forEach(odd, (text) => asLoaded(run.ref(text)))
        const other = yield* run.claim(run.ref())
        const event = run.value(run.ref(), "")
        expect(yield* run.session.publish({ claim: other, loaded, event: () => event }, undefined)).toMatchObject(
          recorded
        )
        expect((yield* log.events(run.runId)).slice(1).map(({ event }) => event)).toEqual([...values, event])
        const catalog = yield* log.states(values)
        for (const { metadata, partition, provenance } of values) {
          expect(Catalog.get(catalog, run.ref(partition))).toMatchObject({
            dataVersion: partition,
            metadata,
            provenance
          })
        }
      })
    )

    it.effect("knows of runs how they are, newest first, and of no others", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const runs = Array.from({ length: 5 }, Facts.run)
        yield* log.session(runs[4]!.runId)
        yield* log.append(runs.map(({ started }) => started))
        yield* log.append([
          runs[0]!.tell({ _tag: "RunSucceeded" }),
          runs[1]!.tell({ _tag: "RunFailed", error }),
          runs[2]!.tell({ _tag: "RunCanceled" }),
          runs[3]!.tell({ _tag: "RunInterrupted" })
        ])
        const newest = yield* log.runs(5)
        expect(newest.map(({ id, status }) => [id, status])).toEqual(
          ["Succeeded", "Failed", "Canceled", "Interrupted", "Running"]
            .map((status, index) => [runs[index]!.runId, status])
            .toReversed()
        )
        const { at: startedAt, runId: id, spanId, traceId } = runs[4]!.started
        expect(newest[0]).toEqual({ id, status: "Running", trigger: "test", startedAt, endedAt: null, traceId, spanId })
        expect(yield* log.run(id)).toEqual(Option.some({ ...newest[0], steps: [] }))
        expect(newest.slice(1).every(({ endedAt, startedAt }) => endedAt !== null && endedAt > startedAt)).toBe(true)
        expect(yield* log.runs(2)).toEqual(newest.slice(0, 2))
        expect(yield* log.run("another")).toEqual(Option.none())
        expect(yield* log.events("another")).toEqual([])
      })
    )

    it.effect("tells why slices are not there: the last failure, nothing new, or a wipe, until there is a value", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const [a, b, c, d] = [run.ref("a"), run.ref("b"), run.ref("c"), run.ref("d")]
        const failed = (ref: Partition.Ref) => run.tell({ _tag: "StepFailed", ...ref, error, attempts: 1 })
        const because = { because: run.asset, reason: "NothingNew" } as const
        const [first, second, third] = [failed(a), failed(a), failed(b)]
        const skipped = run.tell({ _tag: "StepSkipped", ...c, ...because })
        yield* log.append([first, second, third, skipped, run.tell({ _tag: "StepSkipped", ...d, because: "other" })])
        const told = Effect.map(log.unpublished, (all) =>
          all.map(({ event }) => event).filter(({ runId }) => runId === run.runId)
        )
        expect(yield* told).toEqual(expect.arrayContaining([second, third, skipped]))
        expect(yield* told).toHaveLength(3)
        yield* published(run, b)
        expect(yield* told).toHaveLength(2)
        const wiped = run.wiped(b)
        yield* log.wipe(wiped, Effect.void)
        // Whoever reads it tells by the positions that the failure came before the value.
        expect(yield* told).toEqual(expect.arrayContaining([second, third, skipped, wiped]))
      })
    )

    it.effect("lets a value say when its rows were in place", () =>
      Effect.gen(function* () {
        const run = yield* opened
        const begun = yield* Clock.currentTimeMillis
        const publication: Publication = {
          claim: yield* run.claim(run.ref()),
          loaded: [],
          event: (at) => run.value(run.ref(), "v1", { at })
        }
        const at = new Date(begun + 3000).toISOString()
        const verdict = yield* run.session.publish(publication, TestClock.adjust("3 seconds"))
        expect(verdict).toMatchObject({ ...recorded, event: { at } })
        const log = yield* EventLog
        expect(Catalog.get(yield* log.catalog, run.ref())?.materializedAt).toBe(at)
      })
    )

    it.effect("keeps of a verified value when and by which run it was changed", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [first, second] = [yield* opened, yield* opened]
        const ref = first.ref()
        const provenance = { up: { version: "u1", position: 1 } }
        const made = first.value(ref, "v1", { metadata: { by: "first" }, rows: 3, provenance })
        const claim = yield* first.claim(ref)
        yield* first.session.publish({ claim, loaded: [], event: () => made }, undefined)
        const before = (yield* state(ref))!
        expect(before).toMatchObject({
          ...ref,
          runId: first.runId,
          materializedAt: made.at,
          verifiedAt: made.at,
          rows: 3
        })
        expect(before.verifiedPosition).toBe(before.changedPosition)

        yield* first.session.release(claim)
        const verified = second.value(ref, "v1", {
          _tag: "AssetVerified",
          codeVersion: "2",
          rows: 3,
          metadata: { by: "second" },
          provenance: { up: { version: "u2", position: 2 } }
        })
        const again = yield* second.claim(ref)
        expect(
          yield* second.session.publish({ claim: again, loaded: [], event: () => verified }, undefined)
        ).toMatchObject(recorded)
        const position = (yield* log.events(second.runId)).at(-1)!.position
        expect(position).toBeGreaterThan(before.changedPosition)
        const { codeVersion, provenance: moved } = verified
        const now = { codeVersion, provenance: moved, verifiedAt: verified.at, verifiedPosition: position }
        expect(yield* state(ref)).toEqual({ ...before, ...now })
      })
    )

    it.effect("answers who ask for states at the same time, each with what it asked for", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const other = yield* opened
        const refs = ["a", "b", "c"].map((partition) => run.ref(partition))
        yield* Effect.forEach([...refs, other.ref()], (ref) => published(run, ref, `of ${ref.partition}`), atOnce)
        const asked = Array.from({ length: 100 }, (_, index) => refs[index % 3]!)
        const answers = yield* Effect.forEach(
          asked,
          (ref) => Effect.map(state(ref), (found) => found?.dataVersion),
          atOnce
        )
        expect(answers).toEqual(asked.map(({ partition }) => `of ${partition}`))
        expect(Catalog.slices(yield* log.states([run.ref()]), run.asset).size).toBe(3)
        expect(Catalog.slices(yield* log.states([other.ref()]), other.asset).size).toBe(1)
        expect(yield* state(run.ref("d"))).toBeUndefined()
        expect((yield* log.states([])).states.size).toBe(0)
        expect(Array.from(Catalog.slices(yield* log.catalog, run.asset).keys()).sort()).toEqual(["a", "b", "c"])
      })
    )

    it.effect("removes a wiped slice and records that, both or neither", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const { publish } = yield* published(run, run.ref("a"))
        yield* published(run, run.ref("b"))
        expect(yield* Effect.exit(log.wipe(run.wiped(run.ref("a")), Effect.fail("down")))).toEqual(Exit.fail("down"))
        expect(yield* state(run.ref("a"))).toBeDefined()
        yield* log.wipe(run.wiped(run.ref("a")), Effect.void)
        expect(yield* state(run.ref("a"))).toBeUndefined()
        expect(yield* state(run.ref("b"))).toBeDefined()
        expect(yield* tags(run.runId)).toEqual(["RunStarted", "AssetMaterialized", "AssetMaterialized", "AssetWiped"])
        yield* publish("v2")
        expect(yield* state(run.ref("a"))).toMatchObject({ dataVersion: "v2" })
      })
    )

    it.effect("records the version that an erasure leaves, which keeps all else of the value; both or neither", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [maker, eraser] = [yield* opened, yield* opened]
        const [ref, other] = [maker.ref("a"), maker.ref("b")]
        yield* published(maker, ref)
        yield* published(maker, other)
        const before = { a: (yield* state(ref))!, b: yield* state(other) }
        const erasing = { fenced: [maker.asset], redacted: [] }
        expect(yield* Effect.exit(log.erase(erasing, Effect.fail("down")))).toEqual(Exit.fail("down"))
        expect(yield* state(ref)).toEqual(before.a)
        const event = eraser.erased(ref, "v2", 3)
        expect(yield* log.erase(erasing, Effect.succeed([event]))).toEqual([event])
        const { event: recorded, position } = (yield* log.events(eraser.runId)).at(-1)!
        expect(recorded).toEqual(event)
        expect(yield* state(ref)).toEqual({ ...before.a, dataVersion: "v2", rows: 3, changedPosition: position })
        expect(yield* state(other)).toEqual(before.b)
        expect(Option.getOrThrow(yield* log.run(eraser.runId)).steps).toMatchObject([{ ...ref, status: "Erased" }])
      })
    )

    it.effect("takes the claims on what is erased, and on nothing else, from whoever holds them", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [erased, other] = [yield* opened, yield* opened]
        const claims = { erased: yield* erased.claim(erased.ref()), other: yield* other.claim(other.ref()) }
        yield* log.erase({ fenced: [erased.asset], redacted: [] }, Effect.succeed([]))
        const publish = (run: Facts.Opened, claim: Claim) =>
          run.session.publish({ claim, loaded: [], event: () => run.value(run.ref(), "v1") }, undefined)
        expect(yield* publish(erased, claims.erased)).toEqual(fenced)
        expect(yield* publish(other, claims.other)).toMatchObject(recorded)
        yield* erased.session.release(claims.erased)
        expect(yield* publish(erased, yield* erased.claim(erased.ref()))).toMatchObject(recorded)
      })
    )

    it.effect("waits for a publish under way, and lets none come in between", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const ref = run.ref()
        const claim = yield* run.claim(ref)
        const [placing, placed] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const publish = (rows: Effect.Effect<void>) =>
          run.session.publish({ claim, loaded: [], event: () => run.value(ref, "v1") }, rows)
        const inPlace = Effect.andThen(Deferred.succeed(placing, undefined), Deferred.await(placed))
        const first = yield* Effect.forkChild(publish(inPlace))
        yield* Deferred.await(placing)
        const [deleting, deleted] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const rows = Effect.gen(function* () {
          expect(yield* state(ref)).toMatchObject({ dataVersion: "v1" })
          yield* Deferred.succeed(deleting, undefined)
          yield* Deferred.await(deleted)
          return [run.erased(ref, "v2", 1)]
        })
        const erasing = yield* Effect.forkChild(log.erase({ fenced: [run.asset], redacted: [] }, rows))
        yield* Deferred.succeed(placed, undefined)
        expect(yield* Fiber.join(first)).toMatchObject(recorded)
        yield* Deferred.await(deleting)
        const late = yield* Effect.forkChild(publish(Effect.void))
        yield* Effect.yieldNow
        yield* Deferred.succeed(deleted, undefined)
        yield* Fiber.join(erasing)
        expect(yield* Fiber.join(late)).toEqual(fenced)
        expect(yield* tags(run.runId)).toEqual(["RunStarted", "AssetMaterialized", "AssetErased"])
      })
    )

    it.effect("takes out of the record what may quote erased rows, and leaves its numbers", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const other = Facts.run()
        const check = { check: "known", blocking: false, dataVersion: "v1" }
        const metadata = { violations: 2, all: true, sample: [{ name: "Zoe" }], said: "Zoe" }
        const failure = { _tag: "Odd", message: "of Zoe" }
        const told = ({ asset, tell }: Facts.Run): ReadonlyArray<Fact> => {
          const ref = { asset, partition: "a" }
          return [
            tell({ _tag: "CheckPassed", ...ref, ...check, metadata }),
            tell({ _tag: "CheckFailed", ...ref, ...check, metadata, severity: "warn", accepted: false, reason: "Zoe" }),
            tell({ _tag: "StepRetried", ...ref, attempt: 1, error: failure, delayMillis: 1 }),
            tell({ _tag: "StepFailed", ...ref, error: failure, attempts: 2 })
          ]
        }
        yield* log.append([other.started, ...told(run), ...told(other)])
        yield* log.erase({ fenced: [], redacted: [run.asset] }, Effect.succeed([]))
        const quotes = (runId: string) =>
          Effect.map(log.events(runId), (all) => JSON.stringify(all).split("Zoe").length - 1)
        expect(yield* quotes(run.runId)).toBe(0)
        expect(yield* quotes(other.runId)).toBe(7)
        const kept = (yield* log.events(run.runId)).flatMap(({ event }) =>
          "metadata" in event ? [event.metadata] : []
        )
        expect(kept).toEqual([
          { violations: 2, all: true },
          { violations: 2, all: true }
        ])
        const [step] = Option.getOrThrow(yield* log.run(run.runId)).steps
        expect(step!.error).toEqual({ _tag: "Odd", message: "removed by an erasure" })
        // It may have read the rows before; whoever begins now has not.
        yield* log.append([...told(run), ...told(other)])
        expect(yield* quotes(run.runId)).toBe(0)
        expect(Option.getOrThrow(yield* log.run(run.runId)).steps[0]!.error).toEqual(step!.error)
        expect(yield* quotes(other.runId)).toBe(14)
        const later = { ...Facts.run(), asset: run.asset }
        yield* log.append([later.started, ...told(later)])
        expect(yield* quotes(later.runId)).toBe(7)
      })
    )

    it.effect("records a value once its rows are in place, or neither", () =>
      Effect.gen(function* () {
        const run = yield* opened
        const ref = run.ref()
        const publication = { claim: yield* run.claim(ref), loaded: [], event: () => run.value(ref, "v1") }
        const whole = Deferred.makeUnsafe<void>()
        const failing = run.session.publish(publication, Effect.fail("down"))
        expect(yield* Effect.exit(failing)).toEqual(Exit.fail("down"))
        const endless = Effect.andThen(Deferred.succeed(whole, undefined), Effect.never)
        const interrupted = yield* Effect.forkChild(run.session.publish(publication, endless))
        yield* Deferred.await(whole)
        yield* Fiber.interrupt(interrupted)
        expect(yield* state(ref)).toBeUndefined()
        expect(yield* tags(run.runId)).toEqual(["RunStarted"])
        const rows = Effect.flatMap(state(ref), (found) => Effect.sync(() => expect(found).toBeUndefined()))
        expect(yield* run.session.publish(publication, rows)).toMatchObject(recorded)
        expect(yield* state(ref)).toMatchObject({ dataVersion: "v1" })
      })
    )

    it.effect("does not publish for who lost the claim to another session", () =>
      Effect.gen(function* () {
        const [late, next] = [yield* opened, yield* opened]
        const ref = late.ref()
        const lost = yield* late.claim(ref)
        yield* late.session.release(lost)
        const claim = yield* next.claim(ref)
        const publication = { claim: lost, loaded: [], event: () => late.value(ref, "late") }
        expect(yield* late.session.publish(publication, undefined)).toEqual(fenced)
        expect(yield* late.session.publish(publication, Effect.die("its rows"))).toEqual(fenced)
        const event = next.value(ref, "next")
        expect(yield* next.session.publish({ claim, loaded: [], event: () => event }, Effect.void)).toMatchObject(
          recorded
        )
        expect(yield* late.session.publish(publication, undefined)).toEqual(fenced)
        expect(yield* state(ref)).toMatchObject({ dataVersion: "next" })
        expect(yield* tags(late.runId)).toEqual(["RunStarted"])
      })
    )

    it.effect("does not publish what was made from a slice that changed meanwhile", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [run, other] = [yield* opened, yield* opened]
        const [ref, dependency] = [run.ref(), other.ref()]
        const { loaded, publish } = yield* published(other, dependency)
        const claim = yield* run.claim(ref)
        const attempt = (rows: Effect.Effect<void> | undefined, dependency = loaded) =>
          run.session.publish({ claim, loaded: [dependency], event: () => run.value(ref, "made") }, rows)
        expect(yield* attempt(undefined)).toMatchObject(recorded)
        yield* publish("v1", "AssetVerified")
        expect(yield* attempt(Effect.void)).toMatchObject(recorded)
        yield* publish("v2")
        expect(yield* attempt(undefined)).toEqual(moved)
        expect(yield* attempt(Effect.die("its rows"))).toEqual(moved)
        // Its version has come back, but who knows which one was read.
        yield* publish("v1")
        expect(yield* attempt(undefined)).toEqual(moved)
        const now = yield* asLoaded(dependency)
        expect(yield* attempt(undefined, now)).toMatchObject(recorded)
        yield* log.wipe(other.wiped(dependency), Effect.void)
        expect(yield* attempt(undefined, now)).toEqual(moved)
        expect((yield* tags(run.runId)).length).toBe(4)
      })
    )

    it.effect("does not publish what was made from all slices when one was changed, added or removed meanwhile", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [run, other] = [yield* opened, yield* opened]
        const claim = yield* run.claim(run.ref())
        const all = Effect.gen(function* () {
          return allSlices(other.asset, Catalog.slices(yield* log.catalog, other.asset).values())
        })
        const verdicts = Effect.fnUntraced(function* (change: Effect.Effect<unknown, unknown, EventLog | Scope.Scope>) {
          const loaded = [yield* all]
          const publish = Effect.suspend(() =>
            run.session.publish({ claim, loaded, event: () => run.value(run.ref(), "made") }, undefined)
          )
          const before = yield* publish
          yield* change
          return [before, yield* publish]
        })
        expect(yield* verdicts(published(other, other.ref("a")))).toMatchObject([recorded, moved])
        const { publish } = yield* published(other, other.ref("b"))
        expect(yield* verdicts(published(other, other.ref("c")))).toMatchObject([recorded, moved])
        expect(yield* verdicts(publish("v2"))).toMatchObject([recorded, moved])
        expect(yield* verdicts(log.wipe(other.wiped(other.ref("b")), Effect.void))).toMatchObject([recorded, moved])
        expect(yield* verdicts(publish("v2"))).toMatchObject([recorded, moved])
        expect(yield* verdicts(published(run, run.ref("elsewhere")))).toMatchObject([recorded, recorded])
      })
    )

    it.effect("lets the publish of a dependency wait for that of a slice made from it", () =>
      Effect.gen(function* () {
        const [run, other] = [yield* opened, yield* opened]
        const { loaded, publish } = yield* published(other, other.ref())
        const claim = yield* run.claim(run.ref())
        const [entered, leave] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
        const reading = yield* Effect.forkChild(
          run.session.publish(
            { claim, loaded: [loaded], event: () => run.value(run.ref(), "made") },
            Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(leave))
          )
        )
        yield* Deferred.await(entered)
        const writing = yield* Effect.forkChild(publish("v2"))
        for (let asked = 0; asked < 20; asked++) {
          expect(yield* state(other.ref())).toMatchObject({ dataVersion: "v1" })
          yield* Effect.yieldNow
        }
        expect(writing.pollUnsafe()).toBeUndefined()
        yield* Deferred.succeed(leave, undefined)
        expect(yield* Fiber.join(reading)).toMatchObject(recorded)
        expect(yield* Fiber.join(writing)).toMatchObject(recorded)
        expect(yield* state(other.ref())).toMatchObject({ dataVersion: "v2" })
      })
    )

    it.effect("remembers what code versions were made from, as they were first described", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const manifest = (digest: string) => ({
          files: { 'a "b".ts': digest },
          packages: { effect: "4.1.0" },
          values: {}
        })
        yield* log.describeCode(new Map([1, 2].map((version) => [`1:${version}`, manifest(`of ${version}`)])))
        yield* log.describeCode(new Map([["1:2", manifest("another")]]))
        expect(yield* log.codeManifests(["1:2", "1:3"])).toEqual(new Map([["1:2", manifest("of 2")]]))
      })
    )

    it.effect("publishes many values at the same time", () =>
      Effect.gen(function* () {
        const run = yield* opened
        const refs = Array.from({ length: 100 }, (_, index) => run.ref(`${index}`))
        yield* Effect.forEach(refs, (ref) => published(run, ref, `of ${ref.partition}`), atOnce)
        const found = yield* Effect.forEach(refs, state, atOnce)
        expect(found.map((slice) => slice?.dataVersion)).toEqual(refs.map(({ partition }) => `of ${partition}`))
        const positions = new Set(found.map((slice) => slice!.changedPosition))
        expect(positions.size).toBe(100)
      })
    )
  })
