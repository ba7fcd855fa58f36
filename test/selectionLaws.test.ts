import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Selection from "../runtime/Selection.ts"
import { Choices, Declarations, draw, World } from "./RandomSelection.ts"
import { asset } from "./Simulation.ts"

const take = (world: World, text: string): ReadonlyArray<string> =>
  Array.from(Result.getOrThrow(Selection.resolve(world.graph, [text], world.facts)))

const parse = (text: string) => Result.getOrThrow(Selection.parse(text))

describe("every selection of every graph", () => {
  const life = { declarations: Declarations, choices: Choices }
  const options = { arbitrary: { runs: 1000 }, timeout: 60_000 }

  it.prop(
    "takes what its words mean",
    life,
    ({ choices, declarations }) => {
      const world = new World(declarations)
      const drawn = draw(choices, declarations.length)
      const meant = world.graph.order.filter((key) => drawn.takes(world, key))
      assert.deepStrictEqual(take(world, drawn.text), meant, drawn.text)
    },
    options
  )

  it.prop(
    "means the same when it is printed and read again",
    life,
    ({ choices, declarations }) => {
      const world = new World(declarations)
      const { text } = draw(choices, declarations.length)
      const printed = Selection.print(parse(text))
      assert.deepStrictEqual(take(world, printed), take(world, text), `${text} was printed as ${printed}`)
      assert.strictEqual(Selection.print(parse(printed)), printed)
    },
    options
  )
})

describe("every text", () => {
  const options = { arbitrary: { runs: 3000 }, timeout: 60_000 }

  /** Reads as an expression that can be printed and read again, or is refused at one of its characters. */
  const isUnderstoodOrRefused = (text: string) =>
    Result.match(Selection.parse(text), {
      onFailure: (error) => {
        assert.isAtLeast(error.position, 0)
        assert.isAtMost(error.position, text.length)
        assert.lengthOf(error.message.split("\n"), 3)
      },
      onSuccess: (expression) => {
        const printed = Selection.print(expression)
        assert.strictEqual(Selection.print(parse(printed)), printed)
      }
    })

  const bytes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))
  const pieces = Schema.Array(
    Schema.Literals([...'()+*:="\\ \n<>,1a', "and", "OR ", " not ", "tag:", "sinks(", "<null>", "status:", "999", "😀"])
  )

  it.prop(
    "is understood or refused, whatever its characters",
    { bytes },
    ({ bytes }) => {
      isUnderstoodOrRefused(String.fromCharCode(...bytes))
    },
    options
  )

  it.prop(
    "is understood or refused when it is made of what expressions are made of",
    { pieces },
    ({ pieces }) => {
      isUnderstoodOrRefused(pieces.join(""))
    },
    options
  )

  const edits = Schema.Array(Schema.Tuple([Schema.Int, Schema.Literals([...'()+*:="\\ ', ""])])).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(3)
  )

  it.prop(
    "is understood or refused when it is nearly right",
    { choices: Choices, edits },
    ({ choices, edits }) => {
      let { text } = draw(choices, 9)
      for (const [place, character] of edits) {
        const at = Math.abs(place) % (text.length + 1)
        text = text.slice(0, at) + character + text.slice(at + 1)
      }
      isUnderstoodOrRefused(text)
    },
    options
  )
})

// A parser that took quadratic time would need several minutes for each of these.
describe("a text of half a million characters", { timeout: 60_000 }, () => {
  const times = (text: string, end = "") => text.repeat(Math.floor(500_000 / (text.length + end.length)))
  const graph = AssetGraph.make([asset("users")])

  it.each([
    ["parentheses", times("(", ")") + "users" + times(")", "(")],
    ["negations", times("not ") + "users"],
    ["negations in parentheses", times("not (", ")") + "users" + times(")", "not (")],
    ["levels around levels", times("1+(", ")+") + "users" + times(")+", "1+(")],
    ["functions", times("sinks(", ")") + "users" + times(")", "sinks(")],
    ["alternatives", times("users or ") + "users"],
    ["conditions to the right", times("users and (", ")") + "users" + times(")", "users and (")],
    ["blanks", times(" ") + "users"],
    ["wildcards", times("*")],
    ["wildcards in quotes", `"${times("*")}"`],
    ["a number", `${times("9")}+users`]
  ])("of %s is understood", (_, text) => {
    assert.isAtMost(Result.getOrThrow(Selection.resolve(graph, [text])).size, 1)
    const printed = Selection.print(parse(text))
    assert.strictEqual(Selection.print(parse(printed)), printed)
  })

  it.each([
    ["parentheses that open", times("("), 500_000],
    ["parentheses of which one is not closed", `${times("(", ")")}users${times(")", "(").slice(1)}`, 0],
    ["parentheses that close", `users${times(")")}`, 5],
    ["functions that are cut off", times("roots("), 499_998],
    ["quotes", times('"users" '), 8],
    ["a quote without an end", `group:"${times("a")}`, 6],
    ["backslashes", `"${times("\\")}`, 0],
    ["one word", times("a"), 0],
    ["operators", times("and "), 0],
    ["levels", times("+"), 1]
  ])("of %s is refused", (_, text, position) => {
    const refused = Selection.resolve(graph, [text])
    assert(Result.isFailure(refused))
    assert.strictEqual(refused.failure.position, position)
    assert.isBelow(refused.failure.message.length, 600)
  })
})
