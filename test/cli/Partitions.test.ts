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
  run([...command.split(" "), "--definitions", project("customers.ts")], { DATABASE_URL: url, ...env })

const partitions = (command: string) => assets(`partitions ${command}`)

describe("partitions that the database keeps", { timeout: 60_000 }, () => {
  it("are added and removed, in the order of adding", async () => {
    expect(json(await partitions("list customers --json"))).toEqual([])
    expect(json(await partitions("add customers zoe ann zoe --json"))).toEqual({
      name: "customers",
      added: ["zoe", "ann"]
    })
    expect((await partitions("add customers ann bob")).stdout).toBe("customers: added 1 partition\n")
    expect((await partitions("add customers ann bob")).stdout).toBe("customers: it has them all\n")
    expect((await partitions("list customers")).stdout).toBe("zoe\nann\nbob\n")
    expect(json(await partitions("remove customers ann nobody --yes --json"))).toEqual({
      name: "customers",
      removed: ["ann"]
    })
    expect((await partitions("remove customers ann --yes")).stdout).toBe("customers: nothing was removed\n")
    expect((await partitions("list customers")).stdout).toBe("zoe\nbob\n")
    expect(json(await partitions("list invoices --json"))).toEqual(["zoe|eu", "zoe|us", "bob|eu", "bob|us"])
    const why = await assets("why invoices --partition ann|eu")
    expect([why.stderr, why.code]).toEqual([
      "error: invoices has no partition ann|eu; ann was removed; it has zoe|eu, zoe|us, bob|eu, ... and bob|us\n",
      2
    ])
  })

  it("are removed only when that is confirmed", async () => {
    await partitions("add customers cem")
    const { code, stderr } = await partitions("remove customers cem")
    expect([stderr, code]).toEqual(["error: would remove cem from customers; --yes does it\n", 2])
    expect(json(await partitions("list customers --json"))).toContain("cem")
  })

  it("can be found by an asset, whose run tells so", async () => {
    const events = jsonLines(await assets("materialize signups --json", { CUSTOMERS: "dan eve" }))
    expect(events.map(({ _tag }) => _tag)).toContain("AssetMaterialized")
    expect(json(await partitions("list customers --json")).slice(-2)).toEqual(["dan", "eve"])
    const logs = jsonLines(await assets(`logs ${events[0].runId} --json`))
    expect(logs).toContainEqual(
      expect.objectContaining({ _tag: "PartitionsAdded", name: "customers", keys: ["dan", "eve"] })
    )
    expect((await assets(`logs ${events[0].runId}`)).stdout).toContain("customers: added dan, eve")
  })

  it("have names that are declared and keys that can be told apart", async () => {
    const mistakes = [
      ["add clients ann", 'no dynamic partitioning is called "clients"; dynamic partitionings are customers'],
      ["add signups ann", 'no dynamic partitioning is called "signups"; dynamic partitionings are customers'],
      ["remove clients ann --yes", 'no dynamic partitioning is called "clients"'],
      ["list clients", 'no asset or dynamic partitioning is called "clients"'],
      ["list signups", "signups has no partitions"],
      ["add customers", "the key is missing"],
      ["add customers a|b", 'the partition key "a|b" has "|" in it'],
      ["add customers a..b", 'has ".." in it'],
      ["add customers ok a,b", "nothing was added to customers"],
      ["add customers a\u0007", "\\u0007"]
    ] as const
    const before = await partitions("list customers")
    const answers = await Promise.all(mistakes.map(([command]) => partitions(command)))
    for (const [index, { code, stderr, stdout }] of answers.entries()) {
      const [, message] = mistakes[index]!
      expect(stderr).toContain(message)
      expect([stdout, code]).toEqual(["", 2])
    }
    expect(await partitions("list customers")).toEqual(before)
    const empty = await run(
      ["partitions", "add", "customers", "", "--definitions", project("customers.ts"), "--json"],
      {
        DATABASE_URL: url
      }
    )
    expect(JSON.parse(empty.stderr)).toMatchObject({ _tag: "BadPartitionKey", partitioning: "customers" })
    expect(empty.code).toBe(2)
  })
})
