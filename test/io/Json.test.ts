import { expect, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Json from "../../runtime/Json.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Values from "./Values.ts"

const Report = Schema.Struct({
  at: Schema.DateTimeUtc,
  counts: Schema.Record(Schema.String, Schema.Number),
  note: Schema.NullOr(Schema.String)
})

const report = (counts: Record<string, number>, note: string | null = null) => ({
  at: DateTime.makeUnsafe("2025-03-04T05:06:07Z"),
  counts,
  note
})

const reports = () => Json.make({ schema: Report })

const suite = (name: string, values: Layer.Layer<Json.JsonValues, unknown>) =>
  layer(values, { timeout: "60 seconds" })(name, (it) => {
    it.effect("give back what was published", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports)
        const value = report({ a: 0.1, b: -0, c: 1e300, d: Number.NaN }, `null byte \0, quotes ' " \\ and 日本 🎧`)
        const digest = yield* slot.publish(value)
        expect(yield* slot.load(digest)).toEqual({ ...value, counts: { ...value.counts, b: 0 } })
        expect(yield* slot.digest).toBe(digest)
      })
    )

    it.effect("have one digest for one content, whatever the order of its members", () =>
      Effect.gen(function* () {
        const a = yield* Values.slot(reports)
        const b = yield* Values.slot(reports)
        const digest = yield* a.publish(report({ x: 1, y: 2 }))
        expect(yield* b.publish(report({ y: 2, x: 1 }))).toBe(digest)
        expect(yield* b.publish(report({ y: 1, x: 2 }))).not.toBe(digest)
      })
    )

    it.effect("show checks the staged value, and publish nothing when the scope closes", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports)
        const digest = yield* slot.publish(report({ x: 1 }))
        const staged = yield* Effect.scoped(slot.stage(report({ x: 2 })))
        expect(staged.candidate).toEqual(report({ x: 2 }))
        expect(staged.rows).toBe(null)
        expect(yield* slot.digest).toBe(digest)
        expect(yield* slot.store.published({ ...slot.ref, version: digest })).toEqual(report({ x: 1 }))
      })
    )

    it.effect("replace each partition alone and load all of them by key", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports, "2025-03-03")
        const source = (partition: string) => ({ asset: slot.asset, partition, version: "" })
        yield* slot.publish(report({ x: 1 }))
        yield* slot.publish(report({ x: 2 }), "2025-03-04")
        yield* slot.publish(report({ x: 3 }))
        const all = yield* slot.store.loadAll(slot.asset, [source("2025-03-03"), source("2025-03-04")])
        expect(Array.from(all, ([key, value]) => [key, value.counts["x"]])).toEqual([
          ["2025-03-03", 3],
          ["2025-03-04", 2]
        ])
        yield* slot.store.wipe(slot.ref)
        expect(yield* slot.digest).toBe(null)
        expect((yield* Effect.flip(slot.load(""))).message).toContain(`${slot.asset}/2025-03-03 has no value`)
      })
    )

    it.effect("refuse a value of more than 8 MiB and say where it belongs", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports)
        const error = yield* Effect.flip(slot.publish(report({}, "x".repeat(9 * 1024 * 1024))))
        expect(error.message).toContain("the value has 9.0 MiB of JSON, more than 8: use Blob instead")
        expect(yield* slot.digest).toBe(null)
      })
    )

    it.effect("keep values of almost 8 MiB", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports)
        const value = report({}, "x".repeat(8 * 1024 * 1024 - 100))
        expect(yield* slot.load(yield* slot.publish(value))).toEqual(value)
      })
    )

    it.effect("refuse a value that its schema does not accept", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports)
        const wrong = { ...report({}), note: 5 } as unknown as typeof Report.Type
        expect((yield* Effect.flip(slot.publish(wrong))).message).toContain("the value does not fit its schema")
      })
    )

    it.effect("fail to load what is no longer as the schema says", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(reports)
        yield* slot.publish(report({ x: 1 }))
        const store = yield* Json.make({ schema: Schema.Number }).store({ key: slot.asset, partitioned: false })
        const error = yield* Effect.flip(store.load({ ...slot.ref, version: "" }))
        expect(error.message).toContain(`the value of ${slot.asset} is not as its schema says`)
      })
    )
  })

suite("JSON values in memory", Json.layerMemory)

const postgres = Layer.provideMerge(Json.layer, TestDatabase.layer())

suite("JSON values in PostgreSQL", postgres)

layer(postgres, { timeout: "60 seconds" })("JSON values in PostgreSQL only", (it) => {
  it.effect("stay as they were when the transaction of a publish is rolled back", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const slot = yield* Values.slot(reports)
      const digest = yield* slot.publish(report({ x: 1 }))
      const staged = yield* slot.stage(report({ x: 2 }))
      yield* Effect.flip(sql.withTransaction(Effect.andThen(staged.publish, Effect.fail("fenced"))))
      expect(yield* slot.digest).toBe(digest)
      yield* sql.withTransaction(staged.publish)
      expect(yield* slot.digest).toBe(staged.digest)
    }).pipe(Effect.scoped)
  )
})
