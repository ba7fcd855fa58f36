import { assert, describe, it } from "@effect/vitest"
import * as Path from "node:path"
import * as Parser from "rolldown/utils"
import type * as CodeCache from "../../runtime/CodeCache.ts"
import * as CodeFile from "../../runtime/CodeFile.ts"
import type * as CodePackage from "../../runtime/CodePackage.ts"
import * as CodeSlice from "../../runtime/CodeSlice.ts"

type Sources = Readonly<Record<string, string>>

const project = (sources: Sources): CodeSlice.Project => {
  const files = new Map(Object.entries(sources).map(([name, text]) => [`/project/${name}`, text]))
  const codes = new Map<string, CodeFile.CodeFile>()
  const cache: CodeCache.CodeCache = {
    digest: (path) => files.get(path),
    code: (path) => {
      const text = files.get(path)
      if (text === undefined) return undefined
      if (!codes.has(path)) codes.set(path, CodeFile.make(Parser, path, text) as CodeFile.CodeFile)
      return codes.get(path)
    },
    asked: new Map(),
    trace: undefined,
    save: () => undefined
  }
  const resolve = (from: string, specifier: string): CodePackage.Destination =>
    specifier.startsWith(".")
      ? { _tag: "File", path: Path.posix.join(Path.posix.dirname(from), specifier) }
      : { _tag: "Package", name: specifier, version: from.includes("/old/") ? "0.9.0" : "1.0.0" }
  return { cache, resolve, assets: new Map() }
}

/** The slice of what `main.ts` exports as `it`. */
const slice = (sources: Sources): CodeSlice.Slice => {
  const of = project(sources)
  const { hash, refs } = of.cache.code("/project/main.ts")!.pieces["it"]!
  return CodeSlice.reader(of)([{ path: "/project/main.ts", given: { hash, refs, free: [] } }])
}

const files = (sources: Sources) => Array.from(slice(sources).files.keys(), (path) => Path.posix.basename(path)).sort()

const shared: Sources = {
  "a.ts": "export const a = 1; export const other = 2; export default a",
  "b.ts": `export { a as b } from "./a.ts"; export * from "./c.ts"; export * as all from "./c.ts"`,
  "c.ts": `import { d } from "./b.ts"; export const c = () => d; export const d = () => c; export * from "./b.ts"`,
  "class.ts": "export class Made extends Object { static layer = new URL('./made.sql', import.meta.url) }",
  "made.sql": "select 1",
  "data.json": "[1]",
  "effects.ts": "export const unused = 1; globalThis.started = true"
}

describe("a slice", () => {
  it.each<[reached: string, main: string, files: ReadonlyArray<string>]>([
    ["a re-export under another name", `import { b } from "./b.ts"; const it = b`, ["a.ts"]],
    ["a default export", `import a from "./a.ts"; const it = a`, ["a.ts"]],
    ["an export of all, in a circle", `import { c } from "./b.ts"; const it = c`, ["c.ts"]],
    ["a member of a re-exported module", `import { all } from "./b.ts"; const it = all.c()`, ["c.ts"]],
    ["a class without its static members", `import { Made } from "./class.ts"; const it = Made`, ["class.ts"]],
    ["a static member", `import { Made } from "./class.ts"; const it = Made.layer`, ["class.ts", "made.sql"]],
    ["one behind a module", `import * as M from "./class.ts"; const it = M.Made.layer`, ["class.ts", "made.sql"]],
    ["a whole module", `const it = () => import("./effects.ts")`, ["effects.ts"]],
    ["a module as a file", `const it = new URL("./effects.ts", import.meta.url)`, ["effects.ts"]],
    ["data", `import data from "./data.json" with { type: "json" }; const it = data`, ["data.json"]],
    ["nothing of a module that is only loaded", `import "./effects.ts"; const it = 1`, []],
    ["nothing that is not there", `import { missing } from "./a.ts"; const it = missing`, []]
  ])("reaches %s", (_, main, expected) => {
    assert.deepStrictEqual(files({ ...shared, "main.ts": main }), [...expected, "main.ts"].sort())
  })

  it("knows the packages it reaches, and no others", () => {
    const main = `import { used } from "used"; import "loaded"; import { x } from "./x.ts"; const it = [used, x], not = other`
    const { packages } = slice({
      "main.ts": main,
      "x.ts": `import { y } from "deep"; import other from "other"; export const x = y`
    })
    assert.deepStrictEqual(Array.from(packages), [
      ["used", "1.0.0"],
      ["deep", "1.0.0"]
    ])
  })

  it("knows all versions of a package that it reaches in several", () => {
    const { packages } = slice({
      "main.ts": `import { a } from "a"; import { b } from "./old/b.ts"; const it = [a, b]`,
      "old/b.ts": `import { b as other } from "a"; export const b = other`
    })
    assert.deepStrictEqual(Array.from(packages), [["a", "0.9.0, 1.0.0"]])
  })

  it("has the same lines wherever its pieces stand", () => {
    const apart = {
      "main.ts": `import { f } from "./f.ts"; const it = f(1)`,
      "f.ts": `import { g } from "./g.ts"; export const f = () => g`,
      "g.ts": "export const g = 2"
    }
    const together = {
      "main.ts": "const second = 2; function unused() {}\nconst first = () => second; const it = first(1)"
    }
    assert.deepStrictEqual(slice(apart).lines, slice(together).lines)
  })

  it("tells which of two pieces is meant", () => {
    const main = (first: string, second: string) => ({ "main.ts": `const a = 1, b = 2, it = [${first}, ${second}]` })
    assert.notDeepEqual(slice(main("a", "b")).lines, slice(main("b", "a")).lines)
    assert.notDeepEqual(slice(main("a", "b")).lines, slice(main("a", "a")).lines)
  })
})
