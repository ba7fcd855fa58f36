/** What the service is told: committed before it answers, and once however often it is told. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import type * as Api from "./Api.ts"
import * as Problem from "./Problem.ts"

export const listens = (posted: ReadonlyArray<typeof Api.Listen.Type>) => record("listens", recordListens, posted)

export const feedback = (posted: ReadonlyArray<typeof Api.Feedback.Type>) => record("feedback", recordFeedback, posted)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const query = (name: string) => Fs.readFileSync(new URL(`../../sql/music/${name}.sql`, import.meta.url), "utf8")

const recordListens = query("record_listens")
const recordFeedback = query("record_feedback")

interface Row {
  readonly recorded: number
  readonly unknown: ReadonlyArray<Unknown> | null
}

interface Unknown {
  readonly place: number
  readonly is_user: boolean
  readonly user_id: number
  readonly track_id: number
}

const record = Effect.fnUntraced(function* (what: string, statement: string, posted: ReadonlyArray<unknown>) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<Row>(statement, [JSON.stringify(posted)]).pipe(
    // Of a user who was erased meanwhile, whom the next try does not know.
    Effect.retry({ times: 1, while: ({ reason }) => reason._tag === "ConstraintError" }),
    Effect.orDie
  )
  const { recorded, unknown } = row!
  if (unknown !== null) {
    const detail = `nothing was recorded: ${unknown.length} of ${posted.length} name an unknown user or track`
    return yield* new Problem.UnknownIds({ detail, errors: unknown.map((one) => issue(what, one)) })
  }
  return { recorded, repeated: posted.length - recorded }
})

const issue = (what: string, { is_user, place, track_id, user_id }: Unknown) => ({
  path: ["payload", what, place, is_user ? "user_id" : "track_id"],
  message: is_user ? `there is no user ${user_id}` : `there is no track ${track_id}`
})
