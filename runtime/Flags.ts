/**
 * Flags that many commands have, and the kinds of flags that all are made of.
 */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Invocation } from "./Invocation.ts"
import type * as KeySpan from "./KeySpan.ts"

/** Taken by every command. */
export const Json = GlobalFlag.Setting("json")({
  flag: toggle("json", "Print JSON: one document, or one event a line (materialize, backfill, logs)")
})

/** Taken by every command. */
export const File = GlobalFlag.Setting("definitions")({
  flag: Flag.String("definitions").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The project's definitions (default: assets/index.ts)"),
    Flag.withDefault("assets/index.ts")
  )
})

/** What those say. */
export const invocation = Effect.gen(function* () {
  const invocation: Invocation = { json: yield* Json, file: yield* File }
  return invocation
})

/** Off unless it is there. */
export function toggle(name: string, description: string) {
  return Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))
}

/** Nothing unless it is there. */
export function text(name: string, metavar: string, description: string) {
  return Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)
}

export function partition(description: string) {
  return text("partition", "KEY", `${description}, such as 2025-01-31`)
}

/** The ends of a range of partitions, as `KeyRange` takes them. */
export const range = {
  from: text(
    "from",
    "KEY",
    "Only partitions from this one on, or that begin in or after a time: 2026-01, 2026-01-31T05"
  ),
  to: text("to", "KEY", "Only partitions up to this one, or that begin in or before a time: 2026-01, 2026-01-31T05")
}

/** Which partitions a command is about; see `toSpan`. */
export const span = { partition: partition("Only this partition"), ...range }

type Told<Flags> = { readonly [Name in keyof Flags]: Option.Option<string> }

export const toSpan = ({ from, partition, to }: Told<typeof span>): KeySpan.Named => ({
  partition: Option.getOrUndefined(partition),
  from: Option.getOrUndefined(from),
  to: Option.getOrUndefined(to)
})

/** A whole number from 1 on. */
export function atLeastOne(name: string, description: string) {
  return Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(description),
    Flag.filter(
      (amount) => amount >= 1,
      (amount) => `Expected at least 1, not ${amount}`
    )
  )
}
