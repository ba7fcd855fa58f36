import { assert, describe, it } from "@effect/vitest"
import { Blob } from "effect-assets"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Crypto from "node:crypto"
import * as TestClock from "effect/testing/TestClock"
import definitions from "../../assets/index.ts"
import { model } from "../../assets/model.ts"
import * as Algorithm from "../../assets/recommender/Algorithm.ts"
import * as Algorithms from "../../assets/recommender/Algorithms.ts"
import * as Manifest from "../../assets/recommender/Manifest.ts"
import type * as Retraining from "../../assets/recommender/Retraining.ts"
import * as Signal from "../../assets/recommender/Signal.ts"
import * as Signals from "../../assets/recommender/Signals.ts"
import * as StoredListens from "../../assets/recommender/StoredListens.ts"
import * as Training from "../../assets/recommender/Training.ts"
import * as Tuning from "../../assets/recommender/Tuning.ts"
import * as FakeSource from "../../assets/source/FakeSource.ts"
import * as MusicApi from "../../assets/source/MusicApi.ts"
import * as Body from "../../runtime/Body.ts"
import type { Event } from "../../runtime/Event.ts"
import * as Publication from "../../runtime/Publication.ts"
import { materialize, metadataOf, millisPerDay, noon, onDatabase, plan, rows, state, today } from "./Pipeline.ts"
import { assetsModel } from "./Registry.ts"
import * as Worlds from "./Worlds.ts"

const world = Worlds.sample({ users: 200, tracks: 80 })

const withoutSource = {
  ...definitions,
  resources: Layer.provide(
    MusicApi.layer({ baseUrl: new URL("http://music.test") }),
    FakeSource.layer({ world: Worlds.toWorld(world), faults: [] })
  )
}

const fitted = Effect.map(Blob.versions(model), ([newest]) => ({
  version: newest!.version,
  digest: newest!.digest,
  manifest: newest!.manifest!,
  training: newest!.manifest!.training!
}))

/** What the listens of some day, counted from the first one, make of the model, and nothing else. */
const trained = Effect.fnUntraced(function* (day: number, given: Worlds.Still = world) {
  yield* TestClock.setTime(noon + day * millisPerDay)
  const ran = yield* materialize({ world: given, select: "+model" })
  assert.strictEqual(ran.status, "Succeeded", ran.explain)
  return { ...(yield* fitted), ran }
})

const tagsOf = ({ training }: { readonly training: Retraining.Course }) => training.cold.because.map(({ _tag }) => _tag)

/** What a run warned of, by check. */
const warnings = ({ events }: { readonly events: ReadonlyArray<Event> }) =>
  new Map(
    events.flatMap((event) =>
      event._tag === "CheckFailed" && event.severity === "warn" ? [[event.check, event] as const] : []
    )
  )

const signalsOf = ({ training }: { readonly training: Retraining.Course }) =>
  training.cold.because.flatMap((reason) => (reason._tag === "Signalled" ? [reason.signal] : []))

describe("a model on the days after it was trained", () => {
  it.effect("goes on from the version before, is Current with that, and comes from nothing after a week", () =>
    onDatabase(
      Effect.gen(function* () {
        const first = yield* trained(0)
        assert.deepInclude(first.training, { from: null, since: 0 })
        assert.deepStrictEqual(tagsOf(first), ["NoEarlierModel"])

        const second = yield* trained(1)
        assert.deepStrictEqual(second.training, { ...first.training, from: first.version, since: 1 })
        assert.notStrictEqual(second.version, first.version)
        assert.deepStrictEqual(second.manifest.trials, first.manifest.trials)
        assert.strictEqual(second.manifest.algorithm, first.manifest.algorithm)
        assert.isAbove(second.manifest.listens, first.manifest.listens)
        assert.deepStrictEqual((yield* plan("model")).steps, [])

        const third = yield* trained(2)
        assert.deepInclude(third.training, { from: second.version, since: 2 })
        assert.match(
          String(metadataOf(third.ran)["model"]!["trained"]),
          new RegExp(`^on from ${second.version.slice(0, 8)}, 2 trainings after the one from nothing: there was no`)
        )
        assert.match((yield* assetsModel("show", "challenger")).text, /^ {2}trained +on from .*, 2 trainings after/m)

        const later = yield* trained(7)
        assert.deepInclude(later.training, { from: null, since: 0 })
        assert.deepStrictEqual(later.training.cold.because, [{ _tag: "ColdLongAgo", days: 7 }])
      })
    )
  )

  it.effect("comes from nothing where there is nothing new to go on with, and then the same as often as asked", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* trained(0)
        const warm = yield* trained(1)
        const forced = Effect.andThen(materialize({ world, select: "model", force: true }), fitted)
        const cold = yield* forced
        assert.deepStrictEqual(cold.training.cold.because, [{ _tag: "NothingNew" }])
        assert.deepStrictEqual(cold.manifest.digests, warm.manifest.digests)
        assert.strictEqual((yield* forced).version, cold.version)
        assert.strictEqual((yield* state(model))!.dataVersion, cold.version)
      })
    )
  )

  it.effect("comes from nothing where somebody was erased, and where the version before cannot be read", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* trained(0)
        yield* rows("insert into music.erased (user_hash) values ('of somebody')")
        const without = yield* trained(1)
        assert.deepStrictEqual(tagsOf(without), ["UserErased"])
        assert.strictEqual(without.training.erased, 1)
        assert.strictEqual((yield* trained(2)).training.from, without.version)

        yield* rows("update assets.blob set sha256 = repeat('0', 64) where asset = 'model'")
        assert.deepStrictEqual(tagsOf(yield* trained(3)), ["NoEarlierModel"])
        yield* rows("update assets.blob set manifest = '{\"of\":\"another form\"}' where asset = 'model'")
        assert.deepStrictEqual(tagsOf(yield* trained(4)), ["NoEarlierModel"])
      })
    )
  )
})

describe("a model that the data has outgrown", () => {
  it.effect("comes from nothing, and says what its algorithm says", () =>
    onDatabase(
      Effect.gen(function* () {
        const { manifest, version } = yield* trained(0)
        const { bytes } = (yield* Blob.version(model, version))!
        const listens = yield* StoredListens.listens
        const earlier = (yield* Training.earlier({ bytes, manifest, version }))!
        const facts = yield* Training.facts(listens, earlier, manifest)
        const outgrown = new Algorithm.NotApplicable({ algorithm: "ease", reason: "there are too many tracks" })
        const candidate = { ...Tuning.ease[0]!, resume: () => Effect.fail(outgrown) }
        const training = { ...manifest.training!, from: version, since: 1 }
        const ended = yield* Training.train({ _tag: "Warm", candidate, earlier, training }, facts, listens)
        assert.deepInclude(ended.manifest.training, { from: null, since: 0 })
        assert.deepStrictEqual(ended.manifest.training.cold.because, [
          { _tag: "NotApplicable", reason: "there are too many tracks" }
        ])
        assert.strictEqual(ended.manifest.trials.length, Tuning.candidates.length)
      })
    )
  )
})

describe("a model of iALS", () => {
  it.effect("goes on by one epoch, with its loss told, from the factors that were stored", () =>
    onDatabase(
      Effect.gen(function* () {
        const { manifest: before, training } = yield* trained(0)
        const listens = yield* StoredListens.listens
        const ials = Tuning.ials[0]!
        const fit = yield* ials.fit(yield* StoredListens.features(ials.recency))
        const bytes = Algorithms.encode("ials", fit)
        const made = Manifest.make(ials, listens, "by hand", [], { ...before, model: fit })
        const manifest = { ...made, training }
        yield* Publication.publish(withoutSource, model, { bytes, manifest }, "test")
        const given = yield* fitted

        const heard: Array<string> = []
        const next = yield* trained(1).pipe(
          Effect.provideService(Body.Watcher, ({ asset }, words) =>
            Effect.sync(() => void heard.push(`${asset}: ${words}`))
          )
        )
        assert.deepInclude(next.manifest, { algorithm: "ials", parameters: ials.parameters, protocol: "by hand" })
        assert.strictEqual(next.training.from, given.version)
        assert.strictEqual(heard.length, 1)
        assert.match(heard[0]!, /^model: epoch 1 of 1, loss [\d,]+: ials, /)

        const interactions = yield* StoredListens.features(ials.recency)
        const again = yield* ials.resume(interactions, yield* Algorithms.decode(bytes, ials.parameters))
        const digest = Crypto.createHash("sha256").update(Algorithms.encode("ials", again)).digest("hex")
        assert.strictEqual(next.digest, digest)
      })
    )
  )
})

describe("a model with a number that is none", () => {
  it.effect("is not published", () =>
    onDatabase(
      Effect.gen(function* () {
        const { manifest, version } = yield* trained(0)
        const ials = Tuning.ials[0]!
        const fit = yield* ials.fit(yield* StoredListens.features(ials.recency))
        fit.sections[0]!.data[5] = NaN
        const broken = { bytes: Algorithms.encode("ials", fit), manifest: { ...manifest, parameters: ials.parameters } }
        const error = yield* Effect.flip(Publication.publish(withoutSource, model, broken, "test"))
        assert.strictEqual(error._tag, "PublicationBlocked")
        assert.include(error.message, "not all numbers are finite in trackFactors")
        assert.strictEqual((yield* fitted).version, version)
      })
    )
  )
})

describe("a signal that a model should learn again", () => {
  it.effect("is the same value for the check that warns of it and for the training that it is the reason of", () =>
    onDatabase(
      Effect.gen(function* () {
        const ring = Worlds.ring(300)
        const to = (track: (user: number) => number): Worlds.Still => ({
          ...ring,
          lists: ring.users.slice(0, 100).map(({ id }) => Worlds.list(id!, track(id!), track(id!) + 1))
        })
        yield* materialize({ world: to((user) => 1 + (user % 7) * (user % 5)) })
        yield* TestClock.setTime(noon + millisPerDay)
        const moved = to((user) => 1 + 24 * (user % 4 === 0 ? 1 : 2))
        const checked = yield* materialize({ world: moved, select: ["listen_history", "features", "recommendations"] })
        const warned = warnings(checked)
        const signals = signalsOf(yield* trained(1, moved))
        assert.deepStrictEqual(
          signals.map(({ _tag }) => _tag),
          ["Listening", "Tracks"]
        )
        for (const [index, check] of ["listening-as-learnt", "tracks-known"].entries()) {
          const { _tag, ...numbers } = signals[index]!
          const warning = warned.get(check)
          assert.deepStrictEqual(warning?.metadata, numbers)
          assert.strictEqual(warning?.reason, Signal.explain(signals[index]!))
        }
      })
    )
  )

  it.effect("are clicks that fell since a version is served, which is answered by one training from nothing", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world })
        const [{ version }] = (yield* rows<{ version: string }>(
          "select distinct model_version as version from music.recommendations"
        )) as [{ version: string }]
        yield* shown("before", "2026-02-20", 5)
        yield* shown(version, today, 10)
        yield* shown(version, "2026-03-02", 10)
        yield* TestClock.setTime(noon + millisPerDay)
        // The second day is not over: that nothing was clicked on may change.
        yield* rows("delete from music.feedback where at > '2026-03-02' and kind = 'click'")

        const answer = yield* trained(1)
        assert.deepStrictEqual(tagsOf(answer), ["Signalled"])
        const ran = yield* materialize({ world, select: "recommendations", force: true })
        const { reason } = warnings(ran).get("clicked-as-before")!
        assert.deepStrictEqual(signalsOf(answer).map(Signal.explain), [reason])
        assert.match(
          reason,
          /^fewer are clicked on: 10\.\d % of [\d,]+ that .{8} recommended, (19|20)\.\d % of [\d,]+ before \(p /
        )
        const next = yield* trained(2)
        assert.strictEqual(next.training.from, answer.version)
      })
    )
  )

  it.effect("counts an impression as clicked on once, up to the next one, on whole days, of its own version", () =>
    onDatabase(
      Effect.gen(function* () {
        yield* materialize({ world: Worlds.ring(20), select: ["users", "tracks"] })
        const tell = (kind: string, version: string, at: string, user = 1) =>
          rows(
            `insert into music.feedback (user_id, track_id, kind, at, position, model_version)
            values ($1, 1, $2, $3, 1, $4)`,
            [user, kind, `${at}Z`, version]
          )
        assert.deepInclude(yield* Signals.clicks("b"), { shown: 0, before: null, shownBefore: 0, pValue: 1 })
        yield* tell("impression", "oldest", "2026-02-27T10:00")
        yield* tell("impression", "a", "2026-02-28T10:00")
        yield* tell("impression", "a", "2026-02-28T11:00")
        yield* tell("click", "a", "2026-02-28T11:30")
        yield* tell("click", "a", "2026-02-28T11:40")
        yield* tell("impression", "b", "2026-03-01T10:00")
        yield* tell("click", "a", "2026-03-01T10:01")
        yield* tell("impression", "b", "2026-03-01T10:00", 2)
        // After midnight it is still a click on what was shown before.
        yield* tell("click", "b", "2026-03-02T00:01", 2)
        yield* tell("impression", "b", "2026-03-01T10:00", 3)
        yield* tell("click", "b", "2026-03-01T10:00", 3)
        yield* tell("impression", "b", "2026-03-02T09:00", 4)
        const signal = yield* Signals.clicks("b")
        assert.deepInclude(signal, { version: "b", shown: 3, clicked: 2 })
        assert.deepInclude(signal, { before: "a", shownBefore: 2, clickedBefore: 1 })
        assert.isFalse(Signal.hasFired(signal))
        assert.deepInclude(yield* Signals.clicks("unheard of"), { shown: 0, clicked: 0, before: "b", pValue: 1 })
      })
    )
  )
})

/** Each user is shown each track on a day, and clicks on every so many of them a minute later. */
const shown = (version: string, day: string, each: number) =>
  rows(
    `insert into music.feedback (user_id, track_id, kind, at, position, model_version)
    select u.id, t.id, kind, $1::timestamptz + case kind when 'click' then interval '1 minute' else interval '0' end, 1, $2
    from music.users u, music.tracks t, unnest(array['impression', 'click']) kind
    where kind = 'impression' or (u.id * 31 + t.id * 7) % $3::integer = 0`,
    [`${day}T12:00Z`, version, each]
  )
