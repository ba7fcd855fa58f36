import { describe, expect, it } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import { json, project, run, start } from "./AssetsProcess.ts"

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-cli-"))

afterAll(() => Fs.rmSync(folder, { recursive: true }))

/** A definitions file that holds `text`. */
const written = (text: string) => {
  const file = Path.join(Fs.mkdtempSync(Path.join(folder, "project-")), "index.ts")
  Fs.writeFileSync(file, text)
  return file
}

describe.concurrent("the command line", { timeout: 90_000 }, () => {
  it("lists the assets of a selection, dependencies first", async () => {
    const all = await run(["list", "--json"])
    expect(json(all)).toEqual(["prices", "sales", "revenue", "forecast"])
    expect(all.code).toBe(0)
    expect((await run(["list", "revenue+"])).stdout).toBe("revenue\nforecast\n")
  })

  it("takes --json and --definitions before and after the command", async () => {
    const before = await run(["--json", "--definitions", project("shop.ts"), "list", "prices"])
    expect(json(before)).toEqual(["prices"])
  })

  it("draws the graph as text, Mermaid, Graphviz and JSON", async () => {
    const drawn = (format: string) => run(["graph", "prices", "sales", "--format", format])
    expect((await drawn("text")).stdout).toBe("prices\n  sales (daily)  after prices\n")
    expect((await drawn("mermaid")).stdout).toContain("asset_prices -.-> asset_sales")
    expect((await drawn("dot")).stdout).toContain('"prices" -> "sales" [style=dashed]')
    expect(json(await drawn("json")).edges).toEqual([{ from: "prices", to: "sales", kind: "after" }])
    expect(json(await run(["graph", "--json"])).nodes[1]).toMatchObject({
      key: "sales",
      kind: "json",
      partitioned: true
    })
  })

  it("tells a mistake in one short line on stderr, with what was probably meant", async () => {
    const mistakes = [
      [["lst"], "unknown command lst; did you mean list?"],
      [["plan", "--recheckk"], "unknown flag --recheckk; did you mean --recheck?"],
      [["list", "prics"], 'no asset is called "prics"; did you mean prices?'],
      [["why", "prics"], 'no asset is called "prics"; did you mean prices?'],
      [["why", "status:stale"], 'why explains one asset; "status:stale" is a selection'],
      [["describe", "prices+"], 'describe tells of one asset; "prices+" is a selection'],
      [["list", "prices and (sales"], 'this is never closed; expected ")"'],
      [["why"], "the asset is missing"],
      [["why", "+prices"], 'why explains one asset; "+prices" is a selection'],
      [["wipe"], "wipe needs a selection; '*' stands for everything"],
      [["materialize", "--concurrency", "0"], '--concurrency "0" is wrong: expected at least 1'],
      [["runs", "--limit", "x"], '--limit "x" is wrong: expected a finite number'],
      [["materialize", "--partition"], "--partition needs a value: KEY"],
      [["doctor", "now"], 'Unexpected positional argument: "now"']
    ] as const
    for (const [args, message] of mistakes) {
      const { code, stderr, stdout } = await run(args)
      expect(stderr).toContain(`error: `)
      expect(stderr).toContain(message)
      expect(stderr.split("\n").length).toBeLessThanOrEqual(4)
      expect([stdout, code]).toEqual(["", 2])
    }
  })

  it("tells a mistake as one JSON object when JSON was asked for", async () => {
    const { code, stderr, stdout } = await run(["list", "prics", "--json"])
    expect(stderr.trimEnd().split("\n")).toHaveLength(1)
    expect(JSON.parse(stderr)).toMatchObject({ _tag: "SelectionError", problem: { nearest: ["prices"] } })
    expect([stdout, code]).toEqual(["", 2])
  })

  it("says what of a selection matches nothing, which is no mistake", async () => {
    const some = await run(["list", "prices or tag:pi", "kind:jsn"])
    expect([some.stdout, some.stderr, some.code]).toEqual([
      "prices\n",
      "tag:pi matches nothing; did you mean pii?\nkind:jsn matches nothing; did you mean json?\n",
      0
    ])
    const none = await run(["list", "sal*s*s", "--json"])
    expect([json(none), none.code]).toEqual([[], 0])
    expect(JSON.parse(none.stderr)).toEqual({
      _tag: "NothingMatched",
      message: "sal*s*s matches nothing",
      expression: "sal*s*s",
      nearest: []
    })
  })

  it("describes one asset as it is declared", async () => {
    const { code, stdout } = await run(["describe", "prices"])
    expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual(
      expect.arrayContaining([
        ["What the supplier asks."],
        ["group", "shop/supply"],
        ["tags", "pii, team=buyers"],
        ["kinds", "json, http"],
        ["owners", "ann@example.org, team:buyers"],
        ["kept as", "json prices"],
        ["read by", "revenue"],
        ["checks", "not negative (blocking), not unusual (warns)"],
        ["recheck", "1d"],
        ["code", "version 1"]
      ])
    )
    expect(code).toBe(0)
    expect((await run(["describe", "revenue"])).stdout).toMatch(/^reads +prices, sales \(all partitions\)$/m)
    expect(json(await run(["describe", "sales", "--json"]))).toMatchObject({
      asset: "sales",
      description: null,
      group: null,
      tags: {},
      kinds: ["json"],
      owners: [],
      columns: [],
      dependencies: [],
      after: ["prices"],
      dependents: ["revenue"],
      partitions: { kind: "daily" },
      checks: [],
      retries: 0,
      codeVersion: "1"
    })
  })

  it("refuses settings that cannot be", async () => {
    const zero = await run(["materialize"], {
      ASSETS_CONCURRENCY: "0",
      DATABASE_URL: "postgres://nobody@127.0.0.1:1/none"
    })
    expect([zero.stderr, zero.code]).toEqual(["error: ASSETS_CONCURRENCY is 0; it must be at least 1\n", 2])
    const word = await run(["materialize"], { ASSETS_CONCURRENCY: "many" })
    expect(word.stderr).toBe("error: the setting ASSETS_CONCURRENCY is wrong: expected a finite number\n")
    expect(word.code).toBe(2)
  })

  it("names the file when the definitions cannot be loaded", async () => {
    const broken = [
      ["export default { a: 1,, }", /could not be loaded: .*index\.ts:1/],
      ['import "./gone.ts"', /could not be loaded: Cannot find module .*gone\.ts/],
      ['throw new Error("no luck")', /could not be loaded: no luck \(.*index\.ts:1\)/],
      ["export default 1", /is not made by Definitions\.make/]
    ] as const
    for (const [text, message] of broken) {
      const { code, stderr, stdout } = await run(["list", "--definitions", written(text)])
      expect(stderr).toMatch(message)
      expect(stderr).not.toContain("    at ")
      expect([stdout, code]).toEqual(["", 2])
    }
    const gone = await run(["list", "--definitions", "nowhere/index.ts"])
    expect([gone.stderr, gone.code]).toEqual([
      "error: there is no file nowhere/index.ts; name the definitions with --definitions FILE\n",
      2
    ])
  })

  it("names asset and file of every wrong declaration", async () => {
    const { code, stderr } = await run(["list", "--definitions", project("wrong.ts")])
    expect(stderr).toContain('asset "Wrong" (test/cli/projects/wrong.ts): the key "Wrong" is not')
    expect(stderr).toContain('asset "cron" (test/cli/projects/wrong.ts): recheckAfter: bad cron "whenever"')
    expect(code).toBe(2)
  })

  it("shows in its help only commands that exist, each with a help of its own", async () => {
    const { stdout } = await run(["--help"])
    const commands = Array.from(stdout.matchAll(/^  ([a-z]+) {2,}[A-Z]/gm), ([, name]) => name!)
    expect(commands.toSorted()).toEqual(
      (
        "backfill backfills build check describe doctor graph list logs materialize migrate observe partitions plan run runs " +
        "status why wipe"
      ).split(" ")
    )
    const helps = await Promise.all(["plan", "logs"].map((name) => run([name, "--help"])))
    for (const help of helps) expect([help.stdout.includes("USAGE"), help.code]).toEqual([true, 0])
    expect((await run([])).stdout).toBe(stdout)
    expect((await run(["--version"])).stdout).toMatch(/^assets v\d+\.\d+\.\d+\n$/)
  })

  it("writes completions for shells", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout } = await run(["--completions", shell])
      expect([stdout.includes("materialize"), stdout.includes("recheck"), code]).toEqual([true, true, 0])
      expect(stdout).toContain("assets list".replace("assets", shell === "bash" ? '"${words[0]}"' : "assets"))
      expect(stdout).not.toContain("__asset_keys__")
    }
  })

  it("completes commands, flags and choices in bash", async () => {
    const { stdout } = await run(["--completions", "bash"])
    const completed = (...words: ReadonlyArray<string>) => {
      const line = `COMP_LINE=${JSON.stringify(words.join(" "))} COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})`
      const script = `${stdout}\n${line} COMP_CWORD=${words.length - 1}; _assets; echo "\${COMPREPLY[*]}"`
      return ChildProcess.execFileSync("bash", ["--norc", "-c", script], { encoding: "utf8" }).trim()
    }
    expect(completed("assets", "mat")).toBe("materialize")
    expect(completed("assets", "materialize", "--re")).toBe("--recheck")
    expect(completed("assets", "graph", "--format", "")).toBe("text mermaid dot json")
  })

  it("completes asset keys in bash, after whatever a selection starts with", async () => {
    const bin = Path.join(folder, "bin")
    Fs.mkdirSync(bin)
    Fs.symlinkSync(Path.join(import.meta.dirname, "../../runtime/bin/assets.ts"), Path.join(bin, "assets"))
    const { stdout } = await run(["--completions", "bash"])
    const completed = (word: string, before = `--definitions ${project("shop.ts")}`) => {
      const line = `assets materialize ${before} ${word}`
      const words = ["assets", "materialize", ...before.split(" "), word].map((word) => JSON.stringify(word))
      // As readline passes it: without the quote that is open.
      const bare = JSON.stringify(word.replace(/^'/, ""))
      const script = [
        stdout,
        `COMP_LINE=${JSON.stringify(line)} COMP_WORDS=(${words.join(" ")}) COMP_CWORD=${words.length - 1}`,
        `_assets assets ${bare}; printf '%s\\n' "\${COMPREPLY[@]}"`
      ]
      const env = { ...process.env, PATH: `${bin}:${Path.dirname(process.execPath)}:${process.env["PATH"]}` }
      return ChildProcess.execFileSync("bash", ["--norc", "-c", script.join("\n")], { encoding: "utf8", env })
        .trim()
        .split("\n")
    }
    expect(completed("")).toEqual(["prices", "sales", "revenue", "forecast"])
    expect(completed("re")).toEqual(["revenue"])
    expect(completed("2+pr")).toEqual(["2+prices"])
    expect(completed("'prices or s")).toEqual(["prices or sales"])
    expect(completed("'not (s")).toEqual(["not (sales"])
    expect(completed("f", `--definitions=${project("shop.ts")} prices`)).toEqual(["forecast"])
    expect(completed("", "--definitions gone.ts")).toEqual([""])
  })

  it("ends quietly when the reader has seen enough", async () => {
    const { child, finished } = start(["list"])
    child.stdout?.destroy()
    expect(await finished).toMatchObject({ code: 0, stderr: "" })
  })

  it("says so when the database cannot be reached", async () => {
    const refused = await run(["status"], { DATABASE_URL: "postgres://nobody:secret@127.0.0.1:1/none" })
    expect(refused.stderr).toMatch(/^error: Cannot reach postgres:\/\/nobody@127\.0\.0\.1:1\/none: .*ECONNREFUSED/)
    expect([refused.stdout, refused.code]).toEqual(["", 1])
    const malformed = await run(["status", "--json"], { DATABASE_URL: "hello" })
    expect(JSON.parse(malformed.stderr)._tag).toBe("DatabaseUrlInvalid")
    expect([malformed.stdout, malformed.code]).toEqual(["", 2])
  })

  it("examines what it can although definitions and database are broken", async () => {
    const { code, stderr, stdout } = await run(["doctor", "--definitions", written("export default 1")], {
      DATABASE_URL: "hello"
    })
    expect(stdout).toMatch(/^ok +installed/m)
    expect(stdout).toMatch(/^problem +definitions .* is not made by Definitions\.make/m)
    expect(stdout).toMatch(/^problem +database +DATABASE_URL is not a URL; it should read .*\n +check that/m)
    expect([stderr, code]).toEqual(["", 1])
  })
})
