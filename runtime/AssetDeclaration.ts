/**
 * All that a declaration can say of an asset: the namespace `Asset` of whoever declares some.
 */
export * from "./Asset.ts"
export { type ExternalAsset, external, observe } from "./ExternalAsset.ts"
export { ranges } from "./Ranges.ts"
