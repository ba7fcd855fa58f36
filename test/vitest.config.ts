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
    // Also for the processes and threads that tests start: with what was compiled before, a command takes 0.30 s of
    // processor time instead of 0.35 s, and a thread 0.04 s instead of 0.08 s.
    env: { NODE_COMPILE_CACHE: fromRoot("node_modules/.cache/node-compile") },
    // Servers are started and processes killed: slow on a busy machine, never slow in what is asserted.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: json === undefined ? ["default"] : ["default", ["json", { outputFile: json }]]
  }
})
