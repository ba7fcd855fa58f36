import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const json = process.env["VITEST_JSON"]
const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

export default defineConfig({
  root: fromRoot("."),
  test: {
    include: ["test/**/*.test.ts"],
    // No test leaves anything behind in its process, so the files of a worker share one: importing Effect, the runtime and
    // the recommender anew takes half a second of processor time a file, of which there are 140.
    isolate: false,
    // By default one core is left to Vitest itself, which has next to nothing to do here.
    maxWorkers: "100%",
    // Of a file whose tests are processes: enough to keep the cores busy, and each is done long before it is due.
    maxConcurrency: 3,
    // Also for the processes and threads that tests start: with what was compiled before, a command takes 0.30 s of
    // processor time instead of 0.35 s, and a thread 0.04 s instead of 0.08 s.
    env: { NODE_COMPILE_CACHE: fromRoot("node_modules/.cache/node-compile") },
    // Servers are started, processes killed, and models fitted to real data in 20 s of processor time: slow on a busy
    // machine, never slow in what is asserted.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: json === undefined ? ["default"] : ["default", ["json", { outputFile: json }]]
  }
})
