/**
 * Which assets a person means: expressions over the graph and the assets they name.
 *
 * What is recorded of the assets comes in as `Facts`; what of a selection has to be materialized is decided by `Plan`.
 */
import * as Result from "effect/Result"
import type * as Asset from "./Asset.ts"
import type { AssetGraph } from "./AssetGraph.ts"
import * as Partition from "./Partition.ts"
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

class Evaluator {
  private readonly graph: AssetGraph
  private readonly facts: Facts
  private readonly assets: ReadonlyArray<Asset.Any>
  private readonly operands = new Map<string, Members>()
  private readonly empty = new Map<string, Unmatched>()
  private places: ReadonlyMap<string, number> | undefined
  private readonly nexts: Readonly<Record<"up" | "down", Array<ReadonlyArray<number> | undefined>>>

  constructor(graph: AssetGraph, facts: Facts) {
    this.graph = graph
    this.facts = facts
    this.assets = graph.order.map((key) => graph.nodes.get(key)!.asset)
    const nowhere = () => this.assets.map(() => undefined)
    this.nexts = { up: nowhere(), down: nowhere() }
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
          stack.push(combine(stack.pop()!, right, (a, b) => a & b))
          break
        }
        case "Or": {
          const right = stack.pop()!
          stack.push(combine(stack.pop()!, right, (a, b) => a | b))
          break
        }
        case "Not":
          stack.push(combine(this.none(), stack.pop()!, (_, member) => 1 - member))
          break
        case "Reach": {
          const members = stack.pop()!
          const above = this.reach(members, "up", term.up)
          const below = this.reach(members, "down", term.down)
          stack.push(combine(above, below, (a, b) => a | b))
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
          const value = unknownKind(term)
          if (value !== undefined) {
            const problem = { _tag: "UnknownValue", attribute: "partitions", value, known: Partition.kinds } as const
            return Result.fail(new SelectionError({ expression: text, position: term.start, problem }))
          }
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
    const members = this.none()
    for (let at = 0; at < members.length; at++) if (holds(this.assets[at]!)) members[at] = 1
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
        const some = someValue[term.attribute]
        if (term.value === null) return (asset) => !some(asset, anything)
        const matches = matcher(term.value)
        return (asset) => some(asset, matches)
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
    const distances = new Float64Array(members.length)
    for (let at = 0; at < members.length; at++) distances[at] = members[at] === 1 ? 0 : Infinity
    // In an order in which nothing is left before all that leads to it was.
    this.walk(direction, (at) => {
      const distance = distances[at]!
      if (distance >= levels) return
      for (const next of this.next(direction, at)) if (distances[next]! > distance + 1) distances[next] = distance + 1
    })
    const reached = this.none()
    for (let at = 0; at < reached.length; at++) if (distances[at] !== Infinity) reached[at] = 1
    return reached
  }

  /** Members from which no other one can be reached in a direction. */
  private ends(members: Members, direction: "up" | "down"): Members {
    const leads = this.none()
    this.walk(direction === "up" ? "down" : "up", (at) => {
      for (const next of this.next(direction, at)) if (members[next] === 1 || leads[next] === 1) leads[at] = 1
    })
    return combine(members, leads, (member, leads) => member & (1 - leads))
  }

  /** The order of the graph has what an asset reads and follows before it. */
  private walk(direction: "up" | "down", visit: (at: number) => void): void {
    const { length } = this.assets
    if (direction === "down") for (let at = 0; at < length; at++) visit(at)
    else for (let at = length - 1; at >= 0; at--) visit(at)
  }

  /** The places one level away, not that of an asset that reads itself; looked up once, and only where needed. */
  private next(direction: "up" | "down", at: number): ReadonlyArray<number> {
    const known = this.nexts[direction][at]
    if (known !== undefined) return known
    this.places ??= new Map(this.graph.order.map((key, at) => [key, at]))
    const { after, dependents, deps } = this.graph.nodes.get(this.graph.order[at]!)!
    const keys = direction === "down" ? dependents : deps.map((edge) => edge.asset).concat(after)
    const found: Array<number> = []
    for (const key of keys) {
      const place = this.places.get(key)!
      if (place !== at) found.push(place)
    }
    this.nexts[direction][at] = found
    return found
  }

  private unknownAsset(expression: string, key: string, position: number): SelectionError {
    const [asset = "", partition] = key.split("/", 2)
    const isPartition = partition !== undefined && this.graph.nodes.has(asset)
    const problem = {
      _tag: "UnknownAsset",
      key,
      nearest: isPartition ? [asset] : nearest(key, this.graph.order)
    } as const
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
    const values = new Set<string>()
    const collect = (value: string) => values.add(value).size === 0
    for (const asset of this.assets) {
      if (term._tag === "Has") someValue[term.attribute](asset, collect)
      else Object.keys(asset.tags).some(collect)
    }
    return nearest(pattern[0], values).filter((value) => value !== pattern[0])
  }
}

type Wanted = (value: string) => boolean

const anything: Wanted = () => true

const combine = (left: Members, right: Members, one: (left: number, right: number) => number): Members => {
  const combined = new Uint8Array(left.length)
  for (let at = 0; at < left.length; at++) combined[at] = one(left[at]!, right[at]!)
  return combined
}

/** Whether some value of an attribute is as wanted. */
const someValue: Readonly<Record<Syntax.Has["attribute"], (asset: Asset.Any, wanted: Wanted) => boolean>> = {
  key: ({ key }, wanted) => wanted(key),
  group: ({ group }, wanted) => group !== undefined && wanted(group),
  kind: ({ io, kinds }, wanted) => wanted(io.kind) || kinds.some(wanted),
  owner: ({ owners }, wanted) => owners.some(wanted),
  check: ({ checks }, wanted) => checks.some((check) => wanted(check.name)),
  partitions: ({ partitions }, wanted) => partitions !== undefined && kindsOf(partitions).some(wanted)
}

/** A product is cut in the ways of its dimensions, too. */
const kindsOf = (partitions: Partition.Partitioning): ReadonlyArray<Partition.Kind> => [
  Partition.kind(partitions),
  ...(partitions._tag === "Product" ? Object.values(partitions.dimensions).map(Partition.kind) : [])
]

/** What is said of how assets are cut, if none could be cut like that. */
const unknownKind = (term: Syntax.Operand): string | undefined =>
  term._tag === "Has" &&
  term.attribute === "partitions" &&
  term.value !== null &&
  !Partition.kinds.some(matcher(term.value))
    ? term.value.join("*")
    : undefined

const traits: Readonly<Record<Syntax.Vocabulary["is"], (asset: Asset.Any) => boolean>> = {
  external: ({ external }) => external !== undefined
}

const hasTag = ({ name, value }: Syntax.Tag): ((asset: Asset.Any) => boolean) => {
  if (name === null) return ({ tags }) => Object.keys(tags).length === 0
  const matchesName = matcher(name)
  const matchesValue = value === undefined ? anything : matcher(value ?? [""])
  return ({ tags }) => Object.entries(tags).some(([name, value]) => matchesName(name) && matchesValue(value))
}

/** Wildcards stand for anything, nothing included. */
const matcher = ([first, ...others]: Syntax.Pattern): Wanted => {
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
