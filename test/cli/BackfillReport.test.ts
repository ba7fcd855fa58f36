import { describe, expect, it } from "@effect/vitest"
import * as Backfill from "../../runtime/Backfill.ts"
import type * as BackfillHistory from "../../runtime/BackfillHistory.ts"
import { BackfillProgress } from "../../runtime/BackfillProgress.ts"
import * as BackfillReport from "../../runtime/BackfillReport.ts"
import type { Event } from "../../runtime/Event.ts"
import * as Report from "../../runtime/Report.ts"
import { asset, daily, dailyInRanges, Simulation } from "../Simulation.ts"

const error = { _tag: "MeterSilent", message: "the meter does not answer" }

const readings = daily("readings", { start: "2026-03-01" })
const usage = daily("usage", { start: "2026-03-01", deps: { readings } })
const bill = asset("bill", { deps: { usage } })

const simulation = new Simulation([bill])
const lineage = simulation.lineage(simulation.now)
const asked: Backfill.Asked = { selection: ["+bill"], which: "Stale", concurrency: null }
const plan = simulation.request(Backfill.toPlan(asked))

const start = Date.UTC(2026, 2, 10, 12)

type Told<E> = E extends Event ? Omit<E, "at" | "runId"> : never

/** Events of a run, in the millisecond after its start that is given. */
const at = (millis: number, told: Told<Event>) =>
  ({ at: new Date(start + millis).toISOString(), runId: "run", ...told }) as Event

const step = (asset: string, day: string) => ({ asset, partition: `2026-03-${day}` })

/** The lines that stay, of a run whose first three days fail to be read and whose others are read. */
const watched = (...more: ReadonlyArray<Event>) => {
  const progress = new BackfillProgress(plan, lineage, Report.plain)
  const days = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"]
  const events = [
    at(0, { _tag: "RunStarted", trigger: "backfill", selection: [], steps: 21, traceId: null, spanId: null }),
    ...days.map((day, index) =>
      index < 3
        ? at(1000, { _tag: "StepFailed", ...step("readings", day), error, attempts: 1 })
        : at(1000, { _tag: "StepCutOff", ...step("readings", day) })
    ),
    ...more
  ]
  return { progress, lines: events.flatMap((event) => progress.apply(event)) }
}

describe("the progress of a backfill", () => {
  it("begins with how much there is to do of each asset", () => {
    expect(new BackfillProgress(plan, lineage, Report.plain).planned()).toEqual([
      "21 slices to do:",
      "  readings  10",
      "  usage     10",
      "  bill      1",
      ""
    ])
  })

  it("does not call Current what is not there", () => {
    const nothing = simulation.plan("tag:unheard")
    expect(new BackfillProgress(nothing, lineage, Report.plain).planned()).toEqual([
      "Nothing to do: no asset is selected"
    ])
  })

  it("counts what steps take at once, and not the steps", () => {
    const simulation = new Simulation([dailyInRanges("sales", { start: "2026-03-01", most: 5 })])
    const plan = simulation.plan("sales")
    expect(plan.steps.length).toBe(2)
    expect(new BackfillProgress(plan, simulation.lineage(simulation.now), Report.plain).planned()).toEqual([
      "10 slices to do:",
      "  sales  10",
      ""
    ])
  })

  it("has a line for what fails and for nothing else", () => {
    expect(watched().lines).toEqual([
      "x readings/2026-03-01  failed: the meter does not answer",
      "x readings/2026-03-02  failed: the meter does not answer",
      "x readings/2026-03-03  failed: the meter does not answer"
    ])
  })

  it("shows how far each asset is, how fast it goes, and about how long it will take", () => {
    const { progress } = watched(at(2000, { _tag: "StepSkipped", ...step("usage", "01"), because: "readings" }))
    expect(progress.view(start + 2200, 10)).toEqual([
      "  usage  0 of 10 done, 1 skipped",
      "  11 of 21 slices, 2.2 s, 5.0 a second, about 2.0 s left"
    ])
    expect(progress.view(start, 10)).toContain("  11 of 21 slices, 1 ms, 11000 a second, about 1 ms left")
  })

  it("shows how many steps are under way", () => {
    const { progress } = watched(
      at(1100, { _tag: "StepStarted", ...step("usage", "05"), reasons: [] }),
      at(1100, { _tag: "StepStarted", ...step("usage", "06"), reasons: [] }),
      at(1900, { _tag: "StepFailed", ...step("usage", "06"), error, attempts: 1 })
    )
    expect(progress.view(start + 2200, 10).at(-1)).toMatch(/^  11 of 21 slices, 1 step running, 2.2 s,/)
  })

  it("ends with what failed, as ranges", () => {
    expect(watched(at(2000, { _tag: "RunFailed", error })).lines.slice(3)).toEqual([
      "",
      "Failed partitions:",
      "  readings/2026-03-01..2026-03-03",
      "",
      "Failed after 2.0 s: 7 done, 3 failed"
    ])
    expect(watched(at(2000, { _tag: "RunCanceled" })).lines.at(-1)).toBe("Stopped after 2.0 s: 7 done, 3 failed")
  })

  it("counts every slice of a step that covers a range", () => {
    const { progress } = watched(
      at(2000, { _tag: "StepSkipped", ...step("usage", "01..2026-03-04"), because: "readings" })
    )
    expect(progress.view(start + 2000, 10)[0]).toBe("  usage  0 of 10 done, 4 skipped")
  })

  it("tells the error when none of its steps came to be", () => {
    const progress = new BackfillProgress(plan, lineage, Report.plain)
    expect(progress.apply(at(5, { _tag: "RunFailed", error })).at(-1)).toBe("the meter does not answer")
  })
})

const history: BackfillHistory.History = {
  id: "0mwqq69nmg1khoy",
  status: "Paused",
  request: Backfill.request(asked, plan, lineage),
  requestedAt: "2026-03-10T12:00:00.000Z",
  endedAt: null,
  runs: ["first"]
}

const told = (partition: string, status: BackfillHistory.Outcome["status"]): BackfillHistory.Outcome => ({
  runId: "first",
  asset: "readings",
  partition,
  status,
  error: status === "Failed" ? error : null
})

const tally = new Backfill.Tally(lineage, history, [
  told("2026-03-01", "Failed"),
  told("2026-03-02", "Failed"),
  told("2026-03-03", "Materialized")
])

describe("a backfill that is shown", () => {
  it("says what became of its partitions, and how it can go on", () => {
    expect(BackfillReport.oneToText(history, tally, Report.paper)).toEqual([
      "backfill 0mwqq69nmg1khoy of +bill: Paused",
      "requested 2026-03-10T12:00:00.000Z",
      "",
      "asset     done  failed  left",
      "readings     1       2     7",
      "usage                     10",
      "bill                       1",
      "",
      "readings/2026-03-01..2026-03-02 (2 partitions): the meter does not answer",
      "",
      "runs: first",
      "to go on: assets backfill resume 0mwqq69nmg1khoy"
    ])
  })

  it("gives programs each outcome with its partitions merged", () => {
    const { assets, failures, ...rest } = BackfillReport.oneToJson(history, tally)
    expect(rest).toMatchObject({
      id: history.id,
      status: "Paused",
      selection: ["+bill"],
      which: "Stale",
      runs: ["first"]
    })
    expect(assets[0]!.ranges).toEqual([
      { outcome: "Done", partitions: ["2026-03-03"] },
      { outcome: "Failed", partitions: ["2026-03-01..2026-03-02"] },
      { outcome: "Left", partitions: ["2026-03-04..2026-03-10"] }
    ])
    expect(assets[2]).toEqual({
      asset: "bill",
      outcomes: { Done: 0, Failed: 0, Skipped: 0, Left: 1, Current: 0 },
      ranges: [{ outcome: "Left", partitions: null }]
    })
    expect(failures).toEqual([{ asset: "readings", partitions: ["2026-03-01..2026-03-02"], slices: 2, error }])
  })

  it("is a line among others", () => {
    const counted = { ...history, counts: { done: 1, failed: 2, skipped: 0 } }
    expect(BackfillReport.toJson([counted])).toMatchObject([
      { id: history.id, slices: 21, outcomes: { Done: 1, Failed: 2, Skipped: 0 } }
    ])
    expect(BackfillReport.toText([counted], start + 60_000, Report.paper)).toEqual([
      "backfill         status  of     slices  done  failed  requested",
      "0mwqq69nmg1khoy  Paused  +bill      21     1       2  1 minute ago"
    ])
  })
})
