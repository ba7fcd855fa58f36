import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Asset, Table, TableCheck } from "../runtime/index.ts"
import { features } from "./features.ts"
import { modelChampion } from "./model_champion.ts"
import * as Algorithms from "./recommender/Algorithms.ts"
import * as Basis from "./recommender/Basis.ts"
import * as Recommender from "./recommender/Recommender.ts"
import * as Signals from "./recommender/Signals.ts"
import * as StoredListens from "./recommender/StoredListens.ts"
import { tracks } from "./tracks.ts"
import { users } from "./users.ts"

export const Recommendation = Schema.Struct({
  user_id: Table.Long,
  rank: Schema.Int,
  track_id: Table.Long,
  score: Schema.Finite,
  because_track_id: Schema.NullOr(Table.Long),
  model_version: Schema.String,
  /** A digest of what all of the user's follow from and are: where it is the same they need not be computed again. */
  basis: Schema.String
})

const size = 15

/** What each user may like next, best first. */
export const recommendations = Asset.make("recommendations", {
  description: "What each user may like next, best first, and because of which track",
  deps: { model: modelChampion, features, users, tracks, standing: Asset.itself() },
  io: Table.make({
    table: "music.recommendations",
    schema: Recommendation,
    key: ["user_id", "rank"],
    indexes: [["track_id"], ["because_track_id"]]
  }),
  materialize: ({ model, standing, tracks, users }, step) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const fitted = yield* Algorithms.decode(yield* model.bytes, model.manifest.parameters)
        const history = yield* StoredListens.features(model.manifest.recency)
        const catalogue = yield* ids(tracks)
        const recommender = yield* Recommender.make({ model: fitted, history, catalogue })
        const method = `${step.codeVersion} ${size} ${model.version}`
        const basis = Basis.make({ method, modelTracks: fitted.tracks, history, catalogue })
        const everybody = yield* ids(users)
        const kept = standing === undefined ? new Set<number>() : yield* unchanged(standing, basis, everybody)
        const scored = everybody.filter((user) => !kept.has(user))
        yield* step.annotate({ kept: kept.size, scored: scored.length })
        return Stream.concat(
          standing === undefined ? Stream.empty : Stream.filter(standing.rows, ({ user_id }) => kept.has(user_id)),
          Stream.mapArray(Recommender.stream(recommender, scored, size), (block) => toRows(block, basis, model.version))
        )
      })
    )
}).pipe(
  Asset.check("nothing-played", {
    blocking: true,
    description: "No user is recommended a track he already played",
    reads: { features },
    ...TableCheck.noRows<{ readonly features: Table.Handle<unknown> }>(
      ({ table }, sql, { features }) => sql`select r.user_id, r.rank, r.track_id
        from ${table} r join ${features.table} f on f.user_id = r.user_id and f.track_id = r.track_id`
    )
  }),
  Asset.check("ranks-in-range", { blocking: true, ...TableCheck.within("rank", { min: 1, max: size }) }),
  Asset.check("tracks-once", { blocking: true, ...TableCheck.unique("user_id", "track_id") }),
  Asset.check("tracks-shown", TableCheck.references({ column: "track_id", to: tracks, key: "id" })),
  Asset.check("users-shown", TableCheck.references({ column: "user_id", to: users, key: "id" })),
  Asset.check("listening-as-learnt", {
    severity: "warn",
    description: "The newest week is listened to as what the model learnt from, over deciles of popularity",
    reads: { model: modelChampion },
    run: (_, { model }) => Signals.listening(model.manifest)
  }),
  Asset.check("tracks-known", {
    severity: "warn",
    description: "The model knows the tracks that are listened to in the newest week",
    reads: { model: modelChampion },
    run: (_, { model }) => Signals.tracks(model)
  }),
  Asset.check("users-known", {
    severity: "warn",
    description: "Users have a history to recommend by",
    reads: { features, users },
    run: () => Signals.users
  })
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const ids = ({ rows }: Table.Handle<{ readonly id: number }>) => Stream.runCollect(Stream.map(rows, ({ id }) => id))

type Row = typeof Recommendation.Type

/** Of these users those whose recommendations would be what they are, and are what they were. */
const unchanged = Effect.fnUntraced(function* (
  standing: Table.Handle<Row>,
  basis: Basis.Basis,
  users: ReadonlyArray<number>
) {
  const wanted = new Set(users)
  const kept = new Set<number>()
  const isSame = (user: number, rows: ReadonlyArray<Row>) =>
    [basis.own(user), basis.filled(user)].some((from) => {
      const seal = Basis.seal(from, rows)
      return rows.every((row) => row.basis === seal)
    })
  // Rows come by user and rank.
  yield* standing.rows.pipe(
    Stream.groupAdjacentBy(({ user_id }) => user_id),
    Stream.runForEach(([user, rows]) =>
      Effect.sync(() => {
        if (wanted.has(user) && isSame(user, rows)) kept.add(user)
      })
    )
  )
  return kept
})

/** Of whole users. A list that is full of tracks with a reason owes nothing to popularity. */
const toRows = (
  block: Arr.NonEmptyReadonlyArray<Recommender.Recommendation>,
  basis: Basis.Basis,
  model_version: string
): Arr.NonEmptyReadonlyArray<Row> => {
  const seals = new Map(
    Array.from(
      Map.groupBy(block, ({ user_id }) => user_id),
      ([user, list]) => {
        const isFull = list.length === size && list.every(({ because_track_id }) => because_track_id !== null)
        return [user, Basis.seal(isFull ? basis.own(user) : basis.filled(user), list)]
      }
    )
  )
  return Arr.map(block, (recommendation) => ({
    ...recommendation,
    model_version,
    basis: seals.get(recommendation.user_id)!
  }))
}
