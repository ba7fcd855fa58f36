/**
 * Ranges of slices by their two ends, both included, as `--from` and `--to` name them.
 *
 * Of time windows an end is a time, of whatever grain: the range has the windows that begin from where the first time
 * begins until the second one has ended, by the calendar of the asset. Of other keys it is a key, in the order of keys.
 */
import * as Keys from "./Keys.ts"
import * as Partition from "./Partition.ts"
import * as TimeWindows from "./TimeWindows.ts"

/** An end that is not there leaves the range open. */
export interface Ends {
  readonly from: string | undefined
  readonly to: string | undefined
}

/** Half-open, in numbers of slices; of products in numbers of the time dimension, which `axis` is. */
export interface Range {
  readonly axis: Keys.Dimension
  readonly first: number
  readonly end: number
}

/** Whether a text can be an end. Of keys that are no time only those that there are can. */
export const isEnd = (self: Partition.Partitioning, moment: Partition.Moment, text: string): boolean =>
  Partition.isTimed(self) ? periodOf(self, text) !== undefined : moment.keys(self).indexOf(text) !== -1

/** Whether the range ends before it starts, where both ends can be told. */
export const isReversed = (self: Partition.Partitioning, moment: Partition.Moment, { from, to }: Ends): boolean => {
  if (from === undefined || to === undefined) return false
  if (Partition.isTimed(self))
    return (periodOf(self, from)?.start ?? -Infinity) >= (periodOf(self, to)?.end ?? Infinity)
  const [first, last] = [moment.keys(self).indexOf(from), moment.keys(self).indexOf(to)]
  return first !== -1 && last !== -1 && first > last
}

/** The slices between two ends that each can be one, perhaps none. */
export const make = (self: Partition.Partitioning, moment: Partition.Moment, { from, to }: Ends): Range => {
  const keys = moment.keys(self)
  const axis = Keys.timeOf(keys)
  if (axis === undefined) {
    const end = to === undefined ? keys.size : keys.indexOf(to) + 1
    return { axis: { name: "", keys, stride: 1 }, first: from === undefined ? 0 : keys.indexOf(from), end }
  }
  const begins = axis.keys.bounds!.slice(0, -1)
  const before = (time: number) => {
    const at = begins.findIndex((begin) => begin >= time)
    return at === -1 ? begins.length : at
  }
  return {
    axis,
    first: from === undefined ? 0 : before(periodOf(self, from)!.start),
    end: to === undefined ? begins.length : before(periodOf(self, to)!.end)
  }
}

export const isEmpty = ({ end, first }: Range): boolean => first >= end

/** Of a range without slices the keys before it and after it. */
export const nextTo = ({ axis, first }: Range): ReadonlyArray<string> =>
  axis.keys.all.slice(Math.max(0, first - 1), first + 1)

/** Whether a slice is in the range, by its number. */
export const has = ({ axis, end, first }: Range, index: number): boolean => {
  const at = Keys.coordinate(axis, index)
  return first <= at && at < end
}

/** Whether a key is in the range, also one from before the asset was cut as it is now. */
export const hasKey = (self: Partition.Partitioning, moment: Partition.Moment, ends: Ends, key: string): boolean => {
  if (!Partition.isTimed(self)) return has(make(self, moment, ends), moment.keys(self).indexOf(key))
  const window = Partition.window(self, key)
  const from = ends.from === undefined ? -Infinity : periodOf(self, ends.from)!.start
  const to = ends.to === undefined ? Infinity : periodOf(self, ends.to)!.end
  return window !== undefined && from <= window.start && window.start < to
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** The time that a text is to the asset; of a product the whole of a key stands for the time in it. */
const periodOf = (self: Partition.Partitioning, text: string): TimeWindows.Window | undefined => {
  if (self._tag === "TimeWindows") return TimeWindows.period(self, text)
  if (self._tag !== "Product") return undefined
  if (Partition.isKey(self, text)) return Partition.window(self, text)
  const time = Object.values(self.dimensions).find((dimension) => dimension._tag === "TimeWindows")
  return time && TimeWindows.period(time, text)
}
