/** `assets model`: lists and shows models, and says which one is served. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { ProjectCommand } from "../../runtime/index.ts"
import { model } from "../model.ts"
import { modelChampion } from "../model_champion.ts"
import * as Judgements from "./Judgements.ts"
import { ModelLost } from "./ModelLost.ts"
import * as Registry from "./Registry.ts"
import * as RegistryReport from "./RegistryReport.ts"
import * as Rollbacks from "./Rollbacks.ts"

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const { answer } = yield* ProjectCommand.Call
    const { entries } = yield* Registry.read
    yield* answer(entries.map(RegistryReport.toJson), (medium, now) => RegistryReport.listToText(entries, medium, now))
  })
).pipe(Command.withDescription("List the versions that are kept, newest first"))

const show = Command.make(
  "show",
  {
    name: Argument.String("version").pipe(
      Argument.withDescription("A version or its beginning, or the alias champion or challenger")
    )
  },
  Effect.fnUntraced(function* ({ name }) {
    const { answer, history } = yield* ProjectCommand.Call
    const entry = yield* Effect.fromResult(Registry.find(yield* Registry.read, name))
    const judged = yield* history(modelChampion, most)
    const champions = Judgements.changes(judged).map((change) => ({ ...change, alias: "champion" as const }))
    const fitted = Judgements.changes(yield* history(model, most))
    const challengers = fitted.map((change) => ({ ...change, alias: "challenger" as const }))
    const subject: RegistryReport.Subject = {
      entry,
      judgement: Judgements.of(judged, entry.version),
      history: [...champions, ...challengers]
        .filter(({ alias, version }) => (Registry.isAlias(name) ? alias === name : version === entry.version))
        .toSorted((a, b) => b.at.localeCompare(a.at))
    }
    yield* answer(RegistryReport.subjectToJson(subject), (_, now) => RegistryReport.subjectToText(subject, now))
  })
).pipe(Command.withDescription("Show one: what it was fitted to, how it was judged, when it was champion"))

const promote = Command.make(
  "promote",
  {
    name: Argument.String("version").pipe(Argument.withDescription("A version or its beginning, or challenger"))
  },
  Effect.fnUntraced(function* ({ name }) {
    const { answer } = yield* ProjectCommand.Call
    const registry = yield* Registry.read
    const entry = yield* Effect.fromResult(Registry.find(registry, name))
    const runId = yield* serve(entry, "model promote")
    yield* Rollbacks.remove(entry)
    const replaced = registry.champions[0]?.version ?? null
    yield* answer({ champion: entry.version, replaced, runId }, () => [`${entry.version} is the champion`, ...next])
  })
).pipe(Command.withDescription("Make a version the champion, until a challenger is provably better"))

const rollback = Command.make(
  "rollback",
  {},
  Effect.fnUntraced(function* () {
    const { answer } = yield* ProjectCommand.Call
    const registry = yield* Registry.read
    const before = yield* Effect.fromResult(Registry.before(registry))
    const present = registry.champions[0]!
    // First, so that nothing promotes it in between.
    yield* Rollbacks.add(present)
    const runId = yield* Effect.onError(serve(before, "model rollback"), () => Effect.ignore(Rollbacks.remove(present)))
    yield* answer({ champion: before.version, rolledBack: present.version, runId }, () => [
      `${before.version} is the champion again; ${present.version} is not promoted any more but by assets model promote`,
      ...next
    ])
  })
).pipe(Command.withDescription("Make the champion before the present one the champion again"))

const command = Command.make("model").pipe(Command.withSubcommands([list, show, promote, rollback]))

export default command satisfies ProjectCommand.Handled

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const next = ["assets materialize recommendations brings it into the recommendations"]

/** Of the steps of an asset, newest first: those of some years. */
const most = 2000

/** Publishes it as the champion, and answers with the run's id. */
const serve = Effect.fnUntraced(function* (entry: Registry.Entry, trigger: string) {
  const { publish } = yield* ProjectCommand.Call
  const { bytes, manifest, version } = yield* Registry.handle(entry)
  // Before a run is recorded, whose error would be of the champion there is.
  const read = yield* Effect.mapError(bytes, (cause) => new ModelLost({ version, cause }))
  return yield* publish(modelChampion, { bytes: read, manifest }, trigger)
})
