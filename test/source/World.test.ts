import { assert, describe, it } from "@effect/vitest"
import * as DemoSource from "../../assets/source/DemoSource.ts"
import * as Names from "../../assets/source/Names.ts"
import * as RandomWorld from "../../assets/source/RandomWorld.ts"
import * as SyntheticWorld from "../../assets/source/SyntheticWorld.ts"
import type { Rows, World } from "../../assets/source/World.ts"
import { idsOf, today } from "./Reading.ts"

const all = <A>(rows: Rows<A>): ReadonlyArray<A> => rows.slice(0, rows.length)

const snapshot = (world: World, day: number) => ({
  users: all(world.users(day)),
  tracks: all(world.tracks(day)),
  listens: all(world.listenHistory(day))
})

const synthetic = () => SyntheticWorld.make(DemoSource.defaults)
const random = () => RandomWorld.make({ seed: 1, users: 300, tracks: 200 })

describe("every world", () => {
  for (const [name, make] of [
    ["synthetic", synthetic],
    ["random", random]
  ] as const) {
    it(`${name}: is the same for the same seed and day, in whatever order it is asked`, () => {
      const [one, other] = [make(), make()]
      const later = snapshot(other, today + 9)
      assert.deepStrictEqual(snapshot(other, today), snapshot(one, today))
      assert.deepStrictEqual(snapshot(one, today + 9), later)
    })

    it(`${name}: has unique ids, and lists of users and tracks that exist`, () => {
      for (const day of [0, today]) {
        const { users, tracks, listens } = snapshot(make(), day)
        const [userIds, trackIds] = [new Set(idsOf(users)), new Set(idsOf(tracks))]
        assert.deepStrictEqual([userIds.size, trackIds.size], [users.length, tracks.length])
        assert.deepStrictEqual(new Set(listens.map(({ user_id }) => user_id)), userIds)
        assert.isTrue(listens.every(({ items }) => (items ?? []).every((id) => trackIds.has(id))))
      }
    })

    it(`${name}: claims for about a quarter of users and tracks that they were updated before they were created`, () => {
      const { users, tracks } = snapshot(make(), today)
      const rows = [...users, ...tracks]
      const share = rows.filter(({ created_at, updated_at }) => updated_at < created_at).length / rows.length
      assert.isAbove(share, 0.2)
      assert.isBelow(share, 0.3)
    })

    it(`${name}: shows nothing that lies in the future`, () => {
      const { users, tracks, listens } = snapshot(make(), today)
      const start = new Date(today * 86_400_000).toISOString()
      for (const { created_at, updated_at } of [...users, ...tracks, ...listens]) {
        assert.isTrue(created_at < start && updated_at < start)
      }
    })
  }

  it("serves another world under another seed", () => {
    const other = SyntheticWorld.make({ ...DemoSource.defaults, seed: 2 })
    assert.notDeepEqual(all(other.users(today)), all(synthetic().users(today)))
  })

  it("may be empty", () => {
    const empty = { seed: 1, users: 0, tracks: 0 }
    assert.deepStrictEqual(snapshot(SyntheticWorld.make(empty), today), { users: [], tracks: [], listens: [] })
    const noTracks = snapshot(SyntheticWorld.make({ ...empty, users: 5 }), today)
    assert.isTrue(noTracks.listens.every(({ items }) => (items ?? []).length === 0))
  })
})

describe("the synthetic world", () => {
  const world = synthetic()

  it("moves from day to day: some join, some leave, profiles are revised, lists are new", () => {
    const [before, after] = [snapshot(world, today), snapshot(world, today + 7)]
    for (const kind of ["users", "tracks"] as const) {
      const then = new Map<number, { readonly updated_at: string }>(before[kind].map((row) => [row.id, row]))
      const now = new Set(idsOf(after[kind]))
      const stayed = after[kind].filter(({ id }) => then.has(id))
      assert.isAbove(now.size - stayed.length, 0, `${kind} joined`)
      assert.isAbove(then.size - stayed.length, 0, `${kind} left`)
      assert.isAbove(stayed.length, 0.9 * then.size, `${kind} stayed`)
      const revised = stayed.filter(({ id, updated_at }) => updated_at > then.get(id)!.updated_at)
      assert.isAbove(revised.length, 0, `${kind} revised`)
      assert.isBelow(revised.length, 0.3 * stayed.length)
    }
    const lists = new Map(before.listens.map(({ user_id, items }) => [user_id, String(items)]))
    const same = after.listens.filter(({ user_id, items }) => lists.get(user_id) === String(items))
    assert.isBelow(same.length, 0.05 * lists.size)
  })

  it("keeps about its size over the years", () => {
    for (const day of [0, today, today + 5000]) {
      assert.closeTo(world.users(day).length, DemoSource.defaults.users, 12)
      assert.closeTo(world.tracks(day).length, DemoSource.defaults.tracks, 12)
    }
  })

  it("gives most users five tracks and a few no list", () => {
    const lists = all(world.listenHistory(today)).map(({ items }) => items)
    assert.isAbove(lists.filter((items) => items?.length === 5).length, 0.75 * lists.length)
    const none = lists.filter((items) => items === null || items.length === 0).length
    assert.isTrue(none > 0 && none < 0.05 * lists.length)
  })

  it("keeps tastes for as long as they last, and changes every user's on a day of his own", () => {
    const users = idsOf(all(synthetic().users(today))).slice(0, 40)
    const listening = (world: SyntheticWorld.SyntheticWorld, day: number) => {
      const ids = idsOf(all(world.tracks(day)))
      return users.map((user) => {
        const probabilities = world.probabilities(day, user)
        return new Map(ids.map((id, index) => [id, probabilities[index]!]))
      })
    }
    // Tracks come and go, which moves the shares of all others alike; another taste moves them apart.
    const changed = (world: SyntheticWorld.SyntheticWorld, days: number) => {
      const [before, after] = [listening(world, today), listening(world, today + days)]
      return before.filter((shares, user) => {
        const common = Array.from(shares).filter(([id]) => after[user]!.has(id))
        const ratios = common.map(([id, share]) => after[user]!.get(id)! / share)
        return Math.max(...ratios) > 2 * Math.min(...ratios)
      }).length
    }
    const drifting = SyntheticWorld.make({ ...DemoSource.defaults, tasteDays: 30 })
    assert.strictEqual(changed(synthetic(), 30), 0)
    assert.isAbove(changed(drifting, 30), 35)
    const [third, half] = [changed(drifting, 10), changed(drifting, 15)]
    assert.isTrue(third > 3 && third < half && half < 35)
  })

  it("keeps an artist to one style", () => {
    const moodsOf = new Map<string, Set<string>>()
    for (const { artist, genres } of all(world.tracks(today))) {
      const style = Names.styles.find(({ moods }) => moods.includes(genres))!.genre
      moodsOf.set(artist, (moodsOf.get(artist) ?? new Set()).add(style))
    }
    assert.isTrue(Array.from(moodsOf.values()).every((styles) => styles.size === 1))
    assert.isAbove(moodsOf.size, 30)
  })

  it("listens as its probabilities say", () => {
    const small = SyntheticWorld.make({ seed: 3, users: 20, tracks: 30, signal: 0.8 })
    const user = small.users(today).slice(0, 1)[0]!
    const tracks = idsOf(all(small.tracks(today)))
    const expected = small.probabilities(today, user.id)
    assert.closeTo(
      expected.reduce((sum, share) => sum + share, 0),
      1,
      1e-9
    )
    // The first track of a list is one free draw; the population of that day's tracks hardly moves in the user's lifetime.
    const liked = expected.reduce((best, share, index) => (share > expected[best]! ? index : best), 0)
    let [drawn, hits, days] = [0, 0, 0]
    for (let day = today - 400; day < today + 400; day++) {
      const list = all(small.listenHistory(day)).find(({ user_id }) => user_id === user.id)?.items
      const index = idsOf(all(small.tracks(day))).indexOf(tracks[liked]!)
      if (list === undefined || list === null || list.length === 0 || index < 0) continue
      days++
      drawn += small.probabilities(day, user.id)[index]!
      hits += list[0] === tracks[liked] ? 1 : 0
    }
    assert.isAbove(days, 40)
    assert.closeTo(hits, drawn, 4 * Math.sqrt(drawn))
  })
})

describe("the random world", () => {
  it("plays all tracks alike, and only the lists change", () => {
    const world = random()
    const plays = new Map<number, number>()
    for (let day = today; day < today + 40; day++) {
      for (const { items } of all(world.listenHistory(day))) {
        for (const id of items ?? []) plays.set(id, (plays.get(id) ?? 0) + 1)
      }
    }
    const mean = (40 * 300 * 5) / 200
    for (const count of plays.values()) assert.closeTo(count, mean, 5 * Math.sqrt(mean))
    assert.deepStrictEqual(all(world.users(today)), all(world.users(today + 40)))
  })

  it("costs nothing until its rows are asked for", () => {
    const huge = RandomWorld.make({ seed: 1, users: 1e9, tracks: 1e9 })
    assert.deepStrictEqual(idsOf(huge.users(today).slice(1e9 - 2, 1e9 + 5)), [1e9 - 1, 1e9])
  })
})
