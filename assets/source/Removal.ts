/** An answer of the API that would remove most of what is known is more likely a broken answer than the truth. */
import * as Effect from "effect/Effect"
import { AssetCheck, type Table } from "../../runtime/index.ts"

export const name = "keeps-most"

/** Fails when nothing would be left, or more than half of the rows not yet removed would be. */
export const run = ({ changes }: Table.Candidate<unknown>): Effect.Effect<AssetCheck.Result> => {
  const { before, inserted, removed, unchanged, updated } = changes
  const after = inserted + updated + unchanged
  const counts = { before, after, removed }
  if (after === 0) return Effect.succeed(AssetCheck.fail("the API shows none at all", counts))
  if (removed * 2 > before) {
    return Effect.succeed(AssetCheck.fail(`the API no longer shows ${removed} of ${before}`, counts))
  }
  return Effect.succeed(AssetCheck.pass(counts))
}
