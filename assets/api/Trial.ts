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
  const { arms, explores, serves } = Experiment.assign(yield* Running, user)
  const now = new Date(yield* Clock.currentTimeMillis).toISOString()
  // Before anything is asked for, as what may be drawn has to be asked for with it.
  const lots = explores && Slots.lots(`${explores.by} ${user} ${now.slice(0, 10)}`, size, explores.rate)
  const draws = lots?.some((lot) => lot !== undefined) === true
  const chained = yield* Chain.forUser(user, size, serves, draws ? "what is known" : "nothing more")
  const slots = lots === undefined ? Slots.kept(chained.items) : yield* slotsOf(user, chained, lots, explores!.rate)
  const { record } = yield* Exposures.Exposures
  if (slots.length > 0 && Object.keys(arms).length > 0) {
    record({
      user_id: user,
      as_of: chained.made.asOf,
      model_version: chained.made.modelVersion,
      at: now,
      arms,
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

/** Where no place draws, what may be drawn matters only if it may be nothing: most answers do without it. */
const slotsOf = Effect.fnUntraced(function* (
  user: number,
  { items, known, more }: Chain.Chained,
  lots: ReadonlyArray<number | undefined>,
  rate: number
) {
  const pool = (yield* Pool.InForce)()
  if (pool === undefined) return Slots.kept(items)
  if (more && lots.every((lot) => lot === undefined)) return Slots.kept(items, rate)
  const without = [...(known ?? (yield* Personal.known(user))), ...items.map(({ track_id }) => track_id)]
  return Slots.explore(items, lots, rate, Urn.make(pool.value, without), toItem)
})

/** Nothing speaks for it. */
const toItem = (track_id: number): Item => ({ track_id, score: 0, origin: "explored" })
