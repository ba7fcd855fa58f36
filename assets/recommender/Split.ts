/**
 * Listens divided into what a model may know and what it is asked for afterwards.
 * Leaves out the asking. Whatever a user had heard before is out of his targets: to recommend it again is no discovery.
 */
import * as Effect from "effect/Effect"
import * as Dice from "../source/Dice.ts"
import * as Cooperative from "./Cooperative.ts"
import * as Listens from "./Listens.ts"
import type * as SparseRows from "./SparseRows.ts"

/**
 * Models are fitted to `training` and told `histories`; all parts have the tables of users and tracks in common. `judged` are the users (indices)
 * with a history and a target; `targets` and `heard` have a row for every user, and values of no meaning.
 */
export interface Split {
  readonly training: Listens.Listens
  readonly histories: Listens.Listens
  readonly judged: Int32Array
  readonly targets: SparseRows.SparseRows
  readonly heard: SparseRows.SparseRows
  readonly excluded: Excluded
}

/** Users who are not judged, since they played nothing new or since nothing was known of them before. */
export interface Excluded {
  readonly withoutTargets: number
  readonly withoutHistory: number
}

/** Choices are made on `validation` alone; `test` is looked at once, with a model fitted to its own, longer training data. */
export interface Splits {
  readonly validation: Split
  readonly test: Split
}

/** Splits of some listens, and in words how they were made. */
export interface Protocol extends Splits {
  readonly protocol: string
}

/**
 * By time where there are weeks enough to train on, validate and test, and in each of them users enough to judge by; else by the last fifth of what
 * each user listened to. Where few listen in any one week, or all times are alike, that judges everybody.
 */
export const suited = Effect.fn("Split.suited")(function* (listens: Listens.Listens) {
  const days = listens.days.length === 0 ? 0 : Listens.newestDay(listens) - Listens.oldestDay(listens) + 1
  const weeks = days < fewestDays ? undefined : yield* byTime(listens)
  if (weeks !== undefined && fewestJudged(weeks) >= enoughJudged) {
    return { protocol: "the last week, and the week before for validation", ...weeks } satisfies Protocol
  }
  return { protocol: "the last fifth of each user's listens", ...(yield* leaveLastOut(listens)) } satisfies Protocol
})

/** Cuts time for everybody at once: the newest `days` days, with the newest listen's day, are the test, the `days` before them the validation. */
export const byTime = Effect.fn("Split.byTime")(function* (listens: Listens.Listens, days = 7) {
  const end = Listens.newestDay(listens) + 1
  const at = Effect.fnUntraced(function* (from: number, to: number) {
    const training = yield* Listens.filter(listens, (listen) => listens.days[listen]! < from)
    const later = yield* Listens.filter(listens, (listen) => within(listens.days[listen]!, from, to))
    return yield* make(training, training, later)
  })
  return {
    validation: yield* at(end - 2 * days, end - days),
    test: yield* at(end - days, end)
  } satisfies Splits
})

/**
 * Leaves out the last `share` of each user's listens, rounded down, in order of time; for validation, as many of those before. Which of those at the
 * same time are the last is drawn, as their order says nothing: by ids, it would be the tracks that came last into the catalogue.
 */
export const leaveLastOut = Effect.fn("Split.leaveLastOut")(function* (listens: Listens.Listens, share = 0.2) {
  const counts = new Int32Array(listens.users.length)
  for (const user of listens.userOf) counts[user]! += 1
  const held = counts.map((count) => Math.floor(share * count))
  const test = holdLast(listens, held)
  const known = yield* Listens.filter(listens, (listen) => test[listen] === 0)
  const validation = holdLast(known, held)
  const at = Effect.fnUntraced(function* (part: Listens.Listens, held: Uint8Array) {
    const training = yield* Listens.filter(part, (listen) => held[listen] === 0)
    return yield* make(training, training, yield* Listens.filter(part, (listen) => held[listen] === 1))
  })
  return { validation: yield* at(known, validation), test: yield* at(listens, test) } satisfies Splits
})

/**
 * Judges users of whom the model knew nothing when it was fitted: `users` drawn by `seed` for validation and as many for the test, four fifths of
 * their tracks told and the rest asked for (Liang, Krishnan, Hoffman and Jebara, "Variational autoencoders for collaborative filtering", WWW 2018,
 * section 4.1). As there, only tracks count that the other users played, and only users with five of them.
 */
export const strongGeneralization = Effect.fn("Split.strongGeneralization")(function* (
  listens: Listens.Listens,
  options: { readonly users: number; readonly seed: number }
) {
  const order = shuffled(present(listens), Dice.make(options.seed, 1))
  const group = new Uint8Array(listens.users.length)
  order.subarray(-options.users).forEach((user) => (group[user] = test))
  order.subarray(-2 * options.users, -options.users).forEach((user) => (group[user] = validation))
  const played = new Uint8Array(listens.tracks.length)
  listens.userOf.forEach((user, listen) => group[user] === 0 && (played[listens.trackOf[listen]!] = 1))
  const known = yield* Listens.filterTracks(listens, (track) => played[track] === 1)
  const training = yield* Listens.filter(known, (listen) => group[known.userOf[listen]!] === 0)
  const at = Effect.fnUntraced(function* (judged: number) {
    const theirs = yield* Listens.filter(known, (listen) => group[known.userOf[listen]!] === judged)
    const asked = yield* holdAtRandom(theirs, Dice.make(options.seed, 2, judged))
    return yield* make(
      training,
      yield* Listens.filter(theirs, (listen) => asked[listen] === 0),
      yield* Listens.filter(theirs, (listen) => asked[listen] === 1)
    )
  })
  return { validation: yield* at(validation), test: yield* at(test) } satisfies Splits
})

// internal ------------------------------------------------------------------------------------------------------------------------

const validation = 1
const test = 2
const fewest = 5

/** Four weeks: as many to train on as to ask about. */
const fewestDays = 28

/** As many as the gate asks for. */
const enoughJudged = 100

const fewestJudged = ({ test, validation }: Splits): number => Math.min(validation.judged.length, test.judged.length)

const within = (day: number, from: number, to: number): boolean => from <= day && day < to

const make = Effect.fnUntraced(function* (
  training: Listens.Listens,
  histories: Listens.Listens,
  later: Listens.Listens
) {
  const heard = (yield* Listens.weigh(histories, Listens.everything)).rows
  const all = (yield* Listens.weigh(later, Listens.everything)).rows
  const offsets = new Int32Array(all.offsets.length)
  const columns = new Int32Array(all.columns.length)
  const judged: Array<number> = []
  let end = 0
  let withoutTargets = 0
  let withoutHistory = 0
  const marks = new Int32Array(training.tracks.length).fill(-1)
  yield* Cooperative.forRange(training.users.length, (user) => {
    const start = end
    for (let entry = heard.offsets[user]!; entry < heard.offsets[user + 1]!; entry++)
      marks[heard.columns[entry]!] = user
    for (let entry = all.offsets[user]!; entry < all.offsets[user + 1]!; entry++) {
      if (marks[all.columns[entry]!] !== user) columns[end++] = all.columns[entry]!
    }
    offsets[user + 1] = end
    const known = heard.offsets[user]! < heard.offsets[user + 1]!
    if (end > start && known) judged.push(user)
    else if (end > start) withoutHistory++
    else if (known) withoutTargets++
  })
  const targets = { offsets, columns: columns.slice(0, end), values: new Float64Array(end).fill(1) }
  const excluded = { withoutTargets, withoutHistory }
  return { training, histories, judged: Int32Array.from(judged), targets, heard, excluded } satisfies Split
})

/** 1 for the last listens of each user, as many as `counts` says. */
const holdLast = (listens: Listens.Listens, counts: Int32Array): Uint8Array => {
  const { days, trackOf, tracks, userOf, users } = listens
  const held = new Uint8Array(userOf.length)
  const left = counts.slice()
  const drawn = Float64Array.from(userOf, (user, listen) => Dice.hash(users[user]!, tracks[trackOf[listen]!]!))
  const latestFirst = Int32Array.from(userOf.keys()).sort(
    (first, second) => days[second]! - days[first]! || drawn[second]! - drawn[first]! || second - first
  )
  for (const listen of latestFirst) {
    const user = userOf[listen]!
    if (left[user]! === 0) continue
    left[user]! -= 1
    held[listen] = 1
  }
  return held
}

/** 1 for all listens of a fifth of each user's tracks, rounded down; 1 for everything of users with too few tracks, who are thus without history. */
const holdAtRandom = Effect.fnUntraced(function* (listens: Listens.Listens, dice: Dice.Dice) {
  const { rows } = yield* Listens.weigh(listens, Listens.everything)
  const asked = new Set<number>()
  yield* Cooperative.forRange(listens.users.length, (user) => {
    const tracks = rows.columns.subarray(rows.offsets[user]!, rows.offsets[user + 1]!)
    const count = tracks.length < fewest ? tracks.length : Math.floor(tracks.length / 5)
    for (const track of shuffled(tracks, dice).subarray(0, count)) asked.add(user * listens.tracks.length + track)
  })
  return Uint8Array.from(listens.userOf, (user, listen) =>
    asked.has(user * listens.tracks.length + listens.trackOf[listen]!) ? 1 : 0
  )
})

const present = ({ userOf, users }: Listens.Listens): Int32Array => {
  const seen = new Uint8Array(users.length)
  for (const user of userOf) seen[user] = 1
  return Int32Array.from(seen.keys()).filter((user) => seen[user] === 1)
}

/** Fisher and Yates. */
const shuffled = (values: Int32Array, dice: Dice.Dice): Int32Array => {
  const result = values.slice()
  for (let last = result.length - 1; last > 0; last--) {
    const other = Dice.below(dice, last + 1)
    const moved = result[last]!
    result[last] = result[other]!
    result[other] = moved
  }
  return result
}
