/** What the service does when it is asked. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { type Erasure, Published } from "../../runtime/index.ts"
import { recommendations } from "../recommendations.ts"
import * as Exposures from "../experiments/Exposures.ts"
import * as Erased from "../source/Erased.ts"
import * as Answer from "./Answer.ts"
import { Api, type Recommendations } from "./Api.ts"
import * as Chain from "./Chain.ts"
import * as Champion from "./Champion.ts"
import * as Pool from "./Pool.ts"
import * as Popular from "./Popular.ts"
import * as Posted from "./Posted.ts"
import * as Problem from "./Problem.ts"
import * as Stored from "./Stored.ts"
import * as Together from "./Together.ts"
import * as Trial from "./Trial.ts"

const recommending = HttpApiBuilder.group(
  Api,
  "recommending",
  Effect.fnUntraced(function* (handlers) {
    const within = Effect.provideContext(
      yield* Effect.context<
        | Champion.Challenger
        | Champion.InForce
        | Exposures.Exposures
        | Pool.InForce
        | Popular.InForce
        | SqlClient.SqlClient
        | Stored.Stored
        | Together.Together
        | Trial.Running
      >()
    )
    return handlers.handleAll({
      recommendations: Effect.fnUntraced(function* ({ params: { user }, query: { explain, size }, request }) {
        const chained = yield* Trial.forUser(user, size)
        const items = explain ? yield* Chain.explained(chained) : chained.items
        return Answer.tagged(request, chained.made, toBody(user, { ...chained, items }))
      }, within),

      next: Effect.fnUntraced(function* ({ payload: { size, track_id, user_id } }) {
        const chained = yield* Chain.next(track_id, user_id, size)
        const body = toBody(user_id ?? null, chained)
        return HttpApiSchema.withHeaders({ body, headers: Answer.headersOf(chained.made) })
      }, within),

      similar: Effect.fnUntraced(function* ({ params: { id }, query: { size }, request }) {
        const { items, made } = yield* Chain.similar(id, size)
        return Answer.tagged(request, made, { track_id: id, items })
      }, within)
    })
  })
)

const listening = HttpApiBuilder.group(
  Api,
  "listening",
  Effect.fnUntraced(function* (handlers) {
    const within = Effect.provideService(SqlClient.SqlClient, yield* SqlClient.SqlClient)
    return handlers.handleAll({
      listens: ({ payload }) => within(Posted.listens(payload.listens)),
      feedback: ({ payload }) => within(Posted.feedback(payload.feedback))
    })
  })
)

const users = HttpApiBuilder.group(
  Api,
  "users",
  Effect.fnUntraced(function* (handlers) {
    const within = Effect.provideContext(yield* Effect.context<Erasure.Erasure | SqlClient.SqlClient>())
    return handlers.handleAll({
      erase: Effect.fnUntraced(function* ({ params: { id } }) {
        const { _tag } = yield* Effect.orDie(Erased.erase(id))
        if (_tag === "Unknown") return yield* new Problem.UnknownUser({ detail: `there is no user ${id}` })
      }, within)
    })
  })
)

const system = HttpApiBuilder.group(
  Api,
  "system",
  Effect.fnUntraced(function* (handlers) {
    const { look } = yield* Published.Published
    return handlers.handleAll({
      health: Effect.fnUntraced(function* () {
        const served = yield* Effect.orDie(look({ asset: recommendations.key, partition: null }))
        const known = served === undefined ? null : { version: served.version, as_of: served.materializedAt }
        return { status: "ok" as const, recommendations: known }
      })
    })
  })
)

export const layer = Layer.mergeAll(recommending, listening, users, system).pipe(
  Layer.provide([Champion.layer, Exposures.layer, Pool.layer, Popular.layer, Stored.layer, Together.layer])
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const toBody = (user: number | null, { items, reason }: Pick<Chain.Chained, "items" | "reason">): Recommendations => ({
  user_id: user,
  origin: items.find(({ origin }) => origin !== "explored")?.origin ?? null,
  reason,
  items
})
