import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Catalog from "../../runtime/Catalog.ts"
import { isRunEnd } from "../../runtime/Event.ts"
import * as EventLog from "../../runtime/EventLog.ts"
import * as Partition from "../../runtime/Partition.ts"
import * as Run from "../../runtime/Run.ts"
import * as SqlEventLog from "../../runtime/SqlEventLog.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as CheckHistoryContract from "./CheckHistoryContract.ts"
import * as ClaimContract from "./ClaimContract.ts"
import * as EventLogContract from "./EventLogContract.ts"
import * as Facts from "./Facts.ts"
import * as RangeContract from "./RangeContract.ts"

const postgres = Layer.provideMerge(SqlEventLog.layer, TestDatabase.layer())

EventLogContract.suite("the event log in memory", EventLog.layerMemory)
EventLogContract.suite("the event log in PostgreSQL", postgres)

ClaimContract.suite("claims in memory", EventLog.layerMemory)
ClaimContract.suite("claims in PostgreSQL", postgres)

RangeContract.suite("many slices in memory", EventLog.layerMemory)
RangeContract.suite("many slices in PostgreSQL", postgres)
CheckHistoryContract.suite("the history of checks in memory", EventLog.layerMemory)
CheckHistoryContract.suite("the history of checks in PostgreSQL", postgres)

class Logs extends Context.Service<Logs, Record<"memory" | "postgres", EventLog.EventLog["Service"]>>()("test/Logs") {}

const both = Layer.effect(
  Logs,
  Effect.gen(function* () {
    const memory = Context.get(yield* Layer.build(EventLog.layerMemory), EventLog.EventLog)
    return { memory, postgres: Context.get(yield* Layer.build(postgres), EventLog.EventLog) }
  })
)

const history = Schema.Array(Facts.Happening).check(Schema.isMinLength(5), Schema.isMaxLength(40))

/** Two runs that one session tells of, as it happened. */
const tell = Effect.fnUntraced(function* (
  log: EventLog.EventLog["Service"],
  [first, second]: readonly [Facts.Run, Facts.Run],
  events: ReadonlyArray<{ readonly event: ReturnType<typeof Facts.toEvent>; readonly alone: boolean }>,
  refs: ReadonlyArray<Partition.Ref>
) {
  const session = yield* log.session(first.runId)
  yield* log.session(second.runId)
  const claims = new Map<string, EventLog.Claim>()
  for (const ref of refs) claims.set(Partition.id(ref), yield* Facts.claimed(session, ref))
  let waiting: Array<EventLog.Fact> = [first.started, second.started]
  const flush = Effect.suspend(() => log.append(waiting.splice(0)))
  for (const { alone, event } of events) {
    if (event._tag === "AssetWiped") yield* Effect.andThen(flush, log.wipe(event, Effect.void))
    else if (event._tag === "AssetErased") {
      const erasing = { fenced: [], redacted: alone ? [event.asset] : [] }
      yield* Effect.andThen(flush, log.erase(erasing, Effect.succeed([event])))
    } else if (event._tag === "AssetMaterialized" || event._tag === "AssetVerified" || event._tag === "AssetObserved") {
      yield* flush
      const claim = claims.get(Partition.id(event)) ?? claims.get(Partition.id(refs[0]!))!
      expect(
        yield* session.publish({ claim, loaded: [], event: () => event }, alone ? Effect.void : undefined)
      ).toMatchObject({
        _tag: "Recorded"
      })
    } else {
      waiting.push(event)
      if (alone) yield* flush
    }
  }
  yield* flush
})

const sorted = <A extends Partition.Ref>(refs: Iterable<A>) =>
  Array.from(refs).sort((a, b) => (Partition.id(a) < Partition.id(b) ? -1 : 1))

const statesOf = (catalog: Catalog.Catalog) =>
  sorted(Array.from(catalog.states.values()).flatMap((slices) => Array.from(slices.values())))

/** What a log says of two runs and of their assets, and what its events fold to; their positions count from 0. */
const said = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"], runs: ReadonlyArray<Facts.Run>) {
  const read = (yield* Effect.forEach(runs, ({ runId }) => log.events(runId))).flat()
  read.sort((a, b) => a.position - b.position)
  const place = (position: number) => read.findIndex((recorded) => recorded.position === position)
  const events = read.map(({ event, position }) => ({ event, position: place(position) }))
  const folded = new Run.Builder()
  for (const { event } of events) folded.apply(event)

  const catalog = yield* log.states(runs.map(({ ref }) => ref()))
  const states = statesOf(catalog).map((state) => ({
    ...state,
    changedPosition: place(state.changedPosition),
    verifiedPosition: place(state.verifiedPosition)
  }))
  const ordered = (history: Run.History) => ({ ...history, steps: sorted(history.steps) })
  return {
    events,
    states,
    runs: (yield* Effect.forEach(runs, ({ runId }) => log.run(runId))).map((run) => ordered(Option.getOrThrow(run))),
    unpublished: (yield* log.unpublished)
      .filter(({ event }) => runs.some(({ runId }) => runId === event.runId))
      .map(({ event, position }) => ({ event, position: place(position) }))
      .sort((a, b) => a.position - b.position),
    durations: Array.from(yield* log.durations(runs.map(({ asset }) => asset))).sort(),
    folded: {
      states: statesOf(Catalog.fromEvents(events)),
      runs: runs.map(({ runId }) => ordered(folded.history(runId)!))
    }
  }
})

describe("whatever happened", () => {
  it.layer(both, { timeout: "60 seconds" })((it) => {
    it.effect.prop(
      "the states are what the events fold to, in memory and in PostgreSQL alike",
      { history },
      ({ history }) =>
        Effect.gen(function* () {
          const { memory, postgres } = yield* Logs
          const runs = [Facts.run(), Facts.run()] as const
          const refs = [runs[0].ref("a"), runs[0].ref("b"), runs[1].ref(), runs[1].ref("c")]
          const ended = new Set<string>()
          const events = history.flatMap((happening) => {
            const event = Facts.toEvent(happening, runs[happening.run === 0 ? 0 : 1], refs)
            if (ended.has(event.runId)) return []
            if (isRunEnd(event)) ended.add(event.runId)
            return [{ event, alone: "alone" in happening ? happening.alone : happening._tag !== "Materialized" }]
          })
          yield* tell(memory, runs, events, refs)
          yield* tell(postgres, runs, events, refs)
          const inMemory = yield* said(memory, runs)
          const inPostgres = yield* said(postgres, runs)
          expect(inPostgres).toEqual(inMemory)
          expect({ states: inMemory.states, runs: inMemory.runs }).toEqual(inMemory.folded)
        }).pipe(Effect.scoped),
      { arbitrary: { runs: 100 }, timeout: 60_000 }
    )
  })
})
