import { assert, it } from "@effect/vitest"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Url from "node:url"
import { expect } from "vitest"
import definitions from "../assets/index.ts"
import * as TestDatabase from "../runtime/TestDatabase.ts"

const sql = (file: string) => new URL(`../sql/${file}`, import.meta.url)

const text = Effect.gen(function* () {
  const session = yield* PgConnection.make(yield* TestDatabase.make(definitions))
  const { rows } = yield* session.query(Fs.readFileSync(sql("describe_schema.sql"), "utf8"))
  return `${rows.map((row) => row["line"]).join("\n")}\n`
})

it.live("the migrations make the schema that is committed", () =>
  Effect.gen(function* () {
    const schema = yield* text
    assert.include(schema, "table assets.event_log")
    yield* Effect.promise(() => expect(schema).toMatchFileSnapshot(Url.fileURLToPath(sql("schema.txt"))))
  })
)
