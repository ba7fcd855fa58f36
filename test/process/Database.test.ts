import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Postmaster from "../../runtime/Postmaster.ts"
import * as EmbeddedPostgres from "../embeddedPostgresFixture.ts"
import * as Answers from "./Answers.ts"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

const problems = (ended: Command.Ended) =>
  Command.document(Answers.Findings, ended).findings.filter(({ status }) => status === "problem")

describe("the database", { concurrent: true }, () => {
  it.live("is migrated once by ten first commands at the same time, and left as it is by the next", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      yield* project.query("drop schema assets, assets_staging, music cascade")
      const firsts = yield* Effect.all(
        Array.from({ length: 10 }, () => project.run(["migrate", "--json"])),
        { concurrency: "unbounded" }
      )
      for (const { code, stderr } of firsts) assert.deepStrictEqual([code, stderr], [0, ""])
      const again = yield* project.run(["migrate", "--json"])
      const after = Command.document(Answers.Migrations, again)
      assert.isNotEmpty(after.runtime)
      assert.isNotEmpty(after.project)
      for (const first of firsts) assert.deepStrictEqual(Command.document(Answers.Migrations, first), after)
    })
  )

  it.live("that is gone in mid-run ends the run with 1, and the next one starts it again and heals what is left", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const folder = yield* EmbeddedPostgres.emptyFolder
      const environment = { ASSETS_HOME: folder, ...Project.patientWith(source.url) }
      const held = source.hold("/users", 2)
      const run = yield* Command.start(["materialize", "--json"], environment)
      yield* run.line(({ _tag, asset }) => _tag === "AssetMaterialized" && asset === "tracks")
      yield* held.reached
      process.kill(Postmaster.read(Path.join(folder, "postgres"))!.pid, "SIGKILL")
      yield* held.release

      const ended = yield* run.ended
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.strictEqual(Command.lines(ended).at(-1)?._tag, "RunFailed")
      const { message } = Schema.decodeUnknownSync(Answers.Mistake)(JSON.parse(ended.stderr))
      assert.include(message, "Run `assets doctor`")

      const lost = yield* Command.run(["doctor", "--json"], environment)
      assert.deepStrictEqual(
        problems(lost).map(({ name }) => name),
        ["runs"]
      )

      const next = yield* Command.run(["materialize", "--json"], environment)
      assert.strictEqual(next.code, 0, next.stderr)
      const published = Command.lines(next).filter(({ _tag }) => _tag === "AssetMaterialized")
      assert.sameMembers(
        published.map(({ asset }) => asset),
        ["users", "listen_history", "features", "model", "model_champion", "recommendations"]
      )
      const runs = Command.document(Answers.Runs, yield* Command.run(["runs", "--json"], environment))
      assert.deepStrictEqual(
        runs.map(({ status }) => status),
        ["Succeeded", "Interrupted"]
      )
      assert.deepStrictEqual(problems(yield* Command.run(["doctor", "--json"], environment)), [])
    })
  )

  it.live("that something else wrote to is seen by the doctor, whose advice mends it", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      yield* project.run(["materialize"])
      const before = yield* Project.published(project)
      assert.deepStrictEqual(problems(yield* project.run(["doctor", "--json"])), [])

      yield* project.query("update music.users set first_name = 'Eve' where id = (select min(id) from music.users)")
      yield* project.query(
        "delete from music.recommendations where user_id = (select min(user_id) from music.recommendations)"
      )
      Fs.rmSync(Path.join(project.environment["ASSETS_HOME"]!, "blobs"), { recursive: true })
      const doctor = yield* project.run(["doctor", "--json"])
      assert.strictEqual(doctor.code, 1)
      const found = problems(doctor)
      assert.sameDeepMembers(
        found.map(({ name, remedy }) => [name, remedy]),
        ["users", "model", "model_champion", "recommendations"].map((asset) => [
          asset,
          `assets materialize --force ${asset}`
        ])
      )
      // By version all is as it should be.
      const { stdout } = yield* project.run(["materialize"])
      assert.strictEqual(stdout, "Everything is Current\n")
      const blocked = yield* project.run(["materialize", "--force", "recommendations"])
      assert.strictEqual(blocked.code, 1)
      assert.include(blocked.stdout, "To write it anew: assets materialize --force model_champion")

      // What is served may be the same file.
      for (const asset of ["users", "model", "recommendations"]) {
        const mended = yield* project.run(["materialize", "--force", asset, "--json"])
        const tags = Command.lines(mended).map(({ _tag }) => _tag)
        assert.include(tags, "AssetMaterialized", asset)
      }
      assert.deepStrictEqual(problems(yield* project.run(["doctor", "--json"])), [])
      assert.deepStrictEqual(yield* Project.published(project), before)
      const plan = Command.document(Answers.Plan, yield* project.run(["plan", "--json"]))
      assert.deepStrictEqual(plan.steps, [])
    })
  )
})
