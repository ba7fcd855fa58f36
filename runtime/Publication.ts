/**
 * A value that somebody decided on, published in place of a computed one.
 *
 * It is published as a step publishes: claimed, staged, checked, fenced, recorded as a run. So it stays until something
 * that the asset reads has changed, or the asset is forced.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Asset from "./Asset.ts"
import type * as Definitions from "./Definitions.ts"
import * as EventLog from "./EventLog.ts"
import * as Executor from "./Executor.ts"
import * as Invocation from "./Invocation.ts"
import type * as IoManager from "./IoManager.ts"
import * as Plan from "./Plan.ts"
import type * as Runtime from "./Runtime.ts"

/** A blocking check refused the value. */
export class PublicationBlocked extends Schema.TaggedError<PublicationBlocked>()("PublicationBlocked", {
  message: Schema.String
}) {}

export class PublicationFailed extends Schema.TaggedError<PublicationFailed>()("PublicationFailed", {
  message: Schema.String
}) {}

/** Answers with the run's id. `trigger` is what the run is recorded to be asked for by. */
export const publish = Effect.fn("Publication.publish")(function* <K extends string, I extends IoManager.Any, E, R>(
  definitions: Definitions.Definitions,
  asset: Asset.Asset<K, I, E, R, undefined>,
  value: IoManager.Input<NoInfer<I>>,
  trigger: string
) {
  const decided = deciding(definitions, asset.key, value)
  const { execute } = yield* Executor.Executor
  const request: Plan.Request = { ...Plan.everything, selection: [asset.key], force: true }
  const outcome = yield* erased(
    execute(decided, Invocation.plan(decided.graph, request), { trigger, concurrency: 1, observe: () => Effect.void })
  )
  const [failure] = outcome.failures
  if (failure !== undefined) {
    const events = yield* (yield* EventLog.EventLog).events(outcome.runId!)
    const why = events.flatMap(({ event }) => (event._tag === "StepFailed" ? event.error.message : []))
    const message = `${asset.key} could not be published (run ${outcome.runId}): ${why.join("; ")}`
    return yield* failure.byCheck ? new PublicationBlocked({ message }) : new PublicationFailed({ message })
  }
  return outcome.runId!
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The same definitions, whose asset has a body that comes to the value. What it reads still counts. */
const deciding = <D extends Definitions.Definitions>(definitions: D, key: string, value: unknown): D => {
  const { graph } = definitions
  const node = graph.nodes.get(key)!
  const body = { ...node.asset, materialize: () => Effect.succeed(value), retry: undefined, cutoff: undefined }
  const asset: Asset.Any = Object.setPrototypeOf(body, Object.getPrototypeOf(node.asset))
  return { ...definitions, graph: { ...graph, nodes: new Map(graph.nodes).set(key, { ...node, asset }) } }
}

// What the other assets of the project need is not asked for: one step is run, and it has its value.
const erased = <A, E>(effect: Effect.Effect<A, E, any>) => effect as Effect.Effect<A, E, Runtime.Services>
