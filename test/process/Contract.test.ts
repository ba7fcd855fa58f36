import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Worlds from "../assets/Worlds.ts"
import * as Answers from "./Answers.ts"
import * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

const decodeEvent = Schema.decodeUnknownSync(Schema.fromJsonString(Answers.Event))

const events = ({ stdout }: Command.Ended) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => decodeEvent(line))

const mistake = ({ code, stderr, stdout }: Command.Ended) => {
  assert.strictEqual(stdout, "")
  assert.match(stderr, /^\{.*\}\n$/)
  return { code, ...Schema.decodeUnknownSync(Answers.Mistake)(JSON.parse(stderr)) }
}

/** One line that holds a document like this, and nothing else on either output. */
const answer = <S extends Schema.Decoder<unknown>>(schema: S, ended: Command.Ended) => {
  assert.match(ended.stdout, /^[[{].*[\]}]\n$/)
  assert.strictEqual(ended.stderr, "")
  return { code: ended.code, document: Command.document(schema, ended) }
}

const questions: ReadonlyArray<readonly [args: string, code: number, schema: Schema.Decoder<unknown>]> = [
  ["list", 0, Answers.List],
  ["graph", 0, Answers.Graph],
  ["status", 0, Answers.Statuses],
  ["status listen_history --partitions", 0, Answers.Statuses],
  ["plan --recheck", 0, Answers.Plan],
  ["plan --recheck --check", 3, Answers.Plan],
  ["plan --check", 0, Answers.Plan],
  ["why model", 0, Answers.Why],
  ["runs", 0, Answers.Runs],
  ["check", 0, Answers.Checks],
  ["migrate", 0, Answers.Migrations],
  ["doctor", 0, Answers.Findings],
  ["wipe model --yes", 0, Answers.Wiped],
  ["wipe model --yes", 0, Answers.Wiped],
  ["why recommendations", 0, Answers.Why]
]

describe("with --json", { concurrent: true }, () => {
  it.live("a run tells what happens as one event a line, and every question is answered with one document", () =>
    Effect.gen(function* () {
      const source = yield* Source.make()
      const project = yield* Project.make(source.url)
      const told = yield* project.run(["materialize", "--json"])
      assert.deepStrictEqual([told.code, told.stderr], [0, ""])
      const seen = events(told)
      const runId = seen[0]!.runId!
      assert.deepStrictEqual([seen[0]?._tag, seen.at(-1)?._tag], ["RunStarted", "RunSucceeded"])
      for (const event of seen) assert.strictEqual(event.runId, runId)

      const logged = yield* project.run(["logs", runId, "--json"])
      assert.sameDeepMembers(events(logged), seen)
      const run = answer(Answers.Run, yield* project.run(["run", runId, "--json"])).document
      assert.deepStrictEqual([run.status, run.trigger, run.steps.length], ["Succeeded", "materialize", 7])
      assert.deepInclude(mistake(yield* project.run(["wipe", "model", "--json"])), { code: 2, _tag: "UsageError" })
      for (const [args, code, schema] of questions) {
        const ended = yield* project.run([...args.split(" "), "--json"])
        assert.strictEqual(answer(schema, ended).code, code, args)
      }
    })
  )

  it.live("a run that fails names the errors, the skipped and the checks, and ends with 4 if only checks failed", () =>
    Effect.gen(function* () {
      const empty = yield* Source.make({ ...Worlds.ring(5), users: [], lists: [] })
      const project = yield* Project.make(empty.url)
      const failed = yield* project.run(["materialize", "users", "tracks", "--json"])
      assert.strictEqual(failed.code, 4, failed.stderr)
      const seen = events(failed)
      const check = seen.find((event) => event._tag === "CheckFailed")
      assert.deepInclude(check, { asset: "users", check: "keeps-most", blocking: true, accepted: false })
      assert.strictEqual(seen.at(-1)?._tag, "RunFailed")

      const accept = ["materialize", "users", "--accept", "users:keeps-most", "--json"]
      const accepted = yield* project.run(accept)
      assert.strictEqual(accepted.code, 0, accepted.stderr)
      const again = events(accepted).find((event) => event._tag === "CheckFailed")
      assert.deepInclude(again, { check: "keeps-most", accepted: true })

      yield* empty.die
      const dead = yield* project.run(["materialize", "+features", "--force", "--json"])
      assert.strictEqual(dead.code, 1)
      const because = events(dead).flatMap((event) => (event._tag === "StepSkipped" ? [event.because] : []))
      assert.isNotEmpty(because)
    })
  )

  it.live("a failure of the command itself is one object on stderr, and nothing is on stdout", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      const refused = { DATABASE_URL: "postgres://me:secret@127.0.0.1:1/none" }
      const failures: ReadonlyArray<readonly [args: string, code: number, tag: string, env?: Command.Environment]> = [
        ["plan --nope", 2, "UsageError"],
        ["list usrs", 2, "SelectionError"],
        ["plan --partition 2025-13-01", 2, "PlanError"],
        ["list --definitions gone.ts", 2, "ProjectError"],
        ["run gone", 2, "UnknownRun"],
        ["status", 1, "DatabaseUnavailable", refused],
        ["status", 2, "DatabaseUrlInvalid", { DATABASE_URL: "localhost" }]
      ]
      for (const [args, code, tag, env] of failures) {
        const told = mistake(yield* project.run([...args.split(" "), "--json"], env))
        assert.deepInclude(told, { code, _tag: tag }, args)
        assert.notInclude(told.message, "secret")
      }
    })
  )
})
