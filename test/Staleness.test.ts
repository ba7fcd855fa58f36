import { assert, describe, it } from "@effect/vitest"
import * as Asset from "../runtime/Asset.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Staleness from "../runtime/Staleness.ts"
import { asset, daily, Simulation } from "./Simulation.ts"

const ref = (asset: string, partition: Partition.Key = null): Partition.Ref => ({ asset, partition })

const assessment = (simulation: Simulation, of: Partition.Ref) => Staleness.get(simulation.assess(), of)!

const existing = (simulation: Simulation, asset: string) =>
  Array.from(Staleness.entries(simulation.assess(), asset), ([partition]) => partition)

const move = (simulation: Simulation, of: Partition.Ref, value: number) => simulation.world.set(Partition.id(of), value)

const settled = (...roots: ReadonlyArray<Asset.Any>) => {
  const simulation = new Simulation(roots)
  simulation.run()
  return simulation
}

const users = asset("users")
const features = asset("features", { deps: { users } })
const model = asset("model", { deps: { features } })

describe("the status of an asset", () => {
  it("is Missing until it was published, whatever is above it", () => {
    const simulation = new Simulation([model])
    assert.deepStrictEqual(simulation.statuses(), { users: "Missing", features: "Missing", model: "Missing" })
    simulation.run("users")
    assert.deepStrictEqual(simulation.statuses(), { users: "Current", features: "Missing", model: "Missing" })
  })

  it("is Current when it was made from the versions in force", () => {
    assert.deepStrictEqual(settled(model).statuses(), { users: "Current", features: "Current", model: "Current" })
  })

  it("is Stale when its code moved, and everything below is Maybe", () => {
    const simulation = settled(model)
    const moved = asset("users", { code: "2" })
    const above = asset("features", { deps: { users: moved } })
    simulation.redeclare(asset("model", { deps: { features: above } }))
    assert.deepStrictEqual(simulation.statuses(), { users: "Stale", features: "Maybe", model: "Maybe" })
    assert.deepStrictEqual(assessment(simulation, ref("users")).causes, [{ _tag: "CodeChanged", from: "1", to: "2" }])
    assert.deepStrictEqual(assessment(simulation, ref("model")).undecided, ["features"])
  })

  it("is Stale when a dependency was published anew with another version", () => {
    const simulation = settled(model)
    move(simulation, ref("users"), 1)
    simulation.execute(simulation.request({ selection: ["users"], recheck: true }))
    assert.deepStrictEqual(assessment(simulation, ref("features")), {
      status: "Stale",
      causes: [{ _tag: "DependencyChanged", dependency: "users", partitions: null }],
      frozen: false,
      undecided: []
    })
    assert.strictEqual(assessment(simulation, ref("model")).status, "Maybe")
  })

  it("is Current again when the dependency has its old version back", () => {
    const simulation = settled(model)
    for (const value of [1, 0]) {
      move(simulation, ref("users"), value)
      simulation.execute(simulation.request({ selection: ["users"], recheck: true }))
    }
    assert.deepStrictEqual(simulation.statuses(), { users: "Current", features: "Current", model: "Current" })
  })

  it("is Stale when a dependency was added or removed", () => {
    const simulation = settled(features, asset("tracks"))
    simulation.redeclare(asset("features", { deps: { tracks: asset("tracks") } }))
    assert.deepStrictEqual(assessment(simulation, ref("features")).causes, [
      { _tag: "DependencyAdded", dependency: "tracks" },
      { _tag: "DependencyRemoved", dependency: "users" }
    ])
  })

  it("is Maybe below something that was wiped, because it may come back the same", () => {
    const simulation = settled(model)
    simulation.wipe(ref("users"))
    assert.deepStrictEqual(simulation.statuses(), { users: "Missing", features: "Maybe", model: "Maybe" })
    assert.deepStrictEqual(simulation.run(), ["users"])
    assert.deepStrictEqual(simulation.statuses(), { users: "Current", features: "Current", model: "Current" })
  })
})

describe("a source", () => {
  const every = (when: Parameters<typeof Asset.recheckAfter>[0]) => {
    const source = asset("users").pipe(Asset.recheckAfter(when))
    return settled(asset("features", { deps: { source } }))
  }

  it("that declares nothing is Current for ever", () => {
    const simulation = settled(features)
    simulation.pass(100_000)
    assert.strictEqual(assessment(simulation, ref("users")).status, "Current")
  })

  it("is Stale once its time has passed since it was verified, to the millisecond", () => {
    const simulation = every("1 day")
    simulation.now += 86_400_000 - 1
    assert.deepStrictEqual(simulation.statuses(), { users: "Current", features: "Current" })
    simulation.now += 1
    assert.deepStrictEqual(simulation.statuses(), { users: "Stale", features: "Maybe" })
    assert.deepStrictEqual(assessment(simulation, ref("users")).causes, [
      { _tag: "RecheckDue", since: "2026-03-10T12:00:00.000Z" }
    ])
  })

  it("counts its time from the last verification, not from the last change", () => {
    const simulation = every("1 day")
    simulation.pass(24)
    assert.deepStrictEqual(simulation.run(), ["users"])
    simulation.pass(23)
    assert.strictEqual(assessment(simulation, ref("users")).status, "Current")
  })

  it("with a cron is Stale from the next moment in UTC on", () => {
    const simulation = every({ cron: "0 3 * * *" })
    simulation.now = Date.parse("2026-03-11T02:59:59.999Z")
    assert.strictEqual(assessment(simulation, ref("users")).status, "Current")
    simulation.now += 1
    assert.strictEqual(assessment(simulation, ref("users")).status, "Stale")
    simulation.run()
    assert.strictEqual(assessment(simulation, ref("users")).status, "Current")
  })
})

describe("an asset that only goes first", () => {
  it("leaves no version behind, so its changes leave the follower Current", () => {
    const follower = asset("follower").pipe(Asset.after(users))
    const simulation = settled(follower)
    assert.deepStrictEqual(
      Staleness.inputs(simulation.lineage(simulation.now), simulation.catalog, ref("follower")).provenance,
      {}
    )
    move(simulation, ref("users"), 1)
    simulation.execute(simulation.request({ selection: ["users"], recheck: true }))
    assert.strictEqual(assessment(simulation, ref("follower")).status, "Current")
  })

  it("is among the inputs that were never published", () => {
    const follower = asset("follower", { deps: { users } }).pipe(Asset.after(asset("other")))
    const simulation = new Simulation([follower])
    assert.deepStrictEqual(
      Staleness.inputs(simulation.lineage(simulation.now), simulation.catalog, ref("follower")).unpublished,
      ["users", "other"]
    )
  })
})

describe("partitions", () => {
  const clicks = daily("clicks", { start: "2026-03-08" })

  it("of a repeatable asset exist from the start to the open window", () => {
    const simulation = new Simulation([clicks])
    assert.deepStrictEqual(existing(simulation, "clicks"), ["2026-03-08", "2026-03-09", "2026-03-10"])
  })

  it("depend on the slice of their own key", () => {
    const simulation = settled(daily("sessions", { start: "2026-03-09", deps: { clicks } }))
    move(simulation, ref("clicks", "2026-03-09"), 1)
    simulation.execute(simulation.request({ selection: ["clicks"], recheck: true }))
    assert.deepStrictEqual(assessment(simulation, ref("sessions", "2026-03-09")).causes, [
      { _tag: "DependencyChanged", dependency: "clicks", partitions: ["2026-03-09"] }
    ])
    assert.strictEqual(assessment(simulation, ref("sessions", "2026-03-10")).status, "Current")
  })

  it("are counted by status, and the worst is the status of the whole", () => {
    const simulation = new Simulation([asset("report", { deps: { clicks } })])
    simulation.execute(simulation.request({ selection: ["clicks"], from: "2026-03-09" }))
    const assessments = simulation.assess()
    assert.deepStrictEqual(Staleness.aggregate(assessments, "clicks"), { Missing: 1, Stale: 0, Maybe: 0, Current: 2 })
    assert.strictEqual(Staleness.status(assessments, "clicks"), "Missing")
  })

  it("that moved are named to an asset that reads them all", () => {
    const simulation = settled(asset("report", { deps: { clicks } }))
    move(simulation, ref("clicks", "2026-03-09"), 1)
    move(simulation, ref("clicks", "2026-03-08"), 1)
    simulation.execute(simulation.request({ selection: ["clicks"], recheck: true }))
    assert.deepStrictEqual(assessment(simulation, ref("report")).causes, [
      { _tag: "DependencyChanged", dependency: "clicks", partitions: ["2026-03-08..2026-03-09"] }
    ])
  })

  it("make what reads them all Maybe when a new window opens", () => {
    const simulation = settled(asset("report", { deps: { clicks } }))
    simulation.pass(12)
    assert.strictEqual(simulation.statuses()["clicks/2026-03-11"], "Missing")
    assert.strictEqual(simulation.statuses()["report"], "Maybe")
  })
})

describe("unrepeatable partitions", () => {
  const plays = daily("plays", { start: "2026-03-01" }).pipe(Asset.unrepeatable)
  const totals = daily("totals", { start: "2026-03-01", deps: { plays } })

  it("exist only as far as they were published, and while their window is open", () => {
    const simulation = settled(plays)
    simulation.pass(48)
    assert.deepStrictEqual(simulation.statuses(), { "plays/2026-03-10": "Current", "plays/2026-03-12": "Missing" })
  })

  it("are frozen once their window has ended, Current whatever their provenance, and say what differs", () => {
    const simulation = settled(plays)
    simulation.pass(12)
    simulation.redeclare(daily("plays", { start: "2026-03-01", code: "2" }).pipe(Asset.unrepeatable))
    assert.deepStrictEqual(assessment(simulation, ref("plays", "2026-03-10")), {
      status: "Current",
      causes: [{ _tag: "CodeChanged", from: "1", to: "2" }],
      frozen: true,
      undecided: []
    })
  })

  it("are not frozen at the last moment of their window", () => {
    const simulation = settled(plays)
    simulation.now = Date.parse("2026-03-10T23:59:59.999Z")
    assert.isFalse(assessment(simulation, ref("plays", "2026-03-10")).frozen)
    simulation.now += 1
    assert.isTrue(assessment(simulation, ref("plays", "2026-03-10")).frozen)
  })

  it("never come due for a recheck once frozen", () => {
    const simulation = settled(plays.pipe(Asset.recheckAfter("1 hour")))
    simulation.pass(6)
    assert.strictEqual(assessment(simulation, ref("plays", "2026-03-10")).status, "Stale")
    simulation.pass(6)
    assert.strictEqual(assessment(simulation, ref("plays", "2026-03-10")).status, "Current")
  })

  it("take with them the slices below that need them: a day nobody recorded exists nowhere", () => {
    const simulation = settled(totals)
    simulation.pass(48)
    assert.deepStrictEqual(simulation.statuses(), {
      "plays/2026-03-10": "Current",
      "plays/2026-03-12": "Missing",
      "totals/2026-03-10": "Current",
      "totals/2026-03-12": "Missing"
    })
    const slices = existing(simulation, "totals")
    assert.deepStrictEqual(slices, ["2026-03-10", "2026-03-12"])
  })

  it("freeze what was made from them when they are wiped, because it cannot be made again", () => {
    const simulation = settled(totals)
    simulation.pass(24)
    simulation.wipe(ref("plays", "2026-03-10"))
    assert.deepStrictEqual(assessment(simulation, ref("totals", "2026-03-10")), {
      status: "Current",
      causes: [],
      frozen: true,
      undecided: []
    })
  })

  it("leave repeatable slices below them repeatable", () => {
    const simulation = settled(totals)
    simulation.pass(24)
    simulation.redeclare(daily("totals", { start: "2026-03-01", code: "2", deps: { plays } }))
    assert.strictEqual(assessment(simulation, ref("totals", "2026-03-10")).status, "Stale")
  })
})

describe("one slice asked by itself", () => {
  it("answers to the versions in force and never Maybe", () => {
    const simulation = settled(model)
    move(simulation, ref("users"), 1)
    simulation.execute(simulation.request({ selection: ["users"], recheck: true }))
    const ask = (asset: string) => Staleness.causes(simulation.lineage(simulation.now), simulation.catalog, ref(asset))
    assert.strictEqual(ask("features").status, "Stale")
    assert.strictEqual(ask("model").status, "Current")
  })

  it("is not frozen when its window was open at the time that is asked about", () => {
    const simulation = settled(daily("plays", { start: "2026-03-01" }).pipe(Asset.unrepeatable))
    const planned = simulation.now
    simulation.pass(12)
    const ask = (now: number) =>
      Staleness.causes(simulation.lineage(now), simulation.catalog, ref("plays", "2026-03-10"))
    assert.isFalse(ask(planned).frozen)
    assert.isTrue(ask(simulation.now).frozen)
  })
})
