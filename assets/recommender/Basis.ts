/**
 * What a user's recommendations follow from, as digests: where these stay the same, so do the recommendations.
 * Leaves out the recommendations.
 */
import * as Crypto from "node:crypto"
import * as IdTable from "./IdTable.ts"
import type * as Interactions from "./Interactions.ts"
import * as Popularity from "./Popularity.ts"
import type { Item } from "./Recommender.ts"
import * as SparseRows from "./SparseRows.ts"

/**
 * `own` digests what the model's word on a user follows from, `filled` what it follows from where popular tracks were added. Digests are of
 * 128 bits.
 */
export interface Basis {
  readonly own: (user: number) => string
  readonly filled: (user: number) => string
}

/** `method` stands for all that is not given as data: the model's version and how lists are made of it. */
export const make = (options: {
  readonly method: string
  readonly modelTracks: IdTable.IdTable
  readonly history: Interactions.Interactions
  readonly catalogue: Iterable<number>
}): Basis => {
  const { history, method, modelTracks } = options
  const catalogue = IdTable.fromIds(options.catalogue)
  const located = IdTable.locate(modelTracks, catalogue)
  const shown = modelTracks.filter((_, track) => located[track] !== -1)
  const popular = Popularity.order(history, catalogue)
  const everybody = digest(method, shown)
  const popularity = digest(everybody, catalogue, popular)
  const own = (user: number) => {
    const row = IdTable.indexOf(history.users, user)
    if (row === -1) return everybody
    const { columns, values } = SparseRows.row(history.rows, row)
    return digest(
      everybody,
      Float64Array.from(columns, (track) => history.tracks[track]!),
      values
    )
  }
  return { own, filled: (user) => digest(popularity + own(user)) }
}

/** A digest of what a user's recommendations follow from and of what they are, so that a row which something else changed is noticed. */
export const seal = (basis: string, items: ReadonlyArray<Item>): string => digest(`${basis}${JSON.stringify(items)}`)

// internal ------------------------------------------------------------------------------------------------------------------------

const digest = (text: string, ...columns: ReadonlyArray<Int32Array | Float64Array>): string => {
  const hash = Crypto.createHash("sha256").update(text)
  for (const { buffer, byteLength, byteOffset } of columns) {
    hash.update(`|${byteLength}|`).update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest("base64url").slice(0, 22)
}
