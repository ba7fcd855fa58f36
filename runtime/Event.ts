/**
 * The facts the runtime records, in the past tense. Everything else it knows is derived from them.
 *
 * Written by `EventLog` alone; folded by `Catalog`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import { Metadata } from "./IoManager.ts"
import { Key } from "./Partition.ts"
import { Reason } from "./Reason.ts"
import * as SettingFailure from "./SettingFailure.ts"

/** What a value was made from: for each dependency its version in force and the log position it was taken at. */
export const Provenance = Schema.Record(Schema.String, Schema.Struct({ version: Schema.String, position: Schema.Int }))
export type Provenance = typeof Provenance.Type

/**
 * One slice of a value that covers many. Unless `changed` it keeps when and by which run its value last changed; its
 * `provenance` adds to that of the event, where slices differ in what they were made from.
 */
export const Slice = Schema.Struct({
  partition: Schema.String,
  dataVersion: Schema.String,
  rows: Schema.NullOr(Schema.Int),
  changed: Schema.Boolean,
  provenance: Schema.optionalKey(Provenance)
})
export type Slice = typeof Slice.Type

/** Digests of the settings a value was made with, by key; see `ConfigDigests`. */
export const Config = Schema.Record(Schema.String, Schema.String)
export type Config = typeof Config.Type

/** An error as people and programs read it. */
export const Failure = Schema.Struct({ _tag: Schema.String, message: Schema.String })
export type Failure = typeof Failure.Type

/** What a backfill has to bring up to date, decided when it was requested. */
export const BackfillRequest = Schema.Struct({
  selection: Schema.Array(Schema.String),
  /** Which slices it takes: never published ones, those that are not Current, or all. */
  which: Schema.Literals(["Missing", "Stale", "All"]),
  /** By asset, the slices as ranges of keys such as `2026-01-01..2026-01-31`; `null` for an asset without partitions. */
  targets: Schema.Record(Schema.String, Schema.NullOr(Schema.Array(Schema.String))),
  /** How many slices the targets are. */
  slices: Schema.Int,
  /** Steps that compute at the same time; `null` for what is configured where it is carried out. */
  concurrency: Schema.NullOr(Schema.Int)
})
export type BackfillRequest = typeof BackfillRequest.Type

const run = { at: Schema.String, runId: Schema.String }
const step = { ...run, asset: Schema.String, partition: Key }
/** Of a step that takes a range of slices, how many they are. */
const covers = { covers: Schema.optionalKey(Schema.Int) }
const value = {
  ...step,
  codeVersion: Schema.String,
  dataVersion: Schema.String,
  provenance: Provenance,
  config: Config.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  rows: Schema.NullOr(Schema.Int),
  metadata: Metadata,
  attempts: Schema.Int,
  traceId: Schema.NullOr(Schema.String),
  spanId: Schema.NullOr(Schema.String),
  /**
   * Of a value that covers many slices, each of them; `partition` is then the range they make, `dataVersion` a digest
   * of theirs, `rows` the sum, and `provenance` and `metadata` what they share. Fewer than about 50,000 with a
   * dependency each: an event of 16 MiB cannot be read back.
   */
  slices: Schema.optionalKey(Schema.Array(Slice))
}
const partitioning = {
  at: Schema.String,
  /** `null` when no run did it. */
  runId: Schema.NullOr(Schema.String),
  name: Schema.String,
  keys: Schema.Array(Schema.String)
}
/** Told of no single run: a backfill may take several. */
const backfill = { at: Schema.String, runId: Schema.Null, backfill: Schema.String }
const check = {
  ...step,
  check: Schema.String,
  blocking: Schema.Boolean,
  /** The version that was judged, published or not. */
  dataVersion: Schema.String,
  metadata: Metadata
}

/** `at` is ISO 8601 by the runtime's Clock. */
export const Event = Schema.TaggedUnion({
  RunStarted: {
    ...run,
    trigger: Schema.String,
    selection: Schema.Array(Schema.String),
    steps: Schema.Int,
    traceId: Schema.NullOr(Schema.String),
    spanId: Schema.NullOr(Schema.String),
    /** The backfill that it carries out. */
    backfill: Schema.optionalKey(Schema.String)
  },
  StepStarted: { ...step, ...covers, reasons: Schema.Array(Reason) },
  /** The attempt that ended, why, and after how long the next one starts. */
  StepRetried: { ...step, ...covers, attempt: Schema.Int, error: Failure, delayMillis: Schema.Int },
  AssetMaterialized: value,
  /** Computed again with an identical value: nothing was written but provenance. */
  AssetVerified: value,
  /** The version that an external asset was found to have, which is another one than before. */
  AssetObserved: value,
  StepCutOff: { ...step, ...covers },
  /** Because of another asset; with a reason, because of itself: its body had nothing to publish. */
  StepSkipped: {
    ...step,
    ...covers,
    because: Schema.String,
    reason: Schema.optionalKey(Schema.Literal("NothingNew"))
  },
  StepFailed: { ...step, ...covers, error: Failure, attempts: Schema.Int },
  CheckPassed: check,
  CheckFailed: {
    ...check,
    severity: Schema.Literals(["warn", "error"]),
    accepted: Schema.Boolean,
    reason: Schema.String
  },
  AssetWiped: step,
  /** Rows that must go were deleted from it, and this is the version of those that stay; all else of the value stays too. */
  AssetErased: { ...step, dataVersion: Schema.String, rows: Schema.NullOr(Schema.Int) },
  /** Keys that a dynamic partitioning has from now on, after those it had. */
  PartitionsAdded: partitioning,
  /** Keys that it has no longer; what was published of them stays recorded. */
  PartitionsRemoved: partitioning,
  BackfillRequested: { ...backfill, request: BackfillRequest },
  BackfillPaused: backfill,
  /** Carried on, or tried again after it failed. */
  BackfillResumed: backfill,
  BackfillCanceled: backfill,
  BackfillSucceeded: backfill,
  BackfillFailed: backfill,
  RunSucceeded: run,
  RunFailed: { ...run, error: Failure },
  RunCanceled: run,
  /** Its process went away; recorded by the next one. */
  RunInterrupted: run
})
export type Event = typeof Event.Type

export type Of<Tag extends Event["_tag"]> = Extract<Event, { readonly _tag: Tag }>

/** An error as it is recorded. */
export const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const error = Cause.squash(cause)
  const tag =
    typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string"
      ? error._tag
      : error instanceof Error
        ? error.name
        : "Defect"
  return { _tag: tag, message: messageOf(error, tag) }
}

/** The event without what may quote rows: what an error says, why a check failed, the samples that it took. Numbers stay. */
export const redact = (event: Event): Event => {
  switch (event._tag) {
    case "StepRetried":
    case "StepFailed":
      return { ...event, error: { ...event.error, message: redacted } }
    case "CheckPassed":
      return { ...event, metadata: numbersOf(event.metadata) }
    case "CheckFailed":
      return { ...event, metadata: numbersOf(event.metadata), reason: redacted }
    default:
      return event
  }
}

/** The outcome a run is closed with. */
export const isRunEnd = (event: Event): event is Of<"RunSucceeded" | "RunFailed" | "RunCanceled" | "RunInterrupted"> =>
  event._tag === "RunSucceeded" ||
  event._tag === "RunFailed" ||
  event._tag === "RunCanceled" ||
  event._tag === "RunInterrupted"

/** A fact about a backfill as a whole. */
export const isOfBackfill = (
  event: Event
): event is Of<
  | "BackfillRequested"
  | "BackfillPaused"
  | "BackfillResumed"
  | "BackfillCanceled"
  | "BackfillSucceeded"
  | "BackfillFailed"
> => event._tag.startsWith("Backfill")

/** The same event for either storage and people: decodes what `encode` gives. */
export const encode = Schema.encodeSync(Event)
export const decode = Schema.decodeUnknownSync(Event)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** As `assets.redacted` has it. */
const redacted = "removed by an erasure"

const numbersOf = (metadata: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => typeof value === "number" || typeof value === "boolean")
  )

/** An error that was made without a message tells what it has. */
const messageOf = (error: unknown, tag: string): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const setting = SettingFailure.words(error)
  if (setting !== undefined) return setting
  if ("message" in error && typeof error.message === "string" && error.message !== "") return error.message
  const { _tag, ...fields } = error as Record<string, unknown>
  return Object.keys(fields).length === 0 ? tag : Formatter.formatJson(fields)
}
