import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Testing from "effect-assets/testing"
import definitions from "../assets/index.ts"
import { recommendations } from "../assets/recommendations.ts"
import * as FakeSource from "../assets/source/FakeSource.ts"
import * as MusicApi from "../assets/source/MusicApi.ts"
import * as SyntheticWorld from "../assets/source/SyntheticWorld.ts"

const world = SyntheticWorld.make({ seed: 7, users: 60, tracks: 40 })

/** The recommender, reading a source that has no socket and whose faults are scripted. */
const pipeline = (...faults: ReadonlyArray<Testing.Faults.Scripted>) => {
  const api = MusicApi.layer({ baseUrl: new URL("http://music.test") })
  return Testing.pipeline(definitions).pipe(Testing.resources(Layer.provide(api, FakeSource.layer({ world, faults }))))
}

it.effect("a source that refuses keeps its dependents from running, and what was published stays", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
    const first = yield* pipeline().materialize()
    assert.strictEqual(first.status, "Succeeded")
    const served = yield* pipeline().rows(recommendations)

    const refusing = pipeline(Testing.Faults.on({ path: "/tracks" }, Testing.Faults.status(403)))
    const second = yield* refusing.materialize("*", { recheck: true })
    assert.strictEqual(
      second.explain,
      `users                      Verified  recheck requested
tracks                     Failed    MusicApiError: http://music.test/tracks?page=1&size=100: the API answered 403. Check that MUSIC_API_URL is the API's base URL.
listen_history/2026-03-01  Verified  recheck requested
features                   Skipped   because of tracks
model                      Skipped   because of features
model_champion             Skipped   because of model
recommendations            Skipped   because of model_champion
Failed`
    )
    assert.deepStrictEqual(yield* refusing.rows(recommendations), served)

    const step = second.spans.find(({ name }) => name === "materialize users")
    assert.deepInclude(step?.attributes, { "asset.reason": "RecheckRequested", "asset.outcome": "Verified" })
  }).pipe(Effect.provide(Testing.layerPostgres(definitions)))
)
