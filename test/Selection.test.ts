import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as AssetCheck from "../runtime/AssetCheck.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Selection from "../runtime/Selection.ts"
import { asset, daily, io } from "./Simulation.ts"

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

const labelled = AssetGraph.make([
  asset("raw_users").pipe(Asset.group("ingest/raw"), Asset.owners("team:data"), Asset.tags({ pii: "", year: "2026" })),
  daily("raw_plays", { start: "2026-03-01" }).pipe(
    Asset.group("ingest/raw"),
    Asset.kinds("sql"),
    Asset.check("not empty", { run: () => Effect.succeed(AssetCheck.pass()) })
  ),
  asset("clean").pipe(
    Asset.group("ingest"),
    Asset.owners("ann@example.org", "team:data"),
    Asset.tags({ year: "2025" })
  ),
  asset("and").pipe(Asset.tags({ note: 'say "no*"' })),
  asset("sinks")
])

const found = (expression: string) => Array.from(Result.getOrThrow(Selection.resolve(labelled, [expression]))).join(" ")

describe("a selection by what assets are labelled with", () => {
  it.each([
    ["raw_*", "raw_users raw_plays"],
    ["*s", "raw_users raw_plays sinks"],
    ["r*_*s", "raw_users raw_plays"],
    ["**clean**", "clean"],
    ["raw_users*", "raw_users"],
    ["nothing*", ""],
    ["raw*s*s", "raw_users"],
    ['key:"raw_*"', "raw_users raw_plays"],
    ["key:clean", "clean"],
    ["key:cleen", ""],
    ["group:ingest", "clean"],
    ["group:ingest/raw", "raw_users raw_plays"],
    ['group:"ingest/*"', "raw_users raw_plays"],
    ["group:<null>", "and sinks"],
    ["tag:pii", "raw_users"],
    ["tag:year", "raw_users clean"],
    ["tag:year=2025", "clean"],
    ['tag:"year" = "20*"', "raw_users clean"],
    ["tag:pii=<null>", "raw_users"],
    ["tag:year=<null>", ""],
    ['tag:pii=""', "raw_users"],
    ["tag:<null>", "raw_plays sinks"],
    ['tag:note="say \\"no\\*\\""', "and"],
    ['tag:note="say \\"nope\\*\\""', ""],
    ["kind:sql", "raw_plays"],
    ["kind:paper", "raw_users raw_plays clean and sinks"],
    ["kind:<null>", ""],
    ["owner:team:data", "raw_users clean"],
    ["owner:ann@example.org", "clean"],
    ["owner:<null>", "raw_plays and sinks"],
    ["partitions:daily", "raw_plays"],
    ["partitions:<null>", "raw_users clean and sinks"],
    ['check:"not *"', "raw_plays"],
    ["check:<null>", "raw_users clean and sinks"],
    ["is:external", ""],
    ['"and"', "and"],
    ["sinks", "sinks"],
    ["sinks(sinks)", "sinks"]
  ])("%s takes %s", (expression, keys) => {
    assert.strictEqual(found(expression), keys)
  })
})

describe("a combination of selections", () => {
  it.each([
    ["users or model and tracks", "users"],
    ["(users or model) and model", "model"],
    ["not users and not tracks", "listen_history features model recommendations"],
    ["not (users or tracks)", "listen_history features model recommendations"],
    ["NOT users AND nOt *r*", "model"],
    ["not not users", "users"],
    ["* and not +features", "model recommendations"],
    ["users+ and +model", "users features model"],
    ["(users or tracks)+1", "users tracks features recommendations"],
    ["1+(model or features)", "users tracks listen_history features model"],
    ["+(users+1)", everything],
    ["1+(1+model)", "users tracks listen_history features model"],
    ["not +features", "model recommendations"],
    ["not(users)and(tracks)", "tracks"],
    ["0+users+0", "users"],
    ["99999999999999999999999+model+0", "users tracks listen_history features model"]
  ])("%s takes %s", (expression, keys) => {
    assert.strictEqual(selected(expression), keys)
  })

  it("takes both ways from an asset and no siblings", () => {
    const [left, right] = [asset("left", { deps: { users } }), asset("right", { deps: { users } })]
    const graph = AssetGraph.make([asset("below", { deps: { left, right } })])
    assert.deepStrictEqual(Array.from(Result.getOrThrow(Selection.resolve(graph, ["+left+"]))), [
      "users",
      "left",
      "below"
    ])
  })
})

describe("sinks and roots", () => {
  it.each([
    ["sinks(*)", "recommendations"],
    // It merely goes before something: nothing reads the listens that follow it.
    ["sinks(users or listen_history)", "users listen_history"],
    ["sinks(users or model)", "model"],
    ["sinks(users or tracks)", "users tracks"],
    ["roots(*)", "users tracks"],
    ["roots(users or recommendations)", "users"],
    ["roots(users or listen_history)", "users"],
    ["roots(model or recommendations)", "model"],
    ["roots(not roots(*))", "listen_history"],
    ["sinks(+model)+1", "model recommendations"],
    ["roots(tag:none)", ""]
  ])("%s takes %s", (expression, keys) => {
    assert.strictEqual(selected(expression), keys)
  })
})

describe("a selection by what is recorded", () => {
  const facts: Selection.Facts = {
    hasStatus: (asset, status) =>
      asset === "users" ? status === "stale" || status === "missing" : status === "current",
    hasChanged: (asset, what) => asset === "users" && what === "code"
  }
  const selected = (expression: string) =>
    Array.from(Result.getOrThrow(Selection.resolve(graph, [expression], facts))).join(" ")

  it("asks for facts, once an expression needs them", () => {
    assert.strictEqual(selected("status:STALE"), "users")
    assert.strictEqual(selected("status:missing+1"), "users features recommendations")
    assert.strictEqual(selected("changed:code"), "users")
    assert.strictEqual(selected("changed:dependency"), "")
    assert.strictEqual(selected("not status:current"), "users")
  })

  it("is told from the others, well-formed or not", () => {
    assert.isTrue(Selection.needsFacts(["users", "+(not status:stale)"]))
    assert.isTrue(Selection.needsFacts(["changed:code"]))
    assert.isFalse(Selection.needsFacts(["users", "is:external", "group:status", "status:", '"status:stale"']))
  })
})

describe("a selection by partitions", () => {
  const part = (key: string, partitions: Partition.Partitioning, deps: Asset.Deps = {}): Asset.Any =>
    Asset.make(key, { io, codeVersion: "1", partitions, deps, materialize: () => Effect.void })
  const [day, region] = [Partition.daily({ start: "2026-03-01" }), Partition.fixed(["eu", "us"])]
  const graph = AssetGraph.make([
    part("hours", Partition.hourly({ start: "2026-03-01" })),
    part("days", day, { before: Asset.previous() }),
    part("regions", region),
    part("regional_days", Partition.product({ day, region })),
    users
  ])
  const selected = (expression: string) =>
    Array.from(Result.getOrThrow(Selection.resolve(graph, [expression]))).join(" ")

  it.each([
    ["partitions:hourly", "hours"],
    ["partitions:daily", "days regional_days"],
    ["partitions:fixed", "regions regional_days"],
    ["partitions:product", "regional_days"],
    ["partitions:*ly", "hours days regional_days"],
    ["partitions:<null>", "users"],
    ["partitions:dynamic", ""]
  ])("%s takes %s", (expression, keys) => {
    assert.strictEqual(selected(expression), keys)
  })

  it("counts an asset that reads its own earlier partitions as a root and as a sink", () => {
    assert.strictEqual(selected("roots(days)"), "days")
    assert.strictEqual(selected("sinks(days)"), "days")
    assert.strictEqual(selected("+days+"), "days")
  })
})

describe("what matches nothing", () => {
  const unmatched = (...expressions: ReadonlyArray<string>) =>
    Result.getOrThrow(Selection.evaluate(labelled, expressions)).unmatched.map(Selection.showUnmatched)

  it.each([
    ["tag:pi", "tag:pi matches nothing; did you mean pii?"],
    ['group: "ingst"', 'group: "ingst" matches nothing; did you mean ingest?'],
    ["key:cleen", "key:cleen matches nothing; did you mean clean?"],
    ["owner:team:dat or clean", "owner:team:dat matches nothing; did you mean team:data?"],
    ["kind:python", "kind:python matches nothing"],
    ["tag:year=2024", "tag:year=2024 matches nothing"],
    ["x*", "x* matches nothing"],
    ["not x*", "x* matches nothing"],
    ["clean and sinks", "clean and sinks matches nothing"]
  ])("in %s is named", (expression, message) => {
    assert.deepStrictEqual(unmatched(expression), [message])
  })

  it("is named once, and only then", () => {
    assert.deepStrictEqual(unmatched("x* or x*", "x*"), ["x* matches nothing"])
    assert.deepStrictEqual(unmatched("clean", "group:ingest"), [])
    assert.deepStrictEqual(unmatched(), [])
  })
})

describe("a mistake in a selection", () => {
  const operand = 'expected an asset, an attribute, "(", "+" or "not"'
  it.each([
    ["featurs", 0, 'no asset is called "featurs"; did you mean features?'],
    ["Listen-History", 0, 'no asset is called "Listen-History"; did you mean listen_history?'],
    ["2+usrs", 2, 'no asset is called "usrs"; did you mean users?'],
    ["users or (not usrs)", 14, 'no asset is called "usrs"; did you mean users?'],
    ["+users/2026-01-01", 1, "users/2026-01-01 is a partition: select users, with --partition 2026-01-01"],
    [
      "users and partitions:dayly",
      10,
      '"dayly" is no value of partitions:; expected hourly, daily, weekly, monthly, cron, fixed, dynamic or product'
    ],
    ["invoices", 0, 'no asset is called "invoices"'],
    ['"users and tracks"', 0, 'no asset is called "users and tracks"'],
    ["", 0, `the selection ends too early; ${operand}`],
    ["()", 1, `")" cannot stand here; ${operand}`],
    ["+", 1, 'the selection ends too early; expected an asset, an attribute or "("'],
    ["users and", 9, `the selection ends too early; ${operand}`],
    ["not", 3, `the selection ends too early; ${operand}`],
    ["and users", 0, `"and" cannot stand here; ${operand}`],
    ["users or or tracks", 9, `"or" cannot stand here; ${operand}`],
    ["+not users", 1, '"not" cannot stand here; expected an asset, an attribute or "("'],
    ["2users", 1, '"users" cannot stand here; expected "+"'],
    ["users tracks", 6, '"tracks" cannot stand here; expected "+", "and", "or" or the end'],
    ["users+model", 6, '"model" cannot stand here; expected a number of levels, "and", "or" or the end'],
    ["users++", 6, '"+" cannot stand here; expected a number of levels, "and", "or" or the end'],
    ["users+1 1", 8, '"1" cannot stand here; expected "and", "or" or the end'],
    ["(users", 0, 'this is never closed; expected ")"'],
    ["users and (tracks or (model)", 10, 'this is never closed; expected ")"'],
    ["sinks(users", 5, 'this is never closed; expected ")"'],
    ["(users tracks)", 7, '"tracks" cannot stand here; expected "+", "and", "or" or ")"'],
    ["users)", 5, '")" cannot stand here; expected "+", "and", "or" or the end'],
    ['group:"raw', 6, "this is never closed; expected '\"'"],
    ['"us\\', 0, "this is never closed; expected '\"'"],
    ["group:", 6, "the selection ends too early; expected a value or <null>"],
    ["tag:a=", 6, "the selection ends too early; expected a value or <null>"],
    ["tag:a b", 6, '"b" cannot stand here; expected "=", "+", "and", "or" or the end'],
    ["group:a=b", 7, '"=" cannot stand here; expected "+", "and", "or" or the end'],
    ["tag:<null>=b", 10, '"=" cannot stand here; expected "+", "and", "or" or the end'],
    ["goup:a", 0, 'there is no attribute "goup"; did you mean group?'],
    [
      "users:x",
      0,
      'there is no attribute "users"; there are key, group, tag, kind, owner, check, partitions, is, status, changed'
    ],
    ["users and leaves(users)", 10, '"leaves" is no function; expected sinks or roots'],
    ["status:old", 7, '"old" is no value of status:; expected missing, stale, maybe or current'],
    ["changed:schema", 8, '"schema" is no value of changed:; expected code, config or dependency'],
    ["is:<null>", 3, '"<" cannot stand here; expected external'],
    ["users & tracks", 6, '"&" cannot stand here; expected "+", "and", "or" or the end'],
    ["users\n😀", 6, '"😀" cannot stand here; expected "+", "and", "or" or the end']
  ])("in `%s` is pointed at", (expression, position, message) => {
    const line = expression.replace("\n", " ")
    assert.deepStrictEqual(refusal(expression), [message, `  ${line}`, `  ${" ".repeat(position)}^`])
  })

  it("is shown with what stands around it when the expression is long", () => {
    const [, line, caret] = refusal(`${"users or ".repeat(50)}usrs${" or users".repeat(50)}`)
    assert.isBelow(line!.length, 130)
    assert.strictEqual(line!.indexOf("usrs"), caret!.indexOf("^"))
  })
})
