/** What the gate said of challengers, and when the champion changed, as the steps of `model_champion` told it. */
import type * as Effect from "effect/Effect"
import { Metadata, type ProjectCommand } from "../../runtime/index.ts"
import { model } from "../model.ts"

export type Event = Effect.Success<ReturnType<ProjectCommand.Call["Service"]["history"]>>[number]

export interface Judgement {
  /** ISO 8601. */
  readonly at: string
  readonly runId: string
  readonly verdict: string
  readonly explanation: string
  /** Markdown. */
  readonly card: string
}

/** A version that an alias got; `verdict` is the gate's, `null` where somebody decided. */
export interface Change {
  readonly at: string
  readonly runId: string
  readonly version: string
  readonly verdict: string | null
}

/** The last time that this version was the challenger and was judged. `events` are newest first. */
export const of = (events: ReadonlyArray<Event>, version: string): Judgement | undefined => {
  for (const { at, metadata, provenance, runId } of events) {
    const { card, explanation, verdict } = metadata
    if (provenance[model.key]?.version !== version || card === undefined) continue
    return { at, runId, verdict: text(verdict), explanation: text(explanation), card: text(card) }
  }
  return undefined
}

/** In the order of `events`. */
export const changes = (events: ReadonlyArray<Event>): ReadonlyArray<Change> =>
  events
    .filter(({ _tag }) => _tag === "AssetMaterialized")
    .map(({ at, dataVersion, metadata: { verdict }, runId }) => ({
      at,
      runId,
      version: dataVersion,
      verdict: verdict === undefined ? null : text(verdict)
    }))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const text = (member: Event["metadata"][string] | undefined): string => {
  if (member === undefined) return ""
  const told = Metadata.of(member)
  return told._tag === "Metadata.Text" || told._tag === "Metadata.Markdown" ? told.value : JSON.stringify(member)
}
