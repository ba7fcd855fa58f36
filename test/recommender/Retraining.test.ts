import { assert, describe, it } from "@effect/vitest"
import type * as Manifest from "../../assets/recommender/Manifest.ts"
import * as Retraining from "../../assets/recommender/Retraining.ts"
import type * as Signal from "../../assets/recommender/Signal.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"

const candidate = Tuning.candidates.find(({ algorithm }) => algorithm === "ials")!
const dataVersions = { features: "f", listen_history: "l" }
const quiet: Signal.Listening = { _tag: "Listening", psi: 0.05, limit: 0.1, bins: 10, learnt: 1000, since: 300 }
const loud: Signal.Listening = { ...quiet, psi: 0.3 }
const fell: Signal.Clicks = {
  _tag: "Clicks",
  version: "served",
  shown: 20_000,
  clicked: 800,
  before: "earlier",
  shownBefore: 20_000,
  clickedBefore: 1_200,
  pValue: 1e-9,
  risk: 0.01
}

const facts: Retraining.Facts = {
  candidates: Tuning.candidates,
  codeVersion: "1",
  dataVersions: { ...dataVersions, listen_history: "l2" },
  erased: 0,
  newestDay: 101,
  signals: [quiet]
}

const course: Retraining.Course = {
  from: null,
  since: 0,
  cold: { newestDay: 100, because: [{ _tag: "NoEarlierModel" }] },
  erased: 0
}

const earlier = (training: Partial<Retraining.Course> = {}, manifest: Partial<Manifest.Manifest> = {}) => ({
  version: "v1",
  manifest: {
    algorithm: candidate.algorithm,
    // As they come back from storage: in the order of their names.
    parameters: Object.fromEntries(Object.entries(candidate.parameters).toSorted(([a], [b]) => a.localeCompare(b))),
    recency: candidate.recency,
    users: 1,
    tracks: 1,
    listens: 1,
    newestDay: 100,
    digests: { users: "", tracks: "", listens: "" },
    seed: 1,
    sections: [],
    metrics: null,
    dataVersions,
    codeVersion: "1",
    protocol: "by time",
    trials: [],
    training: { ...course, ...training },
    ...manifest
  } satisfies Manifest.Manifest
})

const decide = (now: Partial<Retraining.Facts> = {}, before: Retraining.Earlier | undefined = earlier()) =>
  Retraining.decide(before, { ...facts, ...now })

/** Why from nothing; nothing if it goes on. */
const reasons = (...args: Parameters<typeof decide>) => {
  const decision = decide(...args)
  return decision._tag === "Warm" ? [] : decision.training.cold.because
}

describe("retraining", () => {
  it("goes on from the model before, with what that one was chosen to be, day after day", () => {
    const first = decide()
    assert.deepInclude(first, { _tag: "Warm", candidate })
    assert.deepStrictEqual(first.training, { ...course, from: "v1", since: 1 })
    const second = decide({ newestDay: 102 }, { ...earlier(first.training), version: "v2" })
    assert.deepStrictEqual(second.training, { ...course, from: "v2", since: 2 })
  })

  it("is from nothing where there is nothing to go on from", () => {
    const none = [{ _tag: "NoEarlierModel" }] as const
    assert.deepStrictEqual(Retraining.decide(undefined, facts), {
      _tag: "Cold",
      training: { ...course, cold: { newestDay: 101, because: none } }
    })
    const { training: _, ...baseline } = earlier().manifest
    assert.deepStrictEqual(reasons({}, { version: "v0", manifest: baseline }), none)
    assert.deepStrictEqual(reasons({}, earlier({ cold: { newestDay: null, because: [] } })), none)
  })

  it("is from nothing once a week of listens, by their days and by no clock", () => {
    assert.deepStrictEqual(reasons({ newestDay: 106 }), [])
    assert.deepStrictEqual(reasons({ newestDay: 107 }), [{ _tag: "ColdLongAgo", days: 7 }])
    // What it went on with in between does not count.
    assert.deepStrictEqual(reasons({ newestDay: 107 }, earlier({ from: "v0", since: 6 }, { newestDay: 106 })), [
      { _tag: "ColdLongAgo", days: 7 }
    ])
  })

  it("is from nothing where what the model is made by, or who may be in it, is another", () => {
    assert.deepStrictEqual(reasons({ codeVersion: "2" }), [{ _tag: "CodeChanged" }])
    assert.deepStrictEqual(reasons({ erased: 1 }), [{ _tag: "UserErased" }])
    const none: ReadonlyArray<Retraining.Reason> = [{ _tag: "NoCandidate" }]
    assert.deepStrictEqual(reasons({}, earlier({}, { parameters: { ...candidate.parameters, lambda: 1 } })), none)
    assert.deepStrictEqual(reasons({}, earlier({}, { recency: { _tag: "HalfLife", days: 1 } })), none)
    assert.deepStrictEqual(reasons({}, earlier({}, { algorithm: "popularity", parameters: {} })), none)
  })

  it("is from nothing by the very signals that fired, and tells all reasons", () => {
    assert.deepStrictEqual(reasons({ signals: [loud, fell], newestDay: 109, codeVersion: "2" }), [
      { _tag: "CodeChanged" },
      { _tag: "ColdLongAgo", days: 9 },
      { _tag: "Signalled", signal: loud },
      { _tag: "Signalled", signal: fell }
    ])
  })

  it("answers once to clicks that fell for a version, which say so as long as it is served", () => {
    const answered = earlier({
      from: "v1",
      since: 1,
      cold: { newestDay: 100, because: [{ _tag: "Signalled", signal: fell }] }
    })
    assert.deepStrictEqual(reasons({ signals: [{ ...fell, shown: 30_000, clicked: 900 }] }, answered), [])
    // So it is a week later, when something else is the reason.
    const weekly = decide({ signals: [fell], newestDay: 107 }, answered)
    assert.deepStrictEqual(weekly.training.cold.because, [
      { _tag: "ColdLongAgo", days: 7 },
      { _tag: "Signalled", signal: fell }
    ])
    assert.deepStrictEqual(reasons({ signals: [fell], newestDay: 108 }, earlier(weekly.training)), [])
    const another = { ...fell, version: "next" }
    assert.deepStrictEqual(reasons({ signals: [another] }, answered), [{ _tag: "Signalled", signal: another }])
  })

  it("repeats what it did where data and code are the same, and does not go on with nothing", () => {
    const again = { dataVersions, newestDay: 100 }
    assert.deepStrictEqual(decide(again), { _tag: "Cold", training: course })
    assert.deepStrictEqual(reasons({ ...again, signals: [loud] }), course.cold.because)
    assert.deepStrictEqual(reasons(again, earlier({ from: "v0", since: 1 })), [{ _tag: "NothingNew" }])
    assert.deepStrictEqual(reasons({ ...again, codeVersion: "2" }), [{ _tag: "CodeChanged" }])
    assert.deepStrictEqual(reasons({ newestDay: null }), [{ _tag: "NothingNew" }])
  })

  it("is told in words", () => {
    const told = (because: ReadonlyArray<Retraining.Reason>) =>
      Retraining.explain({ ...course, cold: { newestDay: 1, because } })
    assert.strictEqual(
      told([
        { _tag: "ColdLongAgo", days: 7 },
        { _tag: "Signalled", signal: fell }
      ]),
      "from nothing: the last time was 7 days of listens before; fewer are clicked on: 4.0 % of 20,000 that served recommended, 6.0 % of 20,000 before (p 1.0e-9, at most 0.01)"
    )
    assert.strictEqual(
      Retraining.explain({ ...course, from: "0123456789", since: 2 }),
      "on from 01234567, 2 trainings after the one from nothing: there was no earlier model to go on from"
    )
  })
})
