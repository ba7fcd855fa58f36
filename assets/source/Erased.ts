/** Users who were erased: known by a keyed hash of their ids alone, and left out of what the API lists. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Crypto from "node:crypto"
import { Erasure } from "../../runtime/index.ts"
import type * as MusicApi from "./MusicApi.ts"

/** `ErasedBefore`: there is nothing of him any more. `Unknown`: there never was, as far as is known. */
export type Outcome =
  ({ readonly _tag: "Erased" } & Erasure.Erased) | { readonly _tag: "ErasedBefore" } | { readonly _tag: "Unknown" }

/** Deletes a user with all that refers to him. What is published goes on without him, at new versions. */
export const erase = Effect.fn("Erased.erase")(function* (user: number) {
  const sql = yield* SqlClient.SqlClient
  const { erase } = yield* Erasure.Erasure
  const { hash, hashes } = yield* known
  const before: Outcome = hashes.has(hash(user)) ? { _tag: "ErasedBefore" } : { _tag: "Unknown" }
  const where = sql`id = ${BigInt(user)}`
  if ((yield* sql`select from music.users where ${where}`).length === 0) return before
  // First: a step that begins after this leaves him out, and those that began before are fenced out.
  yield* sql`insert into music.erased (user_hash) values (${hash(user)}) on conflict do nothing`
  return Option.match(yield* erase({ table: "music.users", where }), {
    onNone: (): Outcome => ({ _tag: "ErasedBefore" }),
    onSome: (erased): Outcome => ({ _tag: "Erased", ...erased })
  })
})

/** A listing without what is of erased users: it counts for nothing, and what is wrong with it is nobody's business. */
export const leftOut = <A, E, R>(
  listing: Stream.Stream<MusicApi.Part<A>, E, R>,
  userOf: (row: A) => number
): Stream.Stream<MusicApi.Part<A>, E | SqlError, R | SqlClient.SqlClient> =>
  Stream.unwrap(
    Effect.map(known, ({ hash, hashes }) => {
      const isErased = (user: number | null) => user !== null && hashes.has(hash(user))
      const without = (page: MusicApi.Page<A>): MusicApi.Page<A> => {
        const rows = page.rows.filter((row) => !isErased(userOf(row)))
        const rejected = page.rejected.filter(({ key }) => !isErased(key))
        const users = new Set<number | null>(
          page.rows.map(userOf).concat(page.rejected.flatMap(({ key }) => key ?? []))
        )
        return { ...page, rows, rejected, items: page.items - Array.from(users).filter(isErased).length }
      }
      return hashes.size === 0 ? listing : Stream.map(listing, (part) => (part._tag === "Page" ? without(part) : part))
    })
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const known = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly key: string; readonly hashes: ReadonlyArray<string> }>`
    select key, array(select user_hash from music.erased) as hashes from music.erasure_key`
  const { hashes, key } = row!
  const hash = (user: number) => Crypto.createHmac("sha256", key).update(String(user)).digest("hex")
  return { hash, hashes: new Set(hashes) }
})
