import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

const tags = (ended: Command.Ended, asset: string) =>
  Command.lines(ended)
    .filter((line) => line.asset === asset && !line._tag.startsWith("Check"))
    .map(({ _tag }) => _tag)

const assets = Object.keys(Project.once)

describe("two processes at the same time", { concurrent: true }, () => {
  it.live("publish each asset of an empty database once, and the one that waited finds it Current", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      // Until both have planned, nothing can be published.
      const held = [source.hold("/users", 1), source.hold("/tracks", 1)]
      const [one, two] = yield* Effect.all([
        project.start(["materialize", "--json"]),
        project.start(["materialize", "--json"])
      ])
      const begun = ({ _tag }: Command.Line) => _tag === "RunStarted"
      yield* Effect.all([one.line(begun), two.line(begun)])
      for (const { release } of held) yield* release
      const ended = yield* Effect.all([one.ended, two.ended])
      for (const { code, stderr } of ended) assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(yield* Project.publications(project), Project.once)
      for (const asset of assets) {
        assert.sameDeepMembers(
          ended.map((each) => tags(each, asset)),
          [["StepStarted", "AssetMaterialized"], ["StepCutOff"]],
          asset
        )
      }
    })
  )

  for (const flag of ["--force", "--recheck"]) {
    it.live(`that were told to ${flag} compute each source once, as the second would see nothing newer`, () =>
      Effect.gen(function* () {
        const source = yield* Source.make()
        const project = yield* Project.make(source.url)
        yield* project.run(["materialize"])
        const before = yield* Project.published(project)
        const held = [source.hold("/users", 1), source.hold("/tracks", 1)]
        const start = project.start(["materialize", "--json", flag])
        const [one, two] = yield* Effect.all([start, start])
        const begun = ({ _tag }: Command.Line) => _tag === "RunStarted"
        yield* Effect.all([one.line(begun), two.line(begun)])
        for (const { release } of held) yield* release
        const ended = yield* Effect.all([one.ended, two.ended])
        for (const { code, stderr } of ended) assert.strictEqual(code, 0, stderr)
        for (const asset of flag === "--force" ? assets : ["users", "tracks", "listen_history"]) {
          assert.sameDeepMembers(
            ended.map((each) => tags(each, asset)),
            [["StepStarted", "AssetVerified"], ["StepCutOff"]],
            asset
          )
        }
        assert.deepStrictEqual(yield* Project.publications(project), Project.once)
        assert.deepStrictEqual(yield* Project.published(project), before)
      })
    )
  }

  it.live(
    "leave the work to the one that lives when the other hangs with a claim, and fence it out when it comes back",
    () =>
      Effect.gen(function* () {
        const source = yield* Source.make()
        const project = yield* Project.make(source.url)
        const held = source.hold("/users", 2)
        const hung = yield* project.start(["materialize", "--json"])
        yield* held.reached
        yield* hung.signal("SIGSTOP")
        yield* held.release

        const other = yield* project.run(["materialize", "--json"])
        assert.strictEqual(other.code, 0, other.stderr)
        assert.isAbove(other.seconds, 5)
        assert.isBelow(other.seconds, 30)
        const after = yield* Project.published(project)
        const versions = (ended: Command.Ended) => tags(ended, "users")
        assert.deepStrictEqual(versions(other), ["StepStarted", "AssetMaterialized"])

        yield* hung.signal("SIGCONT")
        const back = yield* hung.ended
        assert.strictEqual(back.code, 1, back.stdout)
        const last = Command.lines(back).at(-1)!
        assert.strictEqual(last._tag, "RunFailed")
        assert.deepStrictEqual(yield* Project.publications(project), Project.once)
        assert.deepStrictEqual(yield* Project.published(project), after)

        const next = yield* project.run(["materialize", "--json"])
        assert.deepStrictEqual([next.code, Command.lines(next).map(({ _tag }) => _tag)], [0, ["RunSucceeded"]])
        assert.deepStrictEqual(yield* Project.staging(project), [])
      })
  )
})
