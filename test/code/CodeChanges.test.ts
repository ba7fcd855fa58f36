import { assert, describe, it } from "@effect/vitest"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { rolldown } from "rolldown"
import { afterAll, beforeAll } from "vitest"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import { type Files, Workspace } from "./Workspace.ts"

const files: Files = {
  "node_modules/rates/package.json": `{ "name": "rates", "version": "1.0.0", "type": "module", "exports": "./index.js" }`,
  "node_modules/rates/index.js": `export const euro = 1.1`,
  "assets/prices.ts": `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, Json } from "effect-assets"
import { euro } from "rates"
import { base } from "./base.ts"

export const prices = Asset.make("prices", {
  io: Json.make({ schema: Schema.Finite }),
  materialize: () => (process.env["BROKEN"] ? Effect.fail("computed") : Effect.succeed(base * euro))
})

export const offers = Asset.make("offers", {
  deps: { prices },
  io: Json.make({ schema: Schema.Boolean }),
  materialize: ({ prices }) => Effect.succeed(prices > 0)
})
`,
  "assets/base.ts": `export const base = 10`,
  "assets/index.ts": `
import { Definitions } from "effect-assets"
import { offers } from "./prices.ts"

export default Definitions.make({
  assets: [offers],
  codeVersions: new URL("./assets.manifest.json", import.meta.url)
})
`
}

describe("a project whose code versions are computed", () => {
  const scope = Scope.makeUnsafe()
  let project: Workspace
  let server: Awaited<ReturnType<typeof Effect.runPromise<PgConnection.Config, never>>>

  const assets = (...args: ReadonlyArray<string>) =>
    project.assets(args, { env: { DATABASE_URL: TestDatabase.toUrl(server) } })
  const broken = (...args: ReadonlyArray<string>) =>
    project.assets(args, { env: { DATABASE_URL: TestDatabase.toUrl(server), BROKEN: "1" } })
  const sql = (statement: string) =>
    Effect.runPromise(
      Effect.scoped(Effect.flatMap(PgConnection.make(server), (connection) => connection.query(statement)))
    )
  const events = (stdout: string) =>
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ _tag }) => /^(Asset|StepCutOff|StepFailed)/.test(_tag))
      .map(({ _tag, asset }) => `${asset} ${_tag}`)

  beforeAll(async () => {
    project = new Workspace(files)
    server = await Effect.runPromise(Scope.provide(TestDatabase.make(), scope))
    const { code, stderr } = await assets("materialize")
    assert.strictEqual(code, 0, stderr)
  })
  afterAll(async () => {
    project.remove()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it("has nothing to do as long as only comments and formats change", async () => {
    project.edit("assets/base.ts", "export const base = 10", "// ten\nexport const base: number = (10);")
    assert.strictEqual((await assets("plan", "--check")).code, 0)
  })

  it("says which file and which package changed", async () => {
    project.edit("assets/base.ts", "(10)", "11")
    project.edit("node_modules/rates/package.json", "1.0.0", "1.1.0")
    const why = await assets("why", "offers")
    assert.include(why.stdout, "its code has changed: assets/base.ts, rates 1.0.0 → 1.1.0")
    const [status] = JSON.parse((await assets("status", "prices", "--json")).stdout)
    assert.deepInclude(status.causes[0], {
      _tag: "CodeChanged",
      files: ["assets/base.ts"],
      packages: ["rates 1.0.0 → 1.1.0"]
    })
    assert.include((await assets("plan")).stdout, "code has changed: assets/base.ts, rates 1.0.0 → 1.1.0")
    // The prices come out otherwise, the offers do not: what reads them is not told of code at all.
    const ran = await assets("materialize", "--json")
    assert.deepStrictEqual(events(ran.stdout), ["prices AssetMaterialized", "offers AssetVerified"])
    const started = ran.stdout.split("\n").find((line) => line.includes(`"StepStarted"`))
    assert.deepInclude(JSON.parse(started!).reasons[0], {
      _tag: "CodeChanged",
      files: ["assets/base.ts"],
      packages: ["rates 1.0.0 → 1.1.0"]
    })
    assert.strictEqual((await assets("plan", "--check")).code, 0)
  })

  it("verifies values by their digest, computing nothing, when versions are computed in another way", async () => {
    await sql(`update assets.asset_state set code_version = '0:' || repeat('0', 32)`)
    assert.include((await assets("why", "prices")).stdout, "its code versions are computed in another way now")
    const ran = await broken("materialize", "--json")
    assert.deepStrictEqual(events(ran.stdout), ["prices AssetVerified", "offers AssetVerified"])
    assert.strictEqual((await assets("plan", "--check")).code, 0)
  })

  it("computes what then has another digest", async () => {
    await sql(`update assets.asset_state set code_version = '0:' || repeat('0', 32) where asset = 'prices'`)
    await sql(`update assets.json_value set value = '7' where asset = 'prices'`)
    assert.deepStrictEqual(events((await broken("materialize", "--json")).stdout), ["prices StepFailed"])
    assert.include(events((await assets("materialize", "--json")).stdout), "prices AssetMaterialized")
    const { rows } = await sql(`select value from assets.json_value where asset = 'prices'`)
    assert.notStrictEqual(rows[0]!["value"], "7")
  })

  it("tells of a mistake in a file that is only imported when it is needed", async () => {
    project.write({ "assets/later.ts": "export const a = 1\nexport const = 2\n" })
    project.edit("assets/prices.ts", "Effect.succeed(base * euro)", `Effect.promise(() => import("./later.ts"))`)
    const { code, stderr } = await assets("plan")
    assert.deepStrictEqual([code, stderr], [2, `error: asset "prices" (assets/later.ts): line 2: Unexpected token\n`])
    assert.strictEqual((await assets("list")).stdout, "prices\noffers\n")
    project.write({ "assets/prices.ts": files["assets/prices.ts"]! })
  })

  it("tells of a mistake in a file that everything imports", async () => {
    project.edit("assets/base.ts", "export const base", "export const const base")
    const { code, stderr } = await assets("plan")
    assert.strictEqual(code, 2)
    assert.match(stderr, /assets\/base\.ts:2\)?/)
    project.write({ "assets/base.ts": files["assets/base.ts"]! })
  })

  it("takes the versions of a bundle from what was built beside it, and never from the bundle", async () => {
    const sources = await project.versions()
    const bundle = await rolldown({
      input: project.path("assets/index.ts"),
      platform: "node",
      external: (name) => /^(effect|rates|rolldown)(\/|$)/.test(name),
      logLevel: "silent"
    })
    await bundle.write({ file: project.path("dist/index.js"), codeSplitting: false, minify: true })
    await bundle.close()

    const without = await assets("plan", "--definitions", "dist/index.js")
    assert.strictEqual(without.code, 2)
    assert.include(
      without.stderr,
      `asset "prices" (dist/index.js): no code version can be computed: it stands in a bundle`
    )

    assert.include((await assets("build", "--out", "dist/assets.manifest.json")).stdout, "of 2 assets to dist/assets")
    const status = await assets("status", "--definitions", "dist/index.js", "--json")
    assert.deepStrictEqual(
      JSON.parse(status.stdout).map(({ codeVersion }: { readonly codeVersion: string }) => codeVersion),
      [sources["prices"], sources["offers"]]
    )

    project.edit("dist/assets.manifest.json", `"offers"`, `"orders"`)
    const other = await assets("status", "--definitions", "dist/index.js")
    assert.strictEqual(other.code, 2)
    assert.include(other.stderr, `holds no code version of it`)
  })
})
