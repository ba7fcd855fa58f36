import type * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import { ask, asset, breaks, edit, force, mend, move, run, shows, recheck, table, together, wipe } from "./Case.ts"

const users = asset("users")
const daily = Partition.daily({ start: "2026-03-08" })
const days = asset("days", { partitions: daily })
const pair = (assets: ReadonlyArray<Asset.Any>) => assets as [Asset.Any, Asset.Any]

const [same, other] = pair(together(["same", "other"], { deps: { users }, are: { same: "0" } }))
const belowSame = asset("below_same", { deps: { same } })
const belowOther = asset("below_other", { deps: { other } })
const [odd, even] = pair(together(["odd", "even"], { deps: { days }, partitions: daily }))
const [left, right] = pair(together(["left", "right"], { deps: { users }, subset: true }))

table("assets of one computation", [
  [
    "that come out identical cut off what reads them, and only that",
    [belowSame, belowOther],
    [run(), shows("users", "1"), recheck()],
    {
      ran: {
        users: "Materialized",
        same: "Verified",
        other: "Materialized",
        below_same: "CutOff",
        below_other: "Materialized"
      },
      status: {}
    }
  ],
  [
    "leave what reads the identical one Current, and make what reads the other Stale",
    [belowSame, belowOther],
    [run(), move("users"), run("same", "other")],
    { status: { below_other: "Stale: other has changed" } }
  ],
  [
    "are recorded to be made from the same",
    [same, other],
    [run()],
    { madeFrom: { same: ["users"], other: ["users"] } }
  ],
  [
    "are computed when the code of one has changed",
    [same, other],
    [run(), edit("same", "2"), ask()],
    {
      plan: ["same - certain: code version 1 became 2", "other - conditional: computed together with same"]
    }
  ],
  [
    "fail together when their body does, and change nothing",
    [belowSame, other],
    [run(), move("users"), breaks("body", "same+other"), run()],
    {
      ran: { same: "Failed", other: "Failed", below_same: "Skipped" },
      status: { same: "Stale: users has changed", other: "Stale: users has changed", below_same: "Maybe: same" }
    }
  ],
  [
    "are verified where they are forced and come out as they were",
    [same, other],
    [run(), force("same", "other")],
    { ran: { same: "Verified", other: "Verified" }, status: {} }
  ],
  [
    "by partition are Stale by partition, each with the others",
    [odd, even],
    [run(), move("days/2026-03-09")],
    {
      status: {
        "odd/2026-03-09": "Stale: days has changed in 2026-03-09",
        "even/2026-03-09": "Stale: days has changed in 2026-03-09"
      }
    }
  ],
  [
    "by partition are computed together for the partition that one lacks",
    [odd, even],
    [run(), wipe("odd/2026-03-09"), run()],
    { ran: { "odd/2026-03-09": "Materialized", "even/2026-03-09": "Verified" }, status: {} }
  ],
  [
    "that can be left out are Stale each by itself",
    [left, right],
    [run(), move("users"), run("left")],
    { ran: { left: "Materialized" }, status: { right: "Stale: users has changed" } }
  ],
  [
    "are all that is to do once the publish of one is mended",
    [same, other],
    [run(), move("users"), breaks("publish", "other"), run(), mend, run()],
    { ran: { same: "Verified", other: "Materialized" }, status: {} }
  ]
])
