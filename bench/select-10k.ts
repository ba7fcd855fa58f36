/**
 * How long it takes to find what a selection takes of 10,000 assets: by labels, by status, along the graph, and all of it
 * combined.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as IoManager from "../runtime/IoManager.ts"
import * as Selection from "../runtime/Selection.ts"
import * as Bench from "./Bench.ts"

const count = 10_000

const expression =
  'sinks((group:"ingest/*" or tag:team=data) and not status:stale)+3 and not (kind:sql or key:"*_1*7") or 2+asset_9000'

export default () =>
  Effect.gen(function* () {
    const graph = declared()
    const select = (text: string) =>
      Effect.sync(() => Result.getOrThrow(Selection.evaluate(graph, [text], facts)).keys.size)
    const { combined, one } = yield* Bench.medians(
      { combined: Bench.millis(select(expression)), one: Bench.millis(select("asset_9000")) },
      25
    )
    const line: Bench.Line = {
      bench: "select-10k",
      value: Bench.rounded(combined),
      unit: "ms",
      better: "lower",
      target: 20,
      baseline: { name: "one key", value: Bench.rounded(one) },
      note: `${yield* select(expression)} assets taken`
    }
    return line
  })

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const io = IoManager.make({
  kind: "none",
  describe: ({ key }) => `nothing of ${key}`,
  problems: () => [],
  store: () => Effect.never
})

/** 10,000 assets of three dependencies each among the thousand before, with labels that come round. */
const declared = (): AssetGraph.AssetGraph => {
  const assets: Array<Asset.Any> = []
  for (let index = 0; index < count; index++) {
    const deps: Record<string, Asset.Any> = {}
    for (const step of [1, 17, 331]) {
      const other = assets[index - 1 - ((index * step) % Math.min(1000, index))]
      if (other !== undefined) deps[other.key] = other
    }
    const asset: Asset.Any = Asset.make(`asset_${index}`, {
      io,
      codeVersion: "1",
      deps,
      materialize: () => Effect.void
    })
    assets.push(
      asset.pipe(
        Asset.group(index % 5 === 0 ? `ingest/source_${index % 20}` : "features"),
        Asset.tags({ team: index % 3 === 0 ? "data" : "web", pii: "" }),
        Asset.kinds(index % 4 === 0 ? "sql" : "python"),
        Asset.owners("team:data")
      )
    )
  }
  return AssetGraph.make(assets)
}

const facts: Selection.Facts = {
  hasStatus: (asset, status) => status === (asset.endsWith("9") ? "stale" : "current"),
  hasChanged: () => false
}
