/**
 * What an asset reads: another asset and, where it is said, which of its slices; and what its body is given for it.
 *
 * What is said is checked by types as far as they can see it, and by `Mapping` for the rest.
 */
import type * as IoManager from "./IoManager.ts"
import type * as Mapping from "./Mapping.ts"
import type * as Partition from "./Partition.ts"
import type * as PartitionFit from "./PartitionFit.ts"
import type * as TimeWindows from "./TimeWindows.ts"

/** As much of an asset as is needed to read it. */
export interface Source<out P extends Partition.Partitioning | undefined = Partition.Partitioning | undefined> {
  readonly io: IoManager.Any
  readonly partitions: P
}

/** A dependency of which it is said which slices are needed. `K`: keys of the reader for which it is said. */
export interface Reading<out A extends Source, out M extends Mapping.Mapping["_tag"], out K extends string = string> {
  readonly _tag: "Reading"
  readonly asset: A
  readonly mapping: Mapping.Mapping & { readonly _tag: M }
  /** Never there: for types alone. */
  readonly said?: K
}

/** An earlier slice of the asset itself; made by `previous`. */
export interface Previous {
  readonly _tag: "Previous"
  readonly offset: number
}

/** The slice's own value, as it is published before the step; made by `itself`. */
export interface Itself {
  readonly _tag: "Itself"
}

/** A dependency whose version does not count; made by `ignoreVersion`. */
export interface Unversioned<out D extends Source | Reading<any, any>> {
  readonly _tag: "Unversioned"
  readonly dep: D
}

export type AllPartitions<A extends Source> = Reading<A, "All">

/** What a body is given: a handle of one slice, or of several. `P`: how the reader is cut; `I`: its own kind of value. */
export type Input<D, P, I extends IoManager.Any> =
  D extends Unversioned<infer W>
    ? Input<W, P, I>
    : D extends Previous | Itself
      ? IoManager.Handle<I> | undefined
      : D extends Reading<infer A, infer M>
        ? HandleOf<A, Count<M, A["partitions"]>>
        : D extends Source
          ? HandleOf<D, Between<P, D["partitions"]>>
          : never

/** What a body is given that takes many partitions at once: of what is read by partition, as many as they need. */
export type RangeInput<D> =
  D extends Unversioned<infer W>
    ? RangeInput<W>
    : D extends Reading<infer A, infer M>
      ? HandleOf<A, M extends "Last" ? "One" : "Many">
      : D extends Source
        ? HandleOf<D, [D["partitions"]] extends [undefined] ? "One" : "Many">
        : never

/** Nothing to add where the partitions of a dependency fit those of its reader, and what no dependency has elsewhere. */
export type Fit<D, P> = [Fits<D, P>] extends [false] ? { readonly "its partitions do not fit": never } : unknown

/** Makes a partitioned asset read every published partition of another, not only the one of its own key. */
export const allPartitions = <A extends Source<Partition.Partitioning>>(asset: A): AllPartitions<A> =>
  reading(asset, { _tag: "All" })

/** The newest partition of time windows, the last one of other keys; `Stale` each time another one becomes it. */
export const lastPartition = <A extends Source<Partition.Partitioning>>(asset: A): Reading<A, "Last"> =>
  reading(asset, { _tag: "Last" })

/**
 * Every window that overlaps one's own, once its start and end are moved by so many of one's own windows: of days,
 * `{ start: -6 }` is the week that ends with the own day. What lies before the first window is left out. Of products along
 * their time: with the same keys in dimensions that both have, and all of those that only the dependency has.
 */
export const windows = <A extends Source<Partition.TimeWindows | Partition.Product>>(
  asset: A,
  { end = 0, start = 0 }: { readonly start?: number; readonly end?: number } = {}
): Reading<A, "Windows"> => reading(asset, { _tag: "Windows", startOffset: start, endOffset: end })

/** The partitions of another asset for each of one's own. */
export const mapped = <A extends Source<Partition.Partitioning>, const K extends string>(
  asset: A,
  upstream: Readonly<Record<K, ReadonlyArray<Partition.KeyOf<NoInfer<A>["partitions"]>>>>
): Reading<A, "Fixed", K> => reading(asset, { _tag: "Fixed", upstream })

/** The partitions that have one's own key in a dimension of a product, which either side may be. */
export const dimension = <
  A extends Source<Partition.Partitioning>,
  const N extends string & Partition.DimensionOf<A["partitions"]>
>(
  asset: A,
  name: N
): Reading<A, "Dimension", N> =>
  reading(asset, { _tag: "Dimension", dimension: name, many: asset.partitions._tag === "Product" })

/** The partitions that a function of one's own key names. It is asked again by every plan. */
export const mappedBy = <
  A extends Source<Partition.Partitioning>,
  U extends Partition.KeyOf<A["partitions"]>,
  K extends string = string
>(
  asset: A,
  upstream: (key: K) => ReadonlyArray<U>
): Reading<A, "Custom", K> => reading(asset, { _tag: "Custom", upstream: (key) => upstream(key as K) })

/** The asset's own partition so many windows earlier, one unless said otherwise; `undefined` before the first. */
export const previous = ({ offset = 1 }: { readonly offset?: number } = {}): Previous => ({ _tag: "Previous", offset })

/**
 * The value that the step is about to replace, `undefined` where nothing is published yet or, as the schema in force does not
 * fit it, it can no longer be read: for values that are weighed against what stands, such as a pointer to the best of
 * something, or that go on from it. It is no version that anything is compared with.
 */
export const itself = (): Itself => ({ _tag: "Itself" })

/**
 * Reads a dependency, which goes first, without following it: its version is not recorded, and its change makes nothing
 * Stale. For values that a body merely looks something up in, or that change all the time.
 */
export const ignoreVersion = <D extends Source | Reading<any, any>>(dep: D): Unversioned<D> => ({
  _tag: "Unversioned",
  dep
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const reading = <A extends Source, M extends Mapping.Mapping["_tag"]>(
  asset: A,
  mapping: Mapping.Mapping & { readonly _tag: M }
): Reading<A, M, never> => ({ _tag: "Reading", asset, mapping })

type HandleOf<A extends Source, Count extends "One" | "Many"> = Count extends "One"
  ? IoManager.Handle<A["io"]>
  : IoManager.Handles<A["io"]>

type Fits<D, P> =
  D extends Unversioned<infer W>
    ? Fits<W, P>
    : D extends Itself
      ? true
      : D extends Previous
        ? IsTimed<P>
        : D extends Reading<infer A, infer M, infer K>
          ? FitsAsSaid<M, P, A["partitions"], K>
          : D extends Source
            ? [Between<P, D["partitions"]>] extends [never]
              ? false
              : true
            : never

/**
 * How many slices of a dependency a slice needs when nothing is said, as far as types can tell; `never` when it must be
 * said. Of types that leave the partitioning open: one.
 */
type Between<Down, Up> = [Up] extends [undefined]
  ? "One"
  : [Down] extends [undefined]
    ? "Many"
    : [Partition.Partitioning] extends [Up | Down]
      ? "One"
      : [Down, Up] extends [TimeWindows.TimeWindows, TimeWindows.TimeWindows]
        ? PartitionFit.Alike<Down, Up> extends true
          ? "One"
          : "Many"
        : true extends PartitionFit.Alike<Down, Up>
          ? "One"
          : Up extends Partition.Product<infer D>
            ? true extends { [N in keyof D]: PartitionFit.Alike<Down, D[N]> }[keyof D]
              ? "Many"
              : AcrossGrains<Down, Up>
            : Down extends Partition.Product<infer D>
              ? true extends { [N in keyof D]: PartitionFit.Alike<D[N], Up> }[keyof D]
                ? "One"
                : AcrossGrains<Down, Up>
              : never

/** The windows of another grain, of what is otherwise cut alike. */
type AcrossGrains<Down, Up> = false extends IsTimed<Down> | IsTimed<Up> | IsSameBesideTime<Down, Up>
  ? never
  : [Down, Up] extends [Partition.Product<infer A>, Partition.Product<infer B>]
    ? [Timeless<A>, Timeless<B>] extends [Timeless<B>, Timeless<A>]
      ? "Many"
      : never
    : "Many"

/** The names of dimensions that are no time. */
type Timeless<D> = { [N in keyof D]: D[N] extends TimeWindows.TimeWindows ? never : N }[keyof D]

/** How many slices of a dependency a slice needs when it is said. */
type Count<M extends Mapping.Mapping["_tag"], Up> = M extends "All" | "Windows" | "Fixed" | "Custom"
  ? "Many"
  : M extends "Dimension"
    ? Up extends Partition.Product
      ? "Many"
      : "One"
    : "One"

/**
 * Whether a mapping that is said fits, as far as types can tell. `Said` is the keys of the reader that it speaks of, or
 * the dimension.
 */
type FitsAsSaid<M extends Mapping.Mapping["_tag"], Down, Up, Said extends string> = M extends "All" | "Last"
  ? true
  : [Partition.Partitioning] extends [Up | Down]
    ? true
    : M extends "Windows"
      ? false extends IsTimed<Down> | IsTimed<Up> | IsSameBesideTime<Down, Up>
        ? false
        : true
      : M extends "Dimension"
        ? PartitionFit.Alike<PartitionFit.DimensionOf<Down, Said>, PartitionFit.DimensionOf<Up, Said>>
        : Down extends Partition.Partitioning
          ? [Partition.KeyOf<Down>] extends [Said]
            ? true
            : false
          : false

/** Whether the dimensions that two products share are alike, those of time being read along. */
type IsSameBesideTime<Down, Up> = [Down, Up] extends [Partition.Product<infer A>, Partition.Product<infer B>]
  ? false extends {
      [N in keyof A & keyof B]: [A[N], B[N]] extends [TimeWindows.TimeWindows, TimeWindows.TimeWindows]
        ? true
        : PartitionFit.Alike<A[N], B[N]>
    }[keyof A & keyof B]
    ? false
    : true
  : true

/** Whether slices have earlier ones, as far as types can tell. */
type IsTimed<P> = [Partition.Partitioning] extends [P]
  ? true
  : [P] extends [TimeWindows.TimeWindows]
    ? true
    : P extends Partition.Product<infer D>
      ? TimeWindows.TimeWindows extends {
          [N in keyof D]: D[N] extends TimeWindows.TimeWindows ? TimeWindows.TimeWindows : never
        }[keyof D]
        ? true
        : false
      : false
