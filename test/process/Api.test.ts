import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

const outcomes = (ended: Command.Ended) =>
  Command.lines(ended)
    .filter(({ _tag, asset }) => asset !== undefined && !/^(StepStarted|StepRetried|Check)/.test(_tag))
    .map(({ _tag, asset }) => `${asset} ${_tag}`)

describe("the source API", { concurrent: true }, () => {
  it.live("being dead fails what reads it, and neither what does not nor what was published before", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      yield* project.run(["materialize"])
      const before = yield* Project.published(project)
      yield* source.die

      const ended = yield* project.run(["materialize", "tracks", "model", "--force", "--json"])
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.sameMembers(outcomes(ended), ["tracks StepFailed", "model AssetVerified"])
      const failed = Command.lines(ended).find(({ _tag }) => _tag === "StepFailed")
      assert.strictEqual(failed?.error?._tag, "MusicApiError")
      assert.include(failed?.error?.message ?? "", source.url)
      assert.strictEqual(Command.lines(ended).at(-1)?._tag, "RunFailed")
      assert.deepStrictEqual(yield* Project.published(project), before)

      const all = yield* project.run(["materialize", "--recheck", "--json"])
      assert.strictEqual(all.code, 1, all.stderr)
      assert.sameMembers(outcomes(all), [
        ...["users", "tracks", "listen_history"].map((asset) => `${asset} StepFailed`),
        ...["features", "model", "model_champion", "recommendations"].map((asset) => `${asset} StepSkipped`)
      ])
      assert.deepStrictEqual(yield* Project.published(project), before)

      const people = yield* project.run(["materialize", "tracks", "--force"])
      assert.strictEqual(people.code, 1)
      assert.include(people.stdout, source.url)
    })
  )

  it.live("dying in the midst of a listing fails that listing and keeps what was complete", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      const held = source.hold("/users", 3)
      const run = yield* project.start(["materialize", "--json"])
      yield* run.line(({ _tag, asset }) => _tag === "AssetMaterialized" && asset === "tracks")
      yield* held.reached
      yield* source.die
      const ended = yield* run.ended
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.sameMembers(outcomes(ended), [
        "tracks AssetMaterialized",
        "users StepFailed",
        ...["listen_history", "features", "model", "model_champion", "recommendations"].map(
          (asset) => `${asset} StepSkipped`
        )
      ])
      assert.deepStrictEqual(yield* project.query("select from music.users"), [])
      assert.deepStrictEqual(yield* Project.staging(project), [])

      const again = yield* Source.make()
      const next = yield* project.run(["materialize", "--json"], { MUSIC_API_URL: again.url })
      assert.strictEqual(next.code, 0, next.stderr)
      assert.deepStrictEqual(yield* Project.publications(project), Project.once)
    })
  )

  it.live("whose URL is none is a mistake of the one who set it, named before a run is opened", () =>
    Effect.gen(function* () {
      const project = yield* Project.make("not a url")
      for (const url of ["not a url", "localhost:8000", "ftp://example.org"]) {
        const ended = yield* project.run(["materialize", "--json"], { MUSIC_API_URL: url })
        const error = ended.stderr.trim()
        assert.strictEqual(ended.code, 2, error)
        assert.include(error, "MUSIC_API_URL")
      }
      assert.strictEqual((yield* project.run(["status", "--json"])).code, 0)
      assert.strictEqual((yield* project.run(["plan", "--json"])).code, 0)
      assert.deepStrictEqual(Command.document(Answers.Runs, yield* project.run(["runs", "--json"])), [])
    })
  )
})
