/**
 * All algorithms by name: what it takes to use a model again that was fitted elsewhere.
 * Leaves out which one is to be used.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Algorithm from "./Algorithm.ts"
import * as Ease from "./Ease.ts"
import type * as FittedModel from "./FittedModel.ts"
import * as IalsAlgorithm from "./IalsAlgorithm.ts"
import * as ItemKnn from "./ItemKnn.ts"
import type * as Listens from "./Listens.ts"
import * as ModelFile from "./ModelFile.ts"
import * as Popularity from "./Popularity.ts"

/** What a manifest says of a model. */
export interface Described {
  readonly algorithm: string
  readonly parameters: { readonly [name: string]: Schema.Json }
  readonly recency: Listens.Recency
}

/** The candidate that a model came from; nothing if this version has no such algorithm. */
export const candidate = ({ algorithm, parameters, recency }: Described): Algorithm.Candidate | undefined => {
  const known = byName.get(algorithm)
  return known && Algorithm.candidate(known, parameters, recency)
}

/** All that a model consists of: the ids of its tracks, and what its algorithm makes of them. */
export const sectionsOf = ({ sections, tracks }: FittedModel.FittedModel): ReadonlyArray<FittedModel.Section> => [
  { name: "tracks", data: tracks },
  ...sections
]

export const encode = (algorithm: string, model: FittedModel.FittedModel): Uint8Array =>
  ModelFile.encode({ algorithm, sections: sectionsOf(model) })

/** Fails on bytes that are no model, and on one of an algorithm that this version does not have. */
export const decode = Effect.fn("Algorithms.decode")(function* (
  bytes: Uint8Array,
  parameters: Described["parameters"]
) {
  const { algorithm, sections } = yield* ModelFile.decode(bytes)
  const known = byName.get(algorithm)
  if (known === undefined) {
    return yield* new ModelFile.UnreadableModel({ reason: `there is no algorithm "${algorithm}" here` })
  }
  const [tracks, ...others] = sections
  if (!(tracks?.data instanceof Float64Array)) {
    return yield* new ModelFile.UnreadableModel({ reason: "it has no table of tracks" })
  }
  return yield* known.restore(tracks.data, others, parameters)
})

// internal ------------------------------------------------------------------------------------------------------------------------

// Parameters are those that a candidate of the same algorithm had.
const byName: ReadonlyMap<string, Algorithm.Algorithm<any>> = new Map(
  [ItemKnn.algorithm, Ease.algorithm, IalsAlgorithm.algorithm, Popularity.algorithm].map((algorithm) => [
    algorithm.name,
    algorithm
  ])
)
