/**
 * How long `assets list --json` takes from start to exit, from files and a compile cache that are warm.
 */
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import * as Folder from "./Folder.ts"
import * as Node from "./Node.ts"

export default () =>
  Effect.gen(function* () {
    const environment = { NODE_COMPILE_CACHE: yield* Folder.temporary }
    const list = Effect.map(Node.assets(["list", "--json"], environment), ({ millis }) => millis)
    const { bare, listed } = yield* Bench.medians({ listed: list, bare: Node.idle }, 9)
    const line: Bench.Line = {
      bench: "cli-start",
      value: Bench.rounded(listed),
      unit: "ms",
      better: "lower",
      target: 350,
      baseline: { name: "node -e 0", value: Bench.rounded(bare) }
    }
    return line
  }).pipe(Effect.scoped)
