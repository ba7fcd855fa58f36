/**
 * The computations that several steps of a run take their values from: each is run once for a slice and the inputs it
 * read, and once more for every attempt after one that failed.
 *
 * Kept in the run's process and no longer than its steps need them. What a step does with its value is the attempt's.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as AttemptError from "./AttemptError.ts"
import type * as Body from "./Body.ts"
import type * as Partition from "./Partition.ts"
import type { Together } from "./Together.ts"

/** What a step asks for. */
export interface Request {
  readonly together: Together
  readonly slice: Partition.Ref
  /** Tells apart what was read. */
  readonly inputs: string
  /** From 1. */
  readonly attempt: number
  readonly body: Body.Body
}

export class SharedBodies {
  private readonly groups = new Map<string, Group>()

  /** For the steps of a plan. */
  constructor(steps: ReadonlyArray<Partition.Ref>, togetherOf: (asset: string) => Together | undefined) {
    for (const step of steps) {
      const together = togetherOf(step.asset)
      if (together === undefined) continue
      const id = idOf(together, step)
      const group = this.groups.get(id) ?? { wanted: new Set(), left: 0, computations: new Map() }
      if (together.subset) group.wanted.add(together.output)
      else for (const output of Object.keys(together.members)) group.wanted.add(output)
      group.left++
      this.groups.set(id, group)
    }
  }

  /** The outputs that the steps of a slice take. */
  wanted(together: Together, slice: Partition.Ref): ReadonlySet<string> {
    return this.group(together, slice).wanted
  }

  /** Whether another step of the slice has had it computed, or tried to. */
  hasBegun(together: Together, slice: Partition.Ref): boolean {
    return this.group(together, slice).computations.size > 0
  }

  /** Waits while another step computes; for one that must not wait with a worker's place, or a timeout running. */
  whileComputing({ inputs, slice, together }: Omit<Request, "attempt" | "body">): Effect.Effect<void> | undefined {
    const known = this.group(together, slice).computations.get(inputs)
    return known === undefined || known.result !== undefined ? undefined : Effect.asVoid(Deferred.await(known.done))
  }

  /** The step's own output of the computation, which is run now unless another step has, or does. */
  output<E, R>(request: Request, compute: Effect.Effect<unknown, E, R>): Effect.Effect<unknown, E, R> {
    const { attempt, body, inputs, slice, together } = request
    return Effect.suspend(() => {
      const { computations } = this.group(together, slice)
      const known = computations.get(inputs) as Computation<E> | undefined
      if (known === undefined || hasFailedBefore(known, attempt)) {
        const computation: Computation<E> = { attempt, done: Deferred.makeUnsafe(), result: undefined }
        computations.set(inputs, computation)
        return compute.pipe(
          Effect.onExit((exit) => {
            // Whoever waits computes by itself.
            if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) computations.delete(inputs)
            else computation.result = { exit, told: body.told() }
            return Deferred.succeed(computation.done, undefined)
          }),
          Effect.flatMap((outputs) => outputOf(together, slice, outputs))
        ) as Effect.Effect<unknown, E, R>
      }
      if (known.result === undefined) return Effect.andThen(Deferred.await(known.done), this.output(request, compute))
      body.hear(known.result.told)
      return Effect.flatMap(known.result.exit, (outputs) => outputOf(together, slice, outputs)) as Effect.Effect<
        unknown,
        E
      >
    })
  }

  /** Forgets what no step of the slice will ask for any more. */
  settle(together: Together, slice: Partition.Ref): void {
    if (--this.group(together, slice).left === 0) this.groups.delete(idOf(together, slice))
  }

  private group(together: Together, slice: Partition.Ref): Group {
    return this.groups.get(idOf(together, slice))!
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

interface Group {
  readonly wanted: Set<string>
  /** Steps that have not settled. */
  left: number
  readonly computations: Map<string, Computation<unknown>>
}

interface Computation<E> {
  readonly attempt: number
  readonly done: Deferred.Deferred<void>
  result: { readonly exit: Exit.Exit<unknown, E>; readonly told: Body.Told } | undefined
}

const idOf = ({ id }: Together, { partition }: Partition.Ref) => `${id}\u001f${partition ?? ""}`

const hasFailedBefore = ({ attempt, result }: Computation<unknown>, now: number) =>
  result !== undefined && Exit.isFailure(result.exit) && attempt < now

const outputOf = ({ output }: Together, { asset }: Partition.Ref, outputs: unknown) => {
  const value = (outputs as Readonly<Record<string, unknown>>)[output]
  return value === undefined ? Effect.fail(new AttemptError.OutputMissing({ asset, output })) : Effect.succeed(value)
}
