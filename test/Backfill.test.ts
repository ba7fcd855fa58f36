import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as Backfill from "../runtime/Backfill.ts"
import type * as BackfillHistory from "../runtime/BackfillHistory.ts"
import type { BackfillRequest } from "../runtime/Event.ts"
import * as MultiAsset from "../runtime/MultiAsset.ts"
import * as Partition from "../runtime/Partition.ts"
import type * as Plan from "../runtime/Plan.ts"
import * as PlanReport from "../runtime/PlanReport.ts"
import * as Ranges from "../runtime/Ranges.ts"
import { asset, daily, io, Simulation } from "./Simulation.ts"

/** Ten days until 2026-03-10, each read and then used, and a bill over all of them. */
const meters = (code = "1") => {
  const readings = daily("readings", { start: "2026-03-01", code })
  const usage = daily("usage", { start: "2026-03-01", deps: { readings } })
  return asset("bill", { deps: { usage } })
}

const asked = (more: Partial<Backfill.Asked>): Backfill.Asked => ({
  selection: ["*"],
  which: "Stale",
  concurrency: null,
  ...more
})

const planned = (simulation: Simulation, more: Partial<Backfill.Asked>) => {
  const plan = simulation.request(Backfill.toPlan(asked(more)))
  return { plan, request: Backfill.request(asked(more), plan, simulation.lineage(simulation.now)) }
}

const targets = (simulation: Simulation, more: Partial<Backfill.Asked>) => planned(simulation, more).request.targets

const refusal = (more: Partial<Backfill.Asked>) => new Simulation([meters()]).refusal(Backfill.toPlan(asked(more)))

const tally = (
  simulation: Simulation,
  request: BackfillRequest,
  told: ReadonlyArray<Partial<BackfillHistory.Outcome>>,
  status: BackfillHistory.Status = "Paused"
) =>
  new Backfill.Tally(
    simulation.lineage(simulation.now),
    { request, status, runs: ["first", "second"] },
    told.map((outcome) => ({
      runId: "second",
      asset: "readings",
      partition: null,
      status: "Materialized",
      error: null,
      ...outcome
    }))
  )

const names = (plan: Plan.Plan) => plan.steps.map((step) => Partition.show(step))

const silent = { _tag: "MeterSilent", message: "no answer" }

describe("a backfill takes", () => {
  it("what is not Current within its range, and assets without partitions as usual", () => {
    const { plan, request } = planned(new Simulation([meters()]), { from: "2026-03-02", to: "2026-03-04" })
    assert.deepStrictEqual(request.targets, {
      readings: ["2026-03-02..2026-03-04"],
      usage: ["2026-03-02..2026-03-04"],
      bill: null
    })
    assert.strictEqual(request.slices, 7)
    assert.strictEqual(names(plan)[0], "readings/2026-03-02")
    assert.strictEqual(names(plan).at(-1), "bill")
  })

  it("by default what is Stale, and what that may change; of what is Missing alone, only that", () => {
    const simulation = new Simulation([meters()])
    simulation.execute(simulation.request({ from: "2026-03-01", to: "2026-03-05" }))
    simulation.redeclare(meters("2"))
    assert.deepStrictEqual(targets(simulation, { selection: ["readings", "usage"], to: "2026-03-07" }), {
      readings: ["2026-03-01..2026-03-07"],
      usage: ["2026-03-01..2026-03-07"]
    })
    assert.deepStrictEqual(targets(simulation, { selection: ["+usage"], to: "2026-03-07", which: "Missing" }), {
      readings: ["2026-03-06..2026-03-07"],
      usage: ["2026-03-06..2026-03-07"]
    })
  })

  it("nothing of what is Current, unless it takes all", () => {
    const simulation = new Simulation([meters()])
    simulation.run()
    assert.deepStrictEqual(targets(simulation, {}), {})
    assert.deepStrictEqual(targets(simulation, { which: "All", selection: ["readings"], partitions: "2026-03-0*" }), {
      readings: ["2026-03-01..2026-03-09"]
    })
  })

  it("nothing while something is not selected, and says the command that would work", () => {
    const { catalog, graph, now } = new Simulation([meters()])
    const refused = (more: Partial<Backfill.Asked>) =>
      Result.match(Backfill.plan(graph, catalog, Backfill.toPlan(asked({ selection: ["usage"], ...more })), now), {
        onFailure: (error) => error.message.split("try: ")[1],
        onSuccess: () => "planned"
      })
    assert.strictEqual(refused({}), "assets backfill +usage")
    assert.strictEqual(
      refused({ from: "2026-03-02", which: "Missing" }),
      "assets backfill +usage --from 2026-03-02 --missing"
    )
    assert.strictEqual(
      refused({ partitions: "2026-03-0*", which: "All" }),
      "assets backfill +usage --partitions '2026-03-0*' --all"
    )

    // With the range alone the day before would still be missing.
    const readings = daily("readings", { start: "2026-03-01" })
    const usage = daily("usage", {
      start: "2026-03-01",
      deps: { readings: Asset.windows(readings, { start: -1, end: -1 }) }
    })
    const later = new Simulation([usage])
    const plan = Backfill.plan(
      later.graph,
      later.catalog,
      Backfill.toPlan(asked({ selection: ["usage"], from: "2026-03-02", to: "2026-03-02" })),
      later.now
    )
    assert.include(Result.getOrThrow(Result.flip(plan)).message, "try: assets backfill +usage --to 2026-03-02")
  })

  it("of each asset the partitions that an expression names", () => {
    const shop = Asset.make("shop", {
      io,
      codeVersion: "1",
      partitions: Partition.product({
        day: Partition.daily({ start: "2026-03-01" }),
        region: Partition.fixed(["eu", "us"])
      }),
      materialize: () => null as never
    })
    const simulation = new Simulation([meters(), shop])
    assert.deepStrictEqual(
      targets(simulation, { selection: ["shop"], partitions: "day=2026-03-02..2026-03-04 region=us" }),
      {
        shop: ["day=2026-03-02..2026-03-04 region=us"]
      }
    )
    assert.deepStrictEqual(targets(simulation, { selection: ["readings"], partitions: "2026-03-02,2026-03-09.." }), {
      readings: ["2026-03-02", "2026-03-09..2026-03-10"]
    })
  })

  it("assets that are computed together, also when it goes on", () => {
    const { even, odd } = MultiAsset.make({
      codeVersion: "1",
      outputs: { even: MultiAsset.output("even", { io }), odd: MultiAsset.output("odd", { io }) },
      materialize: () => Effect.never
    })
    const simulation = new Simulation([even, odd])
    simulation.run()
    simulation.wipe({ asset: "odd", partition: null })
    const { request } = planned(simulation, { which: "Missing" })
    assert.deepStrictEqual(request.targets, { even: null, odd: null })
    const found = tally(simulation, request, [
      { asset: "even" },
      { asset: "odd", status: "Failed", error: { _tag: "Down", message: "no answer" } }
    ])
    assert.deepStrictEqual(found.rest, { odd: null })
    assert.sameMembers(names(simulation.request(Backfill.remaining({ request }, found))), ["even", "odd"])
  })

  it("no frozen partition, and says so", () => {
    const visits = daily("visits", { start: "2026-03-01" }).pipe(Asset.unrepeatable)
    const simulation = new Simulation([visits], { now: "2026-03-01T12:00:00Z" })
    simulation.run()
    simulation.pass(24)
    const { plan, request } = planned(simulation, { which: "All" })
    assert.deepStrictEqual(request.targets, { visits: ["2026-03-02"] })
    assert.deepStrictEqual(PlanReport.leftOut(plan), ["visits/2026-03-01 is left out: frozen, the source forgets"])
  })
})

describe("a backfill is refused", () => {
  it("when partitions are named in two ways, or nothing that is selected has any", () => {
    assert.strictEqual(
      refusal({ partitions: "2026-03", from: "2026-03-01" }),
      "say which partitions with --partitions, or with --from and --to, not both"
    )
    assert.strictEqual(
      refusal({ selection: ["bill"], partitions: "2026-03" }),
      "partitions were named, but nothing that is selected has partitions"
    )
  })

  it("when its expression cannot be read or names nothing, at the character", () => {
    assert.deepStrictEqual(refusal({ partitions: "2026-03-01, 2027" }).split("\n"), [
      "the partitions of readings: no partition is called so: they go from 2026-03-01 to 2026-03-10",
      "  2026-03-01, 2027",
      "              ^"
    ])
    assert.match(refusal({ partitions: "yesterday" }), /^the partitions of readings: neither a key, such as 2026-03-01/)
  })

  it("not when the expression names partitions of some assets only", () => {
    const regional = Asset.make("regional", {
      io,
      codeVersion: "1",
      partitions: Partition.fixed(["eu", "us"]),
      materialize: () => null as never
    })
    const simulation = new Simulation([meters(), regional])
    assert.deepStrictEqual(targets(simulation, { selection: ["regional"], partitions: "eu" }), { regional: ["eu"] })
    assert.deepStrictEqual(targets(simulation, { selection: ["regional", "readings"], partitions: "2026-03-0*" }), {
      readings: ["2026-03-01..2026-03-09"]
    })
  })
})

describe("of a backfill that goes on", () => {
  const simulation = new Simulation([meters()])
  const { request } = planned(simulation, { selection: ["readings", "usage"] })
  const told: ReadonlyArray<Partial<BackfillHistory.Outcome>> = [
    { partition: "2026-03-01..2026-03-03" },
    { partition: "2026-03-04", status: "CutOff" },
    { partition: "2026-03-05", status: "Failed", error: silent },
    { partition: "2026-03-06", status: "Failed", error: silent },
    { partition: "2026-03-07", status: "Interrupted" },
    { asset: "usage", partition: "2026-03-05", status: "Skipped" },
    { asset: "usage", partition: "2026-03-01", status: "Verified" }
  ]

  it("each partition is done, failed, skipped or left, told in ranges", () => {
    const found = tally(simulation, request, told)
    assert.deepStrictEqual(found.counts("readings"), { Done: 4, Failed: 2, Skipped: 0, Left: 4, Current: 0 })
    assert.deepStrictEqual(found.ranges("readings", "Left"), ["2026-03-07..2026-03-10"])
    assert.deepStrictEqual(found.counts("usage"), { Done: 1, Failed: 0, Skipped: 1, Left: 8, Current: 0 })
    assert.deepStrictEqual(found.failures, [
      { asset: "readings", partitions: ["2026-03-05..2026-03-06"], slices: 2, error: silent }
    ])
  })

  it("all that is not done is left to do, what failed too", () => {
    assert.deepStrictEqual(tally(simulation, request, told).rest, {
      readings: ["2026-03-05..2026-03-10"],
      usage: ["2026-03-02..2026-03-10"]
    })
  })

  it("once it has ended, what no run told of was Current by then", () => {
    const found = tally(simulation, request, told, "Failed")
    assert.deepStrictEqual(found.ranges("readings", "Current"), ["2026-03-07..2026-03-10"])
    assert.deepStrictEqual(found.rest, { readings: ["2026-03-05..2026-03-06"], usage: ["2026-03-05"] })
  })

  it("what failed before and had no step when it went on for the last time was Current by then", () => {
    const early = told.map((outcome) => ({ ...outcome, runId: "first" }))
    const late = { asset: "usage", partition: "2026-03-08", status: "Failed", error: silent } as const
    const found = tally(simulation, request, [...early, late], "Failed")
    assert.deepStrictEqual(found.counts("readings"), { Done: 4, Failed: 0, Skipped: 0, Left: 0, Current: 6 })
    assert.deepStrictEqual(found.rest, { usage: ["2026-03-08"] })
    assert.deepStrictEqual(tally(simulation, request, [...early, late], "Succeeded").rest, {})
    assert.deepStrictEqual(tally(simulation, request, early).ranges("readings", "Failed"), ["2026-03-05..2026-03-06"])
  })

  it("partitions that have begun since are no part", () => {
    const later = new Simulation([meters()])
    later.pass(48)
    assert.deepStrictEqual(tally(later, request, told).ranges("readings", "Left"), ["2026-03-07..2026-03-10"])
  })

  it("assets and partitions that there are no longer are no part", () => {
    const readings = daily("readings", { start: "2026-03-06" })
    const found = tally(new Simulation([readings]), request, told)
    assert.deepStrictEqual(found.assets, ["readings"])
    assert.deepStrictEqual(found.counts("readings"), { Done: 0, Failed: 1, Skipped: 0, Left: 4, Current: 0 })
  })

  it("what is left of all is computed although Current, and what is done is not", () => {
    const current = new Simulation([meters()])
    current.run()
    const all = planned(current, { selection: ["readings"], which: "All" }).request
    const found = tally(current, all, [{ partition: "2026-03-01..2026-03-08" }])
    const plan = current.request(Backfill.remaining({ request: all }, found))
    assert.deepStrictEqual(names(plan), ["readings/2026-03-09", "readings/2026-03-10"])
    assert.deepStrictEqual(plan.blocks[0]!.reasons, [{ _tag: "Forced" }])
  })

  it("what became Current by other means needs no step", () => {
    const other = new Simulation([meters()])
    const { request } = planned(other, { selection: ["readings"] })
    other.execute(other.request({ selection: ["readings"], to: "2026-03-09" }))
    const found = tally(other, request, [])
    assert.deepStrictEqual(names(other.request(Backfill.remaining({ request }, found))), ["readings/2026-03-10"])
  })
})

describe("what a backfill is told of steps that take ranges of a product", () => {
  const shop = Asset.make("shop", {
    io,
    codeVersion: "1",
    partitions: Ranges.ranges(
      Partition.product({
        day: Partition.daily({ start: "2026-03-01", end: "2026-03-04" }),
        region: Partition.fixed(["eu", "us"])
      }),
      { most: 3 }
    ),
    materialize: () => null as never
  })

  it("is of the slices that they take, also where those are no single combination of keys", () => {
    const simulation = new Simulation([shop])
    const { plan, request } = planned(simulation, {})
    assert.deepStrictEqual(names(plan), [
      "shop/day=2026-03-01; day=2026-03-02 region=eu",
      "shop/day=2026-03-02 region=us; day=2026-03-03"
    ])
    const told = plan.steps.map(({ asset, partition }) => ({
      asset,
      partition,
      status: "Failed" as const,
      error: silent
    }))
    assert.deepInclude(tally(simulation, request, told, "Failed").counts("shop"), { Failed: 6, Current: 0 })
  })
})

describe("a backfill of keys that come and go", () => {
  const sales = (key: string, partitions: Partition.Partitioning) =>
    Asset.make(key, { io, codeVersion: "1", partitions, materialize: () => null as never })
  const shops = sales("shops", Partition.dynamic("shops"))
  const regional = sales(
    "regional",
    Partition.product({ shop: Partition.dynamic("shops"), day: Partition.daily({ start: "2026-03-09" }) })
  )
  const requested = () => {
    const simulation = new Simulation([shops, regional])
    for (const shop of ["ann", "bob", "cid", "dot"]) simulation.addKey("shops", shop)
    return { simulation, ...planned(simulation, {}) }
  }

  it("is of the keys that there were, in spite of those that are removed or begin", () => {
    const { request, simulation } = requested()
    assert.deepStrictEqual(request.targets, {
      shops: ["ann", "bob", "cid", "dot"],
      regional: ["shop=ann,bob,cid,dot day=2026-03-09..2026-03-10"]
    })
    simulation.removeKey("shops", "dot")
    simulation.addKey("shops", "eve")
    simulation.pass(24)
    assert.deepStrictEqual(Backfill.remaining({ request }, tally(simulation, request, [])).targets, {
      shops: ["ann..cid"],
      regional: ["shop=ann..cid day=2026-03-09..2026-03-10"]
    })
  })

  it("knows what became of a range of which some key is gone", () => {
    const { request, simulation } = requested()
    simulation.removeKey("shops", "ann")
    const told = [{ asset: "shops", partition: "ann,cid", status: "Failed" as const, error: silent }]
    assert.deepInclude(tally(simulation, request, told).counts("shops"), { Failed: 1, Left: 2 })
  })
})
