/**
 * What a case is lived on: the declarations in force, the world that bodies look at, and what was asked last, all of it
 * in memory, with the planner and the executor that any project has.
 */
import * as Testing from "effect-assets/testing"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Asset from "../../runtime/Asset.ts"
import type * as Backfill from "../../runtime/Backfill.ts"
import * as BackfillRun from "../../runtime/BackfillRun.ts"
import * as Catalog from "../../runtime/Catalog.ts"
import * as Causes from "../../runtime/Causes.ts"
import * as ConfigDigests from "../../runtime/ConfigDigests.ts"
import * as Definitions from "../../runtime/Definitions.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import * as IoManager from "../../runtime/IoManager.ts"
import { Lineage } from "../../runtime/Lineage.ts"
import * as Partition from "../../runtime/Partition.ts"
import type * as Plan from "../../runtime/Plan.ts"
import * as PlanReport from "../../runtime/PlanReport.ts"
import * as Reason from "../../runtime/Reason.ts"
import * as Staleness from "../../runtime/Staleness.ts"
import * as Version from "../../runtime/Version.ts"
import * as VersionIo from "../VersionIo.ts"

/** Slices are named as people name them: `users`, `clicks/2026-03-10`; neighbours that are alike as a range. */
export type BySlice<A> = Readonly<Record<string, A>>

/** What is not said is not asked. */
export interface Expected {
  /** Every slice that is not Current, with its causes, or what a Maybe waits for; and those that are Frozen. */
  readonly status?: BySlice<string>
  /** Of assets asked whole: the status, how many slices have which, and the causes of all. */
  readonly whole?: BySlice<string>
  /** The slices that exist. */
  readonly slices?: BySlice<string>
  /** What the last run came to. */
  readonly ran?: BySlice<Testing.StepOutcome>
  /** The last request's plan in words, or why it was refused. */
  readonly plan?: ReadonlyArray<string>
  /** What each step of the last request's plan reads or follows in it; steps that wait for nothing are left out. */
  readonly waits?: BySlice<string>
  /** Versions of published values; `null` where there is none. Of a source, what the world showed. */
  readonly values?: BySlice<string | null>
  /** What a value is recorded to be made from. */
  readonly madeFrom?: BySlice<ReadonlyArray<string>>
}

export type Request = Partial<Plan.Request>

/** What a case stands on: the declarations in force, the world, and what was last asked. */
export class Stage {
  readonly world = new World()
  private assets: ReadonlyArray<Asset.Any> = []
  private definitions!: Definitions.Definitions
  private backfillId = ""
  private ran: BySlice<Testing.StepOutcome> = {}
  private asked: { readonly plan: Plan.Plan } | { readonly refusal: string } | undefined

  constructor(assets: ReadonlyArray<Asset.Any>) {
    this.declare(assets)
  }

  get context() {
    const env = ConfigProvider.fromUnknown(Object.fromEntries(this.world.settings))
    return Context.make(ConfigProvider.ConfigProvider, env).pipe(Context.add(TheWorld, this.world))
  }

  declare(assets: ReadonlyArray<Asset.Any>): void {
    this.assets = assets
    const versions = Array.from(this.world.codes, ([key, version]) => [key, { version, manifest: undefined }] as const)
    this.definitions = Definitions.withCodeVersions(Definitions.make({ assets: this.assets }), new Map(versions))
  }

  edit(key: string, code: string): void {
    this.world.codes.set(key, code)
    this.declare(this.assets)
  }

  run({ selection, ...options }: Request) {
    return Effect.map(Testing.pipeline(this.definitions).materialize(selection, options), ({ outcomes }) => {
      this.ran = outcomes
    })
  }

  backfill(asked: Partial<Backfill.Asked>) {
    const all = { selection: ["*"], which: "Stale", concurrency: null, ...asked } as const
    return this.carriedOut(BackfillRun.start(this.definitions, all, this.backfilling))
  }

  /** The last one. */
  get retry() {
    return Effect.suspend(() => {
      const retry = { id: this.backfillId, action: "retry", concurrency: null } as const
      return this.carriedOut(BackfillRun.resume(this.definitions, retry, this.backfilling))
    })
  }

  ask({ selection, ...options }: Request) {
    return Testing.pipeline(this.definitions)
      .plan(selection, options)
      .pipe(
        Effect.map((plan) => ({ plan })),
        Effect.catchTag("PlanError", ({ message }) => Effect.succeed({ refusal: message })),
        Effect.map((asked) => {
          this.asked = asked
        })
      )
  }

  /** What is found of what is expected. */
  look(expected: Expected): Effect.Effect<Expected, unknown, EventLog.EventLog> {
    return Effect.gen({ self: this }, function* () {
      const log = yield* EventLog.EventLog
      const catalog = yield* ConfigDigests.inForce(yield* log.catalog)
      const assessments = Staleness.assess(this.definitions.graph, catalog, yield* Clock.currentTimeMillis)
      const { lineage } = assessments
      const of = <A>(slices: object, ask: (slice: string) => A) =>
        Object.fromEntries(Object.keys(slices).map((slice) => [slice, ask(slice)]))
      const state = (slice: string) => Catalog.get(catalog, refOf(slice))
      return {
        ...(expected.status && { status: statuses(assessments) }),
        ...(expected.whole && { whole: of(expected.whole, (asset) => whole(assessments, asset)) }),
        ...(expected.slices && { slices: of(expected.slices, (asset) => existing(assessments, asset)) }),
        ...(expected.ran && { ran: grouped(lineage, Object.entries(this.ran)) }),
        ...(expected.plan && { plan: this.planned() }),
        ...(expected.waits && { waits: this.waiting(lineage) }),
        ...(expected.values && { values: of(expected.values, (slice) => state(slice)?.dataVersion ?? null) }),
        ...(expected.madeFrom && {
          madeFrom: of(expected.madeFrom, (slice) => Object.keys(state(slice)?.provenance ?? {}))
        })
      }
    })
  }

  private get backfilling(): BackfillRun.Options {
    const planned = (plan: Plan.Plan) => Effect.sync(() => void (this.asked = { plan }))
    return { concurrency: 4, planned, observe: () => Effect.void }
  }

  private carriedOut<E, R>(backfill: Effect.Effect<BackfillRun.Outcome, E, R>) {
    return Effect.gen({ self: this }, function* () {
      const outcome = yield* backfill
      if (outcome._tag === "NothingToDo") return void (this.ran = {})
      this.backfillId = outcome.id
      this.ran = (yield* Testing.pipeline(this.definitions).runs).at(-1)!.outcomes
    })
  }

  private planned(): ReadonlyArray<string> {
    if (this.asked === undefined) return []
    if ("refusal" in this.asked) return [this.asked.refusal]
    const { plan } = this.asked
    const steps = plan.blocks.map(({ asset, certainty, partitions, reasons }) => {
      const name = Partition.show({ asset, partition: partitions })
      return `${name} - ${certainty.toLowerCase()}: ${reasons.map(Reason.show).join(", ")}`
    })
    return [...steps, ...PlanReport.leftOut(plan)]
  }

  private waiting(lineage: Lineage): BySlice<string> {
    if (this.asked === undefined || "refusal" in this.asked) return {}
    const { steps } = this.asked.plan
    const waits = steps.flatMap((step): ReadonlyArray<readonly [string, string]> => {
      const before = [...step.after, ...step.follows].flat().map((at) => [Partition.show(steps[at]!), ""] as const)
      return before.length === 0 ? [] : [[Partition.show(step), Object.keys(grouped(lineage, before)).join(", ")]]
    })
    return grouped(lineage, waits)
  }
}

/** What bodies find when they look. */
export class World {
  readonly shows = new Map<string, string>()
  readonly codes = new Map<string, string>()
  readonly settings = new Map<string, string>()
  readonly broken = new Set<string>()
  readonly published = new Map<string, string>()
}

/** The one that a case lives in. */
export const TheWorld = Context.Reference<World>("semantics/World", { defaultValue: () => new World() })

/** What a source shows that has nothing to show. */
export const quiet = "nothing new"

/** Values of what is told of in a case. */
export const io = VersionIo.make({
  publish: ({ asset, partition }, value) =>
    Effect.flatMap(TheWorld, ({ broken, published }) => {
      const slice = Partition.show({ asset, partition })
      return broken.has(`publish ${slice}`)
        ? new IoManager.IoError({ asset, operation: "publish", detail: "the disk is full", retryable: false })
        : Effect.sync(() => published.set(slice, value))
    }),
  digest: (ref) => Effect.map(TheWorld, ({ published }) => published.get(Partition.show(ref)) ?? null)
})

/** Sources compute what the world shows of a slice, everything else a digest of its code, inputs and settings. */
export const body = Effect.fnUntraced(function* (
  key: string,
  inputs: object,
  { nothingNew, partition }: { readonly nothingNew: Effect.Effect<never>; readonly partition: Partition.Key },
  { is, reads }: { readonly is?: string | undefined; readonly reads?: string | undefined }
): Effect.fn.Return<string, "broken"> {
  const { broken, codes, shows } = yield* TheWorld
  const slice = Partition.show({ asset: key, partition })
  if (broken.has(`body ${slice}`)) return yield* Effect.fail("broken" as const)
  const shown = shows.get(slice)
  if (shown === quiet) return yield* nothingNew
  const setting = reads === undefined ? [] : [yield* Effect.orDie(Config.withDefault(Config.String(reads), "not set"))]
  if (is !== undefined) return is
  const read = Object.entries(inputs).flatMap(([name, value]) => [name, String(value)])
  return read.length === 0 && setting.length === 0
    ? (shown ?? "0")
    : Version.hash(slice, [codes.get(key) ?? "", ...read, ...setting])
})

/** Likewise of many slices, each made from those of its key. */
export const bodies = Effect.fnUntraced(function* (
  key: string,
  deps: Readonly<Record<string, Asset.Any>>,
  { nothingNew, partitions }: { readonly nothingNew: Effect.Effect<never>; readonly partitions: ReadonlyArray<string> },
  { reads }: { readonly reads?: string | undefined }
) {
  const { published } = yield* TheWorld
  const values: Record<string, string> = {}
  for (const partition of partitions) {
    const inputs = Object.entries(deps).map(([name, { key }]) => {
      return [name, published.get(`${key}/${partition}`) ?? published.get(key)] as const
    })
    values[partition] = yield* body(key, Object.fromEntries(inputs), { nothingNew, partition }, { reads })
  }
  return values
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

export const refOf = (slice: string): Partition.Ref => {
  const [asset, partition = null] = slice.split("/") as [string, string?]
  return { asset, partition }
}

const statuses = (assessments: Staleness.Assessments): BySlice<string> =>
  grouped(
    assessments.lineage,
    assessments.lineage.graph.order.flatMap((asset) =>
      Array.from(Staleness.entries(assessments, asset)).flatMap(([partition, assessment]) => {
        const text = inWords(assessment)
        return text === "Current" ? [] : [[Partition.show({ asset, partition }), text] as const]
      })
    )
  )

const inWords = ({ causes, frozen, status, undecided }: Staleness.Assessment): string => {
  const why = status === "Maybe" ? undecided : causes.map(Reason.show)
  return [frozen ? "Frozen" : status, ...(why.length === 0 ? [] : [why.join(", ")])].join(": ")
}

const whole = (assessments: Staleness.Assessments, asset: string): string => {
  const counts = Object.entries(Staleness.aggregate(assessments, asset)).filter(([, count]) => count > 0)
  const causes = Causes.merge(assessments.lineage, Staleness.causesOf(assessments, asset)).map(Reason.show)
  const status = `${Staleness.status(assessments, asset)} (${counts.map(([status, n]) => `${n} ${status}`).join(", ")})`
  return [status, ...causes].join("; ")
}

const existing = (assessments: Staleness.Assessments, asset: string): string =>
  rangesOf(
    assessments.lineage,
    asset,
    Array.from(Staleness.entries(assessments, asset), ([key]) => key)
  )

/** Slices of an asset that have the same said of them are named together. */
const grouped = <A extends string>(lineage: Lineage, entries: Iterable<readonly [string, A]>): BySlice<A> => {
  const groups = Map.groupBy(eachOf(lineage, entries), ([slice, said]) => `${refOf(slice).asset} ${said}`)
  return Object.fromEntries(
    Array.from(groups.values(), (group): [string, A] => {
      const { asset } = refOf(group[0]![0])
      const ranges = rangesOf(
        lineage,
        asset,
        group.map(([slice]) => refOf(slice).partition)
      )
      return [ranges === "" ? asset : `${asset}/${ranges}`, group[0]![1]]
    })
  )
}

/** What is said of a range is said of each of its slices. */
const eachOf = <A>(lineage: Lineage, entries: Iterable<readonly [string, A]>): ReadonlyArray<readonly [string, A]> =>
  Array.from(entries).flatMap(([slice, said]) => {
    const { asset, partition } = refOf(slice)
    if (!/,|\.\./.test(partition ?? "")) return [[slice, said]]
    const { all } = lineage.keys(asset)!
    return partition!.split(",").flatMap((range) => {
      const [from, to] = range.split("..") as [string, string?]
      const keys = all.slice(all.indexOf(from), all.indexOf(to ?? from) + 1)
      return keys.map((key) => [Partition.show({ asset, partition: key }), said] as const)
    })
  })

const rangesOf = (lineage: Lineage, asset: string, slices: ReadonlyArray<Partition.Key>): string => {
  const keys = lineage.keys(asset)
  if (keys === undefined) return ""
  const indexes = slices.map((partition) => lineage.index({ asset, partition })).sort((a, b) => a - b)
  return Partition.ranges(keys, indexes).join(", ")
}
