import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Asset from "../runtime/AssetDeclaration.ts"
import * as Definitions from "../runtime/Definitions.ts"
import * as ErasureRun from "../runtime/ErasureRun.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Table from "../runtime/Table.ts"
import * as Testing from "../runtime/Testing.ts"
import * as Version from "../runtime/Version.ts"

const Order = Schema.Struct({ region: Schema.String, id: Schema.Int, person: Schema.Int })
const Line = Schema.Struct({ id: Schema.Int, region: Schema.String, order_id: Schema.Int })
const Visit = Schema.Struct({ id: Schema.Int, person: Schema.NullOr(Schema.Int) })

/** Person 1 ordered in the north alone, and person 2 in both. */
const bought = [
  { region: "north", id: 1, person: 1 },
  { region: "north", id: 2, person: 2 },
  { region: "south", id: 3, person: 2 }
]

const orders = Asset.make("orders", {
  partitions: Partition.fixed(["north", "south"]),
  io: Table.make({ table: "shop.orders", schema: Order, key: ["region", "id"], partition: "region" }),
  materialize: (_, { partition }) => Effect.succeed(bought.filter(({ region }) => region === partition))
})

const lines = Asset.make("lines", {
  deps: { orders },
  version: Version.perRun,
  io: Table.make({ table: "shop.lines", schema: Line, key: ["id"] }),
  materialize: () => Effect.succeed(bought.map(({ id, region }) => ({ id: id * 10, region, order_id: id })))
})

const visits = Asset.make("visits", {
  io: Table.make({ table: "shop.visits", schema: Visit, key: ["id"] }),
  materialize: () => Effect.succeed([1, 2].map((id) => ({ id, person: id })))
})

const regions = Asset.make("regions", {
  io: Table.make({ table: "shop.regions", schema: Schema.Struct({ name: Schema.String }), key: ["name"] }),
  materialize: () => Effect.succeed([{ name: "north" }, { name: "south" }])
})

const definitions = Definitions.make({ assets: [lines, visits, regions] })
const project = Testing.pipeline(definitions)

/** People are no asset; their orders and the lines of those go with them, their visits are kept without them. */
const schema = `create schema shop;
  create table shop.people (id integer primary key);
  insert into shop.people values (1), (2), (3);
  create table shop.orders (region text not null, id integer not null, person integer not null
    references shop.people on delete cascade, primary key (region, id));
  create table shop.lines (id integer primary key, region text not null, order_id integer not null,
    foreign key (region, order_id) references shop.orders on delete cascade);
  create table shop.visits (id integer primary key, person integer references shop.people on delete set null)`

const database = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const statement of schema.split(";")) yield* sql.unsafe(statement)
  })
).pipe(Layer.provideMerge(Testing.layerPostgres(definitions)))

const erase = (person: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* ErasureRun.run(definitions, { table: "shop.people", where: sql`id = ${person}` })
  })

const names = (erased: Option.Option<{ readonly slices: ReadonlyArray<Partition.Ref> }>) =>
  Option.getOrThrow(erased).slices.map(Partition.show)

const runs = Effect.map(project.runs, (all) => all.length)

describe("an erasure", { timeout: 60_000 }, () => {
  it.effect("reaches what foreign keys say, however far, and of partitions those that change", () =>
    Effect.gen(function* () {
      yield* project.materialize()
      const { changedPosition, dataVersion } = (yield* project.state(regions))!
      assert.sameMembers(names(yield* erase(1)), ["orders/north", "lines", "visits"])
      assert.deepStrictEqual(yield* project.rows(orders, "north"), bought.slice(1, 2))
      assert.deepInclude(yield* project.state(orders, "north"), { rows: 1 })
      assert.deepStrictEqual(
        (yield* project.rows(lines)).map(({ id }) => id),
        [20, 30]
      )
      assert.deepStrictEqual(yield* project.rows(visits), [
        { id: 1, person: null },
        { id: 2, person: 2 }
      ])
      assert.deepInclude(yield* project.state(regions), { changedPosition, dataVersion })
    }).pipe(Effect.provide(database))
  )

  it.effect("gives versions as a step would: the same rows computed have the same", () =>
    Effect.gen(function* () {
      yield* project.materialize()
      yield* erase(1)
      const erased = (yield* project.state(orders, "north"))!
      const { dataVersion } = (yield* project.state(lines))!
      const others = Testing.override(orders, ({ partition }) =>
        Effect.succeed(bought.slice(1).filter(({ region }) => region === partition))
      )
      yield* others(project).materialize("orders", { force: true })
      assert.strictEqual((yield* project.state(orders, "north"))!.dataVersion, erased.dataVersion)
      // One that is new with every run is new with this one.
      const erasing = (yield* project.events).find(
        (event) => event._tag === "RunStarted" && event.trigger === "erase"
      )!.runId!
      assert.strictEqual(dataVersion, Version.hash("run", [erasing]))
    }).pipe(Effect.provide(database))
  )

  it.effect("is no run when there is nothing to erase, and one without slices when another took them all", () =>
    Effect.gen(function* () {
      yield* project.materialize()
      assert.isTrue(Option.isNone(yield* erase(4)))
      assert.strictEqual(yield* runs, 1)
      yield* project.materialize("orders", { force: true })
      const erased = yield* Effect.all([erase(2), erase(2)], { concurrency: 2 })
      const found = erased.flatMap((one) => (Option.isSome(one) ? [names(one)] : []))
      assert.sameMembers(found.flat(), ["orders/north", "orders/south", "lines", "visits"])
      assert.isTrue(Option.isNone(yield* erase(2)))
    }).pipe(Effect.provide(database))
  )
})
