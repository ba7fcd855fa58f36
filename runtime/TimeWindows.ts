/**
 * Windows of time that follow each other without a gap: where each begins, and what it is called.
 *
 * A window begins on the wall clock of a time zone, so days last 23 or 25 hours when clocks change. Which slices need
 * which windows is said by `Mapping`.
 */
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Keys from "./Keys.ts"
import * as TimeZone from "./TimeZone.ts"

export type Grain = "hourly" | "daily" | "weekly" | "monthly" | "cron"

export const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const
export type Weekday = (typeof weekdays)[number]

/** `start` inclusive, `end` exclusive: windows that begin in between. */
export interface TimeWindows<out G extends Grain = Grain> {
  readonly _tag: "TimeWindows"
  readonly grain: G
  readonly start: string
  readonly end: string | null
  readonly timezone: string
  /** The day that weeks begin on; `null` for other grains. */
  readonly weekday: Weekday | null
  /** The expression whose moments are the boundaries; `null` for other grains. */
  readonly cron: string | null
}

/** In milliseconds since the epoch, `end` exclusive. */
export interface Window {
  readonly start: number
  readonly end: number
}

/** What is wrong with the declaration, in words. */
export const problems = (self: TimeWindows): ReadonlyArray<string> => {
  if (!TimeZone.isZone(self.timezone)) {
    return [`there is no time zone "${self.timezone}"; an IANA name such as Europe/Berlin is needed`]
  }
  if (self.cron !== null) {
    const cron = Cron.parse(self.cron, "UTC")
    if (Result.isFailure(cron)) return [`bad cron "${self.cron}": ${cron.failure.message}`]
    // The thirtieth of February parses, and throws when it is asked for.
    if (Result.isFailure(Result.try(() => Cron.next(cron.success, 0)))) {
      return [`the cron "${self.cron}" names no moment that ever comes`]
    }
  }
  const found: Array<string> = []
  const start = momentOf(self, self.start)
  if (start === undefined) found.push(`start must be ${formIn(self)}, got "${self.start}"`)
  if (self.end === null) return found
  const end = momentOf(self, self.end)
  if (end === undefined) found.push(`end must be ${formIn(self)}, got "${self.end}"`)
  else if (start !== undefined && end <= start) found.push(`end "${self.end}" is not after start "${self.start}"`)
  return found
}

/** The windows that have begun at `now`, the open one included. */
export const keys = (self: TimeWindows, now: number): Keys.Keys => {
  const bounds = begins(self, startOf(self), Math.min(now + 1, endOf(self)))
  if (bounds.length > 0) bounds.push(next(self, bounds.at(-1)!))
  return Keys.ofWindows(bounds, () => keysAt(self, bounds.slice(0, -1)))
}

/** `undefined` for what is no key. The window need not lie between start and end. */
export const window = (self: TimeWindows, key: string): Window | undefined => {
  const start = beginOf(self, key)
  return start === undefined ? undefined : { start, end: next(self, start) }
}

/**
 * The time that a text stands for: the window of a key, or else a year, month, day, hour or minute on the clock of the
 * zone, such as `2026-01-31T05`, or one moment with its offset; `undefined` for what is none.
 */
export const period = (self: TimeWindows, text: string): Window | undefined => {
  const own = window(self, text)
  if (own !== undefined) return own
  const parts = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?:(?::\d\d)?(Z|[+-]\d\d:\d\d))?)?)?)?)?$/.exec(text)
  if (parts === null) return undefined
  const [, year, month, date, hours, minutes, offset] = parts
  const start = Date.parse(`${year}-${month ?? "01"}-${date ?? "01"}T${hours ?? "00"}:${minutes ?? "00"}Z`)
  if (!isDay(`${year}-${month ?? "01"}-${date ?? "01"}`) || Number.isNaN(start)) return undefined
  if (offset !== undefined) return { start: Date.parse(text), end: Date.parse(text) + 1 }
  const next = new Date(start)
  if (month === undefined) next.setUTCFullYear(next.getUTCFullYear() + 1)
  else if (date === undefined) next.setUTCMonth(next.getUTCMonth() + 1)
  const length = minutes !== undefined ? hour / 60 : hours !== undefined ? hour : date !== undefined ? day : 0
  return { start: onClock(self, start), end: onClock(self, next.getTime() + length) }
}

/** The first window's begin is at this moment or after it. */
export const startOf = (self: TimeWindows): number => momentOf(self, self.start)!

/** No window begins at this moment or after it; `Infinity` when windows go on. */
export const endOf = (self: TimeWindows): number => (self.end === null ? Infinity : momentOf(self, self.end)!)

/** The begin of the window after the one that begins at `at`. */
export const next = (self: TimeWindows, at: number): number => {
  for (const days of spans[self.grain]) {
    const found = begins(self, at + 1, at + days * day)[0]
    if (found !== undefined) return found
  }
  return Infinity
}

/** The begins of up to `count` windows before the one that begins at `at`, oldest first. */
export const previous = (self: TimeWindows, at: number, count: number): ReadonlyArray<number> => {
  let found: ReadonlyArray<number> = []
  for (const days of spans[self.grain]) {
    found = begins(self, at - days * count * day, at)
    if (found.length >= count) break
  }
  return count === 0 ? [] : found.slice(-count)
}

/** Whether a text is a day of the calendar, `2026-01-31`. */
export const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && dateOf(Date.parse(text)) === text

/** `daily from 2025-01-01 in Europe/Berlin`. */
export const describe = (self: TimeWindows): string => {
  const grain =
    self.cron !== null
      ? `cron "${self.cron}"`
      : self.weekday === null || self.weekday === "monday"
        ? self.grain
        : `${self.grain} on ${self.weekday}`
  const end = self.end === null ? "" : ` until ${self.end}`
  return `${grain} from ${self.start}${end}${self.timezone === "UTC" ? "" : ` in ${self.timezone}`}`
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const hour = 3_600_000
const day = 24 * hour

// Days within which the next window begins, to be tried in turn: cron moments may be years apart.
const spans: Readonly<Record<Grain, ReadonlyArray<number>>> = {
  hourly: [0.25],
  daily: [3],
  weekly: [16],
  monthly: [64],
  cron: [2, 32, 400, 3_000, 15_000]
}

/** The moments in `[from, to)` at which windows begin, oldest first. */
const begins = (self: TimeWindows, from: number, to: number): Array<number> => {
  if (!(from < to)) return []
  const stretches = TimeZone.stretches(self.timezone, from - 2 * day, to + 2 * day)
  if (self.grain === "hourly") return onTheClock(stretches, from, to, everyHour, true)
  if (self.cron === null) return onTheCalendar(self, stretches, from, to)
  // Of a zone with a name, UTC too, the parts of each date are asked of Intl, which takes four times as long.
  const cron = Cron.parseUnsafe(self.cron, DateTime.zoneMakeOffset(0))
  return onTheClock(stretches, from, to, matching(cron), cron.hours.size === 0 || cron.hours.size === 24)
}

/** Gives the local times from `from` to `to`, exclusive, in order. */
type Times = (from: number, to: number, give: (local: number) => void) => void

/**
 * Begins at times of the clock. A time that a change leaves out comes as much later as the change is long; one that comes
 * twice begins two windows only if `twice`.
 */
const onTheClock = (
  stretches: ReadonlyArray<TimeZone.Stretch>,
  from: number,
  to: number,
  times: Times,
  twice: boolean
): Array<number> => {
  const found: Array<number> = []
  let isAscending = true
  for (const [index, { from: since, offset }] of stretches.entries()) {
    const before = stretches[index - 1]
    const after = stretches[index + 1]
    const first = Math.max(since + offset, from - day + offset, twice || !before ? -Infinity : since + before.offset)
    const last = after === undefined ? Infinity : after.from + Math.max(offset, after.offset)
    times(first, Math.min(last, to + offset), (local) => {
      const at = local - offset
      if (at < from || at >= to || at === found[found.length - 1]) return
      if (at < found[found.length - 1]!) isAscending = false
      found.push(at)
    })
  }
  return isAscending ? found : Array.from(new Set(found)).sort((a, b) => a - b)
}

/** Days, weeks and months begin at the first moment whose local date belongs to them, which need not be midnight. */
const onTheCalendar = (
  self: TimeWindows,
  stretches: ReadonlyArray<TimeZone.Stretch>,
  from: number,
  to: number
): Array<number> => {
  const found: Array<number> = []
  let index = 0
  for (let local = floor(self, from - 2 * day); local < to + 2 * day; local = ceil(self, local)) {
    while (index + 1 < stretches.length && stretches[index + 1]!.from + stretches[index]!.offset <= local) index++
    const at = Math.max(stretches[index]!.from, local - stretches[index]!.offset)
    // A day that a zone left out when it crossed the date line has no moments.
    if (found.at(-1) === at) continue
    if (at >= from && at < to) found.push(at)
  }
  return found
}

/** The local time at which the calendar window of a local time begins. */
const floor = ({ grain, weekday }: TimeWindows, local: number): number => {
  const midnight = Math.floor(local / day) * day
  const date = new Date(midnight)
  if (grain === "weekly") return midnight - ((date.getUTCDay() - weekdays.indexOf(weekday!) + 7) % 7) * day
  return grain === "monthly" ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) : midnight
}

const ceil = ({ grain }: TimeWindows, local: number): number => {
  if (grain !== "monthly") return local + (grain === "weekly" ? 7 * day : day)
  const date = new Date(local)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** The first moment at which a clock of the zone shows a local time, or a later one. */
const onClock = ({ timezone }: TimeWindows, local: number): number => {
  const stretches = TimeZone.stretches(timezone, local - 2 * day, local + 2 * day)
  const moments = stretches.map(({ from, offset }) => Math.max(from, local - offset))
  return moments.find((at, index) => at < (stretches[index + 1]?.from ?? Infinity))!
}

const everyHour: Times = (from, to, give) => {
  for (let local = Math.ceil(from / hour) * hour; local < to; local += hour) give(local)
}

const matching = (cron: Cron.Cron): Times => {
  const all = (chosen: ReadonlySet<number>, size: number) => (chosen.size === 0 ? Array(size).keys() : chosen)
  const times = Array.from(all(cron.hours, 24)).flatMap((hours) =>
    Array.from(all(cron.minutes, 60)).flatMap((minutes) =>
      Array.from(all(cron.seconds, 60), (seconds) => ((hours * 60 + minutes) * 60 + seconds) * 1000)
    )
  )
  return (from, to, give) => {
    for (let midnight = Math.floor(from / day) * day; midnight < to; midnight += day) {
      if (!Cron.match(cron, midnight + times[0]!)) continue
      for (const time of times) if (midnight + time >= from && midnight + time < to) give(midnight + time)
    }
  }
}

/** The keys of the windows that begin at these moments. */
const keysAt = (self: TimeWindows, bounds: ReadonlyArray<number>): Array<string> => {
  if (bounds.length === 0) return []
  const stretches = TimeZone.stretches(self.timezone, bounds[0]!, bounds.at(-1)! + 1)
  // Writing dates and times costs more than keeping the last date, and the times of a day.
  const times = new Map<number, string>()
  let [index, midnight, date] = [0, NaN, ""]
  return bounds.map((at) => {
    while (index + 1 < stretches.length && stretches[index + 1]!.from <= at) {
      index++
      times.clear()
    }
    const { offset } = stretches[index]!
    const local = at + offset
    if (!isOnTheClock(self)) return dateOf(floor(self, local)).slice(0, self.grain === "monthly" ? 7 : 10)
    const second = (local - Math.floor(local / day) * day) / 1000
    if (local - second * 1000 !== midnight) {
      midnight = local - second * 1000
      date = dateOf(midnight)
    }
    let time = times.get(second)
    if (time === undefined) times.set(second, (time = `T${timeOf(second * 1000)}${offsetOf(self, offset)}`))
    return date + time
  })
}

const dateOf = (local: number) => new Date(local).toISOString().slice(0, 10)

const two = (number: number) => (number < 10 ? `0${number}` : String(number))

const timeOf = (millis: number) => {
  const seconds = Math.floor(millis / 1000) % 60
  return `${two(Math.floor(millis / hour))}:${two(Math.floor(millis / 60_000) % 60)}${seconds === 0 ? "" : `:${two(seconds)}`}`
}

const offsetOf = ({ timezone }: TimeWindows, offset: number) =>
  timezone === "UTC" ? "Z" : (offset < 0 ? "-" : "+") + timeOf(Math.abs(offset))

/** When the window of a key begins. */
const beginOf = (self: TimeWindows, key: string): number | undefined => {
  if (!/^\d{4}-\d\d/.test(key)) return undefined
  const text = self.grain === "monthly" ? `${key}-01` : key
  const at = isDay(text) ? dayBegin(self, Date.parse(text)) : Date.parse(text)
  if (Number.isNaN(at) || begins(self, at, at + 1).length === 0) return undefined
  return keysAt(self, [at])[0] === key ? at : undefined
}

/** The first moment of a local day. */
const dayBegin = (self: TimeWindows, local: number): number => {
  const days = { ...self, grain: "daily", cron: null } as const
  return begins(days, local - 2 * day, local + 2 * day).find((at) => keysAt(days, [at])[0]! >= dateOf(local))!
}

/** The moment that `start` or `end` stands for: the begin of a window, or for clock times also of a day. */
const momentOf = (self: TimeWindows, text: string): number | undefined =>
  isOnTheClock(self) && isDay(text) ? dayBegin(self, Date.parse(text)) : beginOf(self, text)

const isOnTheClock = ({ grain }: TimeWindows) => grain === "hourly" || grain === "cron"

const formIn = (self: TimeWindows): string => `${formOf(self)}${self.timezone === "UTC" ? "" : ` in ${self.timezone}`}`

const formOf = (self: TimeWindows): string => {
  const { grain, timezone, weekday } = self
  const zone = offsetOf(self, TimeZone.offsetAt(timezone, Date.parse("2026-01-31")))
  switch (grain) {
    case "hourly":
      return `a day such as 2026-01-31 or an hour such as 2026-01-31T01:00${zone}`
    case "cron":
      return `a day such as 2026-01-31 or one of its moments such as 2026-01-31T01:00${zone}`
    case "daily":
      return "a day such as 2026-01-31"
    case "weekly":
      // The first of February 2026 was a Sunday.
      return `a ${weekday!.slice(0, 1).toUpperCase()}${weekday!.slice(1)} such as 2026-02-0${weekdays.indexOf(weekday!) + 1}`
    case "monthly":
      return "a month such as 2026-01"
  }
}
