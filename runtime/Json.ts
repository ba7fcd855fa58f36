/**
 * Values that are JSON: small, read whole, replaced whole; their data version is the hash of their canonical form.
 *
 * What is large or binary is a `Blob`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as IoManager from "./IoManager.ts"
import * as Partition from "./Partition.ts"
import * as SqlFailure from "./SqlFailure.ts"
import * as Version from "./Version.ts"

/** A value's canonical JSON, and the data version it was published with. */
export interface Stored {
  readonly version: string
  readonly json: string
}

/** Keeps JSON texts, one for each slice. */
export class JsonValues extends Context.Service<
  JsonValues,
  {
    readonly get: (ref: Partition.Ref) => Effect.Effect<Stored | undefined, IoManager.IoError>
    readonly getAll: (asset: string) => Effect.Effect<ReadonlyMap<string, Stored>, IoManager.IoError>
    /** Runs in the caller's transaction. */
    readonly put: (ref: Partition.Ref, stored: Stored) => Effect.Effect<void, IoManager.IoError>
    readonly remove: (ref: Partition.Ref) => Effect.Effect<void, IoManager.IoError>
  }
>()("assets/JsonValues") {}

/** All partitions by their keys. */
export type ByPartition<A> = ReadonlyMap<string, A>

/** What a body returns for many partitions: the value of each. */
export type OfRange<A> = Readonly<Record<string, A>> | ByPartition<A>

export type Io<A> = IoManager.Io<A, never, A, ByPartition<A>, A, JsonValues, OfRange<A>>

/** Values are kept through the schema's JSON codec, up to 8 MiB. */
export const make = <S extends Schema.Codec<unknown, unknown>>(options: { readonly schema: S }): Io<S["Type"]> => {
  const codec = Schema.toCodecJson(options.schema)
  return IoManager.make({
    kind: "json",
    refusesRanges: undefined,
    describe: ({ key }) => `json ${key}`,
    problems: () => [],
    schema: () => Schema.toJsonSchemaDocument(options.schema),
    store: ({ key }) => Effect.map(JsonValues, (values) => makeStore(values, key, codec))
  })
}

/** In the table `assets.json_value`. */
export const layer: Layer.Layer<JsonValues, never, SqlClient.SqlClient> = Layer.effect(
  JsonValues,
  Effect.map(SqlClient.SqlClient, (sql) => ({
    get: ({ asset, partition }) =>
      sql<Stored>`
        select version, value as json from assets.json_value
        where asset = ${asset} and partition = ${partition ?? ""}`.pipe(
        Effect.mapBoth({ onSuccess: ([stored]) => stored, onFailure: SqlFailure.toIoError(asset, "load") })
      ),
    getAll: (asset) =>
      sql<Stored & { readonly partition: string }>`
        select partition, version, value as json from assets.json_value where asset = ${asset}`.pipe(
        Effect.mapBoth({
          onSuccess: (rows) => new Map(rows.map((row) => [row.partition, row])),
          onFailure: SqlFailure.toIoError(asset, "load")
        })
      ),
    put: ({ asset, partition }, { json, version }) =>
      sql`
        insert into assets.json_value (asset, partition, version, value)
        values (${asset}, ${partition ?? ""}, ${version}, ${json})
        on conflict (asset, partition) do update set version = excluded.version, value = excluded.value`.pipe(
        Effect.mapError(SqlFailure.toIoError(asset, "publish")),
        Effect.asVoid
      ),
    remove: ({ asset, partition }) =>
      sql`delete from assets.json_value where asset = ${asset} and partition = ${partition ?? ""}`.pipe(
        Effect.mapError(SqlFailure.toIoError(asset, "wipe")),
        Effect.asVoid
      )
  }))
)

/** In this process. */
export const layerMemory: Layer.Layer<JsonValues> = Layer.sync(JsonValues, () => {
  const values = new Map<string, Partition.Ref & { readonly stored: Stored }>()
  const ofAsset = (key: string) => Array.from(values.values()).filter(({ asset }) => asset === key)
  return {
    get: (ref) => Effect.sync(() => values.get(Partition.id(ref))?.stored),
    getAll: (asset) =>
      Effect.sync(() => new Map(ofAsset(asset).map(({ partition, stored }) => [partition ?? "", stored]))),
    put: (ref, stored) => Effect.sync(() => void values.set(Partition.id(ref), { ...ref, stored })),
    remove: (ref) => Effect.sync(() => void values.delete(Partition.id(ref)))
  }
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

// Half of what one row of the protocol may hold; a larger row would cost the connection.
const maxBytes = 8 * 1024 * 1024

const makeStore = <A>(
  values: JsonValues["Service"],
  asset: string,
  codec: Schema.Codec<A, Schema.Json>
): IoManager.Store<A, never, A, ByPartition<A>, A, OfRange<A>> => {
  const failed = (operation: IoManager.IoError["operation"], detail: string) =>
    new IoManager.IoError({ asset, operation, detail, retryable: false })
  const decode = (ref: Partition.Ref, stored: Stored | undefined) =>
    stored === undefined
      ? Effect.fail(failed("load", `${Partition.show(ref)} has no value`))
      : Effect.try({ try: (): Schema.Json => JSON.parse(stored.json), catch: String }).pipe(
          Effect.flatMap(Schema.decodeEffect(codec)),
          Effect.mapError((cause) =>
            failed("load", `the value of ${Partition.show(ref)} is not as its schema says: ${cause}`)
          )
        )
  const load = (ref: Partition.Ref) => Effect.flatMap(values.get(ref), (stored) => decode(ref, stored))

  const encode = Effect.fnUntraced(function* (value: A, what: string) {
    const encoded = yield* Schema.encodeEffect(codec)(value).pipe(
      Effect.mapError((error) => failed("stage", `${what} does not fit its schema: ${error.message}`))
    )
    const json = Version.canonicalJson(encoded)
    const bytes = Buffer.byteLength(json)
    if (bytes > maxBytes) {
      return yield* failed("stage", `${what} has ${megabytes(bytes)} MiB of JSON, more than 8: use Blob instead`)
    }
    return { bytes, digest: digestOf(json), json }
  })

  return {
    stage: Effect.fnUntraced(function* (to, value) {
      const { bytes, digest, json } = yield* encode(value as A, "the value")
      return {
        candidate: value as A,
        digest,
        rows: null,
        metadata: { bytes },
        publish: values.put(to, { version: digest, json })
      }
    }),
    stageRange: Effect.fnUntraced(function* ({ partitions }, input) {
      const given = byPartition(input as OfRange<A>)
      const stray = Array.from(given.keys()).find((key) => !partitions.includes(key))
      if (stray !== undefined) return yield* failed("stage", `there is a value for ${stray}, which was not asked for`)
      const missing = partitions.find((key) => !given.has(key))
      if (missing !== undefined) return yield* failed("stage", `there is no value for ${missing}`)
      const encoded = new Map<string, Effect.Success<ReturnType<typeof encode>>>()
      for (const key of partitions) encoded.set(key, yield* encode(given.get(key) as A, `the value for ${key}`))
      return {
        candidate: (partition) => given.get(partition) as A,
        slices: Array.from(encoded, ([partition, { digest }]) => ({ partition, digest, rows: null })),
        metadata: { bytes: encoded.values().reduce((sum, { bytes }) => sum + bytes, 0) },
        publish: (changed) =>
          Effect.forEach(
            changed,
            (partition) => {
              const { digest, json } = encoded.get(partition)!
              return values.put({ asset, partition }, { version: digest, json })
            },
            { discard: true }
          )
      }
    }),
    load,
    published: load,
    loadAll: Effect.fnUntraced(function* (_, sources) {
      const stored = yield* values.getAll(asset)
      const loaded = new Map<string, A>()
      for (const source of sources) {
        loaded.set(source.partition ?? "", yield* decode(source, stored.get(source.partition ?? "")))
      }
      return loaded
    }),
    digest: (ref) => Effect.map(values.get(ref), (stored) => (stored === undefined ? null : digestOf(stored.json))),
    wipe: values.remove
  }
}

const byPartition = <A>(input: OfRange<A>): ByPartition<A> =>
  input instanceof Map ? input : new Map(Object.entries(input as Readonly<Record<string, A>>))

const megabytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)

const digestOf = (json: string) => Version.hash("json", [json])
