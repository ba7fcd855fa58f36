/**
 * A project that exists on paper only: declarations that can change, a world that its sources look at, a log, and an
 * interpreter of plans with the executor's decisions and none of its effects.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Catalog from "../runtime/Catalog.ts"
import type { Event } from "../runtime/Event.ts"
import * as IoManager from "../runtime/IoManager.ts"
import { Lineage } from "../runtime/Lineage.ts"
import * as MultiAsset from "../runtime/MultiAsset.ts"
import * as Partition from "../runtime/Partition.ts"
import * as Plan from "../runtime/Plan.ts"
import * as Ranges from "../runtime/Ranges.ts"
import * as Staleness from "../runtime/Staleness.ts"
import * as Version from "../runtime/Version.ts"

/** A kind of value that nothing stores. */
export const io = IoManager.make<unknown, unknown, unknown, unknown, unknown, never>({
  kind: "paper",
  describe: (owner) => `paper ${owner.key}`,
  problems: () => [],
  refusesRanges: undefined,
  store: () => Effect.never
})

/** Declares an asset whose body is never run. */
export const asset = <D extends Asset.Deps = {}>(
  key: string,
  options: { readonly deps?: D; readonly code?: string } = {}
) => Asset.make(key, { io, codeVersion: options.code ?? "1", deps: options.deps ?? {}, materialize: () => Effect.void })

/** Likewise, in days from `start`, of which a step takes at most so many. */
export const dailyInRanges = (
  key: string,
  options: { readonly start: string; readonly most: number; readonly deps?: Asset.Deps; readonly code?: string }
): Asset.Any =>
  Asset.make(key, {
    io,
    codeVersion: options.code ?? "1",
    partitions: Ranges.ranges(Partition.daily({ start: options.start }), { most: options.most }),
    deps: (options.deps ?? {}) as {},
    materialize: () => Effect.void as Effect.Effect<never>
  })

/** Likewise, one by one. */
export const daily = <D extends Asset.Deps = {}>(
  key: string,
  options: { readonly start: string; readonly deps?: D; readonly code?: string }
) =>
  Asset.make(key, {
    io,
    codeVersion: options.code ?? "1",
    partitions: Partition.daily({ start: options.start }),
    deps: options.deps ?? {},
    materialize: () => Effect.void
  })

/** Likewise, cut in any way. */
export const sliced = <D extends Asset.Deps = {}>(
  key: string,
  options: { readonly partitions: Partition.Partitioning; readonly deps?: D; readonly code?: string }
) =>
  Asset.make(key, {
    io,
    codeVersion: options.code ?? "1",
    partitions: options.partitions,
    deps: options.deps ?? {},
    materialize: () => Effect.void
  })

/** Likewise two assets of one computation, which can do one without the other where it says so. */
export const pair = (
  [one, other]: readonly [string, string],
  options: {
    readonly deps: Asset.Deps
    readonly code: string
    readonly subset: boolean
    readonly partitions?: Partition.Partitioning
  }
): readonly [Asset.Any, Asset.Any] => {
  const { code, deps, ...others } = options
  const assets = MultiAsset.make({
    ...others,
    codeVersion: code,
    deps: deps as {},
    outputs: { one: MultiAsset.output(one, { io }), other: MultiAsset.output(other, { io }) },
    materialize: () => Effect.never
  })
  return [assets.one, assets.other]
}

export class Simulation {
  now: number
  graph: AssetGraph.AssetGraph
  readonly log: Array<{ readonly position: number; readonly event: Event }> = []
  /** What each source shows now, by `Partition.id`; 0 unless said otherwise. */
  readonly world = new Map<string, number>()
  private readonly builder = new Catalog.Builder()
  /** How many different values an asset can have; few make early cutoff likely. */
  private readonly variety: (asset: string) => number

  constructor(
    roots: ReadonlyArray<Asset.Any>,
    options: { readonly now?: string; readonly variety?: (asset: string) => number } = {}
  ) {
    this.graph = AssetGraph.make(roots)
    this.now = Date.parse(options.now ?? "2026-03-10T12:00:00Z")
    this.variety = options.variety ?? (() => 1_000_000)
  }

  get catalog(): Catalog.Catalog {
    return this.builder.snapshot()
  }

  /** Declares the project anew. */
  redeclare(...roots: ReadonlyArray<Asset.Any>): void {
    this.graph = AssetGraph.make(roots)
  }

  lineage(now: number): Lineage {
    return new Lineage(this.graph, new Partition.Moment(now, this.catalog.dynamic))
  }

  pass(hours: number): void {
    this.now += hours * 3_600_000
  }

  assess(): Staleness.Assessments {
    return Staleness.assess(this.graph, this.catalog, this.now)
  }

  /** `Missing`, `Stale`, `Maybe` or `Current`, by the name of the slice. */
  statuses(): Record<string, string> {
    const statuses: Record<string, string> = {}
    const assessments = this.assess()
    for (const asset of this.graph.order) {
      for (const [partition, { status }] of Staleness.entries(assessments, asset)) {
        statuses[Partition.show({ asset, partition })] = status
      }
    }
    return statuses
  }

  plan(...selection: ReadonlyArray<string>): Plan.Plan {
    return this.request({ selection })
  }

  request(request: Partial<Plan.Request>): Plan.Plan {
    return Result.getOrThrow(Plan.make(this.graph, this.catalog, { ...Plan.everything, ...request }, this.now))
  }

  /** The message of the refusal. */
  refusal(request: Partial<Plan.Request>): string {
    const result = Plan.make(this.graph, this.catalog, { ...Plan.everything, ...request }, this.now)
    return Result.match(result, { onFailure: (error) => error.message, onSuccess: () => "planned" })
  }

  /** Runs a plan and tells which of its steps ran, the others having been cut off. */
  execute(plan: Plan.Plan): ReadonlyArray<string> {
    const executed: Array<string> = []
    for (const step of plan.steps) {
      const slices = this.slicesOf(step, plan.at)
      const others = AssetGraph.togetherWith(this.graph, step.asset).map((asset) => ({ ...step, asset }))
      // What is computed for one is there for all.
      const isComputed = others.some(
        (other) => executed.includes(Partition.show(other)) || !this.isSettled(other, plan.at)
      )
      const isWished = step.reasons.some(({ _tag }) => _tag === "Forced" || _tag === "RecheckRequested")
      const isSure = isWished || isComputed || (slices.length === 1 && step.certainty === "Certain")
      const due = isSure ? slices : slices.filter((slice) => !this.isSettled(slice, plan.at))
      if (due.length === 0) this.append({ _tag: "StepCutOff", ...this.stamp(step, plan.at) })
      else this.publish(due, plan.at)
      executed.push(...due.map(Partition.show))
    }
    return executed
  }

  /** The slices that a step may compute. */
  slicesOf({ asset, partition, range }: Plan.Step, at: number): ReadonlyArray<Partition.Ref> {
    if (range === undefined) return [{ asset, partition }]
    const keys = this.lineage(at)
      .keys(asset)!
      .all.slice(...range)
    return keys.map((partition) => ({ asset, partition }))
  }

  run(...selection: ReadonlyArray<string>): ReadonlyArray<string> {
    return this.execute(this.plan(...selection))
  }

  wipe(ref: Partition.Ref): void {
    this.append({ _tag: "AssetWiped", ...this.stamp(ref, this.now) })
  }

  erase(ref: Partition.Ref, dataVersion: string): void {
    this.append({ _tag: "AssetErased", ...this.stamp(ref, this.now), dataVersion, rows: 1 })
  }

  /** Changes the keys of a dynamic partitioning. */
  addKey(name: string, key: string): void {
    this.append({ _tag: "PartitionsAdded", at: new Date(this.now).toISOString(), runId: null, name, keys: [key] })
  }

  removeKey(name: string, key: string): void {
    this.append({ _tag: "PartitionsRemoved", at: new Date(this.now).toISOString(), runId: null, name, keys: [key] })
  }

  /** The data version that computing a slice now would give: a function of code, inputs and, for sources, the world. */
  compute(ref: Partition.Ref): string {
    const isSource = this.graph.nodes.get(ref.asset)!.deps.every((edge) => !edge.versioned)
    if (isSource) return String(this.world.get(Partition.id(ref)) ?? 0)
    const { provenance } = Staleness.inputs(this.lineage(this.now), this.catalog, ref)
    // In the order of their names, because inputs are named: the order of declaration is no input.
    const parts = Object.keys(provenance)
      .sort()
      .flatMap((asset) => [asset, provenance[asset]!.version])
    const hash = Version.hash(ref.asset, [this.codeVersion(ref.asset), ...parts])
    return String(Number.parseInt(hash.slice(0, 8), 16) % this.variety(ref.asset))
  }

  private publish(refs: ReadonlyArray<Partition.Ref>, at: number): void {
    const [{ asset }] = refs as [Partition.Ref]
    const slices = refs.map((ref) => {
      const { provenance, unpublished } = Staleness.inputs(this.lineage(at), this.catalog, ref)
      if (unpublished.length > 0) throw new Error(`${Partition.show(ref)} ran before ${unpublished.join(", ")}`)
      const dataVersion = this.compute(ref)
      const changed = this.builder.get(ref)?.dataVersion !== dataVersion
      return { partition: ref.partition!, provenance, dataVersion, rows: null, changed }
    })
    const [first, ...others] = slices as [(typeof slices)[number], ...typeof slices]
    const { external } = this.graph.nodes.get(asset)!.asset
    const shared = {
      codeVersion: this.codeVersion(asset),
      dataVersion: first.dataVersion,
      provenance: others.length === 0 ? first.provenance : {},
      config: {},
      rows: null,
      metadata: {},
      attempts: 1,
      traceId: null,
      spanId: null
    }
    const isNew = slices.some(({ changed }) => changed)
    this.append({
      _tag: !isNew ? "AssetVerified" : external === undefined ? "AssetMaterialized" : "AssetObserved",
      ...this.stamp(others.length === 0 ? refs[0]! : { asset, partition: "many" }, at),
      ...shared,
      ...(others.length === 0 ? {} : { slices })
    })
  }

  private codeVersion(asset: string) {
    return this.graph.nodes.get(asset)!.codeVersion
  }

  // The executor has no more than these states at hand when it decides.
  private isSettled(step: Partition.Ref, now: number): boolean {
    const node = this.graph.nodes.get(step.asset)!
    const near = [step.asset, ...node.deps.map((edge) => edge.asset)]
    const catalog = Catalog.fromStates(near.flatMap((asset) => Array.from(this.builder.slices(asset).values())))
    return Staleness.causes(this.lineage(now), catalog, step).status === "Current"
  }

  private stamp({ asset, partition }: Partition.Ref, at: number) {
    return { at: new Date(at).toISOString(), runId: "run", asset, partition }
  }

  private append(event: Event) {
    const position = this.log.length + 1
    this.log.push({ position, event })
    this.builder.apply(event, position)
  }
}
