/**
 * Projects drawn at random and what happens to them: assets that read, follow and are cut in all ways, and histories of
 * materializations, edits, moving sources, wipes and time.
 *
 * What must be true of them is said by the laws.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Asset from "../runtime/Asset.ts"
import * as Catalog from "../runtime/Catalog.ts"
import { external, observe } from "../runtime/ExternalAsset.ts"
import * as Mapping from "../runtime/Mapping.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import type { PlanError } from "../runtime/PlanError.ts"
import type { SelectionError } from "../runtime/Selection.ts"
import { asset, dailyInRanges, io, pair, Simulation, sliced } from "./Simulation.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** `halves` are those of days; products are by day and one of the others. */
const Cut = Schema.Literals([
  "whole",
  "daily",
  "unrepeatable",
  "halves",
  "weekly",
  "fixed",
  "dynamic",
  "daily_fixed",
  "daily_dynamic"
])
type Cut = typeof Cut.Type

/** What does not go with how both assets are cut gives way to what they need of each other anyhow, or to all. */
const How = Schema.Literals(["anyhow", "all", "last", "trailing", "before", "mapped", "unversioned"])
type How = typeof How.Type

/** Numbers that pick an earlier asset do so modulo how many there are; larger ones the other asset of its computation. */
const Declaration = Schema.Struct({
  reads: Schema.Array(Schema.Struct({ asset: upTo(7), how: How })).check(Schema.isMaxLength(3)),
  follows: Schema.Array(upTo(7)).check(Schema.isMaxLength(1)),
  by: Schema.Literals(["us", "us", "us", "others", "others, observed"]),
  cut: Cut,
  /** Whether its computation has another asset, too, and whether it can do one without the other. */
  together: Schema.Literals(["alone", "alone", "always", "either"]),
  /** Of days, how many a step takes at most, unless it takes them one by one. */
  most: Schema.NullOr(Schema.Literals([2, 100])),
  /** Of those that are cut by time, one in three reads its own past. */
  past: upTo(2),
  startsAfter: upTo(2),
  recheckHours: Schema.NullOr(Schema.Literals([6, 24])),
  variety: Schema.Literals([1, 2, 1000])
})
export type Declaration = typeof Declaration.Type

export const Declarations = Schema.Array(Declaration).check(Schema.isMinLength(4), Schema.isMaxLength(7))

const Request = Schema.Struct({
  selection: Schema.Array(Schema.Struct({ asset: upTo(7), up: Schema.Boolean, down: Schema.Boolean })).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(2)
  ),
  recheck: Schema.Boolean,
  force: Schema.Boolean,
  from: Schema.NullOr(upTo(4))
})
type Request = typeof Request.Type

const Change = Schema.TaggedUnion({
  SetCode: { asset: upTo(7), code: upTo(2) },
  MoveSource: { asset: upTo(7), slice: upTo(6), value: upTo(2) },
  ToggleDependency: { asset: upTo(7), read: upTo(7), how: How },
  ToggleKey: { key: Schema.Literals(["a", "b", "c"]) },
  Wipe: { asset: upTo(7), slice: upTo(6) },
  PassTime: { hours: upTo(40) }
})
type Change = typeof Change.Type

/** Something happens, and perhaps something is asked for then. */
export const Moment = Schema.Struct({ change: Change, request: Schema.NullOr(Request) })
export type Moment = typeof Moment.Type

export const History = Schema.Array(Moment).check(Schema.isMinLength(3), Schema.isMaxLength(10))

const start = Date.UTC(2026, 2, 1)
const dayAt = (index: number) => new Date(start + index * 86_400_000).toISOString().slice(0, 10)

/** What a history asked for, and the answer. */
export interface Asked {
  readonly request: Plan.Request
  readonly answer: Result.Result<Plan.Plan, PlanError | SelectionError>
}

export class RandomProject {
  readonly simulation: Simulation
  private readonly codes: Array<number>
  private readonly declarations: Array<Declaration>

  constructor(declarations: ReadonlyArray<Declaration>) {
    this.declarations = [...declarations]
    this.codes = declarations.map(() => 0)
    this.simulation = new Simulation(this.declare(), {
      now: `${dayAt(2)}T12:00:00Z`,
      variety: (key) => declarations[Number.parseInt(key.slice("asset_".length))]!.variety
    })
    for (const key of ["a", "b"]) this.simulation.addKey(keys.name, key)
  }

  /** Executing the plan is left to the caller. */
  ask(request: Plan.Request): Asked {
    const { catalog, graph, now } = this.simulation
    return { request, answer: Plan.make(graph, catalog, request, now) }
  }

  requestOf({ force, from, recheck, selection }: Request): Plan.Request {
    const expressions = selection.flatMap(({ asset, down, up }) => {
      const index = this.indexOf(asset)
      const isPair = this.declarations[index]!.together === "always" && this.simulation.graph.nodes.has(otherOf(index))
      const keys = isPair ? [`asset_${index}`, otherOf(index)] : [`asset_${index}`]
      return keys.map((key) => `${up ? "+" : ""}${key}${down ? "+" : ""}`)
    })
    const range = from === null ? {} : { from: dayAt(from) }
    return { selection: expressions, accept: [], recheck, force, ...range }
  }

  change(change: Change): void {
    const { simulation } = this
    if (change._tag === "PassTime") return simulation.pass(change.hours)
    if (change._tag === "ToggleKey") {
      const isThere = simulation.catalog.dynamic.get(keys.name)?.includes(change.key) === true
      return isThere ? simulation.removeKey(keys.name, change.key) : simulation.addKey(keys.name, change.key)
    }
    const index = this.indexOf(change.asset)
    const asset = `asset_${index}`
    switch (change._tag) {
      case "Wipe": {
        if (this.declarations[index]!.by !== "us") break
        const published = Array.from(Catalog.slices(simulation.catalog, asset).keys())
        if (published.length > 0) simulation.wipe({ asset, partition: published[change.slice % published.length]! })
        break
      }
      case "MoveSource": {
        const slices = simulation.lineage(simulation.now).keys(asset)?.all ?? [null]
        const partition = slices[change.slice % slices.length]
        if (partition !== undefined) simulation.world.set(Partition.id({ asset, partition }), change.value)
        break
      }
      case "SetCode":
        this.codes[index] = change.code
        break
      case "ToggleDependency":
        this.toggle(index, change.read, change.how)
    }
    simulation.redeclare(...this.declare())
  }

  private indexOf(number: number) {
    return number % this.declarations.length
  }

  private toggle(index: number, read: number, how: How) {
    const declaration = this.declarations[index]!
    const reads = declaration.reads.filter((other) => other.asset % index !== read % index)
    if (reads.length === declaration.reads.length) reads.push({ asset: read, how })
    this.declarations[index] = { ...declaration, reads }
  }

  private declare(): ReadonlyArray<Asset.Any> {
    const assets: Array<Asset.Any> = []
    const others: Array<Asset.Any | undefined> = []
    const starts: Array<number> = []
    for (const [index, declaration] of this.declarations.entries()) {
      const isOurs = declaration.by === "us"
      const reads = index === 0 || !isOurs ? [] : declaration.reads
      const picked = (number: number) =>
        (number >= index ? others[number % index] : undefined) ?? assets[number % index]!
      // No partition comes before those that it reads.
      const from = Math.max(declaration.startsAfter, ...reads.map((read) => starts[read.asset % index]!))
      const start = declaration.cut === "weekly" ? Math.ceil(from / 7) * 7 : from
      const partitions = cuts[declaration.cut]({ start: dayAt(start) })
      starts.push(partitions !== undefined && Partition.isTimed(partitions) ? start : 0)
      const key = `asset_${index}`
      if (!isOurs) {
        assets.push(declareExternal(key, declaration, partitions))
        others.push(undefined)
        continue
      }
      const deps: Record<string, Asset.Deps[string]> = {}
      // One way of reading another at a time.
      for (const { asset, how } of reads) deps[picked(asset).key] = reading(picked(asset), partitions, how)
      const readsOthers = Object.keys(deps).length > 0
      if (declaration.past === 0 && partitions !== undefined && Partition.isTimed(partitions)) {
        deps["past"] = Asset.previous()
      }
      const code = String(this.codes[index])
      const before = index === 0 ? [] : declaration.follows.map(picked)
      const hours = readsOthers ? null : declaration.recheckHours
      const run = (asset: Asset.Any): Asset.Any => {
        const cut: Asset.Any = declaration.cut === "unrepeatable" ? Asset.unrepeatable(asset as Sliced) : asset
        const rechecked = hours === null ? cut : cut.pipe(Asset.recheckAfter(`${hours} hours`))
        return rechecked.pipe(Asset.after(...before))
      }
      if (declaration.together !== "alone" && deps["past"] === undefined) {
        const subset = declaration.together === "either"
        const [one, other] = pair([key, otherOf(index)], { deps, code, subset, ...(partitions && { partitions }) })
        assets.push(run(one))
        others.push(run(other))
        continue
      }
      const plain =
        partitions === undefined
          ? asset(key, { deps, code })
          : declaration.cut === "daily" && declaration.most !== null && deps["past"] === undefined
            ? dailyInRanges(key, { deps, code, start: dayAt(start), most: declaration.most })
            : sliced(key, { deps, code, partitions })
      assets.push(run(plain))
      others.push(undefined)
    }
    return [...assets, ...others.filter((other) => other !== undefined)]
  }
}

/** The key of the asset that the same computation makes. */
const otherOf = (index: number) => `asset_${index}_too`

const declareExternal = (
  key: string,
  { by, recheckHours }: Declaration,
  partitions: Partition.Partitioning | undefined
): Asset.Any => {
  const declared = external(key, { io, ...(partitions && { partitions }) })
  if (by === "others") return declared
  const observed = declared.pipe(observe(() => Effect.succeed("")))
  return recheckHours === null ? observed : observed.pipe(Asset.recheckAfter(`${recheckHours} hours`))
}

type Sliced = Asset.Asset<string, any, any, any, Partition.Partitioning>
type Windowed = Asset.Asset<string, any, any, any, Partition.TimeWindows | Partition.Product>

const isSliced = (asset: Asset.Any): asset is Sliced => asset.partitions !== undefined
const isWindowed = (asset: Asset.Any): asset is Windowed =>
  asset.partitions !== undefined && Partition.isTimed(asset.partitions)

const keys = Partition.dynamic("keys")
const fixed = Partition.fixed(["a", "b"])

const cuts: Record<Cut, (span: Partition.Span) => Partition.Partitioning | undefined> = {
  whole: () => undefined,
  daily: Partition.daily,
  unrepeatable: Partition.daily,
  halves: (span) => Partition.cron({ ...span, cron: "0 */12 * * *" }),
  weekly: (span) => Partition.weekly({ ...span, weekday: "sunday" }),
  fixed: () => fixed,
  dynamic: () => keys,
  daily_fixed: (span) => Partition.product({ day: Partition.daily(span), key: fixed }),
  daily_dynamic: (span) => Partition.product({ day: Partition.daily(span), key: keys })
}

const reading = (other: Asset.Any, partitions: Partition.Partitioning | undefined, how: How): Asset.Deps[string] => {
  if (how === "unversioned") {
    return isSliced(other) && !fits(partitions, other)
      ? Asset.ignoreVersion(Asset.allPartitions(other))
      : Asset.ignoreVersion(other)
  }
  if (!isSliced(other)) return other
  if (how === "last") return Asset.lastPartition(other)
  if ((how === "trailing" || how === "before") && isWindowed(other)) {
    const windows = Asset.windows(other, { start: -1, end: how === "trailing" ? 0 : -1 })
    if (Mapping.problems(windows.mapping, partitions, other.partitions, other.key).length === 0) return windows
  }
  if (how === "mapped" && partitions !== undefined && other.partitions === keys) {
    return Asset.mappedBy(other, (key) => [key.at(-1)!, "a"])
  }
  if (how === "mapped" && partitions === fixed && other.partitions === fixed) {
    return Asset.mapped(other, { a: ["a", "b"], b: [] })
  }
  return how === "all" || !fits(partitions, other) ? Asset.allPartitions(other) : other
}

const fits = (down: Partition.Partitioning | undefined, { key, partitions }: Sliced) =>
  Mapping.problems(Mapping.between(down, partitions), down, partitions, key).length === 0
