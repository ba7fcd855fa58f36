/**
 * Reads listings of a fake source under TestClock, as an asset would stage them: last row of a key wins, a restart voids.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Faults from "../../runtime/Faults.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"
import type { World } from "../../assets/source/World.ts"

/** 2026-03-01T12:00:00Z */
export const noon = Date.UTC(2026, 2, 1, 12)
export const today = noon / 86_400_000 - 0.5

/** About 250 users and 150 tracks: 13 and 8 pages of 20. */
export const world: World = SyntheticWorld.make({ seed: 7, users: 250, tracks: 150 })

export const idsOf = (rows: ReadonlyArray<{ readonly id: number }>): ReadonlyArray<number> => rows.map(({ id }) => id)
export const userIds = (shown: World): ReadonlyArray<number> => idsOf(shown.users(today).slice(0, 1e9))

export interface Reading<A> {
  readonly rows: ReadonlyArray<A>
  readonly rejected: ReadonlyArray<MusicApi.Rejection>
  readonly items: number
  readonly restarts: ReadonlyArray<MusicApi.Restart>
}

/** What is staged once the stream has ended, in the order of keys. */
export const collect = <A extends { readonly id: number } | { readonly user_id: number }, E, R>(
  parts: Stream.Stream<MusicApi.Part<A>, E, R>
): Effect.Effect<Reading<A>, E, R> =>
  Effect.suspend(() => {
    const staged = new Map<number, A>()
    const restarts: Array<MusicApi.Restart> = []
    let rejected: Array<MusicApi.Rejection> = []
    let items = 0
    const stage = (part: MusicApi.Part<A>) => {
      if (part._tag === "Restart") {
        staged.clear()
        rejected = []
        items = 0
        restarts.push(part)
        return
      }
      for (const row of part.rows) staged.set("id" in row ? row.id : row.user_id, row)
      rejected.push(...part.rejected)
      items += part.items
    }
    const inOrder = () => Array.from(staged).sort(([left], [right]) => left - right)
    return Effect.map(
      Stream.runForEach(parts, (part) => Effect.sync(() => stage(part))),
      () => ({ rows: inOrder().map(([, row]) => row), rejected, items, restarts })
    )
  })

interface Given {
  readonly faults?: ReadonlyArray<Faults.Scripted | FakeSource.Turn>
  readonly world?: World
  readonly env?: Readonly<Record<string, string>>
}

/** Runs against the fake until done, with the clock going on 20 ms whenever nothing else is to be done. Gives the calls too. */
export const reading = <A, E>(use: (api: MusicApi.MusicApi["Service"]) => Effect.Effect<A, E>, given: Given = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(noon)
    const fiber = yield* Effect.forkChild(
      Effect.gen(function* () {
        const result = yield* Effect.result(use(yield* MusicApi.MusicApi))
        const { all } = yield* Faults.Calls
        return { result, calls: yield* all }
      }).pipe(Effect.provide(layer(given)))
    )
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("20 millis")
    }
    return yield* Fiber.join(fiber)
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const layer = ({ faults = [], world: shown = world, env = {} }: Given) =>
  MusicApi.layer({ baseUrl: new URL("http://music.test") }).pipe(
    Layer.provideMerge(FakeSource.layer({ world: shown, faults })),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ MUSIC_API_PAGE_SIZE: "20", ...env })))
  )
