import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions, Partition } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Json from "../runtime/Json.ts"

const text = { codeVersion: "1", io: Json.make({ schema: Schema.String }) }
const days = Partition.daily({ start: "2026-03-28", timezone: "Europe/Berlin" })
const regions = Partition.fixed(["eu", "us"])

/** A source whose partitions have their key as value. */
const keyed = <const K extends string, const P extends Partition.Partitioning>(key: K, partitions: P) =>
  Asset.make(key, { ...text, partitions, materialize: (_, step) => Effect.succeed(String(step.partition)) })

const day = keyed("day", days)
const hour = keyed("hour", Partition.hourly({ start: "2026-03-28", timezone: "Europe/Berlin" }))
const region = keyed("region", regions)
const country = keyed("country", Partition.fixed(["at", "de", "us"]))
const both = keyed("both", Partition.product({ day: days, region: regions }))

const joined = (handles: ReadonlyMap<string, string>) => Effect.succeed(Array.from(handles.values()).join(" "))

const tenOClock = TestClock.setTime(Date.parse("2026-03-30T10:00Z"))
const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.provide(Effect.andThen(tenOClock, test), Testing.layerMemory)

const daily = { ...text, partitions: days }

describe("a body is given", () => {
  it.effect("the hours of its day, of which one was left out", () => {
    const asset = Asset.make("hours", {
      ...text,
      partitions: Partition.daily({ start: "2026-03-28", timezone: "Europe/Berlin", end: "2026-03-30" }),
      deps: { hour },
      materialize: ({ hour }) => Effect.succeed(`${hour.size} from ${Array.from(hour.keys())[0]}`)
    })
    const pipeline = Testing.pipeline(Definitions.make({ assets: [asset] }))
    return Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.deepStrictEqual(Object.fromEntries(yield* pipeline.value(asset)), {
        "2026-03-28": "24 from 2026-03-28T00:00+01:00",
        "2026-03-29": "23 from 2026-03-29T00:00+01:00"
      })
    }).pipe(inMemory)
  })

  it.effect("the windows it asks for, as far back as there are any", () => {
    const asset = Asset.make("trailing", {
      ...daily,
      deps: { days: Asset.windows(day, { start: -1 }) },
      materialize: ({ days }) => joined(days)
    })
    const pipeline = Testing.pipeline(Definitions.make({ assets: [asset] }))
    return Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.deepStrictEqual(Object.fromEntries(yield* pipeline.value(asset)), {
        "2026-03-28": "2026-03-28",
        "2026-03-29": "2026-03-28 2026-03-29",
        "2026-03-30": "2026-03-29 2026-03-30"
      })
    }).pipe(inMemory)
  })

  it.effect("the last partition, and those mapped to its own", () => {
    const asset = Asset.make("mapped", {
      ...text,
      partitions: regions,
      deps: { last: Asset.lastPartition(day), country: Asset.mapped(country, { eu: ["de", "at"], us: ["us"] }) },
      materialize: ({ country, last }) => Effect.map(joined(country), (countries) => `${last}: ${countries}`)
    })
    const pipeline = Testing.pipeline(Definitions.make({ assets: [asset] }))
    return Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.deepStrictEqual(Object.fromEntries(yield* pipeline.value(asset)), {
        eu: "2026-03-30: at de",
        us: "2026-03-30: us"
      })
    }).pipe(inMemory)
  })

  it.effect("of a product those with its key, and to a product the one of its dimension", () => {
    const asset = Asset.make("by_region", {
      ...text,
      partitions: Partition.product({ region: regions, size: Partition.fixed(["s"]) }),
      deps: { region, both: Asset.dimension(both, "region") },
      materialize: ({ both, region }, { keys }) => Effect.succeed(`${region} ${keys.size} ${both.size}`)
    })
    const pipeline = Testing.pipeline(Definitions.make({ assets: [asset] }))
    return Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.deepStrictEqual(Object.fromEntries(yield* pipeline.value(asset)), { "eu|s": "eu s 3", "us|s": "us s 3" })
    }).pipe(inMemory)
  })

  it.effect("those that its function names", () => {
    const asset = Asset.make("chosen", {
      ...text,
      partitions: regions,
      deps: { country: Asset.mappedBy(country, (region: "eu" | "us") => (region === "eu" ? ["at"] : [])) },
      materialize: ({ country }) => joined(country)
    })
    const pipeline = Testing.pipeline(Definitions.make({ assets: [asset] }))
    return Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.deepStrictEqual(Object.fromEntries(yield* pipeline.value(asset)), { eu: "at", us: "" })
    }).pipe(inMemory)
  })

  it.effect("its own partition before, and nothing before the first", () => {
    const asset = Asset.make("so_far", {
      ...daily,
      deps: { day, before: Asset.previous() },
      materialize: ({ before, day }) => Effect.succeed(before === undefined ? day : `${before} ${day}`)
    }).pipe(Asset.timeout("1 minute"))
    const pipeline = Testing.pipeline(Definitions.make({ assets: [asset] }))
    return Effect.gen(function* () {
      yield* pipeline.materialize()
      assert.strictEqual(yield* pipeline.value(asset, "2026-03-28"), "2026-03-28")
      assert.strictEqual(yield* pipeline.value(asset, "2026-03-30"), "2026-03-28 2026-03-29 2026-03-30")
      const replaced = pipeline.pipe(Testing.given(day, "again"))
      yield* replaced.materialize("day", { partition: "2026-03-29", force: true })
      yield* replaced.materialize("so_far")
      assert.strictEqual(yield* pipeline.value(asset, "2026-03-30"), "2026-03-28 again 2026-03-30")
    }).pipe(inMemory)
  })
})
