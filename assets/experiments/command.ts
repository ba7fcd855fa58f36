/** `assets experiment`: lists the experiments there are, and tells what came of one. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { ExitCode, ProjectCommand } from "../../runtime/index.ts"
import * as ReadOut from "./ReadOut.ts"
import * as ReadOutReport from "./ReadOutReport.ts"
import { running } from "./Running.ts"

const command = Command.make(
  "experiment",
  {
    id: Argument.String("id").pipe(
      Argument.withDescription("The experiment to read out; without one all are listed"),
      Argument.optional
    )
  },
  Effect.fnUntraced(function* ({ id }) {
    const { answer } = yield* ProjectCommand.Call
    if (Option.isNone(id)) {
      const listed = yield* list
      return yield* answer(ReadOutReport.listToJson(listed), (medium, now) =>
        ReadOutReport.listToText(listed, medium, now)
      )
    }
    const experiment = running.find((experiment) => experiment.id === id.value)
    if (experiment === undefined) {
      const known = running.map(({ id }) => id).join(", ")
      const message = `no experiment "${id.value}" is declared; ${known === "" ? "there are none" : `there is ${known}`}`
      return yield* new ExitCode.UsageError({ message })
    }
    const readOut = yield* ReadOut.read(experiment)
    yield* answer(ReadOutReport.toJson(readOut), (medium) => ReadOutReport.toText(readOut, medium))
  })
)

export default command satisfies ProjectCommand.Handled

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const list = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<
    Omit<ReadOutReport.Recorded, "first" | "last"> & { readonly first: Date; readonly last: Date }
  >`
    select experiment as id, count(distinct user_id)::float8 as users, count(*)::float8 as exposures,
      min(at) as first, max(at) as last
    from music.exposure group by experiment`
  const recorded = new Map(
    rows.map((row) => [row.id, { ...row, first: row.first.toISOString(), last: row.last.toISOString() }])
  )
  const ids = new Set([...running.map(({ id }) => id), ...Array.from(recorded.keys()).toSorted()])
  return Array.from(ids, (id): ReadOutReport.Listed => ({
    id,
    experiment: running.find((experiment) => experiment.id === id),
    recorded: recorded.get(id)
  }))
})
