/**
 * How far a backfill's run is, asset by asset: done, failed, left, how fast, and about how much longer.
 *
 * It counts slices, of which a step may take many. Steps are too many for a line each; those that fail have one, up to a
 * number, and all are named together at the end.
 */
import * as Backfill from "./Backfill.ts"
import type { Event } from "./Event.ts"
import * as EventLine from "./EventLine.ts"
import * as Keys from "./Keys.ts"
import type { Lineage } from "./Lineage.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as PlanReport from "./PlanReport.ts"
import * as Report from "./Report.ts"

interface Amount {
  readonly total: number
  done: number
  failed: number
  skipped: number
  readonly failures: Array<number>
}

/** Takes a plan's events in order. */
export class BackfillProgress {
  private readonly plan: Plan.Plan
  private readonly lineage: Lineage
  private readonly style: Report.Style
  private readonly amounts = new Map<string, Amount>()
  private readonly running = new Set<string>()
  private startedAt = 0
  private failures = 0

  constructor(plan: Plan.Plan, lineage: Lineage, style: Report.Style) {
    this.plan = plan
    this.lineage = lineage
    this.style = style
    for (const [asset, blocks] of Map.groupBy(plan.blocks, (block) => block.asset)) {
      const total = blocks.reduce((sum, { from, to }) => sum + to - from, 0)
      this.amounts.set(asset, { total, done: 0, failed: 0, skipped: 0, failures: [] })
    }
  }

  planned(): ReadonlyArray<string> {
    if (this.plan.assets === 0) return PlanReport.explain(this.plan)
    if (this.plan.blocks.length === 0) {
      const leftOut = PlanReport.leftOut(this.plan)
      return leftOut.length === 0
        ? ["There is nothing to do: what is asked for is Current"]
        : [...leftOut, "There is nothing else to do"]
    }
    const shown = Array.from(this.amounts).slice(0, mostAssets)
    const more = this.amounts.size - shown.length
    return [
      `${Report.count(this.all("total"), "slice")} to do:`,
      ...table(shown.map(([asset, { total }]) => [asset, Report.number(total)])),
      ...(more > 0 ? [`  … and ${Report.count(more, "asset")} more`] : []),
      ...PlanReport.leftOut(this.plan),
      ""
    ]
  }

  /** The lines that an event adds to what stays. */
  apply(event: Event): ReadonlyArray<string> {
    if (event._tag === "StepStarted") this.running.add(Partition.id(event))
    else if (settling.has(event._tag) && "asset" in event) this.running.delete(Partition.id(event))
    switch (event._tag) {
      case "RunStarted":
        this.startedAt = Date.parse(event.at)
        return []
      case "AssetMaterialized":
      case "AssetVerified":
      case "StepCutOff":
        this.amounts.get(event.asset)!.done += this.slicesOf(event).length
        return []
      case "StepSkipped":
        this.amounts.get(event.asset)!.skipped += this.slicesOf(event).length
        return []
      case "StepFailed": {
        const amount = this.amounts.get(event.asset)!
        const slices = this.slicesOf(event)
        amount.failed += slices.length
        amount.failures.push(...slices)
        this.failures += 1
        if (this.failures > mostFailures) return []
        const line = `${this.style.red("x")} ${EventLine.subject(event)}  ${EventLine.show(event)}`
        return this.failures < mostFailures ? [line] : [line, "  … further ones are named at the end"]
      }
      case "CheckFailed":
        return event.blocking && !event.accepted
          ? []
          : [`${this.style.yellow("!")} ${EventLine.subject(event)}  ${EventLine.show(event)}`]
      case "RunSucceeded":
      case "RunFailed":
      case "RunCanceled":
        return this.ended(event)
      default:
        return []
    }
  }

  view(now: number, rows: number): ReadonlyArray<string> {
    const amounts = Array.from(this.amounts)
    const underWay = amounts.filter(([, { done, failed, skipped, total }]) => {
      const settled = done + failed + skipped
      return settled > 0 && settled < total
    })
    const shown = underWay.slice(0, Math.max(1, rows - 2))
    const elapsed = Math.max(1, now - this.startedAt)
    const settled = this.all("done") + this.all("failed") + this.all("skipped")
    const left = this.all("total") - settled
    const rate = settled / (elapsed / 1000)
    const running = this.running.size === 0 ? "" : `, ${Report.count(this.running.size, "step")} running`
    const speed = rate === 0 ? "" : `, ${rate >= 10 ? Math.round(rate) : rate.toFixed(1)} a second`
    const rest = rate === 0 || left === 0 ? "" : `, about ${Report.duration((left / rate) * 1000)} left`
    return [
      ...table(shown.map(([asset, amount]) => [asset, progressInWords(amount)])),
      ...(shown.length < underWay.length
        ? [`  … and ${Report.count(underWay.length - shown.length, "asset")} more`]
        : []),
      `  ${Report.number(settled)} of ${Report.count(this.all("total"), "slice")}${running}, ${Report.duration(elapsed)}${speed}${rest}`
    ]
  }

  private slicesOf({ asset, partition }: Partition.Ref): ReadonlyArray<number> {
    return Backfill.slicesOf(this.lineage, { asset, partition })
  }

  private all(name: "total" | "done" | "failed" | "skipped"): number {
    return Array.from(this.amounts.values()).reduce((sum, amount) => sum + amount[name], 0)
  }

  private ended(event: Extract<Event, { readonly _tag: "RunSucceeded" | "RunFailed" | "RunCanceled" }>) {
    const took = Report.duration(Date.parse(event.at) - this.startedAt)
    const parts = (["done", "failed", "skipped"] as const).flatMap((name) => {
      const amount = this.all(name)
      return amount === 0 ? [] : [`${Report.number(amount)} ${name}`]
    })
    const failed = Array.from(this.amounts).flatMap(([asset, { failures }]) =>
      failures.length === 0 ? [] : [`  ${this.named(asset, failures)}`]
    )
    const { green, red, yellow } = this.style
    const words = { RunSucceeded: green("Succeeded"), RunFailed: red("Failed"), RunCanceled: yellow("Stopped") }
    return [
      ...(failed.length === 0 ? [] : ["", "Failed partitions:", ...failed]),
      "",
      `${words[event._tag]} after ${took}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`,
      ...(event._tag === "RunFailed" && failed.length === 0 ? [EventLine.showFailure(event.error)] : [])
    ]
  }

  private named(asset: string, failures: ReadonlyArray<number>): string {
    const keys = this.lineage.keys(asset)
    if (keys === undefined) return asset
    const ranges = Keys.ranges(
      keys,
      failures.toSorted((a, b) => a - b)
    )
    return `${asset}/${ranges.join(", ")}`
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const settling: ReadonlySet<Event["_tag"]> = new Set(["AssetMaterialized", "AssetVerified", "StepFailed"])

const mostAssets = 20
const mostFailures = 10

const table = (rows: ReadonlyArray<readonly [name: string, text: string]>): ReadonlyArray<string> => {
  const width = rows.reduce((width, [name]) => Math.max(width, name.length), 0)
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
}

const progressInWords = ({ done, failed, skipped, total }: Amount): string =>
  [
    `${Report.number(done)} of ${Report.number(total)} done`,
    ...(failed === 0 ? [] : [`${Report.number(failed)} failed`]),
    ...(skipped === 0 ? [] : [`${Report.number(skipped)} skipped`])
  ].join(", ")
