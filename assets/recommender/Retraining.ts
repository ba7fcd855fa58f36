/**
 * Whether a model is trained from nothing or goes on from the one before it, and why: a decision about facts.
 * Leaves out training, and where the facts come from.
 */
import * as Schema from "effect/Schema"
import * as Util from "node:util"
import { Report } from "../../runtime/index.ts"
import type * as Algorithm from "./Algorithm.ts"
import type * as Manifest from "./Manifest.ts"
import * as Signal from "./Signal.ts"

/** Why a model is trained from nothing. */
export const Reason = Schema.Union([
  Schema.TaggedStruct("NoEarlierModel", {}),
  Schema.TaggedStruct("CodeChanged", {}),
  /** What the earlier model is would no longer be tried. */
  Schema.TaggedStruct("NoCandidate", {}),
  /** By so many days of listens. */
  Schema.TaggedStruct("ColdLongAgo", { days: Schema.Int }),
  /** Of somebody who was erased nothing is handed on. */
  Schema.TaggedStruct("UserErased", {}),
  /** The earlier model went on with these very listens: there are none to go on with. */
  Schema.TaggedStruct("NothingNew", {}),
  Schema.TaggedStruct("NotApplicable", { reason: Schema.String }),
  Schema.TaggedStruct("Signalled", { signal: Signal.schema })
])

export type Reason = typeof Reason.Type

/** How a model came about; it is part of its manifest, as the same data may give other models by other courses. */
export const Course = Schema.Struct({
  /** The version that it went on from; null when it was trained from nothing. */
  from: Schema.NullOr(Schema.String),
  /** How often it was gone on with since: by an epoch, or where there are none by fitting the same candidate anew. */
  since: Schema.Int,
  /** The last training from nothing: the newest day of listens then, and why. */
  cold: Schema.Struct({ newestDay: Schema.NullOr(Schema.Int), because: Schema.Array(Reason) }),
  /** How many users had been erased. */
  erased: Schema.Int
})

export type Course = typeof Course.Type

/** What there is to go on from. */
export interface Earlier {
  readonly version: string
  readonly manifest: Manifest.Manifest
}

/** What there is now. */
export interface Facts
  extends Pick<Manifest.Manifest, "codeVersion" | "dataVersions" | "newestDay">, Pick<Course, "erased"> {
  readonly candidates: ReadonlyArray<Algorithm.Candidate>
  /** Listening and tracks since the earlier model, clicks of what is served: those that fired are reasons. */
  readonly signals: ReadonlyArray<Signal.Signal>
}

export type Decision<E> =
  | { readonly _tag: "Cold"; readonly training: Course }
  | { readonly _tag: "Warm"; readonly training: Course; readonly earlier: E; readonly candidate: Algorithm.Candidate }

/**
 * Warm unless there is a reason against it. Asked again about the same data and code, it decides for what was done: from nothing if the earlier
 * model was, with the reasons of that time, so that the same model comes out.
 */
export const decide = <E extends Earlier>(earlier: E | undefined, facts: Facts): Decision<E> => {
  const training = earlier?.manifest.training
  if (earlier === undefined || training === undefined || training.cold.newestDay === null) {
    return cold(facts, [{ _tag: "NoEarlierModel" }])
  }
  const { manifest, version } = earlier
  const candidate = facts.candidates.find((candidate) => isOf(manifest, candidate))
  const another: ReadonlyArray<Reason> = [
    ...when(manifest.codeVersion !== facts.codeVersion, { _tag: "CodeChanged" }),
    ...when(training.erased !== facts.erased, { _tag: "UserErased" })
  ]
  if (another.length === 0 && Util.isDeepStrictEqual(manifest.dataVersions, facts.dataVersions)) {
    return cold(facts, training.from === null ? training.cold.because : [{ _tag: "NothingNew" }])
  }
  const days = (facts.newestDay ?? 0) - training.cold.newestDay
  const due: ReadonlyArray<Reason> = [
    ...another,
    ...when(facts.newestDay === null, { _tag: "NothingNew" }),
    ...when(candidate === undefined, { _tag: "NoCandidate" }),
    ...when(days >= longestWarm, { _tag: "ColdLongAgo", days })
  ]
  const fired = facts.signals.filter(Signal.hasFired)
  return candidate !== undefined && due.length === 0 && fired.every((signal) => isAnswered(training, signal))
    ? { _tag: "Warm", earlier, candidate, training: { ...training, from: version, since: training.since + 1 } }
    : // With what was answered before: it is answered by this, too.
      cold(facts, [...due, ...fired.map((signal): Reason => ({ _tag: "Signalled", signal }))])
}

/** From nothing, whatever is at hand. */
export const cold = (
  { erased, newestDay }: Pick<Facts, "erased" | "newestDay">,
  because: ReadonlyArray<Reason>
): Decision<never> => ({
  _tag: "Cold",
  training: { from: null, since: 0, cold: { newestDay, because }, erased }
})

/** Continues "trained". */
export const explain = ({ cold, from, since }: Course): string => {
  const because = cold.because.map(explainReason).join("; ")
  return from === null
    ? `from nothing: ${because}`
    : `on from ${Report.version(from)}, ${Report.count(since, "training")} after the one from nothing: ${because}`
}

// internal ------------------------------------------------------------------------------------------------------------------------

/** From nothing at least once in so many days of listens. */
const longestWarm = 7

const explainReason = (reason: Reason): string => {
  switch (reason._tag) {
    case "NoEarlierModel":
      return "there was no earlier model to go on from"
    case "CodeChanged":
      return "its code changed"
    case "NoCandidate":
      return "what the earlier model is would no longer be tried"
    case "ColdLongAgo":
      return `the last time was ${Report.count(reason.days, "day")} of listens before`
    case "UserErased":
      return "a user had been erased"
    case "NothingNew":
      return "there were no other listens to go on with"
    case "NotApplicable":
      return `the earlier candidate no longer applied: ${reason.reason}`
    case "Signalled":
      return Signal.explain(reason.signal)
  }
}

const when = (holds: boolean, reason: Reason): ReadonlyArray<Reason> => (holds ? [reason] : [])

/** A manifest keeps parameters in another order than candidates have them. */
const isOf = (manifest: Manifest.Manifest, { algorithm, parameters, recency }: Algorithm.Candidate): boolean =>
  manifest.algorithm === algorithm &&
  Util.isDeepStrictEqual(manifest.parameters, parameters) &&
  Util.isDeepStrictEqual(manifest.recency, recency)

/** Clicks that fell stay so as long as the same version is served, however often there is another challenger. */
const isAnswered = ({ cold }: Course, signal: Signal.Signal): boolean =>
  signal._tag === "Clicks" &&
  cold.because.some(
    (reason) =>
      reason._tag === "Signalled" && reason.signal._tag === "Clicks" && reason.signal.version === signal.version
  )
