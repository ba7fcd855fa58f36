import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll } from "vitest"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import { type Environment, type Finished, json, jsonLines, project, run, type Running, start } from "./AssetsProcess.ts"

const scope = Scope.makeUnsafe()

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** A database of its own. */
const open = async () => {
  const url = TestDatabase.toUrl(await Effect.runPromise(Scope.provide(TestDatabase.make(), scope)))
  const args = (command: string) => [...command.split(" "), "--definitions", project("meters.ts")]
  return {
    assets: (command: string, env: Environment = {}) => run(args(command), { DATABASE_URL: url, ...env }),
    start: (command: string, env: Environment = {}) => start(args(command), { DATABASE_URL: url, ...env })
  }
}

type Meters = Awaited<ReturnType<typeof open>>

/** Two assets, eight days each. */
const request = "backfill +usage --from 2026-01-01 --to 2026-01-08 --json"

/** Four days are read, one after the other, and the fifth for ever. */
const begun = async ({ assets, start }: Meters) => {
  const running = start(`${request} --concurrency 1`, { METERS_ENDLESS: "2026-01-05" })
  await running.shows('"asset":"readings","partition":"2026-01-05"')
  const [{ id }] = json(await assets("backfills --json"))
  return { id: String(id), running }
}

const stopped = async ({ finished }: Running, code: number | null) => {
  const ended = await finished
  expect([ended.stderr, ended.code]).toEqual(["", code])
  return jsonLines(ended).map(({ _tag }) => _tag as string)
}

/** The slices a run published, in the order of their names. */
const published = (finished: Finished) =>
  jsonLines(finished)
    .filter(({ _tag }) => _tag === "AssetMaterialized")
    .map(({ asset, partition }) => `${asset}/${partition}`)
    .toSorted()

const days = (asset: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${asset}/2026-01-0${from + at}`)

/** Goes on with what four of eight days leave, and with nothing else. */
const goesOn = async ({ assets }: Meters, id: string) => {
  const resumed = await assets(`backfill resume ${id} --concurrency 2 --json`)
  expect([resumed.stderr, resumed.code]).toEqual(["", 0])
  expect(published(resumed)).toEqual([...days("readings", 5, 8), ...days("usage", 1, 8)])
  const events = jsonLines(resumed)
  expect(events[0]).toMatchObject({ _tag: "BackfillResumed", runId: null, backfill: id })
  expect(events.at(-1)).toMatchObject({ _tag: "BackfillSucceeded", backfill: id })
  const shown = json(await assets(`backfill ${id} --json`))
  expect(shown).toMatchObject({
    id,
    status: "Succeeded",
    assets: [
      { asset: "readings", ranges: [{ outcome: "Done", partitions: ["2026-01-01..2026-01-08"] }] },
      { asset: "usage", ranges: [{ outcome: "Done", partitions: ["2026-01-01..2026-01-08"] }] }
    ],
    failures: []
  })
  expect(shown.runs).toHaveLength(2)
}

describe("a backfill", { timeout: 120_000, concurrent: true }, () => {
  it("tells its id first, brings its partitions up to date, and then has nothing to do", async () => {
    const { assets } = await open()
    const first = await assets(request)
    expect([first.stderr, first.code]).toEqual(["", 0])
    const events = jsonLines(first)
    expect(events[0]).toMatchObject({
      _tag: "BackfillRequested",
      runId: null,
      request: { selection: ["+usage"], which: "Stale", slices: 16 }
    })
    expect(events[1]).toMatchObject({
      _tag: "RunStarted",
      trigger: "backfill",
      steps: 16,
      backfill: events[0].backfill
    })
    expect(published(first)).toEqual([...days("readings", 1, 8), ...days("usage", 1, 8)])

    const again = await assets("backfill +usage --from 2026-01-01 --to 2026-01-08")
    expect([again.stdout, again.code]).toEqual(["There is nothing to do: what is asked for is Current\n", 0])
    expect(json(await assets("backfills --json"))).toHaveLength(1)
  })

  it("that is killed is shown as Interrupted, and resumed does only what is left", async () => {
    const meters = await open()
    const { id, running } = await begun(meters)
    running.child.kill("SIGKILL")
    await stopped(running, null)
    expect(json(await meters.assets("backfills --json"))).toMatchObject([
      { id, status: "Interrupted", slices: 16, outcomes: { Done: 4, Failed: 0, Skipped: 0 } }
    ])
    await goesOn(meters, id)
  })

  it("that is interrupted is Paused, and resumed does only what is left", async () => {
    const meters = await open()
    const { id, running } = await begun(meters)
    running.child.kill("SIGINT")
    expect((await stopped(running, 130)).slice(-2)).toEqual(["RunCanceled", "BackfillPaused"])
    await goesOn(meters, id)
  })

  it("is paused and resumed by other processes", async () => {
    const meters = await open()
    const { id, running } = await begun(meters)
    const paused = await meters.assets(`backfill pause ${id}`)
    expect([paused.stdout, paused.code]).toEqual([`Paused; to go on: assets backfill resume ${id}\n`, 0])
    expect((await stopped(running, 130)).slice(-2)).toEqual(["RunCanceled", "BackfillPaused"])
    const twice = await meters.assets(`backfill pause ${id}`)
    expect([twice.stderr, twice.code]).toEqual([`error: backfill ${id} is paused already\n`, 2])
    await goesOn(meters, id)
  })

  it("is canceled by another process, for good", async () => {
    const { assets, ...meters } = await open()
    const { id, running } = await begun({ assets, ...meters })
    expect(json(await assets(`backfill cancel ${id} --json`))).toEqual({ id, status: "Canceled" })
    expect((await stopped(running, 130)).slice(-2)).toEqual(["RunCanceled", "BackfillCanceled"])
    const resumed = await assets(`backfill resume ${id}`)
    expect([resumed.stderr, resumed.code]).toEqual([`error: backfill ${id} was canceled; request another one\n`, 2])
    expect(json(await assets(`backfill ${id} --json`))).toMatchObject({
      status: "Canceled",
      assets: [{ outcomes: { Done: 4, Left: 4 } }, { outcomes: { Done: 0, Left: 8 } }]
    })
  })

  it("is carried out by one process at a time", async () => {
    const { assets, ...meters } = await open()
    const { id, running } = await begun({ assets, ...meters })
    const second = await assets(`backfill resume ${id}`)
    expect(second.stderr).toMatch(`error: backfill ${id} is being carried out by another process;`)
    expect(second.code).toBe(2)
    expect(json(await assets("backfills --json"))).toMatchObject([{ id, status: "Running" }])
    running.child.kill("SIGKILL")
    await running.finished
    const both = await Promise.all([assets(`backfill resume ${id}`), assets(`backfill resume ${id}`)])
    expect(both.map(({ code }) => code).toSorted()).toEqual([0, 2])
  })

  it("goes on beside partitions that fail, names them as ranges, and tries them again alone", async () => {
    const { assets } = await open()
    const failed = await assets("backfill +usage --from 2026-01-01 --to 2026-01-08", {
      METERS_UNREAD: "2026-01-03 2026-01-04"
    })
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch("Failed partitions:\n  readings/2026-01-03..2026-01-04\n")
    expect(failed.stdout).toMatch(/Failed after .*: 12 done, 2 failed, 2 skipped/)
    const [{ id }] = json(await assets("backfills --json"))
    expect(failed.stdout).toMatch(`To try again what failed: assets backfill retry ${id}\n`)
    const { stdout } = await assets(`backfill ${id}`)
    expect(stdout).toMatch("readings/2026-01-03..2026-01-04 (2 partitions): the meter does not answer")

    const retried = await assets(`backfill retry ${id} --json`)
    expect(retried.code).toBe(0)
    expect(published(retried)).toEqual([...days("readings", 3, 4), ...days("usage", 3, 4)])
  })

  it("has an exit code of its own when every failure is a blocking check", async () => {
    const { assets } = await open()
    const { code } = await assets("backfill readings --partitions 2026-01-01..2026-01-03", {
      METERS_DOUBTFUL: "2026-01-02"
    })
    expect(code).toBe(4)
  })

  it("refuses what it cannot do, and says what would work", async () => {
    const { assets } = await open()
    const mistakes = {
      "backfill --all": "backfill needs a selection; '*' stands for everything",
      "backfill usage --missing --all": "--missing and --all do not go together: say one",
      "backfill readings --partitions 2027": "the partitions of readings: no partition is called so: they go from",
      "backfill +bill --ranges": "--ranges: readings: its body computes one partition at a time",
      "backfill usage --partitions 2026-01":
        "usage/2026-01-01 needs readings/2026-01-01, which was never materialized and is not in this plan; try: assets backfill +usage --partitions 2026-01",
      "backfill 0abc": "there is no backfill 0abc; `assets backfills` lists them",
      "backfill 0abc --all": "0abc is the id of a backfill, to which nothing can be added",
      "backfill pause": "the id is missing"
    }
    for (const [command, message] of Object.entries(mistakes)) {
      const { code, stderr, stdout } = await assets(command)
      expect(stderr).toContain(`error: ${message}`)
      expect([stdout, code]).toEqual(["", 2])
    }
    expect((await assets("backfills")).stdout).toMatch("There were no backfills yet;")
  })
})
