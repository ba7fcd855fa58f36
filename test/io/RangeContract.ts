/** What every layer of `EventLog` promises about many slices at once, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Catalog from "../../runtime/Catalog.ts"
import type { Of, Slice } from "../../runtime/Event.ts"
import { EventLog, type PartitionChange } from "../../runtime/EventLog.ts"
import * as Facts from "./Facts.ts"

const opened = Effect.gen(function* () {
  return yield* Facts.opened(yield* EventLog)
})

const slice = (partition: string, dataVersion: string, changed: boolean, more: Partial<Slice> = {}): Slice => ({
  partition,
  dataVersion,
  rows: 2,
  changed,
  ...more
})

/** Publishes slices of the run's asset at once. */
const publish = Effect.fnUntraced(function* (
  run: Facts.Opened,
  slices: ReadonlyArray<Slice>,
  more: Partial<Of<"AssetMaterialized">> = {}
) {
  const log = yield* EventLog
  const claim = yield* run.claim(run.ref())
  const range = { asset: run.asset, partition: `${slices[0]!.partition}..${slices.at(-1)!.partition}` }
  const event = run.value(range, "of all", { ...more, slices })
  expect(yield* run.session.publish({ claim, loaded: [], event: () => event }, undefined)).toMatchObject({
    _tag: "Recorded"
  })
  yield* run.session.release(claim)
  const { position } = (yield* log.events(run.runId)).at(-1)!
  return { event, position, partition: range.partition }
})

/** Every field of the published slices of an asset, by partition. */
const states = (asset: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const plain = (catalog: Catalog.Catalog) =>
      Object.fromEntries(Array.from(Catalog.slices(catalog, asset), ([key, state]) => [key, fields(state)]))
    const found = plain(yield* log.catalog)
    expect(plain(yield* log.states([{ asset, partition: null }]))).toEqual(found)
    return found
  })

const fields = (state: Catalog.AssetState): Catalog.AssetState => ({
  asset: state.asset,
  partition: state.partition,
  codeVersion: state.codeVersion,
  dataVersion: state.dataVersion,
  provenance: state.provenance,
  config: state.config,
  changedPosition: state.changedPosition,
  verifiedPosition: state.verifiedPosition,
  materializedAt: state.materializedAt,
  verifiedAt: state.verifiedAt,
  rows: state.rows,
  metadata: state.metadata,
  runId: state.runId,
  traceId: state.traceId,
  spanId: state.spanId
})

const change = (_tag: PartitionChange["_tag"], name: string, ...keys: ReadonlyArray<string>): PartitionChange => ({
  _tag,
  at: "2026-01-01T00:00:00.000Z",
  runId: null,
  name,
  keys
})

export const suite = (name: string, log: Layer.Layer<EventLog, unknown>) =>
  layer(log, { timeout: "60 seconds" })(name, (it) => {
    it.effect("publishes many slices as one event and as a state each", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const own = { own: { version: "o", position: 2 } }
        const shared = { up: { version: "u", position: 1 } }
        const slices = [
          slice("2026-01-01", "v1", true),
          slice("2026-01-02", "v2", true, { rows: null, provenance: own })
        ]
        const { event, partition, position } = yield* publish(run, slices, {
          provenance: shared,
          metadata: { pages: 2 },
          config: { key: "digest" }
        })
        const state = {
          asset: run.asset,
          codeVersion: "1",
          config: { key: "digest" },
          changedPosition: position,
          verifiedPosition: position,
          materializedAt: event.at,
          verifiedAt: event.at,
          metadata: { pages: 2 },
          runId: run.runId,
          traceId: event.traceId,
          spanId: event.spanId
        }
        expect(yield* states(run.asset)).toEqual({
          "2026-01-01": { ...state, partition: "2026-01-01", dataVersion: "v1", provenance: shared, rows: 2 },
          "2026-01-02": {
            ...state,
            partition: "2026-01-02",
            dataVersion: "v2",
            provenance: { ...shared, ...own },
            rows: null
          }
        })
        expect((yield* log.events(run.runId)).slice(1).map(({ event }) => event)).toEqual([event])
        expect(partition).toBe("2026-01-01..2026-01-02")
      })
    )

    it.effect("keeps of slices that did not change in a range when and by which run they did", () =>
      Effect.gen(function* () {
        const [first, second] = [yield* opened, yield* opened]
        const later = { ...second, asset: first.asset, ref: first.ref, value: second.value }
        const once = { provenance: { up: { version: "u1", position: 1 } }, metadata: { by: "first" } }
        yield* publish(first, [slice("a", "a1", true), slice("b", "b1", true)], once)
        const claim = yield* first.claim(first.ref("c"))
        const alone = first.value(first.ref("c"), "c1", { metadata: { by: "itself" } })
        yield* first.session.publish({ claim, loaded: [], event: () => alone }, undefined)
        const before = yield* states(first.asset)
        const { event, position } = yield* publish(
          later,
          [slice("a", "a1", false), slice("b", "b2", true), slice("c", "c1", false), slice("d", "d1", true)],
          { codeVersion: "2", provenance: { up: { version: "u2", position: 2 } }, metadata: { by: "second" } }
        )
        const after = yield* states(first.asset)
        const verified = {
          codeVersion: "2",
          verifiedPosition: position,
          verifiedAt: event.at,
          provenance: event.provenance,
          rows: 2
        }
        expect(after["a"]).toEqual({ ...before["a"], ...verified })
        expect(after["c"]).toEqual({ ...before["c"], ...verified })
        expect(before["a"]).toMatchObject({ metadata: { by: "first" } })
        expect(after["c"]).toMatchObject({ metadata: { by: "itself" } })
        const changed = { changedPosition: position, runId: second.runId, metadata: { by: "second" } }
        expect(after["b"]).toMatchObject({ ...verified, ...changed, dataVersion: "b2", materializedAt: event.at })
        expect(after["d"]).toMatchObject({ ...verified, ...changed, dataVersion: "d1" })
      })
    )

    it.effect("lets a slice of a range be published and wiped alone afterwards", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const shared = { provenance: { up: { version: "u", position: 1 } }, metadata: { by: "range" } }
        yield* publish(run, [slice("a", "a1", true), slice("b", "b1", true), slice("c", "c1", true)], shared)
        const verify = run.value(run.ref("a"), "a1", { _tag: "AssetVerified", metadata: { by: "itself" } })
        const make = run.value(run.ref("b"), "b2", { metadata: { by: "itself" } })
        for (const event of [verify, make]) {
          const claim = yield* run.claim(event)
          yield* run.session.publish({ claim, loaded: [], event: () => event }, undefined)
        }
        yield* log.wipe(run.wiped(run.ref("c")), Effect.void)
        const found = yield* states(run.asset)
        expect(Object.keys(found).sort()).toEqual(["a", "b"])
        expect(found["a"]).toMatchObject({ dataVersion: "a1", provenance: {}, metadata: { by: "range" } })
        expect(found["b"]).toMatchObject({ dataVersion: "b2", provenance: {}, metadata: { by: "itself" } })
      })
    )

    it.effect("forgets nothing that slices still share, however many ranges follow", () =>
      Effect.gen(function* () {
        const run = yield* opened
        for (let round = 0; round < 70; round++) {
          yield* publish(run, [slice("last", `${round}`, true), slice(`only ${round % 3}`, `${round}`, round < 3)], {
            metadata: { round }
          })
        }
        const found = yield* states(run.asset)
        expect(found["last"]).toMatchObject({ metadata: { round: 69 } })
        expect(found["only 1"]).toMatchObject({ metadata: { round: 1 }, dataVersion: "67" })
      })
    )

    it.effect("reads all states as it reads some, whatever their texts and however long", () =>
      Effect.gen(function* () {
        const run = yield* opened
        const odd = ['"', "\\", "'", "{x,y}", "null", "$1", "a\tb\n", "ü 日本 🎵", " ", "\u001f"]
        const long = Object.fromEntries(
          Array.from({ length: 1000 }, (_, index) => [`up_${index}`, { version: `v${index}`, position: index }])
        )
        for (const text of odd) {
          const event = run.value(run.ref(text), text, { metadata: { [text]: [text, ""] }, codeVersion: "" })
          const claim = yield* run.claim(event)
          yield* run.session.publish({ claim, loaded: [], event: () => event }, undefined)
        }
        yield* publish(run, [slice("long", "l", true, { provenance: long }), slice("short", "s", true)], {
          provenance: { ...long, up_0: { version: "another", position: 7 } },
          metadata: { long }
        })
        const found = yield* states(run.asset)
        for (const text of odd) {
          expect(found[text]).toMatchObject({ dataVersion: text, metadata: { [text]: [text, ""] }, codeVersion: "" })
        }
        expect(found["long"]).toMatchObject({ provenance: long, metadata: { long } })
        expect(found["short"]!.provenance["up_0"]).toEqual({ version: "another", position: 7 })
      })
    )

    it.effect("keeps the keys of dynamic partitionings in the order they were added", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { asset: name } = Facts.run()
        const [added, removed] = [
          (...keys: ReadonlyArray<string>) => log.changePartitions(change("PartitionsAdded", name, ...keys)),
          (...keys: ReadonlyArray<string>) => log.changePartitions(change("PartitionsRemoved", name, ...keys))
        ]
        const keys = Effect.gen(function* () {
          const { dynamic } = yield* log.catalog
          expect((yield* log.partitions).get(name)).toEqual(dynamic.get(name))
          return dynamic.get(name)
        })
        expect(yield* keys).toBeUndefined()
        expect(yield* added("zoe", "ann", "zoe", 'q"\\ü')).toEqual(["zoe", "ann", 'q"\\ü'])
        expect(yield* added("ann", "bob")).toEqual(["bob"])
        expect(yield* added("ann", "bob")).toEqual([])
        expect(yield* removed("zoe", "nobody")).toEqual(["zoe"])
        expect(yield* keys).toEqual(["ann", 'q"\\ü', "bob"])
        yield* added("zoe")
        expect(yield* keys).toEqual(["ann", 'q"\\ü', "bob", "zoe"])
        const told = (yield* log.allEvents).flatMap(({ event }) =>
          "keys" in event && event.name === name ? [[event._tag, ...event.keys]] : []
        )
        expect(told).toEqual([
          ["PartitionsAdded", "zoe", "ann", 'q"\\ü'],
          ["PartitionsAdded", "bob"],
          ["PartitionsRemoved", "zoe"],
          ["PartitionsAdded", "zoe"]
        ])
        yield* removed("ann", "bob", "zoe", 'q"\\ü')
        expect(yield* keys).toBeUndefined()
        yield* added("bob")
        const gone = (catalog: Catalog.Catalog) => new Map(catalog.removed.get(name))
        expect(Array.from(gone(yield* log.catalog).keys()).sort()).toEqual(["ann", 'q"\\ü', "zoe"])
        expect(gone(yield* log.catalog)).toEqual(gone(Catalog.fromEvents(yield* log.allEvents)))
      })
    )

    it.effect("adds keys that many add at the same time once", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { asset: name } = Facts.run()
        const wanted = Array.from({ length: 50 }, (_, index) =>
          change("PartitionsAdded", name, "same", `${index % 10}`)
        )
        const added = yield* Effect.forEach(wanted, log.changePartitions, { concurrency: "unbounded" })
        expect(added.flat().sort()).toEqual([..."0123456789", "same"])
        const catalog = Catalog.fromEvents(yield* log.allEvents)
        expect((yield* log.partitions).get(name)).toEqual(catalog.dynamic.get(name))
      })
    )

    it.effect("knows how long steps took, once their run has ended", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const run = yield* opened
        const took = Effect.fnUntraced(function* (partition: string, seconds: number, failed = false) {
          const ref = run.ref(partition)
          const started = run.tell({ _tag: "StepStarted", ...ref, reasons: [] })
          yield* log.append([started])
          const at = new Date(Date.parse(started.at) + seconds * 1000).toISOString()
          const error = { _tag: "Down", message: "no answer" }
          if (failed)
            return yield* log.append([{ ...run.tell({ _tag: "StepFailed", ...ref, error, attempts: 1 }), at }])
          const claim = yield* run.claim(ref)
          yield* run.session.publish({ claim, loaded: [], event: () => run.value(ref, "v", { at }) }, undefined)
        })
        yield* took("a", 2)
        yield* took("b", 7)
        yield* took("c", 1000, true)
        yield* took("d", 3)
        yield* took("e", 4.5)
        expect(yield* log.durations([run.asset])).toEqual(new Map())
        yield* log.append([run.tell({ _tag: "RunFailed", error: { _tag: "Down", message: "no answer" } })])
        expect(yield* log.durations([run.asset, "another"])).toEqual(new Map([[run.asset, 3.75]]))
      })
    )

    it.effect("tells how long a slice took of a step that took a range, and of what was observed", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const [ranged, observed] = [yield* opened, yield* opened]
        const range = { asset: ranged.asset, partition: "a..c" }
        yield* log.append([ranged.tell({ _tag: "StepStarted", ...range, reasons: [] })])
        const started = ranged.tell({ _tag: "StepStarted", ...range, reasons: [] })
        const later = (seconds: number) => new Date(Date.parse(started.at) - 1000 + seconds * 1000).toISOString()
        yield* publish(
          ranged,
          ["a", "b", "c"].map((key) => slice(key, "v", true)),
          { at: later(12) }
        )
        yield* log.append([ranged.tell({ _tag: "RunSucceeded" })])

        const ref = observed.ref()
        const begun = observed.tell({ _tag: "StepStarted", ...ref, reasons: [] })
        yield* log.append([begun])
        const at = new Date(Date.parse(begun.at) + 5000).toISOString()
        const event = observed.value(ref, "v", { _tag: "AssetObserved", at })
        yield* observed.session.publish(
          { claim: yield* observed.claim(ref), loaded: [], event: () => event },
          undefined
        )
        yield* log.append([observed.tell({ _tag: "RunSucceeded" })])
        const known = yield* log.durations([ranged.asset, observed.asset])
        expect(known).toEqual(
          new Map([
            [ranged.asset, 4],
            [observed.asset, 5]
          ])
        )
      })
    )

    it.effect("goes by the last twenty of an asset's steps", () =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const { asset } = Facts.run()
        for (let index = 0; index < 5; index++) {
          const run = yield* opened
          for (let nth = 0; nth < 5; nth++) {
            const ref = { asset, partition: `${nth}` }
            const started = run.tell({ _tag: "StepStarted", ...ref, reasons: [] })
            yield* log.append([started])
            const at = new Date(Date.parse(started.at) + (5 * index + nth + 1) * 1000).toISOString()
            const claim = yield* run.claim(ref)
            yield* run.session.publish({ claim, loaded: [], event: () => run.value(ref, "v", { at }) }, undefined)
            yield* run.session.release(claim)
          }
          yield* log.append([run.tell({ _tag: "RunSucceeded" })])
        }
        expect(yield* log.durations([asset])).toEqual(new Map([[asset, 15.5]]))
      })
    )
  })
