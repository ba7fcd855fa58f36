import { assert, describe, it } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"

const root = new URL("../", import.meta.url)
const read = (file: string) => Fs.readFileSync(new URL(file, root), "utf8")
const assets = (...args: ReadonlyArray<string>) =>
  ChildProcess.execFileSync(process.execPath, ["runtime/bin/assets.ts", ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" }
  })

interface Block {
  readonly language: string
  readonly file: string | undefined
  readonly text: string
}

const readme = read("README.md")
const blocks: ReadonlyArray<Block> = Array.from(
  readme.matchAll(/^```(\w+)(?: (?:file=(\S+)|\S+))?\n([\s\S]*?)^```$/gm),
  ([, language, file, text]) => ({ language: language!, file, text: text! })
)
const only = (language: string) => blocks.find((block) => block.language === language)!.text

describe("README.md", () => {
  it("draws the graph as `assets graph` does", () => {
    assert.strictEqual(only("mermaid").trim(), assets("graph", "--format", "mermaid").trim())
  })

  it("lists the commands that there are", () => {
    const help = assets("--help")
    assert.strictEqual(only("text").trim(), help.slice(help.indexOf("Do:")).trim())
  })

  it.each(blocks.filter((block) => block.file !== undefined))("quotes $file as it is", ({ file, text }) => {
    assert.include(read(file!), text)
  })

  it("names only npm scripts that there are", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Record<string, string> }
    const named = Array.from(
      readme.matchAll(/npm (?:run )?(start|test|source|bench|\w+)(?= |$|`)/gm),
      ([, name]) => name!
    )
    const own = named.filter((name) => name !== "packages" && name !== "run" && !/^\d/.test(name) && name !== "and")
    assert.deepStrictEqual(
      own.filter((name) => !(name in scripts) && name !== "ci"),
      []
    )
    assert.includeMembers(own, ["start", "test", "source", "serve", "bench"])
  })

  it.each(["benches", "variables"])("tells all %s", (kind) => {
    if (kind === "benches") {
      const benches = Fs.readdirSync(new URL("bench/", root)).map((file) => file.slice(0, -".ts".length))
      const named = benches.filter((bench) => /^[a-z0-9-]+$/.test(bench) && bench !== "index")
      for (const bench of named) assert.include(readme, `\`${bench}\``)
      return
    }
    const sources = ["runtime", "assets"].flatMap((folder) =>
      Fs.readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => read(`${folder}/${file}`))
    )
    const variables = new Set(
      sources.flatMap((source) =>
        Array.from(source.matchAll(/"((?:ASSETS|MUSIC|DATABASE)_[A-Z_]+)"/g), ([, name]) => name!)
      )
    )
    for (const variable of variables) assert.include(readme, variable)
  })
})
