import { describe, expect, it } from "@effect/vitest"
import * as Asset from "../../runtime/Asset.ts"
import type * as Event from "../../runtime/Event.ts"
import type * as EventLog from "../../runtime/EventLog.ts"
import * as GraphReport from "../../runtime/GraphReport.ts"
import * as LastAttempt from "../../runtime/LastAttempt.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as Report from "../../runtime/Report.ts"
import * as StatusReport from "../../runtime/StatusReport.ts"
import * as WhyReport from "../../runtime/WhyReport.ts"
import { asset, daily, dailyInRanges, io, Simulation } from "../Simulation.ts"

const subjectOf = (
  simulation: Simulation,
  unpublished: ReadonlyArray<EventLog.Recorded> = []
): StatusReport.Subject => {
  const { catalog, graph } = simulation
  const assessments = simulation.assess()
  const lastAttempts = LastAttempt.make(assessments.lineage, catalog, unpublished)
  return { graph, catalog, assessments, failedChecks: [], lastAttempts }
}

const why = (simulation: Simulation, asset: string, partition: string | null = null) => {
  const subject = subjectOf(simulation)
  return WhyReport.toText(WhyReport.make(subject, { asset, partition }), subject, simulation.now)
}

const diamond = (code: string) => {
  const source = asset("source", { code })
  const left = asset("left", { deps: { source } })
  const right = asset("right", { deps: { source } })
  return asset("bottom", { deps: { left, right } })
}

describe("why an asset is what it is", () => {
  it("follows the causes all the way up, each asset once", () => {
    const simulation = new Simulation([diamond("1")])
    simulation.run()
    simulation.redeclare(diamond("2"))
    simulation.pass(2)
    expect(why(simulation, "bottom")).toEqual([
      "bottom is Maybe: it is decided once what it reads is Current",
      "├─ left is Maybe: it is decided once what it reads is Current",
      "│  ├─ source is Stale",
      "│  │  ├─ its code version 1 became 2",
      "│  │  └─ last materialized 2 hours ago by run run",
      "│  └─ last materialized 2 hours ago by run run",
      "├─ right is Maybe: it is decided once what it reads is Current",
      "│  ├─ source is Stale, as said elsewhere here",
      "│  └─ last materialized 2 hours ago by run run",
      "└─ last materialized 2 hours ago by run run"
    ])
  })

  it("says when what it reads has changed, and by which run", () => {
    const simulation = new Simulation([diamond("1")])
    simulation.run()
    simulation.world.set("source\u001f", 7)
    simulation.execute(simulation.request({ selection: ["source"], force: true }))
    simulation.pass(1)
    expect(why(simulation, "left")).toContain("├─ source has changed 1 hour ago, by run run")
  })

  it("says that rows were erased from what it reads, until that is verified", () => {
    const simulation = new Simulation([diamond("1")])
    simulation.run()
    simulation.erase({ asset: "source", partition: null }, "less")
    expect(why(simulation, "left")[1]).toBe("├─ source has changed, as rows were erased from it")
    expect(why(simulation, "source")[0]).toBe("source is Current")
  })

  it("tells partitions apart by their state, the worst first", () => {
    const simulation = new Simulation([daily("days", { start: "2026-03-06" })])
    simulation.run()
    simulation.pass(24)
    expect(why(simulation, "days")).toEqual([
      "days is 1 Missing, 5 Current",
      "├─ 2026-03-11: Missing: it was never materialized",
      "├─ 2026-03-06..2026-03-10 (5 partitions): Current",
      "└─ last materialized 1 day ago by run run"
    ])
    expect(why(simulation, "days", "2026-03-11")).toEqual(["days/2026-03-11 is Missing: it was never materialized"])
  })

  it("says what differs about a partition that is frozen", () => {
    const days = (code: string) => Asset.unrepeatable(daily("days", { start: "2026-03-10", code }))
    const simulation = new Simulation([days("1")])
    simulation.run()
    simulation.redeclare(days("2"))
    simulation.pass(24)
    expect(why(simulation, "days", "2026-03-10")).toEqual([
      "days/2026-03-10 is Frozen, though since then",
      "├─ its code version 1 became 2",
      "└─ last materialized 1 day ago by run run"
    ])
    const [row] = StatusReport.make(subjectOf(simulation), new Set(["days"]), "partition")
    expect(row).toMatchObject({ partition: "2026-03-10", status: "Current", causes: [] })
  })
})

describe("why one partition is what it is", () => {
  /** Plays of nine days; two charts, of the day and of three days; a ledger that reads its own day before. */
  const project = (code: string) => {
    const plays = daily("plays", { start: "2026-03-02", code })
    const ledger = daily("ledger", { start: "2026-03-02", deps: { plays, before: Asset.previous() } })
    const days = daily("days", { start: "2026-03-02", deps: { recent: Asset.windows(plays, { start: -2 }) } })
    return [asset("all", { deps: { ledger, days } })]
  }

  const moved = () => {
    const simulation = new Simulation(project("1"))
    simulation.run()
    for (const day of ["2026-03-04", "2026-03-09"]) simulation.world.set(`plays\u001f${day}`, 7)
    return simulation
  }

  it("tells of its own earlier partitions in one place, as a range", () => {
    const simulation = moved()
    simulation.execute(simulation.request({ selection: ["plays"], partition: "2026-03-04", force: true }))
    expect(why(simulation, "ledger", "2026-03-10")).toEqual([
      "ledger/2026-03-10 is Maybe: it is decided once what it reads is Current",
      "├─ ledger/2026-03-04..2026-03-09 is 1 Stale, 5 Maybe",
      "│  ├─ 2026-03-04: Stale",
      "│  │  └─ plays has changed in 2026-03-04 just now, by run run",
      "│  ├─ 2026-03-05..2026-03-09 (5 partitions): Maybe: it is decided once what it reads is Current",
      "│  └─ last materialized just now by run run",
      "└─ last materialized just now by run run"
    ])
    expect(why(simulation, "all").filter((line) => line.includes("as said"))).toEqual([])
  })

  it("tells of what it reads only the partitions that keep it waiting", () => {
    const simulation = moved()
    simulation.pass(24)
    simulation.redeclare(...project("2"))
    simulation.execute(simulation.request({ selection: ["plays"], partition: "2026-03-09" }))
    const lines = why(simulation, "days", "2026-03-10")
    expect(lines[0]).toBe("days/2026-03-10 is Stale")
    expect(lines).toContain("├─ plays has changed in 2026-03-09 just now, by run run")
    expect(lines).toContain("├─ plays/2026-03-08, 2026-03-10 is Stale (all of 2 partitions)")
    expect(lines.join("\n")).not.toContain("2026-03-04")
  })

  it("tells of its own failed checks alone", () => {
    const simulation = moved()
    const failed = (day: string): Event.Of<"CheckFailed"> => ({
      _tag: "CheckFailed",
      at: "2026-03-10T12:00:00.000Z",
      runId: "run",
      asset: "plays",
      partition: day,
      check: "enough",
      blocking: false,
      severity: "error",
      accepted: false,
      reason: `few on ${day}`,
      dataVersion: "0",
      metadata: {}
    })
    const subject = { ...subjectOf(simulation), failedChecks: [failed("2026-03-04"), failed("2026-03-05")] }
    const told = (partition: string | null) =>
      WhyReport.toText(WhyReport.make(subject, { asset: "plays", partition }), subject, simulation.now)
    expect(told("2026-03-05")).toEqual([
      "plays/2026-03-05 is Current",
      '├─ the check "enough" failed: few on 2026-03-05',
      "└─ last materialized just now by run run"
    ])
    expect(told(null)).toContain(
      '├─ the check "enough" failed of 2026-03-05 and of 1 other partition: few on 2026-03-05'
    )
  })
})

describe("an asset of which something that it read is gone", () => {
  it("is told apart from one that reads what has changed, and names no run", () => {
    const source = daily("source", { start: "2026-03-07" })
    const copy = daily("copy", { start: "2026-03-08", deps: { source: Asset.windows(source, { start: -1 }) } })
    const simulation = new Simulation([copy])
    simulation.run()
    simulation.world.set("source\u001f2026-03-07", 7)
    simulation.execute(simulation.request({ selection: ["source"], force: true }))
    simulation.wipe({ asset: "source", partition: "2026-03-10" })
    expect(why(simulation, "copy").slice(0, 6)).toEqual([
      "copy is 2 Stale, 1 Current",
      "├─ 2026-03-08: Stale",
      "│  └─ source has changed in 2026-03-07 just now, by run run",
      "├─ 2026-03-10: Stale",
      "│  └─ source has changed",
      "├─ 2026-03-09: Current"
    ])
  })
})

describe("what became of a slice since it was published", () => {
  const days = () => new Simulation([dailyInRanges("days", { start: "2026-03-08", most: 2 })])
  const failed = (partition: string, message: string): Event.Of<"StepFailed"> => {
    const error = { _tag: "Down", message }
    return {
      _tag: "StepFailed",
      at: "2026-03-10T11:00:00.000Z",
      runId: "r2",
      asset: "days",
      partition,
      error,
      attempts: 1
    }
  }
  const told = (simulation: Simulation, events: ReadonlyArray<Event.Event>, partition: string | null = null) => {
    const position = simulation.log.length
    const subject = subjectOf(
      simulation,
      events.map((event, at) => ({ event, position: position + at + 1 }))
    )
    return {
      why: WhyReport.toText(WhyReport.make(subject, { asset: "days", partition }), subject, simulation.now),
      rows: StatusReport.make(subject, new Set(["days"]), "partition")
    }
  }

  it("names the failure of the last attempt by its first line, in each slice of a range", () => {
    const { rows, why } = told(days(), [failed("2026-03-08..2026-03-09", "no answer\nfrom here")], "2026-03-09")
    expect(why).toEqual([
      "days/2026-03-09 is Missing: it was never materialized",
      "└─ the last attempt of 2026-03-08..2026-03-09 failed 1 hour ago by run r2: no answer"
    ])
    expect(rows.map(({ lastFailure }) => lastFailure?.error.message ?? null)).toEqual([
      "no answer\nfrom here",
      "no answer\nfrom here",
      null
    ])
    expect(StatusReport.toText(rows, Date.parse("2026-03-10T12:00:00Z"), Report.paper)[1]).toMatch(
      /^days +2026-03-08 +Missing +never materialized +failed 1 hour ago$/
    )
  })

  it("tells of the newest failure of an asset asked whole, until there is a value", () => {
    const simulation = days()
    const events = [
      failed("2026-03-08", "no answer"),
      { ...failed("2026-03-09", "nor now"), at: "2026-03-10T11:30:00.000Z" }
    ]
    expect(told(simulation, events).why).toContain(
      "└─ the last attempt of 2026-03-09 failed 30 minutes ago by run r2, as did those of 1 other partition: nor now"
    )
    const [early, late] = [failed("2026-03-08..2026-03-09", "no answer"), failed("2026-03-10", "nor now")]
    expect(told(simulation, [early]).why).toContain(
      "└─ the last attempt of 2026-03-08..2026-03-09 failed 1 hour ago by run r2: no answer"
    )
    expect(told(simulation, [early, { ...late, at: "2026-03-10T11:30:00.000Z" }]).why).toContain(
      "└─ the last attempt of 2026-03-10 failed 30 minutes ago by run r2, as did those of 2 other partitions: nor now"
    )
    simulation.run()
    const before = events.map((event) => ({ event, position: 0 }))
    const subject = subjectOf(simulation, before)
    expect(StatusReport.make(subject, new Set(["days"]), "asset")).toMatchObject([{ lastFailure: null, wipedAt: null }])
  })

  it("tells that a body had nothing new, and no longer of the failure before", () => {
    const { reason, because, ...step } = { ...failed("2026-03-08", ""), because: "days", reason: "NothingNew" as const }
    const skipped: Event.Of<"StepSkipped"> = { ...step, _tag: "StepSkipped", because, reason }
    const { why } = told(days(), [failed("2026-03-08", "no answer"), skipped], "2026-03-08")
    expect(why).toEqual([
      "days/2026-03-08 is Missing: it was never materialized",
      "└─ the last attempt had nothing new to publish, 1 hour ago by run r2"
    ])
  })

  it("tells what is Missing because it was wiped from what never was", () => {
    const { rows, why } = told(days(), [
      failed("2026-03-09", "no answer"),
      { _tag: "AssetWiped", at: "2026-03-10T11:30:00.000Z", runId: "r3", asset: "days", partition: "2026-03-09" }
    ])
    expect(why).toEqual([
      "days is 3 Missing",
      "├─ 2026-03-08, 2026-03-10 (2 partitions): Missing: it was never materialized",
      "├─ 2026-03-09: Missing: what was published was wiped",
      "└─ last 2026-03-09 was wiped 30 minutes ago by run r3"
    ])
    expect(rows[1]).toMatchObject({ lastFailure: null, wipedAt: "2026-03-10T11:30:00.000Z" })
  })
})

describe("the status of an asset with partitions", () => {
  it("is that of the worst, with the causes of all", () => {
    const project = (code: string) => {
      const source = daily("source", { start: "2026-03-09", code })
      return daily("copy", { start: "2026-03-09", deps: { source } })
    }
    const simulation = new Simulation([project("1")])
    simulation.run()
    for (const day of ["2026-03-09", "2026-03-10"]) simulation.world.set(`source\u001f${day}`, 7)
    simulation.execute(simulation.request({ selection: ["source"], force: true }))
    const [row] = StatusReport.make(subjectOf(simulation), new Set(["copy"]), "asset")
    expect(row).toMatchObject({
      status: "Stale",
      partitions: { Missing: 0, Stale: 2, Maybe: 0, Current: 0 },
      causes: [{ _tag: "DependencyChanged", dependency: "source", partitions: ["2026-03-09..2026-03-10"] }]
    })
    expect(StatusReport.toText([row!], simulation.now, Report.paper)[1]).toMatch(
      /^copy +2 Stale +source has changed in 2026-03-09\.\.2026-03-10 +just now +\w{8}$/
    )
  })
})

describe("keys that were removed", () => {
  const orders = Asset.make("orders", {
    io,
    codeVersion: "1",
    partitions: Partition.dynamic("customers"),
    materialize: () => null as never
  })
  const removed = (...keys: ReadonlyArray<string>) => {
    const simulation = new Simulation([asset("total", { deps: { orders } })])
    for (const key of ["ann", "bob"]) simulation.addKey("customers", key)
    simulation.run()
    for (const key of keys) simulation.removeKey("customers", key)
    return simulation
  }
  const row = (simulation: Simulation) => StatusReport.make(subjectOf(simulation), new Set(["orders"]), "asset")[0]!

  it("are named to what was made from them", () => {
    expect(why(removed("ann"), "total").slice(0, 2)).toEqual(["total is Stale", "├─ orders ann was removed"])
    const subject = subjectOf(removed("ann", "bob"))
    expect(WhyReport.make(subject, { asset: "total", partition: null })).toMatchObject({
      status: "Stale",
      causes: [{ _tag: "DependencyChanged", dependency: "orders", partitions: [], removed: ["ann", "bob"] }]
    })
  })

  it("are no part of what there is", () => {
    expect(row(removed("ann")).dataVersion).not.toBe(row(removed()).dataVersion)
    const none = removed("ann", "bob")
    expect(row(none)).toMatchObject({ dataVersion: null, rows: null, materializedAt: null, runId: null })
    expect(StatusReport.toText([row(none)], none.now, Report.paper)[1]).toMatch(/^orders +no partitions *$/)
    expect(why(none, "orders")).toEqual(["orders is without partitions"])
  })
})

describe("the graph of a selection", () => {
  it("keeps words that Mermaid reserves apart from its own", () => {
    const end = asset("end")
    const graph = asset("graph", { deps: { end } })
    const simulation = new Simulation([graph])
    const report = GraphReport.make(simulation.graph, new Set(["end", "graph"]))
    expect(GraphReport.toMermaid(report).split("\n")).toEqual([
      "flowchart LR",
      '  asset_end["end"]',
      '  asset_graph["graph"]',
      "  asset_end --> asset_graph"
    ])
    expect(GraphReport.toDot(GraphReport.make(simulation.graph, new Set(["graph"])))).not.toContain("end")
  })
})
