import { assert, describe, it } from "@effect/vitest"
import { Asset, AssetCheck, Definitions, Partition, Table } from "effect-assets"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Json from "../runtime/Json.ts"

const Row = Schema.Struct({ id: Schema.Int })

const number = { codeVersion: "1", io: Json.make({ schema: Schema.Int }), materialize: () => Effect.succeed(1) }
const daily = (start: string) => ({ ...number, partitions: Partition.daily({ start }) })
const table = (key: string, name: string) =>
  Asset.make(key, {
    codeVersion: "1",
    io: Table.make({ schema: Row, key: ["id"], table: name }),
    materialize: () => Effect.succeed([])
  })

const visits = Asset.make("visits", daily("2026-02-01"))

const problems = (...assets: ReadonlyArray<Asset.Any>): ReadonlyArray<string> => {
  try {
    Definitions.make({ assets })
    return []
  } catch (error) {
    assert(error instanceof AssetGraph.DeclarationError)
    return error.problems.map(({ asset, detail }) => `${asset}: ${detail}`)
  }
}

describe("labels", () => {
  it("add up, but for the group, of which there is one", () => {
    const labelled = Asset.make("labelled", number).pipe(
      Asset.group("ingest"),
      Asset.tags({ team: "data", pii: "" }),
      Asset.kinds("sql"),
      Asset.owners("ann@example.org"),
      Asset.group("ingest/raw"),
      Asset.tags({ team: "web", "shop/year": "two thousand" }),
      Asset.kinds("http"),
      Asset.owners("team:data")
    )
    assert.deepStrictEqual(problems(labelled), [])
    const { group, kinds, owners, tags } = labelled
    assert.deepStrictEqual(
      { group, kinds, owners, tags },
      {
        group: "ingest/raw",
        kinds: ["sql", "http"],
        owners: ["ann@example.org", "team:data"],
        tags: { team: "web", pii: "", "shop/year": "two thousand" }
      }
    )
  })
})

describe("declarations that cannot be meant are refused", () => {
  it("two assets in one table", () => {
    assert.deepStrictEqual(problems(table("one", "shop.sales"), table("two", "shop.sales")), [
      'two: "one" is kept in the same table shop.sales'
    ])
    assert.deepStrictEqual(problems(table("one", "shop.sales"), table("two", "shop.returns")), [])
  })

  it("one asset read in two ways", () => {
    const both = Asset.make("both", {
      ...daily("2026-02-01"),
      deps: { today: visits, all: Asset.allPartitions(visits) }
    })
    assert.deepStrictEqual(problems(both), [
      'both: it reads "visits" both by partition and as a whole; all its partitions include its own'
    ])
  })

  it("partitions from before those they are made of", () => {
    const early = Asset.make("early", { ...daily("2026-01-01"), deps: { visits } })
    assert.deepStrictEqual(problems(early), [
      'early: its partitions start on 2026-01-01, before those of its dependency "visits" (2026-02-01)'
    ])
  })

  it("one asset read by windows that differ", () => {
    const both = Asset.make("both", {
      ...daily("2026-02-01"),
      deps: { week: Asset.windows(visits, { start: -6 }), today: visits }
    })
    assert.deepStrictEqual(problems(both), [
      'both: it reads "visits" in two ways; what is read is recorded once for each asset'
    ])
  })

  it("partitions that do not fit those of a dependency", () => {
    const regions = Asset.make("regions", { ...number, partitions: Partition.fixed(["eu", "us"]) })
    const missing: Record<string, ReadonlyArray<"eu" | "us">> = { north: ["eu"] }
    const halves = Asset.make("halves", {
      ...number,
      partitions: Partition.fixed(["north", "south"]),
      deps: { regions: Asset.mapped(regions, missing) }
    })
    assert.deepStrictEqual(problems(halves), [
      'halves: nothing says which partitions of "regions" its partition south needs'
    ])
  })

  it("partitions that are none, once for each asset", () => {
    const bad = Asset.make("bad", daily("2026-02-30"))
    const reader = Asset.make("reader", { ...daily("2026-02-30"), deps: { bad } })
    const detail = 'daily partitions: start must be a day such as 2026-01-31, got "2026-02-30"'
    assert.deepStrictEqual(problems(reader), [`bad: ${detail}`, `reader: ${detail}`])
  })

  it("a recheck of what follows its dependencies", () => {
    const reader = Asset.make("reader", { ...number, deps: { visits } }).pipe(Asset.recheckAfter("1 day"))
    assert.deepStrictEqual(problems(reader), [
      "reader: recheckAfter is for assets without dependencies; this one follows the versions of its dependencies"
    ])
  })

  it("labels that nobody could find", () => {
    const labelled = Asset.make("labelled", number).pipe(
      Asset.group("ingest//raw"),
      Asset.tags({ "a/b/c": "1", team: "da\nta" }),
      Asset.kinds("sql", "no kind"),
      Asset.owners("ann@example.org", "team:", "ann")
    )
    const name = "1 to 63 letters, digits, dots, dashes and underscores"
    assert.deepStrictEqual(problems(labelled), [
      `labelled: the group "ingest//raw" must be names joined by "/", each of ${name}`,
      `labelled: the tag "a/b/c" must be a name, or two joined by "/", of ${name}`,
      'labelled: the tag team with the value "da\\nta" must be one line of at most 255 characters',
      `labelled: the kind "no kind" must be ${name}`,
      'labelled: the owner "team:" must be a mail address or a team such as team:data',
      'labelled: the owner "ann" must be a mail address or a team such as team:data'
    ])
  })

  it("two checks of one name, and all mistakes at once", () => {
    const check = Asset.check("odd", { run: () => Effect.succeed(AssetCheck.pass()) })
    const checked = Asset.make("checked", number).pipe(check, check)
    assert.deepStrictEqual(problems(checked, table("one", "t"), table("two", "t")), [
      'checked: two checks are called "odd"',
      'two: "one" is kept in the same table public.t'
    ])
  })
})

describe("an asset that reads earlier partitions of itself", () => {
  const sum = Asset.make("sum", { ...daily("2026-02-01"), deps: { visits, before: Asset.previous() } })

  it("is no cycle, and no dependent of itself", () => {
    const graph = AssetGraph.make([sum.pipe(Asset.timeout("1 second"))])
    assert.deepStrictEqual(graph.order, ["visits", "sum"])
    assert.deepStrictEqual(graph.nodes.get("sum")!.deps, [
      { asset: "visits", mapping: { _tag: "Identity" }, versioned: true },
      { asset: "sum", mapping: { _tag: "Previous", offset: 1 }, versioned: true }
    ])
    assert.deepStrictEqual(graph.nodes.get("sum")!.dependents, [])
    assert.deepStrictEqual(Array.from(AssetGraph.ancestors(graph, "sum")), ["visits"])
  })

  it("may be a source that is rechecked", () => {
    const source = Asset.make("source", { ...daily("2026-02-01"), deps: { before: Asset.previous() } })
    assert.deepStrictEqual(problems(source.pipe(Asset.recheckAfter("1 day"))), [])
  })

  it("needs partitions by time", () => {
    const declared: Asset.Deps = { before: Asset.previous({ offset: 2 }) }
    const whole = Asset.make("whole", { ...number, deps: declared })
    assert.deepStrictEqual(problems(whole), ["whole: it has no partitions, so none that are earlier"])
  })
})
