import { assert, describe, it } from "@effect/vitest"
import { Asset, Definitions, Table } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Event from "../runtime/Event.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as EventLine from "../runtime/EventLine.ts"
import * as Invocation from "../runtime/Invocation.ts"
import * as Json from "../runtime/Json.ts"
import * as SqlEventLog from "../runtime/SqlEventLog.ts"
import * as WhyReport from "../runtime/WhyReport.ts"

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

const set = (values: unknown) =>
  Effect.provideService(
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromUnknown(values, { preserveEmptyStrings: true })
  )
const env = (env: Record<string, string>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

const text = { codeVersion: "1", io: Json.make({ schema: Schema.String }) }

/** An asset whose value says nothing of what it read. */
const reading = (settings: Config.Config<unknown>) =>
  Asset.make("reading", { ...text, materialize: () => Effect.as(settings, "read") })

const pipelineOf = <A extends Asset.Any>(asset: A) => Testing.pipeline(Definitions.make({ assets: [asset] }))

const keys = Effect.fnUntraced(function* (asset: ReturnType<typeof reading>) {
  const pipeline = pipelineOf(asset)
  assert.strictEqual((yield* pipeline.materialize([], { force: true })).status, "Succeeded")
  return Object.keys((yield* pipeline.state(asset))!.config)
})

const causes = (pipeline: { readonly plan: () => Effect.Effect<any, any, any> }) =>
  Effect.map(pipeline.plan(), (plan) => plan.steps.flatMap((step: { readonly reasons: unknown }) => step.reasons))

describe("settings that a body reads", () => {
  const asset = reading(Config.String("MUSIC_API_URL"))
  const pipeline = pipelineOf(asset)

  it.effect("make the value Stale when they change, and Current again when they change back", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize().pipe(set({ MUSIC_API_URL: "a", OTHER: "1" }))
      assert.deepStrictEqual(yield* causes(pipeline).pipe(set({ MUSIC_API_URL: "a", OTHER: "2" })), [])
      const changed = [{ _tag: "ConfigChanged", key: "MUSIC_API_URL" }]
      assert.deepStrictEqual(yield* causes(pipeline).pipe(set({ MUSIC_API_URL: "b" })), changed)
      const run = yield* pipeline.materialize().pipe(set({ MUSIC_API_URL: "b" }))
      // The value is what it was, made with other settings.
      assert.deepStrictEqual([run.outcomes, run.reasons], [{ reading: "Verified" }, { reading: changed }])
      assert.deepStrictEqual(yield* causes(pipeline).pipe(set({ MUSIC_API_URL: "b" })), [])
      assert.deepStrictEqual(yield* causes(pipeline).pipe(set({ MUSIC_API_URL: "a" })), changed)
    }).pipe(inMemory)
  )

  it.effect("count when they are not set, and a default is used", () =>
    Effect.gen(function* () {
      const pipeline = pipelineOf(reading(Config.withDefault(Config.Int("LIMIT"), 10)))
      const changed = [{ _tag: "ConfigChanged", key: "LIMIT" }]
      yield* pipeline.materialize().pipe(env({}))
      assert.deepStrictEqual(yield* causes(pipeline).pipe(env({})), [])
      assert.deepStrictEqual(yield* causes(pipeline).pipe(env({ LIMIT: "10" })), changed)
      yield* pipeline.materialize().pipe(env({ LIMIT: "10" }))
      assert.deepStrictEqual(yield* causes(pipeline).pipe(env({ LIMIT: "10", LIMIT_OF_ANOTHER: "1" })), [])
      assert.deepStrictEqual(yield* causes(pipeline).pipe(env({})), changed)
    }).pipe(inMemory)
  )

  it.effect("do not count what else begins with their names, set or not", () =>
    Effect.gen(function* () {
      const pipeline = pipelineOf(reading(Config.withDefault(Config.String("SHOP"), "none")))
      yield* pipeline.materialize().pipe(env({}))
      assert.deepStrictEqual(yield* causes(pipeline).pipe(env({ SHOP_HOST: "a" })), [])
      yield* pipeline.materialize([], { force: true }).pipe(env({ SHOP: "b" }))
      assert.deepStrictEqual(yield* causes(pipeline).pipe(env({ SHOP: "b", SHOP_HOST: "a" })), [])
    }).pipe(inMemory)
  )

  it.effect("are decided about again when the step runs", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize().pipe(set({ MUSIC_API_URL: "a" }))
      const log = yield* pipeline.materialize([], { recheck: true }).pipe(set({ MUSIC_API_URL: "b" }))
      assert.deepStrictEqual(log.reasons, { reading: [{ _tag: "ConfigChanged", key: "MUSIC_API_URL" }] })
    }).pipe(inMemory)
  )

  it.effect("are named by their paths: nested ones, lists, and records with the names they have", () =>
    Effect.gen(function* () {
      const Hosts = Schema.Struct({ hosts: Schema.Array(Schema.Struct({ name: Schema.String })) })
      const labels = Config.Record(Schema.String, Schema.String, "labels")
      const values = { db: { hosts: [{ name: "a" }, { name: "b" }] }, labels: { "a.b": "1" }, key: "k" }
      const asset = reading(Config.all([Config.schema(Hosts, "db"), labels, Config.Redacted("key")]))
      assert.sameMembers(yield* keys(asset).pipe(set(values)), [
        "db",
        "db.hosts",
        "db.hosts[0]",
        "db.hosts[0].name",
        "db.hosts[1]",
        "db.hosts[1].name",
        "labels",
        "labels.*",
        "labels.a\\.b",
        "key"
      ])
      const pipeline = pipelineOf(asset)
      const changed = (change: object) => causes(pipeline).pipe(set({ ...values, ...change }))
      const because = (...keys: ReadonlyArray<string>) => keys.map((key) => ({ _tag: "ConfigChanged", key }))
      assert.deepStrictEqual(yield* changed({}), [])
      assert.deepStrictEqual(yield* changed({ key: "l" }), because("key"))
      assert.deepStrictEqual(
        yield* changed({ db: { hosts: [{ name: "a" }, { name: "c" }] } }),
        because("db.hosts[1].name")
      )
      const third = { db: { hosts: [{ name: "a" }, { name: "b" }, { name: "c" }] } }
      assert.deepStrictEqual(yield* changed(third), because("db.hosts"))
      assert.deepStrictEqual(yield* changed({ labels: { "a.b": "2" } }), because("labels.a\\.b"))
      assert.deepStrictEqual(yield* changed({ labels: { "a.b": "1", c: "2" } }), because("labels.*"))
    }).pipe(inMemory)
  )

  it.effect("are named as the environment has them when a provider changes their names", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromEnv({ env: { APP_API_URL: "a" } }).pipe(
        ConfigProvider.nested("app"),
        ConfigProvider.constantCase
      )
      const recorded = yield* keys(reading(Config.String("apiUrl"))).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, provider)
      )
      assert.deepStrictEqual(recorded, ["APP.API_URL"])
      const inner = Effect.updateService(ConfigProvider.ConfigProvider, ConfigProvider.nested("app"))
      const within = Asset.make("reading", {
        ...text,
        materialize: () => Config.String("apiUrl").pipe(inner, Effect.as("read"))
      })
      assert.deepStrictEqual(yield* keys(within).pipe(set({ app: { apiUrl: "a" } })), ["app.apiUrl"])
    }).pipe(inMemory)
  )

  it.effect("count in every place that was looked at before one had them", () =>
    Effect.gen(function* () {
      const either = (env: Record<string, string>) =>
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.orElse(
            ConfigProvider.constantCase(ConfigProvider.fromEnv({ env })),
            ConfigProvider.fromUnknown({ apiUrl: "file" })
          )
        )
      const asset = reading(Config.String("apiUrl"))
      assert.deepStrictEqual(yield* keys(asset).pipe(either({})), ["API_URL", "apiUrl"])
      assert.deepStrictEqual(yield* causes(pipelineOf(asset)).pipe(either({})), [])
      assert.deepStrictEqual(yield* causes(pipelineOf(asset)).pipe(either({ API_URL: "env" })), [
        { _tag: "ConfigChanged", key: "API_URL" }
      ])
    }).pipe(inMemory)
  )

  it.effect("count when child fibers read them, and streams while they are staged", () =>
    Effect.gen(function* () {
      const apart = Config.all([Config.String("A"), Config.String("B")])
      const forked = Asset.make("reading", {
        ...text,
        materialize: () =>
          Effect.all([Effect.forkChild(Config.String("A")), Config.String("B")], { concurrency: 2 }).pipe(
            Effect.andThen(Effect.as(apart, "read"))
          )
      })
      assert.sameMembers(yield* keys(forked).pipe(set({ A: "1", B: "2" })), ["A", "B"])
      const rows = Asset.make("rows", {
        codeVersion: "1",
        io: Table.make({ schema: Schema.Struct({ id: Schema.Int }), key: ["id"] }),
        materialize: () => Stream.fromEffect(Effect.map(Config.Int("ID"), (id) => ({ id })))
      })
      yield* pipelineOf(rows)
        .materialize()
        .pipe(set({ ID: "7" }))
      assert.deepStrictEqual(Object.keys((yield* pipelineOf(rows).state(rows))!.config), ["ID"])
    }).pipe(inMemory)
  )

  it.effect("count as the attempt that published read them", () =>
    Effect.gen(function* () {
      const asset = Asset.make("reading", {
        ...text,
        materialize: (_, step) =>
          step.attempt === 1
            ? Effect.andThen(Config.String("FIRST"), Effect.fail("once" as const))
            : Effect.as(Config.String("SECOND"), "read")
      }).pipe(Asset.retry({ times: 1, schedule: Schedule.recurs(1), while: () => true }))
      yield* pipelineOf(asset)
        .materialize()
        .pipe(set({ FIRST: "1", SECOND: "2" }))
      assert.deepStrictEqual(Object.keys((yield* pipelineOf(asset).state(asset))!.config), ["SECOND"])
    }).pipe(inMemory)
  )
})

describe("settings that a resource reads", () => {
  class Api extends Context.Service<Api, { readonly url: string }>()("test/Api") {}
  const api = Layer.effect(
    Api,
    Effect.map(Config.String("MUSIC_API_URL"), (url) => ({ url }))
  )
  const asset = Asset.make("reading", { ...text, materialize: () => Effect.as(Api, "read") })
  const pipelineWith = (asset: Asset.Any) => Testing.pipeline(Definitions.make({ assets: [asset], resources: api }))

  it.effect("do not count", () =>
    Effect.gen(function* () {
      yield* pipelineWith(asset)
        .materialize()
        .pipe(set({ MUSIC_API_URL: "a" }))
      assert.deepStrictEqual(yield* causes(pipelineWith(asset)).pipe(set({ MUSIC_API_URL: "b" })), [])
    }).pipe(inMemory)
  )

  it.effect("count when the asset says that it depends on them", () =>
    Effect.gen(function* () {
      const declared = pipelineWith(asset.pipe(Asset.dependsOnConfig("MUSIC_API_URL")))
      const changed = [{ _tag: "ConfigChanged", key: "MUSIC_API_URL" }]
      yield* pipelineWith(asset)
        .materialize()
        .pipe(set({ MUSIC_API_URL: "a" }))
      assert.deepStrictEqual(yield* causes(declared).pipe(set({ MUSIC_API_URL: "a" })), changed)
      yield* declared.materialize().pipe(set({ MUSIC_API_URL: "a" }))
      assert.deepStrictEqual(yield* causes(declared).pipe(set({ MUSIC_API_URL: "a" })), [])
      assert.deepStrictEqual(yield* causes(declared).pipe(set({ MUSIC_API_URL: "b" })), changed)
    }).pipe(inMemory)
  )

  it.effect("are those of the planner also where the resources bring a provider of their own", () =>
    Effect.gen(function* () {
      const asset = reading(Config.String("A"))
      const pipeline = Testing.pipeline(
        Definitions.make({
          assets: [asset],
          resources: ConfigProvider.layerAdd(ConfigProvider.fromUnknown({ A: "default" }))
        })
      )
      yield* pipeline.materialize().pipe(set({}))
      assert.deepStrictEqual(yield* causes(pipeline).pipe(set({})), [])
      assert.deepStrictEqual(yield* causes(pipeline).pipe(set({ A: "1" })), [{ _tag: "ConfigChanged", key: "A" }])
    }).pipe(inMemory)
  )
})

const secret = "hunter2-6f1c"

const secretive = Asset.make("secretive", {
  ...text,
  materialize: (_, step) =>
    Effect.gen(function* () {
      const token = yield* Config.Redacted("TOKEN")
      yield* Effect.logInfo("asking with", token)
      if (step.attempt === 1 && Redacted.value(token) === secret) return yield* Effect.fail({ _tag: "Busy", token })
      return "told"
    }).pipe(Effect.withSpan("ask"))
}).pipe(Asset.retry({ times: 1, schedule: Schedule.recurs(1), while: () => true }))

const everythingTold = Effect.gen(function* () {
  const definitions = Definitions.make({ assets: [secretive] })
  const pipeline = Testing.pipeline(definitions)
  const logged: Array<unknown> = []
  const logger = Logger.layer([Logger.map(Logger.formatJson, (line) => logged.push(line))])
  const run = yield* pipeline.materialize().pipe(set({ TOKEN: secret }), Effect.provide(logger))
  assert.isNotEmpty(logged)
  assert.strictEqual(run.status, "Succeeded")
  const subject = yield* Invocation.subject(definitions).pipe(set({ TOKEN: "another" }))
  const why = WhyReport.make(subject, { asset: "secretive", partition: null })
  assert.include(WhyReport.toText(why, subject, 0).join("\n"), "its setting TOKEN has changed")
  const state = yield* pipeline.state(secretive)
  const lines = [...WhyReport.toText(why, subject, 0), ...run.events.map(EventLine.show)]
  const told = [
    run,
    logged,
    why,
    lines,
    state,
    yield* pipeline.events,
    subject.catalog.states.get("secretive")!.get(null)
  ]
  return { told: told.map((part) => JSON.stringify(part)).join("\n"), state }
})

it.effect("a secret is nowhere in what is recorded, traced and told, nor is a digest that could be tried", () =>
  Effect.gen(function* () {
    const first = yield* Effect.provide(everythingTold, Testing.layerMemory)
    const second = yield* Effect.provide(everythingTold, Testing.layerMemory)
    assert.include(first.told, "TOKEN")
    assert.notInclude(first.told, secret)
    // The same secret under another key.
    assert.notStrictEqual(first.state!.config["TOKEN"], second.state!.config["TOKEN"])
  })
)

it.live("in Postgres, digests are made with a key that the database made, and a secret is in no table", () =>
  Effect.gen(function* () {
    const { told, state } = yield* everythingTold
    assert.notInclude(told, secret)
    const sql = yield* SqlClient.SqlClient
    const tables = yield* sql<{ readonly rows: string }>`
      select query_to_xml(format('select * from %I.%I', table_schema, table_name), true, false, '')::text as rows
      from information_schema.tables where table_schema = 'assets'`
    const kept = tables.map(({ rows }) => rows).join("\n")
    assert.include(kept, state!.config["TOKEN"]!)
    assert.notInclude(kept, secret)
    const pipeline = Testing.pipeline(Definitions.make({ assets: [secretive] }))
    assert.deepStrictEqual(yield* causes(pipeline).pipe(set({ TOKEN: secret })), [])
    // Another process has the key too.
    const [one, other] = [yield* EventLog.EventLog, yield* Layer.build(Layer.fresh(SqlEventLog.layer))]
    assert.strictEqual(yield* Context.get(other, EventLog.EventLog).configKey, yield* one.configKey)
  }).pipe(Effect.scoped, Effect.provide(Testing.layerPostgres()))
)

it("events that were recorded without settings have none", () => {
  const old = {
    _tag: "AssetMaterialized",
    at: "2026-01-01T00:00:00.000Z",
    runId: "r",
    asset: "a",
    partition: null,
    codeVersion: "1",
    dataVersion: "v",
    provenance: {},
    rows: null,
    metadata: {},
    attempts: 1,
    traceId: null,
    spanId: null
  }
  assert.deepInclude(Event.decode(old), { config: {} })
})
