/**
 * Whether the partitions of two assets are the same kind of slices, so that a key means the same for both.
 *
 * What else one asset may need of another is said by `Mapping`.
 */
import type * as Partition from "./Partition.ts"
import * as TimeWindows from "./TimeWindows.ts"

/** Whether slices of one key mean the same, as far as types can tell. */
export type Alike<Down, Up> = [Down, Up] extends [TimeWindows.TimeWindows<infer A>, TimeWindows.TimeWindows<infer B>]
  ? Within<A, B>
  : [Down, Up] extends [Partition.Fixed<infer A>, Partition.Fixed<infer B>]
    ? Within<A, B>
    : [Down, Up] extends [Partition.Dynamic<infer A>, Partition.Dynamic<infer B>]
      ? Within<A, B>
      : [Down, Up] extends [Partition.Product<infer A>, Partition.Product<infer B>]
        ? false extends Within<keyof B, keyof A> | { [N in keyof A]: Alike<A[N], DimensionOf<Up, N>> }[keyof A]
          ? false
          : true
        : false

type Within<A, B> = [A] extends [B] ? true : false

/** A dimension of a product by name; what has no dimensions is one itself. */
export type DimensionOf<P, Name> =
  P extends Partition.Product<infer D> ? (Name extends keyof D ? D[Name] : undefined) : P

/** Whether slices of one key mean the same, within spans of time that may differ. */
export const isAlike = (down: Partition.Partitioning, up: Partition.Partitioning): boolean => {
  if (down._tag === "TimeWindows" && up._tag === "TimeWindows") {
    return (
      down.grain === up.grain && down.timezone === up.timezone && down.weekday === up.weekday && down.cron === up.cron
    )
  }
  if (down._tag === "Fixed" && up._tag === "Fixed") return new Set(down.keys).isSubsetOf(new Set(up.keys))
  if (down._tag === "Dynamic" && up._tag === "Dynamic") return down.name === up.name
  if (down._tag !== "Product" || up._tag !== "Product") return false
  const names = Object.keys(down.dimensions)
  return (
    names.join() === Object.keys(up.dimensions).join() &&
    names.every((name) => isAlike(down.dimensions[name]!, up.dimensions[name]!))
  )
}

/** Why two assets cut alike do not have the slices at the same times, in words that call the dependency by name. */
export const problemsOfSpans = (
  down: Partition.Partitioning,
  up: Partition.Partitioning,
  name: string
): ReadonlyArray<string> => {
  if (down._tag === "Product" && up._tag === "Product") {
    const dimensions = Object.entries(down.dimensions)
    return dimensions.flatMap(([dimension, own]) => problemsOfSpans(own, up.dimensions[dimension]!, name))
  }
  if (down._tag !== "TimeWindows" || up._tag !== "TimeWindows") return []
  if (down.start === up.start && down.end === up.end && down.timezone === up.timezone) return []
  // A span that is wrong is told once, of the asset that has it.
  if (TimeWindows.problems(down).length > 0 || TimeWindows.problems(up).length > 0) return []
  return [
    ...(TimeWindows.startOf(up) > TimeWindows.startOf(down)
      ? [`its partitions start on ${down.start}, before those of its dependency "${name}" (${up.start})`]
      : []),
    ...(TimeWindows.endOf(up) < TimeWindows.endOf(down)
      ? [`its partitions go on after those of its dependency "${name}" end (${up.end})`]
      : [])
  ]
}
