import { assert, describe, it } from "@effect/vitest"
import * as Experiment from "../../assets/experiments/Experiment.ts"
import * as ReadOut from "../../assets/experiments/ReadOut.ts"

describe("users by arm", () => {
  const halves = (control: number, treated: number) =>
    ReadOut.sampleRatioOf([
      { share: 0.5, users: control },
      { share: 0.5, users: treated }
    ])

  it("are suspicious where 48 of 100 come to an arm of half of them, and not where 50 do", () => {
    const uneven = halves(4800, 5200)
    // (4800 - 5000)² / 5000, twice.
    assert.strictEqual(uneven.chiSquared, 16)
    assert.closeTo(uneven.p!, 6.334e-5, 1e-8)
    assert.isBelow(uneven.p!, ReadOut.suspicious)
    assert.strictEqual(halves(5000, 5000).p, 1)
    assert.isAbove(halves(5040, 4960).p!, ReadOut.suspicious)
  })

  it("hardly ever are where they were dealt by their shares", () => {
    const experiment = (id: string) =>
      Experiment.make(id, { description: "", arms: { control: { share: 0.1 }, a: { share: 0.3 }, b: { share: 0.6 } } })
    let suspicious = 0
    for (let round = 0; round < 200; round++) {
      const { arms, ...dealt } = experiment(`round-${round}`)
      const users = new Map(arms.map(({ name }) => [name, 0]))
      for (let user = 0; user < 500; user++) {
        const { name } = Experiment.armOf({ ...dealt, arms }, user)
        users.set(name, users.get(name)! + 1)
      }
      const { p } = ReadOut.sampleRatioOf(arms.map(({ name, share }) => ({ share, users: users.get(name)! })))
      if (p! < 0.05) suspicious++
    }
    assert.isAtLeast(suspicious, 2)
    assert.isAtMost(suspicious, 22)
  })

  it("are not judged where they are too few", () => {
    assert.isNull(halves(0, 0).p)
    assert.isNull(halves(0, 9).p)
    assert.closeTo(halves(0, 10).p!, 0.001565, 1e-6)
  })
})
