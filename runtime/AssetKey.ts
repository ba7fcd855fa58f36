/**
 * The name of an asset: the identity that plans, events, files and tables share.
 *
 * Says nothing about partitions; an asset and one of its partition keys make a `Partition.Ref`.
 */
import * as Schema from "effect/Schema"

export const AssetKey = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9_]{0,62}$/, {
    description: "a lower-case letter followed by up to 62 lower-case letters, digits and underscores"
  })
)
export type AssetKey = typeof AssetKey.Type

export const isAssetKey = Schema.is(AssetKey)
