import { assert, describe, it } from "@effect/vitest"
import * as Asset from "../runtime/Asset.ts"
import * as Forecast from "../runtime/Forecast.ts"
import * as Plan from "../runtime/Plan.ts"
import * as PlanReport from "../runtime/PlanReport.ts"
import * as Partition from "../runtime/Partition.ts"
import { asset, daily, Simulation } from "./Simulation.ts"

const users = asset("users").pipe(Asset.recheckAfter("1 day"))
const tracks = asset("tracks").pipe(Asset.recheckAfter("1 day"))
const listens = daily("listens", { start: "2026-03-01" }).pipe(Asset.after(users, tracks), Asset.unrepeatable)
const featuresAt = (code: string) => asset("features", { deps: { users, tracks, listens }, code })
const modelAt = (code: string) => asset("model", { deps: { features: featuresAt(code) } })

const today = "listens/2026-03-10"

const fresh = () => new Simulation([modelAt("1")])

const settled = () => {
  const simulation = fresh()
  simulation.run()
  return simulation
}

const names = (plan: Plan.Plan) => plan.steps.map((step) => Partition.show(step))

const step = (plan: Plan.Plan, asset: string) => plan.steps.find((step) => step.asset === asset)!

describe("a plan", () => {
  it("of an empty database has everything, dependencies first", () => {
    const plan = fresh().plan()
    assert.deepStrictEqual(names(plan), ["users", "tracks", today, "features", "model"])
    assert.deepStrictEqual(
      plan.steps.map((step) => step.after.flat()),
      [[], [], [], [0, 1, 2], [3]]
    )
    assert.deepStrictEqual(
      plan.steps.map((step) => step.follows.flat()),
      [[], [], [0, 1], [], []]
    )
  })

  it("is empty once it was executed", () => {
    assert.deepStrictEqual(PlanReport.explain(settled().plan()), ["Everything is Current"])
  })

  it("keeps the time of its decisions", () => {
    assert.strictEqual(fresh().plan().at, Date.parse("2026-03-10T12:00:00Z"))
  })

  it("says of each step whether it can still turn out unnecessary, and why it is there", () => {
    const simulation = settled()
    simulation.redeclare(modelAt("2"))
    assert.deepStrictEqual(PlanReport.explain(simulation.plan()), [
      "features  Certain      code version 1 became 2",
      "model     Conditional  features may change"
    ])
  })

  it("has the steps that the JSON contract promises", () => {
    const simulation = settled()
    simulation.redeclare(modelAt("2"))
    const plan = simulation.plan()
    const forecast = Forecast.make(simulation.graph, plan, { durations: new Map([["features", 2.5]]), concurrency: 4 })
    const features = {
      asset: "features",
      certainty: "Certain",
      reasons: [{ _tag: "CodeChanged", from: "1", to: "2" }],
      expectedSeconds: 2.5
    } as const
    const model = {
      asset: "model",
      certainty: "Conditional",
      reasons: [{ _tag: "DependencyPlanned", dependency: "features" }],
      expectedSeconds: null
    } as const
    assert.deepStrictEqual(PlanReport.toJson(plan, forecast), {
      steps: [
        { ...features, partition: null },
        { ...model, partition: null }
      ],
      blocks: [
        { ...features, partitions: null, count: 1, startsAfterSeconds: 0, endsAfterSeconds: 2.5 },
        { ...model, partitions: null, count: 1, startsAfterSeconds: null, endsAfterSeconds: null }
      ],
      forecast: {
        seconds: 2.5,
        unknown: 1,
        conditionalSeconds: 0,
        concurrency: 4,
        criticalPath: { seconds: 2.5, assets: ["features"] }
      },
      upstreamNotSelected: [],
      nothingToRead: [],
      frozen: []
    })
  })

  it("reads every planned partition where all are read, and the one of the same key where cut alike", () => {
    const clicks = daily("clicks", { start: "2026-03-09" })
    const sessions = daily("sessions", { start: "2026-03-09", deps: { clicks } })
    const totals = daily("totals", { start: "2026-03-10", deps: { all: Asset.allPartitions(clicks) } })
    const plan = new Simulation([sessions, totals, asset("report", { deps: { sessions } })]).plan()
    assert.deepStrictEqual(
      plan.steps.map((step) => [Partition.show(step), step.after.flat()]),
      [
        ["clicks/2026-03-09", []],
        ["clicks/2026-03-10", []],
        ["sessions/2026-03-09", [0]],
        ["sessions/2026-03-10", [1]],
        ["totals/2026-03-10", [0, 1]],
        ["report", [2, 3]]
      ]
    )
  })
})

describe("a slice that only follows", () => {
  it("follows the one of its own key where both are cut alike, and all of them where it is not cut", () => {
    const clicks = daily("clicks", { start: "2026-03-09" })
    const sessions = daily("sessions", { start: "2026-03-09" }).pipe(Asset.after(clicks))
    const plan = new Simulation([sessions, asset("report").pipe(Asset.after(sessions))]).plan()
    assert.deepStrictEqual(
      plan.steps.map((step) => [Partition.show(step), step.follows.flat()]),
      [
        ["clicks/2026-03-09", []],
        ["clicks/2026-03-10", []],
        ["sessions/2026-03-09", [0]],
        ["sessions/2026-03-10", [1]],
        ["report", [2, 3]]
      ]
    )
  })
})

describe("a step that changed for a dependency", () => {
  const first = asset("first")
  const second = asset("second", { deps: { first } })
  const third = asset("third", { deps: { second } })

  const moved = () => {
    const simulation = new Simulation([third])
    simulation.run()
    simulation.world.set(Partition.id({ asset: "first", partition: null }), 1)
    simulation.execute(simulation.request({ selection: ["first"], recheck: true }))
    return simulation
  }

  it("is certain while the dependency stays as it is", () => {
    assert.deepStrictEqual(PlanReport.explain(moved().plan("second")), ["second  Certain      first has changed"])
  })

  it("is conditional when the dependency runs again, because it may change back", () => {
    const simulation = moved()
    simulation.world.clear()
    const plan = simulation.request({ recheck: true })
    assert.strictEqual(step(plan, "second").certainty, "Conditional")
    assert.deepStrictEqual(simulation.execute(plan), ["first"])
    assert.deepStrictEqual(simulation.statuses(), { first: "Current", second: "Current", third: "Current" })
  })
})

describe("early cutoff", () => {
  it("ends a wave of steps where a value comes out identical", () => {
    const simulation = settled()
    simulation.pass(24)
    const plan = simulation.plan()
    assert.deepStrictEqual(names(plan), ["users", "tracks", "listens/2026-03-11", "features", "model"])
    assert.deepStrictEqual(simulation.execute(plan), ["users", "tracks", "listens/2026-03-11", "features", "model"])
    simulation.pass(6)
    assert.deepStrictEqual(simulation.execute(simulation.request({ recheck: true })), [
      "users",
      "tracks",
      "listens/2026-03-11"
    ])
    assert.deepStrictEqual(names(simulation.plan()), [])
  })

  it("verifies what came out identical, or it would be Stale for ever", () => {
    const constant = new Simulation([modelAt("1")], { variety: () => 1 })
    constant.run()
    constant.redeclare(modelAt("2"))
    assert.deepStrictEqual(constant.run(), ["features"])
    assert.strictEqual(constant.log.filter(({ event }) => event._tag === "AssetVerified").length, 1)
    assert.deepStrictEqual(names(constant.plan()), [])
  })
})

describe("a selection", () => {
  it("takes just what it names", () => {
    assert.deepStrictEqual(names(fresh().plan("users", "tracks")), ["users", "tracks"])
  })

  it("may be by status and cause, as they are before anything is done", () => {
    const simulation = settled()
    simulation.redeclare(modelAt("2"))
    const request = (...selection: ReadonlyArray<string>) => names(simulation.request({ selection }))
    assert.deepStrictEqual(request("status:stale"), ["features"])
    assert.deepStrictEqual(request("changed:code+"), ["features", "model"])
    assert.deepStrictEqual(request("changed:dependency"), [])
    assert.deepStrictEqual(request("status:current"), [])
    simulation.pass(24)
    assert.deepStrictEqual(request("status:missing"), ["listens/2026-03-11"])
    assert.deepStrictEqual(request("status:stale and not changed:code"), ["users", "tracks"])
  })

  it("names what of it no asset answers to", () => {
    const plan = settled().request({ selection: ["users", "tag:pii"] })
    assert.deepStrictEqual(plan.unmatched, [{ expression: "tag:pii", nearest: [] }])
  })

  it("leaves out what is Maybe only through ancestors that are not selected, and names them", () => {
    const simulation = settled()
    simulation.pass(24)
    const plan = simulation.plan("model")
    assert.deepStrictEqual(names(plan), [])
    assert.deepStrictEqual(plan.upstreamNotSelected, [
      { asset: "model", partition: null, ancestors: ["features", "users", "tracks", "listens"] }
    ])
    assert.deepStrictEqual(PlanReport.explain(plan), [
      "model is left out: it depends on features, users, tracks, listens, not selected; try +model"
    ])
  })

  it("names of the ancestors only those that keep it open", () => {
    const simulation = settled()
    simulation.wipe({ asset: "users", partition: null })
    assert.deepStrictEqual(
      simulation.plan("features").upstreamNotSelected.map((entry) => entry.ancestors),
      [["users"]]
    )
  })

  it("that misses what it needs is refused with one that would work", () => {
    assert.strictEqual(
      fresh().refusal({ selection: ["features"] }),
      "features needs users, which was never materialized and is not in this plan; try: assets materialize +features"
    )
    assert.strictEqual(
      fresh().refusal({ selection: ["users", "model"] }),
      "model needs features, which was never materialized and is not in this plan; try: assets materialize users +model"
    )
  })

  it("that misses what several of its assets need is refused with one that has all of it", () => {
    assert.include(
      fresh().refusal({ selection: ["model+", "features", "users"] }),
      "features needs tracks, which was never materialized and is not in this plan; try: assets materialize model+ users +features"
    )
    assert.include(fresh().refusal({ selection: ["listens", "model"] }), "try: assets materialize +listens +model")
  })

  it("that misses what has to go first is refused likewise", () => {
    assert.include(
      fresh().refusal({ selection: ["listens"] }),
      "listens/2026-03-10 needs users, which was never materialized"
    )
    assert.deepStrictEqual(names(fresh().plan("+listens")), ["users", "tracks", today])
  })

  it("of an asset that was wiped below is refused, too", () => {
    const simulation = settled()
    simulation.wipe({ asset: "users", partition: null })
    simulation.redeclare(modelAt("2"))
    assert.include(simulation.refusal({ selection: ["features"] }), "features needs users")
  })

  it("is not held up by a partition that is Missing where others are published", () => {
    const simulation = settled()
    simulation.pass(12)
    simulation.redeclare(modelAt("2"))
    assert.deepStrictEqual(names(simulation.plan("features")), ["features"])
  })
})

describe("a recheck", () => {
  it("adds the sources that the selection reaches and everything between", () => {
    const plan = settled().request({ selection: ["model"], recheck: true })
    assert.deepStrictEqual(names(plan), ["users", "tracks", today, "features", "model"])
    assert.deepStrictEqual(
      plan.steps.map((step) => step.certainty),
      ["Certain", "Certain", "Certain", "Conditional", "Conditional"]
    )
    assert.deepStrictEqual(step(plan, "users").reasons, [{ _tag: "RecheckRequested" }])
  })

  it("does not reach what only goes first", () => {
    assert.deepStrictEqual(names(settled().request({ selection: ["listens"], recheck: true })), [today])
  })

  it("leaves frozen partitions alone", () => {
    const simulation = settled()
    simulation.pass(24)
    const plan = simulation.request({ selection: ["listens"], recheck: true })
    assert.deepStrictEqual(names(plan), ["listens/2026-03-11"])
  })
})

describe("force", () => {
  it("computes what is selected, Current or not, and nothing else", () => {
    const plan = settled().request({ selection: ["features"], force: true })
    assert.deepStrictEqual(PlanReport.explain(plan), ["features  Certain      forced"])
  })

  it("is not for what a recheck adds", () => {
    const plan = settled().request({ selection: ["model"], force: true, recheck: true })
    assert.strictEqual(step(plan, "features").certainty, "Conditional")
    assert.deepStrictEqual(step(plan, "model").reasons, [
      { _tag: "Forced" },
      { _tag: "DependencyPlanned", dependency: "features" }
    ])
  })

  it("leaves frozen partitions alone", () => {
    const simulation = settled()
    simulation.pass(24)
    assert.deepStrictEqual(names(simulation.request({ selection: ["listens"], force: true })), ["listens/2026-03-11"])
  })
})

describe("days that changed one by one", () => {
  it("share a line, neighbours as a range", () => {
    const source = daily("source", { start: "2026-03-05" })
    const simulation = new Simulation([daily("copy", { start: "2026-03-05", deps: { source } })])
    simulation.run()
    for (const day of ["05", "06", "07", "10"]) {
      simulation.world.set(Partition.id({ asset: "source", partition: `2026-03-${day}` }), 7)
    }
    simulation.execute(simulation.request({ selection: ["source"], force: true }))
    assert.deepStrictEqual(PlanReport.explain(simulation.plan()), [
      "copy/2026-03-05..2026-03-07, 2026-03-10 (4 partitions)  Certain      source has changed"
    ])
  })
})

describe("ten thousand assets in a chain", () => {
  it("are planned without exhausting the stack", () => {
    let last: Asset.Any = asset("link_0")
    for (let index = 1; index < 10_000; index++) last = asset(`link_${index}`, { deps: { last } })
    assert.strictEqual(new Simulation([last]).plan().steps.length, 10_000)
  })
})
