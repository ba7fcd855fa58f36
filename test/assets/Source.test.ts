import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as DemoSource from "../../assets/source/DemoSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import * as Source from "../../assets/source/Source.ts"
import * as SourceServer from "../../assets/source/SourceServer.ts"
import { dayOf } from "../../assets/source/World.ts"
import { onDatabase, project } from "./Pipeline.ts"
import * as Worlds from "./Worlds.ts"

const environment = (env: Readonly<Record<string, string>>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))

const userIds = Effect.gen(function* () {
  const api = yield* MusicApi.MusicApi
  const pages = yield* Stream.runCollect(api.users)
  return pages.flatMap((part) => (part._tag === "Page" ? part.rows.map(({ id }) => id) : []))
})

const readFrom = (env: Readonly<Record<string, string>>) =>
  Effect.provide(userIds, Source.layer.pipe(Layer.provide(environment(env))))

const idsOf = (users: ReadonlyArray<{ readonly id: number }>) =>
  users.map(({ id }) => id).toSorted((left, right) => left - right)

describe("the source", () => {
  it.live("is the API of MUSIC_API_URL", () =>
    Effect.gen(function* () {
      const world = Worlds.toWorld(Worlds.ring(7))
      const url = yield* SourceServer.start({ world, port: 0 })
      assert.deepStrictEqual(yield* readFrom({ MUSIC_API_URL: url.href }), [1, 2, 3, 4, 5, 6, 7])
    })
  )

  it.live("is the demo world, served as long as it is needed, when MUSIC_API_URL is not set", () =>
    Effect.gen(function* () {
      const today = Worlds.on(DemoSource.world, dayOf(Date.now()))
      const found = yield* readFrom({})
      assert.deepStrictEqual(
        found.toSorted((left, right) => left - right),
        idsOf(today.users)
      )
    })
  )

  const wrong = ["nonsense", "localhost:8000", "ftp://example.org"]
  for (const url of wrong) {
    it.effect(`cannot be reached through MUSIC_API_URL="${url}": no run is opened, and the setting is named`, () =>
      onDatabase(
        Effect.gen(function* () {
          const error = yield* Effect.flip(Effect.provide(project.materialize(), environment({ MUSIC_API_URL: url })))
          assert.strictEqual(error._tag, "ConfigError")
          assert.include(error.message, "MUSIC_API_URL")
          assert.include(error.message, "a URL such as http://localhost:8000")
          assert.deepStrictEqual(yield* project.runs, [])
        })
      )
    )
  }
})
