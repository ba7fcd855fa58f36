import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import type * as KeySpan from "../runtime/KeySpan.ts"
import { Lineage } from "../runtime/Lineage.ts"
import * as Partition from "../runtime/Partition.ts"
import * as WipeRun from "../runtime/WipeRun.ts"
import { asset, daily, Simulation, sliced } from "./Simulation.ts"

const users = asset("users")
const listens = daily("listens", { start: "2026-03-08" }).pipe(Asset.after(users), Asset.unrepeatable)
const clicks = daily("clicks", { start: "2026-03-07" })
const regions = sliced("regions", { partitions: Partition.fixed(["eu", "us", "as"]) })
const report = asset("report", { deps: { users, clicks, regions, listens } })

/** All published up to the day of March 2026; the first days of an unrepeatable asset, too, as they came. */
const published = () => {
  const simulation = new Simulation([report], { now: "2026-03-08T12:00:00Z" })
  simulation.run()
  for (let day = 9; day <= 10; day++) {
    simulation.pass(24)
    simulation.run()
  }
  return simulation
}

const intend = (
  simulation: Simulation,
  selection: ReadonlyArray<string>,
  named: KeySpan.Named = {},
  lineage = simulation.lineage(simulation.now)
) => WipeRun.intend(lineage, simulation.catalog, { selected: new Set(selection), named })

/** What would be removed, in words and by name. */
const told = (...args: Parameters<typeof intend>) => {
  const { lost, names, refs } = Result.getOrThrow(intend(...args))
  return { names, lost, refs: refs.map(Partition.show) }
}

const refusal = (...args: Parameters<typeof intend>) => Result.getOrThrow(Result.flip(intend(...args))).message

describe("wiping", () => {
  it("takes all of a selection, dependents first, and counts partitions", () => {
    const { lost, names, refs } = told(published(), ["users", "clicks", "report"])
    assert.deepStrictEqual([names, lost], ["report, clicks (4 partitions), users", undefined])
    assert.deepStrictEqual([refs.length, refs[0], refs.at(-1)], [6, "report", "users"])
  })

  it("takes of partitions that are named just those, and leaves what has none", () => {
    const simulation = published()
    assert.deepStrictEqual(told(simulation, ["users", "clicks"], { partition: "2026-03-08" }), {
      names: "clicks/2026-03-08",
      lost: undefined,
      refs: ["clicks/2026-03-08"]
    })
    const since = told(simulation, ["users", "clicks"], { from: "2026-03-08", to: "2026-03-09" })
    assert.deepStrictEqual(since.refs, ["clicks/2026-03-08", "clicks/2026-03-09"])
    assert.strictEqual(since.names, "clicks/2026-03-08..2026-03-09")
    assert.strictEqual(told(simulation, ["regions"], { from: "us" }).names, "regions/us,as")
  })

  it("says which partitions cannot be computed again, of those whose window has ended", () => {
    const simulation = published()
    assert.deepStrictEqual(told(simulation, ["listens"]), {
      names: "listens (3 partitions)",
      lost: "listens/2026-03-08..2026-03-09",
      refs: ["listens/2026-03-08", "listens/2026-03-09", "listens/2026-03-10"]
    })
    assert.strictEqual(told(simulation, ["listens"], { partition: "2026-03-09" }).lost, "listens/2026-03-09")
    assert.isUndefined(told(simulation, ["listens"], { partition: "2026-03-10" }).lost)
  })

  it("takes what is no partition any more, by its key or in the range of its time", () => {
    const simulation = published()
    const cut = AssetGraph.make([
      daily("clicks", { start: "2026-03-09" }),
      sliced("regions", { partitions: Partition.fixed(["eu"]) })
    ])
    const lineage = new Lineage(cut, new Partition.Moment(simulation.now))
    assert.deepStrictEqual(told(simulation, ["clicks"], { to: "2026-03-09" }, lineage).refs, [
      "clicks/2026-03-07",
      "clicks/2026-03-08",
      "clicks/2026-03-09"
    ])
    assert.strictEqual(
      told(simulation, ["clicks"], { to: "2026-03-09" }, lineage).names,
      "clicks/2026-03-09,2026-03-07,2026-03-08"
    )
    assert.strictEqual(
      told(simulation, ["clicks"], { to: "2026-03-08" }, lineage).names,
      "clicks/2026-03-07,2026-03-08"
    )
    assert.strictEqual(
      refusal(simulation, ["clicks"], { to: "2026-03-06" }, lineage),
      "no partition of clicks (daily from 2026-03-09) begins to 2026-03-06; next to that is 2026-03-09"
    )
    assert.deepStrictEqual(told(simulation, ["regions"], { partition: "us" }, lineage).refs, ["regions/us"])
  })

  it("refuses keys that name nothing", () => {
    const simulation = published()
    assert.strictEqual(
      refusal(simulation, ["clicks"], { partition: "2026-03-11" }),
      "clicks has no partition 2026-03-11; it has those from 2026-03-07 to 2026-03-10 (daily from 2026-03-07)"
    )
    assert.strictEqual(
      refusal(simulation, ["clicks"], { from: "monday" }),
      '--from "monday" is neither a partition of clicks (daily from 2026-03-07), such as 2026-03-07, nor a time such as ' +
        "2026-01 or 2026-01-31"
    )
    assert.strictEqual(
      refusal(simulation, ["clicks"], { partition: "2026-03-09", to: "2026-03-10" }),
      "name one partition or a range of them, not both"
    )
    assert.strictEqual(
      refusal(simulation, ["users"], { partition: "2026-03-09" }),
      "partitions were named, but nothing that is selected has partitions"
    )
  })
})
