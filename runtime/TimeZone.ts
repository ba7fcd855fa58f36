/**
 * Time zones as stretches of constant offset, so that calendars are arithmetic between changes of the clock.
 *
 * The rules come from the platform's `Intl`. What is cut along a calendar is said by `TimeWindows`.
 */

/** From `from` until the next stretch begins, local time is UTC plus `offset`; milliseconds all. */
export interface Stretch {
  readonly from: number
  readonly offset: number
}

/** Whether the platform knows the zone: a name such as `Europe/Berlin`, `UTC`, or an offset such as `+02:00`. */
export const isZone = (zone: string): boolean => {
  try {
    formatter(zone)
    return true
  } catch {
    return false
  }
}

/** The offset of local time from UTC at a moment, in milliseconds. */
export const offsetAt = (zone: string, at: number): number => {
  if (zone === "UTC") return 0
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(formatter(zone).format(at))!
  const [, sign, hours, minutes, seconds = "0"] = match
  if (sign === undefined) return 0
  return (sign === "-" ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
}

/** The stretches that `[from, to)` lies in, oldest first; the first begins at or before `from`. */
export const stretches = (zone: string, from: number, to: number): ReadonlyArray<Stretch> => {
  if (zone === "UTC") return [{ from: -Infinity, offset: 0 }]
  const known = yearsOf(zone)
  const found: Array<Stretch> = []
  for (let year = yearAt(from); year <= yearAt(to); year++) {
    for (const stretch of known(year)) {
      if (found.at(-1)?.offset === stretch.offset || stretch.from >= to) continue
      if (stretch.from <= from) found.length = 0
      found.push(stretch)
    }
  }
  return found
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const formatters = new Map<string, Intl.DateTimeFormat>()

const formatter = (zone: string): Intl.DateTimeFormat => {
  const known = formatters.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset", year: "numeric" })
  formatters.set(zone, made)
  return made
}

const yearAt = (at: number) => new Date(at).getUTCFullYear()

const years = new Map<string, Map<number, ReadonlyArray<Stretch>>>()

/** The stretches of a year of UTC: the one it begins in, and those that begin within it. */
const yearsOf = (zone: string) => {
  const known = years.get(zone) ?? new Map<number, ReadonlyArray<Stretch>>()
  years.set(zone, known)
  return (year: number): ReadonlyArray<Stretch> => {
    const stretches = known.get(year) ?? within(zone, Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1))
    known.set(year, stretches)
    return stretches
  }
}

// The shortest time between two changes of a clock since 1970 was a week, in Brazil in October 2000.
const step = 4 * 86_400_000

const within = (zone: string, from: number, to: number): ReadonlyArray<Stretch> => {
  const found: Array<Stretch> = [{ from, offset: offsetAt(zone, from) }]
  for (let at = from; at < to; at += step) {
    const last = found.at(-1)!
    const end = Math.min(at + step, to)
    const offset = offsetAt(zone, end)
    if (offset !== last.offset) found.push({ from: changeBetween(zone, at, end), offset })
  }
  return found
}

/** The first moment of the offset in force at `to`, of which `from` has another. */
const changeBetween = (zone: string, from: number, to: number): number => {
  const offset = offsetAt(zone, to)
  let before = from
  let after = to
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetAt(zone, middle) === offset) after = middle
    else before = middle
  }
  return after
}
