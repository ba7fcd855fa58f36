/**
 * A kind of value that needs no place: values are their own versions, and what a dependent gets of them is the version it
 * was recorded with.
 */
import * as Effect from "effect/Effect"
import * as IoManager from "../runtime/IoManager.ts"
import type * as Partition from "../runtime/Partition.ts"
import * as Version from "../runtime/Version.ts"

export interface Place {
  /** Runs where a value would be made visible. */
  readonly publish: (target: IoManager.Target, value: string) => Effect.Effect<void, IoManager.IoError>
  /** The value that is visible. */
  readonly digest: (ref: Partition.Ref) => Effect.Effect<string | null>
}

export const make = ({ digest, publish }: Place) =>
  IoManager.make<string, never, string, string, string, never, Readonly<Record<string, string>>>({
    kind: "version",
    describe: ({ key }) => `version ${key}`,
    problems: () => [],
    refusesRanges: undefined,
    store: () =>
      Effect.succeed({
        stage: (target, input) => {
          const value = input as string
          const staged = { candidate: value, digest: value, rows: null, metadata: {}, publish: publish(target, value) }
          return Effect.succeed(staged)
        },
        stageRange: (target, input) => {
          const values = input as Readonly<Record<string, string>>
          const slices = Object.entries(values).map(([partition, value]) => ({ partition, digest: value, rows: null }))
          const publishAll = (changed: ReadonlyArray<string>) =>
            Effect.forEach(changed, (partition) => publish({ ...target, partition }, values[partition]!), {
              discard: true
            })
          return Effect.succeed({
            candidate: (partition) => values[partition]!,
            slices,
            metadata: {},
            publish: publishAll
          })
        },
        load: ({ version }) => Effect.succeed(version),
        loadAll: (_, sources) =>
          Effect.succeed(Version.ofPartitions(sources.map(({ partition, version }) => [partition ?? "", version]))),
        published: ({ version }) => Effect.succeed(version),
        digest,
        wipe: () => Effect.void
      })
  })
