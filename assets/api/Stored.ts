/**
 * What the database has of users, read by one statement for all who are asked for in the same turn of the event loop: a statement costs
 * more than all else that an answer takes, whatever the number of users.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import * as Result from "effect/Result"
import * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import { Published } from "../../runtime/index.ts"
import { recommendations } from "../recommendations.ts"
import type { Item } from "../recommender/Recommender.ts"

export interface User {
  /** Whether the source shows him. */
  readonly known: boolean
  /** When recommendations were computed last, ISO 8601; `null` if never. */
  readonly materialized_at: string | null
  /** `null` where none were computed for him. */
  readonly model_version: string | null
  /** Best first; `null` likewise. */
  readonly items: ReadonlyArray<Item> | null
  /** Whether he told of any listen. */
  readonly told: boolean
  /** What he has heard, where that was asked for. */
  readonly heard: ReadonlyArray<bigint> | null
}

/** What is asked for beside recommendations: a second statement would cost as much as the first. */
export type Asked = "nothing more" | "what is known"

export class Stored extends Context.Service<
  Stored,
  { readonly of: (user: number, asked: Asked) => Effect.Effect<User> }
>()("music/Stored") {}

export const layer = Layer.effect(
  Stored,
  Effect.map(SqlClient.SqlClient, (sql) => {
    const resolver = RequestResolver.make<Question>(
      Effect.fnUntraced(function* (entries) {
        const users = yield* Effect.orDie(
          read(
            sql,
            entries.map(({ request }) => request)
          )
        )
        for (const [place, entry] of entries.entries()) entry.completeUnsafe(Exit.succeed(users[place]!))
      })
    )
    return { of: (user, asked) => Effect.request(new Question({ user, asked }), resolver) }
  })
)

/** Everything that he is known to have heard: computed from, or told of here. `id` is the user's in the statement. */
export const heardBy = (sql: SqlClient.SqlClient, id: Statement.Fragment | bigint) => sql`array(
  select track_id from music.features where user_id = ${id}
  union select track_id from music.posted_listen where user_id = ${id}
)`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

class Question extends Request.Class<{ readonly user: number; readonly asked: Asked }, User> {}

const read = (sql: SqlClient.SqlClient, questions: ReadonlyArray<Question>) =>
  // Joined instead of asked one by one, the first three took longer.
  sql<User>`
    select (select v.materialized_at from ${Published.inStatement(recommendations)} v) as materialized_at,
      exists (select from music.users u where u.id = asked.id and u.removed_at is null) as known,
      exists (select from music.posted_listen p where p.user_id = asked.id) as told,
      case when asked.heard then ${heardBy(sql, sql`asked.id`)} end as heard,
      r.model_version, r.items
    from unnest(
      ${array(
        questions.map(({ user }) => BigInt(user)),
        "int8"
      )},
      ${array(
        questions.map(({ asked }) => asked === "what is known"),
        "bool"
      )}
    ) with ordinality asked (id, heard, place)
    left join music.recommendations r on r.user_id = asked.id
    order by asked.place`

const array = (values: ReadonlyArray<bigint | boolean>, type: "int8" | "bool") =>
  Result.getOrThrow(PgTypes.array(values, PgTypes.OID[type]))
