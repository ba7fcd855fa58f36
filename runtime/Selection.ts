/**
 * Which assets a person means: expressions over the graph and the assets they name.
 *
 * What is recorded of the assets comes in as `Facts`; what of a selection has to be materialized is decided by `Plan`.
 */
import * as Result from "effect/Result"
import type * as Asset from "./Asset.ts"
import type { AssetGraph } from "./AssetGraph.ts"
import { nearest, SelectionError, suggestion } from "./SelectionError.ts"
import { parse } from "./SelectionParser.ts"
import type * as Syntax from "./SelectionSyntax.ts"

export { SelectionError } from "./SelectionError.ts"
export { parse } from "./SelectionParser.ts"
export { print } from "./SelectionSyntax.ts"

/** What `status:` and `changed:` ask; an asset has what any of its partitions has. */
export interface Facts {
  readonly hasStatus: (asset: string, status: Syntax.Vocabulary["status"]) => boolean
  readonly hasChanged: (asset: string, what: Syntax.Vocabulary["changed"]) => boolean
}

/** An expression, or a part of one, that no asset answers to; `nearest` are values that some asset has. */
export interface Unmatched {
  readonly expression: string
  readonly nearest: ReadonlyArray<string>
}

export interface Selected {
  /** In the order of the graph. */
  readonly keys: ReadonlySet<string>
  readonly unmatched: ReadonlyArray<Unmatched>
}

/** Whether one of the expressions can only be evaluated with `Facts`. Says nothing of whether they are well-formed. */
export const needsFacts = (expressions: ReadonlyArray<string>): boolean =>
  expressions.some((text) =>
    Result.match(parse(text), {
      onFailure: () => false,
      onSuccess: ({ terms }) => terms.some((term) => term._tag === "Is" && term.attribute !== "is")
    })
  )

/**
 * The union of what the expressions select; everything when there are none. A key that stands alone has to exist.
 *
 * `+x` is also what `x` needs before it can run: what it reads and what it follows. `x+` is also what may change when
 * `x` does: what reads it. `roots(x)` and `sinks(x)` are the members that need no other member, and that no other member
 * changes with, however far they are apart.
 */
export const evaluate = (
  graph: AssetGraph,
  expressions: ReadonlyArray<string>,
  facts: Facts = unknown
): Result.Result<Selected, SelectionError> =>
  Result.gen(function* () {
    if (expressions.length === 0) return { keys: new Set(graph.order), unmatched: [] }
    const evaluator = new Evaluator(graph, facts)
    const union = evaluator.none()
    for (const text of expressions) {
      const members = yield* evaluator.evaluate(yield* parse(text))
      for (let at = 0; at < union.length; at++) union[at]! |= members[at]!
    }
    return { keys: new Set(graph.order.filter((_, at) => union[at] === 1)), unmatched: evaluator.unmatched() }
  })

/** The keys of `evaluate`. */
export const resolve = (
  graph: AssetGraph,
  expressions: ReadonlyArray<string>,
  facts?: Facts
): Result.Result<ReadonlySet<string>, SelectionError> =>
  Result.map(evaluate(graph, expressions, facts), (selected) => selected.keys)

export const showUnmatched = ({ expression, nearest }: Unmatched): string =>
  `${expression} matches nothing${suggestion(nearest)}`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const asked = () => {
  throw new Error("a selection by status: or changed: was evaluated without facts")
}

const unknown: Facts = { hasStatus: asked, hasChanged: asked }

/** 1 at the places of members in the order of the graph. */
type Members = Uint8Array

/** By place in the order of the graph, the places next to it in one direction. */
type Edges = ReadonlyArray<ReadonlyArray<number>>

class Evaluator {
  private readonly graph: AssetGraph
  private readonly facts: Facts
  private readonly assets: ReadonlyArray<Asset.Any>
  private readonly operands = new Map<string, Members>()
  private readonly empty = new Map<string, Unmatched>()
  private edges: { readonly up: Edges; readonly down: Edges } | undefined

  constructor(graph: AssetGraph, facts: Facts) {
    this.graph = graph
    this.facts = facts
    this.assets = graph.order.map((key) => graph.nodes.get(key)!.asset)
  }

  none(): Members {
    return new Uint8Array(this.assets.length)
  }

  unmatched(): ReadonlyArray<Unmatched> {
    return Array.from(this.empty.values())
  }

  evaluate({ terms, text }: Syntax.Expression): Result.Result<Members, SelectionError> {
    const stack: Array<Members> = []
    const unmatched = this.empty.size
    for (const term of terms) {
      switch (term._tag) {
        case "And": {
          const right = stack.pop()!
          stack.push(stack.pop()!.map((member, at) => member & right[at]!))
          break
        }
        case "Or": {
          const right = stack.pop()!
          stack.push(stack.pop()!.map((member, at) => member | right[at]!))
          break
        }
        case "Not":
          stack.push(stack.pop()!.map((member) => 1 - member))
          break
        case "Reach": {
          const members = stack.pop()!
          const above = this.reach(members, "up", term.up)
          const below = this.reach(members, "down", term.down)
          stack.push(above.map((member, at) => member | below[at]!))
          break
        }
        case "Sinks":
          stack.push(this.ends(stack.pop()!, "down"))
          break
        case "Roots":
          stack.push(this.ends(stack.pop()!, "up"))
          break
        default: {
          const source = text.slice(term.start, term.end)
          const unknown = term._tag === "Key" && term.key.length === 1 && !this.graph.nodes.has(term.key[0])
          if (unknown) return Result.fail(this.unknownAsset(text, term.key[0], term.start))
          stack.push(this.operand(term, source))
        }
      }
    }
    const members = stack.pop()!
    if (this.empty.size === unmatched) this.noteEmpty(members, text)
    return Result.succeed(members)
  }

  /** The assets one operand means; found once, however often it stands in the expressions. */
  private operand(term: Syntax.Operand, source: string): Members {
    const known = this.operands.get(source)
    if (known !== undefined) return known
    const holds = this.predicate(term)
    const members = Uint8Array.from(this.assets, (asset) => (holds(asset) ? 1 : 0))
    this.operands.set(source, members)
    this.noteEmpty(members, source, term)
    return members
  }

  private predicate(term: Syntax.Operand): (asset: Asset.Any) => boolean {
    switch (term._tag) {
      case "Key": {
        const matches = matcher(term.key)
        return ({ key }) => matches(key)
      }
      case "Has": {
        const valuesOf = values[term.attribute]
        if (term.value === null) return (asset) => valuesOf(asset).length === 0
        const matches = matcher(term.value)
        return (asset) => valuesOf(asset).some(matches)
      }
      case "Tag":
        return hasTag(term)
      case "Is":
        switch (term.attribute) {
          case "is":
            return traits[term.value]
          case "status":
            return ({ key }) => this.facts.hasStatus(key, term.value)
          case "changed":
            return ({ key }) => this.facts.hasChanged(key, term.value)
        }
    }
  }

  /** Members, and what is at most so many levels away from one. */
  private reach(members: Members, direction: "up" | "down", levels: number): Members {
    if (levels === 0) return members
    const edges = this.neighbours()[direction]
    const distances = Array.from(members, (member) => (member === 1 ? 0 : Infinity))
    // In an order in which nothing is left before all that leads to it was.
    for (const at of this.places(direction)) {
      const distance = distances[at]!
      if (distance >= levels) continue
      for (const next of edges[at]!) if (distances[next]! > distance + 1) distances[next] = distance + 1
    }
    return Uint8Array.from(distances, (distance) => (distance === Infinity ? 0 : 1))
  }

  /** Members from which no other one can be reached in a direction. */
  private ends(members: Members, direction: "up" | "down"): Members {
    const edges = this.neighbours()[direction]
    const leads = this.none()
    for (const at of this.places(direction === "up" ? "down" : "up")) {
      if (edges[at]!.some((next) => members[next] === 1 || leads[next] === 1)) leads[at] = 1
    }
    return members.map((member, at) => member & (1 - leads[at]!))
  }

  /** The order of the graph has what an asset reads and follows before it. */
  private *places(direction: "up" | "down"): Iterable<number> {
    const { length } = this.assets
    for (let at = 0; at < length; at++) yield direction === "down" ? at : length - 1 - at
  }

  private neighbours() {
    if (this.edges !== undefined) return this.edges
    const { nodes, order } = this.graph
    const places = new Map(order.map((key, at) => [key, at]))
    const toPlaces = (keys: ReadonlyArray<string>) => keys.map((key) => places.get(key)!)
    const all = order.map((key) => nodes.get(key)!)
    this.edges = {
      up: all.map(({ after, deps }) => toPlaces([...deps.map((edge) => edge.asset), ...after])),
      down: all.map(({ dependents }) => toPlaces(dependents))
    }
    return this.edges
  }

  private unknownAsset(expression: string, key: string, position: number): SelectionError {
    const problem = { _tag: "UnknownAsset", key, nearest: nearest(key, this.graph.order) } as const
    return new SelectionError({ expression, position, problem })
  }

  private noteEmpty(members: Members, expression: string, term?: Syntax.Operand): void {
    if (members.includes(1) || this.empty.has(expression)) return
    this.empty.set(expression, { expression, nearest: term === undefined ? [] : this.alike(term) })
  }

  /** Values that some asset has and that look like the one that none has. */
  private alike(term: Syntax.Operand): ReadonlyArray<string> {
    const pattern = term._tag === "Has" ? term.value : term._tag === "Tag" ? term.name : null
    if (pattern === null || pattern.length > 1) return []
    const valuesOf = term._tag === "Has" ? values[term.attribute] : ({ tags }: Asset.Any) => Object.keys(tags)
    return nearest(pattern[0], new Set(this.assets.flatMap(valuesOf))).filter((value) => value !== pattern[0])
  }
}

const values: Readonly<Record<Syntax.Has["attribute"], (asset: Asset.Any) => ReadonlyArray<string>>> = {
  key: ({ key }) => [key],
  group: ({ group }) => (group === undefined ? [] : [group]),
  kind: ({ io, kinds }) => [io.kind, ...kinds],
  owner: ({ owners }) => owners,
  check: ({ checks }) => checks.map((check) => check.name),
  partitions: ({ partitions }) => (partitions === undefined ? [] : [partitions._tag.toLowerCase()])
}

const traits: Readonly<Record<Syntax.Vocabulary["is"], (asset: Asset.Any) => boolean>> = {
  external: () => false
}

const hasTag = ({ name, value }: Syntax.Tag): ((asset: Asset.Any) => boolean) => {
  if (name === null) return ({ tags }) => Object.keys(tags).length === 0
  const matchesName = matcher(name)
  const matchesValue = value === undefined ? () => true : matcher(value ?? [""])
  return ({ tags }) => Object.entries(tags).some(([name, value]) => matchesName(name) && matchesValue(value))
}

/** Wildcards stand for anything, nothing included. */
const matcher = ([first, ...others]: Syntax.Pattern): ((text: string) => boolean) => {
  const last = others.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    const end = text.length - last.length
    let from = first.length
    if (from > end || !text.startsWith(first) || !text.endsWith(last)) return false
    // The earliest place of each part leaves most to those after it.
    for (const part of others) {
      const found = text.indexOf(part, from)
      if (found === -1 || found + part.length > end) return false
      from = found + part.length
    }
    return true
  }
}
