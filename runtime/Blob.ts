/**
 * Values that are bytes with a typed manifest, such as models: files named by their content in a folder, and in the
 * database which of them an asset has published, and which versions came before.
 *
 * Values that are small and structured are `Json`.
 */
import * as Crypto from "node:crypto"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as BlobFolder from "./BlobFolder.ts"
import * as IoManager from "./IoManager.ts"
import * as Partition from "./Partition.ts"
import * as SqlFailure from "./SqlFailure.ts"
import * as Timestamp from "./Timestamp.ts"
import * as Version from "./Version.ts"

/**
 * What a body returns. The data version is a hash of the bytes and the manifest, so neither may hold what moves by
 * itself, such as times and durations: those are metadata.
 */
export interface Input<M> {
  readonly bytes: Uint8Array | Stream.Stream<Uint8Array, IoManager.IoError>
  readonly manifest: M
}

/** A blob; its bytes are read when asked for, and fail when they are not those that were written. */
export interface Handle<out M> {
  readonly manifest: M
  readonly bytes: Effect.Effect<Uint8Array, IoManager.IoError>
  /** For those who can work before the end: a mismatch is noticed only there. */
  readonly stream: Stream.Stream<Uint8Array, IoManager.IoError>
  /** In bytes. */
  readonly size: number
  /** sha256 of the bytes in hexadecimal. */
  readonly digest: string
  readonly version: string
}

/** Which content a slice has published, with its manifest as canonical JSON. */
export interface Published extends BlobFolder.Content {
  readonly version: string
  readonly manifest: string
}

/** One that was published, with when that was last (ISO 8601) and by which run. */
export interface Earlier extends Published {
  readonly publishedAt: string
  readonly runId: string
}

/** A version that is still kept. */
export interface Kept<out M> extends Omit<Earlier, "sha256" | "manifest"> {
  /** `undefined` where the schema of manifests was another one then. */
  readonly manifest: M | undefined
  /** sha256 of the bytes in hexadecimal. */
  readonly digest: string
}

/** Content that is kept and not yet published. */
export interface Aside extends BlobFolder.Content {
  readonly bytes: Bytes
  /**
   * Puts the content in its place, then records it, as the newest of `keep` versions; runs in the caller's transaction.
   */
  readonly publish: (published: Published, keep: number) => Effect.Effect<void, IoManager.IoError>
}

type Bytes = Stream.Stream<Uint8Array, IoManager.IoError>

/** Keeps blobs. */
export class Blobs extends Context.Service<
  Blobs,
  {
    readonly stage: (to: IoManager.Target, bytes: Bytes) => Effect.Effect<Aside, IoManager.IoError, Scope.Scope>
    readonly read: (asset: string, content: BlobFolder.Content) => Bytes
    readonly get: (ref: Partition.Ref) => Effect.Effect<Published | undefined, IoManager.IoError>
    /** Newest first: the published one, then those before it that are kept. */
    readonly versions: (ref: Partition.Ref) => Effect.Effect<ReadonlyArray<Earlier>, IoManager.IoError>
    /** All versions of it. */
    readonly remove: (ref: Partition.Ref) => Effect.Effect<void, IoManager.IoError>
    readonly collect: Effect.Effect<number, IoManager.IoError>
  }
>()("assets/Blobs") {}

/** Removes content that no version is kept of and no one wrote since a day; answers how many files that were. */
export const collect = Effect.flatMap(Blobs, (blobs) => blobs.collect).pipe(Effect.withSpan("Blob.collect"))

export interface Io<in out M> extends IoManager.Io<
  Input<M>,
  never,
  Handle<M>,
  ReadonlyMap<string, Handle<M>>,
  Handle<M>,
  Blobs
> {
  readonly manifest: Schema.Codec<M, Schema.Json>
}

/**
 * The manifest says what the bytes are; it goes through its schema's JSON codec. `keep` is how many of the newest versions
 * of each slice stay readable, the published one among them (default: it alone). A wipe removes all of them.
 */
export const make = <S extends Schema.Codec<unknown, unknown>>(options: {
  readonly manifest: S
  readonly keep?: number
}): Io<S["Type"]> => {
  const { keep = 1 } = options
  const manifest = Schema.toCodecJson(options.manifest)
  const io = IoManager.make({
    kind: "blob",
    refusesRanges: "a blob is one file for each partition, staged by itself",
    describe: ({ key }) => `blob ${key}`,
    problems: () =>
      Number.isInteger(keep) && keep >= 1 ? [] : [`keep is ${keep}; it is a whole number of versions, at least 1`],
    schema: () => Schema.toJsonSchemaDocument(options.manifest),
    store: ({ key }) => Effect.map(Blobs, (blobs) => makeStore<S["Type"]>(blobs, key, manifest, keep))
  })
  return { ...io, manifest }
}

/** An asset whose values are blobs. */
export interface Owner<in out M> {
  readonly key: string
  readonly io: Io<M>
}

/** What is kept of a slice, newest first: the published version and those before it. */
export const versions = Effect.fn("Blob.versions")(function* <M>(
  { io, key }: Owner<M>,
  partition: Partition.Key = null
) {
  const earlier = yield* (yield* Blobs).versions({ asset: key, partition })
  return yield* Effect.forEach(earlier, ({ manifest, sha256, ...version }) =>
    Effect.map(
      Effect.orElseSucceed(readManifest(io.manifest, manifest), () => undefined),
      (manifest): Kept<M> => ({ ...version, manifest, digest: sha256 })
    )
  )
})

/** A version of a slice; `undefined` where it is not kept, or never was. */
export const version = Effect.fn("Blob.version")(function* <M>(
  { io, key }: Owner<M>,
  version: string,
  partition: Partition.Key = null
) {
  const blobs = yield* Blobs
  const earlier = yield* blobs.versions({ asset: key, partition })
  const found = earlier.find((one) => one.version === version)
  return found && (yield* toHandle(blobs, key, io.manifest, found))
})

/**
 * Files in `folder`, which is made when it is missing; what is published stands in the table `assets.blob`, and
 * with the versions before it in `assets.blob_version`.
 */
export const layer = (options: { readonly folder: string }): Layer.Layer<Blobs, never, SqlClient.SqlClient> =>
  Layer.effect(
    Blobs,
    Effect.map(SqlClient.SqlClient, (sql) => makeBlobs(sql, options.folder))
  )

/** In this process. */
export const layerMemory: Layer.Layer<Blobs> = Layer.sync(Blobs, () => {
  const contents = new Map<string, Uint8Array>()
  const published = new Map<string, ReadonlyArray<Earlier>>()
  const versions = (ref: Partition.Ref) => published.get(Partition.id(ref)) ?? []
  return {
    stage: (to, bytes) =>
      Effect.map(Stream.runCollect(bytes), (pieces) => {
        const content = new Uint8Array(Buffer.concat(pieces))
        const sha256 = Crypto.createHash("sha256").update(content).digest("hex")
        return {
          sha256,
          size: content.length,
          bytes: Stream.succeed(content),
          publish: (of, keep) =>
            Effect.map(Timestamp.now, (publishedAt) => {
              const others = versions(to).filter(({ version }) => version !== of.version)
              contents.set(sha256, content)
              published.set(Partition.id(to), [{ ...of, publishedAt, runId: to.runId }, ...others].slice(0, keep))
            })
        }
      }),
    read: (_, { sha256 }) =>
      Stream.suspend(() => Stream.fromIterable([contents.get(sha256)].filter((one) => one !== undefined))),
    get: (ref) => Effect.sync(() => versions(ref)[0]),
    versions: (ref) => Effect.sync(() => versions(ref)),
    remove: (ref) => Effect.sync(() => void published.delete(Partition.id(ref))),
    collect: Effect.sync(() => {
      const used = new Set(Array.from(published.values()).flatMap((kept) => kept.map(({ sha256 }) => sha256)))
      const unused = Array.from(contents.keys()).filter((sha256) => !used.has(sha256))
      for (const sha256 of unused) contents.delete(sha256)
      return unused.length
    })
  }
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const dayMillis = 86_400_000

// Any number that no other advisory lock of the runtime has.
const collectionLock = 7205

type Sha = Pick<BlobFolder.Content, "sha256">

const makeBlobs = (sql: SqlClient.SqlClient, folder: string): Blobs["Service"] => {
  const read = (asset: string, content: BlobFolder.Content, aside: ReadonlyArray<string> = []) =>
    Stream.mapError(BlobFolder.read([...aside, BlobFolder.pathOf(folder, content)], content), toIoError(asset, "load"))
  // Whoever loaded it before may still read it: its day begins now.
  const outdate = (contents: ReadonlyArray<Sha>) =>
    Effect.forEach(contents, (content) => BlobFolder.touch(folder, content), { discard: true })
  const record = Effect.fnUntraced(function* (to: IoManager.Target, published: Published) {
    const { asset, partition, runId } = to
    const { manifest, sha256, size, version } = published
    yield* sql`
      insert into assets.blob (asset, partition, version, sha256, size, manifest)
      values (${asset}, ${partition ?? ""}, ${version}, ${sha256}, ${size}, ${manifest})
      on conflict (asset, partition) do update
      set version = excluded.version, sha256 = excluded.sha256, size = excluded.size, manifest = excluded.manifest`
    yield* sql`
      insert into assets.blob_version (asset, partition, version, sha256, size, manifest, published_at, run_id)
      values (${asset}, ${partition ?? ""}, ${version}, ${sha256}, ${size}, ${manifest}, ${yield* Timestamp.now}, ${runId})
      on conflict (asset, partition, version) do update
      set position = default, published_at = excluded.published_at, run_id = excluded.run_id`
  })
  /** Forgets all but the newest. */
  const forget = ({ asset, partition }: Partition.Ref, keep: number) =>
    sql<Sha>`
      delete from assets.blob_version v using (
        select version from assets.blob_version where asset = ${asset} and partition = ${partition ?? ""}
        order by position desc offset ${keep}
      ) old
      where v.asset = ${asset} and v.partition = ${partition ?? ""} and v.version = old.version
      returning v.sha256`

  return {
    stage: Effect.fnUntraced(function* (to, bytes) {
      const { asset, runId } = to
      const aside = yield* Effect.mapError(BlobFolder.write(folder, runId, bytes), toIoError(asset, "stage"))
      return {
        ...aside,
        bytes: read(asset, aside, [aside.path]),
        // In place before the statement that names it. A collection of files waits for the transaction's end.
        publish: Effect.fnUntraced(
          function* (published, keep) {
            yield* sql`select pg_advisory_xact_lock_shared(${collectionLock})`
            yield* aside.place
            yield* record(to, published)
            yield* outdate(yield* forget(to, keep))
          },
          Effect.mapError(toIoError(asset, "publish"))
        )
      }
    }),
    read: (asset, content) => read(asset, content),
    get: ({ asset, partition }) =>
      sql<Published>`
        select version, sha256, size::double precision as size, manifest from assets.blob
        where asset = ${asset} and partition = ${partition ?? ""}`.pipe(
        Effect.mapBoth({ onSuccess: ([row]) => row, onFailure: toIoError(asset, "load") })
      ),
    versions: ({ asset, partition }) =>
      sql<Earlier>`
        select version, sha256, size::double precision as size, manifest, published_at as "publishedAt", run_id as "runId"
        from assets.blob_version where asset = ${asset} and partition = ${partition ?? ""}
        order by position desc`.pipe(Effect.mapError(toIoError(asset, "load"))),
    remove: Effect.fnUntraced(
      function* (ref) {
        const { asset, partition } = ref
        yield* sql`delete from assets.blob where asset = ${asset} and partition = ${partition ?? ""}`
        yield* outdate(yield* forget(ref, 0))
      },
      (removal, { asset }) => Effect.mapError(removal, toIoError(asset, "wipe"))
    ),
    collect: Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(${collectionLock})`
      const rows = yield* sql<Sha>`select distinct sha256 from assets.blob_version`
      const used = new Set(rows.map(({ sha256 }) => sha256))
      const before = (yield* Clock.currentTimeMillis) - dayMillis
      return yield* BlobFolder.collect(folder, (sha256) => used.has(sha256), before)
    }).pipe(sql.withTransaction, Effect.mapError(toIoError("blobs", "wipe")))
  }
}

const toIoError =
  (asset: string, operation: IoManager.IoError["operation"]) =>
  (error: SqlError | BlobFolder.FileError | IoManager.IoError): IoManager.IoError => {
    if (error._tag === "IoError") return error
    if (error._tag === "SqlError") return SqlFailure.toIoError(asset, operation)(error)
    // Gone, or not what was written; a file that cannot be opened is another matter.
    const isLost = operation === "load" && (error.code === undefined || error.code === "ENOENT")
    const detail = isLost ? `${error.message}. To write it anew: assets materialize --force ${asset}` : error.message
    return new IoManager.IoError({ asset, operation, detail, retryable: false, cause: error })
  }

const makeStore = <M>(
  blobs: Blobs["Service"],
  asset: string,
  codec: Schema.Codec<M, Schema.Json>,
  keep: number
): IoManager.Store<Input<M>, never, Handle<M>, ReadonlyMap<string, Handle<M>>, Handle<M>> => {
  const load = Effect.fnUntraced(function* (source: IoManager.Source) {
    const published = yield* blobs.get(source)
    if (published === undefined) return yield* failed(asset, "load", `${Partition.show(source)} has no value`)
    return yield* toHandle(blobs, asset, codec, published)
  })

  return {
    stage: Effect.fnUntraced(function* (to, input) {
      // A blob has no stream of elements, so the input is never one.
      const { bytes, manifest } = input as Input<M>
      const encoded = yield* Schema.encodeEffect(codec)(manifest).pipe(
        Effect.mapError((error) => failed(asset, "stage", `the manifest does not fit its schema: ${error.message}`))
      )
      const json = Version.canonicalJson(encoded)
      const aside = yield* blobs.stage(to, Stream.isStream(bytes) ? bytes : Stream.succeed(bytes))
      const { sha256, size } = aside
      const digest = digestOf(sha256, json)
      return {
        candidate: handleOf(manifest, aside, digest, aside.bytes),
        digest,
        rows: null,
        metadata: { bytes: size },
        publish: aside.publish({ version: digest, sha256, size, manifest: json }, keep)
      }
    }),
    load,
    published: load,
    loadAll: (_, sources) =>
      Effect.map(
        Effect.forEach(sources, (source) => Effect.map(load(source), (one) => [source.partition ?? "", one] as const)),
        (loaded) => new Map(loaded)
      ),
    // Reads the bytes, so that a file that is gone or was changed is an error.
    digest: Effect.fnUntraced(function* (ref) {
      const published = yield* blobs.get(ref)
      if (published === undefined) return null
      yield* Stream.runDrain(blobs.read(asset, published))
      return digestOf(published.sha256, published.manifest)
    }),
    wipe: blobs.remove
  }
}

const toHandle = <M>(
  blobs: Blobs["Service"],
  asset: string,
  codec: Schema.Codec<M, Schema.Json>,
  published: Published
): Effect.Effect<Handle<M>, IoManager.IoError> =>
  Effect.mapBoth(readManifest(codec, published.manifest), {
    onSuccess: (manifest) => handleOf(manifest, published, published.version, blobs.read(asset, published)),
    onFailure: (cause) => failed(asset, "load", `the manifest is not as its schema says: ${cause}`)
  })

const readManifest = <M>(codec: Schema.Codec<M, Schema.Json>, json: string) =>
  Effect.flatMap(Effect.try({ try: (): Schema.Json => JSON.parse(json), catch: String }), Schema.decodeEffect(codec))

const handleOf = <M>(manifest: M, { sha256, size }: BlobFolder.Content, version: string, stream: Bytes): Handle<M> => {
  const bytes = Effect.map(Stream.runCollect(stream), (pieces) => new Uint8Array(Buffer.concat(pieces)))
  return { manifest, bytes, stream, size, digest: sha256, version }
}

const failed = (asset: string, operation: IoManager.IoError["operation"], detail: string) =>
  new IoManager.IoError({ asset, operation, detail, retryable: false })

const digestOf = (sha256: string, manifest: string) => Version.hash("blob", [sha256, manifest])
