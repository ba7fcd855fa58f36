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
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import type { PlanError } from "../runtime/PlanError.ts"
import type { SelectionError } from "../runtime/Selection.ts"
import { asset, daily, dailyInRanges, io, Simulation } from "./Simulation.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** Numbers that pick an earlier asset do so modulo how many there are. */
const Declaration = Schema.Struct({
  reads: Schema.Array(Schema.Struct({ asset: upTo(7), all: Schema.Boolean })).check(Schema.isMaxLength(3)),
  follows: Schema.Array(upTo(7)).check(Schema.isMaxLength(1)),
  by: Schema.Literals(["us", "us", "us", "others", "others, observed"]),
  cut: Schema.Literals(["whole", "daily", "unrepeatable"]),
  /** Of days, how many a step takes at most, unless it takes them one by one. */
  most: Schema.NullOr(Schema.Literals([2, 100])),
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
  MoveSource: { asset: upTo(7), day: upTo(6), value: upTo(2) },
  ToggleDependency: { asset: upTo(7), read: upTo(7) },
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
      variety: (key) => declarations[Number(key.slice("asset_".length))]!.variety
    })
  }

  /** Executing the plan is left to the caller. */
  ask(request: Plan.Request): Asked {
    const { catalog, graph, now } = this.simulation
    return { request, answer: Plan.make(graph, catalog, request, now) }
  }

  requestOf({ force, from, recheck, selection }: Request): Plan.Request {
    const expressions = selection.map(
      ({ asset, down, up }) => `${up ? "+" : ""}asset_${this.indexOf(asset)}${down ? "+" : ""}`
    )
    const range = from === null ? {} : { from: dayAt(from) }
    return { selection: expressions, accept: [], recheck, force, ...range }
  }

  change(change: Change): void {
    const { simulation } = this
    if (change._tag === "PassTime") return simulation.pass(change.hours)
    const index = this.indexOf(change.asset)
    const asset = `asset_${index}`
    switch (change._tag) {
      case "Wipe": {
        if (this.declarations[index]!.by !== "us") break
        const published = Array.from(Catalog.slices(simulation.catalog, asset).keys())
        if (published.length > 0) simulation.wipe({ asset, partition: published[change.slice % published.length]! })
        break
      }
      case "MoveSource":
        for (const partition of [null, dayAt(change.day)]) {
          simulation.world.set(Partition.id({ asset, partition }), change.value)
        }
        break
      case "SetCode":
        this.codes[index] = change.code
        break
      case "ToggleDependency":
        this.toggle(index, change.read)
    }
    simulation.redeclare(...this.declare())
  }

  private indexOf(number: number) {
    return number % this.declarations.length
  }

  private toggle(index: number, read: number) {
    const declaration = this.declarations[index]!
    const reads = declaration.reads.filter((other) => other.asset % index !== read % index)
    if (reads.length === declaration.reads.length) reads.push({ asset: read, all: false })
    this.declarations[index] = { ...declaration, reads }
  }

  private declare(): ReadonlyArray<Asset.Any> {
    const assets: Array<Asset.Any> = []
    const starts: Array<number> = []
    for (const [index, declaration] of this.declarations.entries()) {
      if (declaration.by !== "us") {
        starts.push(declaration.startsAfter)
        assets.push(this.declareExternal(`asset_${index}`, declaration))
        continue
      }
      const deps: Record<string, Asset.Any | Asset.AllPartitions<DailyAsset>> = {}
      let from = declaration.startsAfter
      for (const read of index === 0 ? [] : declaration.reads) {
        const other = assets[read.asset % index]!
        // One way of reading it at a time.
        deps[other.key] = isDaily(other) && read.all ? Asset.allPartitions(other) : other
        if (isDaily(other)) from = Math.max(from, starts[read.asset % index]!)
      }
      starts.push(from)
      const options = { deps, code: String(this.codes[index]), start: dayAt(from) }
      const key = `asset_${index}`
      const before = index === 0 ? [] : declaration.follows.map((other) => assets[other % index]!)
      const plain: Asset.Any =
        declaration.cut === "whole"
          ? asset(key, options)
          : declaration.cut === "daily"
            ? declaration.most === null
              ? daily(key, options)
              : dailyInRanges(key, { ...options, most: declaration.most })
            : daily(key, options).pipe(Asset.unrepeatable)
      const hours = Object.keys(deps).length === 0 ? declaration.recheckHours : null
      const rechecked = hours === null ? plain : plain.pipe(Asset.recheckAfter(`${hours} hours`))
      assets.push(rechecked.pipe(Asset.after(...before)))
    }
    return assets
  }

  private declareExternal(key: string, { by, cut, recheckHours, startsAfter }: Declaration): Asset.Any {
    const partitions = cut === "whole" ? {} : { partitions: Partition.daily({ start: dayAt(startsAfter) }) }
    const declared = external(key, { io, ...partitions })
    if (by === "others") return declared
    const observed = declared.pipe(observe(() => Effect.succeed("")))
    return recheckHours === null ? observed : observed.pipe(Asset.recheckAfter(`${recheckHours} hours`))
  }
}

type DailyAsset = Asset.Asset<string, any, any, any, Partition.Partitioning>

const isDaily = (asset: Asset.Any): asset is DailyAsset => asset.partitions !== undefined
