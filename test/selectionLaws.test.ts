import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Selection from "../runtime/Selection.ts"
import { asset } from "./Simulation.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Declaration = Schema.Struct({
  reads: Schema.Array(upTo(11)).check(Schema.isMaxLength(3)),
  follows: Schema.Array(upTo(11)).check(Schema.isMaxLength(1)),
  group: Schema.NullOr(Schema.Literals(["raw", "raw/deep", 'odd "name"*']).check()),
  tags: Schema.Array(Schema.Literals(["pii", "year"])).check(Schema.isMaxLength(2)),
  value: Schema.Literals(["", "1", "12"]),
  stale: Schema.Boolean
})
type Declaration = typeof Declaration.Type

const Declarations = Schema.Array(Declaration).check(Schema.isMinLength(1), Schema.isMaxLength(10))

/** Decisions of whoever draws an expression, used up one by one; 0 once there are none, which is the simplest. */
const Choices = Schema.Array(upTo(999)).check(Schema.isMinLength(1), Schema.isMaxLength(60))

interface Drawn {
  readonly text: string
  /** What it means, straight from the words. */
  readonly means: (world: World, key: string) => boolean
}

class World {
  readonly graph: AssetGraph.AssetGraph
  readonly facts: Selection.Facts
  readonly stale: ReadonlySet<string>

  constructor(declarations: ReadonlyArray<Declaration>) {
    const assets: Array<Asset.Any> = []
    for (const [index, { follows, group, reads, tags, value }] of declarations.entries()) {
      const earlier = (other: number) => assets[other % index]!
      const deps = index === 0 ? [] : reads.map(earlier)
      const plain: Asset.Any = asset(`a_${index}`, { deps: Object.fromEntries(deps.map((dep) => [dep.key, dep])) })
      const labelled = plain.pipe(Asset.tags(Object.fromEntries(tags.map((tag) => [tag, value]))))
      const ordered = index === 0 ? labelled : labelled.pipe(Asset.after(...follows.map(earlier)))
      assets.push(group === null ? ordered : Object.assign(ordered, { group }))
    }
    this.graph = graphOf(assets)
    this.stale = new Set(assets.filter((_, index) => declarations[index]!.stale).map(({ key }) => key))
    this.facts = { hasStatus: (key, status) => status === "stale" && this.stale.has(key), hasChanged: () => false }
  }

  asset(key: string) {
    return this.graph.nodes.get(key)!.asset
  }

  /** One level up what goes before it, one level down what reads it. */
  next(key: string, direction: "up" | "down"): ReadonlyArray<string> {
    const { after, deps, dependents } = this.graph.nodes.get(key)!
    return direction === "down" ? dependents : [...deps.map((edge) => edge.asset), ...after]
  }

  /** Whether a walk of at least one and at most so many levels ends where `holds`. */
  leads(key: string, direction: "up" | "down", levels: number, holds: (key: string) => boolean): boolean {
    return (
      levels > 0 &&
      this.next(key, direction).some((next) => holds(next) || this.leads(next, direction, levels - 1, holds))
    )
  }

  /** Likewise, against the direction. */
  isLedTo(key: string, direction: "up" | "down", levels: number, holds: (key: string) => boolean): boolean {
    return this.graph.order.some(
      (other) => holds(other) && this.leads(other, direction, levels, (reached) => reached === key)
    )
  }
}

// Groups with odd names cannot be declared; that they could be found is what is tested.
const graphOf = (assets: ReadonlyArray<Asset.Any>): AssetGraph.AssetGraph => {
  const declared = AssetGraph.make(assets.map((asset) => Object.assign(asset, { group: undefined, ...groupOf(asset) })))
  return declared
}

const groupOf = (asset: Asset.Any) => ({ group: asset.group })
