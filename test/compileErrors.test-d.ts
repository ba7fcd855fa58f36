/**
 * What the compiler refuses: every `@ts-expect-error` is a mistake that must not reach a run. Compiled, never executed.
 */
import {
  Asset,
  AssetCheck,
  Blob,
  Definitions,
  Metadata,
  MultiAsset,
  Partition,
  Table,
  TableCheck,
  Version
} from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Json from "../runtime/Json.ts"

class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}
class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}
class Api extends Context.Service<Api, { readonly names: Effect.Effect<ReadonlyArray<string>, Busy> }>()("test/Api") {}

const User = Schema.Struct({ id: Schema.Int, name: Schema.String })
const Play = Schema.Struct({ day: Table.Day, user_id: Schema.Int })

const table = { codeVersion: "1", io: Table.make({ schema: User, key: ["id"] }) }
const json = { codeVersion: "1", io: Json.make({ schema: Schema.Int }) }
const blob = { codeVersion: "1", io: Blob.make({ manifest: Schema.Struct({ seed: Schema.Int }) }) }

const users = Asset.make("users", {
  ...table,
  materialize: () =>
    Effect.gen(function* () {
      const names = yield* (yield* Api).names
      return names.map((name, id) => ({ id, name }))
    })
})
const plays = Asset.make("plays", {
  codeVersion: "1",
  partitions: Partition.daily({ start: "2026-01-01" }),
  io: Table.make({ schema: Play, key: ["day", "user_id"], partition: "day" }),
  deps: { users },
  materialize: (_, step) => Stream.make({ day: step.partition, user_id: 1 })
})
const daily = Asset.make("daily", {
  ...json,
  partitions: Partition.daily({ start: "2026-01-01" }),
  materialize: () => Effect.succeed(1)
})
const count = Asset.make("count", { ...json, deps: { users }, materialize: ({ users }) => users.count })

// -----------------------------------------------------------------------------
// what somebody else computes
// -----------------------------------------------------------------------------

const stock = Asset.external("stock").pipe(
  Asset.observe(() =>
    Effect.flatMap(
      Effect.flatMap(Api, ({ names }) => names),
      ([name]) => Effect.succeed(name ?? "")
    )
  )
)
stock.pipe(Asset.retry({ times: 1, schedule: Schedule.recurs(1), while: ({ _tag }: Busy) => _tag === "Busy" }))
// @ts-expect-error an error that looking does not fail with
stock.pipe(Asset.retry({ times: 1, schedule: Schedule.recurs(1), while: ({ _tag }: Broken) => _tag === "Broken" }))
// @ts-expect-error a version that is no text
Asset.external("stock").pipe(Asset.observe(() => Effect.succeed(1)))
// @ts-expect-error an observation of what is computed
users.pipe(Asset.observe(() => Effect.succeed("1")))
// @ts-expect-error a partition of an asset that has none
Asset.external("stock").pipe(Asset.observe(({ partition }) => Effect.succeed(partition)))
Asset.make("a", { ...json, deps: { stock }, materialize: ({ stock }) => Effect.succeed(stock.version.length) })

// -----------------------------------------------------------------------------
// what weighs its own value
// -----------------------------------------------------------------------------

Asset.make("a", {
  ...json,
  deps: { own: Asset.itself() },
  materialize: ({ own }) => Effect.succeed(own === undefined ? 0 : own + 1)
})
// @ts-expect-error there may be none yet
Asset.make("a", { ...json, deps: { own: Asset.itself() }, materialize: ({ own }) => Effect.succeed(own + 1) })
// @ts-expect-error a handle of a kind that it was not declared with
Asset.make("a", { ...json, deps: { stock }, materialize: ({ stock }) => stock.count })
// @ts-expect-error a service that looking needs and nothing provides
Definitions.make({ assets: [stock], resources: Layer.empty }) satisfies Definitions.Definitions<any, Api>

// -----------------------------------------------------------------------------
// what takes many partitions at once
// -----------------------------------------------------------------------------

const inRanges = { ...json, partitions: Asset.ranges(Partition.daily({ start: "2026-01-01" })) }
const ranged = Asset.make("ranged", {
  ...inRanges,
  deps: { daily, count },
  materialize: ({ count, daily }, { partitions }) =>
    Effect.succeed(Object.fromEntries(partitions.map((day) => [day, count + (daily.get(day) ?? 0)])))
})
const two = (value: number) => Effect.succeed({ "2026-01-01": value })
// @ts-expect-error a body that is written for one partition
Asset.make("a", { ...inRanges, materialize: () => Effect.succeed(1) })
// @ts-expect-error one value of a dependency, where there is one for each partition
Asset.make("a", { ...inRanges, deps: { daily }, materialize: ({ daily }) => two(daily) })
// @ts-expect-error partitions of a body that is asked for one
Asset.make("a", { ...json, partitions: daily.partitions, materialize: (_, step) => two(step.partitions.length) })
const passes = (value: number) => Effect.succeed(value > 0 ? AssetCheck.pass() : AssetCheck.fail(""))
ranged.pipe(Asset.check("ok", { run: (value) => passes(value) }))
// @ts-expect-error a check of all values, which are judged one by one
ranged.pipe(Asset.check("ok", { run: (values) => passes(values.size) }))
const bytes = Effect.succeed({ bytes: new Uint8Array(), manifest: { seed: 1 } })
// @ts-expect-error a kind that is staged slice by slice
Asset.make("a", { ...blob, partitions: inRanges.partitions, materialize: () => bytes })
// To those who read it a range is no different.
Asset.make("a", {
  ...json,
  partitions: ranged.partitions,
  deps: { ranged },
  materialize: ({ ranged }) => Effect.succeed(ranged + 1)
})

// -----------------------------------------------------------------------------
// what a body returns
// -----------------------------------------------------------------------------

// @ts-expect-error a column of another type
Asset.make("a", { ...table, materialize: () => Effect.succeed([{ id: "1", name: "Ada" }]) })
// @ts-expect-error a column that is missing
Asset.make("a", { ...table, materialize: () => Effect.succeed([{ id: 1 }]) })
// @ts-expect-error a stream of rows with a column of another type
Asset.make("a", { ...table, materialize: () => Stream.make({ id: "1", name: "Ada" }) })
// @ts-expect-error a row, where rows are due
Asset.make("a", { ...table, materialize: () => Effect.succeed({ id: 1, name: "Ada" }) })
// @ts-expect-error a value of another type
Asset.make("a", { ...json, materialize: () => Effect.succeed("1") })
// @ts-expect-error a stream, of a kind that has no elements
Asset.make("a", { ...json, materialize: () => Stream.make(1) })
// @ts-expect-error a query, of a kind that is no table
Asset.make("a", { ...json, materialize: () => Effect.succeed(Table.query("select 1")) })
// @ts-expect-error a manifest of another type
Asset.make("a", { ...blob, materialize: () => Effect.succeed({ bytes: new Uint8Array(), manifest: { seed: "1" } }) })
// @ts-expect-error bytes that are none
Asset.make("a", { ...blob, materialize: () => Effect.succeed({ bytes: "none", manifest: { seed: 1 } }) })
// @ts-expect-error a value, where an effect is due
Asset.make("a", { ...json, materialize: () => 1 })

// -----------------------------------------------------------------------------
// what a body reads
// -----------------------------------------------------------------------------

// @ts-expect-error what is no dependency
Asset.make("a", { ...json, deps: { users }, materialize: ({ tracks }) => Effect.succeed(tracks) })
// @ts-expect-error a table taken for its rows
Asset.make("a", { ...json, deps: { users }, materialize: ({ users }) => Effect.succeed(users.length) })
Asset.make("a", {
  ...json,
  deps: { users },
  materialize: ({ users }) =>
    Stream.runFold(
      users.rows,
      () => 0,
      // @ts-expect-error a column that the rows do not have
      (sum, user) => sum + user.age
    )
})
// @ts-expect-error another handle than the kind gives
Asset.make("a", { ...json, deps: { count }, materialize: ({ count }) => count.count })

// -----------------------------------------------------------------------------
// partitions
// -----------------------------------------------------------------------------

// @ts-expect-error all partitions of an asset that has none
Asset.make("a", { ...json, deps: { users: Asset.allPartitions(users) }, materialize: () => Effect.succeed(1) })
// @ts-expect-error all partitions taken for one
Asset.make("a", { ...json, deps: { daily }, materialize: ({ daily }) => Effect.succeed(daily + 1) })
Asset.make("a", {
  ...json,
  partitions: Partition.daily({ start: "2026-01-01" }),
  deps: { daily },
  // @ts-expect-error the partition of one's own key taken for all
  materialize: ({ daily }) => Effect.succeed(daily.size)
})
// @ts-expect-error the partition of an asset that has none
Asset.make("a", { ...json, materialize: (_, step) => Effect.succeed(step.partition.length) })
// @ts-expect-error partitions that can be repeated or not, of an asset that has none
users.pipe(Asset.unrepeatable)

Asset.make("a", {
  ...json,
  deps: { daily: Asset.ignoreVersion(daily) },
  // @ts-expect-error all partitions taken for one, whether they are followed or not
  materialize: (i) => Effect.succeed(i.daily + 1)
})
// @ts-expect-error a dependency that is none, not followed
Asset.make("a", { ...json, deps: { users: Asset.ignoreVersion("users") }, materialize: () => Effect.succeed(1) })
const aside = Asset.make("aside", {
  ...json,
  deps: { count: Asset.ignoreVersion(count), daily: Asset.ignoreVersion(Asset.allPartitions(daily)) },
  materialize: ({ count, daily }) => Effect.succeed(count + daily.size)
})
const cutBy = <const P extends Partition.Partitioning>(partitions: P) => ({ ...json, partitions })
const day = Partition.daily({ start: "2026-01-01" })
const zone = Partition.fixed(["eu", "us"])
const [byDay, byHour, byZone, byCustomer, byBoth] = [
  Asset.make("by_day", { ...cutBy(day), materialize: () => Effect.succeed(1) }),
  Asset.make("by_hour", { ...cutBy(Partition.hourly({ start: "2026-01-01" })), materialize: () => Effect.succeed(1) }),
  Asset.make("by_zone", { ...cutBy(zone), materialize: () => Effect.succeed(1) }),
  Asset.make("by_customer", { ...cutBy(Partition.dynamic("customers")), materialize: () => Effect.succeed(1) }),
  Asset.make("by_both", { ...cutBy(Partition.product({ day, zone })), materialize: () => Effect.succeed(1) })
] as const
const one = (value: number) => Effect.succeed(value)
const several = (values: { readonly size: number }) => Effect.succeed(values.size)

// What fits by itself.
Asset.make("a", { ...cutBy(day), deps: { byDay, users }, materialize: ({ byDay }) => one(byDay) })
Asset.make("a", { ...cutBy(day), deps: { byHour }, materialize: ({ byHour }) => several(byHour) })
Asset.make("a", { ...cutBy(day), deps: { byBoth }, materialize: ({ byBoth }) => several(byBoth) })
Asset.make("a", {
  ...cutBy(byBoth.partitions),
  deps: { byBoth, byZone },
  materialize: ({ byBoth, byZone }) => one(byBoth + byZone)
})
Asset.make("a", { ...cutBy(Partition.fixed(["us"])), deps: { byZone }, materialize: ({ byZone }) => one(byZone) })
Asset.make("a", { ...json, deps: { byBoth }, materialize: ({ byBoth }) => several(byBoth) })

// @ts-expect-error fixed keys of an asset cut by dynamic ones
Asset.make("a", { ...cutBy(Partition.dynamic("customers")), deps: { byZone }, materialize: () => Effect.succeed(1) })
const bySupplier = cutBy(Partition.dynamic("suppliers"))
// @ts-expect-error dynamic keys of another set
Asset.make("a", { ...bySupplier, deps: { byCustomer }, materialize: () => Effect.succeed(1) })
// @ts-expect-error fixed keys by day
Asset.make("a", { ...cutBy(day), deps: { byZone }, materialize: () => Effect.succeed(1) })
// @ts-expect-error a key that the dependency does not have
Asset.make("a", { ...cutBy(Partition.fixed(["eu", "as"])), deps: { byZone }, materialize: () => Effect.succeed(1) })
// @ts-expect-error a product without a dimension like it
Asset.make("a", { ...cutBy(Partition.product({ zone })), deps: { byDay }, materialize: () => Effect.succeed(1) })
// @ts-expect-error a product of other dimensions
Asset.make("a", { ...cutBy(Partition.product({ zone })), deps: { byBoth }, materialize: () => Effect.succeed(1) })
// @ts-expect-error the hours of a day taken for one
Asset.make("a", { ...cutBy(day), deps: { byHour }, materialize: ({ byHour }) => one(byHour) })

// What is said.
const [week, last] = [Asset.windows(byDay, { start: -6 }), Asset.lastPartition(byZone)]
Asset.make("a", { ...cutBy(day), deps: { week, last }, materialize: ({ last, week }) => one(last + week.size) })
Asset.make("a", {
  ...cutBy(zone),
  deps: { byCustomer: Asset.mapped(byCustomer, { eu: ["acme"], us: [] }) },
  materialize: ({ byCustomer }) => several(byCustomer)
})
Asset.make("a", {
  ...cutBy(Partition.product({ zone, size: Partition.fixed(["s", "l"]) })),
  deps: { byBoth: Asset.dimension(byBoth, "zone"), byZone: Asset.dimension(byZone, "zone") },
  materialize: ({ byBoth, byZone }) => one(byBoth.size + byZone)
})
Asset.make("a", {
  ...cutBy(zone),
  deps: { byDay: Asset.mappedBy(byDay, (zone: "eu" | "us") => [`2026-01-0${zone.length}`]) },
  materialize: ({ byDay }) => several(byDay)
})
Asset.make("a", {
  ...cutBy(day),
  deps: { yesterday: Asset.previous() },
  materialize: ({ yesterday }) => one((yesterday ?? 0) + 1)
})

const byHourAndZone = Asset.make("by_hour_and_zone", {
  ...cutBy(Partition.product({ hour: Partition.hourly({ start: "2026-01-01" }), zone })),
  materialize: () => Effect.succeed(1)
})
Asset.make("a", {
  ...cutBy(byBoth.partitions),
  deps: { byHourAndZone, byHour },
  materialize: ({ byHour, byHourAndZone }) => one(byHourAndZone.size + byHour.size)
})
Asset.make("a", { ...cutBy(day), deps: { byHourAndZone }, materialize: (read) => several(read.byHourAndZone) })
const [hoursOfZone, daysOfZone] = [Asset.windows(byHourAndZone), Asset.windows(byBoth, { start: -1 })]
Asset.make("a", {
  ...cutBy(byBoth.partitions),
  deps: { hoursOfZone, daysOfZone, week },
  materialize: ({ daysOfZone, hoursOfZone, week }) => one(daysOfZone.size + hoursOfZone.size + week.size)
})
Asset.make("a", { ...cutBy(day), deps: { daysOfZone }, materialize: ({ daysOfZone }) => several(daysOfZone) })

const byHourAndCustomer = Partition.product({ hour: byHour.partitions, customer: byCustomer.partitions })
// @ts-expect-error windows of another grain, of other dimensions besides
Asset.make("a", { ...cutBy(byHourAndCustomer), deps: { byBoth }, materialize: () => Effect.succeed(1) })
// @ts-expect-error windows of a product, for what has no time
Asset.make("a", { ...cutBy(Partition.product({ zone })), deps: { daysOfZone }, materialize: () => Effect.succeed(1) })
const zonesOfDays = Asset.windows(Asset.make("a", { ...cutBy(Partition.product({ zone })), materialize: () => one(1) }))
// @ts-expect-error windows of a product without time
Asset.make("a", { ...cutBy(day), deps: { zonesOfDays }, materialize: () => Effect.succeed(1) })
const otherZones = Partition.product({ day, zone: Partition.fixed(["eu", "as"]) })
// @ts-expect-error windows of a product of other keys
Asset.make("a", { ...cutBy(otherZones), deps: { daysOfZone }, materialize: () => Effect.succeed(1) })
// @ts-expect-error windows of fixed keys
Asset.windows(byZone, { start: -6 })
// @ts-expect-error windows for fixed keys
Asset.make("a", { ...cutBy(zone), deps: { week }, materialize: () => Effect.succeed(1) })
// @ts-expect-error the last partition of an asset that has none
Asset.lastPartition(users)
// @ts-expect-error the last partition taken for several
Asset.make("a", { ...json, deps: { last }, materialize: ({ last }) => several(last) })
// @ts-expect-error a key that is none
Asset.mapped(byZone, { acme: ["eu", "as"] })
const someZones = Asset.mapped(byCustomer, { eu: ["acme"] })
// @ts-expect-error a key of which nothing is said
Asset.make("a", { ...cutBy(zone), deps: { someZones }, materialize: () => Effect.succeed(1) })
// @ts-expect-error a dimension that is not there
Asset.dimension(byBoth, "customer")
const sameZone = Asset.dimension(byBoth, "zone")
// @ts-expect-error a dimension that the reader does not have
Asset.make("a", { ...cutBy(day), deps: { sameZone }, materialize: () => Effect.succeed(1) })
// @ts-expect-error a function that names keys that are none
Asset.mappedBy(byZone, () => ["as"])
// @ts-expect-error the one before, which there may not be
Asset.make("a", { ...cutBy(day), deps: { before: Asset.previous() }, materialize: ({ before }) => one(before + 1) })
// @ts-expect-error the one before, of what is no time
Asset.make("a", { ...cutBy(zone), deps: { before: Asset.previous() }, materialize: () => Effect.succeed(1) })

// What a body knows of its own partition.
const [eu, s] = ["eu", "s"] as const
Asset.make("a", { ...cutBy(zone), materialize: (_, { partition }) => Effect.succeed(partition === eu ? 1 : 0) })
// @ts-expect-error a key that never is
Asset.make("a", { ...cutBy(zone), materialize: (_, { partition }) => Effect.succeed(partition === s ? 1 : 0) })
Asset.make("a", {
  ...cutBy(byBoth.partitions),
  materialize: (_, { keys }) => one(keys.day.length + Number(keys.zone === eu))
})
// @ts-expect-error a dimension that is none
Asset.make("a", { ...cutBy(byBoth.partitions), materialize: (_, { keys }) => one(keys.size) })
// @ts-expect-error a key that a dimension does not have
Asset.make("a", { ...cutBy(byBoth.partitions), materialize: (_, { keys }) => one(Number(keys.zone === s)) })

// -----------------------------------------------------------------------------
// several assets from one computation
// -----------------------------------------------------------------------------

const outputs = { total: MultiAsset.output("total", json), names: MultiAsset.output("names", table) }
const both = { codeVersion: "1", outputs }

const { total } = MultiAsset.make({
  ...both,
  deps: { users },
  materialize: ({ users }, step) =>
    users.count.pipe(Effect.map((total) => ({ total: step.outputs.has("total") ? total : 0, names: [] })))
})
Asset.make("a", { ...json, deps: { total }, materialize: ({ total }) => Effect.succeed(total + 1) })
// @ts-expect-error an output that is missing
MultiAsset.make({ ...both, materialize: () => Effect.succeed({ total: 1 }) })
// @ts-expect-error an output of another type
MultiAsset.make({ ...both, materialize: () => Effect.succeed({ total: 1, names: [{ id: "1", name: "Ada" }] }) })
// @ts-expect-error an output of another type, among some
MultiAsset.make({ ...both, subset: true, materialize: () => Effect.succeed({ total: "1", names: [] }) })
MultiAsset.make({ ...both, subset: true, materialize: () => Effect.succeed({ total: 1 }) })
MultiAsset.make({
  ...both,
  // @ts-expect-error an output that was not declared
  materialize: (_, step) => Effect.succeed({ total: step.outputs.has("sum") ? 1 : 2, names: [] })
})
MultiAsset.make({
  ...both,
  // @ts-expect-error an earlier partition of several assets
  deps: { before: Asset.previous() },
  materialize: () => Effect.succeed({ total: 1, names: [] })
})
// @ts-expect-error an output that the computation does not have
void MultiAsset.make({ ...both, materialize: () => Effect.succeed({ total: 1, names: [] }) }).sum
const busy = MultiAsset.make({ ...both, materialize: () => new Busy() }).total
// @ts-expect-error a policy for an error that the computation does not have
busy.pipe(Asset.retry({ times: 1, schedule: Schedule.recurs(1), while: (error: Broken) => error._tag === "Broken" }))

// -----------------------------------------------------------------------------
// how an asset is run
// -----------------------------------------------------------------------------

const policy = { times: 1, schedule: Schedule.recurs(1) }
users.pipe(Asset.retry({ ...policy, while: (error: Busy) => error._tag === "Busy" }))
// @ts-expect-error a policy for an error that the body does not have
users.pipe(Asset.retry({ ...policy, while: (error: Broken) => error._tag === "Broken" }))
// @ts-expect-error a policy that looks for what is not in the error
users.pipe(Asset.retry({ ...policy, while: (error: Busy) => error.status === 429 }))
const quiet = Asset.make("quiet", { ...json, materialize: (_, step) => step.nothingNew })
// Having nothing new is no error.
const noError: never = null! as Asset.Error<typeof quiet>
void noError
const something = AssetCheck.pass()
// @ts-expect-error a check of something that the value does not have
users.pipe(Asset.check("a", { run: ({ length }) => Effect.succeed(length > 0 ? something : something) }))
// @ts-expect-error a check for values of another kind
users.pipe(Asset.check("a", { run: (count: number) => Effect.succeed(AssetCheck.pass({ count })) }))
// @ts-expect-error a check that says yes or no
users.pipe(Asset.check("a", { run: () => Effect.succeed(true) }))
count.pipe(Asset.cutoff((old, next) => Math.abs(old - next) < 10))
users.pipe(Asset.cutoff((old, next) => Effect.zipWith(old.count, next.count, (old, next) => old === next)))
// @ts-expect-error a comparison of another kind of value
count.pipe(Asset.cutoff((old: string, next: string) => old === next))
// @ts-expect-error a comparison that says how much
count.pipe(Asset.cutoff((old, next) => old - next))
const byName = Version.custom((name: string) => Effect.succeed(name))
// @ts-expect-error a version of another kind of value
Asset.make("a", { ...json, version: byName, materialize: () => Effect.succeed(1) })

// -----------------------------------------------------------------------------
// checks
// -----------------------------------------------------------------------------

const Visit = Schema.Struct({
  day: Table.Day,
  id: Schema.Int,
  user_id: Schema.NullOr(Schema.Int),
  page: Schema.optionalKey(Schema.String),
  at: Schema.Date
})
const visits = Asset.make("visits", {
  codeVersion: "1",
  partitions: Partition.daily({ start: "2026-01-01" }),
  io: Table.make({ schema: Visit, key: ["day", "id"], partition: "day" }),
  materialize: () => Effect.succeed([])
})

visits.pipe(
  Asset.check("a", TableCheck.notNull("user_id")),
  Asset.check("b", TableCheck.notNull("page")),
  Asset.check("c", { blocking: true, ...TableCheck.unique("id", "day") }),
  Asset.check("d", TableCheck.oneOf("page", ["home", "shop"])),
  Asset.check("e", TableCheck.within("at", { min: new Date(0) })),
  Asset.check("f", TableCheck.within("user_id", { min: 1, max: 9 })),
  Asset.check("g", TableCheck.references({ column: "user_id", to: users, key: "id" })),
  Asset.check("h", TableCheck.fresh("day", "2 days")),
  Asset.check("i", { over: "whole", ...TableCheck.rowCount({ min: 1 }) }),
  Asset.check("j", TableCheck.usualForWeekday()),
  Asset.check("k", TableCheck.sameColumns())
)
// @ts-expect-error a column that is not there
visits.pipe(Asset.check("a", TableCheck.notNull("email")))
// @ts-expect-error a column that cannot be null
visits.pipe(Asset.check("a", TableCheck.notNull("id")))
// @ts-expect-error columns of which one is not there
visits.pipe(Asset.check("a", TableCheck.unique("id", "email")))
// @ts-expect-error no column
TableCheck.unique()
// @ts-expect-error values of a column that is not there
visits.pipe(Asset.check("a", TableCheck.oneOf("email", ["home"])))
// @ts-expect-error values of another type than the column's
visits.pipe(Asset.check("a", TableCheck.oneOf("id", ["home"])))
// @ts-expect-error bounds of a column that is not there
visits.pipe(Asset.check("a", TableCheck.within("age", { min: 1 })))
// @ts-expect-error bounds of another type than the column's
visits.pipe(Asset.check("a", TableCheck.within("at", { min: 1 })))
// @ts-expect-error a reference from a column that is not there
visits.pipe(Asset.check("a", TableCheck.references({ column: "track_id", to: users, key: "id" })))
// @ts-expect-error a reference to a column that is not there
visits.pipe(Asset.check("a", TableCheck.references({ column: "user_id", to: users, key: "email" })))
// @ts-expect-error a reference to a column of another type
visits.pipe(Asset.check("a", TableCheck.references({ column: "user_id", to: users, key: "name" })))
// @ts-expect-error a reference to what is no table
visits.pipe(Asset.check("a", TableCheck.references({ column: "user_id", to: daily, key: "id" })))
// @ts-expect-error the age of what is no moment
visits.pipe(Asset.check("a", TableCheck.fresh("id", "2 days")))
// @ts-expect-error a check of tables, of what is none
daily.pipe(Asset.check("a", TableCheck.unique("id")))
// @ts-expect-error what a check does not read
visits.pipe(Asset.check("a", { reads: { users }, run: (_, { tracks }) => Effect.as(tracks.count, AssetCheck.pass()) }))
// @ts-expect-error what it reads, taken for its rows
visits.pipe(Asset.check("a", { reads: { users }, run: (_, { users }) => Effect.as(users.length, AssetCheck.pass()) }))
// @ts-expect-error neither a slice nor the whole
visits.pipe(Asset.check("a", { over: "all", run: () => Effect.succeed(AssetCheck.pass()) }))
// @ts-expect-error metadata of another type
AssetCheck.pass({ rows: Metadata.int("5") })
// @ts-expect-error metadata that is no JSON
AssetCheck.pass({ at: new Date(0) })

// -----------------------------------------------------------------------------
// tables
// -----------------------------------------------------------------------------

// @ts-expect-error a key of a column that is not there
Table.make({ schema: User, key: ["email"] })
// @ts-expect-error a key of no column
Table.make({ schema: User, key: [] })
// @ts-expect-error an index of a column that is not there
Table.make({ schema: User, key: ["id"], indexes: [["email"]] })
// @ts-expect-error partitions in a column that is not there
Table.make({ schema: User, key: ["id"], partition: "day" })
// @ts-expect-error a key of a column that is not there, of a merged table
Table.merge({ schema: User, key: ["email"] })

// -----------------------------------------------------------------------------
// resources
// -----------------------------------------------------------------------------

const api = Layer.succeed(Api, { names: Effect.succeed(["Ada"]) })
const runInMemory = <A, E>(effect: Effect.Effect<A, E, Layer.Success<typeof Testing.layerMemory>>) => effect

runInMemory(Testing.pipeline(Definitions.make({ assets: [users], resources: api })).materialize())
// @ts-expect-error the service of a body, not provided
runInMemory(Testing.pipeline(Definitions.make({ assets: [users] })).materialize())
// @ts-expect-error that of an asset further up
runInMemory(Testing.pipeline(Definitions.make({ assets: [count] })).materialize())
const afterUsers = Asset.make("a", { ...json, materialize: () => Effect.succeed(1) }).pipe(Asset.after(users))
// @ts-expect-error that of an asset whose version does not count
runInMemory(Testing.pipeline(Definitions.make({ assets: [aside] })).materialize())
// @ts-expect-error that of a computation of several
runInMemory(Testing.pipeline(Definitions.make({ assets: [total] })).materialize())
// @ts-expect-error that of an asset that only goes first
runInMemory(Testing.pipeline(Definitions.make({ assets: [afterUsers] })).materialize())
const named = daily.pipe(Asset.check("a", { run: () => Effect.as(Effect.service(Api), AssetCheck.pass()) }))
// @ts-expect-error that of a check
runInMemory(Testing.pipeline(Definitions.make({ assets: [named] })).materialize())
const asking = visits.pipe(Asset.check("a", { reads: { users }, run: () => Effect.succeed(AssetCheck.pass()) }))
// @ts-expect-error that of an asset that a check reads
runInMemory(Testing.pipeline(Definitions.make({ assets: [asking] })).materialize())
const queried = visits.pipe(
  Asset.check(
    "a",
    TableCheck.noRows(({ table }, sql) => sql`select from ${table}`)
  )
)
// @ts-expect-error SQL of a check, in memory
runInMemory(Testing.pipeline(Definitions.make({ assets: [queried] })).materialize())
const closed = Layer.effect(
  Api,
  Effect.map(SqlClient.SqlClient, () => ({ names: Effect.succeed([]) }))
)
// @ts-expect-error that of a resource
runInMemory(Testing.pipeline(Definitions.make({ assets: [users], resources: closed })).materialize())
const counted = Asset.make("a", { ...json, materialize: () => Effect.as(Effect.service(SqlClient.SqlClient), 1) })
// @ts-expect-error SQL, in memory
runInMemory(Testing.pipeline(Definitions.make({ assets: [counted] })).materialize())

// -----------------------------------------------------------------------------
// what a test puts in place, and asks
// -----------------------------------------------------------------------------

const pipeline = Testing.pipeline(Definitions.make({ assets: [count, plays] }))
const stranger = Asset.make("stranger", { ...json, materialize: () => Effect.succeed(1) })

runInMemory(pipeline.pipe(Testing.given(users, [{ id: 1, name: "Ada" }])).materialize())
runInMemory(pipeline.pipe(Testing.resources(api)).materialize())
runInMemory(pipeline.pipe(Testing.override(users, () => Stream.make({ id: 1, name: "Ada" }))).materialize())
// @ts-expect-error resources that do not have what is needed
runInMemory(pipeline.pipe(Testing.resources(Layer.empty)).materialize())
// @ts-expect-error a body that needs what is not provided
runInMemory(pipeline.pipe(Testing.override(users, () => Effect.as(Effect.service(Api), []))).materialize())
// @ts-expect-error rows of another type
pipeline.pipe(Testing.given(users, [{ id: "1", name: "Ada" }]))
// @ts-expect-error an effect of another type
pipeline.pipe(Testing.override(count, () => Effect.succeed("1")))
// @ts-expect-error a stream of another type
pipeline.pipe(Testing.override(users, () => Stream.make({ id: "1", name: "Ada" })))
// @ts-expect-error an asset that is not in the pipeline
pipeline.pipe(Testing.given(stranger, 1))
// @ts-expect-error the value of one
void pipeline.value(stranger)
// @ts-expect-error rows of what is no table
void pipeline.rows(count)
// @ts-expect-error a partition of an asset that has none
void pipeline.value(count, "2026-01-01")
