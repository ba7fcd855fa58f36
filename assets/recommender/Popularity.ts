/**
 * How many users played each track: the baseline that a model has to beat, and what is recommended where a model has nothing to say.
 * Leaves out weights: one user is one vote.
 */
import * as Effect from "effect/Effect"
import * as Algorithm from "./Algorithm.ts"
import * as FittedModel from "./FittedModel.ts"
import * as IdTable from "./IdTable.ts"
import * as Listens from "./Listens.ts"
import type * as Interactions from "./Interactions.ts"

/** A score is a number of users; tracks that nobody played have none. Fitted to a window of time, it is recent popularity. */
export const algorithm: Algorithm.Algorithm<Record<string, never>> = {
  name: "popularity",
  fit: Effect.fn("Popularity.fit")(({ rows, tracks }) =>
    Effect.sync(() => {
      const users = new Int32Array(tracks.length)
      for (const track of rows.columns) users[track]! += 1
      return toModel(tracks, users)
    })
  ),
  work: ({ rows, tracks, users }) => rows.columns.length + users.length * tracks.length,
  restore: Effect.fnUntraced(function* (tracks, sections) {
    const { users } = yield* FittedModel.readSections("popularity", sections, { users: Int32Array })
    return toModel(tracks, users)
  })
}

/** Popularity of all time: what is served as long as nothing is better. */
export const candidate = Algorithm.candidate(algorithm, {}, Listens.everything)

/** The indices of `tracks` by number of distinct users, the most popular first and of equally popular ones the lowest id. */
export const order = (interactions: Interactions.Interactions, tracks: IdTable.IdTable): Int32Array => {
  const located = IdTable.locate(interactions.tracks, tracks)
  const users = new Int32Array(tracks.length)
  for (const track of interactions.rows.columns) if (located[track]! >= 0) users[located[track]!]! += 1
  return Int32Array.from(tracks.keys()).sort((left, right) => users[right]! - users[left]! || left - right)
}

// internal ------------------------------------------------------------------------------------------------------------------------

const toModel = (tracks: IdTable.IdTable, users: Int32Array): FittedModel.FittedModel => {
  const scores = Float64Array.from(users, (count) => (count === 0 ? -Infinity : count))
  return FittedModel.make({
    tracks,
    sections: [{ name: "users", data: users }],
    score: (_, into) => into.set(scores),
    explain: () => []
  })
}
