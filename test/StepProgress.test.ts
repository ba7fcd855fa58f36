import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Body from "../runtime/Body.ts"
import * as Forecast from "../runtime/Forecast.ts"
import * as Json from "../runtime/Json.ts"
import * as LiveRun from "../runtime/LiveRun.ts"
import * as Plan from "../runtime/Plan.ts"
import { Progress } from "../runtime/Progress.ts"
import * as Report from "../runtime/Report.ts"
import * as Screen from "../runtime/Screen.ts"

const fitted = Asset.make("fitted", {
  codeVersion: "1",
  io: Json.make({ schema: Schema.Int }),
  materialize: (_, step) =>
    Effect.as(
      Effect.forEach([1, 2, 3], (epoch) => step.progress(`epoch ${epoch} of 3`)),
      7
    )
})

const pipeline = Testing.pipeline(Definitions.make({ assets: [fitted] }))

describe("how far a step says it is", () => {
  it.effect("is heard by whoever watches the run and by its trace, and recorded nowhere", () =>
    Effect.gen(function* () {
      const heard: Array<readonly [asset: string, words: string]> = []
      const ran = yield* pipeline
        .materialize()
        .pipe(
          Effect.provideService(Body.Watcher, ({ asset }, words) => Effect.sync(() => void heard.push([asset, words])))
        )
      const words = ["epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3"]
      assert.deepStrictEqual(
        heard,
        words.map((told) => ["fitted", told] as const)
      )
      const events = ran.spans.flatMap((span) => span.events)
      assert.deepStrictEqual(
        events,
        words.map((told) => ({ name: "progress", attributes: { "asset.progress": told } }))
      )
      assert.notInclude(JSON.stringify(ran.events), "epoch")
    }).pipe(Effect.provide(Testing.layerMemory))
  )

  it.live("is drawn on a terminal beside the step, and written nowhere else", () =>
    Effect.gen(function* () {
      for (const animated of [true, false]) {
        let text = ""
        const drawn = yield* Deferred.make<void>()
        const screen = Screen.make({ ...Report.paper, animated }, (written) => {
          text += written
          return text.includes("half of it") ? Deferred.succeed(drawn, undefined) : Effect.void
        })
        const slow = Asset.make("slow", {
          codeVersion: "1",
          io: Json.make({ schema: Schema.Int }),
          materialize: (_, step) =>
            Effect.as(Effect.andThen(step.progress("half of it"), animated ? Deferred.await(drawn) : Effect.void), 1)
        })
        const definitions = Definitions.make({ assets: [slow] })
        const tell = (plan: Plan.Plan) =>
          Effect.succeed(
            new Progress(
              plan,
              Forecast.make(definitions.graph, plan, { durations: new Map(), concurrency: 1 }),
              screen.medium
            )
          )
        const watcher = yield* LiveRun.forPeople(screen, tell, "")
        const request = { ...Plan.everything, force: true }
        yield* LiveRun.materialize(definitions, { request, trigger: "test", concurrency: 1, watcher })
        assert.strictEqual(/slow +[\d.]+ m?s +half of it/.test(text), animated)
        assert.include(text, "Succeeded")
      }
    }).pipe(Effect.provide(Testing.layerMemory))
  )

  it.effect("is of no consequence where nobody watches", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* pipeline.materialize()).status, "Succeeded")
    }).pipe(Effect.provide(Testing.layerMemory))
  )
})
