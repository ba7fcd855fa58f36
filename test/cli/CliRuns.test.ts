import { describe, expect, it } from "@effect/vitest"
import { afterAll, beforeAll } from "vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import { type Environment, json, jsonLines, run, start } from "./AssetsProcess.ts"

/** A database of its own for each shop. */
const openings: Array<Scope.Closeable> = []

const openShop = async () => {
  const scope = Scope.makeUnsafe()
  openings.push(scope)
  const server = await Effect.runPromise(Scope.provide(TestDatabase.make(), scope))
  const environment = { DATABASE_URL: TestDatabase.toUrl(server) }
  return {
    assets: (args: ReadonlyArray<string>, env: Environment = {}) => run(args, { ...environment, ...env }),
    start: (args: ReadonlyArray<string>, env: Environment = {}) => start(args, { ...environment, ...env }),
    sql: (statement: string) =>
      Effect.runPromise(
        Effect.scoped(Effect.flatMap(PgConnection.make(server), (connection) => connection.query(statement)))
      )
  }
}

type Shop = Awaited<ReturnType<typeof openShop>>

afterAll(() => Promise.all(openings.map((scope) => Effect.runPromise(Scope.close(scope, Exit.void)))))

const today = new Date().toISOString().slice(0, 10)

const tagsOf = (events: ReadonlyArray<any>, asset: string) =>
  events.filter((event) => event.asset === asset).map((event) => event._tag)

describe("a shop that was brought up to date", { timeout: 60_000 }, () => {
  let shop: Shop
  let first: ReadonlyArray<any>

  beforeAll(async () => {
    shop = await openShop()
    first = jsonLines(await shop.assets(["materialize", "--json"]))
  }, 60_000)

  it("printed one event a line, from RunStarted to RunSucceeded", () => {
    expect(first[0]).toMatchObject({ _tag: "RunStarted", trigger: "materialize", steps: 6 })
    expect(first.at(-1)).toMatchObject({ _tag: "RunSucceeded", runId: first[0].runId })
    expect(tagsOf(first, "prices")).toEqual(["StepStarted", "CheckPassed", "CheckPassed", "AssetMaterialized"])
    for (const event of first) expect(event).toMatchObject({ _tag: expect.any(String), at: expect.any(String) })
  })

  it("has nothing left to do, and says so", async () => {
    const again = await shop.assets(["materialize"])
    expect([again.stdout, again.stderr, again.code]).toEqual(["Everything is Current\n", "", 0])
    const events = jsonLines(await shop.assets(["materialize", "--json"]))
    expect(events).toEqual([{ _tag: "RunSucceeded", at: expect.any(String), runId: null }])
    expect((await shop.assets(["plan", "--check"])).code).toBe(0)
  })

  it("selects by what is recorded, before anything is done", async () => {
    const moved = { SHOP_CODE: "2" }
    expect(json(await shop.assets(["list", "status:stale or status:maybe", "--json"], moved))).toEqual([
      "revenue",
      "forecast"
    ])
    expect(json(await shop.assets(["list", "changed:code", "--json"], moved))).toEqual(["revenue"])
    const steps = json(await shop.assets(["plan", "changed:code+", "--json"], moved)).steps
    expect(steps.map(({ asset }: any) => asset)).toEqual(["revenue", "forecast"])
    const [row, ...others] = json(await shop.assets(["status", "status:stale", "--json"], moved))
    expect([row.asset, row.status, others]).toEqual(["revenue", "Stale", []])
  })

  it("says when nothing is in the state that is asked for", async () => {
    const none = await shop.assets(["materialize", "status:missing", "--json"])
    expect(JSON.parse(none.stderr)).toMatchObject({ _tag: "NothingMatched", expression: "status:missing" })
    expect([jsonLines(none).map(({ _tag }: any) => _tag), none.code]).toEqual([["RunSucceeded"], 0])
    const status = await shop.assets(["status", "status:missing"])
    expect([status.stdout, status.stderr]).toEqual(["", "status:missing matches nothing\nno asset is selected\n"])
    const plan = await shop.assets(["plan", "status:stale"])
    expect(plan.stdout).toBe("Nothing to do: no asset is selected\n")
    expect([plan.stderr, plan.code]).toEqual(["status:stale matches nothing\nno asset is selected\n", 0])
  })

  it("has a status for each asset and each partition", async () => {
    const rows = json(await shop.assets(["status", "--json"]))
    expect(rows.map((row: any) => [row.asset, row.status])).toEqual([
      ["prices", "Current"],
      ["sales", "Current"],
      ["revenue", "Current"],
      ["forecast", "Current"]
    ])
    expect(rows[0]).toEqual({
      asset: "prices",
      partition: null,
      status: "Current",
      causes: [],
      undecided: [],
      codeVersion: "1",
      dataVersion: expect.any(String),
      rows: null,
      materializedAt: expect.any(String),
      runId: first[0].runId,
      traceId: first[0].traceId,
      failedChecks: [],
      lastFailure: null,
      wipedAt: null,
      external: false,
      freshness: null
    })
    expect(rows[1]).toMatchObject({ partition: null, partitions: { Missing: 0, Stale: 0, Maybe: 0, Current: 3 } })
    const partitions = json(await shop.assets(["status", "sales", "--partitions", "--json"]))
    expect(partitions).toHaveLength(3)
    expect(partitions[2]).toMatchObject({ asset: "sales", partition: today, status: "Current" })
  })

  it("shows what is pending when the code has changed, and why", async () => {
    const env = { SHOP_CODE: "2" }
    const pending = await shop.assets(["plan", "--check", "--json"], env)
    expect(pending.code).toBe(3)
    expect(json(pending).steps).toEqual([
      {
        asset: "revenue",
        partition: null,
        certainty: "Certain",
        reasons: [{ _tag: "CodeChanged", from: "1", to: "2" }],
        expectedSeconds: expect.any(Number)
      },
      {
        asset: "forecast",
        partition: null,
        certainty: "Conditional",
        reasons: [{ _tag: "DependencyPlanned", dependency: "revenue" }],
        expectedSeconds: expect.any(Number)
      }
    ])
    const why = (await shop.assets(["why", "forecast"], env)).stdout.split("\n")
    expect(why.slice(0, 3)).toEqual([
      "forecast is Maybe: it is decided once what it reads is Current",
      "├─ revenue is Stale",
      "│  ├─ its code version 1 became 2"
    ])
    const status = (await shop.assets(["status"], env)).stdout
    expect(status).toMatch(/^revenue +Stale +code version 1 became 2 /m)
    expect(status).toMatch(/^forecast +Maybe +depends on revenue /m)
    expect(status).not.toContain("\u001b")
  })

  it("knows how long what is pending took before, and so when it would end", async () => {
    const env = { SHOP_CODE: "2" }
    const { stdout } = await shop.assets(["plan", "--concurrency", "2"], env)
    expect(stdout).toMatch(/^revenue +Certain +takes [\d.]+ m?s +ends after [\d.]+ m?s +code version 1 became 2$/m)
    expect(stdout).toMatch(/^forecast +Conditional +takes [\d.]+ m?s +ends after [\d.]+ m?s +revenue may change$/m)
    expect(stdout).toMatch(
      /^2 steps, about [\d.]+ m?s with 2 at a time; 1 of them \([\d.]+ m?s\) is conditional and falls away if/m
    )
    const { blocks, forecast } = json(await shop.assets(["plan", "--json"], { ...env, ASSETS_CONCURRENCY: "3" }))
    expect(forecast).toMatchObject({ unknown: 0, concurrency: 3, criticalPath: { assets: ["revenue", "forecast"] } })
    expect(forecast.seconds).toBeCloseTo(blocks[0].expectedSeconds + blocks[1].expectedSeconds, 2)
    expect(forecast.conditionalSeconds).toBe(blocks[1].expectedSeconds)
    expect(blocks[1]).toMatchObject({ asset: "forecast", partitions: null, count: 1, certainty: "Conditional" })
    const [sales] = json(await shop.assets(["plan", "sales", "--force", "--json"])).blocks
    expect(sales).toMatchObject({ asset: "sales", partitions: expect.stringMatching(/^.+\.\..+$/), count: 3 })
  })

  it("is shown in color where that is wanted, and never where it is not", async () => {
    const colored = await shop.assets(["status"], { FORCE_COLOR: "1" })
    expect(colored.stdout).toContain("\u001b[32mCurrent\u001b[0m")
    const plain = await shop.assets(["status"], { FORCE_COLOR: "1", NO_COLOR: "1" })
    expect(plain.stdout).not.toContain("\u001b")
  })

  it("remembers its runs, their steps and their events", async () => {
    const { runId } = first[0]
    const [newest] = json(await shop.assets(["runs", "--json", "--limit", "1"]))
    expect(newest).toEqual({
      id: runId,
      status: "Succeeded",
      trigger: "materialize",
      startedAt: first[0].at,
      endedAt: first.at(-1).at
    })
    const shown = json(await shop.assets(["run", runId, "--json"]))
    expect(shown.steps).toHaveLength(6)
    expect(shown.steps[0]).toMatchObject({ asset: "prices", partition: null, status: "Materialized", attempts: 1 })
    // Steps that run at the same time are told of in the order they are heard of, and logged in that they are written.
    const bySlice = (lines: ReadonlyArray<any>) =>
      Map.groupBy(lines, ({ asset, partition }) => `${asset ?? "run"} ${partition ?? ""}`)
    expect(bySlice(jsonLines(await shop.assets(["logs", runId, "--json"])))).toEqual(bySlice(first))
    expect((await shop.assets(["logs", runId])).stdout).toMatch(/ prices +materialized$/m)
    const unknown = await shop.assets(["run", "nope"])
    expect([unknown.stderr, unknown.code]).toEqual(["error: there is no run nope; `assets runs` lists them\n", 2])
  })

  it("refuses partitions that do not exist", async () => {
    for (const command of ["why", "materialize", "check", "wipe"]) {
      const { code, stderr } = await shop.assets([command, "sales", "--partition", "2020-01-01"])
      expect(stderr).toContain("sales has no partition 2020-01-01; it has those from ")
      expect(code).toBe(2)
    }
  })

  it("lists its migrations", async () => {
    const migrations = json(await shop.assets(["migrate", "--json"]))
    expect(migrations.runtime[0]).toEqual({ name: "0001_ledger", appliedAt: expect.any(String) })
    expect(migrations.project).toEqual([])
  })

  it("is well, as the doctor finds", async () => {
    const { code, stdout } = await shop.assets(["doctor"])
    expect(stdout).toMatch(/^ok +database +PostgreSQL \d+\.\d+/m)
    expect(stdout).toMatch(/^ok +values +6 values as recorded$/m)
    expect(stdout).toMatch(/^ok +supplier +answers$/m)
    expect(code).toBe(0)
  })
})

describe("a shop that was never brought up to date", { timeout: 60_000 }, () => {
  it("has a plan of which nobody knows how long it takes, and says so", async () => {
    const shop = await openShop()
    const { stdout } = await shop.assets(["plan"])
    expect(stdout).toMatch(/^prices +Certain +never materialized$/m)
    expect(stdout).toMatch(/\n6 steps; no step was run before, so nothing is known of how long it takes\n$/)
    const { blocks, forecast, steps } = json(await shop.assets(["plan", "--json"]))
    expect(forecast).toMatchObject({ seconds: null, unknown: 6, conditionalSeconds: 0, concurrency: 4 })
    for (const { expectedSeconds } of [...steps, ...blocks]) expect(expectedSeconds).toBeNull()
  })

  it("tells how long it takes before it computes again", async () => {
    const shop = await openShop()
    const first = await shop.assets(["materialize"])
    expect(first.stdout).toMatch(/^ {2}prices +Certain +never materialized$/m)
    const again = await shop.assets(["materialize", "--force"])
    expect(again.stdout).toMatch(/^6 steps to do:$/m)
    expect(again.stdout).toMatch(
      /^ {2}sales\S+ \(3 partitions\) +Certain +takes 3 × [\d.]+ m?s +ends after .* forced$/m
    )
    expect(again.stdout).toMatch(/^6 steps, about [\d.]+ m?s with 4 at a time$/m)
  })
})

describe.concurrent("a shop in trouble", { timeout: 60_000 }, () => {
  it("fails with 1 when the supplier does not answer, and skips what depends on it", async () => {
    const shop = await openShop()
    const failed = await shop.assets(["materialize"], { SHOP_FAULT: "error" })
    expect(failed.stdout).toMatch(/^x prices +failed: the supplier does not answer$/m)
    expect(failed.stdout).toMatch(/^- revenue +skipped because of prices$/m)
    expect(failed.stdout).toMatch(/^Failed after .*: 1 failed, 5 skipped\nWhat happened: assets run \w+\n$/m)
    expect([failed.stderr, failed.code]).toEqual(["", 1])
    const [{ lastFailure }] = json(await shop.assets(["status", "prices", "--json"]))
    const [run] = json(await shop.assets(["runs", "--json"]))
    const error = { _tag: "SupplierGone", message: "the supplier does not answer" }
    expect(lastFailure).toEqual({ partition: null, at: expect.any(String), runId: run.id, error })
    expect((await shop.assets(["why", "prices"])).stdout).toMatch(
      /the last attempt failed .* by run \w+: the supplier does not answer\n$/
    )
    const doctor = await shop.assets(["doctor"], { SHOP_FAULT: "error" })
    expect(doctor.stdout).toMatch(/^problem +supplier +it does not answer\n +call it$/m)
    expect(doctor.code).toBe(1)
  })

  it("fails with 4 when a blocking check fails, unless that is accepted for the run", async () => {
    const shop = await openShop()
    const env = { SHOP_PRICE: "-1" }
    const failed = await shop.assets(["materialize", "prices", "--json"], env)
    expect(failed.code).toBe(4)
    expect(jsonLines(failed).at(-1)._tag).toBe("RunFailed")
    const accepted = await shop.assets(["materialize", "prices", "--json", "--accept", "prices:not negative"], env)
    expect(accepted.code).toBe(0)
    expect(jsonLines(accepted)).toContainEqual(expect.objectContaining({ _tag: "CheckFailed", accepted: true }))
    const unknown = await shop.assets(["materialize", "--force", "prices", "--accept", "prices:cheap"], env)
    expect([unknown.stderr, unknown.code]).toEqual([
      `error: prices has no check called "cheap"; its blocking checks are 'not negative'\n`,
      2
    ])

    const checked = await shop.assets(["check"])
    expect(checked.stdout).toContain('x prices: check "not negative" failed (blocking): the price is -1')
    expect(checked.code).toBe(4)
    const [run] = json(await shop.assets(["runs", "--json"]))
    expect(run).toMatchObject({ trigger: "check", status: "Failed" })
  })

  it("shows a failed check that does not block, and goes on", async () => {
    const shop = await openShop()
    const published = await shop.assets(["materialize", "prices"], { SHOP_PRICE: "500" })
    expect(published.stdout).toContain('! prices  check "not unusual" failed (warn): the price is 500')
    expect(published.code).toBe(0)
    const checked = await shop.assets(["check", "--json"])
    expect(json(checked).checks[1]).toMatchObject({ check: "not unusual", blocking: false, passed: false })
    expect(checked.code).toBe(0)
  })

  it("tells of a failed check beside the version it judged, and runs one check alone", async () => {
    const shop = await openShop()
    await shop.assets(["materialize", "prices"], { SHOP_PRICE: "500" })
    const [prices] = json(await shop.assets(["status", "prices", "--json"]))
    expect(prices.failedChecks).toMatchObject([{ check: "not unusual", severity: "warn", reason: "the price is 500" }])
    const why = await shop.assets(["why", "prices"])
    expect(why.stdout).toContain('the check "not unusual" warned: the price is 500')

    const one = await shop.assets(["check", "--only", "prices:not negative"])
    expect([one.stdout, one.code]).toEqual(['+ prices: check "not negative" passed\n', 0])
    const refused = await shop.assets(["check", "sales", "--only", "prices:not negative"])
    expect([refused.stderr, refused.code]).toEqual([
      'error: prices, whose check "not negative" is asked for, is not selected\n',
      2
    ])
  })

  it("refuses to run a check of no partition for the partitions that are named", async () => {
    const shop = await openShop()
    const one = await shop.assets(["check", "--only", "prices:not negative", "--partition", today])
    expect([one.stderr, one.code]).toEqual([
      'error: the check "not negative" of prices is of no single partition: ask for it without naming any\n',
      2
    ])
    const all = await shop.assets(["check", "--from", today])
    expect([all.stdout, all.code]).toEqual(["Nothing that is selected has checks of single partitions\n", 0])
  })

  it("is told of values that something else has changed, and how to mend them", async () => {
    const shop = await openShop()
    await shop.assets(["materialize", "prices"])
    await shop.sql(`update assets.json_value set value = '{"amount":99}' where asset = 'prices'`)
    const found = await shop.assets(["doctor"])
    expect(found.stdout).toMatch(/^problem +prices +its value was changed by something else: /m)
    expect(found.stdout).toContain("assets materialize --force prices")
    expect(found.code).toBe(1)
    await shop.assets(["materialize", "--force", "prices"])
    expect((await shop.assets(["doctor"])).code).toBe(0)
  })

  it("wipes only when that is confirmed, and records it", async () => {
    const shop = await openShop()
    await shop.assets(["materialize"])
    const asked = await shop.assets(["wipe", "sales"])
    expect([asked.stderr, asked.code]).toEqual(["error: would wipe sales (3 partitions); --yes does it\n", 2])
    const wiped = json(await shop.assets(["wipe", "sales", "forecast", "--yes", "--json"]))
    expect(wiped.wiped.map(({ asset }: any) => asset)).toEqual(["forecast", "sales", "sales", "sales"])
    expect(json(await shop.assets(["run", wiped.runId, "--json"]))).toMatchObject({
      trigger: "wipe",
      status: "Succeeded"
    })
    const [, sales] = json(await shop.assets(["status", "--json"]))
    expect(sales).toMatchObject({ status: "Missing", partitions: { Missing: 3 }, dataVersion: null })
    expect(sales.wipedAt).toEqual(expect.any(String))
    const why = await shop.assets(["why", "forecast"])
    expect(why.stdout).toMatch(/^forecast is Missing: what was published was wiped\n[^]*wiped .* by run \w+\n$/)
    expect((await shop.assets(["wipe", "sales", "--yes"])).stdout).toBe("Nothing that is selected is published\n")
  })

  it("wipes the partitions that are named, and says which", async () => {
    const shop = await openShop()
    await shop.assets(["materialize"])
    const asked = await shop.assets(["wipe", "sales", "prices", "--from", today])
    expect([asked.stderr, asked.code]).toEqual([`error: would wipe sales/${today}; --yes does it\n`, 2])
    const wiped = await shop.assets(["wipe", "sales", "prices", "--partition", today, "--yes"])
    expect(wiped.stdout).toMatch(new RegExp(`^Wiped sales/${today} \\(run \\w+\\)\n$`))
    const [prices, sales] = json(await shop.assets(["status", "--json"]))
    expect([prices.status, sales.partitions.Missing]).toEqual(["Current", 1])
  })

  it("waits with wiping until nobody computes the value", async () => {
    const shop = await openShop()
    await shop.assets(["materialize", "+revenue"])
    const computing = shop.start(["materialize", "revenue", "--force", "--json"], { SHOP_SLOW: "8000" })
    await computing.shows("StepStarted")
    const wiped = await shop.assets(["wipe", "revenue", "--yes"])
    expect(wiped.stderr).toBe("revenue is being computed; waiting for it\n")
    expect((await computing.finished).code).toBe(0)
    expect(json(await shop.assets(["status", "revenue", "--json"]))[0].status).toBe("Missing")
  })
})

describe.concurrent("a command that is interrupted", { timeout: 60_000 }, () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends with 130 and a canceled run on ${signal}`, async () => {
      const shop = await openShop()
      const command = shop.start(["materialize", "--json"], { SHOP_SLOW: "60000" })
      await command.shows('"asset":"revenue"')
      command.child.kill(signal)
      const finished = await command.finished
      expect(jsonLines(finished).at(-1)._tag).toBe("RunCanceled")
      expect([finished.stderr, finished.code]).toEqual(["", 130])
      expect(json(await shop.assets(["runs", "--json"]))[0].status).toBe("Canceled")
    })
  }

  it("ends at once on the second Ctrl-C, and the next run closes what it left", async () => {
    const shop = await openShop()
    const command = shop.start(["materialize", "--json"], { SHOP_FAULT: "stubborn", SHOP_SLOW: "60000" })
    await command.shows("no way back")
    command.child.kill("SIGINT")
    const between = await shop.assets(["runs", "--json"])
    expect(json(between)[0].status).toBe("Running")
    command.child.kill("SIGINT")
    expect((await command.finished).code).toBe(130)
    const [left] = json(await shop.assets(["runs", "--json"]))
    expect([left.status, left.endedAt]).toEqual(["Interrupted", null])
    const { steps } = json(await shop.assets(["run", left.id, "--json"]))
    expect(steps.find(({ asset }: any) => asset === "revenue").status).toBe("Interrupted")
    const doctor = await shop.assets(["doctor"])
    expect(doctor.stdout).toMatch(/^problem +runs +\w+ lost its process$/m)
    await shop.assets(["materialize"])
    expect(json(await shop.assets(["runs", "--json"])).map(({ status }: any) => status)).toEqual([
      "Succeeded",
      "Interrupted"
    ])
  })
})
