import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Event } from "../../runtime/Event.ts"
import * as AssetGraph from "../../runtime/AssetGraph.ts"
import * as Forecast from "../../runtime/Forecast.ts"
import type * as Plan from "../../runtime/Plan.ts"
import { Progress } from "../../runtime/Progress.ts"
import * as Report from "../../runtime/Report.ts"
import * as Screen from "../../runtime/Screen.ts"
import { asset, dailyInRanges, Simulation } from "../Simulation.ts"

const terminal = (columns: number): Report.Medium => ({ style: Report.plain, columns, animated: true })

describe("a table", () => {
  const columns = [{ title: "asset" }, { title: "why", gives: true }, { title: "rows", align: "right" }] as const

  it("aligns its columns and leaves out those without text", () => {
    expect(
      Report.table(
        columns,
        [
          ["users", "", "1,000"],
          ["features", "", "5"]
        ],
        Report.paper
      )
    ).toEqual(["asset      rows", "users     1,000", "features      5"])
  })

  it("is as wide as the terminal at most, at the cost of one column", () => {
    const rows = [["users", "not rechecked since yesterday", "1"]]
    const [, line] = Report.table(columns, rows, terminal(30))
    expect(line).toBe("users  not rechecked si…     1")
  })

  it("counts characters that take two cells", () => {
    const [, first, second] = Report.table(
      columns.slice(0, 2),
      [
        ["日本", "x"],
        ["abcd", "y"]
      ],
      Report.paper
    )
    expect([first, second]).toEqual(["日本   x", "abcd   y"])
  })
})

describe("quantities", () => {
  it("are told in the unit that fits", () => {
    expect([3, 4200, 200_000, 7_500_000].map(Report.duration)).toEqual(["3 ms", "4.2 s", "3 min 20 s", "2 h 5 min"])
    expect([250, 3000, 4200, 19_900, 59_700, 360_400, 7_500_000].map(Report.estimate)).toEqual([
      "250 ms",
      "3 s",
      "4.2 s",
      "20 s",
      "1 min",
      "6 min",
      "2 h 5 min"
    ])
    const now = Date.parse("2026-03-10T12:00:00Z")
    expect(Report.ago("2026-03-10T11:59:59.900Z", now)).toBe("just now")
    expect(Report.ago("2026-03-10T11:00:00Z", now)).toBe("1 hour ago")
    expect(Report.ago("2026-03-01T11:00:00Z", now)).toBe("9 days ago")
    expect([Report.count(1, "row"), Report.count(12_345, "row")]).toEqual(["1 row", "12,345 rows"])
  })

  it("are clipped to one line of the width", () => {
    expect(Report.clip("first\n  second", 80)).toBe("first second")
    expect(Report.clip("recommendations", 8)).toBe("recomme…")
  })
})

describe("a tree", () => {
  it("shows what hangs on what", () => {
    const leaf = (text: string) => ({ text, children: [] })
    const tree = { text: "a", children: [{ text: "b", children: [leaf("c")] }, leaf("d")] }
    expect(Report.tree(tree)).toEqual(["a", "├─ b", "│  └─ c", "└─ d"])
  })
})

describe("a screen", () => {
  const recorded = (medium: Report.Medium) => {
    const written: Array<string> = []
    const screen = Screen.make(medium, (text) => Effect.sync(() => void written.push(text)))
    return { screen, written }
  }

  it("draws its view over the one before, below the lines that stay", () => {
    const { screen, written } = recorded(terminal(10))
    Effect.runSync(screen.draw(["one", "two"]))
    Effect.runSync(screen.print(["stays"]))
    Effect.runSync(screen.draw(["much longer than that"]))
    Effect.runSync(screen.draw([]))
    expect(written).toEqual([
      "one\ntwo\n",
      "\u001b[2A\u001b[0Jstays\none\ntwo\n",
      "\u001b[2A\u001b[0Jmuch long…\n",
      "\u001b[1A\u001b[0J"
    ])
  })

  it("counts what is done once that takes a while, ten times a second at most", async () => {
    const { screen, written } = recorded(terminal(80))
    await Effect.runPromise(
      Effect.gen(function* () {
        const watch = yield* Screen.counting(screen, "values judged")
        yield* watch(1, 1200)
        yield* TestClock.adjust("2 seconds")
        yield* watch(1100, 1200)
        yield* watch(1101, 1200)
        yield* TestClock.adjust("100 millis")
        yield* watch(1200, 1200)
      }).pipe(Effect.provide(TestClock.layer()))
    )
    expect(written).toEqual([
      "  1,100 of 1,200 values judged, 2.0 s\n",
      "\u001b[1A\u001b[0J  1,200 of 1,200 values judged, 2.1 s\n"
    ])
  })

  it("writes only what stays where nothing can be written over", () => {
    const { screen, written } = recorded(Report.paper)
    Effect.runSync(screen.draw(["one"]))
    Effect.runSync(screen.print(["stays"]))
    expect(written).toEqual(["stays\n"])
  })
})

describe("the progress of a run", () => {
  const step = (asset: string): Plan.Step => ({
    asset,
    partition: null,
    range: undefined,
    certainty: "Certain",
    reasons: [{ _tag: "Missing" }],
    after: [],
    follows: []
  })
  const block = (asset: string): Plan.Block => ({ ...step(asset), from: 0, to: 1, partitions: null })
  const plan = (...assets: ReadonlyArray<string>): Plan.Plan => ({
    at: 0,
    dynamic: new Map(),
    removed: new Map(),
    selection: [],
    assets: 1,
    unmatched: [],
    blocks: assets.map(block),
    steps: assets.map(step),
    upstreamNotSelected: [],
    nothingToRead: [],
    frozen: [],
    accepted: []
  })
  const progressOf = (assets: ReadonlyArray<string>, durations: Readonly<Record<string, number>> = {}) => {
    const graph = AssetGraph.make(assets.map((key) => asset(key)))
    const known = { durations: new Map(Object.entries(durations)), concurrency: 2 }
    return new Progress(plan(...assets), Forecast.make(graph, plan(...assets), known), Report.paper)
  }
  const at = (seconds: number) => new Date(seconds * 1000).toISOString()
  const ref = { runId: "r1", partition: null }
  const started: Event = {
    _tag: "RunStarted",
    at: at(0),
    runId: "r1",
    trigger: "materialize",
    selection: [],
    steps: 3,
    traceId: null,
    spanId: null
  }
  const begun = (asset: string, second: number): Event => ({
    _tag: "StepStarted",
    at: at(second),
    ...ref,
    asset,
    reasons: []
  })
  const done = (asset: string, second: number): Event => ({
    _tag: "AssetMaterialized",
    at: at(second),
    ...ref,
    asset,
    codeVersion: "1",
    dataVersion: "v",
    provenance: {},
    config: {},
    rows: 1000,
    metadata: { inserted: 12, unchanged: 988 },
    attempts: 1,
    traceId: null,
    spanId: null
  })

  it("says of a step that runs how far it says it is, until it has settled", () => {
    const progress = progressOf(["model"])
    for (const event of [started, begun("model", 1)]) progress.apply(event)
    const step = { asset: "model", partition: null }
    progress.note(step, "epoch 1 of 10")
    progress.note(step, "epoch 2 of 10")
    expect(progress.view(2500, 10)).toEqual(["  model  1.5 s  epoch 2 of 10", "  0 of 1 step done, 2.5 s"])
    progress.apply(done("model", 3))
    progress.note(step, "epoch 3 of 10")
    expect(progress.view(3000, 10)).toEqual(["  1 of 1 step done, 3.0 s"])
  })

  it("is one line for each step that settled, and a view of those that run", () => {
    const progress = progressOf(["users", "tracks", "model"])
    for (const event of [started, begun("users", 1), begun("tracks", 1)]) expect(progress.apply(event)).toEqual([])
    expect(progress.view(2500, 10)).toEqual(["  users   1.5 s", "  tracks  1.5 s", "  0 of 3 steps done, 2.5 s"])
    expect(progress.apply(done("users", 3))).toEqual(["+ users   materialized 1,000 rows (12 inserted) in 2.0 s"])
    expect(progress.view(3000, 10)).toEqual(["  tracks  2.0 s", "  1 of 3 steps done, 3.0 s"])
  })

  it("ends with the checks that failed and kept nothing from being published", () => {
    const failed = (asset: string, check: string, severity: "warn" | "error", accepted = false): Event => ({
      _tag: "CheckFailed",
      at: at(2),
      ...ref,
      asset,
      check,
      severity,
      accepted,
      blocking: accepted,
      dataVersion: "v",
      metadata: {},
      reason: "no"
    })
    const told = (end: Event, ...events: ReadonlyArray<Event>) => {
      const progress = progressOf(["users", "tracks"])
      for (const event of [started, begun("users", 1), ...events]) progress.apply(event)
      return progress.apply(end)
    }
    const succeeded: Event = { _tag: "RunSucceeded", at: at(4), runId: "r1" }
    const [odd, again] = [failed("users", "odd", "error"), failed("users", "odd", "error")]
    expect(told(succeeded, odd, again, failed("tracks", "old", "error", true), failed("users", "few", "warn"))).toEqual(
      ["", "Succeeded in 4.0 s", "3 checks failed: users:odd, tracks:old", "1 check warned: users:few"]
    )
    expect(told(succeeded)).toEqual(["", "Succeeded in 4.0 s"])
    expect(told({ _tag: "RunCanceled", at: at(4), runId: "r1" }, odd).at(-1)).toBe(
      "Run `assets materialize` again to go on."
    )
  })

  it("tells of a step that takes a range as of all its partitions", () => {
    const days = new Simulation([dailyInRanges("days", { start: "2026-03-01", most: 4 })])
    const plan = days.plan()
    const forecast = Forecast.make(days.graph, plan, { durations: new Map([["days", 2]]), concurrency: 1 })
    const progress = new Progress(plan, forecast, Report.paper)
    expect(progress.planned()[1]).toContain("takes 10 × 2 s  ends after 20 s")
    progress.apply(started)
    progress.apply({ ...begun("days", 0), partition: "2026-03-01..2026-03-04" } as Event)
    expect(progress.view(6000, 10).at(-1)).toBe("  0 of 3 steps done, 6.0 s, about 14 s left")
    progress.apply({ ...done("days", 8), partition: "2026-03-01..2026-03-04" } as Event)
    expect(progress.view(8000, 10).at(-1)).toBe("  1 of 3 steps done, 8.0 s, about 12 s left")
  })

  it("tells about how long the rest takes, when every step was run before", () => {
    const progress = progressOf(["users", "tracks", "model"], { users: 10, tracks: 10, model: 20 })
    for (const event of [started, begun("users", 0), begun("tracks", 0)]) progress.apply(event)
    const left = (second: number) => progress.view(second * 1000, 10).at(-1)
    expect(left(0)).toBe("  0 of 3 steps done, 0 ms, about 30 s left")
    expect(left(5)).toBe("  0 of 3 steps done, 5.0 s, about 23 s left")
    progress.apply(done("users", 10))
    progress.apply(begun("model", 10))
    // Slower than before: what it was expected to take is over.
    expect(left(12)).toBe("  1 of 3 steps done, 12.0 s, about 14 s left")
    progress.apply(done("tracks", 14))
    expect(left(40)).toBe("  2 of 3 steps done, 40.0 s")
  })

  it("says nothing of the end when a step was never run", () => {
    const progress = progressOf(["users", "tracks"], { users: 10 })
    progress.apply(started)
    expect(progress.view(0, 10)).toEqual(["  0 of 2 steps done, 0 ms"])
  })

  it("begins with how long each step takes, and how long all of them", () => {
    expect(progressOf(["users", "tracks", "model"], { users: 10, tracks: 10, model: 1.25 }).planned()).toEqual([
      "3 steps to do:",
      "  users   Certain      takes 10 s   ends after 10 s  never materialized",
      "  tracks  Certain      takes 10 s   ends after 10 s  never materialized",
      "  model   Certain      takes 1.3 s  ends after 11 s  never materialized",
      "3 steps, about 11 s with 2 at a time",
      ""
    ])
  })

  it("ends with what came of the run and what to do next", () => {
    const progress = progressOf(["users", "model"])
    const error = { _tag: "ApiDown", message: "the API is down" }
    const events: ReadonlyArray<Event> = [
      started,
      begun("users", 0),
      { _tag: "StepFailed", at: at(2), ...ref, asset: "users", error, attempts: 3 },
      { _tag: "StepSkipped", at: at(2), ...ref, asset: "model", because: "users" },
      { _tag: "RunFailed", at: at(2), runId: "r1", error }
    ]
    expect(events.flatMap((event) => progress.apply(event))).toEqual([
      "x users  failed after 3 attempts: the API is down",
      "- model  skipped because of users",
      "",
      "Failed after 2.0 s: 1 failed, 1 skipped",
      "What happened: assets run r1"
    ])
  })

  it("abbreviates a long plan", () => {
    const assets = Array.from({ length: 100 }, (_, index) => `asset_${index}`)
    const lines = progressOf(assets).planned()
    expect(lines).toHaveLength(23)
    expect(lines.at(-2)).toBe("  … and 80 more; `assets plan` shows all")
  })

  it("says so when there is nothing to do", () => {
    expect(progressOf([]).planned()).toEqual(["Everything is Current"])
  })
})
