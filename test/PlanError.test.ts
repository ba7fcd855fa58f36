import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Asset from "../runtime/Asset.ts"
import * as AssetCheck from "../runtime/AssetCheck.ts"
import * as Partition from "../runtime/Partition.ts"
import type * as Plan from "../runtime/Plan.ts"
import { asset, daily, Simulation } from "./Simulation.ts"

const users = asset("users").pipe(
  Asset.recheckAfter("1 day"),
  Asset.check("not: too many removed", { blocking: true, run: () => Effect.succeed(AssetCheck.pass()) }),
  Asset.check("names are plausible", { run: () => Effect.succeed(AssetCheck.pass()) })
)
const tracks = asset("tracks")
const listens = daily("listens", { start: "2026-03-01" }).pipe(Asset.after(users, tracks), Asset.unrepeatable)
const features = asset("features", { deps: { users, tracks, listens } })

const fresh = () => new Simulation([features])

const settled = () => {
  const simulation = fresh()
  simulation.run()
  return simulation
}

const names = (plan: Plan.Plan) => plan.steps.map((step) => Partition.show(step))

describe("partitions that are named", () => {
  const clicks = daily("clicks", { start: "2026-03-05" })
  const sessions = daily("sessions", { start: "2026-03-06", deps: { listens, clicks } })
  const project = () => new Simulation([sessions, asset("report", { deps: { clicks } })])

  it("limit what is planned of partitioned assets and leave the others as they are", () => {
    assert.deepStrictEqual(names(project().request({ selection: ["clicks", "report"], partition: "2026-03-07" })), [
      "clicks/2026-03-07",
      "report"
    ])
  })

  it("may be a range, both ends inclusive, or open at one end", () => {
    const plan = (range: Partial<Plan.Request>) =>
      names(project().request({ selection: ["clicks"], ...range })).map((name) => name.slice(-2))
    assert.deepStrictEqual(plan({ from: "2026-03-06", to: "2026-03-07" }), ["06", "07"])
    assert.deepStrictEqual(plan({ from: "2026-03-09" }), ["09", "10"])
    assert.deepStrictEqual(plan({ to: "2026-03-05" }), ["05"])
  })

  it.each<[string, Partial<Plan.Request>, string]>([
    [
      "that has not begun",
      { selection: ["clicks"], partition: "2026-03-11" },
      "clicks has no partition 2026-03-11; it has those from 2026-03-05 to 2026-03-10 (daily from 2026-03-05)"
    ],
    [
      "before the first",
      { selection: ["clicks"], partition: "2026-03-04" },
      "clicks has no partition 2026-03-04; it has those from 2026-03-05 to 2026-03-10 (daily from 2026-03-05)"
    ],
    [
      "whose window ended before anything was published",
      { selection: ["listens"], partition: "2026-03-09" },
      "listens/2026-03-09 was not materialized while its source could still be asked, and cannot be any more"
    ],
    [
      "that is no day",
      { selection: ["clicks"], partition: "2026-02-30" },
      '"2026-02-30" is not a partition key; the partitions of clicks are daily from 2026-03-05, such as 2026-03-05'
    ],
    [
      "in a range from no day",
      { selection: ["clicks"], from: "yesterday" },
      '--from "yesterday" is neither a partition of clicks (daily from 2026-03-05), such as 2026-03-05, nor a time such as 2026-01 or 2026-01-31'
    ],
    [
      "in a range that ends before it starts",
      { selection: ["clicks"], from: "2026-03-07", to: "2026-03-06" },
      "the range of partitions ends (2026-03-06) before it starts (2026-03-07)"
    ],
    [
      "and a range at once",
      { selection: ["clicks"], partition: "2026-03-07", to: "2026-03-06" },
      "name one partition or a range of them, not both"
    ],
    [
      "of what has none",
      { selection: ["users"], partition: "2026-03-07" },
      "partitions were named, but nothing that is selected has partitions"
    ]
  ])("are refused: one %s", (_, request, message) => {
    assert.strictEqual(project().refusal(request), message)
  })

  it("are refused when frozen, forced or not", () => {
    const simulation = settled()
    simulation.pass(24)
    for (const force of [false, true]) {
      assert.strictEqual(
        simulation.refusal({ selection: ["listens"], partition: "2026-03-10", force }),
        "listens/2026-03-10 is frozen: its window has ended and its source cannot be asked again"
      )
    }
  })

  it("are refused when nothing that is selected can have them, however wide the selection", () => {
    const simulation = settled()
    simulation.pass(24)
    for (const selection of [[], ["*"], ["+features"]]) {
      assert.include(simulation.refusal({ selection, partition: "2026-03-10" }), "listens/2026-03-10 is frozen")
    }
  })

  it("may leave an asset that reads them all open, and the plan says so", () => {
    const simulation = project()
    simulation.execute(simulation.request({ selection: ["clicks", "report"], to: "2026-03-09" }))
    const plan = simulation.request({ selection: ["clicks", "report"], to: "2026-03-09" })
    assert.deepStrictEqual(names(plan), [])
    assert.deepStrictEqual(plan.upstreamNotSelected, [{ asset: "report", partition: null, ancestors: ["clicks"] }])
  })

  it("may be frozen in an asset that a wider selection only includes", () => {
    const simulation = project()
    simulation.run()
    simulation.pass(24)
    const plan = simulation.request({ selection: ["+sessions"], partition: "2026-03-10", force: true })
    assert.deepStrictEqual(names(plan), ["users", "tracks", "clicks/2026-03-10", "sessions/2026-03-10"])
  })
})

describe("a check that is accepted", () => {
  it("is split off at the first colon", () => {
    const plan = fresh().request({ selection: ["users"], accept: ["users:not: too many removed"] })
    assert.deepStrictEqual(plan.accepted, [{ asset: "users", check: "not: too many removed" }])
  })

  it.each([
    ["users", '"users" does not name a check; write ASSET:CHECK'],
    ["users:typo", `users has no check called "typo"; its blocking checks are 'not: too many removed'`],
    ["tracks:typo", 'tracks has no check called "typo"; it has no blocking checks'],
    [
      "users:names are plausible",
      'the check "names are plausible" of users is not blocking: its failure is recorded and there is nothing to accept'
    ],
    ["nobody:x", 'nobody is not in this plan, so its check "x" cannot be accepted']
  ])("must be a blocking one that exists: %s", (accept, message) => {
    assert.strictEqual(fresh().refusal({ accept: [accept] }), message)
  })

  it("must be of an asset in the plan", () => {
    assert.strictEqual(
      settled().refusal({ accept: ["users:not: too many removed"] }),
      'users is not in this plan, so its check "not: too many removed" cannot be accepted'
    )
  })
})
