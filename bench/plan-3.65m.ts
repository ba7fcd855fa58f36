/**
 * How long it takes to plan 10,000 assets of 365 partitions each, of which nine tenths were never published and one in a
 * hundred is Stale: with the states at hand, and what loading them into memory takes beside it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import * as IoManager from "../runtime/IoManager.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import * as Bench from "./Bench.ts"

const assets = 10_000
const days = 365

const bench: Bench.Bench = () =>
  Effect.gen(function* () {
    const declared = graph()
    let catalog = Catalog.empty
    const started = performance.now()
    catalog = Catalog.fromStates(states(declared))
    const loading = performance.now() - started
    let slices = 0
    const planning = Effect.sync(() => {
      const plan = Result.getOrThrow(Plan.make(declared, catalog, Plan.everything, now))
      slices = plan.blocks.reduce((sum, { from, to }) => sum + to - from, 0)
    })
    const { seconds } = yield* Bench.medians({
      seconds: Effect.map(Bench.millis(planning), (millis) => millis / 1000)
    })
    const line = { bench: "plan-3.65m", better: "lower" as const, baseline: null }
    return [
      {
        ...line,
        quantity: "planning",
        value: Bench.rounded(seconds),
        unit: "s",
        target: 3,
        note: `${slices} slices planned`
      },
      {
        ...line,
        quantity: "peak memory",
        value: Bench.rounded(process.resourceUsage().maxRSS / 1024 / 1024),
        unit: "GB",
        target: 1
      },
      {
        ...line,
        quantity: "loading",
        value: Bench.rounded(loading / 1000),
        unit: "s",
        target: 3,
        note: "in this process"
      }
    ]
  })

export default bench

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const start = Date.UTC(2025, 0, 1)
const now = start + (days - 0.5) * 86_400_000

const io = IoManager.make({
  kind: "none",
  describe: ({ key }) => `nothing of ${key}`,
  problems: () => [],
  store: () => Effect.never
})

/** Chains of ten assets, each reading the one before and one of another chain, day by day. */
const graph = (): AssetGraph.AssetGraph => {
  const made: Array<Asset.Asset<string, typeof io, never, never, Partition.TimeWindows<"daily">>> = []
  for (let index = 0; index < assets; index++) {
    const deps = Object.fromEntries(
      (index % 10 === 0 ? [] : [index - 1, index - 11]).flatMap((other) =>
        other < 0 ? [] : [[`asset_${other}`, made[other]!]]
      )
    )
    const partitions = Partition.daily({ start: "2025-01-01" })
    made.push(Asset.make(`asset_${index}`, { io, codeVersion: "1", partitions, deps, materialize: () => Effect.void }))
  }
  return AssetGraph.make(made)
}

/** The last 36 days of every asset are published; of those every tenth slice, at random, was made by other code. */
function* states(declared: AssetGraph.AssetGraph): Generator<Catalog.AssetState> {
  let random = 42
  let position = 0
  for (const asset of declared.order) {
    const { deps } = declared.nodes.get(asset)!
    for (let day = days - 36; day < days; day++) {
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
      yield {
        asset,
        partition: new Date(start + day * 86_400_000).toISOString().slice(0, 10),
        codeVersion: random % 10 === 0 ? "0" : "1",
        dataVersion: `${day}`,
        provenance: Object.fromEntries(deps.map((edge) => [edge.asset, { version: `${day}`, position: 1 }])),
        config: {},
        changedPosition: ++position,
        verifiedPosition: position,
        materializedAt: "2026-01-01T00:00:00.000Z",
        verifiedAt: "2026-01-01T00:00:00.000Z",
        rows: null,
        metadata: {},
        runId: "run",
        traceId: null,
        spanId: null
      }
    }
  }
}
