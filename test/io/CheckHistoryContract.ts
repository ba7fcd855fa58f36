/** What every layer of `EventLog` tells of checks, as tests that each of them runs. */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Catalog from "../../runtime/Catalog.ts"
import { EventLog } from "../../runtime/EventLog.ts"
import type * as Partition from "../../runtime/Partition.ts"
import * as Facts from "./Facts.ts"

/** A run that publishes versions, and judges them. */
const opened = Effect.gen(function* () {
  const log = yield* EventLog
  const run = yield* Facts.opened(log)
  const judged = (ref: Partition.Ref, check: string, dataVersion: string) => ({
    asset: ref.asset,
    partition: ref.partition,
    check,
    blocking: false,
    dataVersion,
    metadata: { of: dataVersion }
  })
  return {
    ...run,
    log,
    publish: Effect.fnUntraced(function* (
      ref: Partition.Ref,
      dataVersion: string,
      more: Parameters<typeof run.value>[2] = {}
    ) {
      const claim = yield* run.claim(ref)
      yield* run.session.publish({ claim, loaded: [], event: () => run.value(ref, dataVersion, more) }, undefined)
      yield* run.session.release(claim)
    }),
    passed: (ref: Partition.Ref, check: string, dataVersion: string) =>
      log.append([run.tell({ _tag: "CheckPassed", ...judged(ref, check, dataVersion) })]),
    failed: (ref: Partition.Ref, check: string, dataVersion: string, reason = "it is wrong") =>
      log.append([
        run.tell({
          _tag: "CheckFailed",
          ...judged(ref, check, dataVersion),
          severity: "warn",
          accepted: false,
          reason
        })
      ]),
    /** `check of version: reason` of the asset's failures. */
    failures: Effect.map(log.checks.failed, (failed) =>
      failed
        .filter(({ asset }) => asset === run.asset)
        .map(({ check, dataVersion, reason }) => `${check} of ${dataVersion}: ${reason}`)
    )
  }
})

export const suite = (name: string, log: Layer.Layer<EventLog, unknown>) =>
  layer(log, { timeout: "60 seconds" })(name, (it) => {
    it.effect("the failures of the version in force are told, until the check finds them mended", () =>
      Effect.gen(function* () {
        const { failed, failures, passed, publish, ref } = yield* opened
        const slice = ref()
        yield* failed(slice, "unique", "v1")
        expect(yield* failures).toEqual([])
        yield* publish(slice, "v1")
        expect(yield* failures).toEqual(["unique of v1: it is wrong"])
        yield* failed(slice, "unique", "v1", "it still is")
        yield* failed(slice, "fresh", "v1")
        expect(yield* failures).toEqual(["unique of v1: it still is", "fresh of v1: it is wrong"])
        yield* passed(slice, "unique", "v1")
        expect(yield* failures).toEqual(["fresh of v1: it is wrong"])
      })
    )

    it.effect("a failure of another version than the one in force is not told as if it were of this one", () =>
      Effect.gen(function* () {
        const { failed, failures, log, publish, ref, wiped } = yield* opened
        const slice = ref("2026-03-01")
        yield* failed(slice, "unique", "v1")
        yield* publish(slice, "v1")
        // A staged value that a blocking check kept from being published.
        yield* failed(slice, "blocking", "v2")
        expect(yield* failures).toEqual(["unique of v1: it is wrong"])
        yield* publish(slice, "v3")
        expect(yield* failures).toEqual([])
        yield* publish(slice, "v1")
        expect(yield* failures).toEqual(["unique of v1: it is wrong"])
        yield* log.wipe(wiped(slice), Effect.void)
        expect(yield* failures).toEqual([])
      })
    )

    it.effect("a failure over the whole is of the version that all slices have together", () =>
      Effect.gen(function* () {
        const { asset, failed, log, publish, ref } = yield* opened
        yield* publish(ref("2026-03-01"), "v1")
        yield* publish(ref("2026-03-02"), "v2")
        const { version } = Catalog.versionOfAll(yield* log.catalog, asset)!
        yield* failed(ref(), "unique", version)
        const inForce = Effect.map(Effect.all([log.catalog, log.checks.failed]), ([catalog, failed]) =>
          failed.filter(
            (event) => event.asset === asset && Catalog.versionOfAll(catalog, asset)?.version === event.dataVersion
          )
        )
        expect(yield* inForce).toHaveLength(1)
        yield* publish(ref("2026-03-02"), "v3")
        expect(yield* inForce).toHaveLength(0)
      })
    )

    it.effect("what a check found of a version is found again, the last of it", () =>
      Effect.gen(function* () {
        const { failed, log, passed, ref } = yield* opened
        const slice = ref()
        yield* failed(slice, "unique", "v1")
        yield* passed(slice, "unique", "v1")
        yield* failed(slice, "unique", "v2")
        yield* failed(ref("2026-03-01"), "unique", "v1")
        expect(yield* log.checks.found(slice, "unique", "v1")).toMatchObject({ _tag: "CheckPassed" })
        expect(yield* log.checks.found(slice, "unique", "v2")).toMatchObject({ metadata: { of: "v2" } })
        expect(yield* log.checks.found(slice, "fresh", "v1")).toBeUndefined()
      })
    )

    it.effect("the values of a slice come newest first, before a position, and none from before it was wiped", () =>
      Effect.gen(function* () {
        const { asset, log, publish, ref, wiped } = yield* opened
        const slice = ref()
        const versions = (before: number | undefined, limit = 10) =>
          Effect.map(log.checks.earlier(slice, before, limit), (found) =>
            found.map(({ dataVersion, rows }) => `${dataVersion}: ${rows}`)
          )
        yield* publish(slice, "v0", { rows: 9 })
        yield* log.wipe(wiped(slice), Effect.void)
        expect(yield* versions(undefined)).toEqual([])
        yield* publish(slice, "v1", { rows: 1 })
        yield* publish(ref("2026-03-01"), "other")
        yield* publish(slice, "v1", { rows: 1, _tag: "AssetVerified" })
        yield* publish(slice, "v2", { rows: 2 })
        expect(yield* versions(undefined)).toEqual(["v2: 2", "v1: 1", "v1: 1"])
        expect(yield* versions(undefined, 2)).toEqual(["v2: 2", "v1: 1"])
        const { changedPosition } = Catalog.get(yield* log.states([slice]), slice)!
        expect(yield* versions(changedPosition)).toEqual(["v1: 1", "v1: 1"])
        expect((yield* log.checks.earlier({ asset, partition: "2026-03-01" }, undefined, 5))[0]).toMatchObject({
          partition: "2026-03-01",
          rows: null,
          at: expect.stringContaining("2026-01-")
        })
      })
    )

    it.effect("the values of a slice come among those that were published with others and alone", () =>
      Effect.gen(function* () {
        const { asset, log, publish, ref, wiped } = yield* opened
        const slices = (version: string, ...rows: ReadonlyArray<number>) =>
          rows.map((rows, index) => ({
            partition: `2026-03-0${index + 1}`,
            dataVersion: `${version} of ${index + 1}`,
            rows,
            changed: true
          }))
        const versions = (partition: string, limit = 10, before?: number) =>
          Effect.map(log.checks.earlier({ asset, partition }, before, limit), (found) =>
            found.map(({ dataVersion, rows }) => `${dataVersion}: ${rows}`)
          )
        yield* publish(ref("2026-03-01..2026-03-02"), "all 1", { slices: slices("v1", 1, 2) })
        yield* publish(ref("2026-03-02"), "v2 of 2", { rows: 20 })
        yield* publish(ref("2026-03-01..2026-03-03"), "all 3", { slices: slices("v3", 3, 4, 5) })
        yield* publish(ref("2026-03-01..2026-03-03"), "all 3", {
          _tag: "AssetVerified",
          slices: slices("v3", 3, 4, 5).map((slice) => ({ ...slice, changed: false }))
        })
        expect(yield* versions("2026-03-02")).toEqual(["v3 of 2: 4", "v3 of 2: 4", "v2 of 2: 20", "v1 of 2: 2"])
        expect(yield* versions("2026-03-02", 3)).toEqual(["v3 of 2: 4", "v3 of 2: 4", "v2 of 2: 20"])
        expect(yield* versions("2026-03-03")).toEqual(["v3 of 3: 5", "v3 of 3: 5"])
        const { changedPosition } = Catalog.get(yield* log.states([ref("2026-03-01")]), ref("2026-03-01"))!
        expect(yield* versions("2026-03-01", 10, changedPosition)).toEqual(["v1 of 1: 1"])
        yield* log.wipe(wiped(ref("2026-03-02")), Effect.void)
        expect([yield* versions("2026-03-02"), yield* versions("2026-03-01", 1)]).toEqual([[], ["v3 of 1: 3"]])
      })
    )
  })
