#!/usr/bin/env node
// First of all, so that everything after it starts from compiled code.
import { enableCompileCache } from "node:module"

enableCompileCache()

const [Cli, Process] = await Promise.all([import("../Cli.ts"), import("../Process.ts")])

Process.run(Cli.run(process.argv.slice(2)))
