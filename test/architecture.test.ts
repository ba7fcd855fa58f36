import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"

const runtime = new URL("../runtime/", import.meta.url)
const read = (file: string) => Fs.readFileSync(new URL(file, runtime), "utf8")

// A dynamic import is how a module puts off what stands below it; it is not part of the order.
const imports = (source: string) => Array.from(source.matchAll(/from "\.\/(\w+)\.ts"/g), ([, module]) => module!)
const order = imports(read("index.ts"))
const modules = Fs.readdirSync(runtime)
  .filter((file) => file.endsWith(".ts") && file !== "index.ts")
  .map((file) => file.slice(0, -".ts".length))

describe("runtime/index.ts", () => {
  it("lists every module once", () => {
    assert.sameMembers(order, modules)
    assert.strictEqual(new Set(order).size, order.length)
  })

  it.each(order)("%s imports only modules above it", (module) => {
    const below = imports(read(`${module}.ts`)).filter((imported) => order.indexOf(imported) >= order.indexOf(module))
    assert.deepStrictEqual(below, [])
  })

  it.each(modules)("%s is at most 400 lines", (module) => {
    assert.isAtMost(read(`${module}.ts`).split("\n").length, 400)
  })
})

describe("assets/", () => {
  const assets = new URL("../assets/", import.meta.url)
  const files = Fs.readdirSync(assets, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))

  it.each(files)("%s imports the framework only through runtime/index.ts", (file) => {
    const source = Fs.readFileSync(new URL(file, assets), "utf8")
    const paths = Array.from(source.matchAll(/from "((?:\.\.\/)+runtime\/[^"]+)"/g), ([, path]) => path!)
    assert.deepStrictEqual(
      paths.filter((path) => !/^(\.\.\/)+runtime\/(index|Testing)\.ts$/.test(path)),
      []
    )
  })
})

describe("runtime/", () => {
  it("knows nothing of music", () => {
    const mentions = modules.filter((module) => /from "[^"]*assets\//.test(read(`${module}.ts`)))
    assert.deepStrictEqual(mentions, [])
  })
})
