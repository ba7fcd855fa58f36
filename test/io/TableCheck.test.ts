import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as MemoryTables from "../../runtime/MemoryTables.ts"
import * as SqlTables from "../../runtime/SqlTables.ts"
import * as Table from "../../runtime/Table.ts"
import * as TableCheck from "../../runtime/TableCheck.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as TableCheckContract from "./TableCheckContract.ts"
import * as Values from "./Values.ts"

const database = Layer.provideMerge(SqlTables.layer, TestDatabase.layer())

TableCheckContract.suite("checks of tables in memory", MemoryTables.layer)
TableCheckContract.suite("checks of tables in PostgreSQL", database)

const plays = (asset: string) =>
  Table.make({
    schema: Schema.Struct({ id: Schema.Int, weight: Schema.Number }),
    key: ["id"],
    table: `check_sql.${asset}`
  })

layer(database, { timeout: "60 seconds" })("a check that is a query", (it) => {
  const context = {
    asset: "plays",
    partition: null,
    now: 0,
    metadata: {},
    earlier: () => Effect.succeed([]),
    published: () => Effect.succeed([]),
    others: Effect.succeed([]),
    toldBefore: Effect.undefined
  }

  it.effect("passes when it finds no row, and shows what it finds", () =>
    Effect.gen(function* () {
      const slot = yield* Values.slot(plays)
      const { candidate } = yield* slot.stage([1, 2, 3].map((id) => ({ id, weight: id / 2 })))
      const over = (limit: number) =>
        TableCheck.noRows(({ table }, sql) => sql`select id, 'heavy' as why from ${table} p where p.weight > ${limit}`)
      expect(yield* over(2).run(candidate, {}, context)).toEqual({ _tag: "Passed", metadata: { violations: 0 } })
      expect(yield* over(0.75).run(candidate, {}, context)).toMatchObject({
        reason: 'the query finds 2 rows, such as {"id":2,"why":"heavy"}',
        metadata: { violations: 2, sample: { rows: [{ id: 2 }, { id: 3 }] } }
      })
    }).pipe(Effect.scoped)
  )

  it.effect("fails with the server's words when it cannot be run", () =>
    Effect.gen(function* () {
      const slot = yield* Values.slot(plays)
      const { candidate } = yield* slot.stage([])
      const check = TableCheck.noRows(({ table }, sql) => sql`select nothing from ${table} p`)
      const error = yield* Effect.flip(check.run(candidate, {}, context))
      expect(error.message).toContain('column "nothing" does not exist')
    }).pipe(Effect.scoped)
  )
})
