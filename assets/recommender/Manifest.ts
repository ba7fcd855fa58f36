/**
 * What is known of a fitted model beside its numbers. It is part of the model's version, so it holds nothing that moves by itself.
 * Leaves out how the model was judged against others, which is known of its promotion.
 */
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import * as Algorithm from "./Algorithm.ts"
import * as Listens from "./Listens.ts"
import type * as Tuning from "./Tuning.ts"

const Recency = Schema.Union([
  Schema.TaggedStruct("Everything", {}),
  Schema.TaggedStruct("HalfLife", { days: Schema.Finite }),
  Schema.TaggedStruct("Window", { days: Schema.Finite })
])

/** By one candidate, on validation: the mean of what decides, or why there is none. */
const Trial = Schema.Struct({
  candidate: Schema.String,
  outcome: Schema.Literals(["Judged", "NotApplicable", "OverBudget"]),
  ndcgAt100: Schema.NullOr(Schema.Finite),
  reason: Schema.NullOr(Schema.String)
})

export const schema = Schema.Struct({
  algorithm: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Json),
  recency: Recency,
  users: Schema.Int,
  tracks: Schema.Int,
  listens: Schema.Int,
  /** Days since 1970-01-01 UTC; null without listens. */
  newestDay: Schema.NullOr(Schema.Int),
  /** Of the tables of ids that indices stand for, and of the listens: sha256 in hexadecimal. */
  digests: Schema.Struct({ users: Schema.String, tracks: Schema.String, listens: Schema.String }),
  /** How listens were divided to choose by, in words. */
  protocol: Schema.String,
  trials: Schema.Array(Trial)
})

export type Manifest = typeof schema.Type

export const make = (
  { algorithm, parameters, recency }: Pick<Algorithm.Candidate, "algorithm" | "parameters" | "recency">,
  listens: Listens.Listens,
  protocol: string,
  trials: ReadonlyArray<Tuning.Trial>
): Manifest => ({
  algorithm,
  parameters,
  recency,
  users: listens.users.length,
  tracks: listens.tracks.length,
  listens: listens.userOf.length,
  newestDay: listens.userOf.length === 0 ? null : Listens.newestDay(listens),
  digests: {
    users: digest(listens.users),
    tracks: digest(listens.tracks),
    listens: digest(listens.userOf, listens.trackOf, listens.days, listens.weights)
  },
  protocol,
  trials: trials.map(({ candidate, outcome }) => ({
    candidate: Algorithm.describe(candidate),
    outcome: outcome._tag,
    ndcgAt100: outcome._tag === "Judged" ? rounded(outcome.means.ndcgAt100) : null,
    reason: reasonOf(outcome)
  }))
})

// internal ------------------------------------------------------------------------------------------------------------------------

const reasonOf = (outcome: Tuning.Trial["outcome"]): string | null => {
  switch (outcome._tag) {
    case "Judged":
      return null
    case "NotApplicable":
      return outcome.reason
    case "OverBudget":
      return `it takes ${operations(outcome.work)} operations, and ${operations(outcome.left)} of the budget were left`
  }
}

const operations = (count: number): string => count.toPrecision(2)

const digest = (...columns: ReadonlyArray<Int32Array | Float64Array>): string =>
  columns
    .reduce(
      (hash, { buffer, byteLength, byteOffset }) => hash.update(new Uint8Array(buffer, byteOffset, byteLength)),
      Crypto.createHash("sha256")
    )
    .digest("hex")

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6
