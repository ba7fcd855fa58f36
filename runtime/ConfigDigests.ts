/**
 * Which settings a value was made with, and whether they are still the same: the keys a body read and digests of their
 * values, under a key kept with the event log. The values themselves are neither stored nor shown.
 *
 * Leaves out what a setting means: that is `Config`'s, and the body's.
 */
import * as Crypto from "node:crypto"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Pipeable from "effect/Pipeable"
import type * as Asset from "./Asset.ts"
import * as Catalog from "./Catalog.ts"
import * as EventLog from "./EventLog.ts"
import type * as Partition from "./Partition.ts"
import type * as Reason from "./Reason.ts"

/** The settings in force where it was made: whoever plans and whoever computes must look at the same ones. */
export interface ConfigDigests {
  /** By key. One that is not set has a digest too; one whose source cannot be read has that of no value. */
  readonly of: (keys: Iterable<string>) => Effect.Effect<ReadonlyMap<string, string>, EventLog.EventLogError>
  /** The catalog, with the digests in force of every key that its values, or those of some slices, were made with. */
  readonly inForce: (
    catalog: Catalog.Catalog,
    slices?: ReadonlyArray<Partition.Ref>
  ) => Effect.Effect<Catalog.Catalog, EventLog.EventLogError>
}

/** By the `ConfigProvider` of the fiber that runs this. */
export const make: Effect.Effect<ConfigDigests, never, EventLog.EventLog> = Effect.gen(function* () {
  const log = yield* EventLog.EventLog
  const provider = yield* ConfigProvider.ConfigProvider
  const digestsOf: ConfigDigests["of"] = Effect.fnUntraced(function* (keys) {
    const digests = new Map<string, string>()
    for (const key of keys) digests.set(key, digest(yield* log.configKey, key, yield* read(provider, key)))
    return digests
  })
  return {
    of: digestsOf,
    inForce: (catalog, slices) => {
      const keys = keysOf(catalog, slices)
      return keys.size === 0
        ? Effect.succeed(catalog)
        : Effect.map(digestsOf(keys), (config): Catalog.Catalog => ({ ...catalog, config }))
    }
  }
})

/** `inForce` by the settings of the fiber that runs this. */
export const inForce = (catalog: Catalog.Catalog) => Effect.flatMap(make, (digests) => digests.inForce(catalog))

/** Why the settings make a value Stale. `digests` are those in force; of a key that has none there, nothing is known. */
export const causes = (
  asset: Asset.Any,
  state: Catalog.AssetState,
  digests: ReadonlyMap<string, string>
): ReadonlyArray<Reason.Cause> => {
  const { config } = state
  const changed: Array<string> = []
  for (const key in config) if ((digests.get(key) ?? config[key]) !== config[key]) changed.push(key)
  for (const key of asset.config) if (!(key in config)) changed.push(key)
  return changed.map((key) => ({ _tag: "ConfigChanged", key }))
}

/**
 * A provider that adds to `keys` what it is asked for, found or not. Keys are paths as its source has them, after what the
 * provider makes of them: `MUSIC_API_URL`, `db.host`, `hosts[0]`, and `labels.*` for the names that stand below `labels`.
 */
export class Recorder extends Pipeable.Class implements ConfigProvider.ConfigProvider {
  private readonly source: ConfigProvider.ConfigProvider
  private readonly keys: Set<string>

  constructor(source: ConfigProvider.ConfigProvider, keys: Set<string>) {
    super()
    this.source = source
    this.keys = keys
  }

  load(path: ConfigProvider.Path) {
    return Effect.suspend(() => {
      const { keys } = this
      const paths: Array<ConfigProvider.Path> = []
      const told = this.source.mapInput((path) => {
        paths.push(path)
        return path
      })
      return told.load(path).pipe(
        Effect.map((node) => listing(node, () => paths.forEach((path) => keys.add(show([...path, every]))))),
        Effect.ensuring(
          // The root is always there; who asks for it goes on to ask for what it has.
          Effect.sync(() => paths.forEach((path) => path.length > 0 && keys.add(show(path))))
        )
      )
    })
  }

  mapInput(f: (path: ConfigProvider.Path) => ConfigProvider.Path) {
    return new Recorder(this.source.mapInput(f), this.keys)
  }
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const every = Symbol("every name below")

type Segment = string | number | typeof every

const show = (path: ReadonlyArray<Segment>): string =>
  path
    .map((segment, index) => {
      if (typeof segment === "number") return `[${segment}]`
      const name = segment === every ? "*" : segment.replaceAll(/[\\.[*]/g, "\\$&")
      return index === 0 ? name : `.${name}`
    })
    .join("")

const parse = (key: string): ReadonlyArray<Segment> =>
  Array.from(key.matchAll(/\[(\d+)\]|(?:^|\.)((?:\\.|[^\\.[])*)/g), ([, index, name]) =>
    index !== undefined ? Number(index) : name === "*" ? every : name!.replaceAll(/\\(.)/g, "$1")
  )

const listing = (node: ConfigProvider.Node | undefined, listed: () => void): ConfigProvider.Node | undefined => {
  if (node?._tag !== "Record") return node
  const { _tag, keys, value } = node
  return {
    _tag,
    value,
    get keys() {
      listed()
      return keys
    }
  }
}

/** What there is at a path of the source, in parts that tell any two apart. */
const read = (provider: ConfigProvider.ConfigProvider, key: string): Effect.Effect<ReadonlyArray<string>> => {
  const segments = parse(key)
  const path = segments.filter((segment) => segment !== every)
  return provider
    .mapInput(() => path)
    .load([])
    .pipe(
      Effect.map((node) => (path.length < segments.length ? namesOf(node) : partsOf(node))),
      Effect.catch(() => Effect.succeed(["unreadable"]))
    )
}

const namesOf = (node: ConfigProvider.Node | undefined) =>
  node?._tag === "Record" ? ["names", ...Array.from(node.keys).sort()] : ["unset"]

// What else begins with the name of a setting in the environment is no part of it.
const partsOf = (node: ConfigProvider.Node | undefined): ReadonlyArray<string> => {
  if (node === undefined) return ["unset"]
  const value = node.value === undefined ? [] : [node.value]
  if (node._tag === "Array") return ["array", String(node.length), ...value]
  return value.length === 0 ? ["unset"] : ["value", ...value]
}

const digest = (secret: string, key: string, parts: ReadonlyArray<string>): string => {
  const hmac = Crypto.createHmac("sha256", secret)
  for (const part of [key, ...parts]) hmac.update(`${Buffer.byteLength(part)}:${part}`)
  return hmac.digest("hex").slice(0, 32)
}

const none: ReadonlySet<string> = new Set()

const keysOf = (catalog: Catalog.Catalog, slices: ReadonlyArray<Partition.Ref> | undefined): ReadonlySet<string> => {
  let keys: Set<string> | undefined
  const add = (state: Catalog.AssetState | undefined) => {
    for (const key in state?.config) (keys ??= new Set()).add(key)
  }
  if (slices === undefined) for (const states of catalog.states.values()) states.forEach(add)
  else for (const slice of slices) add(Catalog.get(catalog, slice))
  return keys ?? none
}
