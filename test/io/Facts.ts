/** Events of runs and assets that no other test has, a second apart, and histories of them drawn at random. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Event, Of } from "../../runtime/Event.ts"
import type * as EventLog from "../../runtime/EventLog.ts"
import type * as Partition from "../../runtime/Partition.ts"

let taken = 0

type Told<E> = E extends Event ? Omit<E, "at" | "runId"> : never

/** A run and an asset; later ones start later. */
export const run = () => {
  taken += 1
  const runId = `run_${String(taken).padStart(6, "0")}`
  const asset = `asset_${taken}`
  let at = Date.UTC(2026, 0, 1) + taken * 3_600_000
  const tell = <E extends Told<Event>>(told: E) => {
    at += 1000
    return { at: new Date(at).toISOString(), runId, ...told }
  }
  const traced = { traceId: `trace of ${runId}`, spanId: `span of ${runId}` }
  return {
    runId,
    asset,
    ref: (partition: Partition.Key = null): Partition.Ref => ({ asset, partition }),
    tell,
    started: tell({ _tag: "RunStarted", trigger: "test", selection: [], steps: 1, ...traced }),
    value: (
      ref: Partition.Ref,
      dataVersion: string,
      more: Partial<Of<"AssetMaterialized">> | Partial<Of<"AssetVerified">> | Partial<Of<"AssetObserved">> = {}
    ) =>
      tell({
        _tag: "AssetMaterialized",
        asset: ref.asset,
        partition: ref.partition,
        codeVersion: "1",
        dataVersion,
        provenance: {},
        config: {},
        rows: null,
        metadata: {},
        attempts: 1,
        ...traced,
        ...more
      }) as EventLog.Value,
    erased: ({ asset, partition }: Partition.Ref, dataVersion: string, rows: number): Of<"AssetErased"> =>
      tell({ _tag: "AssetErased", asset, partition, dataVersion, rows }),
    wiped: ({ asset, partition }: Partition.Ref): Of<"AssetWiped"> => tell({ _tag: "AssetWiped", asset, partition })
  }
}

export type Run = ReturnType<typeof run>

export interface Opened extends Run {
  readonly session: EventLog.Session
  readonly claim: (ref: Partition.Ref) => Effect.Effect<EventLog.Claim, EventLog.EventLogError>
}

/** A run that has started, with its session. */
export const opened = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"]) {
  const facts = run()
  const session = yield* log.session(facts.runId)
  yield* log.append([facts.started])
  const opened: Opened = { ...facts, session, claim: (ref) => claimed(session, ref) }
  return opened
})

/** Until the slice is given: one that was given back may take a moment to be free. */
export const claimed = (
  session: EventLog.Session,
  ref: Partition.Ref
): Effect.Effect<EventLog.Claim, EventLog.EventLogError> =>
  Effect.flatMap(
    session.claim(ref),
    Option.match({
      onNone: () => Effect.andThen(Effect.yieldNow, claimed(session, ref)),
      onSome: (claim) => Effect.succeed(claim)
    })
  )

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const step = { run: upTo(1), slice: upTo(3), attempts: upTo(3), alone: Schema.Boolean }

const value = { run: upTo(1), slice: upTo(3), attempts: upTo(3), version: upTo(2) }

/** Many steps to one end of a run, after which nothing more is told of it. Who is not `alone` is appended with the next. */
export const Happening = Schema.TaggedUnion({
  Started: step,
  Retried: step,
  CutOff: step,
  Skipped: step,
  Failed: step,
  Materialized: value,
  Verified: value,
  Observed: value,
  Wiped: value,
  Erased: value,
  /** The first two slices at once; bits say which are there, and which of them changed. */
  Ranged: { run: upTo(0), attempts: upTo(3), there: upTo(3), changed: upTo(3) },
  Ended: { run: upTo(1), as: Schema.Literals(["Succeeded", "Failed", "Canceled", "Interrupted"]) }
})
export type Happening = typeof Happening.Type

/** What a happening is recorded as. */
export const toEvent = (
  happening: Happening,
  { erased, tell, value, wiped }: Run,
  refs: ReadonlyArray<Partition.Ref>
): Exclude<EventLog.Fact | EventLog.Value | Of<"AssetErased">, { readonly runId: null }> => {
  const error = { _tag: "Down", message: "no answer" }
  if (happening._tag === "Ended") {
    return happening.as === "Failed" ? tell({ _tag: "RunFailed", error }) : tell({ _tag: `Run${happening.as}` })
  }
  if (happening._tag === "Ranged") return ranged(happening, value, refs)
  const { asset, partition } = refs[happening.slice]!
  const { attempts } = happening
  switch (happening._tag) {
    case "Started":
      return tell({ _tag: "StepStarted", asset, partition, reasons: [] })
    case "Retried":
      return tell({ _tag: "StepRetried", asset, partition, attempt: attempts, error, delayMillis: 100 })
    case "CutOff":
      return tell({ _tag: "StepCutOff", asset, partition })
    case "Skipped":
      return attempts === 0
        ? tell({ _tag: "StepSkipped", asset, partition, because: asset, reason: "NothingNew" })
        : tell({ _tag: "StepSkipped", asset, partition, because: "other" })
    case "Failed":
      return tell({ _tag: "StepFailed", asset, partition, error, attempts })
    case "Wiped":
      return wiped({ asset, partition })
    case "Erased":
      return erased({ asset, partition }, `e${happening.version}`, happening.version)
    default: {
      const { _tag, version } = happening
      const provenance = { up: { version: `${version}`, position: 1 } }
      const more = { rows: version, metadata: { version }, provenance, config: { key: `${version}` } }
      return value({ asset, partition }, `v${version}`, { _tag: `Asset${_tag}`, attempts, ...more })
    }
  }
}

const ranged = (
  { attempts, changed, there }: Extract<Happening, { readonly _tag: "Ranged" }>,
  value: Run["value"],
  refs: ReadonlyArray<Partition.Ref>
): EventLog.Value => {
  const is = (bits: number, index: number) => (bits & (1 << index)) > 0
  const slices = refs.slice(0, 2).flatMap(({ partition }, index) => {
    if (!is(there, index)) return []
    const slice = { partition: partition!, dataVersion: `r${attempts}`, rows: attempts, changed: is(changed, index) }
    return [index === 0 ? slice : { ...slice, provenance: { own: { version: "1", position: 2 } } }]
  })
  return value({ asset: refs[0]!.asset, partition: "a..b" }, "of both", {
    _tag: changed === 0 ? "AssetVerified" : "AssetMaterialized",
    attempts,
    rows: 3,
    metadata: { attempts },
    provenance: { up: { version: `${changed}`, position: 1 } },
    slices
  })
}
