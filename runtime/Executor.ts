/**
 * Carries out a plan: every step as soon as what it waits for has settled, each fact recorded when it is one.
 *
 * Decides nothing that `Staleness` and `Plan` can decide; how one step goes is in `Step`, and its run's record in
 * `RunRecord`.
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import * as CodeHistory from "./CodeHistory.ts"
import * as CodeManifest from "./CodeManifest.ts"
import * as ConfigDigests from "./ConfigDigests.ts"
import type * as Definitions from "./Definitions.ts"
import * as DynamicPartitions from "./DynamicPartitions.ts"
import type { Event, Failure } from "./Event.ts"
import * as EventLog from "./EventLog.ts"
import * as IoManager from "./IoManager.ts"
import { Gates } from "./Gates.ts"
import { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as Quarantine from "./Quarantine.ts"
import * as Resources from "./Resources.ts"
import * as RunRecord from "./RunRecord.ts"
import { SharedBodies } from "./SharedBodies.ts"
import * as Step from "./Step.ts"
import * as Telemetry from "./Telemetry.ts"
import * as Workers from "./Workers.ts"

export interface Options {
  /** What asked for the run: `materialize`, `backfill`, `test`. */
  readonly trigger: string
  /** The id of the backfill that it carries out. */
  readonly backfill?: string | undefined
  /** Steps that compute at the same time; those that wait do not count. */
  readonly concurrency: number
  /** Sees every event once it is recorded; those of the run and of each slice in order. */
  readonly observe: (event: Event) => Effect.Effect<void>
}

/** What a run came to. */
export interface Outcome {
  /** `null` when the plan was empty and nothing was run. */
  readonly runId: string | null
  readonly plan: Plan.Plan
  readonly status: "Succeeded" | "Failed"
  readonly failures: ReadonlyArray<Step.Failed>
}

export class Executor extends Context.Service<
  Executor,
  {
    /**
     * Runs the plan that `plan` makes, unless it is empty. Failed steps are part of the outcome; an error means that
     * the run could not start, or not go on. An interrupt ends every step, drops its staging and records `RunCanceled`.
     */
    readonly execute: <D extends Definitions.Definitions, E, R>(
      definitions: D,
      plan: Effect.Effect<Plan.Plan, E, R>,
      options: Options
    ) => Effect.Effect<
      Outcome,
      E | EventLog.EventLogError | Resources.ResourcesUnavailable | Config.ConfigError,
      R | Definitions.Requirements<D>
    >
  }
>()("assets/Executor") {}

/** Runs every step in this process. */
export const layer: Layer.Layer<Executor, never, EventLog.EventLog | Quarantine.Quarantine | IoManager.Staging> =
  Layer.effect(
    Executor,
    Effect.gen(function* () {
      // Only these: a tracer is the caller's.
      const services = Context.pick(
        EventLog.EventLog,
        Quarantine.Quarantine,
        IoManager.Staging
      )(yield* Effect.context<EventLog.EventLog | Quarantine.Quarantine | IoManager.Staging>())
      return Executor.of({
        execute: (definitions, plan, options) =>
          RunRecord.traced((root) =>
            Effect.flatMap(Telemetry.plan(plan), (made) =>
              Effect.provideContext(carryOut(root, definitions, made, options), services)
            )
          )
      })
    })
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const carryOut = Effect.fnUntraced(function* (
  root: RunRecord.Root,
  definitions: Definitions.Definitions,
  plan: Plan.Plan,
  options: Options
) {
  if (plan.steps.length === 0) {
    yield* RunRecord.reconcile(root)
    const nothingToDo: Outcome = { runId: null, plan, status: "Succeeded", failures: [] }
    return nothingToDo
  }
  // Before the resources, which may bring a provider of their own.
  const config = yield* ConfigDigests.make
  // A wrong setting is told before there is a run; a resource that is not there is what the run failed of.
  const resources = yield* Effect.result(Resources.build(definitions))
  if (Result.isFailure(resources) && resources.failure._tag === "ConfigError") {
    return yield* Effect.fail(resources.failure)
  }
  const failures = yield* RunRecord.recorded(
    root,
    {
      trigger: options.trigger,
      backfill: options.backfill,
      selection: plan.selection,
      steps: plan.steps.length,
      observe: options.observe,
      failure: summary
    },
    (work) =>
      Effect.flatMap(Effect.fromResult(resources), (context) =>
        steps(work, config, definitions, plan, options).pipe(
          Effect.provideContext(context),
          Effect.provideService(DynamicPartitions.Run, root.runId)
        )
      )
  )
  const status = failures.length === 0 ? "Succeeded" : "Failed"
  const outcome: Outcome = { runId: root.runId, plan, status, failures }
  return outcome
}, Effect.scoped)

/** Each step becomes ready when the steps it waits for have settled; answers with those that failed. */
const steps = Effect.fnUntraced(function* (
  work: RunRecord.Work,
  config: ConfigDigests.ConfigDigests,
  definitions: Definitions.Definitions,
  plan: Plan.Plan,
  { concurrency, observe }: Options
) {
  const togetherOf = (asset: string) => definitions.graph.nodes.get(asset)!.asset.together
  const context: Step.Context = {
    ...work,
    config,
    code: yield* CodeHistory.make,
    shared: new SharedBodies(plan.steps, togetherOf),
    log: yield* EventLog.EventLog,
    quarantine: yield* Quarantine.Quarantine,
    lineage: new Lineage(definitions.graph, new Partition.Moment(plan.at, plan.dynamic, plan.removed)),
    plan,
    observe,
    isTraced: (yield* Effect.tracer) !== Tracer.Tracer.defaultValue()
  }

  const settled = plan.steps.map((): Step.Settled | undefined => undefined)
  const gates = new Gates(plan.steps)
  const manifests = CodeManifest.inForce(plan.steps.map(({ asset }) => definitions.graph.nodes.get(asset)!))
  if (manifests.size > 0) yield* context.log.describeCode(manifests)

  yield* Workers.run({
    count: concurrency,
    total: plan.steps.length,
    first: gates.open,
    work: (index, workers) => {
      const step = plan.steps[index]!
      const broken = gates.broken(step)
      const outcome =
        broken === undefined ? Step.run(context, step, workers) : Step.skip(context, step, plan.steps[broken]!)
      return Effect.map(outcome, (outcome) => {
        settled[index] = outcome
        const together = togetherOf(step.asset)
        if (together !== undefined) context.shared.settle(together, step)
        return gates.settle(index, isBroken(outcome))
      })
    }
  })

  return settled.filter((outcome) => outcome?._tag === "Failed")
})

// What waits for a slice that stays absent decides by what else there is to read.
const isBroken = (outcome: Step.Settled) => outcome._tag === "Failed" || outcome._tag === "Skipped"

/** Failed steps that the failure of a run names; of a backfill there may be thousands. */
const mostNamed = 20

const summary = (failures: ReadonlyArray<Step.Failed>): Failure | undefined => {
  if (failures.length === 0) return undefined
  const named = failures.slice(0, mostNamed).map(({ ref }) => Partition.show(ref))
  const names = [named.join(", "), ...(failures.length > mostNamed ? [`${failures.length - mostNamed} more`] : [])]
  return {
    _tag: "StepsFailed",
    message: `${failures.length} ${failures.length === 1 ? "step" : "steps"} failed: ${names.join(" and ")}`
  }
}
