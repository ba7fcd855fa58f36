/** Commands of the project in this process, on the database of a pipeline. */
import * as Clock from "effect/Clock"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import definitions from "../../assets/index.ts"
import experiment from "../../assets/experiments/command.ts"
import model from "../../assets/registry/command.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import { ProjectCommand, Report } from "../../runtime/index.ts"
import { EventLog } from "../../runtime/EventLog.ts"
import * as Publication from "../../runtime/Publication.ts"
import * as Worlds from "./Worlds.ts"

/** What a command answered. */
export interface Answer {
  readonly document: any
  readonly text: string
}

/** Runs `assets model ...`; fails as the command does. */
export const assetsModel = (...args: ReadonlyArray<string>) => run(model, args)

/** Runs `assets experiment ...`. */
export const assetsExperiment = (...args: ReadonlyArray<string>) => run(experiment, args)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const run = Effect.fnUntraced(function* (command: ProjectCommand.Handled, args: ReadonlyArray<string>) {
  let answered: Answer = { document: undefined, text: "" }
  const log = yield* EventLog
  const call = ProjectCommand.Call.of({
    definitions: withoutSource,
    answer: (document, text) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        answered = { document: JSON.parse(JSON.stringify(document)), text: text(Report.paper, now).join("\n") }
      }),
    confirm: () => Effect.succeed(true),
    history: ({ key }, limit) => log.values(key, limit),
    publish: (asset, value, trigger) => Publication.publish(withoutSource, asset, value, trigger)
  })
  yield* Command.runWith(command, { version: "0" })(args).pipe(
    Effect.provideService(ProjectCommand.Call, call),
    Effect.provide(NodeServices.layer)
  )
  return answered
})

const withoutSource = {
  ...definitions,
  resources: Layer.provide(
    MusicApi.layer({ baseUrl: new URL("http://music.test") }),
    FakeSource.layer({ world: Worlds.toWorld(Worlds.ring(1)), faults: [] })
  )
}
