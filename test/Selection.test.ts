import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Selection from "../runtime/Selection.ts"
import { asset, daily } from "./Simulation.ts"

const users = asset("users")
const tracks = asset("tracks")
const listens = daily("listen_history", { start: "2026-03-01" }).pipe(Asset.after(users, tracks))
const features = asset("features", { deps: { users, tracks, listens } })
const model = asset("model", { deps: { features } })
const recommendations = asset("recommendations", { deps: { model, features, users, tracks } })

const graph = AssetGraph.make([recommendations])

const selected = (...expressions: ReadonlyArray<string>) =>
  Array.from(Result.getOrThrow(Selection.resolve(graph, expressions))).join(" ")

const refusal = (expression: string) =>
  Result.match(Selection.resolve(graph, [expression]), {
    onFailure: (error) => error.message.split("\n"),
    onSuccess: () => ["selected"]
  })

const everything = "users tracks listen_history features model recommendations"

describe("a selection", () => {
  it.each([
    ["users", "users"],
    ["*", everything],
    ["+users", "users"],
    ["+model", "users tracks listen_history features model"],
    ["1+model", "features model"],
    ["2+model", "users tracks listen_history features model"],
    ["0+model", "model"],
    ["features+", "features model recommendations"],
    ["features+1", "features model recommendations"],
    ["users+1", "users features recommendations"],
    ["1+features+1", everything],
    ["+features+", everything],
    [" 1 + model ", "features model"]
  ])("%s takes %s", (expression, keys) => {
    assert.strictEqual(selected(expression), keys)
  })

  it("takes what goes first without being read when it reaches up, because without it nothing could run", () => {
    assert.strictEqual(selected("+listen_history"), "users tracks listen_history")
  })

  it("takes only what reads when it reaches down, because what merely follows cannot change", () => {
    assert.strictEqual(selected("tracks+"), "tracks features model recommendations")
  })

  it("is the union of its arguments in the order of the graph, each asset once", () => {
    assert.strictEqual(selected("model", "users", "1+model"), "users features model")
  })

  it("without arguments is everything", () => {
    assert.strictEqual(selected(), everything)
  })

  it("reaches up a chain of ten thousand", () => {
    let last: Asset.Any = asset("link_0")
    for (let index = 1; index < 10_000; index++) last = asset(`link_${index}`, { deps: { last } })
    const chain = AssetGraph.make([last])
    assert.strictEqual(Result.getOrThrow(Selection.resolve(chain, ["+link_9999"])).size, 10_000)
    assert.strictEqual(Result.getOrThrow(Selection.resolve(chain, ["link_0+7"])).size, 8)
  })
})

describe("a mistake in a selection", () => {
  it.each([
    ["featurs", 0, 'no asset is called "featurs"; did you mean features?'],
    ["Listen-History", 0, 'no asset is called "Listen-History"; did you mean listen_history?'],
    ["2+usrs", 2, 'no asset is called "usrs"; did you mean users?'],
    ["invoices", 0, 'no asset is called "invoices"'],
    ["", 0, "the selection ends too early; expected an asset or * or +"],
    ["+", 1, "the selection ends too early; expected an asset or *"],
    ["2users", 1, '"users" cannot stand here; expected +'],
    ["users tracks", 6, '"tracks" cannot stand here; expected + or the end'],
    ["users+model", 6, '"model" cannot stand here; expected a number of levels or the end'],
    ["users++", 6, '"+" cannot stand here; expected a number of levels or the end'],
    ["(users)", 0, '"(" cannot stand here; expected an asset or * or +'],
    ["users:x", 5, '":" cannot stand here; expected + or the end']
  ])("in `%s` is pointed at", (expression, position, message) => {
    assert.deepStrictEqual(refusal(expression), [message, `  ${expression}`, `  ${" ".repeat(position)}^`])
  })
})
