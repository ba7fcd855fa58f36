import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../runtime/Asset.ts"
import * as AssetGraph from "../runtime/AssetGraph.ts"
import * as EventLog from "../runtime/EventLog.ts"
import * as Forecast from "../runtime/Forecast.ts"
import * as Invocation from "../runtime/Invocation.ts"
import type * as Plan from "../runtime/Plan.ts"
import { type Declaration, Declarations, RandomProject } from "./RandomProject.ts"
import { asset, daily, dailyInRanges, Simulation } from "./Simulation.ts"

type Durations = Readonly<Record<string, number>>

const forecast = (simulation: Simulation, durations: Durations, concurrency = 4, plan = simulation.plan()) =>
  Forecast.make(simulation.graph, plan, { durations: new Map(Object.entries(durations)), concurrency })

/** `[start, end]` of each block, by its name. */
const times = ({ blocks }: Forecast.Forecast) =>
  Object.fromEntries(
    blocks.map(({ block, ends, starts }) => [
      block.partitions === null ? block.asset : `${block.asset}/${block.partitions}`,
      [starts, ends]
    ])
  )

const a = asset("a")
const b = asset("b", { deps: { a } })
const c = asset("c", { deps: { a } })
const d = asset("d", { deps: { b, c } })
const e = asset("e")
const diamond = { a: 10, b: 20, c: 30, d: 5 }

describe("the time of a run", () => {
  const cases: ReadonlyArray<{
    readonly of: string
    readonly roots: ReadonlyArray<Asset.Any>
    readonly durations: Durations
    /** Seconds with 1, 2 and 4 at a time. */
    readonly seconds: readonly [number, number, number]
    readonly path: readonly [number, ...ReadonlyArray<string>]
  }> = [
    { of: "one step", roots: [a], durations: { a: 10 }, seconds: [10, 10, 10], path: [10, "a"] },
    { of: "a chain", roots: [b], durations: { a: 10, b: 20 }, seconds: [30, 30, 30], path: [30, "a", "b"] },
    { of: "a diamond", roots: [d], durations: diamond, seconds: [65, 45, 45], path: [45, "a", "c", "d"] },
    {
      of: "assets that wait for nothing",
      roots: ["p", "q", "r", "s", "t"].map((key) => asset(key)),
      durations: { p: 10, q: 10, r: 10, s: 10, t: 10 },
      seconds: [50, 30, 20],
      path: [10, "p"]
    },
    {
      of: "steps that become ready while others run",
      roots: [b, e],
      durations: { a: 10, b: 10, e: 15 },
      seconds: [35, 20, 20],
      path: [20, "a", "b"]
    },
    {
      of: "an asset that only follows",
      roots: [asset("follower").pipe(Asset.after(a))],
      durations: { a: 10, follower: 1 },
      seconds: [11, 11, 11],
      path: [11, "a", "follower"]
    },
    {
      of: "ten partitions",
      roots: [daily("clicks", { start: "2026-03-01" })],
      durations: { clicks: 2 },
      seconds: [20, 10, 6],
      path: [2, "clicks"]
    },
    {
      of: "partitions read one by one",
      roots: [daily("sessions", { start: "2026-03-01", deps: { clicks: daily("clicks", { start: "2026-03-01" }) } })],
      durations: { clicks: 2, sessions: 1 },
      seconds: [30, 15, 8],
      path: [3, "clicks", "sessions"]
    },
    {
      of: "partitions read all together",
      roots: [asset("report", { deps: { clicks: daily("clicks", { start: "2026-03-01" }) } })],
      durations: { clicks: 2, report: 1 },
      seconds: [21, 11, 7],
      path: [3, "clicks", "report"]
    },
    {
      of: "partitions that one step takes four at a time",
      roots: [dailyInRanges("clicks", { start: "2026-03-01", most: 4 })],
      durations: { clicks: 2 },
      seconds: [20, 20, 20],
      path: [20, "clicks"]
    },
    {
      of: "partitions that read those of a range",
      roots: [
        daily("sessions", {
          start: "2026-03-01",
          deps: { clicks: dailyInRanges("clicks", { start: "2026-03-01", most: 4 }) }
        })
      ],
      durations: { clicks: 2, sessions: 1 },
      seconds: [30, 21, 21],
      path: [21, "clicks", "sessions"]
    },
    {
      of: "partitions that read the ones before",
      roots: [daily("stock", { start: "2026-03-01", deps: { before: Asset.previous() } })],
      durations: { stock: 2 },
      seconds: [20, 20, 20],
      path: [20, "stock"]
    }
  ]

  for (const { durations, of, path, roots, seconds } of cases) {
    it(`of ${of} is that of its steps, so many at a time`, () => {
      const simulation = new Simulation(roots)
      const forecasts = [1, 2, 4].map((concurrency) => forecast(simulation, durations, concurrency))
      assert.deepStrictEqual(
        forecasts.map((known) => known.seconds),
        [...seconds]
      )
      const [pathSeconds, ...assets] = path
      for (const { criticalPath } of forecasts) {
        assert.deepStrictEqual(criticalPath, { seconds: pathSeconds, assets })
      }
    })
  }

  it("is shared out exactly as step after step would be, each to who is free first", () => {
    for (let nth = 0; nth < 200; nth++) {
      const random = (below: number) => (((nth + 1) * 7919 * (below + 31)) % 1009) % below
      const concurrency = 1 + random(5)
      const days = [1 + random(9), 1 + random(8), 1 + random(7)]
      const each = [1 + random(6), 1 + random(4), 1 + random(3)].map((seconds) => seconds / 8)
      const start = (count: number) => `2026-03-${String(11 - count).padStart(2, "0")}`
      const simulation = new Simulation(days.map((count, at) => daily(`asset_${at}`, { start: start(count) })))
      const free = Array.from({ length: concurrency }, () => 0)
      days.forEach((count, at) => {
        for (let step = 0; step < count; step++) free[free.indexOf(Math.min(...free))]! += each[at]!
      })
      const known = forecast(simulation, Object.fromEntries(each.map((s, at) => [`asset_${at}`, s])), concurrency)
      assert.closeTo(known.seconds!, Math.max(...free), 1e-9)
    }
  })
})

/** Single steps, each taken in the order in which it became ready by the worker that is free first. */
const stepByStep = ({ steps }: Plan.Plan, secondsOfSlice: (asset: string) => number, concurrency: number) => {
  const secondsOf = ({ asset, range: [from, to] = [0, 1] }: Plan.Step) => (to - from) * secondsOfSlice(asset)
  const free = Array.from({ length: concurrency }, () => 0)
  const ends = new Map<number, number>()
  while (ends.size < steps.length) {
    const [next] = Array.from(steps, ({ after, follows }, index) => {
      const before = [...after, ...follows].flat().map((other) => ends.get(other) ?? Infinity)
      return { index, ready: Math.max(0, ...before) }
    })
      .filter(({ index, ready }) => !ends.has(index) && ready < Infinity)
      .sort((one, other) => one.ready - other.ready || one.index - other.index)
    const worker = free.indexOf(Math.min(...free))
    free[worker] = Math.max(free[worker]!, next!.ready) + secondsOf(steps[next!.index]!)
    ends.set(next!.index, free[worker]!)
  }
  return Math.max(0, ...ends.values())
}

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

describe("for any project the time of a run", () => {
  const options = { arbitrary: { runs: 150 }, timeout: 60_000 }
  const any = {
    declarations: Declarations,
    seconds: Schema.Array(upTo(9)).check(Schema.isMinLength(7), Schema.isMaxLength(7)),
    concurrency: upTo(4)
  }
  type Any = { [K in keyof typeof any]: (typeof any)[K]["Type"] }
  const forecastOf = (declarations: ReadonlyArray<Declaration>, { concurrency, seconds }: Any) => {
    const { simulation } = new RandomProject(declarations)
    const plan = simulation.plan()
    const durations = Object.fromEntries(
      seconds.flatMap((each, index) => [`asset_${index}`, `asset_${index}_too`].map((key) => [key, each]))
    )
    const single = stepByStep(plan, (asset) => durations[asset]!, concurrency)
    return { known: forecast(simulation, durations, concurrency, plan), single }
  }

  it.prop(
    "without partitions is that of its steps, planned one by one",
    any,
    (drawn) => {
      const whole = drawn.declarations.map((declaration) => ({ ...declaration, cut: "whole" as const }))
      const { known, single } = forecastOf(whole, drawn)
      assert.strictEqual(known.seconds, single)
    },
    options
  )

  it.prop(
    "is neither shorter than the workers and the longest way allow nor longer than all its steps one after another",
    any,
    (drawn) => {
      const { known, single } = forecastOf(drawn.declarations, drawn)
      if (known.seconds === undefined) return assert.strictEqual(known.work.steps, 0)
      assert.isAtLeast(known.seconds, known.work.seconds / drawn.concurrency)
      assert.isAtLeast(known.seconds, known.criticalPath.seconds)
      assert.isAtMost(known.seconds, known.work.seconds)
      if (drawn.concurrency === 1) assert.strictEqual(known.seconds, single)
    },
    options
  )
})

describe("a block", () => {
  it("starts when what it waits for has ended", () => {
    assert.deepStrictEqual(times(forecast(new Simulation([d]), diamond)), {
      a: [0, 10],
      b: [10, 30],
      c: [10, 40],
      d: [40, 45]
    })
  })

  it("of partitions goes on while the ones that it reads still end", () => {
    const clicks = daily("clicks", { start: "2026-03-06" })
    const simulation = new Simulation([daily("sessions", { start: "2026-03-06", deps: { clicks } })])
    assert.deepStrictEqual(times(forecast(simulation, { clicks: 10, sessions: 1 }, 4)), {
      "clicks/2026-03-06..2026-03-10": [0, 20],
      "sessions/2026-03-06..2026-03-10": [10, 21]
    })
  })

  it("of partitions that read the ones before starts when the block before has ended", () => {
    const simulation = new Simulation([daily("stock", { start: "2026-03-06", deps: { before: Asset.previous() } })])
    assert.deepStrictEqual(times(forecast(simulation, { stock: 2 })), {
      "stock/2026-03-06": [0, 2],
      "stock/2026-03-07..2026-03-10": [2, 10]
    })
  })

  it("does not wait for a dependency of which it reads nothing that is planned", () => {
    const clicks = (start: string) => daily("clicks", { start })
    const sessions = (start: string, code: string) =>
      daily("sessions", { start, code, deps: { clicks: clicks(start) } })
    const simulation = new Simulation([sessions("2026-03-08", "1")])
    simulation.run()
    simulation.redeclare(sessions("2026-03-08", "2"))
    simulation.pass(24)
    assert.deepStrictEqual(times(forecast(simulation, { clicks: 10, sessions: 1 })), {
      "clicks/2026-03-11": [0, 10],
      "sessions/2026-03-08..2026-03-10": [0, 1],
      "sessions/2026-03-11": [10, 11]
    })
  })
})

describe("what was never run", () => {
  it("is counted, and so is what waits for it, but nothing is invented", () => {
    const known = forecast(new Simulation([d]), { a: 10, b: 20, d: 5 })
    assert.deepStrictEqual(times(known), {
      a: [0, 10],
      b: [10, 30],
      c: [undefined, undefined],
      d: [undefined, undefined]
    })
    assert.deepStrictEqual(known.work, { steps: 4, unknown: 1, seconds: 35 })
    assert.strictEqual(known.seconds, 35)
  })

  it("leaves nothing to say where nothing was run", () => {
    const known = forecast(new Simulation([d]), {})
    assert.deepStrictEqual([known.seconds, known.work.unknown], [undefined, 4])
    assert.deepStrictEqual(known.criticalPath, { seconds: 0, assets: [] })
  })

  it("is no matter of a plan that has nothing to do", () => {
    const simulation = new Simulation([d])
    simulation.run()
    const known = forecast(simulation, diamond)
    assert.deepStrictEqual(known.work, { steps: 0, unknown: 0, seconds: 0 })
    assert.deepStrictEqual(known.criticalPath, { seconds: 0, assets: [] })
  })
})

describe("an early cutoff", () => {
  const moved = () => {
    const simulation = new Simulation([d])
    simulation.run()
    simulation.redeclare(asset("d", { deps: { b: asset("b", { deps: { a }, code: "2" }), c } }))
    return simulation
  }

  it("could save what is conditional", () => {
    const known = forecast(moved(), diamond)
    assert.deepStrictEqual(known.work, { steps: 2, unknown: 0, seconds: 25 })
    assert.deepStrictEqual(known.conditional, { steps: 1, unknown: 0, seconds: 5 })
  })

  it("could save what nobody knows", () => {
    assert.deepStrictEqual(forecast(moved(), { b: 20 }).conditional, { steps: 1, unknown: 1, seconds: 0 })
  })
})

describe("what is left of a run", () => {
  const wide = new Simulation([asset("p"), asset("q")])

  it("shrinks with the work that is done, to nothing when it is more than was expected", () => {
    const known = forecast(wide, { p: 10, q: 30 }, 2)
    assert.deepStrictEqual(
      [0, 10, 40, 50].map((done) => Forecast.left(known, done)),
      [30, 22.5, 0, 0]
    )
  })

  it("is not known where a step was never run", () => {
    assert.strictEqual(Forecast.left(forecast(wide, { p: 10 }), 0), undefined)
  })
})

describe("the log", () => {
  it.effect("is asked once for all assets of a plan, and not for a plan that has nothing to do", () =>
    Effect.gen(function* () {
      const asked: Array<ReadonlyArray<string>> = []
      const log: EventLog.EventLog["Service"] = {
        ...(yield* EventLog.EventLog),
        durations: (assets) => Effect.sync(() => (asked.push(assets), new Map([["a", 10]])))
      }
      const forecastOf = (simulation: Simulation) =>
        Invocation.forecast(simulation.graph, simulation.plan(), 4).pipe(Effect.provideService(EventLog.EventLog, log))
      const simulation = new Simulation([d])
      assert.strictEqual((yield* forecastOf(simulation)).seconds, 10)
      simulation.run()
      yield* forecastOf(simulation)
      assert.deepStrictEqual(asked, [["a", "b", "c", "d"]])
    }).pipe(Effect.provide(EventLog.layerMemory))
  )
})

describe("millions of slices", () => {
  const count = 10_000
  const slices = 365
  const assets = Array.from({ length: count }, (_, at) => daily(`asset_${at}`, { start: "2025-03-11" }))
  const graph = AssetGraph.make(assets)

  it("are forecast by their blocks: the single steps are never made", () => {
    const blocks = assets.map(({ key }): Plan.Block => {
      const partitions = "2025-03-11..2026-03-10"
      return { asset: key, from: 0, to: slices, partitions, certainty: "Certain", reasons: [{ _tag: "Missing" }] }
    })
    const plan = {
      blocks,
      get steps(): never {
        throw new Error("asked for the single steps")
      }
    }
    const durations = new Map(assets.map(({ key }) => [key, 2]))
    const known = Forecast.make(graph, plan, { durations, concurrency: 8 })
    assert.deepStrictEqual(known.work, { steps: count * slices, unknown: 0, seconds: 2 * count * slices })
    assert.strictEqual(known.seconds, (2 * count * slices) / 8)
  })
})
