/** What every layer of `BackfillLog` promises, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { BackfillLog } from "../../runtime/BackfillLog.ts"
import type { BackfillRequest, Event } from "../../runtime/Event.ts"
import { EventLog, type EventLogError } from "../../runtime/EventLog.ts"
import * as Facts from "./Facts.ts"

const error = { _tag: "Down", message: "no answer" }

const request: BackfillRequest = {
  selection: ["+usage", "tag:'x'"],
  which: "All",
  targets: { readings: ["2026-01-01..2026-01-31", "2026-02-03"], bill: null },
  slices: 33,
  concurrency: null
}

let taken = 0

/** A backfill that no other test has; later ones are requested later. */
export const backfill = () => numbered((taken += 1))

const numbered = (number: number) => {
  const id = `0${String(number).padStart(14, "0")}`
  let at = Date.UTC(2026, 0, 1) + number * 3_600_000
  const fact = (told: Moved["_tag"] | "BackfillRequested") => {
    at += 1000
    const about = { at: new Date(at).toISOString(), runId: null, backfill: id }
    return told === "BackfillRequested" ? { _tag: told, ...about, request } : { _tag: told, ...about }
  }
  const tell = (...tags: ReadonlyArray<Parameters<typeof fact>[0]>) => EventLog.use((log) => log.append(tags.map(fact)))
  const run = () => {
    const facts = Facts.run()
    return { ...facts, started: { ...facts.started, backfill: id } }
  }
  return { id, tell, run, again: (): Told => numbered(number) }
}

export interface Told {
  readonly id: string
  readonly tell: (
    ...tags: ReadonlyArray<Moved["_tag"] | "BackfillRequested">
  ) => Effect.Effect<void, EventLogError, EventLog>
}

export type Moved = Extract<
  Event,
  { readonly _tag: `Backfill${"Paused" | "Resumed" | "Canceled" | "Succeeded" | "Failed"}` }
>

const find = (id: string) =>
  Effect.map(
    BackfillLog.use((log) => log.backfill(id)),
    Option.getOrThrow
  )

export const suite = (name: string, log: Layer.Layer<BackfillLog | EventLog, unknown>) =>
  layer(log, { timeout: "60 seconds" })(name, (it) => {
    it.effect("knows a backfill as it was requested, and of no others", () =>
      Effect.gen(function* () {
        const { id, tell } = backfill()
        expect(yield* BackfillLog.use((log) => log.backfill(id))).toEqual(Option.none())
        yield* tell("BackfillRequested")
        expect(yield* find(id)).toMatchObject({ id, request, endedAt: null, runs: [] })
        expect(yield* BackfillLog.use((log) => log.outcomes(id))).toEqual([])
      })
    )

    it.effect("calls Interrupted what should go on and nobody carries out", () =>
      Effect.gen(function* () {
        const { id, tell } = backfill()
        const { hold } = yield* BackfillLog
        yield* Effect.scoped(
          Effect.gen(function* () {
            expect(yield* hold(id)).toBe(true)
            yield* tell("BackfillRequested")
            expect(yield* find(id)).toMatchObject({ status: "Running" })
          })
        )
        expect(yield* find(id)).toMatchObject({ status: "Interrupted" })
        yield* tell("BackfillPaused")
        expect(yield* find(id)).toMatchObject({ status: "Paused" })
      })
    )

    it.effect("lets one hold a backfill at a time", () =>
      Effect.gen(function* () {
        const { hold } = yield* BackfillLog
        const [{ id }, other] = [backfill(), backfill()]
        yield* Effect.scoped(
          Effect.gen(function* () {
            expect(yield* hold(id)).toBe(true)
            expect(yield* Effect.scoped(hold(id))).toBe(false)
            expect(yield* Effect.scoped(hold(other.id))).toBe(true)
            expect(yield* Effect.scoped(hold(id))).toBe(false)
          })
        )
        expect(yield* Effect.scoped(hold(id))).toBe(true)
      })
    )

    it.effect("is not changed by what comes too late", () =>
      Effect.gen(function* () {
        const { id, tell } = backfill()
        yield* tell("BackfillRequested", "BackfillFailed", "BackfillPaused", "BackfillCanceled")
        const failed = yield* find(id)
        expect(failed).toMatchObject({ status: "Failed", endedAt: expect.any(String) })
        yield* tell("BackfillResumed")
        expect(yield* find(id)).toMatchObject({ status: "Interrupted", endedAt: null })
        yield* tell("BackfillSucceeded", "BackfillResumed", "BackfillFailed")
        expect(yield* find(id)).toMatchObject({ status: "Succeeded", endedAt: expect.any(String) })
      })
    )

    it.effect("tells of each slice what the newest run with a step for it came to", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { id, run, tell } = backfill()
        yield* tell("BackfillRequested")
        const [first, second, stranger] = [run(), run(), Facts.run()]
        const ref = first.ref
        yield* log.append([
          first.started,
          first.tell({ _tag: "StepFailed", ...ref("a"), error, attempts: 1 }),
          first.tell({ _tag: "StepSkipped", ...ref("b"), because: "other" }),
          first.tell({ _tag: "StepCutOff", ...ref() }),
          first.tell({ _tag: "StepStarted", ...ref("c"), reasons: [] }),
          first.tell({ _tag: "RunFailed", error }),
          stranger.started,
          stranger.tell({ _tag: "StepCutOff", ...ref("b") })
        ])
        const outcomes = Effect.map(
          BackfillLog.use((log) => log.outcomes(id)),
          (found) => found.toSorted((a, b) => ((a.partition ?? "") < (b.partition ?? "") ? -1 : 1))
        )
        expect(yield* outcomes).toEqual([
          { runId: first.runId, ...ref(), status: "CutOff", error: null },
          { runId: first.runId, ...ref("a"), status: "Failed", error },
          { runId: first.runId, ...ref("b"), status: "Skipped", error: null },
          { runId: first.runId, ...ref("c"), status: "Canceled", error: null }
        ])
        yield* log.append([second.started, second.tell({ _tag: "StepCutOff", ...ref("a") })])
        expect((yield* outcomes)[1]).toEqual({ runId: second.runId, ...ref("a"), status: "CutOff", error: null })
        expect(yield* find(id)).toMatchObject({ runs: [first.runId, second.runId] })

        const { backfills } = yield* BackfillLog
        const [newest] = yield* backfills(1)
        expect(newest).toMatchObject({ id, counts: { done: 2, failed: 0, skipped: 1 } })
        yield* tell("BackfillSucceeded")
        expect(yield* backfills(1)).toMatchObject([{ counts: { done: 2, failed: 0, skipped: 0 } }])
      })
    )

    it.effect("counts every slice of a step that takes a range", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { id, run, tell } = backfill()
        yield* tell("BackfillRequested")
        const [first, second] = [run(), run()]
        const failed = first.ref("2026-01-01..2026-01-05")
        const skipped = { ...first.ref("day=2026-01 region=eu"), asset: "sales" }
        const done = first.ref("2026-01-06..2026-01-08,2026-01-10")
        const slices = ["06", "07", "08", "10"].map((day) => {
          return { partition: `2026-01-${day}`, dataVersion: "1", rows: null, changed: true }
        })
        yield* log.append([
          first.started,
          first.tell({ _tag: "StepStarted", ...failed, covers: 5, reasons: [] }),
          first.tell({ _tag: "StepFailed", ...failed, covers: 5, error, attempts: 1 }),
          first.tell({ _tag: "StepSkipped", ...skipped, covers: 31, because: first.asset }),
          first.tell({ _tag: "StepCutOff", ...first.ref("2026-01-09") })
        ])
        const session = yield* log.session(first.runId)
        const claim = yield* Facts.claimed(session, first.ref())
        const event = first.value(done, "of all", { slices })
        yield* session.publish({ claim, loaded: [], event: () => event }, undefined)
        yield* log.append([first.tell({ _tag: "RunFailed", error })])
        const { backfills } = yield* BackfillLog
        expect(yield* backfills(1)).toMatchObject([{ id, counts: { done: 5, failed: 5, skipped: 31 } }])

        // Three of the five were computed by somebody else before they were tried again.
        yield* tell("BackfillFailed", "BackfillResumed")
        const rest = first.ref("2026-01-01..2026-01-02")
        yield* log.append([
          second.started,
          second.tell({ _tag: "StepFailed", ...rest, covers: 2, error, attempts: 1 }),
          second.tell({ _tag: "StepSkipped", ...skipped, covers: 31, because: first.asset }),
          second.tell({ _tag: "RunFailed", error })
        ])
        yield* tell("BackfillFailed")
        expect(yield* backfills(1)).toMatchObject([{ id, counts: { done: 5, failed: 2, skipped: 31 } }])
      }).pipe(Effect.scoped)
    )

    it.effect("lists backfills, newest first, as many as are asked for", () =>
      Effect.gen(function* () {
        const made = [backfill(), backfill(), backfill()]
        yield* Effect.forEach(made, ({ tell }) => tell("BackfillRequested"))
        const { backfills } = yield* BackfillLog
        expect((yield* backfills(2)).map(({ id }) => id)).toEqual([made[2]!.id, made[1]!.id])
      })
    )
  })
