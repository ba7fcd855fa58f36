import { describe, expect, it } from "@effect/vitest"
import * as Asset from "../../runtime/Asset.ts"
import * as Forecast from "../../runtime/Forecast.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as PlanReport from "../../runtime/PlanReport.ts"
import * as Report from "../../runtime/Report.ts"
import { asset, daily, Simulation, sliced } from "../Simulation.ts"

const terminal = (columns: number): Report.Medium => ({ style: Report.plain, columns, animated: true })

const users = asset("users")
const listens = daily("listens", { start: "2026-02-01" })
const featuresAt = (code: string) => asset("features", { deps: { users, listens }, code })
const modelAt = (code: string) => asset("model", { deps: { features: featuresAt(code) } })

const fresh = () => new Simulation([modelAt("1")])

const settled = () => {
  const simulation = fresh()
  simulation.run()
  return simulation
}

const changed = () => {
  const simulation = settled()
  simulation.redeclare(modelAt("2"))
  simulation.pass(48)
  return simulation
}

const told = (
  simulation: Simulation,
  durations: Readonly<Record<string, number>>,
  { concurrency = 4, medium = Report.paper }: { readonly concurrency?: number; readonly medium?: Report.Medium } = {}
) => {
  const plan = simulation.plan()
  const known = { durations: new Map(Object.entries(durations)), concurrency }
  return PlanReport.toText(plan, Forecast.make(simulation.graph, plan, known), medium)
}

const usual = { users: 3, listens: 20, features: 60, model: 100 }

describe("a plan whose steps were run before", () => {
  it("tells how long each takes, when it would end, and what a cutoff could save", () => {
    expect(told(changed(), usual)).toEqual([
      "listens/2026-03-11..2026-03-12 (2 partitions)  Certain      takes 2 × 20 s    ends after 20 s        never materialized",
      "features                                       Certain      takes 1 min       ends after 1 min 20 s  code version 1 became 2",
      "model                                          Conditional  takes 1 min 40 s  ends after 3 min       features may change",
      "4 steps, about 3 min with 4 at a time; 1 of them (1 min 40 s) is conditional and falls away if what it reads comes out the same"
    ])
  })

  it("is a table on a terminal, as wide as that", () => {
    expect(told(changed(), usual, { medium: terminal(100) })).toEqual([
      "step                                           certainty    takes       ends after  why",
      "listens/2026-03-11..2026-03-12 (2 partitions)  Certain      2 × 20 s    20 s        never materiali…",
      "features                                       Certain      1 min       1 min 20 s  code version 1 …",
      "model                                          Conditional  1 min 40 s  3 min       features may ch…",
      "4 steps, about 3 min with 4 at a time; 1 of them (1 min 40 s) is conditional and falls away if what it reads comes out the same"
    ])
  })

  it("says what no concurrency could make shorter, where more of it would help", () => {
    expect(told(changed(), usual, { concurrency: 1 }).slice(-2)).toEqual([
      "4 steps, about 3 min 20 s with 1 at a time; 1 of them (1 min 40 s) is conditional and falls away if what it reads comes out the same",
      "Not before 3 min, however many at a time: listens, then features, then model"
    ])
  })

  it("has many partitions in one line", () => {
    const lines = told(fresh(), usual)
    expect(lines[1]).toMatch(/^listens\/2026-02-01\.\.2026-03-10 \(38 partitions\) +Certain +takes 38 × 20 s /)
    expect(lines.at(-2)).toBe("41 steps, about 6 min with 4 at a time")
  })
})

describe("a plan of a product", () => {
  it("names all its partitions, however many ranges they are", () => {
    const days = Partition.daily({ start: "2026-03-08", end: "2026-03-12" })
    const region = Partition.fixed(["br", "cn", "eu", "jp", "us"])
    const simulation = new Simulation([sliced("sales", { partitions: Partition.product({ days, region }) })], {
      now: "2026-03-12T12:00:00Z"
    })
    simulation.execute(simulation.request({ selection: ["sales"], partitions: "days=2026-03-08 region=br,cn" }))
    expect(PlanReport.explain(simulation.plan())).toEqual([
      expect.stringMatching(/^sales\/days=2026-03-08 region=eu\.\.us, days=2026-03-09\.\.2026-03-11 \(18 partitions\) /)
    ])
  })
})

describe("a plan of an asset that reads its own day before", () => {
  const project = (code: string) => {
    const before = Asset.previous()
    return [daily("ledger", { start: "2026-03-01", deps: { listens, before }, code }), asset("users")]
  }

  it("has a line for all its days that are computed for the same reason", () => {
    const simulation = new Simulation(project("1"))
    simulation.run()
    simulation.redeclare(...project("2"))
    expect(told(simulation, {})).toEqual([
      "ledger/2026-03-01..2026-03-10 (10 partitions)  Certain      code version 1 became 2",
      "10 steps; no step was run before, so nothing is known of how long it takes"
    ])
  })

  it("has a line for the days of each reason when days that it reads have changed", () => {
    const simulation = new Simulation(project("1"))
    simulation.run()
    for (const day of ["2026-03-02", "2026-03-03"]) simulation.world.set(`listens\u001f${day}`, 7)
    simulation.execute(simulation.request({ selection: ["listens"], force: true }))
    expect(told(simulation, {}).slice(0, -1)).toEqual([
      "ledger/2026-03-02..2026-03-03 (2 partitions)  Certain      listens has changed",
      "ledger/2026-03-04..2026-03-10 (7 partitions)  Conditional  ledger may change"
    ])
  })
})

describe("a plan of which some steps were never run", () => {
  it("says which, and how many", () => {
    expect(told(changed(), { listens: 20, model: 100 })).toEqual([
      "listens/2026-03-11..2026-03-12 (2 partitions)  Certain      takes 2 × 20 s    ends after 20 s  never materialized",
      "features                                       Certain      takes ?           ends after ?     code version 1 became 2",
      "model                                          Conditional  takes 1 min 40 s  ends after ?     features may change",
      "4 steps, about 2 min with 4 at a time; 1 of them (1 min 40 s) is conditional and falls away if what it reads comes out the same",
      "Not counted: 1 step that was never run before"
    ])
  })

  it("says of conditional ones that were never run only that they are", () => {
    expect(told(changed(), { listens: 20 }).slice(-2)).toEqual([
      "4 steps, about 20 s with 4 at a time; 1 of them is conditional and falls away if what it reads comes out the same",
      "Not counted: 2 steps that were never run before"
    ])
  })
})

describe("a plan none of whose steps was run before", () => {
  it("says so, and of no step how long it takes", () => {
    expect(told(changed(), {})).toEqual([
      "listens/2026-03-11..2026-03-12 (2 partitions)  Certain      never materialized",
      "features                                       Certain      code version 1 became 2",
      "model                                          Conditional  features may change",
      "4 steps; no step was run before, so nothing is known of how long it takes; 1 of them is conditional and falls away if what it reads comes out the same"
    ])
  })
})

describe("a plan without steps", () => {
  it("is told in one line", () => {
    expect(told(settled(), usual)).toEqual(["Everything is Current"])
  })
})
