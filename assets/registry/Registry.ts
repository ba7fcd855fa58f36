/**
 * The models that are kept: versions that `model` and `model_champion` had, which of them are champion and challenger, and
 * which were rolled back.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Blob, ExitCode } from "../../runtime/index.ts"
import { model } from "../model.ts"
import { modelChampion } from "../model_champion.ts"
import type * as Manifest from "../recommender/Manifest.ts"
import * as Popularity from "../recommender/Popularity.ts"
import * as Rollbacks from "./Rollbacks.ts"

export type Alias = "champion" | "challenger"

export interface Entry {
  readonly version: string
  readonly digest: string
  /** In bytes. */
  readonly size: number
  /** `undefined` if an earlier version of this project wrote it in another form. */
  readonly manifest: Manifest.Manifest | undefined
  /** When it was fitted last (ISO 8601), or became the champion if it was never a challenger, and by which run. */
  readonly publishedAt: string
  readonly runId: string
  /** When it became the champion, the last time. */
  readonly promotedAt: string | null
  readonly rolledBackAt: string | null
  readonly aliases: ReadonlyArray<Alias>
}

export interface Registry {
  /** Newest first. */
  readonly entries: ReadonlyArray<Entry>
  /** What was champion, the present one first; each version once. */
  readonly champions: ReadonlyArray<Entry>
}

export const read = Effect.gen(function* () {
  const challengers = yield* Blob.versions(model)
  const champions = yield* Blob.versions(modelChampion)
  return make(challengers, champions, yield* Rollbacks.all)
})

export type Kept = Blob.Kept<Manifest.Manifest>

/** Both newest first, the ones in force at their heads. */
export const make = (
  challengers: ReadonlyArray<Kept>,
  champions: ReadonlyArray<Kept>,
  rollbacks: ReadonlyArray<Rollbacks.Rollback>
): Registry => {
  const promoted = new Map(champions.map((kept) => [kept.version, kept]))
  const all = new Map([...champions, ...challengers].map((kept) => [kept.version, kept]))
  const entries = new Map(
    Array.from(all, ([version, kept]): [string, Entry] => [
      version,
      {
        ...kept,
        promotedAt: promoted.get(version)?.publishedAt ?? null,
        rolledBackAt:
          rollbacks.find((rollback) => rollback.version === version || rollback.digest === kept.digest)?.at ?? null,
        aliases: [
          ...(champions[0]?.version === version ? (["champion"] as const) : []),
          ...(challengers[0]?.version === version ? (["challenger"] as const) : [])
        ]
      }
    ])
  )
  return {
    entries: Array.from(entries.values()).toSorted((a, b) => b.publishedAt.localeCompare(a.publishedAt)),
    champions: champions.map(({ version }) => entries.get(version)!)
  }
}

export const isAlias = (name: string): name is Alias => name === "champion" || name === "challenger"

/** By alias, version or the beginning of one. */
export const find = ({ entries }: Registry, name: string): Result.Result<Entry, ExitCode.UsageError> => {
  const found = isAlias(name)
    ? entries.filter(({ aliases }) => aliases.includes(name))
    : entries.filter(({ version }) => version.startsWith(name))
  if (found.length === 1) return Result.succeed(found[0]!)
  if (found.length > 1) {
    return refuse(`${found.length} versions begin with "${name}": ${found.map(({ version }) => version).join(", ")}`)
  }
  if (entries.length === 0) return refuse("there are no models yet; assets materialize model_champion makes one")
  if (isAlias(name)) return refuse(`there is no ${name}; assets materialize model_champion makes one`)
  const nearest = entries.toSorted((a, b) => common(b.version, name) - common(a.version, name)).slice(0, 3)
  return refuse(
    `no version that is kept begins with "${name}"; the nearest are ${nearest.map(({ version }) => version).join(", ")}`
  )
}

/**
 * The champion before the present one, leaving out those that were rolled back. Before popularity it is a model: popularity
 * of earlier data would be fitted to the present data soon.
 */
export const before = ({ champions }: Registry): Result.Result<Entry, ExitCode.UsageError> => {
  const [present, ...earlier] = champions
  if (present === undefined) return refuse("there is no champion yet; assets materialize model_champion makes one")
  const found = earlier.find((entry) => entry.rolledBackAt === null && !(isPopularity(present) && isPopularity(entry)))
  return found === undefined
    ? refuse(
        "there was no other champion before, or it was rolled back; assets model promote VERSION serves any model that assets model list tells"
      )
    : Result.succeed(found)
}

/** Its bytes and manifest. */
export const handle = Effect.fn("Registry.handle")(function* ({ version }: Entry) {
  const kept = (yield* Blob.version(modelChampion, version)) ?? (yield* Blob.version(model, version))
  return kept ?? (yield* new ExitCode.UsageError({ message: `${version} is not kept any more; see assets model list` }))
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isPopularity = ({ manifest }: Entry): boolean => manifest?.algorithm === Popularity.algorithm.name

const refuse = (message: string) => Result.fail(new ExitCode.UsageError({ message }))

/** How many characters two texts have in common from their beginning. */
const common = (left: string, right: string): number => {
  let length = 0
  while (length < left.length && left[length] === right[length]) length++
  return length
}
