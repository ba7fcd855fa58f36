import { assert, describe, it } from "@effect/vitest"
import * as Slots from "../../assets/experiments/Slots.ts"
import * as Urn from "../../assets/experiments/Urn.ts"
import * as IdTable from "../../assets/recommender/IdTable.ts"

const tracks = IdTable.fromIds([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])

describe("an urn", () => {
  it("gives each of the tracks that are not left out, once", () => {
    for (const lot of [0, 0.3, 0.5, 0.999]) {
      const urn = Urn.make(tracks, [3, 29, 4, 3, 2])
      assert.strictEqual(urn.size(), 7)
      const taken = Array.from({ length: 7 }, () => urn.take(lot))
      assert.sameMembers(taken, [5, 7, 11, 13, 17, 19, 23])
      assert.strictEqual(urn.size(), 0)
    }
  })

  it("gives each for a part of the lots of its size", () => {
    const first = (lot: number) => Urn.make(tracks, [2, 5, 29]).take(lot)
    const lots = Array.from({ length: 700 }, (_, index) => (index + 0.5) / 700)
    const counts = Map.groupBy(lots, first)
    assert.deepStrictEqual(Array.from(counts.keys()), [3, 7, 11, 13, 17, 19, 23])
    for (const of of counts.values()) assert.strictEqual(of.length, 100)
  })
})

describe("places left to chance", () => {
  it("are those of any other process", () => {
    // Of the SHAKE-256 of the seed, 48 bits to say whether a place draws and 48 to draw by.
    const lots = Slots.lots("a seed", 3, 0.4)
    assert.deepStrictEqual(lots, [0.8518330883754217, undefined, 0.9822613577417734])
    assert.deepStrictEqual(Slots.lots("a seed", 3, 0.3), [0.8518330883754217, undefined, undefined])
  })

  it("are the same for the same seed, and as many as the rate says, anywhere and independently", () => {
    const places = Array.from({ length: 20 }, () => 0)
    let together = 0
    for (let user = 0; user < 20_000; user++) {
      const lots = Slots.lots(`salt ${user} 2026-03-01`, 20, 0.02)
      assert.deepStrictEqual(Slots.lots(`salt ${user} 2026-03-01`, 5, 0.02), lots.slice(0, 5))
      lots.forEach((lot, place) => {
        if (lot !== undefined) places[place]! += 1
      })
      if (lots[3] !== undefined && lots[4] !== undefined) together++
    }
    // Of 20,000 with a probability of 2 %: 400, with a standard deviation of 20.
    for (const count of places) assert.closeTo(count, 400, 90)
    assert.closeTo(together, 8, 10)
  })

  it("show each track as often as its propensity says", () => {
    const ranked = [2, 3, 5]
    const rate = 0.2
    const answers = 40_000
    const shown = ranked.map(() => new Map<number, number>())
    // The sum over answers of the inverse propensity of what is shown is the number of tracks it might have been.
    const inverse = ranked.map(() => new Map<number, number>())
    for (let answer = 0; answer < answers; answer++) {
      const urn = Urn.make(tracks, [...ranked, 7, 11])
      const slots = Slots.explore(ranked, Slots.lots(`${answer}`, 3, rate), rate, urn, (track) => track)
      assert.strictEqual(new Set(slots.map(({ item }) => item)).size, 3)
      slots.forEach(({ item, propensity }, place) => {
        shown[place]!.set(item, (shown[place]!.get(item) ?? 0) + 1)
        inverse[place]!.set(item, (inverse[place]!.get(item) ?? 0) + 1 / propensity)
      })
    }
    for (const [place, own] of ranked.entries()) {
      assert.sameMembers(Array.from(shown[place]!.keys()), [own, 13, 17, 19, 23, 29])
      assert.closeTo(shown[place]!.get(own)! / answers, 1 - rate, 0.01)
      for (const drawn of [13, 17, 19, 23, 29]) {
        assert.closeTo(shown[place]!.get(drawn)! / answers, rate / 5, 0.005)
      }
    }
    // At the first place nothing was drawn before, so that each might have been shown in every answer.
    for (const weight of inverse[0]!.values()) assert.closeTo(weight / answers, 1, 0.1)
  })

  it("keep what was ranked, for certain, where there is nothing else", () => {
    const drawn = [0.5, undefined, 0.1]
    const slots = Slots.explore([1, 2, 3], drawn, 0.1, Urn.make(IdTable.fromIds([1, 2, 3, 9]), [1, 2, 3]), (id) => id)
    assert.deepStrictEqual(slots, [
      { item: 9, propensity: 0.1 },
      { item: 2, propensity: 1 },
      { item: 3, propensity: 1 }
    ])
  })
})
