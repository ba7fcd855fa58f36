/**
 * Several assets from one computation: each an asset like any other, with a key, a kind and a version of its own.
 *
 * A run computes them once a slice, however many of them it has steps for, and publishes each by itself. What makes them
 * Stale is the same for all of them, apart from what happened to each; see `Together`.
 */
import type * as Effect from "effect/Effect"
import * as Asset from "./Asset.ts"
import * as CallSite from "./CallSite.ts"
import type * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import type { Together } from "./Together.ts"
import type * as Version from "./Version.ts"

/** One of the assets, as it is declared; made by `output`. */
export interface Output<out K extends string, in out I extends IoManager.Any> {
  readonly key: K
  readonly io: I
  readonly description?: string
  /** How the data version is found; by content unless said otherwise. */
  readonly version?: Version.Policy<IoManager.Candidate<I>>
}

export type Outputs = Readonly<Record<string, Output<string, any>>>

/** What the body returns: a value for each output; of those that it can leave out, for each that is wanted. */
export type Values<O extends Outputs, S extends boolean> = S extends true
  ? { readonly [N in keyof O]?: IoManager.Input<O[N]["io"]> }
  : { readonly [N in keyof O]: IoManager.Input<O[N]["io"]> }

/** What the body may know and tell. What it annotates is told of every asset. */
export interface Step<out P, out N extends string> extends Pick<
  Asset.Step<P>,
  "partition" | "keys" | "runId" | "attempt" | "now" | "annotate" | "progress" | "nothingNew"
> {
  /** The outputs that are wanted: all of them unless `subset` was declared. */
  readonly outputs: ReadonlySet<N>
}

/** No dependency is on itself or on an earlier partition: each of the assets would read another one. */
export type Deps = Readonly<Record<string, Exclude<Asset.Deps[string], Asset.Previous | Asset.Itself>>>

export interface Options<
  O extends Outputs,
  D extends Deps,
  P extends Partition.Partitioning | undefined,
  E,
  R,
  S extends boolean
> {
  readonly outputs: O
  /** Moves when the logic moves, by hand; without it the version is computed from the code. */
  readonly codeVersion?: string
  readonly deps?: D & Asset.Fitting<NoInfer<D>, P>
  readonly partitions?: P
  /** The body can compute some outputs without the others, so that each may be planned and selected by itself. */
  readonly subset?: S
  readonly materialize: (
    inputs: Asset.Inputs<NoInfer<D>, P>,
    step: Step<P, keyof O & string>
  ) => Effect.Effect<Values<NoInfer<O>, S>, E, R>
}

/** The assets, by the names of their outputs. */
export type Assets<O extends Outputs, D extends Deps, P extends Partition.Partitioning | undefined, E, R> = {
  readonly [N in keyof O]: Asset.Asset<
    O[N]["key"],
    O[N]["io"],
    E,
    R | IoManager.Services<O[N]["io"]>,
    P,
    Asset.Need<O[N]["key"], R | IoManager.Services<O[N]["io"]>> | Asset.NeedsOf<D[keyof D]>
  >
}

export const output = <const K extends string, I extends IoManager.Any>(
  key: K,
  options: Omit<Output<K, I>, "key">
): Output<K, I> => ({ ...options, key })

/** Declares the assets. How each is run goes in its own `.pipe(...)`; all of them belong into the project's definitions. */
export const make = <
  const O extends Outputs,
  E,
  R,
  const D extends Deps = {},
  P extends Partition.Partitioning | undefined = undefined,
  const S extends boolean = false
>(
  options: Options<O, D, P, E, R, S>
): Assets<O, D, P, E, R> => {
  const { codeVersion, deps, materialize, partitions, subset = false } = options
  const file = CallSite.file()
  const outputs = Object.entries<Output<string, IoManager.Any>>(options.outputs)
  const members = Object.fromEntries(outputs.map(([name, { key }]) => [name, key]))
  const id = Object.values(members).join("+")
  const assets = outputs.map(([name, { key, ...output }]) => {
    const together: Together = { id, output: name, members, subset }
    const asset: Asset.Any = Asset.make(key, {
      ...output,
      codeVersion,
      ...(deps && { deps: deps as {} }),
      ...(partitions && { partitions }),
      materialize: materialize as never
    })
    return [name, Object.assign(asset, { file, together })]
  })
  return Object.fromEntries(assets)
}
