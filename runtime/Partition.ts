/**
 * Slices of an asset: how an asset is cut, the keys its slices have, and which upstream slices a slice needs.
 *
 * Knows time windows of one day in UTC; says nothing about which slices are published.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** One slice of an asset, or the whole of an asset without partitions (`null`). */
export const Key = Schema.NullOr(Schema.String)
export type Key = typeof Key.Type

export interface Ref {
  readonly asset: string
  readonly partition: Key
}

/** Daily windows in UTC; keys are `YYYY-MM-DD`. `start` is the first day, inclusive. */
export interface Daily {
  readonly _tag: "Daily"
  readonly start: string
}

export type Partitioning = Daily

/** Fails at declaration when `start` is not a calendar day. */
export const daily = (options: { readonly start: string }): Daily => {
  if (!isDay(options.start)) {
    throw new TypeError(`Partition.daily: start must be a day such as 2025-01-31, got "${options.start}"`)
  }
  return { _tag: "Daily", start: options.start }
}

/** The key of the window that is open at `now` (milliseconds since the epoch). */
export const current = (_: Partitioning, now: number): string => day(now)

/** Every key from the start to the window open at `now`, oldest first. */
export const keys = (self: Partitioning, now: number): ReadonlyArray<string> => {
  const all: Array<string> = []
  for (let at = Date.parse(self.start); at <= now; at += dayMillis) all.push(day(at))
  return all
}

/** Whether `key` has the form of a key, of a window that exists or not. */
export const isKey = (_: Partitioning, key: string): boolean => isDay(key)

/** Whether `key` names a window that has begun at `now`. */
export const has = (self: Partitioning, key: string, now: number): boolean =>
  isDay(key) && key >= self.start && key <= current(self, now)

/** Whether the window of `key` has ended at `now`. */
export const hasEnded = (self: Partitioning, key: string, now: number): boolean => key < current(self, now)

/** Start (inclusive) and end (exclusive) of a window in milliseconds since the epoch. */
export const window = (_: Partitioning, key: string): { readonly start: number; readonly end: number } => ({
  start: Date.parse(key),
  end: Date.parse(key) + dayMillis
})

/**
 * Which slices of a dependency a slice needs: the slice of the same key, every published slice, or the whole of a
 * dependency that has no partitions.
 */
export type Mapping = "identity" | "all" | "whole"

/** `a/2025-01-31`, or `a` for an asset without partitions. */
export const show = (ref: Ref): string => (ref.partition === null ? ref.asset : `${ref.asset}/${ref.partition}`)

/** A text that two different refs never share. */
export const id = (ref: Ref): string => `${ref.asset}\u001f${ref.partition ?? ""}`

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const dayMillis = 86_400_000

const day = (millis: number) => new Date(millis).toISOString().slice(0, 10)

const isDay = (key: string) =>
  /^\d{4}-\d{2}-\d{2}$/.test(key) &&
  Option.match(DateTime.make(key), { onNone: () => false, onSome: (at) => DateTime.formatIsoDateUtc(at) === key })
