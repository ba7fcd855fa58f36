import { expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { Rejected } from "../../runtime/Asset.ts"
import { type Attempt, layer as postgres, layerMemory, Quarantine } from "../../runtime/Quarantine.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"

let taken = 0

/** The first attempt at a slice that no other test has. */
const attempted = (): Attempt => {
  taken += 1
  return { asset: `asset_${taken}`, partition: null, runId: `run_${taken}`, attempt: 1 }
}

const rejected = (...items: ReadonlyArray<unknown>): ReadonlyArray<Rejected> =>
  items.map((item) => ({ item, reason: `${typeof item} is no row` }))

const suite = (name: string, quarantine: Layer.Layer<Quarantine, unknown>) =>
  layer(quarantine, { timeout: "60 seconds" })(name, (it) => {
    it.effect("gives items back as they came, in their order and with the reason", () =>
      Effect.gen(function* () {
        const quarantine = yield* Quarantine
        const first = attempted()
        const items = rejected({ id: 1, '"': ["\\", "\\u0000", "🎵", ""] }, "text", 5, null, [], true)
        yield* quarantine.add(first, items.slice(0, 2))
        yield* quarantine.add(first, [])
        yield* quarantine.add(first, items.slice(2))
        yield* quarantine.add(first, items.slice(0, 1))
        expect(yield* quarantine.items(first)).toEqual([...items, items[0]])
      })
    )

    it.effect("keeps slices apart, and the whole of an asset from its slices", () =>
      Effect.gen(function* () {
        const quarantine = yield* Quarantine
        const whole = attempted()
        const refs = [whole, { ...whole, partition: "2026-01-31" }, { ...whole, partition: "2026-02-01" }, attempted()]
        yield* Effect.forEach(refs, (ref, index) => quarantine.add(ref, rejected(index)))
        yield* quarantine.clear({ ...refs[1]!, attempt: 2 })
        const items = yield* Effect.forEach(refs, quarantine.items)
        expect(items).toEqual([rejected(0), [], rejected(2), rejected(3)])
        expect(yield* quarantine.items(attempted())).toEqual([])
      })
    )

    it.effect("forgets earlier attempts of the same run, and neither this one nor other runs", () =>
      Effect.gen(function* () {
        const quarantine = yield* Quarantine
        const first = attempted()
        const [second, third] = [
          { ...first, attempt: 2 },
          { ...first, attempt: 3 }
        ]
        const earlier = { ...first, runId: `before ${first.runId}` }
        yield* Effect.forEach([earlier, first, second, third], (attempt, index) =>
          quarantine.add(attempt, rejected(index))
        )
        yield* quarantine.clear(first)
        expect(yield* quarantine.items(first)).toEqual(rejected(0, 1, 2, 3))
        yield* quarantine.clear(third)
        yield* quarantine.clear(third)
        expect(yield* quarantine.items(first)).toEqual(rejected(0, 3))
        yield* quarantine.clear({ ...third, attempt: 4 })
        expect(yield* quarantine.items(first)).toEqual(rejected(0))
      })
    )

    it.effect("keeps what many set aside at the same time", () =>
      Effect.gen(function* () {
        const quarantine = yield* Quarantine
        const attempts = Array.from({ length: 20 }, attempted)
        const add = (attempt: Attempt) =>
          Effect.forEach(rejected(1, 2, 3), (item) => quarantine.add(attempt, [item, item]))
        yield* Effect.forEach([...attempts, ...attempts], add, { concurrency: "unbounded" })
        for (const attempt of attempts) {
          const numbers = (yield* quarantine.items(attempt)).map(({ item }) => Number(item))
          expect(numbers.toSorted()).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
        }
      })
    )
  })

const onDatabase = Layer.provideMerge(postgres, TestDatabase.layer())

suite("the quarantine in memory", layerMemory)
suite("the quarantine in PostgreSQL", onDatabase)

layer(onDatabase, { timeout: "60 seconds" })("the quarantine in PostgreSQL only", (it) => {
  it.effect("replaces what jsonb refuses, NUL and halves of surrogate pairs, and what JSON has no word for", () =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      const first = attempted()
      const items = [
        { item: { "\u0000": "a\ud800", kept: "\\u0000 \ud83c\udfb5" }, reason: "NUL \u0000" },
        { item: undefined, reason: "" }
      ]
      yield* quarantine.add(first, items)
      expect(yield* quarantine.items(first)).toEqual([
        { item: { "\ufffd": "a\ufffd", kept: "\\u0000 \ud83c\udfb5" }, reason: "NUL \ufffd" },
        { item: null, reason: "" }
      ])
    })
  )

  it.effect("is the same to the next process, without what a transaction took back", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const quarantine = yield* Quarantine
      const first = attempted()
      yield* quarantine.add(first, rejected("kept"))
      const undone = Effect.andThen(quarantine.add(first, rejected("undone")), Effect.fail("down"))
      yield* Effect.flip(sql.withTransaction(undone))
      const restarted = Context.get(yield* Layer.build(Layer.fresh(postgres)), Quarantine)
      expect(yield* restarted.items(first)).toEqual(rejected("kept"))
    })
  )

  it.effect("says which asset could not be read or set aside for, and that trying again may help", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const quarantine = yield* Quarantine
      const first = attempted()
      const asked = [quarantine.add(first, rejected(1)), quarantine.clear(first), quarantine.items(first)]
      const failures = yield* Effect.acquireUseRelease(
        sql`alter table assets.quarantine rename to quarantine_elsewhere`,
        () => Effect.forEach(asked, Effect.flip),
        () => Effect.orDie(sql`alter table assets.quarantine_elsewhere rename to quarantine`)
      )
      for (const error of failures) {
        expect(error).toMatchObject({ _tag: "IoError", asset: first.asset, retryable: true })
      }
      yield* quarantine.add(first, rejected(1))
      expect(yield* quarantine.items(first)).toEqual(rejected(1))
    })
  )
})
