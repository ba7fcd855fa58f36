import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { BackfillLog, layerMemory } from "../../runtime/BackfillLog.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import * as SqlBackfillLog from "../../runtime/SqlBackfillLog.ts"
import * as SqlEventLog from "../../runtime/SqlEventLog.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as BackfillLogContract from "./BackfillLogContract.ts"

const memory = Layer.provideMerge(layerMemory, EventLog.layerMemory)
const postgres = Layer.provideMerge(Layer.merge(SqlEventLog.layer, SqlBackfillLog.layer), TestDatabase.layer())

BackfillLogContract.suite("backfills in memory", memory)
BackfillLogContract.suite("backfills in PostgreSQL", postgres)

class Logs extends Context.Service<
  Logs,
  Record<"memory" | "postgres", Context.Context<BackfillLog | EventLog.EventLog>>
>()("test/Logs") {}

const both = Layer.effect(
  Logs,
  Effect.all({
    memory: Layer.build(memory),
    postgres: Effect.map(Layer.build(postgres), Context.pick(BackfillLog, EventLog.EventLog))
  })
)

const happenings = Schema.Array(
  Schema.Literals(["BackfillPaused", "BackfillResumed", "BackfillCanceled", "BackfillSucceeded", "BackfillFailed"])
).check(Schema.isMaxLength(8))

describe("whatever is told of a backfill", () => {
  it.layer(both, { timeout: "60 seconds" })((it) => {
    it.effect.prop(
      "the tables are what the events fold to",
      { happenings },
      ({ happenings }) =>
        Effect.gen(function* () {
          const logs = yield* Logs
          const told = Effect.fnUntraced(function* (made: BackfillLogContract.Told) {
            yield* made.tell("BackfillRequested", ...happenings)
            return yield* BackfillLog.use((log) => log.backfill(made.id))
          })
          // Two of one id, a clock each.
          const made = BackfillLogContract.backfill()
          const inMemory = yield* Effect.provideContext(told(made), logs.memory)
          const inPostgres = yield* Effect.provideContext(told(made.again()), logs.postgres)
          expect(inPostgres).toEqual(inMemory)
        }),
      { arbitrary: { runs: 50 }, timeout: 60_000 }
    )
  })
})
