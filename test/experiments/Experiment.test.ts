import { assert, describe, it } from "@effect/vitest"
import * as Experiment from "../../assets/experiments/Experiment.ts"
import * as ChiSquared from "../../assets/recommender/ChiSquared.ts"

const users = Array.from({ length: 100_000 }, (_, index) => 1 + index)

/** The probability of counts at least as uneven as these, if all were equally likely. */
const evenness = (counts: ReadonlyArray<number>): number => {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const distance = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return 1 - ChiSquared.cumulative(distance, counts.length - 1)
}

const countBy = (cells: number, cellOf: (user: number) => number): ReadonlyArray<number> => {
  const counts = Array.from({ length: cells }, () => 0)
  for (const user of users) counts[cellOf(user)]! += 1
  return counts
}

const half = (id: string, arm: Experiment.Treatment = { serves: "popular" }) =>
  Experiment.make(id, { description: "", arms: { control: { share: 0.5 }, other: { share: 0.5, ...arm } } })

describe("users are dealt", () => {
  it("evenly into buckets", () => {
    const counts = countBy(1000, (user) => Math.floor(Experiment.bucketOf("salt", user) / 10))
    assert.isAbove(evenness(counts), 0.001)
  })

  it("independently by different salts", () => {
    const cell = (user: number) =>
      10 * Math.floor(Experiment.bucketOf("one", user) / 1000) + Math.floor(Experiment.bucketOf("two", user) / 1000)
    assert.isAbove(evenness(countBy(100, cell)), 0.001)
    // Which the same salt would not do.
    const same = (user: number) => 11 * Math.floor(Experiment.bucketOf("one", user) / 1000)
    assert.isBelow(evenness(countBy(100, same)), 0.001)
  })

  it("as they were in any other process", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 64_779].map((user) => Experiment.bucketOf("randomised-slots", user)),
      [2738, 8958, 2119, 6013]
    )
  })

  it("into arms by their shares", () => {
    const experiment = Experiment.make("thirds", {
      description: "",
      arms: {
        control: { share: 0.7 },
        popular: { share: 0.2999, serves: "popular" },
        few: { share: 0.0001, explores: 0.5 }
      }
    })
    const counts = new Map<string, number>()
    for (const user of users) {
      const { name } = Experiment.armOf(experiment, user)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    assert.closeTo(counts.get("control")!, 70_000, 600)
    assert.closeTo(counts.get("popular")!, 29_990, 600)
    assert.closeTo(counts.get("few")!, 10, 10)
  })

  it("what each experiment decides, by all that run", () => {
    const running = Experiment.together(half("served"), half("explored", { explores: 0.02 }))
    const seen = new Set<string>()
    for (const user of users.slice(0, 100)) {
      const { arms, explores, serves } = Experiment.assign(running, user)
      assert.strictEqual(serves, arms["served"] === "other" ? "popular" : "champion")
      assert.deepStrictEqual(explores, arms["explored"] === "other" ? { by: "explored", rate: 0.02 } : undefined)
      seen.add(`${arms["served"]} ${arms["explored"]}`)
    }
    assert.strictEqual(seen.size, 4)
    assert.deepStrictEqual(Experiment.assign([], 1), { serves: "champion", explores: undefined, arms: {} })
  })
})

describe("a declaration is refused", () => {
  const shares = (control: number, other: number) => () =>
    Experiment.make("uneven", { description: "", arms: { control: { share: control }, other: { share: other } } })

  it("whose shares are not all of the users", () => {
    assert.throws(shares(0.5, 0.4), 'experiment "uneven": the shares of its arms add up to 0.9, not 1')
    assert.doesNotThrow(shares(0.9, 0.1))
    assert.throws(shares(1 / 3, 2 / 3), "the share of control is 0.3333333333333333, which is no whole number")
    assert.throws(shares(1, 0), "the share of other is 0, which is no whole number of ten-thousandths above 0")
  })

  it("that compares nothing", () => {
    assert.throws(
      () => Experiment.make("alone", { description: "", arms: { control: { share: 1 } } }),
      'experiment "alone": there is no arm beside control'
    )
    // @ts-expect-error An experiment needs an arm named control.
    assert.throws(() => Experiment.make("alone", { description: "", arms: { a: { share: 0.5 }, b: { share: 0.5 } } }))
  })

  it("that leaves everything or nothing to chance", () => {
    for (const explores of [0, 1, -0.1, Number.NaN]) {
      assert.throws(() => half("extreme", { explores }), `other leaves ${explores} of its places to chance`)
    }
  })

  it("that says all that is wrong with it", () => {
    assert.throws(
      () => Experiment.make("No Name", { description: "", arms: { control: { share: 0.5 } } }),
      /"No Name": its id may hold .*; there is no arm beside control; the shares of its arms add up to 0.5, not 1/
    )
  })

  it("beside another that it does not fit", () => {
    assert.throws(() => Experiment.together(half("a"), half("a")), 'experiment "a" is declared twice')
    assert.throws(
      () => Experiment.together(half("a"), half("b")),
      'experiments "a" and "b" both say what is served: let one run after the other'
    )
    assert.throws(
      () => Experiment.together(half("a"), { ...half("b", { explores: 0.1 }), salt: "a" }),
      'experiments "a" and "b" have the same salt'
    )
  })
})
