import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { afterAll, beforeAll } from "vitest"
import { shop } from "./shop.ts"
import { Workspace } from "./Workspace.ts"

/** Makes whatever loads the parser fail. */
const hooks = `import { registerHooks } from "node:module"
  registerHooks({ resolve: (name, context, next) => {
    if (name.startsWith("rolldown")) throw new Error("the parser was asked for")
    return next(name, context)
  } })`
const withoutParser = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hooks)}` }

const regions = ["region_north", "region_south"]

describe("a computed code version", () => {
  let project: Workspace

  beforeAll(() => void (project = new Workspace(shop)))
  afterAll(() => project.remove())

  it.each<[what: string, file: string, from: string | RegExp, to: string]>([
    ["a local is renamed", "assets/pricing.ts", /\bmost\b/, "limit"],
    ["a parameter is renamed", "assets/regions.ts", /\bformat\b/, "shown"],
    ["a declaration is renamed", "assets/pricing.ts", /\bclamp\b/, "bounded"],
    ["code is formatted otherwise", "assets/orders.ts", "      return [{ id: 1,", "      return [\n {id : (1) ,"],
    ["strings are quoted otherwise", "assets/customers.ts", `"utf8"`, `'utf8'`],
    ["a comment is edited", "assets/limits.ts", "// The most that anything costs.", "/* At most. */"],
    [
      "a type is edited",
      "assets/pricing.ts",
      "readonly amount: number",
      "readonly amount: number\n  readonly name?: string"
    ],
    ["a type annotation is added", "assets/orders.ts", "const amount =", "const amount: number ="],
    ["an unrelated helper of the same file is edited", "assets/orders.ts", "row.id + 1", "row.id + 2"],
    ["an unrelated export of an imported file is edited", "assets/pricing.ts", "amount / 2", "amount / 3"],
    ["a check is edited", "assets/orders.ts", `AssetCheck.fail("none")`, `AssetCheck.fail("no rows")`],
    ["a combinator is edited", "assets/orders.ts", `"1 day"`, `"2 days"`],
    ["a combinator in a factory is edited", "assets/regions.ts", `"1 minute"`, `"2 minutes"`],
    ["a comment in its SQL is edited", "sql/customers.sql", "-- One customer.", "/* Only one. */ -- And no more."],
    ["its SQL is formatted otherwise", "sql/customers.sql", "as id, ", "as id\n  ,"],
    [
      "a package that only another package imports is of another version",
      "node_modules/currencies/package.json",
      "1.0.0",
      "1.0.1"
    ],
    ["a description is edited", "assets/orders.ts", "What was ordered", "Orders"],
    ["a description of one of several assets is edited", "assets/halves.ts", "first half", "left half"],
    ["a parameter of a factory is renamed", "assets/regions.ts", /\bname\b/, "called"],
    ["a loop variable is renamed", "assets/regions.ts", /\bdays\b/, "length"]
  ])("stays when %s", async (_, file, from, to) => {
    assert.deepStrictEqual(await project.movedBy(file, from, to), [])
  })

  it.each<[what: string, moved: ReadonlyArray<string>, file: string, from: string | RegExp, to: string]>([
    ["a constant two imports away is edited", ["orders"], "assets/limits.ts", "= 100", "= 101"],
    ["a function that it calls is edited", ["orders"], "assets/pricing.ts", "* 2", "* 3"],
    ["its body is edited", ["orders"], "assets/orders.ts", "?? 0", "?? 1"],
    [
      "a value that it uses is filled otherwise",
      ["orders"],
      "assets/orders.ts",
      "known.set(1, 10)",
      "known.set(1, 11)"
    ],
    [
      "a dependency is read in another way",
      ["difference"],
      "assets/halves.ts",
      "one: left",
      "one: Asset.ignoreVersion(left)"
    ],
    ["its SQL is edited", ["customers"], "sql/customers.sql", "1 as id", "2 as id"],
    [
      "a package that it uses is of another version",
      ["customers"],
      "node_modules/rates/package.json",
      "1.0.0",
      "1.0.1"
    ],
    [
      "a package two imports away is of another version",
      ["orders"],
      "node_modules/numbers/package.json",
      "1.0.0",
      "1.0.1"
    ],
    ["what is quoted in its SQL is edited", ["customers"], "sql/customers.sql", "'--'", "'-- '"],
    ["the schema is edited", ["orders", "report"], "assets/orders.ts", "total: Schema.Finite", "total: Schema.Int"],
    ["a layer that it depends on is edited", ["letters"], "assets/Mailer.ts", "shop@", "store@"],
    ["a file that it depends on is edited", ["letters"], "sql/letter.txt", "Dear", "Hello"],
    [
      "a dependency is exchanged",
      ["report"],
      "assets/report.ts",
      "{ customers, orders }",
      "{ customers: orders, orders }"
    ],
    ["the body of several assets is edited", ["left", "right"], "assets/halves.ts", "count / 2", "count / 3"],
    [
      "assets of one body are exchanged",
      ["difference"],
      "assets/halves.ts",
      "one: left, other: right",
      "one: right, other: left"
    ],
    ["one of several arguments of its factory is edited", ["region_south"], "assets/regions.ts", "size: 2", "size: 3"],
    ["one of several values of a loop is edited", ["total_february"], "assets/regions.ts", "28", "29"],
    ["its factory is edited", regions, "assets/regions.ts", "size * factor", "size + factor"],
    ["what its factory uses is edited", regions, "assets/regions.ts", "factor = 2", "factor = 3"],
    [
      "a function that its factory is given is edited",
      ["formatted_padded"],
      "assets/regions.ts",
      "padStart(9)",
      "padStart(8)"
    ]
  ])("moves only where it has to when %s", async (_, moved, file, from, to) => {
    assert.deepStrictEqual(await project.movedBy(file, from, to), moved)
  })

  it("stays when a helper moves to another file", async () => {
    project.write({
      "assets/rounding.ts": "",
      "assets/fractions.ts": `export const half = (amount: number) => amount / 2`
    })
    project.write({
      "assets/rounding.ts": `import { half } from "./fractions.ts"\nexport const twice = (amount: number) => half(amount) * 4`
    })
    project.edit("assets/pricing.ts", "clamp(amount) * 2", "twice(amount)")
    project.edit("assets/pricing.ts", `import {`, `import { twice } from "./rounding.ts"\nimport {`)
    const moved = await project.movedByAll([
      ["assets/rounding.ts", `import { half } from "./fractions.ts"`, `const divided = (count: number) => count / 2`],
      ["assets/rounding.ts", "half(amount)", "divided(amount)"]
    ])
    assert.deepStrictEqual(moved, [])
  })

  it("is the same computed anew, from what is kept, from another folder and in another place", async () => {
    Fs.rmSync(project.path(".assets"), { recursive: true, force: true })
    const cold = await project.assets(["build"])
    const warm = await project.assets(["build"], { env: withoutParser })
    const elsewhere = await project.assets(["build", "--definitions", "assets/../assets/index.ts"], {
      cwd: project.folder
    })
    const below = await project.assets(["build", "--definitions", "index.ts"], { cwd: project.path("assets") })
    const copy = new Workspace({})
    for (const name of ["assets", "sql", "node_modules/rates", "node_modules/currencies", "node_modules/numbers"]) {
      Fs.cpSync(project.path(name), copy.path(name), { recursive: true })
    }
    const moved = await copy.assets(["build"])
    copy.remove()
    assert.strictEqual(cold.stderr, "")
    for (const { stdout } of [warm, elsewhere, below, moved]) assert.strictEqual(stdout, cold.stdout)
  })

  it.each(["", "{", "null", `${"0".repeat(32)}{}`])("does without what is kept when that is %o", async (text) => {
    const before = await project.versions()
    project.write({ ".assets/code/index": text, ".assets/code/parsed": text })
    assert.deepStrictEqual(await project.versions(), before)
  })

  it("parses only what it has not seen", async () => {
    await project.versions()
    assert.strictEqual((await project.assets(["build"], { env: withoutParser })).code, 0)
    project.edit("assets/regions.ts", "factor = 2", "factor = 5")
    assert.include((await project.assets(["build"], { env: withoutParser })).stderr, "the parser was asked for")
    project.edit("assets/regions.ts", "factor = 5", "factor = 2")
  })

  it("is the same for processes that compute it at the same time", async () => {
    Fs.rmSync(project.path(".assets"), { recursive: true, force: true })
    const answers = await Promise.all(Array.from({ length: 4 }, () => project.assets(["build"])))
    for (const { stdout } of answers) assert.strictEqual(stdout, answers[0]!.stdout)
    assert.deepStrictEqual(Fs.readdirSync(project.path(".assets/code")), ["index", "parsed"])
    assert.strictEqual((await project.assets(["build"])).stdout, answers[0]!.stdout)
  })
})
