import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Dice from "../../assets/source/Dice.ts"
import * as OtlpReceiver from "../OtlpReceiver.ts"
import * as Answers from "./Answers.ts"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

/** What a run publishes that nothing disturbs. */
const undisturbed = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      yield* project.run(["materialize"])
      return yield* Project.published(project)
    }).pipe(Effect.scoped)
  )
)

interface Stage {
  readonly source: Source.Source
  readonly project: Project.Project
  readonly run: Command.Running
}

/** When to kill; what it answers is done once the process is dead. */
type Moment = (stage: Stage) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>

/** Kills a run, and lets another one finish the work. */
const killed = Effect.fnUntraced(function* (moment: Moment, telemetry: Command.Environment = {}) {
  const source = yield* Source.make()
  const project = yield* Project.make(source.url)
  const run = yield* project.start(["materialize", "--json"])
  const afterwards = yield* moment({ source, project, run })
  yield* run.signal("SIGKILL")
  const { code, stdout } = yield* run.ended
  yield* afterwards
  assert.isNull(code)
  assert.notInclude(stdout, "RunSucceeded")

  const next = yield* project.run(["materialize", "--json"], telemetry)
  assert.strictEqual(next.code, 0, next.stderr)
  assert.deepStrictEqual(yield* Project.published(project), yield* undisturbed)
  assert.deepStrictEqual(yield* Project.publications(project), Project.once)
  assert.deepStrictEqual(yield* Project.staging(project), [])
  return project
})

const statuses = (project: Project.Project) =>
  Effect.map(project.query("select status from assets.run order by started_at"), (rows) =>
    rows.map((row) => row["status"])
  )

const whileStaging: Moment = ({ run, source }) =>
  Effect.gen(function* () {
    const held = source.hold("/users", 2)
    yield* run.line(({ _tag, asset }) => _tag === "AssetMaterialized" && asset === "tracks")
    yield* held.reached
    return held.release
  })

const whilePublishing =
  (table: string): Moment =>
  ({ project }) =>
    Effect.flatMap(Project.locked(project, table), ({ reached, release }) => Effect.as(reached, release))

const whileStarting: Moment = ({ project }) =>
  Effect.flatMap(Project.locked(project, "assets.run"), ({ reached, release }) => Effect.as(reached, release))

/** The lines of an undisturbed run are 17. */
const randomly =
  (line: number, seed: number): Moment =>
  ({ project, run }) =>
    Effect.gen(function* () {
      // So that it cannot end before it is killed.
      const { release } = yield* Project.locked(project, "music.recommendations")
      let printed = 0
      yield* run.line(() => ++printed > line)
      yield* Effect.sleep(50 * Dice.make(seed, line)())
      return release
    })

describe("a run that is killed", { concurrent: true }, () => {
  const moments: ReadonlyArray<readonly [string, Moment]> = [
    ["while it stages users", whileStaging],
    ["while it publishes listen_history", whilePublishing("music.listen_history")],
    ["while it publishes recommendations", whilePublishing("music.recommendations")],
    ...[0, 2, 4, 6, 8, 11, 13].map((line) => [`soon after its line ${line + 1}`, randomly(line, 7)] as const)
  ]
  for (const [when, moment] of moments) {
    it.live(`${when} is closed by the next one, which publishes what an undisturbed one does`, () =>
      Effect.gen(function* () {
        const project = yield* killed(moment)
        assert.deepStrictEqual(yield* statuses(project), ["Interrupted", "Succeeded"])
      })
    )
  }

  it.live("before it has begun leaves no trace of itself", () =>
    Effect.gen(function* () {
      const project = yield* killed(whileStarting)
      assert.deepStrictEqual(yield* statuses(project), ["Succeeded"])
    })
  )

  it.live("is shown as Interrupted, and gets the root of its trace from the run that closes it", () =>
    Effect.gen(function* () {
      const receiver = yield* OtlpReceiver.make()
      const project = yield* killed(whileStaging, {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        ASSETS_TELEMETRY_SHUTDOWN: "10 seconds"
      })
      const runs = Command.document(Answers.Runs, yield* project.run(["runs", "--json"]))
      assert.deepStrictEqual(
        runs.map(({ status }) => status),
        ["Succeeded", "Interrupted"]
      )
      const run = Command.document(Answers.Run, yield* project.run(["run", runs[1]!.id, "--json"]))
      assert.sameMembers(
        run.steps.map(({ asset, status }) => `${asset} ${status}`),
        ["users Interrupted", "tracks Materialized"]
      )
      const root = receiver.spans.find(({ traceId }) => traceId === run.traceId)
      assert.deepInclude(root, { name: "run", kind: "SERVER", parentSpanId: undefined, status: "ERROR" })
      assert.deepInclude(root!.attributes, { "asset.run.id": run.id, "asset.outcome": "Interrupted" })
    })
  )
})
