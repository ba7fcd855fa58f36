import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import { type Environment, json, jsonLines, project, run } from "./AssetsProcess.ts"

const scope = Scope.makeUnsafe()
let url: string

beforeAll(async () => {
  url = TestDatabase.toUrl(await Effect.runPromise(Scope.provide(TestDatabase.make(), scope)))
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const assets = (command: string, env: Environment = {}) =>
  run([...command.split(" "), "--definitions", project("warehouse.ts")], { DATABASE_URL: url, ...env })

describe("assets that somebody else computes", { timeout: 60_000 }, () => {
  it("are observed on demand, and told apart from those that are computed", async () => {
    expect(jsonLines(await assets("materialize --json")).at(-1)).toMatchObject({ _tag: "RunSucceeded" })
    const [events, rates, report] = json(await assets("status --json"))
    expect(events).toMatchObject({ asset: "events", external: true, status: "Current", dataVersion: null })
    expect(rates).toMatchObject({ asset: "rates", external: true, status: "Current" })
    expect(report).toMatchObject({ asset: "report", external: false, status: "Current" })
    expect((await assets("status")).stdout).toMatch(/events +Current +external, never observed/)

    const observed = jsonLines(await assets("observe events --json"))
    expect(observed.map(({ _tag }) => _tag)).toEqual(["RunStarted", "StepStarted", "AssetObserved", "RunSucceeded"])
    expect(observed[2]).toMatchObject({ asset: "events", partition: null, dataVersion: "1" })
    expect(observed[0]).toMatchObject({ trigger: "observe" })
    expect(json(await assets(`run ${observed[0].runId} --json`)).steps).toMatchObject([{ status: "Observed" }])
    expect(json(await assets("why report --json"))).toMatchObject({
      status: "Stale",
      causes: [{ _tag: "DependencyChanged", dependency: "events" }]
    })
    expect((await assets("observe is:external", { WAREHOUSE: "1" })).stdout).toContain("verified unchanged")
    const moved = (await assets("observe *", { WAREHOUSE: "2" })).stdout
    expect(moved).toContain("observed another version: 2")
    expect(moved).not.toContain("report ")
    expect((await assets("why events")).stdout).toContain("external: somebody else computes it")
  })

  it("are not wiped, and refuse what looks at nothing", async () => {
    const wipe = await assets("wipe events --yes")
    expect(wipe.stderr).toBe("error: events: somebody else computes it, so it is not ours to wipe\n")
    expect(wipe.code).toBe(2)
    for (const selection of ["report", "rates"]) {
      const { code, stderr } = await assets(`observe ${selection}`)
      expect(stderr).toContain("nothing that is selected is observed")
      expect(code).toBe(2)
    }
    await assets("observe events")
    expect(json(await assets("wipe * --yes --json")).wiped).toEqual([{ asset: "report", partition: null }])
  })
})
