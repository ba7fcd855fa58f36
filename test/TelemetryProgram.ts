/**
 * A small run with telemetry, started as a process of its own by the tests of how telemetry ends.
 * It prints what it computed and nothing else. With the argument `wait` it does not end by itself.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Telemetry from "../runtime/Telemetry.ts"

const program = Telemetry.run({ runId: "run-1" }, (root) =>
  Effect.gen(function* () {
    yield* Telemetry.step("users", { attributes: {}, inputs: [] }, () =>
      Telemetry.recordStep({ asset: "users", outcome: "Materialized", seconds: 0.1, rows: 3 })
    )
    yield* Effect.logInfo("users are published")
    yield* Console.log("3 users")
    if (process.argv.includes("wait")) return yield* Effect.never
    yield* Telemetry.endRun(root, "Succeeded")
  })
)

NodeRuntime.runMain(program.pipe(Effect.provide(Telemetry.layer)))
