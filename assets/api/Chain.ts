/** Sources one after the other: where the best has nothing left, the next goes on, and each item tells whose it is. */
import * as Effect from "effect/Effect"
import type { Published } from "../../runtime/index.ts"
import type * as Experiment from "../experiments/Experiment.ts"
import type * as Answer from "./Answer.ts"
import type { Item, Origin, Recommendations } from "./Api.ts"
import * as Catalogue from "./Catalogue.ts"
import * as Champion from "./Champion.ts"
import * as Personal from "./Personal.ts"
import * as Popular from "./Popular.ts"
import * as Problem from "./Problem.ts"
import type * as Stored from "./Stored.ts"
import * as Together from "./Together.ts"

/** What comes of a chain; `ranked` are the items of the first source with their reasons. */
export interface Chained {
  /** Of the source of the first item. */
  readonly made: Answer.Made
  readonly items: ReadonlyArray<Item>
  readonly ranked: ReadonlyArray<Champion.Scored>
  readonly reason: Recommendations["reason"]
  /** Whether the first source had something left. */
  readonly more: boolean
  /** What the user has heard, where that was asked for or mattered. */
  readonly known?: ReadonlySet<number> | undefined
}

/** personal → popular; or popular alone. */
export const forUser = Effect.fnUntraced(function* (
  user: number,
  size: number,
  source: Experiment.Source,
  asked: Stored.Asked
) {
  if (source === "popular") return yield* popularFor(user, size)
  const personal = yield* source === "champion"
    ? Personal.of(user, size, asked)
    : Personal.byChallenger(user, size, asked)
  const { made, recommended } = personal
  const ranked = recommended.slice(0, size)
  const items = ranked.map(toItem)
  const popular = (yield* Popular.InForce)()
  if (made !== undefined && ranked.length > 0 && (ranked.length === size || popular === undefined)) {
    const more = recommended.length > size
    return { made, items, ranked, reason: "as asked", more, known: personal.known } satisfies Chained
  }
  if (popular === undefined) return yield* nothing
  const known = personal.known ?? (yield* Personal.known(user))
  const chained: Chained = {
    made: ranked.length > 0 && made !== undefined ? made : madeOf(popular),
    items: filled(items, popular.value, "popular", known, size),
    ranked,
    more: false,
    known,
    reason:
      ranked.length > 0
        ? "as asked"
        : made === undefined
          ? "not recommended anything yet"
          : "nothing more to recommend by taste"
  }
  return chained
})

/** together → similar → popular; without what the user knows, if one is named. */
export const next = Effect.fnUntraced(function* (track: number, user: number | undefined, size: number) {
  yield* Catalogue.existing(track)
  const known = user === undefined ? new Set<number>() : yield* Personal.known(user)
  known.add(track)
  const popular = (yield* Popular.InForce)()
  if (popular === undefined) return yield* nothing
  const champion = (yield* Champion.InForce)()
  const together = yield* Together.Together
  const companions = yield* together.with(track)
  const alike = likeTo(track, champion?.value)
  // Both may be older than what the source shows by now.
  const shown = yield* Catalogue.named([...companions, ...alike].map(({ track_id }) => track_id))
  const isShown = ({ track_id }: { readonly track_id: number }) => shown.has(track_id)
  const first = filled([], companions.filter(isShown), "together", known, size)
  const second = filled(first, alike.filter(isShown), "similar", known, size)
  const items = filled(second, popular.value, "popular", known, size)
  // What is played together is counted from the listens that popularity is counted from.
  const made = items[0]?.origin === "similar" ? madeOf(champion!) : madeOf(popular)
  return { made, items, ranked: [], reason: "as asked", more: false } satisfies Chained
})

/** similar, and nothing else. */
export const similar = Effect.fnUntraced(function* (track: number, size: number) {
  yield* Catalogue.existing(track)
  const champion = (yield* Champion.InForce)()
  if (champion === undefined) return yield* nothing
  const alike = likeTo(track, champion.value)
  const shown = yield* Catalogue.named(alike.map(({ track_id }) => track_id))
  const items = alike
    .filter(({ track_id }) => shown.has(track_id))
    .slice(0, size)
    .map(({ score, track_id }): Item => ({ track_id, score, origin: "similar", track: shown.get(track_id)! }))
  return { made: madeOf(champion), items }
})

/** The items with the names of their tracks and reasons; without where the source stopped showing one. */
export const explained = Effect.fnUntraced(function* ({ items, ranked }: Chained) {
  const because = new Map(ranked.map(({ because_track_id, track_id }) => [track_id, because_track_id]))
  const reasons = Array.from(because.values()).filter((id) => id !== null)
  const tracks = yield* Catalogue.named([...items.map(({ track_id }) => track_id), ...reasons])
  return items.map((item): Item => {
    const track = tracks.get(item.track_id)
    const reason = because.get(item.track_id) ?? null
    const told = reason === null ? null : (tracks.get(reason) ?? null)
    return { ...item, ...(track === undefined ? {} : { track }), because: told }
  })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const nothing = new Problem.NothingPublished({ detail: "nothing was materialized yet: npx assets materialize" })

const popularFor = Effect.fnUntraced(function* (user: number, size: number) {
  const known = yield* Personal.known(user)
  const popular = (yield* Popular.InForce)()
  if (popular === undefined) return yield* nothing
  const items = filled([], popular.value, "popular", known, size)
  return { made: madeOf(popular), items, ranked: [], reason: "for comparison", more: false, known } satisfies Chained
})

const madeOf = ({ inForce }: Published.Kept<unknown>): Answer.Made => ({
  modelVersion: inForce.version,
  asOf: inForce.materializedAt
})

/** What the model would recommend to who played just this track, and because of it. */
const likeTo = (track: number, champion: Champion.Champion | undefined): ReadonlyArray<Champion.Scored> =>
  champion?.recommend(new Map([[track, 1]]), 100).filter(({ because_track_id }) => because_track_id === track) ?? []

const toItem = ({ because_track_id, score, track_id }: Champion.Scored): Item => ({
  track_id,
  score,
  origin: because_track_id === null ? "popular" : "personal"
})

/** The items with those of the next source after them that are neither among them nor known, up to so many. */
const filled = (
  items: ReadonlyArray<Item>,
  more: ReadonlyArray<{ readonly track_id: number; readonly score: number }>,
  origin: Origin,
  known: ReadonlySet<number>,
  size: number
): ReadonlyArray<Item> => {
  const taken = new Set(items.map(({ track_id }) => track_id))
  const added: Array<Item> = items.slice(0, size)
  // What was computed as popular has scores of its own.
  const lowest = Math.min(...items.filter((item) => item.origin === origin).map(({ score }) => score))
  for (const { score, track_id } of more) {
    if (added.length === size) break
    if (!taken.has(track_id) && !known.has(track_id)) added.push({ track_id, score: Math.min(score, lowest), origin })
  }
  return added
}
