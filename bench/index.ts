/**
 * `npm run bench -- NAME` measures one thing and prints a line of JSON for each quantity; without a name it lists them.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import type { Bench, Line } from "./Bench.ts"

const benches = Fs.readdirSync(import.meta.dirname)
  .filter((file) => /^[a-z][a-z0-9.-]*\.ts$/.test(file) && file !== "index.ts")
  .map((file) => Path.basename(file, ".ts"))
  .sort()

const print = (lines: Line | ReadonlyArray<Line>) => {
  for (const line of [lines].flat()) process.stdout.write(`${JSON.stringify(line)}\n`)
}

const [name] = process.argv.slice(2)
if (name === undefined) {
  process.stdout.write(`${benches.join("\n")}\n`)
} else if (!benches.includes(name)) {
  process.stderr.write(`There is no bench "${name}"; there are ${benches.join(", ")}\n`)
  process.exitCode = 2
} else {
  const { default: bench }: { readonly default: Bench } = await import(`./${name}.ts`)
  // Ctrl-C ends a bench as its end does: servers stopped, folders removed.
  NodeRuntime.runMain(Effect.map(bench(), print))
}
