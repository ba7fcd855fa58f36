/** Tracks by their ids, as far as the source still shows them. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Track } from "./Api.ts"
import * as Problem from "./Problem.ts"

export const named = Effect.fnUntraced(function* (ids: ReadonlyArray<number>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* Effect.orDie(sql<{ readonly id: bigint; readonly name: string; readonly artist: string }>`
    select id, name, artist from music.tracks where id = any (${ids.map(BigInt)}::bigint[]) and removed_at is null`)
  return new Map(rows.map(({ artist, id, name }): [number, Track] => [Number(id), { id: Number(id), name, artist }]))
})

/** Fails where there is no such track. */
export const existing = Effect.fnUntraced(function* (id: number) {
  if ((yield* named([id])).size === 0) return yield* new Problem.UnknownTrack({ detail: `there is no track ${id}` })
})
