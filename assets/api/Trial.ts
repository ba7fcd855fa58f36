/** What a user is recommended under the experiments that run, and that it was: each place with its propensity. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Experiment from "../experiments/Experiment.ts"
import * as Exposures from "../experiments/Exposures.ts"
import * as Slots from "../experiments/Slots.ts"
import * as Urn from "../experiments/Urn.ts"
import type { Item } from "./Api.ts"
import * as Chain from "./Chain.ts"
import * as Personal from "./Personal.ts"
import * as Pool from "./Pool.ts"

/** The experiments that the service carries out. */
export class Running extends Context.Service<Running, ReadonlyArray<Experiment.Experiment>>()("music/Trial/Running") {}

export const forUser = Effect.fnUntraced(function* (user: number, size: number) {
  const assignment = Experiment.assign(yield* Running, user)
  const chained = yield* Chain.forUser(user, size, assignment.serves)
  const slots = yield* slotsOf(user, chained, assignment)
  const { record } = yield* Exposures.Exposures
  if (slots.length > 0 && Object.keys(assignment.arms).length > 0) {
    record({
      user_id: user,
      as_of: chained.made.asOf,
      model_version: chained.made.modelVersion,
      at: new Date(yield* Clock.currentTimeMillis).toISOString(),
      arms: assignment.arms,
      tracks: slots.map(({ item }) => item.track_id),
      origins: slots.map(({ item }) => item.origin),
      propensities: slots.map(({ propensity }) => propensity)
    })
  }
  return { ...chained, items: slots.map(({ item }) => item) }
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What may be drawn is asked for where a place draws, or where there may be nothing: most answers do without it. */
const slotsOf = Effect.fnUntraced(function* (
  user: number,
  { items, known, made, more }: Chain.Chained,
  { explores }: Experiment.Assignment
) {
  const pool = (yield* Pool.InForce)()
  if (explores === undefined || pool === undefined) return Slots.kept(items)
  const { by, rate } = explores
  const lots = Slots.lots(`${by} ${user} ${made.asOf}`, items.length, rate)
  if (more && lots.every((lot) => lot === undefined)) return Slots.kept(items, rate)
  const without = [...(known ?? (yield* Personal.known(user))), ...items.map(({ track_id }) => track_id)]
  return Slots.explore(items, lots, rate, Urn.make(pool.value, without), toItem)
})

/** Nothing speaks for it. */
const toItem = (track_id: number): Item => ({ track_id, score: 0, origin: "explored" })
