import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { Blob, ExitCode } from "effect-assets"
import { model } from "../../assets/model.ts"
import { modelChampion } from "../../assets/model_champion.ts"
import type * as Manifest from "../../assets/recommender/Manifest.ts"
import * as Registry from "../../assets/registry/Registry.ts"
import * as Rollbacks from "../../assets/registry/Rollbacks.ts"
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"
import { materialize, metadataOf, millisPerDay, noon, onDatabase, rows, state, status } from "./Pipeline.ts"
import { assetsModel } from "./Registry.ts"
import * as Worlds from "./Worlds.ts"

const day = 20_513
const source = SyntheticWorld.make({ seed: 3, users: 200, tracks: 80 })
const world = Worlds.on(source, day)
/** Too few to judge a model by. */
const few = Worlds.withoutUsers(
  world,
  world.users.slice(12).map(({ id }) => id)
)

const version = Effect.map(state(modelChampion), (state) => state!.dataVersion)
const challenger = Effect.map(state(model), (state) => state!.dataVersion)

const served = Effect.map(
  rows<{ readonly model_version: string }>("select distinct model_version from music.recommendations"),
  (found) => found.map(({ model_version }) => model_version)
)

const refusal = (...args: ReadonlyArray<string>) => Effect.map(Effect.flip(assetsModel(...args)), ExitCode.fromError)

/** Popularity, and a day later a model; answers with their versions. */
const promoted = Effect.gen(function* () {
  yield* materialize({ world: few })
  const popularity = yield* version
  yield* TestClock.setTime(noon + millisPerDay)
  yield* materialize({ world })
  const first = yield* version
  assert.strictEqual(first, yield* challenger)
  return { popularity, first }
})

const kept = (name: string, algorithm = "ease"): Registry.Kept => ({
  version: `${name}${"0".repeat(31)}`,
  digest: name,
  size: 1,
  publishedAt: "2026-03-01T12:00:00.000Z",
  runId: "run",
  manifest: { algorithm } as Manifest.Manifest
})

const digestsOf = (found: Result.Result<Registry.Entry, unknown>) =>
  Result.match(found, { onSuccess: ({ digest }) => digest, onFailure: () => undefined })

describe("the champion before the present one", () => {
  const before = (champions: ReadonlyArray<Registry.Kept>, ...rolledBack: ReadonlyArray<string>) => {
    const rollbacks = rolledBack.map((digest) => ({ version: "", digest, at: "2026-03-01T12:00:00.000Z" }))
    return digestsOf(Registry.before(Registry.make([], champions, rollbacks)))
  }
  const popularity = kept("p", "popularity")

  it("is the one that was champion last, and further back what was not rolled back", () => {
    assert.strictEqual(before([kept("c"), kept("b"), kept("a")]), "b")
    // After a rollback of c to b.
    assert.strictEqual(before([kept("b"), kept("c"), kept("a")], "c"), "a")
    assert.isUndefined(before([kept("b"), kept("c")], "c"))
    assert.isUndefined(before([]))
  })

  it("may be popularity, but is not where popularity is served", () => {
    assert.strictEqual(before([kept("a"), popularity]), "p")
    assert.strictEqual(before([popularity, kept("q", "popularity"), kept("a")]), "a")
    assert.isUndefined(before([popularity, kept("q", "popularity")]))
  })
})

describe("assets model", () => {
  it.effect("lists versions, newest first, and tells which are champion and challenger", () =>
    onDatabase(
      Effect.gen(function* () {
        assert.match((yield* assetsModel("list")).text, /There are no models yet/)
        const { first, popularity } = yield* promoted
        const { document, text } = yield* assetsModel("list")
        assert.strictEqual(document.length, 3)
        assert.deepInclude(document[0], {
          version: first,
          aliases: ["champion", "challenger"],
          publishedAt: new Date(noon + millisPerDay).toISOString(),
          rolledBackAt: null
        })
        assert.isNumber(document[0].ndcgAt100)
        assert.deepInclude(
          document.find((row: { readonly version: string }) => row.version === popularity),
          { algorithm: "popularity", aliases: [], ndcgAt100: null }
        )
        assert.match(text, new RegExp(`^${first.slice(0, 8)}  champion, challenger +0\\.\\d{4}  just now`, "m"))
      })
    )
  )

  it.effect("shows what one was fitted to, how it was judged, and when it was champion", () =>
    onDatabase(
      Effect.gen(function* () {
        const { first, popularity } = yield* promoted
        const { document, text } = yield* assetsModel("show", first.slice(0, 6))
        assert.strictEqual(document.version, first)
        assert.isAbove(document.manifest.users, 150)
        assert.deepInclude(document.judgement, { verdict: "better" })
        assert.deepStrictEqual(
          document.history.map(({ alias, verdict }: Record<string, unknown>) => [alias, verdict]),
          [
            ["champion", "better"],
            ["challenger", null]
          ]
        )
        assert.match(text, /fitted to +[\d,]+ listens, \d+ users, \d+ tracks until 2026-03-02/)
        assert.match(text, /\*\*better\*\*, promoted/)

        const champion = yield* assetsModel("show", "champion")
        assert.deepStrictEqual(
          champion.document.history.map(({ version }: Record<string, unknown>) => version),
          [first, popularity]
        )
      })
    )
  )

  it.effect("rolls back to the champion before, and what was rolled back is never promoted again by itself", () =>
    onDatabase(
      Effect.gen(function* () {
        const { first, popularity } = yield* promoted
        const { document, text } = yield* assetsModel("rollback")
        assert.deepInclude(document, { champion: popularity, rolledBack: first })
        assert.include(text, "assets materialize recommendations")
        assert.strictEqual(yield* version, popularity)
        assert.deepInclude(yield* status, { model_champion: "Current", recommendations: "Stale" })
        assert.match((yield* assetsModel("list")).text, /challenger, rolled back/)

        yield* materialize({ world })
        assert.deepStrictEqual(yield* served, [popularity])
        // Asked to decide again, and with the model fitted again from the same.
        const forced = yield* materialize({ world, select: ["model", "model_champion"], force: true })
        assert.strictEqual(yield* challenger, first)
        assert.strictEqual(metadataOf(forced)["model_champion"]?.["verdict"] ?? "rolled_back", "rolled_back")
        // Nor one of the same bytes that has another manifest.
        yield* rows("update music.model_rollback set version = 'of another manifest'")
        yield* materialize({ world, select: "model_champion", force: true })
        const standing = (yield* assetsModel("show", "champion")).document
        assert.strictEqual(standing.algorithm, "popularity")

        yield* TestClock.setTime(noon + 2 * millisPerDay)
        yield* materialize({ world: Worlds.on(source, day + 1) })
        const next = yield* version
        assert.strictEqual(next, yield* challenger)
        assert.notStrictEqual(next, first)
      })
    )
  )

  it.effect("promotes what somebody names, which stays until something it is judged by changes", () =>
    onDatabase(
      Effect.gen(function* () {
        const { first, popularity } = yield* promoted
        const { document } = yield* assetsModel("promote", popularity.slice(0, 8))
        assert.deepInclude(document, { champion: popularity, replaced: first })
        assert.deepInclude(yield* status, { model_champion: "Current", recommendations: "Stale" })
        yield* materialize({ world })
        assert.deepStrictEqual(yield* served, [popularity])

        assert.deepInclude((yield* assetsModel("rollback")).document, { champion: first, rolledBack: popularity })

        // By hand what was rolled back is promoted, too, and no longer rolled back.
        yield* assetsModel("promote", popularity)
        yield* assetsModel("promote", "challenger")
        assert.deepInclude((yield* assetsModel("rollback")).document, { champion: popularity, rolledBack: first })
        yield* assetsModel("promote", first)
        assert.strictEqual(yield* version, first)
        assert.notInclude((yield* assetsModel("list")).text, "rolled back")
        assert.match((yield* assetsModel("show", "champion")).text, /became the champion \(by hand\)/)
        yield* materialize({ world, select: "model_champion", force: true })
        assert.strictEqual(yield* version, first)
      })
    )
  )

  it.effect("refuses what cannot be, and says what could", () =>
    onDatabase(
      Effect.gen(function* () {
        const misuse = (...args: ReadonlyArray<string>) =>
          Effect.map(refusal(...args), ({ code, message }) => {
            assert.strictEqual(code, ExitCode.usage)
            return message
          })
        assert.match(yield* misuse("rollback"), /no champion yet/)
        assert.match(yield* misuse("show", "challenger"), /there are no models yet/)
        const { first, popularity } = yield* promoted
        const unknown = yield* misuse("promote", `${first.slice(0, 4)}zz`)
        assert.match(unknown, new RegExp(`begins with "${first.slice(0, 4)}zz"; the nearest are ${first}, `))
        assert.match(yield* misuse("show", ""), /3 versions begin with "": /)
        yield* assetsModel("rollback")
        assert.strictEqual(yield* version, popularity)
        assert.match(yield* misuse("rollback"), /there was no other champion before, or it was rolled back/)
      })
    )
  )

  it.effect("serves another one where the file of the champion is lost, which its step says", () =>
    onDatabase(
      Effect.gen(function* () {
        const { first, popularity } = yield* promoted
        yield* TestClock.setTime(noon + 2 * millisPerDay)
        yield* materialize({ world: Worlds.on(source, day + 1), select: "+model" })
        yield* Rollbacks.add({ version: yield* challenger, digest: "" })
        yield* rows("update assets.blob set sha256 = repeat('0', 64) where asset = 'model_champion'")
        const failed = yield* materialize({ world: Worlds.on(source, day + 1), select: "model_champion" })
        assert.match(failed.explain, /is gone or damaged. Serve another one with assets model promote/)
        const kept = (yield* Blob.versions(modelChampion)).find(({ version }) => version === popularity)!
        yield* rows("update assets.blob_version set sha256 = repeat('1', 64) where asset = 'model_champion'")
        assert.match((yield* refusal("promote", first)).message, /The file of the model .* is gone or damaged/)
        assert.match((yield* refusal("rollback")).message, /The file of the model .* is gone or damaged/)
        assert.notInclude((yield* assetsModel("show", "champion")).text, "rolled back")
        yield* rows("update assets.blob_version set sha256 = $1 where version = $2", [kept.digest, popularity])
        yield* assetsModel("promote", popularity)
        const ran = yield* materialize({ world: Worlds.on(source, day + 1) })
        assert.strictEqual(ran.status, "Succeeded", ran.explain)
        assert.deepStrictEqual(yield* served, [popularity])
      })
    )
  )
})
