/**
 * Cases of a table: assets that are declared, what happens to them, and what is true then.
 *
 * How a case is lived is in `Stage`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Testing from "effect-assets/testing"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Asset from "../../runtime/Asset.ts"
import type * as AssetCheck from "../../runtime/AssetCheck.ts"
import type * as Backfill from "../../runtime/Backfill.ts"
import type * as BackfillLog from "../../runtime/BackfillLog.ts"
import * as DynamicPartitions from "../../runtime/DynamicPartitions.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import * as ExternalAsset from "../../runtime/ExternalAsset.ts"
import type * as Executor from "../../runtime/Executor.ts"
import * as MultiAsset from "../../runtime/MultiAsset.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as Ranges from "../../runtime/Ranges.ts"
import type * as RecordedSpans from "../../runtime/RecordedSpans.ts"
import * as Version from "../../runtime/Version.ts"
import { bodies, body, type Expected, io, quiet, refOf, type Request, Stage } from "./Stage.ts"

export type Row = readonly [
  name: string,
  declared: ReadonlyArray<Asset.Any>,
  actions: ReadonlyArray<Action>,
  expected: Expected
]

/** Noon of 2026-03-10 in UTC, unless an action says otherwise. */
export const table = (title: string, rows: ReadonlyArray<Row>) =>
  describe(title, () => {
    for (const [name, declared, actions, expected] of rows) {
      it.effect(name, () =>
        Effect.gen(function* () {
          const stage = new Stage(declared)
          yield* TestClock.setTime(Date.parse("2026-03-10T12:00:00Z"))
          for (const action of actions) yield* action(stage)
          const found = yield* Effect.provideContext(stage.look(expected), stage.context)
          assert.deepStrictEqual(found, expected)
        }).pipe(Effect.provide(Testing.layerMemory))
      )
    }
  })

// -----------------------------------------------------------------------------
// declarations
// -----------------------------------------------------------------------------

interface Declared<D extends Asset.Deps, P extends Partition.Partitioning | undefined> {
  readonly deps?: D
  readonly partitions?: P
  /** Default: "1"; `null` to leave it to be computed. */
  readonly code?: string | null
  /** What it always comes out as, whatever it is made from. */
  readonly is?: string
  /** A setting that its body reads. */
  readonly reads?: string
  /** Default: by content. */
  readonly version?: Version.Policy<string>
}

export const asset = <D extends Asset.Deps = {}, P extends Partition.Partitioning | undefined = undefined>(
  key: string,
  { code = "1", deps, is, partitions, reads, version = Version.content }: Declared<D, P> = {}
) =>
  Asset.make(key, {
    io,
    ...(code !== null && { codeVersion: code }),
    partitions: partitions as P,
    deps: deps ?? {},
    version,
    materialize: (inputs: object, step) => body(key, inputs, step, { is, reads })
  })

/** Its body takes many slices at once, each of which comes to what it is made from by itself. */
export const inRanges = <P extends Partition.Partitioning>(
  key: string,
  partitions: P,
  options: { readonly deps?: Readonly<Record<string, Asset.Any>>; readonly most?: number; readonly reads?: string } = {}
) =>
  Asset.make(key, {
    io,
    codeVersion: "1",
    partitions: Ranges.ranges(partitions, { most: options.most ?? 100 }),
    deps: (options.deps ?? {}) as {},
    materialize: (_: object, step) => bodies(key, options.deps ?? {}, step, options)
  })

/** Somebody else's, of which observations find what the world shows. */
export const external = <P extends Partition.Partitioning | undefined = undefined>(key: string, partitions?: P) =>
  ExternalAsset.external(key, { io, ...(partitions && { partitions }) }).pipe(
    ExternalAsset.observe((step) => body(key, {}, step, {}))
  )

/** Assets of one computation, which reads these and comes to one value for all of them. */
export const together = <D extends MultiAsset.Deps = {}>(
  keys: ReadonlyArray<string>,
  {
    are = {},
    deps,
    ...options
  }: {
    readonly deps?: D
    readonly subset?: boolean
    readonly partitions?: Partition.Partitioning
    /** Those that always come out as the same. */
    readonly are?: Readonly<Record<string, string>>
  } = {}
): ReadonlyArray<Asset.Any> => {
  const assets = MultiAsset.make({
    ...options,
    codeVersion: "1",
    deps: deps ?? {},
    outputs: Object.fromEntries(keys.map((key) => [key, MultiAsset.output(key, { io })])),
    materialize: (inputs: object, step) =>
      Effect.map(body(keys.join("+"), inputs, step, {}), (value) =>
        Object.fromEntries(keys.map((key) => [key, are[key] ?? `${key} ${value}`]))
      )
  })
  return keys.map((key) => assets[key]!)
}

/** A check that passes as long as the value is not this one. */
export const never = (value: string, options: { readonly blocking: boolean }) =>
  Asset.check<Asset.Any, never, never>(`never ${value}`, {
    ...options,
    run: (found) =>
      Effect.succeed<AssetCheck.Result>(
        found === value ? { _tag: "Failed", reason: `it is ${value}`, metadata: {} } : { _tag: "Passed", metadata: {} }
      )
  })

// -----------------------------------------------------------------------------
// actions
// -----------------------------------------------------------------------------

type Services = BackfillLog.BackfillLog | EventLog.EventLog | Executor.Executor | RecordedSpans.RecordedSpans

export type Action = (stage: Stage) => Effect.Effect<void, unknown, Services>

/** Materializes what the request comes to. */
export const request =
  (request: Request): Action =>
  (stage) =>
    Effect.provideContext(stage.run(request), stage.context)

/** Materializes a selection, or everything that is not Current. */
export const run = (...selection: ReadonlyArray<string>): Action => request({ selection })

export const recheck = (...selection: ReadonlyArray<string>): Action => request({ selection, recheck: true })

export const force = (...selection: ReadonlyArray<string>): Action => request({ selection, force: true })

/** Requests a backfill of what is not Current, unless it says otherwise, and carries it out. */
export const backfill =
  (asked: Partial<Backfill.Asked>): Action =>
  (stage) =>
    Effect.provideContext(stage.backfill(asked), stage.context)

/** Goes on with what failed of the last backfill. */
export const retry: Action = (stage) => Effect.provideContext(stage.retry, stage.context)

/** Plans without doing. */
export const ask =
  (request: Request = {}): Action =>
  (stage) =>
    Effect.provideContext(stage.ask(request), stage.context)

/** From now on a source has this to show. */
export const shows =
  (slice: string, value: string): Action =>
  (stage) =>
    Effect.sync(() => stage.world.shows.set(slice, value))

/** From now on a body has nothing new, until the source shows something. */
export const isQuiet = (slice: string): Action => shows(slice, quiet)

/** A source moves: it shows another value, and is asked again. */
export const move =
  (slice: string, value = "moved"): Action =>
  (stage) =>
    Effect.andThen(shows(slice, value)(stage), recheck(slice.split("/")[0]!)(stage))

/** The logic of an asset moves to another version, that of all slices. */
export const edit =
  (key: string, code: string): Action =>
  (stage) =>
    Effect.sync(() => stage.edit(key, code))

/** The project is declared anew. */
export const declare =
  (...assets: ReadonlyArray<Asset.Any>): Action =>
  (stage) =>
    Effect.sync(() => stage.declare(assets))

export const pass =
  (duration: Duration.Input): Action =>
  () =>
    TestClock.adjust(duration)

export const at =
  (time: string): Action =>
  () =>
    TestClock.setTime(Date.parse(time))

export const wipe =
  (slice: string): Action =>
  () =>
    Effect.flatMap(EventLog.EventLog, (log) =>
      log.wipe({ _tag: "AssetWiped", at: "2026-03-10T12:00:00Z", runId: "wipe", ...refOf(slice) }, Effect.void)
    )

/** Gives a setting a value. */
export const set =
  (key: string, value: string): Action =>
  (stage) =>
    Effect.sync(() => stage.world.settings.set(key, value))

/** Adds keys to a dynamic partitioning. */
export const add =
  (partitioning: Partition.Dynamic, ...keys: ReadonlyArray<string>): Action =>
  () =>
    DynamicPartitions.add(partitioning, keys)

export const remove =
  (partitioning: Partition.Dynamic, ...keys: ReadonlyArray<string>): Action =>
  () =>
    DynamicPartitions.remove(partitioning, keys)

/** From now on it fails to compute a slice, or to publish it. */
export const breaks =
  (what: "body" | "publish", slice: string): Action =>
  (stage) =>
    Effect.sync(() => stage.world.broken.add(`${what} ${slice}`))

/** Something else writes over a published value. */
export const tamper =
  (slice: string, value: string): Action =>
  (stage) =>
    Effect.sync(() => stage.world.published.set(slice, value))

export const mend: Action = (stage) => Effect.sync(() => stage.world.broken.clear())
