import { expect, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Blob from "../../runtime/Blob.ts"
import * as IoManager from "../../runtime/IoManager.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Values from "./Values.ts"

const Manifest = Schema.Struct({ algorithm: Schema.String, items: Schema.Int })

const models = () => Blob.make({ manifest: Manifest })

/** Three versions are kept. */
const history = Blob.make({ manifest: Manifest, keep: 3 })

/** As `history` keeps them, newest first. */
const itemsOf = (slot: { readonly asset: string }) =>
  Effect.map(Blob.versions({ key: slot.asset, io: history }), (kept) => kept.map(({ manifest }) => manifest?.items))

const bytes = (text: string) => new TextEncoder().encode(text)

const model = (text: string, items = 1) => ({ bytes: bytes(text), manifest: { algorithm: "knn", items } })

const down = new IoManager.IoError({ asset: "model", operation: "stage", detail: "down", retryable: true })

const suite = (name: string, blobs: Layer.Layer<Blob.Blobs, unknown>) =>
  layer(blobs, { timeout: "60 seconds" })(name, (it) => {
    it.effect("give back the bytes and the manifest that were published", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(models)
        const version = yield* slot.publish(model("weights", 3))
        const handle = yield* slot.load(version)
        const digest = Crypto.createHash("sha256").update("weights").digest("hex")
        expect(handle).toMatchObject({ manifest: { algorithm: "knn", items: 3 }, size: 7, digest, version })
        expect(yield* handle.bytes).toEqual(bytes("weights"))
        expect(yield* slot.digest).toBe(version)
      })
    )

    it.effect("take bytes from streams, of many pieces or none", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(models)
        const other = yield* Values.slot(models)
        const pieces = Stream.fromIterable(["wei", "", "ghts"].map(bytes))
        const digest = yield* slot.publish({ ...model(""), bytes: pieces })
        expect(yield* other.publish(model("weights"))).toBe(digest)
        const empty = yield* slot.load(yield* slot.publish({ ...model(""), bytes: Stream.empty }))
        expect(yield* empty.bytes).toEqual(new Uint8Array())
        expect(empty.size).toBe(0)
      })
    )

    it.effect("have another version when the bytes or the manifest are others", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(models)
        const versions = yield* Effect.forEach([model("a"), model("b"), model("a", 2)], (value) => slot.publish(value))
        expect(new Set(versions).size).toBe(3)
        expect(yield* slot.publish(model("a"))).toBe(versions[0])
      })
    )

    it.effect("show checks the staged bytes, and publish nothing when the scope closes or the stream fails", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(models)
        const version = yield* slot.publish(model("old"))
        const seen = yield* Effect.scoped(Effect.flatMap(slot.stage(model("new")), ({ candidate }) => candidate.bytes))
        expect(seen).toEqual(bytes("new"))
        const failing = Stream.concat(Stream.make(bytes("half")), Stream.fail(down))
        expect(yield* Effect.flip(slot.publish({ ...model(""), bytes: failing }))).toBe(down)
        expect(yield* (yield* slot.load(version)).bytes).toEqual(bytes("old"))
      })
    )

    it.effect("replace each partition alone and load all of them by key", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(models, "2025-03-03")
        yield* slot.publish(model("a"))
        yield* slot.publish(model("b"), "2025-03-04")
        const sources = ["2025-03-03", "2025-03-04"].map((partition) => ({ asset: slot.asset, partition, version: "" }))
        const all = yield* slot.store.loadAll(slot.asset, sources)
        expect(yield* all.get("2025-03-04")!.bytes).toEqual(bytes("b"))
        yield* slot.store.wipe(slot.ref)
        expect(yield* slot.digest).toBe(null)
        expect(yield* all.get("2025-03-04")!.bytes).toEqual(bytes("b"))
      })
    )

    it.effect("keep as many of the newest versions as was declared, and one alone by default", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(() => history)
        const versions = yield* Effect.forEach([1, 2, 3, 4], (items) => slot.publish(model(`v${items}`, items)))
        const kept = yield* Blob.versions({ key: slot.asset, io: history })
        expect(kept.map(({ version }) => version)).toEqual([versions[3], versions[2], versions[1]])
        expect(kept[2]).toMatchObject({ manifest: { algorithm: "knn", items: 2 }, size: 2, runId: slot.runId })
        expect(kept[2]!.digest).toBe(Crypto.createHash("sha256").update("v2").digest("hex"))
        expect(Date.parse(kept[2]!.publishedAt)).not.toBeNaN()
        const old = yield* Blob.version({ key: slot.asset, io: history }, versions[1]!)
        expect(yield* old!.bytes).toEqual(bytes("v2"))
        expect(yield* Blob.version({ key: slot.asset, io: history }, versions[0]!)).toBeUndefined()

        const single = yield* Values.slot(models)
        yield* Effect.forEach([1, 2], (items) => single.publish(model(`v${items}`, items)))
        expect(yield* itemsOf(single)).toEqual([2])
      })
    )

    it.effect("are the newest version again when an earlier one is published from its handle", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(() => history)
        const versions = yield* Effect.forEach([1, 2, 3], (items) => slot.publish(model(`v${items}`, items)))
        const { manifest, stream } = (yield* Blob.version({ key: slot.asset, io: history }, versions[0]!))!
        expect(yield* slot.publish({ bytes: stream, manifest })).toBe(versions[0])
        expect(yield* itemsOf(slot)).toEqual([1, 3, 2])
        expect(yield* (yield* slot.load(versions[0]!)).bytes).toEqual(bytes("v1"))
        yield* slot.publish(model("v4", 4))
        expect(yield* itemsOf(slot)).toEqual([4, 1, 3])
      })
    )

    it.effect("are listed without the manifests that an earlier schema wrote", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(() => history)
        const version = yield* slot.publish(model("v1"))
        const other = { key: slot.asset, io: Blob.make({ manifest: Schema.Struct({ shape: Schema.Int }), keep: 3 }) }
        expect(yield* Blob.versions(other)).toMatchObject([{ version, manifest: undefined }])
        expect((yield* Effect.flip(Blob.version(other, version))).message).toContain("not as its schema says")
      })
    )

    it.effect("forget the versions of a partition when it is wiped", () =>
      Effect.gen(function* () {
        const slot = yield* Values.slot(() => history, "2025-03-03")
        yield* Effect.forEach(["2025-03-03", "2025-03-04"], (key) =>
          Effect.forEach([1, 2], (items) => slot.publish(model(`v${items}`, items), key))
        )
        yield* slot.store.wipe(slot.ref)
        const owner = { key: slot.asset, io: history }
        expect(yield* Blob.versions(owner, "2025-03-03")).toEqual([])
        expect(yield* Blob.versions(owner, "2025-03-04")).toHaveLength(2)
      })
    )

    it.effect("stage the same content twice at once", () =>
      Effect.gen(function* () {
        const a = yield* Values.slot(models)
        const b = yield* Values.slot(models)
        const big = { ...model(""), bytes: new Uint8Array(1_000_000).fill(7) }
        const [first, second] = yield* Effect.all([a.publish(big), b.publish(big)], { concurrency: 2 })
        expect(first).toBe(second)
        expect((yield* (yield* b.load(second)).bytes).length).toBe(1_000_000)
      })
    )
  })

it("are refused as a declaration that keeps none of their versions", () => {
  const problems = (keep: number) =>
    Blob.make({ manifest: Manifest, keep }).problems({ key: "model", partitioned: false })
  expect([problems(1), problems(0), problems(1.5)].map(({ length }) => length)).toEqual([0, 1, 1])
})

suite("blobs in memory", Blob.layerMemory)

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "assets-blobs-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

class Folder extends Context.Service<Folder, string>()("test/Folder") {}

const inFolder = Layer.unwrap(Effect.map(Folder, (folder) => Blob.layer({ folder }))).pipe(
  Layer.provideMerge(Layer.merge(Layer.effect(Folder, temporaryFolder), TestDatabase.layer()))
)

suite("blobs in a folder", inFolder)

const files = (folder: string) =>
  Fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => Path.relative(folder, Path.join(entry.parentPath, entry.name)))

// With the machine's clock, which the times of files are of.
layer(inFolder, { timeout: "60 seconds", excludeTestServices: true })("blobs in a folder only", (it) => {
  it.effect("are files named by their content, and leave nothing when they are not published", () =>
    Effect.gen(function* () {
      const folder = yield* Folder
      const slot = yield* Values.slot(models)
      yield* Effect.scoped(slot.stage(model("nobody publishes this")))
      expect(files(folder)).toEqual([])
      const { digest } = yield* slot.load(yield* slot.publish(model("weights")))
      expect(files(folder)).toEqual([Path.join(digest.slice(0, 2), digest)])
    })
  )

  it.effect("stay as they were when the transaction of a publish is rolled back, which can be repeated", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const slot = yield* Values.slot(models)
      const version = yield* slot.publish(model("old"))
      const staged = yield* slot.stage(model("new"))
      yield* Effect.flip(sql.withTransaction(Effect.andThen(staged.publish, Effect.fail("fenced"))))
      expect(yield* slot.digest).toBe(version)
      yield* sql.withTransaction(staged.publish)
      expect(yield* (yield* slot.load(staged.digest)).bytes).toEqual(bytes("new"))
    }).pipe(Effect.scoped)
  )

  it.effect("fail to be read when the file is gone or another", () =>
    Effect.gen(function* () {
      const folder = yield* Folder
      const slot = yield* Values.slot(models)
      const handle = yield* slot.load(yield* slot.publish(model("to be changed")))
      const path = Path.join(folder, handle.digest.slice(0, 2), handle.digest)
      Fs.writeFileSync(path, "changed")
      expect((yield* Effect.flip(handle.bytes)).message).toContain("is not what was written")
      expect((yield* Effect.flip(slot.digest)).message).toContain("is not what was written")
      Fs.rmSync(path)
      expect((yield* Effect.flip(handle.bytes)).message).toContain("no such file")
    })
  )

  it.effect("stay as files for as long as a version of theirs is kept", () =>
    Effect.gen(function* () {
      const folder = yield* Folder
      const slot = yield* Values.slot(() => history)
      yield* Effect.forEach([1, 2, 3, 4], (items) => slot.publish(model(`kept ${items}`, items)))
      const yesterday = new Date(Date.now() - 25 * 3_600_000)
      for (const file of files(folder)) Fs.utimesSync(Path.join(folder, file), yesterday, yesterday)
      yield* Blob.collect
      const names = files(folder).map((file) => Path.basename(file))
      const digests = [1, 2, 3, 4].map((items) => Crypto.createHash("sha256").update(`kept ${items}`).digest("hex"))
      expect(digests.map((digest) => names.includes(digest))).toEqual([false, true, true, true])
    })
  )

  it.effect("are collected a day after nothing uses them any more", () =>
    Effect.gen(function* () {
      const folder = yield* Folder
      const slot = yield* Values.slot(models)
      const old = yield* slot.load(yield* slot.publish(model("used no more")))
      const { digest } = yield* slot.load(yield* slot.publish(model("used")))
      const left = Path.join("staging", "left-by-a-dead-run")
      Fs.writeFileSync(Path.join(folder, left), "half")
      expect(yield* Blob.collect).toBe(0)
      const yesterday = new Date(Date.now() - 25 * 3_600_000)
      for (const file of files(folder)) Fs.utimesSync(Path.join(folder, file), yesterday, yesterday)
      yield* slot.publish(model("used"))
      yield* Blob.collect
      expect(files(folder)).toContain(Path.join(digest.slice(0, 2), digest))
      expect(files(folder)).not.toContain(Path.join(old.digest.slice(0, 2), old.digest))
      expect(files(folder)).not.toContain(left)
    })
  )
})
