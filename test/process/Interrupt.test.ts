import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Answers from "./Answers.ts"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

interface Stage {
  readonly source: Source.Source
  readonly project: Project.Project
}

/** Answers with what has to be reached before the signal, and what holds the run there until it is done. */
type Hold = (stage: Stage) => Effect.Effect<Source.Held, never, Scope.Scope>

const moments: ReadonlyArray<readonly [string, NodeJS.Signals, Hold]> = [
  ["Ctrl-C while it waits for the API", "SIGINT", ({ source }) => Effect.succeed(source.hold("/users", 2))],
  ["Ctrl-C while it publishes", "SIGINT", ({ project }) => Project.locked(project, "music.recommendations")],
  ["SIGTERM while it publishes", "SIGTERM", ({ project }) => Project.locked(project, "music.listen_history")]
]

describe("a run that is interrupted", { concurrent: true }, () => {
  for (const [when, signal, hold] of moments) {
    it.live(`by ${when} is recorded as Canceled and leaves nothing behind`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make()
        const project = yield* Project.make(source.url)
        const held = yield* hold({ source, project })
        const run = yield* project.start(["materialize", "--json"])
        yield* held.reached
        yield* run.signal(signal)
        const ended = yield* run.ended

        assert.strictEqual(ended.code, 130, ended.stderr)
        assert.strictEqual(ended.stderr, "")
        const last = Command.lines(ended).at(-1)!
        assert.strictEqual(last._tag, "RunCanceled")
        assert.deepStrictEqual(yield* Project.staging(project), [])
        // While what it waited for is still held: its queries were cancelled, they did not come to an end.
        yield* Project.until(project, `select where not exists (${Project.sessions})`)
        yield* held.release

        const shown = Command.document(Answers.Run, yield* project.run(["run", last.runId!, "--json"]))
        assert.strictEqual(shown.status, "Canceled")
        const left = shown.steps.filter(({ status }) => status !== "Materialized")
        assert.isNotEmpty(left)
        for (const { status } of left) assert.strictEqual(status, "Canceled")

        const next = yield* project.run(["materialize", "--json"])
        assert.strictEqual(next.code, 0, next.stderr)
        assert.deepStrictEqual(yield* Project.publications(project), Project.once)
      })
    )
  }

  it.live("twice ends at once, and the next run closes it", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      const { reached, release } = yield* Project.locked(project, "assets.event_log")
      const run = yield* project.start(["materialize", "--json"])
      yield* reached
      // Two at once would be one.
      const again = Effect.repeat(run.signal("SIGINT"), Schedule.spaced("50 millis"))
      const { code } = yield* Effect.raceFirst(run.ended, Effect.andThen(again, Effect.never))
      yield* release
      assert.strictEqual(code, 130)
      const next = yield* project.run(["materialize", "--json"])
      assert.strictEqual(next.code, 0, next.stderr)
      assert.deepStrictEqual(yield* Project.publications(project), Project.once)
    })
  )
})
