/**
 * What a bench answers, and how its figures are taken: medians of runs in turn, so that whatever else the machine does
 * meanwhile weighs on a measurement and on its baseline alike.
 */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"

/** One measured quantity, in the unit of its target; a share is 0 to 1. */
export interface Line {
  readonly bench: string
  /** Which one, where a bench measures several. */
  readonly quantity?: string
  readonly value: number
  readonly unit: string
  readonly better: "lower" | "higher"
  readonly target: number
  readonly baseline: { readonly name: string; readonly value: number } | null
  /** What a reader must know to compare the figure, such as data that was left out. */
  readonly note?: string
}

/** The default export of a file that is named after its bench. */
export type Bench = () => Effect.Effect<Line | ReadonlyArray<Line>, unknown>

/** Medians of what each effect answers, taken in turn after a round that only warms up. */
export const medians = <K extends string, M extends Effect.Effect<number, any, any>>(
  measurements: Readonly<Record<K, M>>,
  runs = 5
): Effect.Effect<Record<K, number>, Effect.Error<M>, Effect.Services<M>> => {
  const round = Effect.all(measurements) as Effect.Effect<Record<K, number>, Effect.Error<M>, Effect.Services<M>>
  return Effect.gen(function* () {
    const warmUp = yield* round
    const rounds = yield* Effect.forEach(Array.from({ length: runs }), () => round)
    return Record.map(warmUp, (_, name) => median(rounds.map((measured) => measured[name])))
  })
}

/** Milliseconds that an effect takes. */
export const millis = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => performance.now() - start)
  })

/** Three significant digits: more would be noise. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

/** Of an even number of values the middle between the two in the middle. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
