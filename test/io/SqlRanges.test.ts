import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Catalog from "../../runtime/Catalog.ts"
import type { Of } from "../../runtime/Event.ts"
import { EventLog, type Loaded } from "../../runtime/EventLog.ts"
import * as SqlEventLog from "../../runtime/SqlEventLog.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Facts from "./Facts.ts"

const opened = Effect.gen(function* () {
  return yield* Facts.opened(yield* EventLog)
})

const keys = Array.from({ length: 300 }, (_, index) => String(index).padStart(3, "0"))

/** Publishes of all keys at once, each time with other versions, under one claim. */
const publisher = Effect.fnUntraced(function* (run: Facts.Opened) {
  const claim = yield* run.claim(run.ref())
  return (version: string) => {
    const slices = keys.map((partition) => ({ partition, dataVersion: version, rows: 1, changed: true }))
    const event = () => run.value({ asset: run.asset, partition: "000..299" }, version, { slices })
    return run.session.publish({ claim, loaded: [], event }, undefined)
  }
})

layer(Layer.provideMerge(SqlEventLog.layer, TestDatabase.layer()), { timeout: "60 seconds" })(
  "many slices in PostgreSQL only",
  (it) => {
    it.effect("are published while others publish what they made of them, in whatever order they read", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [source, ...readers] = yield* Effect.forEach(Array.from({ length: 5 }), () => opened)
        const publish = yield* publisher(source!)
        yield* publish("v0")
        const writing = Effect.forEach(keys.slice(0, 20), (key) => publish(`v${key}`))
        const reading = Effect.fnUntraced(function* (reader: Facts.Opened, index: number) {
          const claim = yield* reader.claim(reader.ref())
          return yield* Effect.forEach(keys.slice(0, 20), () =>
            Effect.gen(function* () {
              const catalog = yield* log.states([source!.ref()])
              const loaded = Array.from(
                Catalog.slices(catalog, source!.asset).values(),
                ({ asset, changedPosition: position, partition }): Loaded => ({
                  _tag: "Slice",
                  ref: { asset, partition },
                  position
                })
              )
              if (index % 2 === 1) loaded.reverse()
              const event = () => reader.value(reader.ref(), "made")
              return (yield* reader.session.publish({ claim, loaded, event }, undefined))._tag
            })
          )
        })
        const [written, read] = yield* Effect.all([writing, Effect.forEach(readers, reading, { concurrency: 4 })], {
          concurrency: 2
        })
        expect(new Set(written.map(({ _tag }) => _tag))).toEqual(new Set(["Recorded"]))
        expect(read.flat().filter((tag) => tag !== "Recorded" && tag !== "Moved")).toEqual([])
        const states = Catalog.slices(yield* log.catalog, source!.asset)
        expect(new Set(Array.from(states.values(), ({ dataVersion }) => dataVersion))).toEqual(new Set(["v019"]))
      })
    )

    it.effect("leave nothing behind of ranges that were published again", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const run = yield* opened
        const publish = yield* publisher(run)
        for (let round = 0; round < 70; round++) yield* publish(`v${round}`)
        const rows = yield* sql`select position from assets.range_value where asset = ${run.asset}`
        expect(rows.length).toBeLessThan(40)
      })
    )

    it.effect("are read where only some have long texts", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const repeated = { text: "x".repeat(100_000) }
        const varied = { numbers: Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 10_007) }
        const publish = Effect.fnUntraced(function* (partition: string, metadata: Of<"AssetMaterialized">["metadata"]) {
          const ref = run.ref(partition)
          const claim = yield* run.claim(ref)
          yield* run.session.publish({ claim, loaded: [], event: () => run.value(ref, "v", { metadata }) }, undefined)
          const slices = Catalog.slices(yield* log.catalog, run.asset)
          return Object.fromEntries(Array.from(slices, ([key, { metadata }]) => [key, metadata]))
        })
        expect(yield* publish("a", repeated)).toEqual({ a: repeated })
        expect(yield* publish("b", varied)).toEqual({ a: repeated, b: varied })
        expect(yield* publish("c", {})).toEqual({ a: repeated, b: varied, c: {} })
      })
    )
  }
)
