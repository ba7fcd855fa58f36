/**
 * Keys of dynamic partitionings, which the database keeps: added and removed by asset bodies, programs and people.
 *
 * A run knows the keys its plan was made with; what is added meanwhile counts from the next plan on. What was published
 * of a removed key stays recorded, and counts again when the key is added again; `assets wipe` removes it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AssetGraph } from "./AssetGraph.ts"
import * as EventLog from "./EventLog.ts"
import * as Partition from "./Partition.ts"
import * as Timestamp from "./Timestamp.ts"

/** A text that cannot be a key; nothing was added. `problem` continues "the partition key". */
export class BadPartitionKey extends Schema.TaggedError<BadPartitionKey>()("BadPartitionKey", {
  partitioning: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `the partition key ${this.problem}; nothing was added to ${this.partitioning}`
  }
}

/** The run that changes are recorded with; the executor says so to the bodies of its assets. */
export const Run = Context.Reference<string | null>("assets/DynamicPartitions/Run", { defaultValue: () => null })

/** Adds keys after those there are; answers with the ones that were not there yet. */
export const add = Effect.fn("DynamicPartitions.add")(function* (
  partitioning: Partition.Dynamic,
  keys: Iterable<string>
) {
  const wanted = Array.from(keys)
  for (const key of wanted) {
    const problem = Partition.problemOfKey(key)
    if (problem !== undefined) return yield* new BadPartitionKey({ partitioning: partitioning.name, problem })
  }
  return yield* change("PartitionsAdded", partitioning, wanted)
})

/** Removes keys; answers with the ones that were there. */
export const remove = Effect.fn("DynamicPartitions.remove")((partitioning: Partition.Dynamic, keys: Iterable<string>) =>
  change("PartitionsRemoved", partitioning, Array.from(keys))
)

/** In the order they were added. */
export const keys = Effect.fn("DynamicPartitions.keys")(function* ({ name }: Partition.Dynamic) {
  const log = yield* EventLog.EventLog
  return (yield* log.partitions).get(name) ?? []
})

/** The dynamic partitionings that assets of the graph are cut by, each once, in the graph's order. */
export const declared = (graph: AssetGraph): ReadonlyArray<Partition.Dynamic> =>
  Array.from(
    new Map(
      graph.order
        .flatMap((key) => dimensions(graph.nodes.get(key)!.asset.partitions))
        .map((dynamic) => [dynamic.name, dynamic])
    ).values()
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const change = Effect.fnUntraced(function* (
  _tag: EventLog.PartitionChange["_tag"],
  { name }: Partition.Dynamic,
  keys: ReadonlyArray<string>
) {
  const log = yield* EventLog.EventLog
  return yield* log.changePartitions({ _tag, at: yield* Timestamp.now, runId: yield* Run, name, keys })
})

const dimensions = (partitions: Partition.Partitioning | undefined): ReadonlyArray<Partition.Dynamic> => {
  if (partitions?._tag === "Product") return Object.values(partitions.dimensions).flatMap(dimensions)
  return partitions?._tag === "Dynamic" ? [partitions] : []
}
