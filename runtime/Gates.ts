/**
 * Which steps of a plan may start: those for which everything they wait for has settled.
 *
 * Steps that wait for the same list of steps stand at one gate, so that many slices that read all of many others cost
 * as much as there are slices. What becomes of a step is the executor's.
 */
import type { Step } from "./PlanSteps.ts"

interface Gate {
  /** How many steps have to settle before it opens. */
  left: number
  /** The first of them that came to nothing. */
  broken: number | undefined
  readonly steps: Array<number>
}

export class Gates {
  /** The steps that wait for nothing. */
  readonly open: ReadonlyArray<number>
  private readonly gates = new Map<ReadonlyArray<number>, Gate>()
  /** By step, the gates that wait for it. */
  private readonly before: ReadonlyArray<Array<Gate>>
  /** By step, how many gates it still stands at. */
  private readonly closed: Array<number>

  constructor(steps: ReadonlyArray<Step>) {
    this.before = steps.map(() => [])
    this.closed = steps.map(({ after, follows }, index) => {
      for (const list of after) this.gate(list).steps.push(index)
      for (const list of follows) this.gate(list).steps.push(index)
      return after.length + follows.length
    })
    this.open = Array.from(steps.keys()).filter((index) => this.closed[index] === 0)
  }

  /** A step that this one reads and that came to nothing. */
  broken({ after }: Step): number | undefined {
    for (const list of after) {
      const { broken } = this.gate(list)
      if (broken !== undefined) return broken
    }
    return undefined
  }

  /** The steps that may start now that this one has settled. */
  settle(index: number, isBroken: boolean): ReadonlyArray<number> {
    const free: Array<number> = []
    for (const gate of this.before[index]!) {
      if (isBroken) gate.broken ??= index
      if (--gate.left > 0) continue
      for (const next of gate.steps) if (--this.closed[next]! === 0) free.push(next)
    }
    return free
  }

  private gate(list: ReadonlyArray<number>): Gate {
    const known = this.gates.get(list)
    if (known !== undefined) return known
    const gate: Gate = { left: list.length, broken: undefined, steps: [] }
    this.gates.set(list, gate)
    for (const earlier of list) this.before[earlier]!.push(gate)
    return gate
  }
}
