/** Keys to the service: who may do what. A key is shown once, when it is made; the database has a digest of it. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Crypto from "node:crypto"

export const Scope = Schema.Literals(["read", "write", "admin"])
export type Scope = typeof Scope.Type

export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly scopes: ReadonlyArray<Scope>
  readonly createdAt: Date
  readonly revokedAt: Date | null
}

/** `admin` may do everything. */
export const allows = ({ scopes }: Pick<ApiKey, "scopes">, scope: Scope): boolean =>
  scopes.includes(scope) || scopes.includes("admin")

/** The new key with its text, which cannot be had again. */
export const create = Effect.fn("ApiKey.create")(function* (name: string, scopes: ReadonlyArray<Scope>) {
  const sql = yield* SqlClient.SqlClient
  const id = Crypto.randomBytes(4).toString("hex")
  const text = `music_${id}_${Crypto.randomBytes(32).toString("base64url")}`
  yield* sql`insert into music.api_key (id, name, scopes, digest)
    values (${id}, ${name}, ${scopes}::text[], ${digestOf(text)})`
  return { id, text }
})

/** Revoked ones too, newest first. */
export const list = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<Row>`select * from music.api_key order by created_at desc, id`
  return rows.map(toKey)
}).pipe(Effect.withSpan("ApiKey.list"))

/** Answers whether there was such a key in force. */
export const revoke = Effect.fn("ApiKey.revoke")(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const revoked =
    yield* sql`update music.api_key set revoked_at = now() where id = ${id} and revoked_at is null returning id`
  return revoked.length > 0
})

/** The keys as a service knows them. */
export class ApiKeys extends Context.Service<
  ApiKeys,
  {
    /** The key in force that this is the text of. */
    readonly find: (text: string) => Effect.Effect<ApiKey | undefined, SqlError>
    /** Whether a key was ever made, be it revoked. */
    readonly any: Effect.Effect<boolean, SqlError>
  }
>()("music/ApiKeys") {}

/** Asks the database once in so long: until then a new key is unknown and a revoked one in force. */
export const layer = (heldFor: Duration.Input) =>
  Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const all = yield* Effect.cachedWithTTL(
        Effect.map(sql<Row>`select * from music.api_key`, (rows) => ({
          any: rows.length > 0,
          inForce: new Map(rows.flatMap((row) => (row.revoked_at === null ? [[row.digest, toKey(row)]] : [])))
        })),
        heldFor
      )
      return ApiKeys.of({
        find: (text) => Effect.map(all, ({ inForce }) => inForce.get(digestOf(text))),
        any: Effect.map(all, ({ any }) => any)
      })
    })
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Row {
  readonly id: string
  readonly name: string
  readonly scopes: ReadonlyArray<Scope>
  readonly digest: string
  readonly created_at: Date
  readonly revoked_at: Date | null
}

const toKey = ({ created_at, id, name, revoked_at, scopes }: Row): ApiKey => ({
  id,
  name,
  scopes,
  createdAt: created_at,
  revokedAt: revoked_at
})

const digestOf = (text: string) => Crypto.createHash("sha256").update(text).digest("hex")
