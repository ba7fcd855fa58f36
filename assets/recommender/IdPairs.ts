/**
 * Pairs of users and tracks that arrive in columns of ids, block by block, until all ids are known and can be indexed.
 * Leaves out what is said of a pair.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Cooperative from "./Cooperative.ts"
import * as IdTable from "./IdTable.ts"

/** Ids in columns of equal length. */
export interface Columns {
  readonly users: Float64Array
  readonly tracks: Float64Array
}

/** The same pairs as indices in the tables of all blocks, with what was kept of their block. */
export interface Block<out A> {
  readonly userOf: Int32Array
  readonly trackOf: Int32Array
  readonly kept: A
}

/** `keep` says what is wanted of a block beside its ids, which are not held on to. */
export const collect = Effect.fnUntraced(function* <C extends Columns, A, E, R>(
  columns: Stream.Stream<C, E, R>,
  keep: (block: C) => A
) {
  const users = new IdTable.Arrivals()
  const tracks = new IdTable.Arrivals()
  const blocks: Array<Block<A>> = []
  yield* Stream.runForEach(columns, (block) => {
    blocks.push({
      userOf: users.numbersOf(block.users),
      trackOf: tracks.numbersOf(block.tracks),
      kept: keep(block)
    })
    return Effect.yieldNow
  })
  const { ids: userIds, indexOf: userAt } = users.sorted()
  const { ids: trackIds, indexOf: trackAt } = tracks.sorted()
  yield* Cooperative.forRange(blocks.length, (index) => {
    const { trackOf, userOf } = blocks[index]!
    for (let pair = 0; pair < userOf.length; pair++) {
      userOf[pair] = userAt[userOf[pair]!]!
      trackOf[pair] = trackAt[trackOf[pair]!]!
    }
  })
  return { users: userIds, tracks: trackIds, blocks: blocks as ReadonlyArray<Block<A>> }
})
