/**
 * What is known of a fitted model beside its numbers. It is part of the model's version, so it holds nothing that moves by itself.
 * Leaves out how the model was judged against others, which is known of its promotion.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Crypto from "node:crypto"
import * as Algorithm from "./Algorithm.ts"
import * as Algorithms from "./Algorithms.ts"
import * as Listens from "./Listens.ts"
import type * as FittedModel from "./FittedModel.ts"
import * as ModelFile from "./ModelFile.ts"
import * as Retraining from "./Retraining.ts"
import type * as Tuning from "./Tuning.ts"

const Recency = Schema.Union([
  Schema.TaggedStruct("Everything", {}),
  Schema.TaggedStruct("HalfLife", { days: Schema.Finite }),
  Schema.TaggedStruct("Window", { days: Schema.Finite })
])

/** By one candidate, on validation: the mean of what decides, or why there is none. */
const Trial = Schema.Struct({
  candidate: Schema.String,
  /** Not told once, as the fields with defaults below. */
  outcome: Schema.optionalKey(Schema.Literals(["Judged", "NotApplicable", "OverBudget"])),
  ndcgAt100: Schema.NullOr(Schema.Finite),
  reason: Schema.NullOr(Schema.String)
})

const Section = Schema.Struct({
  name: Schema.String,
  type: Schema.Literals(["int32", "float32", "float64"]),
  /** A length, or rows and columns. */
  shape: Schema.Array(Schema.Int)
})

/** What has a default was not told once: the champion may have been kept since by a version of this project that did not know it. */
export const schema = Schema.Struct({
  algorithm: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Json),
  /** Of all that is drawn; null where nothing is. */
  seed: Schema.NullOr(Schema.Int).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  recency: Recency,
  users: Schema.Int,
  tracks: Schema.Int,
  listens: Schema.Int,
  /** Days since 1970-01-01 UTC; null without listens. */
  newestDay: Schema.NullOr(Schema.Int),
  /** Of the tables of ids that indices stand for, and of the listens: sha256 in hexadecimal. */
  digests: Schema.Struct({ users: Schema.String, tracks: Schema.String, listens: Schema.String }),
  /** In the order of the file. */
  sections: Schema.Array(Section).pipe(Schema.withDecodingDefaultKey(Effect.succeed([]))),
  /** By asset: what was read. */
  dataVersions: Schema.Record(Schema.String, Schema.String).pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  /** Of the asset that fitted it. */
  codeVersion: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed(""))),
  /** How listens were divided to choose by, in words. */
  protocol: Schema.String,
  /** Means of what was chosen, on validation; null where nothing else was tried. */
  metrics: Schema.NullOr(Schema.Record(Schema.String, Schema.Finite)).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(null))
  ),
  trials: Schema.Array(Trial),
  /** Absent of a baseline, which there is always one of. */
  training: Schema.optionalKey(Retraining.Course)
})

export type Manifest = typeof schema.Type

/**
 * Where a model comes from. These versions are by content: they stay as long as data and code do. What comes out the same from other data or by other
 * code is nevertheless another version of a model, as it has another history to answer for; nothing is served anew for it, since the gate
 * promotes no equal.
 */
export interface Origin {
  readonly model: FittedModel.FittedModel
  readonly dataVersions: Manifest["dataVersions"]
  readonly codeVersion: string
}

export const make = (
  candidate: Algorithm.Candidate,
  listens: Listens.Listens,
  protocol: string,
  trials: ReadonlyArray<Tuning.Trial>,
  { codeVersion, dataVersions, model }: Origin
): Manifest => ({
  algorithm: candidate.algorithm,
  parameters: candidate.parameters,
  seed: Option.getOrNull(seedOf(candidate.parameters["seed"])),
  recency: candidate.recency,
  users: listens.users.length,
  tracks: listens.tracks.length,
  listens: listens.userOf.length,
  newestDay: listens.userOf.length === 0 ? null : Listens.newestDay(listens),
  digests: {
    users: digest(listens.users),
    tracks: digest(listens.tracks),
    listens: digest(listens.userOf, listens.trackOf, listens.days, listens.weights)
  },
  sections: Algorithms.sectionsOf(model).map(({ columns, data, name }) => ({
    name,
    type: ModelFile.typeOf(data),
    shape: columns === undefined ? [data.length] : [columns === 0 ? 0 : data.length / columns, columns]
  })),
  dataVersions,
  codeVersion,
  protocol,
  metrics: metricsOf(trials.find((trial) => trial.candidate === candidate)?.outcome),
  trials: trials.map(({ candidate, outcome }) => ({
    candidate: Algorithm.describe(candidate),
    outcome: outcome._tag,
    ndcgAt100: outcome._tag === "Judged" ? rounded(outcome.means.ndcgAt100) : null,
    reason: reasonOf(outcome)
  }))
})

// internal ------------------------------------------------------------------------------------------------------------------------

const seedOf = Schema.decodeUnknownOption(Schema.Int)

const metricsOf = (outcome: Tuning.Trial["outcome"] | undefined): Manifest["metrics"] =>
  outcome?._tag === "Judged" ? Record.map(outcome.means, rounded) : null

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
