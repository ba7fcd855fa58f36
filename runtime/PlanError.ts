/**
 * Why a request cannot be planned, in words for the person who asked.
 *
 * A plan that can be made and then fails is no matter of this module.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Key } from "./Partition.ts"

const asset = Schema.String

export const Problem = Schema.TaggedUnion({
  NotPartitioned: {},
  PartitionAndRange: {},
  PartitionsAndRange: {},
  /** `partitioning` is how an asset that was asked for is cut, `example` a partition of it, if there is one. */
  BadPartition: { asset, key: Schema.String, partitioning: Schema.String, example: Key },
  /** `part` of the expression begins at the character `at`, from 0. */
  BadPartitions: {
    asset,
    expression: Schema.String,
    part: Schema.String,
    at: Schema.Int,
    detail: Schema.String
  },
  /** `example` is a key there is; of `timed` partitions a time would do, too. */
  BadEnd: {
    asset,
    flag: Schema.Literals(["from", "to"]),
    key: Schema.String,
    partitioning: Schema.String,
    example: Schema.NullOr(Schema.String),
    timed: Schema.Boolean
  },
  /** `next` are the partitions before and after the range. */
  EmptyRange: {
    asset,
    partitioning: Schema.String,
    from: Schema.NullOr(Schema.String),
    to: Schema.NullOr(Schema.String),
    next: Schema.Array(Schema.String)
  },
  RangeReversed: { from: Schema.String, to: Schema.String },
  /**
   * `span` has the first and the last partition there is; `null` when there is none. Of keys that the database keeps,
   * `removed` are those of the partition that it has no longer, and `some` the first few that it has.
   */
  UnknownPartition: {
    asset,
    partition: Schema.String,
    partitioning: Schema.String,
    span: Schema.NullOr(Schema.Struct({ first: Schema.String, last: Schema.String })),
    removed: Schema.optionalKey(Schema.Array(Schema.String)),
    some: Schema.optionalKey(Schema.Array(Schema.String))
  },
  /** Its source forgets, and nothing was published before its window ended. */
  EndedPartition: { asset, partition: Schema.String },
  /** Its source forgets; what was published before its window ended stays as it is. */
  FrozenPartition: { asset, partition: Schema.String },
  /**
   * `dependencyPartition` is the slice of it that is needed, `null` for all of it; `selection` with the `flags`, such as
   * `--to KEY`, is a request that would work.
   */
  MissingDependency: {
    asset,
    partition: Key,
    dependency: asset,
    dependencyPartition: Key,
    selection: Schema.Array(Schema.String),
    flags: Schema.Array(Schema.String)
  },
  /** `others` are the assets that are always computed with it and are not selected; `selection` is one that would work. */
  ComputedTogether: {
    asset,
    others: Schema.Array(asset),
    selection: Schema.Array(Schema.String),
    flags: Schema.optionalKey(Schema.Array(Schema.String))
  },
  BadAccept: { accept: Schema.String },
  /** `known` are the blocking checks the asset has. */
  UnknownCheck: { asset, check: Schema.String, known: Schema.Array(Schema.String) },
  CheckNotBlocking: { asset, check: Schema.String },
  AcceptOutsidePlan: { asset, check: Schema.String }
})
export type Problem = typeof Problem.Type

/** A mistake of the one who asked: nothing was done. */
export class PlanError extends Schema.TaggedError<PlanError>()("PlanError", {
  problem: Problem,
  /** The command to try with the selection that would work, `assets materialize` unless it is another. */
  command: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return show(this.problem, this.command ?? "assets materialize")
  }
}

export const refuse = (problem: Problem) => Result.fail(new PlanError({ problem }))

/** A word as a shell takes it for one. */
export const quoted = (word: string) => (/^[\w+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const show = (problem: Problem, command: string): string =>
  Problem.match(problem, {
    NotPartitioned: () => "partitions were named, but nothing that is selected has partitions",
    PartitionAndRange: () => "name one partition or a range of them, not both",
    PartitionsAndRange: () => "say which partitions with --partitions, or with --from and --to, not both",
    BadPartitions: ({ asset, at, detail, expression }) =>
      [`the partitions of ${asset}: ${detail}`, `  ${expression}`, `  ${" ".repeat(at)}^`].join("\n"),
    BadPartition: ({ asset, example, key, partitioning }) =>
      `"${key}" is not a partition key; the partitions of ${asset} are ${partitioning}` +
      (example === null ? "" : `, such as ${example}`),
    BadEnd: ({ asset, example, flag, key, partitioning, timed }) => {
      const such = example === null ? "of which there is none as yet" : `such as ${example}`
      return timed
        ? `--${flag} "${key}" is neither a partition of ${asset} (${partitioning}), ${such}, nor a time such as 2026-01 or 2026-01-31`
        : `--${flag} "${key}" is no partition of ${asset} (${partitioning}), ${such}; --from and --to go by their order`
    },
    EmptyRange: ({ asset, from, next, partitioning, to }) => {
      const range = [from === null ? "" : ` from ${from}`, to === null ? "" : ` to ${to}`].join("")
      const there =
        next.length === 0
          ? "there is none as yet"
          : `next to that ${next.length === 1 ? "is" : "are"} ${next.join(" and ")}`
      return `no partition of ${asset} (${partitioning}) begins${range}; ${there}`
    },
    RangeReversed: ({ from, to }) => `the range of partitions ends (${to}) before it starts (${from})`,
    UnknownPartition: ({ asset, partition, partitioning, removed = [], some = [], span }) => {
      const gone =
        removed.length === 0 ? "" : `; ${removed.join(" and ")} ${removed.length === 1 ? "was" : "were"} removed`
      const there =
        span === null
          ? `there is none${removed.length === 0 ? " as yet" : " left"} (${partitioning})`
          : some.length === 0
            ? `it has those from ${span.first} to ${span.last} (${partitioning})`
            : `it has ${some.join(", ")}${some.includes(span.last) ? "" : `, ... and ${span.last}`}`
      return `${asset} has no partition ${partition}${gone}; ${there}`
    },
    EndedPartition: ({ asset, partition }) =>
      `${asset}/${partition} was not materialized while its source could still be asked, and cannot be any more`,
    FrozenPartition: ({ asset, partition }) =>
      `${asset}/${partition} is frozen: its window has ended and its source cannot be asked again`,
    MissingDependency: ({ asset, dependency, dependencyPartition, flags, partition, selection }) =>
      `${slice(asset, partition)} needs ${slice(dependency, dependencyPartition)}, which was never materialized and is ` +
      `not in this plan; try: ${command} ${[...selection, ...flags].map(quoted).join(" ")}`,
    ComputedTogether: ({ asset, flags = [], others, selection }) =>
      `${asset} is computed together with ${others.join(", ")}, not selected; ` +
      `try: ${command} ${[...selection, ...flags].map(quoted).join(" ")}`,
    BadAccept: ({ accept }) => `"${accept}" does not name a check; write ASSET:CHECK`,
    UnknownCheck: ({ asset, check, known }) =>
      `${asset} has no check called "${check}"; ` +
      (known.length === 0 ? "it has no blocking checks" : `its blocking checks are ${known.map(quoted).join(", ")}`),
    CheckNotBlocking: ({ asset, check }) =>
      `the check "${check}" of ${asset} is not blocking: its failure is recorded and there is nothing to accept`,
    AcceptOutsidePlan: ({ asset, check }) => `${asset} is not in this plan, so its check "${check}" cannot be accepted`
  })

const slice = (asset: string, partition: string | null) => (partition === null ? asset : `${asset}/${partition}`)
