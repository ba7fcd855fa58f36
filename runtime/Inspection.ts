/**
 * The checks of what is about to be published: each is run and what it found recorded; a blocking one that fails ends the
 * attempt.
 *
 * How a check judges a value is `Judgement`'s, and checks of what is published already are `CheckRun`'s.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Asset from "./Asset.ts"
import * as AssetCheck from "./AssetCheck.ts"
import * as AttemptError from "./AttemptError.ts"
import { failureOf } from "./Event.ts"
import type * as EventLog from "./EventLog.ts"
import type * as IoManager from "./IoManager.ts"
import * as Judgement from "./Judgement.ts"
import * as Keys from "./Keys.ts"
import type { Lineage } from "./Lineage.ts"
import type * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Timestamp from "./Timestamp.ts"

export interface Context {
  /** At the plan's time. */
  readonly lineage: Lineage
  readonly plan: Plan.Plan
  readonly step: Plan.Step
  readonly runId: string
  readonly log: EventLog.EventLog["Service"]
  readonly record: (event: EventLog.Fact) => Effect.Effect<void, EventLog.EventLogError>
}

/** Values that are published together, if at all: that of one slice, or those of a range. */
export interface Candidates {
  /** Their versions by partition, in its order. */
  readonly versions: ReadonlyMap<Partition.Key, string>
  readonly candidate: (partition: Partition.Key) => unknown
  readonly metadata: IoManager.Metadata
  /** All published slices with these in their places, for checks that see them so. */
  readonly whole?: unknown
}

/** Runs every check on every value. Fails when a blocking one did that was not accepted for this run. */
export const run = Effect.fnUntraced(function* (context: Context, asset: Asset.Any, candidates: Candidates) {
  const { log, plan, record, runId } = context
  const setting: Judgement.Setting = { log, asset, moment: context.lineage.moment }
  const failed: Array<AttemptError.FailedCheck> = []
  for (const check of asset.checks) {
    const verdicts = yield* Telemetry.check(check.name)(verdictsOf(check, setting, candidates))
    const accepted = plan.accepted.some((accepted) => accepted.asset === asset.key && accepted.check === check.name)
    const fact = { at: yield* Timestamp.now, runId, accepted }
    const events = verdicts.map((verdict) => Judgement.toEvent(check, verdict, fact))
    // All at once, so that those of a range are written together.
    yield* Effect.forEach(events, record, { concurrency: "unbounded", discard: true })
    const failures = events.filter((event) => event._tag === "CheckFailed")
    if (check.blocking && !accepted && failures.length > 0) {
      failed.push(failedCheck(context, check, failures))
    }
  }
  if (failed.length > 0) return yield* new AttemptError.BlockingCheckFailed({ asset: asset.key, failed })
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Values of a range that a check judges at the same time. */
const atATime = 4

const verdictsOf = Effect.fnUntraced(function* (
  check: Judgement.Check,
  setting: Judgement.Setting,
  { candidate, metadata, versions, whole }: Candidates
) {
  const unable = (partition: Partition.Key, dataVersion: string) => (error: unknown) => {
    // A check that cannot say that its value is good has not passed.
    const reason = `it could not be run: ${failureOf(Cause.fail(error)).message}`
    const verdict: Judgement.Verdict = {
      asset: setting.asset.key,
      partition,
      dataVersion,
      result: AssetCheck.fail(reason)
    }
    return Effect.succeed(verdict)
  }
  const judge = yield* Judgement.make(check, setting)
  if (check.over === "whole") {
    const subject = yield* Judgement.whole(setting, versions, whole)
    return [yield* Effect.catch(erased(judge(subject)), unable(null, subject.dataVersion))]
  }
  return yield* Effect.forEach(
    versions,
    ([partition, dataVersion]) =>
      Effect.catch(
        erased(judge({ partition, dataVersion, position: undefined, candidate: candidate(partition), metadata })),
        unable(partition, dataVersion)
      ),
    { concurrency: atATime }
  )
})

/** Ranges of partitions that a failure names at most; of thousands each other one may fail. */
const mostNamed = 20

/** Of a range the partitions are named, where the name of the step does not say which failed. */
const failedCheck = (
  { lineage, step }: Context,
  { name: check }: Judgement.Check,
  [first, ...others]: ReadonlyArray<{ readonly reason: string } & Partition.Ref>
): AttemptError.FailedCheck => {
  const { asset, partition, reason } = first!
  const keys = lineage.keys(asset)
  if (partition === null || partition === step.partition || keys === undefined) return { check, reason }
  const all = Keys.ranges(
    keys,
    [first!, ...others].map((ref) => lineage.index(ref))
  )
  const more = all.length > mostNamed ? ` and ${all.length - mostNamed} more ranges` : ""
  const names = `${all.slice(0, mostNamed).join(", ")}${more}`
  return { check, reason, slices: { first: partition, count: others.length + 1, names } }
}

// What a check needs is erased here; `Executor.execute` asks for it and the run's context has it.
const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as unknown as Effect.Effect<A, E>
