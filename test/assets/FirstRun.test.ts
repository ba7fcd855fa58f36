import { assert, describe, it } from "@effect/vitest"
import type { Metadata } from "effect-assets"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { model } from "../../assets/model.ts"
import { modelChampion } from "../../assets/model_champion.ts"
import type * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Algorithms from "../../assets/recommender/Algorithms.ts"
import * as Evaluation from "../../assets/recommender/Evaluation.ts"
import * as Split from "../../assets/recommender/Split.ts"
import * as StoredListens from "../../assets/recommender/StoredListens.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as RandomWorld from "../../assets/source/RandomWorld.ts"
import {
  materialize,
  metadataOf,
  millisPerDay,
  noon,
  onDatabase,
  plan,
  project,
  rows,
  state,
  status,
  today
} from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.sample({ users: 120, tracks: 60 })
const listens = world.lists.flatMap((list) => list.items ?? [])

const withTimes = <A extends { readonly created_at: string; readonly updated_at: string }>(row: A) => ({
  ...row,
  created_at: new Date(`${row.created_at}Z`),
  updated_at: new Date(`${row.updated_at}Z`)
})

const withoutBookkeeping = ({ first_seen_at, removed_at, run_id, ...row }: Record<string, unknown>) => {
  assert.instanceOf(first_seen_at, Date)
  assert.isNull(removed_at)
  assert.isString(run_id)
  return row
}

describe("the first run", () => {
  it.effect("publishes every asset, after which there is nothing to do", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world })
        const made = ["features", "model", "model_champion", "recommendations"]
        const slices = ["users", "tracks", `listen_history/${today}`, ...made]
        assert.sameMembers(Object.keys(ran.outcomes), slices)
        for (const slice of slices) assert.strictEqual(ran.outcomes[slice], "Materialized", ran.explain)
        for (const slice of slices) assert.strictEqual((yield* status)[slice], "Current")
        assert.strictEqual((yield* materialize({ world })).explain, "Succeeded: nothing to do")
      })
    )
  )

  it.effect("keeps users and tracks with the columns of the API, zoneless times as UTC", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world, select: ["users", "tracks"] })
        const users = yield* rows("select * from music.users order by id")
        const tracks = yield* rows("select * from music.tracks order by id")
        assert.deepStrictEqual(users.map(withoutBookkeeping), world.users.map(withTimes))
        assert.deepStrictEqual(tracks.map(withoutBookkeeping), world.tracks.map(withTimes))
        const none = { before: 0, updated: 0, unchanged: 0, removed: 0 }
        assert.deepStrictEqual(metadataOf(ran), {
          users: { ...none, rows: world.users.length, inserted: world.users.length },
          tracks: { ...none, rows: world.tracks.length, inserted: world.tracks.length }
        })
      })
    )
  )

  it.effect("keeps one row a listen of the day, at its position in the list", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const found = yield* rows("select * from music.listen_history order by user_id, position")
        const expected = world.lists.flatMap((list) => {
          const { created_at, items, updated_at, user_id } = withTimes(list)
          return (items ?? []).map((track_id, position) => {
            return { day: today, user_id, position, track_id, created_at, updated_at }
          })
        })
        assert.deepStrictEqual(found, expected)
        assert.isTrue(world.lists.some(({ items }) => items === null || items.length === 0))
      })
    )
  )

  it.effect("chooses a model by what users listened to last, and tells all it tried in its manifest", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world })
        const { manifest } = yield* project.value(model)
        const { trials, ...facts } = manifest
        assert.deepInclude(facts, {
          users: world.lists.filter(({ items }) => (items ?? []).length > 0).length,
          tracks: new Set(listens).size,
          listens: listens.length,
          newestDay: Date.parse(today) / millisPerDay,
          protocol: "the last fifth of each user's listens"
        })
        const best = Math.max(...trials.map(({ ndcgAt100 }) => ndcgAt100 ?? 0))
        const chosen = trials.find(({ ndcgAt100 }) => ndcgAt100 === best)!
        assert.isTrue(chosen.candidate.startsWith(facts.algorithm), chosen.candidate)
        assert.strictEqual(metadataOf(ran)["model"]!["chosen"], chosen.candidate)
      })
    )
  )

  it.effect("serves a model that is provably better than popularity, with a card that says so", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world: Worlds.sample({ users: 400, tracks: 100 }) })
        const told = metadataOf(ran)["model_champion"]!
        assert.strictEqual(told["verdict"], "better", ran.explain)
        assert.match((told["card"] as Metadata.Markdown).value, /^# (item-knn|ease|ials), [^]*\*\*better\*\*, promoted/)
        assert.strictEqual((yield* state(modelChampion))!.dataVersion, (yield* state(model))!.dataVersion)
        assert.deepStrictEqual(ran.checks["model_champion:verdict"], "Passed")
      })
    )
  )

  it.effect("chooses on the validation part alone, and judges what was chosen on the test part", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world: Worlds.sample({ users: 200, tracks: 100 }) })
        const { test, validation } = yield* Split.suited(yield* StoredListens.listens)
        const meanOf = (split: Split.Split, candidate: Algorithm.Candidate) =>
          Effect.map(Evaluation.of(split, candidate), (evaluation) => Evaluation.means(evaluation).ndcgAt100)
        const { manifest } = yield* project.value(model)
        const [first] = Tuning.candidates
        assert.closeTo(manifest.trials[0]!.ndcgAt100!, yield* meanOf(validation, first!), 1e-6)
        assert.notStrictEqual(yield* meanOf(test, first!), yield* meanOf(validation, first!))
        const mean = yield* meanOf(test, Algorithms.candidate(manifest)!)
        assert.include(
          String(metadataOf(ran)["model_champion"]!["explanation"]),
          ` has ndcgAt100 ${mean.toFixed(4)} over `
        )
      })
    )
  )

  it.effect("looks at the champion again a week after it was last looked at", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const planned = Effect.map(plan("model_champion"), ({ steps }) => steps.flatMap(({ reasons }) => reasons))
        yield* TestClock.setTime(noon + 7 * millisPerDay - 1)
        assert.deepStrictEqual(yield* planned, [])
        yield* TestClock.setTime(noon + 7 * millisPerDay)
        assert.deepStrictEqual(yield* planned, [{ _tag: "RecheckDue", since: new Date(noon).toISOString() }])
      })
    )
  )

  it.effect("serves popularity where a few users are all there are to judge by, and warns", () =>
    onDatabase(
      Effect.gen(function* () {
        const ran = yield* materialize({ world: Worlds.ring(20) })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.strictEqual((yield* project.value(modelChampion)).manifest.algorithm, "popularity")
        const warning = ran.events.find((event) => event._tag === "CheckFailed" && event.check === "verdict")
        assert.deepInclude(warning, { severity: "warn", blocking: false })
        assert.match((warning as { readonly reason: string }).reason, /takes 100 users; random order would have 0\.\d+/)
      })
    )
  )

  it.effect("serves popularity where all tracks are alike, and warns with the level of chance", () =>
    onDatabase(
      Effect.gen(function* () {
        const random = RandomWorld.make({ seed: 1, users: 200, tracks: 300 })
        const ran = yield* materialize({ world: Worlds.on(random, 20_513) })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.strictEqual((yield* project.value(modelChampion)).manifest.algorithm, "popularity")
        const told = metadataOf(ran)["model_champion"]!
        assert.strictEqual(told["verdict"], "no_better_than_popularity")
        assert.match((told["card"] as Metadata.Markdown).value, /\*\*no_better_than_popularity\*\*, not promoted/)
        const warning = ran.events.find((event) => event._tag === "CheckFailed" && event.check === "verdict")
        assert.deepInclude(warning, { severity: "warn", blocking: false })
        const chance = Number(told["chance"]).toFixed(4)
        assert.include((warning as { readonly reason: string }).reason, `random order would have ${chance}`)
      })
    )
  )

  it.effect("finds tables that refer to users and tracks, with an index on every reference", () =>
    onDatabase(
      Effect.gen(function* () {
        const references = yield* rows<{ name: string; target: string; cascades: boolean; indexed: boolean }>(`
          select c.conrelid::regclass || '.' || a.attname as name, c.confrelid::regclass::text as target,
            c.confdeltype = 'c' as cascades,
            exists (select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = a.attnum) as indexed
          from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
          where c.contype = 'f' and c.connamespace = 'music'::regnamespace`)
        assert.sameMembers(
          references.map(({ name, target }) => `${name} -> ${target}`),
          [
            "music.listen_history.user_id -> music.users",
            "music.listen_history.track_id -> music.tracks",
            "music.features.user_id -> music.users",
            "music.features.track_id -> music.tracks",
            "music.recommendations.user_id -> music.users",
            "music.answer.user_id -> music.users",
            "music.posted_listen.user_id -> music.users",
            "music.posted_listen.track_id -> music.tracks",
            "music.feedback.user_id -> music.users",
            "music.feedback.track_id -> music.tracks"
          ]
        )
        for (const { cascades, indexed, name } of references) assert.isTrue(cascades && indexed, name)
      })
    )
  )

  it.effect("takes ids beyond 32 bits", () =>
    onDatabase(
      Effect.gen(function* () {
        const [user, track] = [5_000_000_000, 9_007_199_254_740_991]
        const small = Worlds.ring(15)
        const grown: Worlds.Still = {
          users: [...small.users, Worlds.user(user)],
          tracks: [...small.tracks, Worlds.track(track)],
          lists: [...small.lists, Worlds.list(user, 1, track, 2)]
        }
        const ran = yield* materialize({ world: grown })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        const played = yield* rows(
          `select track_id from music.listen_history where user_id = ${user} order by position`
        )
        assert.deepStrictEqual(
          played.map(({ track_id }) => track_id),
          [1, track, 2]
        )
        assert.isAbove((yield* rows(`select from music.recommended_tracks where user_id = ${user}`)).length, 0)
        assert.isAbove((yield* rows(`select from music.recommended_tracks where track_id = ${track}`)).length, 0)
      })
    )
  )
})
