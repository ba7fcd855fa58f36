/** What a newcomer sees: the run, a sample of recommendations with their reasons, and what to type next. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import { Cli, ExitCode, Process, Project } from "../../runtime/index.ts"
import definitions from "../index.ts"

export const program = Effect.gen(function* () {
  const began = new Date(yield* Clock.currentTimeMillis).toISOString()
  const code = yield* Cli.run(["materialize"])
  if (code !== ExitCode.done) return code
  return yield* show(began).pipe(
    Effect.provide(Project.services(definitions)),
    Effect.as(ExitCode.done),
    Process.settle("text")
  )
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Sample {
  readonly user_id: bigint
  readonly listener: string
  readonly rank: number
  readonly track: string
  readonly artist: string
  readonly because_track: string | null
  readonly because_artist: string | null
}

const sampleRecommendations = Fs.readFileSync(
  new URL("../../sql/music/sample_recommendations.sql", import.meta.url),
  "utf8"
)

const show = Effect.fnUntraced(function* (began: string) {
  const sql = yield* SqlClient.SqlClient
  const runs = yield* sql`select from assets.run where started_at >= ${began} limit 1`
  if (runs.length === 0) return
  const samples = yield* sql.unsafe<Sample>(sampleRecommendations)
  yield* Console.log(
    [
      ...Map.groupBy(samples, ({ user_id }) => user_id)
        .values()
        .flatMap(paragraph),
      ...next
    ].join("\n")
  )
})

const paragraph = (samples: ReadonlyArray<Sample>): ReadonlyArray<string> => [
  "",
  `${samples[0]!.listener} may like`,
  ...samples.map(
    ({ artist, because_artist, because_track, rank, track }) =>
      `  ${rank}. ${track} by ${artist}, ${
        because_track === null ? "because many play it" : `because you play ${because_track} by ${because_artist}`
      }`
  )
]

const next = [
  "",
  "Next:",
  "  npx assets status                 what is up to date, and since when",
  "  npx assets why recommendations    what they were made from",
  "  npx assets graph                  how the assets depend on each other",
  "  npx assets materialize --recheck  ask the API again; only what changed is computed",
  "  npm run serve                     answer with recommendations over HTTP",
  "  npx assets --help                 everything else"
]
