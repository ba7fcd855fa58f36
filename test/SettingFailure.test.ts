import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Event from "../runtime/Event.ts"
import * as ExitCode from "../runtime/ExitCode.ts"

const provider = ConfigProvider.fromUnknown({ LIMIT: "s3cret", db: { port: "s3cret" } })

const notSet = (key: string) =>
  `the setting ${key} is not set; set it in the environment, or where the project reads its settings`

describe("a setting that cannot be read", () => {
  it.effect.each<[Config.Config<unknown>, string]>([
    [Config.Int("MISSING"), notSet("MISSING")],
    [Config.Redacted("MISSING"), notSet("MISSING")],
    [Config.String("host").pipe(Config.nested("db")), notSet("db.host")],
    [Config.schema(Schema.Struct({ host: Schema.String }), "db"), notSet("db.host")],
    [Config.Int("LIMIT"), "the setting LIMIT is wrong: expected a finite number"],
    [Config.Int("port").pipe(Config.nested("db")), "the setting db.port is wrong: expected a finite number"],
    [Config.Literals(["a", "b"], "LIMIT"), 'the setting LIMIT is wrong: expected "a" | "b"']
  ])("is named, with what it should be and without what it is", ([config, message]) =>
    Effect.gen(function* () {
      const cause = yield* Effect.sandbox(config).pipe(
        Effect.flip,
        Effect.provideService(ConfigProvider.ConfigProvider, provider)
      )
      assert.deepStrictEqual(Event.failureOf(cause), { _tag: "ConfigError", message })
      assert.deepInclude(ExitCode.fromCause(cause), { code: ExitCode.usage, message })
    })
  )
})
