import * as Asset from "../../runtime/Asset.ts"
import * as Partition from "../../runtime/Partition.ts"
import { ask, asset, breaks, declare, edit, move, request, run, set, shows, table, wipe } from "./Case.ts"

const users = asset("users")
const tracks = asset("tracks")
const features = asset("features", { deps: { users } })
const model = asset("model", { deps: { features } })
const wide = asset("features", { deps: { users, tracks } })
const days = asset("days", { partitions: Partition.daily({ start: "2026-03-08" }) })

table("assets without partitions", [
  [
    "are Missing until they were published, whatever is above them",
    [model],
    [run("users"), run("features"), move("users"), edit("features", "2")],
    { status: { features: "Stale: code version 1 became 2, users has changed", model: "Missing" } }
  ],
  ["are Current when made from the versions in force", [model], [run()], { status: {} }],
  [
    "are Stale below a change, and Maybe below that",
    [model],
    [run(), move("users")],
    { status: { features: "Stale: users has changed", model: "Maybe: features" } }
  ],
  [
    "are Maybe below several undecided ones, each named",
    [asset("report", { deps: { features, plays: asset("plays", { deps: { users } }), tracks } })],
    [run(), move("users")],
    {
      status: {
        features: "Stale: users has changed",
        plays: "Stale: users has changed",
        report: "Maybe: features, plays"
      }
    }
  ],
  [
    "are Stale for every dependency that changed, in the order of declaration",
    [wide],
    [run(), move("tracks"), move("users")],
    { status: { features: "Stale: users has changed, tracks has changed" } }
  ],
  [
    "are Stale for their own cause although something above is undecided, too",
    [model],
    [run(), edit("users", "2"), edit("model", "2")],
    {
      status: {
        users: "Stale: code version 1 became 2",
        features: "Maybe: users",
        model: "Stale: code version 1 became 2"
      }
    }
  ],
  [
    "are Current again once the old value is back, without a run of their own",
    [model],
    [run(), move("users", "1"), move("users", "0")],
    { status: {}, ran: { users: "Materialized" } }
  ],
  [
    "are Maybe, not Stale, below one that was wiped",
    [model],
    [run(), wipe("users")],
    { status: { users: "Missing", features: "Maybe: users", model: "Maybe: features" } }
  ],
  [
    "are cut off when what was wiped comes back the same",
    [model],
    [run(), wipe("users"), run()],
    { ran: { users: "Materialized", features: "CutOff", model: "CutOff" }, status: {} }
  ],
  [
    "run when what was wiped comes back as something else",
    [features],
    [run(), wipe("users"), shows("users", "1"), run()],
    { ran: { users: "Materialized", features: "Materialized" } }
  ],
  [
    "are recorded to be made from what they read themselves",
    [model],
    [run()],
    { madeFrom: { users: [], features: ["users"], model: ["features"] } }
  ]
])

const oldAlgorithm = `1:${"a".repeat(32)}`
const newAlgorithm = `2:${"b".repeat(32)}`
const alike = asset("features", { deps: { users }, is: "alike" })
const undeclared = asset("users", { code: null })

table("code versions", [
  [
    "make an asset Stale when they move, and what is below it Maybe",
    [model],
    [run(), edit("users", "2")],
    { status: { users: "Stale: code version 1 became 2", features: "Maybe: users", model: "Maybe: features" } }
  ],
  [
    "that move back before a run leave nothing to do",
    [model],
    [run(), edit("users", "2"), edit("users", "1")],
    { status: {} }
  ],
  [
    "are recorded by a run that gives the same value, and the change does not come up again",
    [asset("model", { deps: { alike } })],
    [run(), edit("features", "2"), run()],
    { ran: { features: "Verified", model: "CutOff" }, status: {} }
  ],
  [
    "that move back after such a run are a change again",
    [alike],
    [run(), edit("features", "2"), run(), edit("features", "1")],
    { status: { features: "Stale: code version 2 became 1" } }
  ],
  [
    "may be declared and then left to be computed",
    [asset("users", { code: "3" })],
    [run(), declare(undeclared), edit("users", oldAlgorithm)],
    { status: { users: "Stale: code version 3 became 1:aaaaaaaa" } }
  ],
  [
    "may be left to the process, where they never move",
    [asset("features", { deps: { users: undeclared } })],
    [run(), declare(asset("features", { deps: { users: undeclared } }))],
    { status: {} }
  ],
  [
    "of another algorithm are verified by what is published, without computing it",
    [asset("model", { deps: { alike } })],
    [edit("features", oldAlgorithm), run(), edit("features", newAlgorithm), ask(), breaks("body", "features"), run()],
    {
      plan: [
        "features - certain: code versions are computed in another way now",
        "model - conditional: features may change"
      ],
      ran: { features: "Verified", model: "CutOff" }
    }
  ],
  [
    "are those of all partitions of an asset",
    [days],
    [run(), edit("days", "2")],
    { status: { "days/2026-03-08..2026-03-10": "Stale: code version 1 became 2" } }
  ],
  [
    "are recorded by partition",
    [days],
    [run(), edit("days", "2"), request({ selection: ["days"], partition: "2026-03-09" })],
    {
      status: { "days/2026-03-08, 2026-03-10": "Stale: code version 1 became 2" },
      whole: { days: "Stale (2 Stale, 1 Current); code version 1 became 2" }
    }
  ]
])

const reading = asset("users", { reads: "LIMIT", is: "alike" })
const below = asset("features", { deps: { reading } })
const named = reading.pipe(Asset.dependsOnConfig("MUSIC_API_URL"))

table("settings", [
  [
    "that a body read make its value Stale when they change, and what is below it Maybe",
    [below],
    [set("LIMIT", "1"), run(), set("LIMIT", "2")],
    { status: { users: "Stale: setting LIMIT has changed", features: "Maybe: users" } }
  ],
  [
    "that change back are no change",
    [below],
    [set("LIMIT", "1"), run(), set("LIMIT", "2"), set("LIMIT", "1")],
    { status: {} }
  ],
  ["that no body read are none", [below], [set("LIMIT", "1"), run(), set("OTHER", "2")], { status: {} }],
  [
    "that were not set count as soon as they are",
    [below],
    [run(), set("LIMIT", "1")],
    { status: { users: "Stale: setting LIMIT has changed", features: "Maybe: users" } }
  ],
  [
    "are recorded anew where the value comes out the same",
    [below],
    [run(), set("LIMIT", "1"), run()],
    { ran: { users: "Verified", features: "CutOff" }, status: {} }
  ],
  [
    "that a body does not read any more count until it ran",
    [reading],
    [run(), declare(asset("users", { is: "alike" })), set("LIMIT", "1"), run(), set("LIMIT", "2")],
    { ran: { users: "Verified" }, status: {} }
  ],
  [
    "that are named without being read count from then on",
    [reading],
    [set("MUSIC_API_URL", "a"), run(), declare(named)],
    { status: { users: "Stale: setting MUSIC_API_URL has changed" } }
  ],
  [
    "that are named count when they change",
    [named],
    [set("MUSIC_API_URL", "a"), run(), set("MUSIC_API_URL", "b")],
    { status: { users: "Stale: setting MUSIC_API_URL has changed" } }
  ],
  [
    "come after the code and before dependencies among the causes",
    [asset("features", { deps: { users }, reads: "LIMIT" })],
    [run(), move("users"), set("LIMIT", "1"), edit("features", "2")],
    { status: { features: "Stale: code version 1 became 2, setting LIMIT has changed, users has changed" } }
  ],
  [
    "are recorded by partition",
    [asset("days", { partitions: days.partitions, reads: "LIMIT" })],
    [run(), set("LIMIT", "1"), request({ selection: ["days"], from: "2026-03-09" })],
    { status: { "days/2026-03-08": "Stale: setting LIMIT has changed" } }
  ]
])

const reordered = asset("features", { deps: { tracks, users } })
const unversioned = asset("features", { deps: { users, tracks: Asset.ignoreVersion(tracks) } })
const following = features.pipe(Asset.after(tracks))

table("dependencies", [
  [
    "that are removed and added give both causes",
    [features, tracks],
    [run(), declare(asset("features", { deps: { tracks } }))],
    { status: { features: "Stale: now depends on tracks, no longer depends on users" } }
  ],
  [
    "that are added are a cause before they were ever published",
    [features],
    [run(), declare(wide)],
    { status: { tracks: "Missing", features: "Stale: now depends on tracks" } }
  ],
  [
    "that are added in front of a dependency that stays are the only cause",
    [features, tracks],
    [run(), declare(reordered)],
    { status: { features: "Stale: now depends on tracks" } }
  ],
  [
    "that are removed are a cause until it ran",
    [wide],
    [run(), declare(features, tracks), ask(), run()],
    { plan: ["features - certain: no longer depends on tracks"], status: {} }
  ],
  ["in another order are the same", [wide], [run(), declare(reordered)], { status: {} }],
  [
    "under other names are the same",
    [wide],
    [run(), declare(asset("features", { deps: { a: users, b: tracks } }))],
    { status: {} }
  ],
  [
    "that are reached without a detour are others",
    [model],
    [run(), declare(asset("model", { deps: { users } }))],
    { status: { model: "Stale: now depends on users, no longer depends on features" } }
  ]
])

table("a dependency whose version does not count", [
  ["may change without consequence", [unversioned], [run(), move("tracks")], { status: {} }],
  ["may be gone without consequence", [unversioned], [run(), wipe("tracks")], { status: { tracks: "Missing" } }],
  ["is not recorded", [unversioned], [run()], { madeFrom: { features: ["users"] } }],
  [
    "may have counted before: what was recorded of it is not compared any more",
    [wide],
    [run(), declare(unversioned), move("tracks")],
    { status: {} }
  ],
  [
    "is one that was added once it counts",
    [unversioned],
    [run(), declare(wide)],
    { status: { features: "Stale: now depends on tracks" } }
  ],
  [
    "counts when it is declared in both ways",
    [asset("features", { deps: { quiet: Asset.ignoreVersion(users), users } })],
    [run(), move("users")],
    { status: { features: "Stale: users has changed" } }
  ],
  [
    "is asked for like any other",
    [unversioned],
    [run("users"), ask({ selection: ["features"] })],
    {
      plan: [
        "features needs tracks, which was never materialized and is not in this plan; try: assets materialize +features"
      ]
    }
  ]
])

table("an asset that only goes first", [
  ["may change without consequence", [following], [run(), move("tracks")], { status: {} }],
  ["may be gone without consequence", [following], [run(), wipe("tracks")], { status: { tracks: "Missing" } }],
  [
    "is asked for where nothing of it was ever published",
    [following],
    [run("users"), ask({ selection: ["features"] })],
    {
      plan: [
        "features needs tracks, which was never materialized and is not in this plan; try: assets materialize +features"
      ]
    }
  ],
  [
    "is waited for when it is planned, and is no reason",
    [following],
    [ask()],
    { waits: { features: "users, tracks" } }
  ],
  [
    "is one that was removed when it was read before",
    [wide],
    [run(), declare(following)],
    { status: { features: "Stale: no longer depends on tracks" } }
  ],
  [
    "is one that was added when it is read from then on",
    [following],
    [run(), declare(wide)],
    { status: { features: "Stale: now depends on tracks" } }
  ]
])
