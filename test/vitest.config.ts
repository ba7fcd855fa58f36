import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const json = process.env["VITEST_JSON"]
const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

export default defineConfig({
  root: fromRoot("."),
  test: {
    include: ["test/**/*.test.ts"],
    // No test leaves anything behind in its process, so the files share one: importing Effect, the runtime and the
    // recommender anew takes half a second of processor time a file, of which there are 140.
    isolate: false,
    // By default one core is left idle, while half of the time a test waits for a process or a server of its own.
    maxWorkers: "100%",
    // For the workers and for the processes and threads that tests start, 0.45 s of processor time each: 0.06 s less where
    // code is compiled before, also a program's main module, and 0.07 s less where starting takes no collecting of garbage.
    env: { NODE_COMPILE_CACHE: fromRoot("node_modules/.cache/node-compile"), NODE_OPTIONS: "--max-semi-space-size=16" },
    // Servers are started and processes killed: slow on a busy machine, never slow in what is asserted.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: json === undefined ? ["default"] : ["default", ["json", { outputFile: json }]]
  }
})
