/**
 * How long it takes to compute the code versions of 200 assets in files of their own, which share helpers: with nothing
 * kept, and with all files as they were; each in a process of its own, as a command would.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Url from "node:url"
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import * as Folder from "./Folder.ts"
import * as Node from "./Node.ts"

const count = 200
const repository = Path.resolve(import.meta.dirname, "..")

export default () =>
  Effect.gen(function* () {
    const folder = yield* Folder.temporary
    write(folder)
    const settled = new Date(Date.now() - 60_000)
    for (const file of Fs.readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (file.endsWith(".ts")) Fs.utimesSync(Path.join(folder, file), settled, settled)
    }
    const environment = { NODE_COMPILE_CACHE: Path.join(folder, "compiled") }
    const kept = Path.join(folder, ".assets")
    const compute = Effect.map(Node.run([Path.join(folder, "time.ts"), kept], environment), ({ stdout }) =>
      Number(stdout)
    )
    const forget = Effect.sync(() => Fs.rmSync(kept, { recursive: true, force: true }))
    const { cold, warm } = yield* Bench.medians({ cold: Effect.andThen(forget, compute), warm: compute })
    const line = { bench: "code-version-200", unit: "ms", better: "lower", baseline: null } as const
    const lines: ReadonlyArray<Bench.Line> = [
      { ...line, quantity: "warm", value: Bench.rounded(warm), target: 30 },
      { ...line, quantity: "cold", value: Bench.rounded(cold), target: 2000 }
    ]
    return lines
  }).pipe(Effect.scoped)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const write = (folder: string) => {
  Fs.writeFileSync(Path.join(folder, "package.json"), `{ "type": "module" }`)
  Fs.mkdirSync(Path.join(folder, "node_modules"))
  Fs.symlinkSync(repository, Path.join(folder, "node_modules/effect-assets"))
  Fs.symlinkSync(Path.join(repository, "node_modules/effect"), Path.join(folder, "node_modules/effect"))
  Fs.mkdirSync(Path.join(folder, "helpers"))
  for (let index = 0; index < 20; index++)
    Fs.writeFileSync(Path.join(folder, `helpers/Helper${index}.ts`), helper(index))
  for (let index = 0; index < count; index++) Fs.writeFileSync(Path.join(folder, `asset_${index}.ts`), asset(index))
  const names = Array.from({ length: count }, (_, index) => index)
  Fs.writeFileSync(
    Path.join(folder, "index.ts"),
    `import { Definitions } from "effect-assets"
${names.map((index) => `import { asset${index} } from "./asset_${index}.ts"`).join("\n")}
export default Definitions.make({ assets: [${names.map((index) => `asset${index}`).join(", ")}] })
`
  )
  Fs.writeFileSync(Path.join(folder, "time.ts"), program)
}

/** From the moment that the definitions are loaded. */
const program = `import { enableCompileCache } from "node:module"
enableCompileCache()
const { default: definitions } = await import("./index.ts")
await import(${JSON.stringify(Url.pathToFileURL(Path.join(repository, "runtime/SqlEventLog.ts")).href)})
const start = performance.now()
const CodeVersion = await import(${JSON.stringify(Url.pathToFileURL(Path.join(repository, "runtime/CodeVersion.ts")).href)})
const found = CodeVersion.ofDefinitions(definitions, process.argv[2])
const took = performance.now() - start
if (found._tag !== "Success" || found.success.size !== ${count}) throw new Error(JSON.stringify(found))
console.log(took)
`

const helper = (index: number) => `import * as Effect from "effect/Effect"
${index === 0 ? "" : `import * as Before from "./Helper${index >> 1}.ts"`}

/** Settings of the ${index}th kind. */
export const settings: { readonly weight: number; readonly limit: number } = { weight: ${index}, limit: 100 }

const bounded = (value: number): number => Math.max(0, Math.min(settings.limit, value))

export const score = (values: ReadonlyArray<number>): number => {
  let total = ${index === 0 ? "0" : "Before.score(values.slice(1))"}
  for (const value of values) total += bounded(value) * settings.weight
  return total
}

export const logged = Effect.fn("logged")(function* (values: ReadonlyArray<number>) {
  yield* Effect.logDebug(values.length)
  return score(values)
})

export const unused = (text: string) => text.split(",").map((part) => part.trim())
`

/** Most projects keep tables. */
const asset = (index: number) => `import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, AssetCheck, Table } from "effect-assets"
import * as First from "./helpers/Helper${index % 20}.ts"
import { logged } from "./helpers/Helper${(index * 7) % 20}.ts"
${index === 0 ? "" : `import { asset${index - 1} } from "./asset_${index - 1}.ts"`}

const Row = Schema.Struct({ id: Table.Long, day: Table.Day, score: Schema.Finite, note: Schema.NullOr(Schema.String) })

const offset = ${index}

/** The ${index}th asset. */
export const asset${index} = Asset.make("asset_${index}", {
  deps: { ${index === 0 ? "" : `before: asset${index - 1}`} },
  io: Table.make({ schema: Row, key: ["id"] }),
  materialize: () =>
    Effect.gen(function* () {
      const total = yield* logged([1, 2, offset])
      const rows = Array.from({ length: 10 }, (_, id) => ({ id, day: "2026-01-01", score: First.score([total, id]), note: null }))
      return rows.filter(({ score }) => score > First.settings.weight)
    })
}).pipe(
  Asset.check("some rows", {
    run: Effect.fnUntraced(function* ({ count }) {
      return (yield* count) > 0 ? AssetCheck.pass() : AssetCheck.fail("there are none")
    })
  })
)
`
