/**
 * The commands about partitions: which there are, and which keys a dynamic partitioning has.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AssetGraph } from "./AssetGraph.ts"
import * as Confirmation from "./Confirmation.ts"
import * as DynamicPartitions from "./DynamicPartitions.ts"
import * as EventLog from "./EventLog.ts"
import * as ExitCode from "./ExitCode.ts"
import { answer, definitions, type Invocation } from "./Invocation.ts"
import * as Partition from "./Partition.ts"
import * as Project from "./Project.ts"
import * as Report from "./Report.ts"

/** Of a dynamic partitioning, or of an asset as it is cut now; one key a line. */
export const list = Effect.fn("PartitionActions.list")(function* (invocation: Invocation, name: string) {
  const project = yield* definitions(invocation)
  const partitioning = yield* find(project.graph, name)
  const found = yield* Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    return new Partition.Moment(yield* Clock.currentTimeMillis, yield* log.partitions).keys(partitioning).all
  }).pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, found, () => found)
})

export const add = Effect.fn("PartitionActions.add")(function* (
  invocation: Invocation,
  name: string,
  keys: ReadonlyArray<string>
) {
  const project = yield* definitions(invocation)
  const partitioning = yield* findDynamic(project.graph, name)
  const added = yield* DynamicPartitions.add(partitioning, keys).pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, { name, added }, () => [told(name, "added", added, "it has them all")])
})

/** Asks on a terminal; needs `yes` elsewhere. */
export const remove = Effect.fn("PartitionActions.remove")(function* (
  invocation: Invocation,
  name: string,
  keys: ReadonlyArray<string>,
  yes: boolean
) {
  const project = yield* definitions(invocation)
  const partitioning = yield* findDynamic(project.graph, name)
  const removed = yield* Effect.gen(function* () {
    const known = new Set(yield* DynamicPartitions.keys(partitioning))
    const there = keys.filter((key) => known.has(key))
    if (there.length === 0) return there
    const intent = `remove ${there.join(", ")} from ${name}`
    const question = `${intent[0]!.toUpperCase()}${intent.slice(1)}? What was published of them stays until it is wiped.`
    if (!yes && !(yield* Confirmation.ask(invocation, { intent: `would ${intent}`, question }))) return []
    return yield* DynamicPartitions.remove(partitioning, there)
  }).pipe(Effect.provide(Project.services(project)))
  yield* answer(invocation, { name, removed }, () => [told(name, "removed", removed, "nothing was removed")])
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const told = (name: string, verb: string, keys: ReadonlyArray<string>, otherwise: string): string =>
  keys.length === 0 ? `${name}: ${otherwise}` : `${name}: ${verb} ${Report.count(keys.length, "partition")}`

/** What is declared under a name; of an asset and a dynamic partitioning of one name, the latter. */
const find = Effect.fnUntraced(function* (graph: AssetGraph, name: string) {
  const dynamic = DynamicPartitions.declared(graph).find((dynamic) => dynamic.name === name)
  if (dynamic !== undefined) return dynamic
  const node = graph.nodes.get(name)
  if (node?.asset.partitions !== undefined) return node.asset.partitions
  const problem =
    node === undefined ? `no asset or dynamic partitioning is called "${name}"` : `${name} has no partitions`
  return yield* new ExitCode.UsageError({ message: `${problem}${thereAre(graph)}` })
})

const findDynamic = Effect.fnUntraced(function* (graph: AssetGraph, name: string) {
  const dynamic = DynamicPartitions.declared(graph).find((dynamic) => dynamic.name === name)
  if (dynamic !== undefined) return dynamic
  return yield* new ExitCode.UsageError({ message: `no dynamic partitioning is called "${name}"${thereAre(graph)}` })
})

const thereAre = (graph: AssetGraph): string => {
  const names = DynamicPartitions.declared(graph).map(({ name }) => name)
  return names.length === 0 ? "; no asset has dynamic partitions" : `; dynamic partitionings are ${names.join(", ")}`
}
