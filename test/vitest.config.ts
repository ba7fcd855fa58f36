import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const json = process.env["VITEST_JSON"]

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["test/**/*.test.ts"],
    // Servers are started and processes killed: slow on a busy machine, never slow in what is asserted.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: json === undefined ? ["default"] : ["default", ["json", { outputFile: json }]]
  }
})
