/**
 * How many users played each track: the baseline that a model has to beat, and what is recommended where a model has nothing to say.
 * Leaves out weights: one user is one vote.
 */
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"

/** The indices of `tracks` by number of distinct users, the most popular first and of equally popular ones the lowest id. */
export const order = (interactions: Interactions.Interactions, tracks: IdTable.IdTable): Int32Array => {
  const located = IdTable.locate(interactions.tracks, tracks)
  const users = new Int32Array(tracks.length)
  for (const track of interactions.rows.columns) if (located[track]! >= 0) users[located[track]!]! += 1
  return Int32Array.from(tracks.keys()).sort((left, right) => users[right]! - users[left]! || left - right)
}
