import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll } from "vitest"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import { type Environment, json, project, run } from "./AssetsProcess.ts"

const scope = Scope.makeUnsafe()
let url: string

beforeAll(async () => {
  url = TestDatabase.toUrl(await Effect.runPromise(Scope.provide(TestDatabase.make(), scope)))
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const assets = (command: string, env: Environment = {}) =>
  run([...command.split(" "), "--definitions", project("pointer.ts")], { DATABASE_URL: url, ...env })

const served = async () => {
  const [row] = json(await assets("status served --json")) as ReadonlyArray<any>
  return { status: row.status as string, dataVersion: row.dataVersion as string }
}

describe("a command of the project's own", { timeout: 60_000 }, () => {
  it("is listed in the help, and has help of its own", async () => {
    expect((await assets("--help")).stdout).toMatch(/This project's own[\s\S]*point\s+Move the pointer by hand/)
    expect((await assets("point --help")).stdout).toContain("Where to")
  })

  it("is not there without definitions, which its help does not mind", async () => {
    const elsewhere = (...args: ReadonlyArray<string>) => run([...args, "--definitions", "nowhere.ts"])
    expect((await elsewhere("--help")).code).toBe(0)
    expect(await elsewhere("point", "3")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown command point")
    })
  })

  it("publishes a value as a run does, which stays until something the asset reads has changed", async () => {
    await assets("materialize")
    const before = await served()
    const [standing] = json(await assets("status pointer --json")) as ReadonlyArray<any>
    const { before: replaced, runId, to } = json(await assets("point --to 7 --json")) as any
    expect(to).toBe(7)
    expect(replaced).toBe(standing.dataVersion)
    expect(json(await assets(`run ${runId} --json`))).toMatchObject({
      status: "Succeeded",
      trigger: "point",
      steps: [{ asset: "pointer", status: "Materialized" }]
    })
    expect((await served()).status).toBe("Stale")
    await assets("materialize")
    const pinned = await served()
    expect(pinned.dataVersion).not.toBe(before.dataVersion)
    // Neither asking again nor finding that nothing has changed moves it back.
    await assets("materialize --recheck")
    expect(await served()).toEqual(pinned)
    await assets("materialize --recheck", { NEWEST: "2" })
    expect((await served()).dataVersion).not.toBe(pinned.dataVersion)
  })

  it("publishes nothing that a blocking check refuses", async () => {
    const before = await served()
    expect(await assets("point --to=-3")).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/pointer could not be published \(run .*-3 is not positive/)
    })
    expect(await served()).toEqual(before)
  })

  it("is told of with the flags of assets in mind", async () => {
    expect((await assets("point --to 8")).stdout).toBe("It points to 8\n")
    expect(await assets("point")).toMatchObject({ code: 2, stderr: expect.stringContaining("--to") })
    expect(await assets("poin --to 8")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean point?")
    })
    expect(await assets("broken")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no default export made by Command.make("broken", …)')
    })
  })
})
