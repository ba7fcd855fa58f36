import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Command from "./Command.ts"
import * as Project from "./Project.ts"
import * as Source from "./Source.ts"

const told = (...lines: ReadonlyArray<string>) => `error: ${lines.join("\n")}\n`

/** What a command answers, whole, to someone who mistyped it. */
const mistakes: ReadonlyArray<readonly [args: ReadonlyArray<string>, stderr: string]> = [
  [["list", "usrs"], told('no asset is called "usrs"; did you mean users?', "  usrs", "  ^")],
  [
    ["plan", "users+ +"],
    told('"+" cannot stand here; expected a number of levels, "and", "or" or the end', "  users+ +", "         ^")
  ],
  [["status", "2+featurs+1"], told('no asset is called "featurs"; did you mean features?', "  2+featurs+1", "    ^")],
  [
    ["materialize", "users", "--partition", "2026-01-01"],
    told("partitions were named, but nothing that is selected has partitions")
  ],
  [
    ["materialize", "--partition", "2026-02-30"],
    told(
      '"2026-02-30" is not a partition key; the partitions of listen_history are daily from 2025-01-01, such as 2025-01-01'
    )
  ],
  [
    ["plan", "--from", "2026-01-02", "--to", "2026-01-01"],
    told("the range of partitions ends (2026-01-01) before it starts (2026-01-02)")
  ],
  [
    ["plan", "--partition", "2026-01-02", "--to", "2026-01-01"],
    told("name one partition or a range of them, not both")
  ],
  [
    ["materialize", "listen_history", "--partition", "2026-01-01"],
    told("listen_history/2026-01-01 was not materialized while its source could still be asked, and cannot be any more")
  ],
  [
    ["materialize", "features"],
    told(
      "features needs users, which was never materialized and is not in this plan; try: assets materialize +features"
    )
  ],
  [["materialize", "--accept", "users"], told('"users" does not name a check; write ASSET:CHECK')],
  [
    ["materialize", "--accept", "users:nope"],
    told('users has no check called "nope"; its blocking checks are keeps-most')
  ],
  [
    ["materialize", "users", "--accept", "tracks:keeps-most"],
    told('tracks is not in this plan, so its check "keeps-most" cannot be accepted')
  ],
  [
    ["materialize", "--accept", "nope:keeps-most"],
    told('nope is not in this plan, so its check "keeps-most" cannot be accepted')
  ],
  [
    ["list", "--definitions", "test/cli/projects/twice.ts"],
    told('asset "prices" (test/cli/projects/twice.ts): another asset has this key, in test/cli/projects/twice.ts')
  ],
  [["erase", "7"], told("would erase user 7, who cannot be brought back; --yes does it")],
  [["erase", "7", "--yes"], told("there is no user 7")],
  [["list", "--definitions", "assets"], told("there is no file assets; name the definitions with --definitions FILE")]
]

const urls: ReadonlyArray<readonly [url: string, problem: string]> = [
  ["localhost", "is not a URL"],
  ["postgres://me:secret@127.0.0.1:99999/music", "is not a URL"],
  ["mysql://me:secret@127.0.0.1/music", "begins with mysql:"],
  ["postgres://127.0.0.1/music", "names no user"],
  ["postgres://me:se%cret@127.0.0.1/music", "has a % in its user or password, which is written %25"]
]

/** Where nothing can be asked; the password is never told. */
const unreachable: ReadonlyArray<readonly [change: (url: URL) => void, detail: RegExp]> = [
  [(url) => void (url.pathname = "/gone"), /^error: Cannot reach postgres:.*\/gone: database "gone" does not exist\./],
  [(url) => void (url.username = "nobody"), /^error: Cannot reach postgres:\/\/nobody@.*: .*nobody/],
  [(url) => url.searchParams.set("port", "1"), /^error: Cannot reach postgres:.*: connect E/]
]

const usage = ({ code, stderr, stdout }: Command.Ended) => ({ code, stderr, stdout })

describe("a mistake of the one who asks", { concurrent: true }, () => {
  it.live("in the command is told with its place and what would be right, exit code 2, and nothing was done", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      yield* Effect.forEach(
        mistakes,
        ([args, stderr]) =>
          Effect.map(project.run(args), (ended) =>
            assert.deepStrictEqual(usage(ended), { code: 2, stderr, stdout: "" }, args.join(" "))
          ),
        { concurrency: 3 }
      )
      assert.deepStrictEqual(yield* project.query("select from assets.run"), [])
    })
  )

  it.live("in the settings of a run is told by name, and no run is opened", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      const { code, stderr, stdout } = yield* project.run(["materialize", "users"], { MUSIC_API_PAGE_SIZE: "0" })
      assert.deepStrictEqual([stderr.includes("MUSIC_API_PAGE_SIZE"), code], [true, 2])
      assert.notInclude(stdout, "again")
      assert.deepStrictEqual(yield* project.query("select from assets.run"), [])
    })
  )

  it.live("in DATABASE_URL that any reader sees is told as such, with exit code 2", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      for (const [url, problem] of urls) {
        const ended = yield* project.run(["status"], { DATABASE_URL: url })
        const stderr = told(`DATABASE_URL ${problem}; it should read postgres://user:password@host:port/database`)
        assert.deepStrictEqual(usage(ended), { code: 2, stderr, stdout: "" }, url)
      }
    })
  )

  it.live("in DATABASE_URL that only a server can see is told in its words, with exit code 1 and no password", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      for (const [change, detail] of unreachable) {
        const url = new URL(project.environment["DATABASE_URL"]!)
        url.password = "secret"
        change(url)
        const { code, stderr, stdout } = yield* project.run(["status"], { DATABASE_URL: url.href })
        assert.match(stderr, detail)
        assert.notInclude(stderr, "secret")
        assert.deepStrictEqual([stdout, code], ["", 1])
      }
    })
  )

  it.live("in the address of the collector, or a collector that is not there, is found by the doctor", () =>
    Effect.gen(function* () {
      const project = yield* Project.make(yield* Source.nowhere)
      const nobody = yield* Source.nowhere
      for (const [endpoint, detail] of [
        ["collector", "off: collector is no http or https URL"],
        [nobody, `no answer: traces to ${nobody}/v1/traces`]
      ] as const) {
        const { code, stdout } = yield* project.run(["doctor"], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
        assert.match(stdout, /^problem +telemetry /m)
        assert.deepStrictEqual([stdout.includes(detail), code], [true, 1])
      }
    })
  )
})
