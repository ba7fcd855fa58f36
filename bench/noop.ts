/**
 * How long `assets materialize --json` takes when nothing is stale: the reference project on the demo source and the
 * embedded server, which is running.
 */
import * as Path from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Bench from "./Bench.ts"
import * as Folder from "./Folder.ts"
import * as Node from "./Node.ts"

export default () =>
  Effect.gen(function* () {
    const home = yield* Folder.home
    const environment = { ASSETS_HOME: home, NODE_COMPILE_CACHE: Path.join(home, "compiled") }
    const materialize = Node.assets(["materialize", "--json"], environment)
    yield* materialize
    const again = Effect.flatMap(materialize, ({ millis, stdout }) =>
      stdout.includes('"StepStarted"') ? Effect.fail(new NotCurrent()) : Effect.succeed(millis)
    )
    const { bare, nothing } = yield* Bench.medians({ nothing: again, bare: Node.idle }, 9)
    const line: Bench.Line = {
      bench: "noop",
      value: Bench.rounded(nothing),
      unit: "ms",
      better: "lower",
      target: 700,
      baseline: { name: "node -e 0", value: Bench.rounded(bare) }
    }
    return line
  }).pipe(Effect.scoped)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The sources are due again at midnight UTC. */
class NotCurrent extends Data.TaggedError("NotCurrent") {
  override readonly message = "Something was stale again: the day has changed. Run the bench once more."
}
