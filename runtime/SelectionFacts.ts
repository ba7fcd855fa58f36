/**
 * What is recorded of assets as selections ask about it: their statuses, and what has changed since they were made.
 */
import type * as Reason from "./Reason.ts"
import type * as Selection from "./Selection.ts"
import type { Vocabulary } from "./SelectionSyntax.ts"
import * as Staleness from "./Staleness.ts"

export const make = (assessments: Staleness.Assessments): Selection.Facts => ({
  hasStatus: (asset, status) => Staleness.aggregate(assessments, asset)[statuses[status]] > 0,
  hasChanged: (asset, what) =>
    Staleness.causesOf(assessments, asset).some((causes) => causes.some((cause) => changes[cause._tag] === what))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const statuses: Readonly<Record<Vocabulary["status"], Reason.Status>> = {
  missing: "Missing",
  stale: "Stale",
  maybe: "Maybe",
  current: "Current"
}

/** That a source is due to be asked again is no change. */
const changes: Readonly<Record<string, Vocabulary["changed"]>> = {
  CodeChanged: "code",
  ConfigChanged: "config",
  DependencyAdded: "dependency",
  DependencyRemoved: "dependency",
  DependencyChanged: "dependency"
}
