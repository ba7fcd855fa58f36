/**
 * How far a run is, from its plan and its events: a line for each step that settled, a view of those that have not.
 *
 * Where the lines go and how often the view is drawn is not its business.
 */
import { type Event, isOfBackfill, type Of } from "./Event.ts"
import * as EventLine from "./EventLine.ts"
import * as Forecast from "./Forecast.ts"
import * as Partition from "./Partition.ts"
import type * as Plan from "./Plan.ts"
import * as PlanReport from "./PlanReport.ts"
import * as Report from "./Report.ts"

interface Running {
  readonly name: string
  readonly since: number
  /** How long it takes, as far as that is known. */
  readonly expected: number
  readonly note: string
}

/** Takes a plan's events in order. */
export class Progress {
  private readonly plan: Plan.Plan
  private readonly forecast: Forecast.Forecast
  private readonly medium: Report.Medium
  private readonly style: Report.Style
  private readonly width: number
  /** Seconds that a slice of each asset takes, without those that were never run. */
  private readonly expected: ReadonlyMap<string, number>
  /** How many slices each step takes that takes a range. */
  private readonly slices: ReadonlyMap<string, number>
  private readonly running = new Map<string, Running>()
  private readonly tally = new Map<Event["_tag"], number>()
  /** Failures of checks that kept nothing from being published. */
  private readonly failedChecks: Array<Of<"CheckFailed">> = []
  private startedAt = 0
  /** Seconds that the settled steps were expected to take. */
  private done = 0

  constructor(plan: Plan.Plan, forecast: Forecast.Forecast, medium: Report.Medium) {
    this.plan = plan
    this.forecast = forecast
    this.medium = medium
    this.style = medium.style
    this.width = Math.min(
      40,
      plan.steps.reduce((width, step) => Math.max(width, Partition.show(step).length), 0)
    )
    this.expected = new Map(
      forecast.blocks.flatMap(({ block, each }) => (each === undefined ? [] : [[block.asset, each]]))
    )
    this.slices = new Map(
      plan.steps.flatMap((step) =>
        step.range === undefined ? [] : [[Partition.id(step), step.range[1] - step.range[0]]]
      )
    )
  }

  /** What there is to do, and why; a long plan is abbreviated. */
  planned(): ReadonlyArray<string> {
    if (this.plan.blocks.length === 0) return PlanReport.explain(this.plan)
    const lines = PlanReport.steps(this.forecast, { ...this.medium, columns: this.medium.columns - indent.length })
    const shown = lines.length > longest ? longest - 5 : lines.length
    const left = lines.length - shown
    return [
      `${Report.count(this.plan.steps.length, "step")} to do:`,
      ...lines.slice(0, shown).map((line) => indent + line),
      ...(left === 0 ? [] : [`  … and ${Report.number(left)} more; \`assets plan\` shows all`]),
      ...PlanReport.leftOut(this.plan),
      ...(this.forecast.seconds === undefined ? [] : PlanReport.summary(this.forecast)),
      ""
    ]
  }

  /** The lines that an event adds to what stays. */
  apply(event: Event): ReadonlyArray<string> {
    if (isOfBackfill(event)) return []
    const at = Date.parse(event.at)
    switch (event._tag) {
      case "RunStarted":
        this.startedAt = at
        return []
      case "StepStarted":
        this.running.set(Partition.id(event), {
          name: Partition.show(event),
          since: at,
          expected: this.secondsOf(event),
          note: ""
        })
        return []
      case "StepRetried":
        this.note(event, EventLine.show(event))
        return []
      case "CheckPassed":
      case "PartitionsAdded":
      case "PartitionsRemoved":
        return []
      case "CheckFailed":
        // The step's own line tells of a failure that blocks it, and how to accept it.
        if (event.blocking && !event.accepted) return []
        this.failedChecks.push(event)
        return [this.line(this.style.yellow("!"), event, "")]
      case "RunSucceeded":
      case "RunFailed":
      case "RunCanceled":
      case "RunInterrupted":
        return this.ended(event, at)
      default:
        return [this.settled(event, at)]
    }
  }

  /** What a step that runs says of how far it is, for the view. */
  note(step: Partition.Ref, note: string): void {
    const known = this.running.get(Partition.id(step))
    if (known !== undefined) this.running.set(Partition.id(step), { ...known, note })
  }

  /** The steps that run now, how many are done, and where all were run before about how long the rest takes. */
  view(now: number, rows: number): ReadonlyArray<string> {
    const running = Array.from(this.running.values())
    const shown = running.slice(0, Math.max(1, rows - 3))
    const settled = Array.from(this.tally.values()).reduce((sum, amount) => sum + amount, 0)
    const elapsed = Report.duration(Math.max(0, now - this.startedAt))
    return [
      ...shown.map(({ name, note, since }) =>
        `  ${name.padEnd(this.width)}  ${Report.duration(Math.max(0, now - since))}  ${note}`.trimEnd()
      ),
      ...(shown.length < running.length ? [`  … and ${running.length - shown.length} more`] : []),
      `  ${settled} of ${Report.count(this.plan.steps.length, "step")} done, ${elapsed}${this.left(now)}`
    ]
  }

  private secondsOf(step: Partition.Ref): number {
    return (this.expected.get(step.asset) ?? 0) * (this.slices.get(Partition.id(step)) ?? 1)
  }

  /** A step that runs counts as far as it should be by now; one that takes longer leaves nothing to say. */
  private left(now: number): string {
    let done = this.done
    for (const { expected, since } of this.running.values()) done += Math.min(expected, (now - since) / 1000)
    const seconds = Math.ceil(Forecast.left(this.forecast, done) ?? 0)
    return seconds === 0 ? "" : `, about ${Report.estimate(seconds * 1000)} left`
  }

  private settled(event: Settling, at: number): string {
    this.tally.set(event._tag, (this.tally.get(event._tag) ?? 0) + 1)
    this.done += this.secondsOf(event)
    const since = this.running.get(Partition.id(event))?.since
    this.running.delete(Partition.id(event))
    const took = since === undefined ? "" : ` in ${Report.duration(at - since)}`
    switch (event._tag) {
      case "AssetMaterialized":
      case "AssetObserved":
        return this.line(this.style.green("+"), event, took)
      case "StepFailed":
        return this.line(this.style.red("x"), event, "")
      case "AssetVerified":
        return this.line(this.style.green("="), event, took)
      default:
        return this.line(this.style.dim("-"), event, "")
    }
  }

  private line(mark: string, event: Event, suffix: string): string {
    return `${mark} ${EventLine.subject(event).padEnd(this.width)}  ${EventLine.show(event)}${suffix}`
  }

  /** How many checks of a severity failed and let their values pass, and which. */
  private checks(severity: "warn" | "error", word: string): ReadonlyArray<string> {
    const found = this.failedChecks.filter((event) => event.severity === severity)
    if (found.length === 0) return []
    const names = Array.from(new Set(found.map(({ asset, check }) => `${asset}:${check}`)))
    const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : ""
    const what = `${Report.count(found.length, "check")} ${word}: ${names.slice(0, mostNames).join(", ")}${more}`
    return [severity === "warn" ? what : this.style.yellow(what)]
  }

  private ended(event: Ending, at: number): ReadonlyArray<string> {
    this.running.clear()
    const took = Report.duration(at - this.startedAt)
    const done = summaries.flatMap(([tag, word]) => {
      const amount = this.tally.get(tag) ?? 0
      return amount === 0 ? [] : [`${Report.number(amount)} ${word}`]
    })
    const what = done.length === 0 ? "" : `: ${done.join(", ")}`
    const { bold, green, red, yellow } = this.style
    const checks = [...this.checks("error", "failed"), ...this.checks("warn", "warned")]
    if (event._tag === "RunSucceeded") return ["", `${green("Succeeded")} in ${took}${what}`, ...checks]
    if (event._tag === "RunCanceled") {
      return ["", `${yellow("Canceled")} after ${took}${what}`, ...checks, "Run `assets materialize` again to go on."]
    }
    return [
      "",
      `${red("Failed")} after ${took}${what}`,
      ...checks,
      ...(this.tally.has("StepFailed") || event._tag !== "RunFailed" ? [] : [EventLine.showFailure(event.error)]),
      `What happened: ${bold(`assets run ${event.runId}`)}`
    ]
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const longest = 25
const indent = "  "
const mostNames = 5

type Ending = Of<"RunSucceeded" | "RunFailed" | "RunCanceled" | "RunInterrupted">
type Settling = Of<
  | "AssetMaterialized"
  | "AssetVerified"
  | "AssetObserved"
  | "StepCutOff"
  | "StepSkipped"
  | "StepFailed"
  | "AssetWiped"
  | "AssetErased"
>

const summaries = [
  ["StepFailed", "failed"],
  ["StepSkipped", "skipped"],
  ["AssetMaterialized", "materialized"],
  ["AssetVerified", "verified"],
  ["AssetObserved", "observed"],
  ["StepCutOff", "cut off"]
] as const
