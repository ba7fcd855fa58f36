/**
 * Graphs and selections drawn at random, each selection with its meaning in the shortest words: whether it takes a key.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../runtime/Asset.ts"
import * as AssetCheck from "../runtime/AssetCheck.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import type * as Selection from "../runtime/Selection.ts"
import { asset } from "./Simulation.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** Texts that have to be quoted, escaped or both. */
const odd = ["not empty", 'say "no"', "back\\slash", "sta*r", "and", "<null>", "a)b(c", "", "line\nbreak", "😀"]

const Declaration = Schema.Struct({
  reads: Schema.Array(upTo(11)).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
  follows: Schema.Array(upTo(11)).check(Schema.isMaxLength(1)),
  group: Schema.NullOr(Schema.Literals(["raw", "raw/deep", "other"])),
  tags: Schema.Array(Schema.Literals(["pii", "year"])).check(Schema.isMaxLength(2)),
  value: Schema.Literals(["", "1", "12"]),
  check: Schema.NullOr(upTo(odd.length - 1)),
  stale: Schema.Boolean
})
type Declaration = typeof Declaration.Type

export const Declarations = Schema.Array(Declaration).check(Schema.isMinLength(4), Schema.isMaxLength(9))

/** What a drawing decides, one number after the other; 0 once there are no more, which is the simplest. */
export const Choices = Schema.Array(upTo(999)).check(Schema.isMinLength(40), Schema.isMaxLength(80))

type Direction = "up" | "down"

export class World {
  readonly graph: AssetGraph.AssetGraph
  readonly facts: Selection.Facts
  readonly stale: ReadonlySet<string>

  constructor(declarations: ReadonlyArray<Declaration>) {
    const assets: Array<Asset.Any> = []
    for (const [index, { check, follows, group, reads, tags, value }] of declarations.entries()) {
      const earlier = (other: number) => assets[other % index]!
      const deps = index === 0 ? [] : reads.map(earlier)
      let declared: Asset.Any = asset(`a_${index}`, { deps: Object.fromEntries(deps.map((dep) => [dep.key, dep])) })
      declared = declared.pipe(Asset.tags(Object.fromEntries(tags.map((tag) => [tag, value]))))
      if (index > 0) declared = declared.pipe(Asset.after(...follows.map(earlier)))
      if (group !== null) declared = declared.pipe(Asset.group(group))
      if (check !== null) {
        declared = declared.pipe(Asset.check(odd[check]!, { run: () => Effect.succeed(AssetCheck.pass()) }))
      }
      assets.push(declared)
    }
    this.graph = AssetGraph.make(assets)
    this.stale = new Set(assets.filter((_, index) => declarations[index]!.stale).map(({ key }) => key))
    this.facts = { hasStatus: (key, status) => status === "stale" && this.stale.has(key), hasChanged: () => false }
  }

  asset(key: string): Asset.Any {
    return this.graph.nodes.get(key)!.asset
  }

  /** Whether so many levels or fewer, but at least one, lead from one key to the other. */
  leads(from: string, direction: Direction, levels: number, to: string): boolean {
    if (levels === 0) return false
    const { after, deps, dependents } = this.graph.nodes.get(from)!
    const next = direction === "down" ? dependents : [...deps.map((edge) => edge.asset), ...after]
    return next.some((key) => key === to || this.leads(key, direction, levels - 1, to))
  }
}

/** A selection and whether it takes a key. */
export interface Drawn {
  readonly text: string
  readonly takes: (world: World, key: string) => boolean
}

/** Draws a selection for a graph of `size` assets. Its words say how tightly they hold, so it needs few parentheses. */
export const draw = (choices: ReadonlyArray<number>, size: number): Drawn => {
  let at = 0
  const choose = <A>(...options: readonly [A, ...ReadonlyArray<A>]): A =>
    options[(choices[at++] ?? 0) % options.length]!
  const blank = () => choose("", " ", "\n ")
  const quoted = (text: string) => `"${text.replaceAll(/["\\*]/g, "\\$&")}"`

  const any = (depth: number): Drawn => joined("or", depth, () => joined("and", depth, () => negated(depth)))

  const joined = (word: "and" | "or", depth: number, part: () => Drawn): Drawn => {
    const left = part()
    if (depth === 0 || !choose(false, true)) return left
    const right = joined(word, depth - 1, part)
    const spelled = choose(word, word.toUpperCase())
    return {
      text: `${left.text} ${spelled} ${right.text}`,
      takes: (world, key) =>
        word === "or"
          ? left.takes(world, key) || right.takes(world, key)
          : left.takes(world, key) && right.takes(world, key)
    }
  }

  const negated = (depth: number): Drawn => {
    if (!choose(false, false, true)) return reaching(depth)
    const inner = negated(depth)
    return { text: `not ${inner.text}`, takes: (world, key) => !inner.takes(world, key) }
  }

  const reaching = (depth: number): Drawn => {
    const inner = depth > 0 ? choose(operand, parenthesised, ended)(depth) : operand()
    const [up, down] = [choose(0, 0, 0, Infinity, 1, 2), choose(0, 0, 0, Infinity, 1, 2)]
    const above = up === 0 ? choose("", "", "0+") : up === Infinity ? `+${blank()}` : `${up}${blank()}+`
    const below = down === 0 ? choose("", "", "+0") : down === Infinity ? `${blank()}+` : `+${blank()}${down}`
    return {
      text: `${above}${inner.text}${below}`,
      takes: (world, key) =>
        world.graph.order.some(
          (from) =>
            inner.takes(world, from) &&
            (from === key || world.leads(from, "up", up, key) || world.leads(from, "down", down, key))
        )
    }
  }

  const parenthesised = (depth: number): Drawn => {
    const inner = any(depth - 1)
    return { ...inner, text: `(${blank()}${inner.text}${blank()})` }
  }

  const ended = (depth: number): Drawn => {
    const [name, direction] = choose<readonly [string, Direction]>(["sinks", "down"], ["roots", "up"])
    const inner = any(depth - 1)
    return {
      text: `${name}${blank()}(${inner.text})`,
      takes: (world, key) =>
        inner.takes(world, key) &&
        !world.graph.order.some((other) => inner.takes(world, other) && world.leads(key, direction, Infinity, other))
    }
  }

  const operand = (): Drawn => {
    const key = `a_${(choices[at++] ?? 0) % size}`
    const name = choose(...(odd as [string, ...Array<string>]))
    const tag = choose("pii", "year")
    const colon = `${blank()}:${blank()}`
    return choose<Drawn>(
      { text: choose(key, `"${key}"`, `key${colon}${key}`), takes: (_, other) => other === key },
      { text: choose("*", "a*", '"*_*"', "**"), takes: () => true },
      { text: choose("*_1", '"*1"', "key:a*1"), takes: (_, other) => other === "a_1" },
      { text: `group${colon}raw`, takes: (world, other) => world.asset(other).group === "raw" },
      { text: 'group:"raw/*"', takes: (world, other) => world.asset(other).group === "raw/deep" },
      { text: `group:${blank()}<null>`, takes: (world, other) => world.asset(other).group === undefined },
      { text: `tag:${tag}`, takes: (world, other) => world.asset(other).tags[tag] !== undefined },
      { text: `tag:"${tag}" = "1*"`, takes: (world, other) => world.asset(other).tags[tag]?.startsWith("1") === true },
      { text: `tag:${tag}=<null>`, takes: (world, other) => world.asset(other).tags[tag] === "" },
      { text: "tag:<null>", takes: (world, other) => Object.keys(world.asset(other).tags).length === 0 },
      { text: `check:${quoted(name)}`, takes: (world, other) => world.asset(other).checks[0]?.name === name },
      { text: "status:Stale", takes: (world, other) => world.stale.has(other) }
    )
  }

  return any(3)
}
