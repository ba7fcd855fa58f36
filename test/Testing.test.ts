import { afterAll, assert, describe, it, layer } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, Partition, Table } from "effect-assets"
import * as Testing from "effect-assets/testing"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Url from "node:url"
import * as EmbeddedPostgres from "../runtime/EmbeddedPostgres.ts"
import * as Json from "../runtime/Json.ts"
import { emptyFolder, settings } from "./embeddedPostgresFixture.ts"

const User = Schema.Struct({ id: Schema.Int, name: Schema.String })
const ada = { id: 1, name: "Ada" }
const bob = { id: 2, name: "Bob" }

class Directory extends Context.Service<
  Directory,
  { readonly everyone: Effect.Effect<ReadonlyArray<typeof User.Type>> }
>()("test/Directory") {}

const users = Asset.make("users", {
  codeVersion: "1",
  io: Table.make({ schema: User, key: ["id"] }),
  materialize: () => Effect.flatMap(Directory, (directory) => directory.everyone)
}).pipe(
  Asset.check("somebody is there", {
    blocking: true,
    run: ({ count }) =>
      Effect.map(count, (count) => (count > 0 ? AssetCheck.pass() : AssetCheck.fail("nobody is there")))
  })
)

const headcount = Asset.make("headcount", {
  codeVersion: "1",
  deps: { users },
  io: Json.make({ schema: Schema.Int }),
  materialize: ({ users }) => users.count
})

const greetings = Asset.make("greetings", {
  codeVersion: "1",
  deps: { headcount },
  io: Json.make({ schema: Schema.String }),
  materialize: ({ headcount }) => Effect.succeed(`Hello, ${headcount}!`)
})

const visits = Asset.make("visits", {
  codeVersion: "1",
  deps: { users },
  partitions: Partition.daily({ start: "2026-01-01" }),
  io: Json.make({ schema: Schema.Int }),
  materialize: (_, step) => Effect.succeed(Number(step.partition.slice(-2)))
})

const directory = (...people: ReadonlyArray<typeof User.Type>) =>
  Layer.succeed(Directory, { everyone: Effect.succeed(people) })

const definitions = Definitions.make({ assets: [greetings, visits], resources: directory(ada, bob) })
const pipeline = Testing.pipeline(definitions)

const inMemory = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerMemory)

describe("a pipeline in memory", () => {
  it.effect("tells what ran and why", () =>
    Effect.gen(function* () {
      const run = yield* pipeline.materialize("+greetings")
      assert.deepStrictEqual(run.outcomes, {
        users: "Materialized",
        headcount: "Materialized",
        greetings: "Materialized"
      })
      assert.deepStrictEqual(run.reasons["users"], [{ _tag: "Missing" }])
      assert.strictEqual(
        run.explain,
        [
          "users      Materialized  never materialized",
          "headcount  Materialized  never materialized",
          "greetings  Materialized  never materialized",
          "Succeeded"
        ].join("\n")
      )
    }).pipe(inMemory)
  )

  it.effect("gives published values as dependents get them", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize("+greetings")
      assert.sameDeepMembers([...(yield* pipeline.rows(users))], [ada, bob])
      assert.strictEqual(yield* pipeline.value(headcount), 2)
      assert.strictEqual(yield* (yield* pipeline.value(users)).count, 2)
      assert.strictEqual((yield* pipeline.state(users))?.rows, 2)
    }).pipe(inMemory)
  )

  it.effect("says so when a value was never published", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(pipeline.value(headcount))
      assert.strictEqual(error.message, "headcount: could not load: headcount was never published")
      assert.isUndefined(yield* pipeline.state(headcount))
    }).pipe(inMemory)
  )

  it.effect("has the status of every slice", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-01-02T03:00:00Z"))
      yield* pipeline.materialize("users")
      assert.deepStrictEqual(yield* pipeline.status, {
        users: "Current",
        headcount: "Missing",
        greetings: "Missing",
        "visits/2026-01-01": "Missing",
        "visits/2026-01-02": "Missing"
      })
    }).pipe(inMemory)
  )

  it.effect("has partitions up to the test's clock", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-01-01"))
      const first = yield* pipeline.materialize("+visits")
      assert.deepStrictEqual(first.outcomes, { users: "Materialized", "visits/2026-01-01": "Materialized" })
      yield* TestClock.adjust("1 day")
      const second = yield* pipeline.materialize("visits")
      assert.deepStrictEqual(second.outcomes, { "visits/2026-01-02": "Materialized" })
      assert.strictEqual(yield* pipeline.value(visits, "2026-01-02"), 2)
      assert.deepStrictEqual(Array.from(yield* pipeline.value(visits)).sort(), [
        ["2026-01-01", 1],
        ["2026-01-02", 2]
      ])
      assert.strictEqual((yield* pipeline.state(visits, "2026-01-02"))?.partition, "2026-01-02")
    }).pipe(inMemory)
  )

  it.effect("tells what was cut off", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize("+greetings")
      const grown = pipeline.pipe(Testing.resources(directory(bob, { id: 3, name: "Cyd" })))
      const run = yield* grown.materialize("greetings", { recheck: true })
      assert.strictEqual(
        run.explain,
        [
          "users      Materialized  recheck requested",
          "headcount  Verified      users has changed",
          "greetings  CutOff",
          "Succeeded"
        ].join("\n")
      )
    }).pipe(inMemory)
  )

  it.effect("reports an empty plan as a run that did nothing", () =>
    Effect.gen(function* () {
      yield* pipeline.materialize("+greetings")
      const run = yield* pipeline.materialize("+greetings")
      assert.deepStrictEqual([run.id, run.status, run.outcomes, run.events], [null, "Succeeded", {}, []])
      assert.deepStrictEqual((yield* pipeline.plan("+greetings")).steps, [])
    }).pipe(inMemory)
  )

  it.effect("reports failures, what they kept from running, and checks", () =>
    Effect.gen(function* () {
      const run = yield* pipeline.pipe(Testing.given(users, [])).materialize("+greetings")
      assert.strictEqual(run.status, "Failed")
      assert.deepStrictEqual(run.outcomes, { users: "Failed", headcount: "Skipped", greetings: "Skipped" })
      assert.deepStrictEqual(run.because, { headcount: "users", greetings: "headcount" })
      assert.deepStrictEqual(run.checks, { "users:somebody is there": "Failed" })
      assert.strictEqual(run.errors["users"]?._tag, "BlockingCheckFailed")
      assert.match(run.explain, /^headcount {2}Skipped {2}because of users$/m)
    }).pipe(inMemory)
  )

  it.effect("accepts a failed check for one run", () =>
    Effect.gen(function* () {
      const empty = pipeline.pipe(Testing.given(users, []))
      const run = yield* empty.materialize(["users", "headcount"], { accept: ["users:somebody is there"] })
      assert.deepStrictEqual(run.checks, { "users:somebody is there": "Accepted" })
      assert.strictEqual(yield* pipeline.value(headcount), 0)
    }).pipe(inMemory)
  )

  it.effect("knows of runs that were interrupted", () =>
    Effect.gen(function* () {
      const stuck = pipeline.pipe(Testing.override(headcount, () => Effect.never))
      const fiber = yield* Effect.forkChild(stuck.materialize(["headcount", "users"]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const [run] = yield* stuck.runs
      assert(run !== undefined)
      assert.strictEqual(run.status, "Canceled")
      assert.deepStrictEqual(run.outcomes, { users: "Materialized", headcount: "Canceled" })
    }).pipe(inMemory)
  )

  it.effect("has what bodies set aside", () =>
    Effect.gen(function* () {
      const tolerant = pipeline.pipe(
        Testing.override(visits, (step) =>
          Effect.as(step.reject([{ item: { id: "?" }, reason: "id is no number" }]), 1)
        )
      )
      yield* TestClock.setTime(Date.parse("2026-01-01"))
      const run = yield* tolerant.materialize("+visits")
      assert.strictEqual(run.errors["visits/2026-01-01"]?._tag, "TooManyRejected")
      assert.deepStrictEqual(yield* tolerant.quarantined(visits, "2026-01-01"), [
        { item: { id: "?" }, reason: "id is no number" }
      ])
    }).pipe(inMemory)
  )

  it.effect("keeps the spans of each run, and what they link to in others", () =>
    Effect.gen(function* () {
      const first = yield* pipeline.materialize("users")
      const second = yield* pipeline.materialize("headcount")
      assert.strictEqual(
        Testing.tree(second.spans),
        [
          "run",
          "  plan",
          "  materialize headcount",
          "    attempt",
          "      io.load",
          "      io.stage",
          "      io.publish"
        ].join("\n")
      )
      const step = second.spans.find(({ name }) => name === "materialize headcount")
      assert.deepStrictEqual(
        step?.links,
        first.spans.filter(({ name }) => name === "materialize users")
      )
      assert.include(step?.attributes, { "asset.key": "headcount", "asset.outcome": "Materialized" })
    }).pipe(inMemory)
  )

  it.effect("repeats its run ids and whatever else is random", () => {
    const dice = Testing.pipeline(Definitions.make({ assets: [headcount] })).pipe(
      Testing.override(users, () => Effect.map(Random.nextInt, (id) => [{ id: id % 1000, name: "?" }]))
    )
    const once = Effect.gen(function* () {
      const run = yield* dice.materialize()
      return [run.id, yield* dice.rows(users)]
    }).pipe(inMemory)
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* once, yield* once)
    })
  })

  it("works with plain promises", async () => {
    const run = await Effect.runPromise(inMemory(pipeline.materialize("+greetings")))
    assert.strictEqual(run.status, "Succeeded")
  })
})

describe("what a test puts in place", () => {
  it.effect("a given value needs nothing that its body needed", () =>
    Effect.gen(function* () {
      const alone = Testing.pipeline(Definitions.make({ assets: [greetings] })).pipe(Testing.given(users, [ada]))
      const run = yield* alone.materialize()
      assert.deepStrictEqual(Object.keys(run.outcomes), ["users", "headcount", "greetings"])
      assert.strictEqual(yield* alone.value(greetings), "Hello, 1!")
    }).pipe(inMemory)
  )

  it.effect("what only a given value read is no part of the pipeline", () =>
    Effect.gen(function* () {
      const run = yield* pipeline.pipe(Testing.given(headcount, 7)).materialize("+greetings")
      assert.deepStrictEqual(run.outcomes, { headcount: "Materialized", greetings: "Materialized" })
    }).pipe(inMemory)
  )

  it.effect("another body may fail in its own way", () =>
    Effect.gen(function* () {
      const broken = pipeline.pipe(Testing.override(headcount, () => Effect.fail(new Error("the counter is broken"))))
      const run = yield* broken.materialize(["users", "headcount", "greetings"])
      assert.deepStrictEqual(run.outcomes, { users: "Materialized", headcount: "Failed", greetings: "Skipped" })
      assert.strictEqual(run.errors["headcount"]?.message, "the counter is broken")
    }).pipe(inMemory)
  )

  it.effect("a stream of rows serves as well as a list", () =>
    Effect.gen(function* () {
      const streaming = pipeline.pipe(Testing.override(users, () => Stream.make(ada, bob)))
      yield* streaming.materialize("users")
      assert.lengthOf(yield* streaming.rows(users), 2)
    }).pipe(inMemory)
  )

  it.effect("resources take the place of the project's, which are not built", () =>
    Effect.gen(function* () {
      const unreachable = Layer.effect(Directory, Effect.die("built"))
      const project = Definitions.make({ assets: [users], resources: unreachable })
      const run = yield* Testing.pipeline(project)
        .pipe(Testing.resources(directory(ada)))
        .materialize()
      assert.strictEqual(run.status, "Succeeded")
    }).pipe(inMemory)
  )

  it("an asset of the same key from elsewhere is refused", () => {
    const impostor = Asset.make("users", {
      codeVersion: "1",
      io: Json.make({ schema: Schema.Int }),
      materialize: () => Effect.succeed(1)
    })
    assert.throws(() => pipeline.pipe(Testing.given(impostor, 1)), "the pipeline has another asset called users")
  })

  it.effect("an HTTP client can be made to fail call by call", () =>
    Effect.gen(function* () {
      const people = HttpClient.make((request) =>
        Effect.succeed(HttpClientResponse.fromWeb(request, Response.json([ada, bob])))
      )
      const body = HttpClient.get("http://directory.test/people").pipe(
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        Effect.flatMap((response) => response.json),
        Effect.flatMap(Schema.decodeUnknownEffect(Schema.Array(User)))
      )
      const overHttp = pipeline.pipe(
        Testing.override(users, () => body),
        Testing.resources(
          Testing.Faults.layer([Testing.Faults.on({ path: "/people" }, Testing.Faults.status(500))]).pipe(
            Layer.provide(Layer.succeed(HttpClient.HttpClient, people))
          )
        )
      )
      assert.strictEqual((yield* overHttp.materialize("users")).status, "Failed")
    }).pipe(inMemory)
  )
})

const migrations = Url.pathToFileURL(`${Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets migrations &c é-"))}/`)
Fs.writeFileSync(
  new URL("0001_people.sql", migrations),
  "create table public.people (id integer primary key, name text not null);"
)
afterAll(() => Fs.rmSync(migrations, { recursive: true }))

const people = Asset.make("people", {
  codeVersion: "1",
  io: Table.make({ schema: User, key: ["id"] }),
  materialize: () => Effect.succeed(Table.query("select id, upper(name) as name from directory"))
})
const project = Definitions.make({ assets: [people], migrations })
const census = Testing.pipeline(project)

const onPostgres = <A, E, R>(test: Effect.Effect<A, E, R>) => Effect.provide(test, Testing.layerPostgres(project))

const move = Effect.fnUntraced(function* (...residents: ReadonlyArray<typeof User.Type>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists directory (id integer, name text)`
  yield* sql`delete from directory`
  yield* Effect.forEach(residents, (resident) => sql`insert into directory ${sql.insert(resident)}`)
})

const databases = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql<{ name: string }>`select datname as name from pg_database where datname = current_database()`
)

describe("a pipeline on Postgres", () => {
  it.effect("has the project's tables and runs SQL", () =>
    Effect.gen(function* () {
      yield* move(ada, bob)
      const run = yield* census.materialize()
      assert.strictEqual(run.explain, "people  Materialized  never materialized\nSucceeded")
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`select name from public.people order by id`, [{ name: "ADA" }, { name: "BOB" }])
      assert.sameDeepMembers(
        [...(yield* census.rows(people))],
        [
          { id: 1, name: "ADA" },
          { id: 2, name: "BOB" }
        ]
      )
    }).pipe(onPostgres)
  )

  it.effect("has a database to itself, while others run at the same time", () =>
    Effect.forEach(
      [1, 2, 3, 4],
      (id) =>
        Effect.gen(function* () {
          yield* move({ id, name: "x" })
          yield* census.materialize()
          assert.deepStrictEqual(yield* census.rows(people), [{ id, name: "X" }])
          assert.lengthOf(yield* census.runs, 1)
        }).pipe(onPostgres),
      { concurrency: "unbounded" }
    )
  )

  it.effect("leaves no database behind", () =>
    Effect.gen(function* () {
      const [mine] = yield* databases.pipe(onPostgres)
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`select datname from pg_database where datname = ${mine!.name}`, [])
    }).pipe(onPostgres)
  )

  it.effect("is on the server that TEST_DATABASE_URL selects", () =>
    Effect.gen(function* () {
      const { host, port, username } = yield* EmbeddedPostgres.connect({ folder: yield* emptyFolder, settings })
      const url = `postgres://${username}@localhost/postgres?host=${encodeURIComponent(host)}&port=${port}`
      const environment = ConfigProvider.fromUnknown({ TEST_DATABASE_URL: url })
      const folder = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`show unix_socket_directories`)
      const [server] = yield* folder.pipe(onPostgres, Effect.provideService(ConfigProvider.ConfigProvider, environment))
      assert.deepStrictEqual(server, { unix_socket_directories: JSON.stringify(host) })
    })
  )

  layer(Testing.layerPostgres(project))("shared by several tests", (it) => {
    it.effect("keeps what one did", () => Effect.andThen(move(ada), census.materialize()))

    it.effect("for the next", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* census.status, { people: "Current" })
      })
    )
  })
})
