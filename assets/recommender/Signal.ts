/**
 * What may say that a model should learn again, as numbers beside what they are held against. A check tells of it, and training from nothing
 * gives it as its reason: both ask the same value whether it has fired.
 * Leaves out where numbers come from, which is `Signals`.
 */
import * as Schema from "effect/Schema"
import { AssetCheck, Report } from "../../runtime/index.ts"

/** Listening moved over deciles of popularity: as of `Drift.Shift`. */
const Listening = Schema.TaggedStruct("Listening", {
  psi: Schema.Finite,
  limit: Schema.Finite,
  bins: Schema.Int,
  learnt: Schema.Int,
  since: Schema.Int
})

/** The share of the newest `listens` that are of tracks without a place in the model. */
const Tracks = Schema.TaggedStruct("Tracks", { share: Schema.Finite, most: Schema.Finite, listens: Schema.Int })

/** The share of `users` of whom nothing is known that any model could use. */
const Users = Schema.TaggedStruct("Users", { share: Schema.Finite, most: Schema.Finite, users: Schema.Int })

/**
 * How often what was recommended by a version of the champion was clicked on, and by the one before. `pValue` is always valid; `before` is
 * null as long as there was no other.
 */
const Clicks = Schema.TaggedStruct("Clicks", {
  version: Schema.String,
  shown: Schema.Int,
  clicked: Schema.Int,
  before: Schema.NullOr(Schema.String),
  shownBefore: Schema.Int,
  clickedBefore: Schema.Int,
  pValue: Schema.Finite,
  risk: Schema.Finite
})

export const schema = Schema.Union([Listening, Tracks, Users, Clicks])

export type Signal = typeof schema.Type
export type Listening = typeof Listening.Type
export type Tracks = typeof Tracks.Type
export type Users = typeof Users.Type
export type Clicks = typeof Clicks.Type

export const hasFired = (signal: Signal): boolean => {
  switch (signal._tag) {
    case "Listening":
      return signal.psi > signal.limit
    case "Tracks":
    case "Users":
      return signal.share > signal.most
    case "Clicks":
      // More clicks than before are no reason to worry, however certain.
      return signal.pValue <= signal.risk && rate(signal) < rateBefore(signal)
  }
}

/** What it means that it has fired. */
export const explain = (signal: Signal): string => {
  switch (signal._tag) {
    case "Listening":
      return `listening moved over deciles of popularity: the stability index is ${signal.psi.toFixed(2)}, over ${signal.limit.toFixed(2)}`
    case "Tracks":
      return shares(signal, "of the newest listens are of tracks that the model does not know")
    case "Users":
      return shares(signal, "of the users have no history")
    case "Clicks": {
      const now = `${percent(rate(signal))} of ${Report.number(signal.shown)} that ${Report.version(signal.version)} recommended`
      const before = `${percent(rateBefore(signal))} of ${Report.number(signal.shownBefore)} before`
      return `fewer are clicked on: ${now}, ${before} (p ${signal.pValue.toPrecision(2)}, at most ${signal.risk})`
    }
  }
}

export const toCheck = (signal: Signal): AssetCheck.Result => {
  const { _tag, ...numbers } = signal
  return hasFired(signal) ? AssetCheck.fail(explain(signal), numbers) : AssetCheck.pass(numbers)
}

// internal ------------------------------------------------------------------------------------------------------------------------

const rate = ({ clicked, shown }: Clicks): number => clicked / shown

const rateBefore = ({ clickedBefore, shownBefore }: Clicks): number => clickedBefore / shownBefore

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const shares = ({ most, share }: Tracks | Users, words: string): string =>
  `${percent(share)} ${words}, more than ${100 * most} %`
