import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as Backfill from "../runtime/Backfill.ts"
import type * as BackfillHistory from "../runtime/BackfillHistory.ts"
import type { Lineage } from "../runtime/Lineage.ts"
import * as Partition from "../runtime/Partition.ts"
import type * as Plan from "../runtime/Plan.ts"
import * as Staleness from "../runtime/Staleness.ts"
import { Declarations, History, RandomProject } from "./RandomProject.ts"
import type { Simulation } from "./Simulation.ts"

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** How often a backfill is broken off, after how many steps each time, and every which step fails before the last time. */
const Troubles = Schema.Struct({
  after: Schema.Array(upTo(12)).check(Schema.isMaxLength(3)),
  failing: Schema.Literals([1, 2, 3, 100])
})
type Troubles = typeof Troubles.Type

const error = { _tag: "Down", message: "no answer" }

/** The slices of a step, which may take a range of them. */
const slicesOf = (lineage: Lineage, step: Plan.Step): ReadonlyArray<Partition.Ref> =>
  Backfill.slicesOf(lineage, step).map((index) => ({ asset: step.asset, partition: lineage.key(step.asset, index) }))

/** Carries out the first steps of a plan, and tells what came of them as runs do. */
const carryOut = (simulation: Simulation, plan: Plan.Plan, steps: number, failing: number) => {
  const told: Array<BackfillHistory.Outcome> = []
  const broken = new Set<number>()
  const lineage = simulation.lineage(plan.at)
  for (const [index, step] of plan.steps.slice(0, steps).entries()) {
    const slices = slicesOf(lineage, step)
    const tell = (status: BackfillHistory.Outcome["status"]) => {
      const outcome = { runId: "run", status, error: status === "Failed" ? error : null }
      told.push(...slices.map((slice) => ({ ...slice, ...outcome })))
    }
    const unpublished = slices.flatMap((slice) => Staleness.inputs(lineage, simulation.catalog, slice).unpublished)
    if (unpublished.length > 0 || step.after.some((list) => list.some((earlier) => broken.has(earlier))))
      tell("Skipped")
    else if (index % failing === failing - 1) tell("Failed")
    else tell(simulation.execute({ ...plan, steps: [step] }).length > 0 ? "Materialized" : "CutOff")
    if (told.at(-1)!.status === "Failed" || told.at(-1)!.status === "Skipped") broken.add(index)
  }
  return told
}

/** Carries a backfill on until nothing breaks it off any more. */
const live = (simulation: Simulation, asked: Backfill.Asked, plan: Plan.Plan, { after, failing }: Troubles) => {
  const lineage = simulation.lineage(simulation.now)
  const request = Backfill.request(asked, plan, lineage)
  const outcomes = new Map<string, BackfillHistory.Outcome>()
  const tallied = (status: BackfillHistory.Status) =>
    new Backfill.Tally(lineage, { request, status, runs: ["run"] }, Array.from(outcomes.values()))
  const namesOf = ({ steps }: Plan.Plan) => steps.flatMap((step) => slicesOf(lineage, step)).map(Partition.show)
  const planned = new Set(namesOf(plan))
  let next = plan
  for (const [at, steps] of [...after, Infinity].entries()) {
    const names = namesOf(next)
    for (const name of names) assert(planned.has(name), `${name} was not asked for`)
    // What is computed together is done when all of it is.
    const done = Array.from(outcomes.values()).filter(({ asset, partition }) =>
      [asset, ...AssetGraph.togetherWith(simulation.graph, asset)].every((asset) => {
        const status = outcomes.get(Partition.id({ asset, partition }))?.status ?? "Skipped"
        return status !== "Failed" && status !== "Skipped"
      })
    )
    for (const ref of done) assert.notInclude(names, Partition.show(ref), "what is done is not done again")
    for (const outcome of carryOut(simulation, next, steps, at === after.length ? Infinity : failing)) {
      outcomes.set(Partition.id(outcome), outcome)
    }
    next = simulation.request(Backfill.remaining({ request }, tallied("Paused")))
  }
  assert.deepStrictEqual(next.blocks, [])
  assert.deepStrictEqual(tallied("Succeeded").rest, {})
  return outcomes
}

describe("a backfill that is broken off and fails in parts, again and again", () => {
  it.prop(
    "comes to its end without doing anything twice, and leaves nothing that was asked for Missing or Stale",
    {
      declarations: Declarations,
      history: History,
      troubles: Troubles,
      which: Schema.Literals(["Missing", "Stale", "All"])
    },
    ({ declarations, history, troubles, which }) => {
      const project = new RandomProject(declarations)
      const { simulation } = project
      for (const { change, request } of history) {
        project.change(change)
        if (request === null) continue
        const { from, selection } = project.requestOf(request)
        const asked: Backfill.Asked = { selection, from, which, concurrency: null }
        const { answer } = project.ask(Backfill.toPlan(asked))
        if (Result.isFailure(answer)) continue
        const plan = answer.success
        const outcomes = live(simulation, asked, plan, troubles)
        const assessments = simulation.assess()
        for (const step of plan.steps) {
          for (const slice of slicesOf(assessments.lineage, step)) {
            const { status } = Staleness.get(assessments, slice)!
            assert.notInclude(["Missing", "Stale"], status, Partition.show(slice))
            if (which === "All") assert(outcomes.has(Partition.id(slice)), `${Partition.show(slice)} was left out`)
          }
        }
      }
    },
    { arbitrary: { runs: 300 } }
  )
})
