/**
 * A body at work in one attempt: the step it is told about, what it tells in return, which settings it reads, and how it
 * ends when there is nothing new.
 *
 * What it computes from and where its value goes is the attempt's.
 */
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Asset from "./Asset.ts"
import type * as AssetGraph from "./AssetGraph.ts"
import * as AttemptError from "./AttemptError.ts"
import * as ConfigDigests from "./ConfigDigests.ts"
import type { Config } from "./Event.ts"
import type * as EventLog from "./EventLog.ts"
import type * as IoManager from "./IoManager.ts"
import * as Partition from "./Partition.ts"
import type * as Quarantine from "./Quarantine.ts"
import * as Telemetry from "./Telemetry.ts"

/** Hears how far bodies say they are. Nobody does unless this is provided. */
export const Watcher = Context.Reference<(step: Partition.Ref, words: string) => Effect.Effect<void>>(
  "assets/Body/Watcher",
  { defaultValue: () => () => Effect.void }
)

export interface Attempted {
  readonly runId: string
  readonly step: Partition.Ref
  /** From 1. */
  readonly attempt: number
  readonly plan: { readonly at: number }
  readonly lineage: { readonly graph: Pick<AssetGraph.AssetGraph, "nodes"> }
  readonly quarantine: Quarantine.Quarantine["Service"]
  /** The settings of whoever planned, which those of a resource may stand before. */
  readonly config: ConfigDigests.ConfigDigests
}

/** What was annotated and which settings were read. */
export interface Told {
  readonly annotations: IoManager.Metadata
  readonly keys: ReadonlySet<string>
}

export class Body {
  readonly step: Asset.Step
  private readonly context: Attempted
  private readonly asset: Asset.Any
  private readonly tally: Tally
  private readonly keys = new Set<string>()
  private readonly provider: ConfigProvider.ConfigProvider

  constructor(context: Attempted, asset: Asset.Any, provider: ConfigProvider.ConfigProvider) {
    this.context = context
    this.asset = asset
    this.tally = new Tally()
    this.step = stepOf(context, asset, this.tally)
    this.provider = new ConfigDigests.Recorder(provider, this.keys)
  }

  /** Runs what the body does and whatever reads on from it; answers with nothing when it had nothing new. */
  run<A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A | undefined, E, R> {
    return work.pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, this.provider),
      Effect.catchCause((cause) => (saysNothingNew(cause) ? Effect.succeed(undefined) : Effect.failCause(cause)))
    )
  }

  /** Fails when too much was set aside. */
  limit(): Effect.Effect<void, AttemptError.TooManyRejected> {
    return limit(this.asset, this.tally)
  }

  /** The settings that were read so far, and those the asset names. */
  settings(): Effect.Effect<Config, EventLog.EventLogError> {
    const { asset, context, keys } = this
    if (keys.size === 0 && asset.config.length === 0) return Effect.succeed({})
    return Effect.map(context.config.of(new Set([...keys, ...asset.config])), (digests) => Object.fromEntries(digests))
  }

  metadata(): IoManager.Metadata {
    const { annotations, rejected } = this.tally
    return rejected === 0 ? annotations : { ...annotations, quarantined: rejected }
  }

  /** What another body that takes part in this one's computation has to hear. */
  told(): Told {
    return { annotations: this.tally.annotations, keys: new Set(this.keys) }
  }

  hear({ annotations, keys }: Told): void {
    this.tally.annotations = { ...this.tally.annotations, ...annotations }
    for (const key of keys) this.keys.add(key)
  }
}

/** With the settings of the fiber that runs this. */
export const make = (context: Attempted, asset: Asset.Any) =>
  Effect.map(ConfigProvider.ConfigProvider, (provider) => new Body(context, asset, provider))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

class Tally {
  seen = 0
  rejected = 0
  example = ""
  annotations: IoManager.Metadata = {}
}

const stepOf = (context: Attempted, asset: Asset.Any, tally: Tally): Asset.Step => {
  const { attempt, lineage, plan, quarantine, runId, step } = context
  const target = { runId, asset: step.asset, partition: step.partition }
  return {
    asset: asset.key,
    partition: step.partition as string & null,
    keys: Partition.split(asset.partitions, step.partition),
    runId,
    codeVersion: lineage.graph.nodes.get(asset.key)!.codeVersion,
    attempt,
    now: plan.at,
    progress: (words) =>
      Effect.andThen(
        Telemetry.progress(words),
        Effect.flatMap(Watcher, (hear) => hear(step, words))
      ),
    annotate: (metadata) => Effect.sync(() => void (tally.annotations = { ...tally.annotations, ...metadata })),
    seen: (items) => Effect.sync(() => void (tally.seen += items)),
    reject: (items) =>
      Effect.suspend(() => {
        if (items.length === 0) return Effect.void
        tally.rejected += items.length
        tally.example ||= items[0]!.reason
        return quarantine.add({ ...target, attempt }, items)
      }),
    nothingNew,
    startOver: Effect.suspend(() => {
      tally.seen = tally.rejected = 0
      tally.example = ""
      return quarantine.clear({ ...target, attempt: attempt + 1 })
    })
  }
}

const limit = (asset: Asset.Any, { example, rejected, seen }: Tally) => {
  const { atLeast, share } = asset.quarantine
  if (rejected === 0) return Effect.void
  if (rejected < atLeast || rejected <= seen * share) return Telemetry.recordQuarantined(asset.key, rejected)
  return Effect.fail(new AttemptError.TooManyRejected({ asset: asset.key, rejected, seen, share, example }))
}

/** No error, so that no type of a body has to say so, and nothing that handles errors takes it for one. */
class NothingNew {}

const nothingNew = Effect.die(new NothingNew())

// What ran beside it was interrupted; what failed beside it has failed.
const saysNothingNew = ({ reasons }: Cause.Cause<unknown>): boolean =>
  reasons.some((reason) => Cause.isDieReason(reason) && reason.defect instanceof NothingNew) &&
  !reasons.some(Cause.isFailReason)
