/** `npm start`: brings everything up to date and, if that took any doing, shows what came of it. */
import { enableCompileCache } from "node:module"

enableCompileCache()

const { program } = await import("./source/FirstLook.ts")
const { Process } = await import("../runtime/index.ts")

Process.run(program)
